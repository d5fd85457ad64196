//! Which files of the lake a query has opened, so that a damaged one can be named.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::error::Result;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use store::view::{LakeFile, TableView};

use super::footer;
use crate::error::SqlError;

/// Files, each with the table it belongs to.
type Files = Vec<(Arc<TableView>, LakeFile)>;

/// The files a query has opened. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Opened(Arc<Mutex<Files>>);

impl Opened {
    /// Notes that `file` of `view` is opened.
    pub(crate) fn note(&self, view: &Arc<TableView>, file: &LakeFile) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((Arc::clone(view), file.clone()));
    }

    /// `error`, or the damage that led to it: what a decoder makes of other bytes than were written may look like
    /// anything, and does not say in which file it was.
    pub(crate) async fn explain(&self, error: SqlError) -> SqlError {
        if !matches!(error, SqlError::Invalid { .. } | SqlError::Internal { .. }) {
            return error;
        }
        let opened = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (view, file) in opened.iter().rev() {
            if let Err(damage) = view.check(file).await {
                return SqlError::internal(damage);
            }
        }
        error
    }
}

/// Readers of the files of `view`, which note what is opened, and turn down what is not the file of that name. Each
/// file carries what the table's log says of it as an extension.
#[derive(Debug)]
pub(crate) struct Noting<F> {
    pub(crate) opened: Opened,
    pub(crate) view: Arc<TableView>,
    /// The column the bounds of each file speak of.
    pub(crate) time: &'static str,
    pub(crate) inner: F,
}

impl<F: ParquetFileReaderFactory> ParquetFileReaderFactory for Noting<F> {
    fn create_reader(
        &self,
        partition: usize,
        file: PartitionedFile,
        metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let known = file.extensions.get::<LakeFile>().cloned();
        let inner = self.inner.create_reader(partition, file, metadata_size_hint, metrics)?;
        let Some(file) = known else { return Ok(inner) };
        self.opened.note(&self.view, &file);
        Ok(Box::new(Reader { inner, file, time: self.time }))
    }
}

/// A reader of one file.
struct Reader {
    inner: Box<dyn AsyncFileReader + Send>,
    file: LakeFile,
    time: &'static str,
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        self.inner.get_bytes(range)
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        self.inner.get_byte_ranges(ranges)
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            // The index of pages is always wanted in the end, and is then kept with the footer.
            let options = options.cloned().unwrap_or_default().with_page_index_policy(PageIndexPolicy::Optional);
            let metadata = self.inner.get_metadata(Some(&options)).await?;
            footer::must_be_of(&self.file, self.time, &metadata)?;
            Ok(metadata)
        }
        .boxed()
    }
}
