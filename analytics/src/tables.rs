//! The tables a query sees.

mod assessed;
mod audit;
mod chosen;
mod custody;
mod evidence;
mod excerpt;
mod footer;
mod holds;
mod kept;
mod lake;
mod narrow;
mod opened;
mod prune;
mod ranges;
mod registry;
mod unit_readings;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::catalog::{TableFunction, TableProvider};
use model::assessment::Assessment;
use model::instant::ValidAt;
use object_store::ObjectStore;
use store::ledger::Ledger;
use store::view::View;

use crate::error::SqlError;
use crate::fleet::Profiles;
use assessed::{AssessAt, Assessed, Origin};
use evidence::Evidence;
use lake::LakeTable;
use unit_readings::UnitReadings;

pub(crate) use assessed::{ASSESS_AT, ASSESSED};
pub(crate) use audit::AUDIT;
pub(crate) use custody::CUSTODY;
pub(crate) use excerpt::{Excerpt, Spans, has};
pub(crate) use holds::HOLDS;
pub(crate) use kept::Kept;
pub(crate) use opened::Opened;
pub(crate) use registry::REGISTRY;
pub(crate) use unit_readings::UNIT_READINGS;

/// The tables of the lake.
pub(crate) const LAKE: [&str; 2] = ["readings", "rejected"];

/// The latest assessment of every unit.
pub(crate) type Shown = Arc<Vec<Arc<Assessment>>>;

/// Tables at one moment, and the object stores their files are in.
#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) providers: HashMap<&'static str, Arc<dyn TableProvider>>,
    pub(crate) functions: HashMap<&'static str, TableFunction>,
    /// The readings, for tables made from them.
    readings: Option<Arc<LakeTable>>,
    /// By the host of the address the table's files are read under.
    pub(crate) stores: HashMap<&'static str, Arc<dyn ObjectStore>>,
    /// What is read of the lake's files.
    pub(crate) opened: Opened,
    /// What earlier questions read of them.
    kept: Kept,
}

impl Tables {
    /// None yet; what is read of the lake's files is noted in `opened`, and may be in `kept` already.
    pub(crate) fn new(opened: Opened, kept: Kept) -> Self {
        Self { opened, kept, ..Self::default() }
    }

    /// Adds the tables of `view`.
    pub(crate) fn add_lake(&mut self, view: View) -> Result<(), SqlError> {
        for (name, table) in LAKE.into_iter().zip([view.readings, view.rejected]) {
            self.stores.insert(name, Arc::clone(&table.store));
            let table = Arc::new(LakeTable::new(name, table, self.opened.clone(), self.kept.clone())?);
            if name == "readings" {
                self.readings = Some(Arc::clone(&table));
            }
            self.providers.insert(name, table);
        }
        Ok(())
    }

    /// Adds those tables of `ledger` that are in `wanted`.
    pub(crate) async fn add_ledger(
        &mut self,
        ledger: &Ledger,
        wanted: &BTreeSet<String>,
        max_rows: u64,
    ) -> Result<(), SqlError> {
        let snapshot = ledger.snapshot();
        for name in REGISTRY.into_iter().filter(|name| wanted.contains(*name)) {
            self.providers.insert(name, registry::table(name, &snapshot.registry)?);
        }
        for name in HOLDS.into_iter().filter(|name| wanted.contains(*name)) {
            self.providers.insert(name, holds::table(name, &snapshot.holds)?);
        }
        if wanted.contains(AUDIT) {
            self.providers.insert(AUDIT, audit::table(ledger, max_rows).await?);
        }
        Ok(())
    }

    /// Adds those tables about units that are in `wanted`: made from the registry of `ledger` and the readings, and the
    /// latest assessments if they are `shown`. `now` is the instant they are computed for otherwise.
    pub(crate) fn add_units(
        &mut self,
        ledger: &Ledger,
        shown: Option<Shown>,
        profiles: &Arc<Profiles>,
        wanted: &BTreeSet<String>,
        now: ValidAt,
    ) -> Result<(), SqlError> {
        let registry = ledger.registry();
        if wanted.contains(CUSTODY) {
            self.providers.insert(CUSTODY, custody::table(&registry)?);
        }
        let evidence = || {
            let readings = self.readings.clone().ok_or_else(|| SqlError::internal("the readings are not open"));
            Ok(Arc::new(Evidence::new(Arc::clone(&registry), readings?, Arc::clone(profiles))))
        };
        let evidence = if needs_readings(wanted, shown.is_some()) { Some(evidence()?) } else { None };
        let origin = match (shown, &evidence) {
            (Some(shown), _) => Some(Origin::Shown(shown)),
            (None, Some(evidence)) => Some(Origin::Computed(Arc::clone(evidence), now)),
            (None, None) => None,
        };
        if let Some(origin) = origin {
            for name in ASSESSED.into_iter().filter(|name| wanted.contains(*name)) {
                self.providers.insert(name, Arc::new(Assessed::new(name, origin.clone())));
            }
        }
        if let Some(evidence) = evidence {
            let function = Arc::new(AssessAt::new(Arc::clone(&evidence)));
            self.functions.insert(ASSESS_AT, TableFunction::new(ASSESS_AT.to_owned(), function));
            self.providers.insert(UNIT_READINGS, Arc::new(UnitReadings::new(evidence)));
        }
        Ok(())
    }
}

/// Whether tables about units that are in `wanted` are made from readings; assessments are only when none are shown.
pub(crate) fn needs_readings(wanted: &BTreeSet<String>, shown: bool) -> bool {
    let computed = !shown && ASSESSED.iter().any(|name| wanted.contains(*name));
    computed || [UNIT_READINGS, ASSESS_AT].iter().any(|name| wanted.contains(*name))
}
