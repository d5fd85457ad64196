//! Reads the readings of some sensors out of lake and tail, without the query engine: a year is hundreds of small files, and
//! what the engine prepares for each takes longer than what is in it.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderBuilder, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::file::metadata::PageIndexPolicy;
use store::view::{LakeFile, TableView};
use tokio_util::task::AbortOnDropHandle;

use super::columns::{Columns, NAMES};
use super::pages;
use super::spans::Spans;
use crate::error::SqlError;
use crate::sql::Look;

/// Files up to so many bytes are read whole, and their checksum is looked at.
const WHOLE_BYTES: u64 = 512 << 10;

/// Files with more rows than this have pages worth telling apart.
const PAGE_ROWS: u64 = 20_000;

/// Rows decoded at once.
const BATCH_ROWS: usize = 32 << 10;

/// Files fetched ahead of the one that is decoded.
const AHEAD: usize = 3;

/// One moment of the readings, of which some are wanted.
pub(super) struct Scan {
    look: Look,
    view: Arc<TableView>,
    pub(super) spans: Arc<Spans>,
}

/// Whatever takes batches of readings.
pub(super) trait Taker: Send + 'static {
    /// Takes those that are in `spans`.
    fn take(&mut self, columns: &Columns, spans: &Spans);
}

/// A file on its way.
enum Fetched {
    Whole(Bytes),
    Parts(Box<dyn AsyncFileReader>),
}

impl Scan {
    /// What is in `spans` at the moment of `look`.
    pub(super) fn new(mut look: Look, spans: Spans) -> Self {
        let view = Arc::new(look.take_readings());
        Self { look, view, spans: Arc::new(spans) }
    }

    /// Gives all that is wanted to takers, one for each thread.
    pub(super) async fn all<T: Taker>(self: Arc<Self>, taker: impl Fn() -> T) -> Result<Vec<T>, SqlError> {
        let mut files = self.files();
        files.sort_by_key(|file| std::cmp::Reverse(file.size));
        let mut dealt: Vec<Vec<LakeFile>> = vec![Vec::new(); self.look.threads().clamp(1, files.len().max(1))];
        let turns = dealt.len();
        for (turn, file) in files.into_iter().enumerate() {
            dealt[turn % turns].push(file);
        }
        let mut first = taker();
        self.tail(&mut first)?;
        let mut begun = Some(first);
        let work = dealt.into_iter().map(|files| {
            let (scan, mut taker) = (Arc::clone(&self), begun.take().unwrap_or_else(&taker));
            AbortOnDropHandle::new(tokio::spawn(async move {
                scan.read(&files, &mut taker).await?;
                Ok::<_, SqlError>(taker)
            }))
        });
        let work: Vec<_> = work.collect();
        let mut takers = Vec::with_capacity(work.len());
        for task in work {
            takers.push(task.await.map_err(SqlError::internal)??);
        }
        Ok(takers)
    }

    /// The files that may have something that is wanted.
    pub(super) fn files(&self) -> Vec<LakeFile> {
        let may_have = |file: &&LakeFile| {
            let sensors = (file.min_sensor.as_deref(), file.max_sensor.as_deref());
            self.spans.may_have(sensors, (file.min_measured_at, file.max_measured_at))
        };
        self.view.files.iter().filter(may_have).cloned().collect()
    }

    /// Gives what the tail has.
    pub(super) fn tail(&self, taker: &mut impl Taker) -> Result<(), SqlError> {
        for batch in self.view.tail.iter().filter(|batch| batch.num_rows() > 0) {
            taker.take(&Columns::of(batch)?, &self.spans);
        }
        Ok(())
    }

    /// Gives what `files` have.
    pub(super) async fn read(&self, files: &[LakeFile], taker: &mut impl Taker) -> Result<(), SqlError> {
        let fetch = |file: LakeFile| async move {
            let fetched = self.fetch(&file).await?;
            Ok::<_, SqlError>((file, fetched))
        };
        let mut fetched = std::pin::pin!(futures::stream::iter(files.to_vec()).map(fetch).buffered(AHEAD));
        while let Some((file, fetched)) = fetched.try_next().await? {
            match fetched {
                Fetched::Whole(bytes) => self.whole(&file, bytes, taker)?,
                Fetched::Parts(reader) => self.parts(reader, taker).await?,
            }
        }
        Ok(())
    }

    async fn fetch(&self, file: &LakeFile) -> Result<Fetched, SqlError> {
        if file.size <= WHOLE_BYTES {
            return Ok(Fetched::Whole(self.view.read(file).await.map_err(SqlError::internal)?));
        }
        Ok(Fetched::Parts(self.look.open(&self.view, file, "measured_at")?))
    }

    fn whole(&self, file: &LakeFile, bytes: Bytes, taker: &mut impl Taker) -> Result<(), SqlError> {
        let policy = if file.rows > PAGE_ROWS { PageIndexPolicy::Optional } else { PageIndexPolicy::Skip };
        let options = ArrowReaderOptions::new().with_page_index_policy(policy);
        let metadata = ArrowReaderMetadata::load(&bytes, options).map_err(SqlError::internal)?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, metadata.clone());
        let Some(builder) = self.narrowed(builder, &metadata)? else { return Ok(()) };
        for batch in builder.build().map_err(SqlError::internal)? {
            taker.take(&Columns::of(&batch.map_err(SqlError::internal)?)?, &self.spans);
        }
        Ok(())
    }

    async fn parts(&self, mut reader: Box<dyn AsyncFileReader>, taker: &mut impl Taker) -> Result<(), SqlError> {
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let metadata = reader.get_metadata(Some(&options)).await.map_err(SqlError::internal)?;
        let metadata = ArrowReaderMetadata::try_new(metadata, options).map_err(SqlError::internal)?;
        let builder = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, metadata.clone());
        let Some(builder) = self.narrowed(builder, &metadata)? else { return Ok(()) };
        let mut batches = builder.build().map_err(SqlError::internal)?;
        while let Some(batch) = batches.next().await {
            taker.take(&Columns::of(&batch.map_err(SqlError::internal)?)?, &self.spans);
        }
        Ok(())
    }

    /// `builder` for the columns of histories, and the parts of the file that may have what is wanted; `None` when none may.
    fn narrowed<R>(
        &self,
        builder: ArrowReaderBuilder<R>,
        metadata: &ArrowReaderMetadata,
    ) -> Result<Option<ArrowReaderBuilder<R>>, SqlError> {
        let parts = pages::parts(metadata.metadata(), metadata.schema(), &self.spans).map_err(SqlError::internal)?;
        if parts.groups.is_empty() {
            return Ok(None);
        }
        let mask = ProjectionMask::columns(metadata.parquet_schema(), NAMES);
        let builder = builder.with_projection(mask).with_row_groups(parts.groups).with_batch_size(BATCH_ROWS);
        Ok(Some(match parts.rows {
            Some(rows) => builder.with_row_selection(rows),
            None => builder,
        }))
    }
}
