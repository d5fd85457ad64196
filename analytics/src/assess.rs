//! The seam through which assessments are asked for: whoever needs one knows this, and not how it is computed.

mod store;

use std::sync::Arc;

use async_trait::async_trait;
use model::assessment::Assessment;
use model::instant::{RecordedAt, ValidAt};
use model::name::Name;

pub use store::StoreAssess;

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
    /// Something inside failed.
    #[error("an assessment cannot be computed: {source}")]
    Failed {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
