//! Marking rows of the lake that turned out to be in conflict with others.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::datatypes::TimestampMillisecondType;
use model::reading::Quality;

use super::encode::{Encoded, Encoder};
use super::loaded::Loaded;
use crate::Error;
use crate::names::{NameId, NameList};
use crate::schema::READINGS;
use crate::view::LakeFile;

/// Identities whose rows are to be marked: instants by sensor.
#[derive(Debug)]
pub(super) struct Wanted(BTreeMap<Arc<str>, HashSet<i64>>);

impl Wanted {
    /// The identities in `marked`, with names in place of numbers.
    pub(super) fn of(marked: &HashSet<(NameId, i64)>, names: &NameList) -> Self {
        let mut wanted: BTreeMap<Arc<str>, HashSet<i64>> = BTreeMap::new();
        for &(sensor, at) in marked {
            if let Some(name) = names.text(sensor) {
                wanted.entry(name.into()).or_default().insert(at);
            }
        }
        Self(wanted)
    }

    /// Whether one of them lies within the bounds of `file`.
    pub(super) fn may_be_in(&self, file: &LakeFile) -> bool {
        let within = |name: &str| {
            file.min_sensor.as_deref().is_none_or(|min| min <= name)
                && file.max_sensor.as_deref().is_none_or(|max| name <= max)
        };
        let timely = |at: &i64| (file.min_measured_at..=file.max_measured_at).contains(at);
        self.0.iter().any(|(name, instants)| within(name) && instants.iter().any(timely))
    }

    /// Which rows of `batch` are wanted, and whether one of them is not marked yet.
    fn find(&self, batch: &RecordBatch, quality: &StringArray) -> (BooleanArray, bool) {
        let sensor = batch.column(0).as_string::<i32>();
        let measured_at = batch.column(1).as_primitive::<TimestampMillisecondType>();
        let wanted: BooleanArray = (0..batch.num_rows())
            .map(|row| Some(self.0.get(sensor.value(row)).is_some_and(|at| at.contains(&measured_at.value(row)))))
            .collect();
        let unmarked = |row| wanted.value(row) && quality.value(row) != Quality::Conflict.as_str();
        let found = (0..batch.num_rows()).any(unmarked);
        (wanted, found)
    }
}

/// The file anew with the wanted rows marked, or `None` when no row of it needs that.
///
/// # Errors
/// When the file does not read as Parquet.
pub(super) fn with_marks(loaded: &Loaded, day: i64, wanted: &Wanted) -> Result<Option<Encoded>, Error> {
    let column = READINGS.index_of("quality")?;
    let mut needed = false;
    for batch in loaded.batches(&READINGS)? {
        let batch = batch?;
        needed |= wanted.find(&batch, batch.column(column).as_string()).1;
        if needed {
            break;
        }
    }
    if !needed {
        return Ok(None);
    }
    let mut encoder = Encoder::new(&READINGS, day, loaded.may_have_units()?)?;
    for batch in loaded.batches(&READINGS)? {
        let batch = batch?;
        let quality = batch.column(column).as_string::<i32>();
        let (marks, found) = wanted.find(&batch, quality);
        if !found {
            encoder.write(&batch)?;
            continue;
        }
        let conflict = Quality::Conflict.as_str();
        let marked = (0..quality.len()).map(|row| if marks.value(row) { conflict } else { quality.value(row) });
        let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
        columns[column] = Arc::new(StringArray::from_iter_values(marked));
        encoder.write(&RecordBatch::try_new(batch.schema(), columns)?)?;
    }
    Ok(Some(encoder.finish()?.bounded_as(&loaded.file)))
}
