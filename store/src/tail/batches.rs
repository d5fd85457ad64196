//! The tail as record batches with the tables' columns.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float32Builder, Float64Builder, Int64Builder, RecordBatch, RecordBatchOptions, StringBuilder,
    TimestampMillisecondArray, new_null_array,
};
use arrow::compute::concat_batches;
use arrow::datatypes::DataType;
use model::reading::Quality;

use super::generation::{Generation, Overlay, Refused, Shared};
use super::rows::{Chunk, NO_NAME, NONE, Sparse};
use crate::Error;
use crate::names::{NameId, NameList};
use crate::schema::{READINGS, REJECTED};
use crate::view::Unflushed;

/// A moment of the tail. Taking it copies little; making batches of it is the reader's work.
#[derive(Debug)]
pub struct TailBatches {
    names: NameList,
    frozen: Option<(Arc<Generation>, Overlay)>,
    active: Shared,
}

impl TailBatches {
    pub(super) fn new(
        names: NameList,
        frozen: Option<Arc<Generation>>,
        active: Shared,
        conflicts_in_lake: &HashSet<(NameId, i64)>,
    ) -> Self {
        let frozen = frozen.map(|frozen| {
            let mut overlay = frozen.overlay().clone();
            for &(sensor, at) in conflicts_in_lake {
                overlay.conflicts.extend(frozen.rows_of(sensor, at));
            }
            (frozen, overlay)
        });
        Self { names, frozen, active }
    }

    /// The refusals, in order of arrival.
    ///
    /// # Errors
    /// Only when Arrow refuses a batch, which would be a defect.
    pub fn rejected(&self) -> Result<RecordBatch, Error> {
        let frozen = self.frozen.iter().flat_map(|(frozen, _)| &frozen.rejected);
        rejected_batch(frozen.chain(&self.active.rejected).map(AsRef::as_ref))
    }

    fn convert<'a>(
        &self,
        chunks: impl Iterator<Item = &'a Chunk>,
        overlay: &Overlay,
        columns: &[usize],
        sensors: Option<&[u32]>,
        batches: &mut Vec<RecordBatch>,
    ) -> Result<(), Error> {
        for (number, chunk) in chunks.enumerate().filter(|(_, chunk)| chunk.len() > 0) {
            #[expect(clippy::cast_possible_truncation, reason = "row numbers are 32 bits by construction")]
            let first = (number * Chunk::ROWS) as u32;
            let conflict = |row: usize| !overlay.is_empty() && overlay.conflicts.contains(&(first + row as u32));
            let is_shown = |row: usize| overlay.is_empty() || !overlay.hides(first + row as u32);
            let rows: Vec<usize> = wanted(chunk, sensors).into_iter().filter(|row| is_shown(*row)).collect();
            if !rows.is_empty() {
                batches.push(Picked { chunk, rows, names: &self.names }.batch(columns, conflict)?);
            }
        }
        Ok(())
    }
}

/// The readings, in batches of at most one chunk, in no particular order.
impl Unflushed for TailBatches {
    fn batches(&self, columns: &[usize], sensors: Option<&[&str]>) -> Result<Vec<RecordBatch>, Error> {
        let numbers: Option<Vec<u32>> = sensors.map(|sensors| self.names.numbers(sensors));
        let numbers = numbers.as_deref();
        let mut batches = Vec::new();
        if let Some((frozen, overlay)) = &self.frozen {
            self.convert(frozen.chunks(), overlay, columns, numbers, &mut batches)?;
        }
        let sealed = self.active.rows.sealed.iter().map(AsRef::as_ref);
        let chunks = sealed.chain(std::iter::once(&self.active.rows.open));
        self.convert(chunks, &self.active.overlay, columns, numbers, &mut batches)?;
        match batches.first() {
            // of some sensors a chunk has a few rows only
            Some(first) if numbers.is_some() => Ok(vec![concat_batches(&first.schema(), &batches)?]),
            _ => Ok(batches),
        }
    }
}

/// The rows of `chunk` that are of `sensors`, or all of them.
fn wanted(chunk: &Chunk, sensors: Option<&[u32]>) -> Vec<usize> {
    match sensors {
        None => (0..chunk.len()).collect(),
        Some([one]) => rows_of(*one, &chunk.sensor),
        Some(several) => (0..chunk.len()).filter(|row| several.contains(&chunk.sensor[*row])).collect(),
    }
}

/// The rows that are of `sensor`, which of a thousand sensors are few: a block without one is passed in a few instructions.
fn rows_of(sensor: u32, sensors: &[u32]) -> Vec<usize> {
    const BLOCK: usize = 64;
    let mut rows = Vec::new();
    for (number, block) in sensors.chunks(BLOCK).enumerate() {
        // no early end, so that many are compared at once
        if block.iter().fold(false, |found, other| found | (*other == sensor)) {
            let found = block.iter().enumerate().filter(|(_, other)| **other == sensor);
            rows.extend(found.map(|(row, _)| number * BLOCK + row));
        }
    }
    rows
}

/// Some rows of a chunk.
struct Picked<'a> {
    chunk: &'a Chunk,
    rows: Vec<usize>,
    names: &'a NameList,
}

impl Picked<'_> {
    /// Those `columns` of `readings` of them, in order of arrival.
    fn batch(&self, columns: &[usize], conflict: impl Fn(usize) -> bool) -> Result<RecordBatch, Error> {
        let schema = Arc::new(READINGS.project(columns)?);
        let arrays = schema.fields().iter().map(|field| self.column(field.name(), &conflict)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows.len()));
        Ok(RecordBatch::try_new_with_options(schema, arrays, &options)?)
    }

    fn column(&self, name: &str, conflict: impl Fn(usize) -> bool) -> ArrayRef {
        let chunk = self.chunk;
        match name {
            "sensor" => self.texts(&chunk.sensor),
            "measured_at" => self.instants(&chunk.measured_at),
            "received_at" => self.instants(&chunk.received_at),
            "temperature_c" => thousandths(self.rows.iter().map(|row| chunk.temperature[*row])),
            "humidity_pct" => thousandths(self.rows.iter().map(|row| chunk.humidity[*row])),
            "site" => self.texts(&chunk.site),
            "gateway" => self.texts(&chunk.gateway),
            "unit" => self.texts(&chunk.unit),
            "seq" => self.integers(&chunk.seq),
            "quality" => {
                let quality = |row: &usize| if conflict(*row) { Quality::Conflict } else { Quality::Good };
                let mut qualities = StringBuilder::with_capacity(self.rows.len(), self.rows.len() * 4);
                self.rows.iter().for_each(|row| qualities.append_value(quality(row).as_str()));
                Arc::new(qualities.finish())
            }
            "battery_v" => self.floats(&chunk.battery_v),
            _ => self.floats(&chunk.rssi_dbm),
        }
    }

    fn instants(&self, values: &[i64]) -> ArrayRef {
        let values: Vec<i64> = self.rows.iter().map(|row| values[*row]).collect();
        Arc::new(TimestampMillisecondArray::from(values).with_timezone("UTC"))
    }

    /// Names by number as text; `NO_NAME` is null.
    fn texts(&self, numbers: &[u32]) -> ArrayRef {
        let mut column = StringBuilder::with_capacity(self.rows.len(), self.rows.len() * 12);
        for row in &self.rows {
            let number = numbers[*row];
            column.append_option((number != NO_NAME).then(|| self.names.known(number)));
        }
        Arc::new(column.finish())
    }

    fn integers(&self, values: &Sparse<i64>) -> ArrayRef {
        if values.is_absent() {
            return new_null_array(&DataType::Int64, self.rows.len());
        }
        let mut column = Int64Builder::with_capacity(self.rows.len());
        self.rows.iter().for_each(|row| column.append_option(values.get(*row)));
        Arc::new(column.finish())
    }

    fn floats(&self, values: &Sparse<f32>) -> ArrayRef {
        if values.is_absent() {
            return new_null_array(&DataType::Float32, self.rows.len());
        }
        let mut column = Float32Builder::with_capacity(self.rows.len());
        self.rows.iter().for_each(|row| column.append_option(values.get(*row)));
        Arc::new(column.finish())
    }
}

/// Refusals with the columns of `rejected`.
pub(crate) fn rejected_batch<'a>(refused: impl Iterator<Item = &'a Refused>) -> Result<RecordBatch, Error> {
    let (mut received_at, mut topic, mut payload, mut reason) =
        (Vec::new(), StringBuilder::new(), StringBuilder::new(), StringBuilder::new());
    for refused in refused {
        received_at.push(refused.received_at);
        topic.append_value(&refused.topic);
        payload.append_value(&refused.payload);
        reason.append_value(refused.reason.as_str());
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(TimestampMillisecondArray::from(received_at).with_timezone("UTC")),
        Arc::new(topic.finish()),
        Arc::new(payload.finish()),
        Arc::new(reason.finish()),
    ];
    Ok(RecordBatch::try_new(Arc::clone(&REJECTED), columns)?)
}

/// Whole thousandths as the nearest f64; `NONE` is null.
fn thousandths(values: impl ExactSizeIterator<Item = i32>) -> ArrayRef {
    let mut column = Float64Builder::with_capacity(values.len());
    for value in values {
        column.append_option((value != NONE).then(|| f64::from(value) / 1000.0));
    }
    Arc::new(column.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_row_of_a_sensor_in_blocks_that_are_full_and_in_the_last() {
        for count in [0, 1, 63, 64, 65, 128, 1000] {
            for every in [1, 7, 64, 65, 999] {
                let sensors: Vec<u32> = (0..count).map(|row| u32::from(row % every == every - 1)).collect();
                let expected: Vec<usize> = (0..count).filter(|row| sensors[*row] == 1).collect();
                assert_eq!(rows_of(1, &sensors), expected, "{count} {every}");
                assert_eq!(rows_of(2, &sensors), [] as [usize; 0]);
            }
        }
    }
}
