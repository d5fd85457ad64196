//! The tables a query sees.

mod audit;
mod holds;
mod lake;
mod opened;
mod prune;
mod registry;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use object_store::ObjectStore;
use store::ledger::Ledger;
use store::view::View;

use crate::error::SqlError;
use lake::LakeTable;

pub(crate) use audit::AUDIT;
pub(crate) use holds::HOLDS;
pub(crate) use opened::Opened;
pub(crate) use registry::REGISTRY;

/// The tables of the lake.
pub(crate) const LAKE: [&str; 2] = ["readings", "rejected"];

/// Tables at one moment, and the object stores their files are in.
#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) providers: HashMap<&'static str, Arc<dyn TableProvider>>,
    /// By the host of the address the table's files are read under.
    pub(crate) stores: HashMap<&'static str, Arc<dyn ObjectStore>>,
    /// What is read of the lake's files.
    pub(crate) opened: Opened,
}

impl Tables {
    /// Adds the tables of `view`.
    pub(crate) fn add_lake(&mut self, view: View) -> Result<(), SqlError> {
        for (name, table) in LAKE.into_iter().zip([view.readings, view.rejected]) {
            self.stores.insert(name, Arc::clone(&table.store));
            self.providers.insert(name, Arc::new(LakeTable::new(name, table, self.opened.clone())?));
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
}
