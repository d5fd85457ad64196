//! Files of the lake, read back for the lake's own needs.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use parquet::file::statistics::Statistics;

use super::Table;
use super::integrity::load;
use crate::Error;
use crate::objects::Objects;
use crate::view::LakeFile;

/// Rows read at a time, at most.
const BATCH_ROWS: u64 = 4096;
/// Encoded bytes read at a time, about.
const BATCH_BYTES: u64 = 1 << 20;

/// A file that was loaded whole and whose checksum is right (invariant D5).
#[derive(Debug)]
pub(super) struct Loaded {
    /// What the log says of it.
    pub(super) file: LakeFile,
    bytes: Bytes,
}

impl Loaded {
    /// Loads `file` of `table`.
    ///
    /// # Errors
    /// When it cannot be read, or is not what was written.
    pub(super) async fn of(objects: &Objects, table: &Table, file: &LakeFile) -> Result<Self, Error> {
        let bytes = load(objects.store().as_ref(), &objects.path(table.name()), file).await?;
        Ok(Self { bytes, file: file.clone() })
    }

    /// A reader of it.
    ///
    /// # Errors
    /// When it is no Parquet.
    pub(super) fn reader(&self) -> Result<ParquetRecordBatchReaderBuilder<Bytes>, Error> {
        ParquetRecordBatchReaderBuilder::try_new(self.bytes.clone()).map_err(|source| self.failed(source))
    }

    /// All its rows in pieces, with exactly the columns of `schema`.
    ///
    /// # Errors
    /// When it is no Parquet.
    pub(super) fn batches(&self, schema: &SchemaRef) -> Result<Batches, Error> {
        let reader = self.reader()?;
        let groups = reader.metadata().row_groups();
        let (rows, bytes) = groups.iter().fold((0, 0), |(rows, bytes), group| {
            (rows + group.num_rows().unsigned_abs(), bytes + group.total_byte_size().unsigned_abs())
        });
        let at_once = (BATCH_BYTES * rows.max(1) / bytes.max(1)).clamp(1, BATCH_ROWS);
        let at_once = usize::try_from(at_once).unwrap_or(1);
        let reader = reader.with_batch_size(at_once).build().map_err(|source| self.failed(source))?;
        Ok(Batches { reader, schema: Arc::clone(schema) })
    }

    /// Whether one of its rows names a unit, as far as its footer tells.
    ///
    /// # Errors
    /// When it is no Parquet.
    pub(super) fn may_have_units(&self) -> Result<bool, Error> {
        let reader = self.reader()?;
        let units = reader.parquet_schema().columns().iter().position(|column| column.name() == "unit");
        let Some(units) = units else { return Ok(false) };
        let absent = |statistics: &Statistics, rows: i64| statistics.null_count_opt() == Some(rows.unsigned_abs());
        Ok(!reader.metadata().row_groups().iter().all(|group| {
            group.column(units).statistics().is_some_and(|statistics| absent(statistics, group.num_rows()))
        }))
    }

    /// The error for what the format's library says of this file.
    pub(super) fn failed(&self, source: ParquetError) -> Error {
        Error::Parquet { path: self.file.path.clone(), source }
    }
}

/// The rows of a file in pieces.
pub(super) struct Batches {
    reader: ParquetRecordBatchReader,
    schema: SchemaRef,
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.reader.next()?.map_err(Error::from).and_then(|batch| conform(&batch, &self.schema)))
    }
}

/// The batch with the columns of `schema`, which it has under other nullability at most.
fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, Error> {
    let columns = schema.fields().iter().map(|field| {
        let column = batch.column_by_name(field.name()).ok_or_else(|| {
            arrow::error::ArrowError::SchemaError(format!("column `{}` is missing in a file of the lake", field.name()))
        })?;
        arrow::compute::cast(column, field.data_type())
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}
