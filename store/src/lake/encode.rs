//! Record batches to Parquet files of the lake and back.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{SchemaRef, TimestampMillisecondType};
use bytes::Bytes;
use object_store::{ObjectStoreExt, PutPayload};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::file::{FileName, date};
use super::integrity::load;
use super::table::{Table, time_column};
use crate::Error;
use crate::objects::Objects;
use crate::view::LakeFile;

/// Rows per row group: one group of one sensor's day is read whole, many sensors' are told apart.
const ROW_GROUP_ROWS: usize = 128 * 1024;

/// The rows of one day, sorted as the table asks, on their way to a file.
#[derive(Debug)]
pub(super) struct DayRows {
    /// Days since 1970-01-01.
    pub(super) day: i64,
    pub(super) batch: RecordBatch,
}

/// Writes `rows` to a new file of `table` and says what the log has to know of it. The file is not committed.
pub(super) async fn write_file(
    objects: &Objects,
    table: &Table,
    rows: &DayRows,
    position: u64,
    part: &str,
) -> Result<LakeFile, Error> {
    let name = |crc32c| FileName { day: date(rows.day), position, part: part.to_owned(), crc32c };
    let bytes = encode(&rows.batch).map_err(|source| Error::Parquet { path: name(0).to_string(), source })?;
    let path = name(crc32c::crc32c(&bytes)).to_string();
    let (min_sensor, max_sensor) = bounds_of_sensor(&rows.batch);
    let (min_measured_at, max_measured_at) = bounds_of_time(&rows.batch, time_column(table.schema()));
    let file = LakeFile {
        size: bytes.len() as u64,
        rows: rows.batch.num_rows() as u64,
        min_measured_at,
        max_measured_at,
        min_sensor,
        max_sensor,
        modified_at: chrono::Utc::now().timestamp_millis(),
        path,
    };
    let full = table.path(objects, &file.path);
    let put = objects.store().put(&full, PutPayload::from(bytes)).await;
    put.map_err(|source| Error::Object { action: "write", path: file.path.clone(), source })?;
    Ok(file)
}

/// All rows of a file, with exactly the columns of `schema`, after its checksum was found right.
pub(super) async fn read_file(objects: &Objects, table: &Table, file: &LakeFile) -> Result<Vec<RecordBatch>, Error> {
    let failed = |source| Error::Parquet { path: file.path.clone(), source };
    let reader = open(objects, table, file).await?.build().map_err(failed)?;
    reader.map(|batch| conform(&batch?, table.schema())).collect()
}

/// A reader of a file that was loaded whole and whose checksum is right (invariant D5).
pub(super) async fn open(
    objects: &Objects,
    table: &Table,
    file: &LakeFile,
) -> Result<ParquetRecordBatchReaderBuilder<Bytes>, Error> {
    let bytes = load(objects, table, file).await?;
    ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|source| Error::Parquet { path: file.path.clone(), source })
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

fn encode(batch: &RecordBatch) -> Result<Vec<u8>, parquet::errors::ParquetError> {
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties(batch)?))?;
    writer.write(batch)?;
    writer.into_inner()
}

/// Encodings chosen by measurement: instants as deltas, values and names by dictionary. A bloom filter only where
/// sorting does not help a search: on `unit`, and only when a row has one.
fn properties(batch: &RecordBatch) -> Result<WriterProperties, parquet::errors::ParquetError> {
    let column = |name: &str| ColumnPath::from(name);
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_created_by(concat!("coldtrail ", env!("CARGO_PKG_VERSION")).to_owned());
    for name in ["measured_at", "received_at", "seq"] {
        if batch.column_by_name(name).is_some() {
            properties = properties
                .set_column_dictionary_enabled(column(name), false)
                .set_column_encoding(column(name), Encoding::DELTA_BINARY_PACKED);
        }
    }
    if batch.column_by_name("unit").is_some_and(|unit| unit.null_count() < unit.len()) {
        properties = properties.set_column_bloom_filter_enabled(column("unit"), true);
    }
    if batch.column_by_name("sensor").is_some() {
        let sorted = |column_idx| SortingColumn { column_idx, descending: false, nulls_first: false };
        properties = properties.set_sorting_columns(Some(vec![sorted(0), sorted(1)]));
    }
    Ok(properties.build())
}

fn bounds_of_sensor(batch: &RecordBatch) -> (Option<String>, Option<String>) {
    // Rows are sorted by sensor first.
    let Some(sensor) = batch.column_by_name("sensor").filter(|sensor| !sensor.is_empty()) else {
        return (None, None);
    };
    let sensor = sensor.as_string::<i32>();
    (Some(sensor.value(0).to_owned()), Some(sensor.value(sensor.len() - 1).to_owned()))
}

fn bounds_of_time(batch: &RecordBatch, column: &str) -> (i64, i64) {
    let column = batch.column_by_name(column).and_then(|column| column.as_primitive_opt::<TimestampMillisecondType>());
    let bounds = column.and_then(|at| Some((arrow::compute::min(at)?, arrow::compute::max(at)?)));
    bounds.unwrap_or((i64::MIN, i64::MAX))
}
