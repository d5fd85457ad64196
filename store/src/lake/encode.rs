//! Record batches to Parquet files of the lake.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{SchemaRef, TimestampMillisecondType};
use object_store::{ObjectStoreExt, PutPayload};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::file::{FileName, date};
use super::table::{Table, time_column};
use crate::Error;
use crate::objects::Objects;
use crate::view::LakeFile;

/// Rows per row group: one group of one sensor's day is read whole, many sensors' are told apart.
pub(super) const ROW_GROUP_ROWS: usize = 128 * 1024;

/// A file being made, batch by batch: no more than a row group of it is in memory beside its compressed bytes.
///
/// All its rows are of one day, and come in the order the table asks for.
pub(super) struct Encoder {
    writer: ArrowWriter<Vec<u8>>,
    time: &'static str,
    /// All but the bytes and their checksum.
    made: Encoded,
}

/// The bytes of a file, and what the table's log has to know of it.
#[derive(Debug)]
pub(super) struct Encoded {
    /// Days since 1970-01-01.
    day: i64,
    bytes: Vec<u8>,
    crc32c: u32,
    /// Rows.
    pub(super) rows: u64,
    times: Option<(i64, i64)>,
    sensors: Option<(String, String)>,
}

impl Encoder {
    /// A file with the columns of `schema`. `with_units` says whether a row will name a unit.
    ///
    /// # Errors
    /// Only when the format's library refuses the columns, which would be a defect.
    pub(super) fn new(schema: &SchemaRef, day: i64, with_units: bool) -> Result<Self, Error> {
        let made = Encoded { day, bytes: Vec::new(), crc32c: 0, rows: 0, times: None, sensors: None };
        let properties = properties(schema, with_units).map_err(|source| made.failed(source))?;
        let writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties));
        let writer = writer.map_err(|source| made.failed(source))?;
        Ok(Self { writer, time: time_column(schema), made })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// When the rows do not fit the columns, which would be a defect.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let made = &mut self.made;
        made.rows += batch.num_rows() as u64;
        if let Some((from, to)) = bounds_of_time(batch, self.time) {
            let (first, last) = made.times.unwrap_or((from, to));
            made.times = Some((first.min(from), last.max(to)));
        }
        if let Some((first, last)) = bounds_of_sensor(batch) {
            match &mut made.sensors {
                Some((_, highest)) => *highest = last,
                None => made.sensors = Some((first, last)),
            }
        }
        self.writer.write(batch).map_err(|source| made.failed(source))
    }

    /// Ends the file.
    ///
    /// # Errors
    /// Only when the format's library refuses, which would be a defect.
    pub(super) fn finish(self) -> Result<Encoded, Error> {
        let Self { writer, mut made, .. } = self;
        made.bytes = writer.into_inner().map_err(|source| made.failed(source))?;
        made.bytes.shrink_to_fit();
        made.crc32c = crc32c::crc32c(&made.bytes);
        Ok(made)
    }
}

impl Encoded {
    /// With the bounds of `file`, which has the same rows.
    pub(super) fn bounded_as(mut self, file: &LakeFile) -> Self {
        self.times = Some((file.min_measured_at, file.max_measured_at));
        self.sensors = file.min_sensor.clone().zip(file.max_sensor.clone());
        self
    }

    /// Writes the file and says what the log has to know of it. It is not committed.
    ///
    /// # Errors
    /// When the object store refuses.
    pub(super) async fn put(
        self,
        objects: &Objects,
        table: &Table,
        position: u64,
        part: &str,
    ) -> Result<LakeFile, Error> {
        let name = FileName { day: date(self.day), position, part: part.to_owned(), crc32c: self.crc32c };
        let (min_measured_at, max_measured_at) = self.times.unwrap_or((i64::MIN, i64::MAX));
        let (min_sensor, max_sensor) = self.sensors.unzip();
        let file = LakeFile {
            path: name.to_string(),
            size: self.bytes.len() as u64,
            rows: self.rows,
            min_measured_at,
            max_measured_at,
            min_sensor,
            max_sensor,
            modified_at: chrono::Utc::now().timestamp_millis(),
        };
        let put = objects.store().put(&table.path(objects, &file.path), PutPayload::from(self.bytes)).await;
        put.map_err(|source| Error::Object { action: "write", path: file.path.clone(), source })?;
        Ok(file)
    }

    fn failed(&self, source: ParquetError) -> Error {
        Error::Parquet { path: format!("day={}", date(self.day)), source }
    }
}

/// Encodings chosen by measurement: instants as deltas, values and names by dictionary. A bloom filter only where
/// sorting does not help a search: on `unit`, and only when a row has one. Payloads have no dictionary: the sizes in
/// the footer then tell what reading them back takes.
fn properties(schema: &SchemaRef, with_units: bool) -> Result<WriterProperties, ParquetError> {
    let column = |name: &str| ColumnPath::from(name);
    let has = |name: &str| schema.column_with_name(name).is_some();
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_created_by(concat!("coldtrail ", env!("CARGO_PKG_VERSION")).to_owned());
    for name in ["measured_at", "received_at", "seq"].into_iter().filter(|name| has(name)) {
        properties = properties
            .set_column_dictionary_enabled(column(name), false)
            .set_column_encoding(column(name), Encoding::DELTA_BINARY_PACKED);
    }
    if has("payload") {
        properties = properties.set_column_dictionary_enabled(column("payload"), false);
    }
    if has("unit") && with_units {
        properties = properties.set_column_bloom_filter_enabled(column("unit"), true);
    }
    if has("sensor") {
        let sorted = |column_idx| SortingColumn { column_idx, descending: false, nulls_first: false };
        properties = properties.set_sorting_columns(Some(vec![sorted(0), sorted(1)]));
    }
    Ok(properties.build())
}

/// The first and the last sensor of rows that are sorted by sensor; `None` without rows or without that column.
fn bounds_of_sensor(batch: &RecordBatch) -> Option<(String, String)> {
    let sensor = batch.column_by_name("sensor").filter(|sensor| !sensor.is_empty())?.as_string::<i32>();
    Some((sensor.value(0).to_owned(), sensor.value(sensor.len() - 1).to_owned()))
}

fn bounds_of_time(batch: &RecordBatch, column: &str) -> Option<(i64, i64)> {
    let at = batch.column_by_name(column)?.as_primitive_opt::<TimestampMillisecondType>()?;
    Some((arrow::compute::min(at)?, arrow::compute::max(at)?))
}
