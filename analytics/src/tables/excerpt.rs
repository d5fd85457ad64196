//! What the files of a table have of some sensors, read without the query engine: a year is hundreds of small files, and
//! what the engine prepares for each takes longer than what is in it.

mod pages;
mod spans;

use std::sync::Arc;

use arrow::array::RecordBatch;
use bytes::Bytes;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use futures::StreamExt;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderBuilder, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::file::metadata::PageIndexPolicy;
use store::view::{LakeFile, TableView};

use super::lake;
use super::opened::Opened;
use crate::error::SqlError;

pub(crate) use spans::{Spans, has};

/// Files up to so many bytes are read whole, and their checksum is looked at.
pub(crate) const WHOLE_BYTES: u64 = 512 << 10;

/// Files with more rows than this have pages worth telling apart.
const PAGE_ROWS: u64 = 20_000;

/// Rows decoded at once.
const BATCH_ROWS: usize = 32 << 10;

/// The files of one moment of the readings, of which some sensors and some columns are wanted.
#[derive(Clone, Debug)]
pub(crate) struct Excerpt {
    pub(crate) view: Arc<TableView>,
    pub(crate) opened: Opened,
    /// The footers that are kept.
    pub(crate) footers: Arc<FileMetadataCache>,
    pub(crate) spans: Arc<Spans>,
    /// The columns wanted, by name.
    pub(crate) columns: Arc<[String]>,
}

/// A file on its way.
pub(crate) enum Fetched {
    Whole(Bytes),
    Parts(Box<dyn AsyncFileReader>),
}

impl Excerpt {
    /// The files that may have something that is wanted.
    pub(crate) fn files(&self) -> Vec<LakeFile> {
        let may_have = |file: &&LakeFile| {
            let sensors = (file.min_sensor.as_deref(), file.max_sensor.as_deref());
            self.spans.may_have(sensors, (file.min_measured_at, file.max_measured_at))
        };
        self.view.files.iter().filter(may_have).cloned().collect()
    }

    /// What is in no file of it.
    pub(crate) fn tail(&self) -> Result<Vec<RecordBatch>, SqlError> {
        let all = self.view.schema.fields();
        let columns: Vec<usize> = (0..all.len()).filter(|column| self.columns.contains(all[*column].name())).collect();
        let sensors: Vec<&str> = self.spans.sensors().collect();
        self.view.tail.batches(&columns, Some(&sensors)).map_err(SqlError::internal)
    }

    /// Opens `file`, or reads it where it is small.
    pub(crate) async fn fetch(&self, file: &LakeFile) -> Result<Fetched, SqlError> {
        if file.size <= WHOLE_BYTES {
            return Ok(Fetched::Whole(self.view.read(file).await.map_err(SqlError::internal)?));
        }
        let footers = Arc::clone(&self.footers);
        let reader = lake::open(&self.view, file, "measured_at", &self.opened, footers).map_err(SqlError::internal)?;
        Ok(Fetched::Parts(reader))
    }

    /// Gives the rows of `file` that may be wanted: others of the same pages are among them.
    pub(crate) async fn decode(
        &self,
        file: &LakeFile,
        fetched: Fetched,
        mut each: impl FnMut(RecordBatch) -> Result<(), SqlError> + Send,
    ) -> Result<(), SqlError> {
        match fetched {
            Fetched::Whole(bytes) => self.whole(file, bytes, each),
            Fetched::Parts(reader) => self.parts(reader, &mut each).await,
        }
    }

    fn whole(
        &self,
        file: &LakeFile,
        bytes: Bytes,
        mut each: impl FnMut(RecordBatch) -> Result<(), SqlError>,
    ) -> Result<(), SqlError> {
        let policy = if file.rows > PAGE_ROWS { PageIndexPolicy::Optional } else { PageIndexPolicy::Skip };
        let options = ArrowReaderOptions::new().with_page_index_policy(policy);
        let metadata = ArrowReaderMetadata::load(&bytes, options).map_err(SqlError::internal)?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, metadata.clone());
        let Some(builder) = self.narrowed(builder, &metadata)? else { return Ok(()) };
        for batch in builder.build().map_err(SqlError::internal)? {
            each(batch.map_err(SqlError::internal)?)?;
        }
        Ok(())
    }

    async fn parts(
        &self,
        mut reader: Box<dyn AsyncFileReader>,
        each: &mut (impl FnMut(RecordBatch) -> Result<(), SqlError> + Send),
    ) -> Result<(), SqlError> {
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let metadata = reader.get_metadata(Some(&options)).await.map_err(SqlError::internal)?;
        let metadata = ArrowReaderMetadata::try_new(metadata, options).map_err(SqlError::internal)?;
        let builder = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, metadata.clone());
        let Some(builder) = self.narrowed(builder, &metadata)? else { return Ok(()) };
        let mut batches = builder.build().map_err(SqlError::internal)?;
        while let Some(batch) = batches.next().await {
            each(batch.map_err(SqlError::internal)?)?;
        }
        Ok(())
    }

    /// `builder` for the columns that are wanted, and the parts of the file that may have what is; `None` when none may.
    fn narrowed<R>(
        &self,
        builder: ArrowReaderBuilder<R>,
        metadata: &ArrowReaderMetadata,
    ) -> Result<Option<ArrowReaderBuilder<R>>, SqlError> {
        let parts = pages::parts(metadata.metadata(), metadata.schema(), &self.spans).map_err(SqlError::internal)?;
        if parts.groups.is_empty() {
            return Ok(None);
        }
        let mask = ProjectionMask::columns(metadata.parquet_schema(), self.columns.iter().map(String::as_str));
        let builder = builder.with_projection(mask).with_row_groups(parts.groups).with_batch_size(BATCH_ROWS);
        Ok(Some(match parts.rows {
            Some(rows) => builder.with_row_selection(rows),
            None => builder,
        }))
    }
}
