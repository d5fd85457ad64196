//! The tables a query sees.

mod lake;
mod prune;

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use object_store::ObjectStore;
use store::view::View;

use crate::error::SqlError;
use lake::LakeTable;

/// The tables of the lake.
pub(crate) const LAKE: [&str; 2] = ["readings", "rejected"];

/// Tables at one moment, and the object stores their files are in.
#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) providers: HashMap<&'static str, Arc<dyn TableProvider>>,
    /// By the host of the address the table's files are read under.
    pub(crate) stores: HashMap<&'static str, Arc<dyn ObjectStore>>,
}

impl Tables {
    /// Adds the tables of `view`.
    pub(crate) fn add_lake(&mut self, view: View) -> Result<(), SqlError> {
        for (name, table) in LAKE.into_iter().zip([view.readings, view.rejected]) {
            self.stores.insert(name, Arc::clone(&table.store));
            self.providers.insert(name, Arc::new(LakeTable::new(name, table)?));
        }
        Ok(())
    }
}
