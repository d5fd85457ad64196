//! One moment of the lake, for whoever reads its files without a statement.

use std::sync::Arc;

use datafusion::execution::cache::cache_manager::CacheManager;
use parquet::arrow::async_reader::AsyncFileReader;
use store::view::{LakeFile, TableView, View};

use crate::error::SqlError;
use crate::tables::{self, Opened};

/// One moment of the lake.
pub(crate) struct Look {
    view: View,
    opened: Opened,
    caches: Arc<CacheManager>,
    threads: usize,
}

impl Look {
    pub(super) fn new(view: View, opened: Opened, caches: Arc<CacheManager>, threads: usize) -> Self {
        Self { view, opened, caches, threads: threads.max(1) }
    }

    /// The readings. To be asked for once.
    pub(crate) fn take_readings(&mut self) -> TableView {
        let schema = Arc::clone(&self.view.readings.schema);
        let (store, prefix) = (Arc::clone(&self.view.readings.store), self.view.readings.prefix.clone());
        let nothing = TableView { schema, files: Vec::new(), tail: Vec::new(), store, prefix };
        std::mem::replace(&mut self.view.readings, nothing)
    }

    /// How many threads there are to read on.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// A reader of parts of `file`, whose footer is kept for whoever asks next. `time` is the column its bounds speak of.
    pub(crate) fn open(
        &self,
        view: &Arc<TableView>,
        file: &LakeFile,
        time: &'static str,
    ) -> Result<Box<dyn AsyncFileReader>, SqlError> {
        let cache = self.caches.get_file_metadata_cache();
        tables::open(view, file, time, &self.opened, cache).map_err(SqlError::internal)
    }
}
