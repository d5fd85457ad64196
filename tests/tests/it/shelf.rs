//! A store in memory for tests of queries: readings in Parquet files and in a tail, as many of each as a test wants.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use store::view::{LakeFile, Readable, TableView, View};

/// One reading of a test.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) sensor: String,
    pub(crate) measured_at: i64,
    pub(crate) temperature_c: Option<f64>,
    pub(crate) unit: Option<String>,
}

/// A row with the fields a test cares about.
pub(crate) fn row(sensor: &str, measured_at: i64, temperature_c: f64) -> Row {
    Row { sensor: sensor.into(), measured_at, temperature_c: Some(temperature_c), unit: None }
}

/// A view that is always the same.
#[derive(Clone)]
pub(crate) struct Shelf {
    view: View,
}

#[async_trait]
impl Readable for Shelf {
    async fn view(&self) -> Result<View, store::Error> {
        Ok(self.view.clone())
    }
}

impl Shelf {
    /// `files` become one Parquet file each, `tail` one batch each.
    pub(crate) async fn new(files: &[Vec<Row>], tail: &[Vec<Row>]) -> Self {
        Self::written(files, tail, |rows| parquet(rows, WriterProperties::default())).await
    }

    /// The same, but that `write` makes the files.
    pub(crate) async fn written(
        files: &[Vec<Row>],
        tail: &[Vec<Row>],
        write: impl Fn(&RecordBatch) -> Vec<u8>,
    ) -> Self {
        let store = Arc::new(InMemory::new());
        let mut lake = Vec::new();
        for (index, rows) in files.iter().enumerate() {
            let path = format!("day={}/part-{index}.parquet", rows[0].measured_at.div_euclid(86_400_000));
            let bytes = write(&batch(rows));
            lake.push(LakeFile {
                path: path.clone(),
                size: bytes.len() as u64,
                rows: rows.len() as u64,
                min_measured_at: rows.iter().map(|row| row.measured_at).min().unwrap(),
                max_measured_at: rows.iter().map(|row| row.measured_at).max().unwrap(),
                min_sensor: rows.iter().map(|row| row.sensor.clone()).min(),
                max_sensor: rows.iter().map(|row| row.sensor.clone()).max(),
                modified_at: 0,
            });
            store.put(&Path::from(format!("readings/{path}")), PutPayload::from(bytes)).await.unwrap();
        }
        let readings = TableView {
            schema: readings_schema(),
            files: lake,
            tail: Arc::new(tail.iter().map(|rows| batch(rows)).collect::<Vec<_>>()),
            store: store.clone(),
            prefix: Path::from("readings"),
            directory: None,
        };
        let rejected = TableView {
            schema: rejected_schema(),
            files: Vec::new(),
            tail: Arc::new(vec![rejected_batch()]),
            store,
            prefix: Path::from("rejected"),
            directory: None,
        };
        Self { view: View { readings, rejected } }
    }

    /// The files of readings.
    pub(crate) fn files(&self) -> Vec<LakeFile> {
        self.view.readings.files.clone()
    }

    /// The same rows with bounds that rule nothing out.
    pub(crate) fn without_bounds(mut self) -> Self {
        for file in &mut self.view.readings.files {
            (file.min_measured_at, file.max_measured_at) = (i64::MIN / 2, i64::MAX / 2);
            (file.min_sensor, file.max_sensor) = (None, None);
        }
        self
    }

    /// The same rows, but files whose bytes are gone: a query that opens one fails.
    pub(crate) async fn with_files_gone(mut self) -> Self {
        self.view.readings.store = Arc::new(InMemory::new());
        self
    }
}

/// `rows` in a file written with `properties`.
pub(crate) fn parquet(rows: &RecordBatch, properties: WriterProperties) -> Vec<u8> {
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).unwrap();
    writer.write(rows).unwrap();
    writer.into_inner().unwrap()
}

fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}

fn readings_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("sensor", DataType::Utf8, false),
        Field::new("measured_at", instant(), false),
        Field::new("received_at", instant(), false),
        Field::new("temperature_c", DataType::Float64, true),
        Field::new("humidity_pct", DataType::Float64, true),
        Field::new("site", DataType::Utf8, true),
        Field::new("gateway", DataType::Utf8, true),
        Field::new("unit", DataType::Utf8, true),
        Field::new("seq", DataType::Int64, true),
        Field::new("quality", DataType::Utf8, false),
        Field::new("battery_v", DataType::Float32, true),
        Field::new("rssi_dbm", DataType::Float32, true),
    ]))
}

fn rejected_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("received_at", instant(), false),
        Field::new("topic", DataType::Utf8, false),
        Field::new("payload", DataType::Utf8, false),
        Field::new("reason", DataType::Utf8, false),
    ]))
}

fn times(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMillisecondArray::from_iter_values(values).with_timezone("UTC"))
}

fn batch(rows: &[Row]) -> RecordBatch {
    let count = rows.len();
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from_iter_values((0..count).map(|_| value))) };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.sensor))),
        times(rows.iter().map(|row| row.measured_at)),
        times(rows.iter().map(|row| row.measured_at + 1_000)),
        Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.temperature_c))),
        Arc::new(Float64Array::from_iter(rows.iter().map(|_| None))),
        text("s1"),
        text("gw1"),
        Arc::new(StringArray::from_iter(rows.iter().map(|row| row.unit.clone()))),
        Arc::new(Int64Array::from_iter(rows.iter().map(|_| Some(1)))),
        text("good"),
        Arc::new(Float32Array::from_iter(rows.iter().map(|_| Some(3.3)))),
        Arc::new(Float32Array::from_iter(rows.iter().map(|_| None))),
    ];
    RecordBatch::try_new(readings_schema(), columns).unwrap()
}

fn rejected_batch() -> RecordBatch {
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    let columns =
        vec![times([1_000].into_iter()), text("coldtrail/v1/s/g/readings"), text("=1+1,\"x\"\n"), text("json")];
    RecordBatch::try_new(rejected_schema(), columns).unwrap()
}
