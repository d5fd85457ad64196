//! Readings taken over row by row.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type, SchemaRef, TimestampMillisecondType};
use model::instant::{MeasuredAt, ReceivedAt};

use super::Reading;
use crate::error::SqlError;
use crate::sql::{Measured, Sink};

/// Readings in the order they came.
pub(super) struct Rows(pub(super) Vec<Reading>);

impl Measured for Rows {
    fn size(&self) -> usize {
        self.0.len() * size_of::<Reading>()
    }
}

impl Rows {
    /// Takes rows of `sensor, measured_at, received_at, temperature_c, humidity_pct, unit, seq, quality`.
    pub(super) fn sink(schema: &SchemaRef) -> Result<Box<dyn Sink<Answer = Self>>, SqlError> {
        schema.index_of("quality").map_err(SqlError::internal)?;
        Ok(Box::new(Taking(Vec::new())))
    }
}

/// Takes them.
struct Taking(Vec<Reading>);

impl Sink for Taking {
    type Answer = Rows;

    fn take(&mut self, batch: &RecordBatch) -> Result<(), SqlError> {
        let wrong = || SqlError::internal(arrow::error::ArrowError::SchemaError("readings have other columns".into()));
        let text = |column: usize| batch.column(column).as_string_opt::<i32>().ok_or_else(wrong);
        let instants =
            |column: usize| batch.column(column).as_primitive_opt::<TimestampMillisecondType>().ok_or_else(wrong);
        let numbers = |column: usize| batch.column(column).as_primitive_opt::<Float64Type>().ok_or_else(wrong);
        let (sensor, measured_at, received_at) = (text(0)?, instants(1)?, instants(2)?);
        let (temperature, humidity, unit) = (numbers(3)?, numbers(4)?, text(5)?);
        let seq = batch.column(6).as_primitive_opt::<Int64Type>().ok_or_else(wrong)?;
        let quality = text(7)?;
        self.0.extend((0..batch.num_rows()).map(|row| Reading {
            sensor: sensor.value(row).into(),
            measured_at: MeasuredAt::from_millis(measured_at.value(row)),
            received_at: ReceivedAt::from_millis(received_at.value(row)),
            temperature_c: temperature.is_valid(row).then(|| temperature.value(row)),
            humidity_pct: humidity.is_valid(row).then(|| humidity.value(row)),
            unit: unit.is_valid(row).then(|| unit.value(row).into()),
            seq: seq.is_valid(row).then(|| seq.value(row)),
            quality: quality.value(row).into(),
        }));
        Ok(())
    }

    fn size(&self) -> usize {
        self.0.len() * size_of::<Reading>()
    }

    fn finish(self: Box<Self>) -> Result<Rows, SqlError> {
        Ok(Rows(self.0))
    }
}
