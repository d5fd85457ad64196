//! The columns of readings that histories are made of.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};

use crate::error::SqlError;
use crate::tables::Spans;

/// Their names in files and in the tail.
pub(super) const NAMES: [&str; 4] = ["sensor", "measured_at", "temperature_c", "humidity_pct"];

/// A batch of readings, rows of a sensor together.
pub(super) struct Columns {
    sensor: StringArray,
    at: TimestampMillisecondArray,
    temperature: Float64Array,
    humidity: Float64Array,
}

impl Columns {
    /// The columns of `batch`, with our types where another program wrote them in its own.
    pub(super) fn of(batch: &RecordBatch) -> Result<Self, SqlError> {
        let instant = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
        let column = |name: &str, wanted: &DataType| -> Result<ArrayRef, SqlError> {
            let missing = || SqlError::internal(format!("the readings have no column `{name}`"));
            let column = batch.column_by_name(name).ok_or_else(missing)?;
            if column.data_type() == wanted {
                Ok(column.clone())
            } else {
                cast(column, wanted).map_err(SqlError::internal)
            }
        };
        let [sensor, at, temperature, humidity] = NAMES;
        Ok(Self {
            sensor: column(sensor, &DataType::Utf8)?.as_string().clone(),
            at: column(at, &instant)?.as_primitive().clone(),
            temperature: column(temperature, &DataType::Float64)?.as_primitive().clone(),
            humidity: column(humidity, &DataType::Float64)?.as_primitive().clone(),
        })
    }

    /// Goes over the rows that are of sensors in `spans`: what is wanted of the sensor, its name, and its rows.
    pub(super) fn runs(&self, spans: &Spans, mut each: impl FnMut(&[(i64, i64)], &str, Range<usize>)) {
        let mut row = 0;
        while row < self.sensor.len() {
            let name = self.sensor.value(row);
            let end = (row..self.sensor.len()).find(|row| self.sensor.value(*row) != name).unwrap_or(self.sensor.len());
            if let Some(spans) = spans.of_sensor(name) {
                each(spans, name, row..end);
            }
            row = end;
        }
    }

    /// When the reading in `row` was measured, ms.
    pub(super) fn at(&self, row: usize) -> i64 {
        self.at.value(row)
    }

    /// The temperature in `row`, °C.
    pub(super) fn temperature(&self, row: usize) -> Option<f64> {
        self.temperature.is_valid(row).then(|| self.temperature.value(row))
    }

    /// The humidity in `row`, %RH.
    pub(super) fn humidity(&self, row: usize) -> Option<f64> {
        self.humidity.is_valid(row).then(|| self.humidity.value(row))
    }
}
