//! The tail as record batches with the tables' columns.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Builder, Float64Builder, Int64Builder, RecordBatch, StringBuilder,
    TimestampMillisecondArray, new_null_array,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::DataType;
use model::reading::Quality;

use super::generation::{Generation, Overlay, Refused, Shared};
use super::rows::{Chunk, NO_NAME, NONE, Sparse};
use crate::Error;
use crate::names::{NameId, NameList};
use crate::schema::{READINGS, REJECTED};

/// A moment of the tail. Taking it copies little; making batches of it is the reader's work.
#[derive(Debug)]
pub struct TailBatches {
    names: NameList,
    frozen: Option<Arc<Generation>>,
    active: Shared,
    frozen_conflicts: HashSet<u32>,
}

impl TailBatches {
    pub(super) fn new(
        names: NameList,
        frozen: Option<Arc<Generation>>,
        active: Shared,
        conflicts_in_lake: &HashSet<(NameId, i64)>,
    ) -> Self {
        let mut frozen_conflicts = HashSet::new();
        if let Some(frozen) = &frozen {
            for &(sensor, at) in conflicts_in_lake {
                frozen_conflicts.extend(frozen.rows_of(sensor, at));
            }
        }
        Self { names, frozen, active, frozen_conflicts }
    }

    /// The readings, in batches of at most one chunk, in no particular order.
    ///
    /// # Errors
    /// Only when Arrow refuses a batch, which would be a defect.
    pub fn readings(&self) -> Result<Vec<RecordBatch>, Error> {
        let mut batches = Vec::new();
        if let Some(frozen) = &self.frozen {
            let mut overlay = frozen.overlay().clone();
            overlay.conflicts.extend(&self.frozen_conflicts);
            self.convert(frozen.chunks(), &overlay, &mut batches)?;
        }
        let sealed = self.active.rows.sealed.iter().map(AsRef::as_ref);
        let chunks = sealed.chain(std::iter::once(&self.active.rows.open));
        self.convert(chunks, &self.active.overlay, &mut batches)?;
        Ok(batches)
    }

    /// The refusals, in order of arrival.
    ///
    /// # Errors
    /// Only when Arrow refuses a batch, which would be a defect.
    pub fn rejected(&self) -> Result<RecordBatch, Error> {
        let frozen = self.frozen.iter().flat_map(|frozen| &frozen.rejected);
        rejected_batch(frozen.chain(&self.active.rejected).map(AsRef::as_ref))
    }

    fn convert<'a>(
        &self,
        chunks: impl Iterator<Item = &'a Chunk>,
        overlay: &Overlay,
        batches: &mut Vec<RecordBatch>,
    ) -> Result<(), Error> {
        for (number, chunk) in chunks.enumerate().filter(|(_, chunk)| chunk.len() > 0) {
            #[expect(clippy::cast_possible_truncation, reason = "row numbers are 32 bits by construction")]
            let first = (number * Chunk::ROWS) as u32;
            let conflict = |row: usize| !overlay.is_empty() && overlay.conflicts.contains(&(first + row as u32));
            let batch = chunk_batch(chunk, &self.names, conflict)?;
            let hidden = |row: usize| overlay.hides(first + row as u32);
            let batch = if overlay.is_empty() || !(0..chunk.len()).any(hidden) {
                batch
            } else {
                let shown: BooleanArray = (0..chunk.len()).map(|row| Some(!hidden(row))).collect();
                filter_record_batch(&batch, &shown)?
            };
            batches.push(batch);
        }
        Ok(())
    }
}

/// One chunk with the columns of `readings`, in order of arrival.
fn chunk_batch(chunk: &Chunk, names: &NameList, conflict: impl Fn(usize) -> bool) -> Result<RecordBatch, Error> {
    let rows = chunk.len();
    let quality = |row| if conflict(row) { Quality::Conflict } else { Quality::Good };
    let mut qualities = StringBuilder::with_capacity(rows, rows * 4);
    (0..rows).for_each(|row| qualities.append_value(quality(row).as_str()));
    let columns: Vec<ArrayRef> = vec![
        text_column(&chunk.sensor, names),
        Arc::new(TimestampMillisecondArray::from(chunk.measured_at.clone()).with_timezone("UTC")) as ArrayRef,
        Arc::new(TimestampMillisecondArray::from(chunk.received_at.clone()).with_timezone("UTC")),
        thousandths(chunk.temperature.iter().copied()),
        thousandths(chunk.humidity.iter().copied()),
        text_column(&chunk.site, names),
        text_column(&chunk.gateway, names),
        text_column(&chunk.unit, names),
        integers(&chunk.seq, 0..rows),
        Arc::new(qualities.finish()),
        floats(&chunk.battery_v, 0..rows),
        floats(&chunk.rssi_dbm, 0..rows),
    ];
    Ok(RecordBatch::try_new(Arc::clone(&READINGS), columns)?)
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

/// Names by number as text; `NO_NAME` is null.
fn text_column(numbers: &[u32], names: &NameList) -> ArrayRef {
    let mut column = StringBuilder::with_capacity(numbers.len(), numbers.len() * 12);
    for &number in numbers {
        column.append_option((number != NO_NAME).then(|| names.known(number)));
    }
    Arc::new(column.finish())
}

/// Whole thousandths as the nearest f64; `NONE` is null.
pub(crate) fn thousandths(values: impl ExactSizeIterator<Item = i32>) -> ArrayRef {
    let mut column = Float64Builder::with_capacity(values.len());
    for value in values {
        column.append_option((value != NONE).then(|| f64::from(value) / 1000.0));
    }
    Arc::new(column.finish())
}

fn integers(values: &Sparse<i64>, rows: std::ops::Range<usize>) -> ArrayRef {
    if values.is_absent() {
        return new_null_array(&DataType::Int64, rows.len());
    }
    let mut column = Int64Builder::with_capacity(rows.len());
    rows.for_each(|row| column.append_option(values.get(row)));
    Arc::new(column.finish())
}

fn floats(values: &Sparse<f32>, rows: std::ops::Range<usize>) -> ArrayRef {
    if values.is_absent() {
        return new_null_array(&DataType::Float32, rows.len());
    }
    let mut column = Float32Builder::with_capacity(rows.len());
    rows.for_each(|row| column.append_option(values.get(row)));
    Arc::new(column.finish())
}
