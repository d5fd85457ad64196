//! The seam through which assessments are asked for: whoever needs one knows this, and not how it is computed.

mod store;

use std::sync::Arc;

use async_trait::async_trait;
use model::assessment::{Assessment, Interval};
use model::instant::{RecordedAt, ValidAt};
use model::name::Name;
use model::registry::Registry;

use crate::fleet::{PlacePortrait, Portrait};

pub use store::StoreAssess;

/// Units, and perhaps a place, of which portraits are wanted.
#[derive(Clone, Debug)]
pub struct Sitting {
    /// What is registered.
    pub registry: Arc<Registry>,
    /// The units.
    pub units: Vec<Name>,
    /// The place, and over which time.
    pub place: Option<(Name, Interval)>,
    /// The instant asked about.
    pub as_of: ValidAt,
    /// From when on units are drawn; from their beginning when absent.
    pub from: Option<ValidAt>,
    /// Until when units are drawn; until their end or as-of when absent.
    pub to: Option<ValidAt>,
    /// Columns of a drawing.
    pub columns: usize,
    /// Readings looked at, at most.
    pub max_readings: u64,
}

/// Portraits from one read of the store.
#[derive(Clone, Debug, Default)]
pub struct Portraits {
    /// The units that are known at as-of, in the order they were asked for.
    pub units: Vec<Portrait>,
    /// The place.
    pub place: Option<PlacePortrait>,
}

/// Computes what is known of a unit.
#[async_trait]
pub trait Assess: Send + Sync {
    /// What is known of `unit` at `as_of` (now, when absent) from what had been recorded by `known_at` (everything,
    /// when absent); `None` when there is no such unit then. Whatever was acknowledged before the call counts.
    ///
    /// # Errors
    /// When it cannot be computed; nothing may be concluded then, least of all that nothing is wrong.
    async fn assess(
        &self,
        unit: &Name,
        as_of: Option<ValidAt>,
        known_at: Option<RecordedAt>,
    ) -> Result<Option<Assessment>, AssessError>;

    /// What is known of several units at `as_of`, or now, all of them at the same instant: of those that are known then, in
    /// the order they were asked for.
    ///
    /// # Errors
    /// As [`Assess::assess`].
    async fn assess_all(&self, units: &[Name], as_of: Option<ValidAt>) -> Result<Vec<Assessment>, AssessError> {
        let mut all = Vec::with_capacity(units.len());
        for unit in units {
            all.extend(self.assess(unit, as_of, None).await?);
        }
        Ok(all)
    }

    /// Portraits of several units and a place, all from one moment of the store: what a report shows.
    ///
    /// # Errors
    /// As [`Assess::assess`]; also when more readings than allowed would have to be looked at.
    async fn portray(&self, sitting: Sitting) -> Result<Portraits, AssessError> {
        let _ = sitting;
        Err(AssessError::NoPortraits)
    }

    /// The latest assessment of every unit, by unit, each with its own as-of; `None` until there is one of each.
    fn latest(&self) -> Option<Vec<Arc<Assessment>>> {
        None
    }
}

/// Why there is no assessment.
#[derive(Debug, thiserror::Error)]
pub enum AssessError {
    /// What was acknowledged is not decoded yet, or too much is asked at once.
    #[error("assessments are behind: ask again in a moment")]
    Behind,
    /// Whoever computes assessments here draws nothing.
    #[error("nothing draws units here")]
    NoPortraits,
    /// More readings would have to be looked at than allowed.
    #[error("this concerns {readings} readings, more than {limit}: ask about fewer units or a shorter time")]
    TooMany {
        /// How many.
        readings: u64,
        /// How many are allowed.
        limit: u64,
    },
    /// Something inside failed.
    #[error("an assessment cannot be computed: {source}")]
    Failed {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
