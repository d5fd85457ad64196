//! One moment of the lake, for whoever reads its files without a statement.

use std::sync::Arc;

use datafusion::execution::cache::cache_manager::CacheManager;
use store::view::View;

use crate::tables::{Excerpt, Opened, Spans};

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

    /// How many threads there are to read on.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// What the readings have in `spans`, of which `columns` are wanted.
    pub(crate) fn excerpt(self, spans: Spans, columns: impl Into<Arc<[String]>>) -> Excerpt {
        Excerpt {
            view: Arc::new(self.view.readings),
            opened: self.opened,
            footers: self.caches.get_file_metadata_cache(),
            spans: Arc::new(spans),
            columns: columns.into(),
        }
    }
}
