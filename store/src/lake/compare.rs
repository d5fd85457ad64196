//! Comparing late readings with what the lake holds of their identities.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, TimestampMillisecondType};
use model::reading::Quality;
use parquet::arrow::ProjectionMask;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

use super::Lake;
use super::loaded::Loaded;
use crate::Error;
use crate::names::{NameId, NameList};
use crate::tail::{LateRow, Relation, Tail, Values, Verdict};
use crate::view::LakeFile;

/// Late rows by sensor and instant, with what was found of each so far.
type Wanted = BTreeMap<Arc<str>, HashMap<i64, Vec<Found>>>;

#[derive(Debug)]
struct Found {
    row: LateRow,
    duplicate: bool,
    conflict: bool,
}

impl Lake {
    /// Compares every late row of `tail` with the lake, and returns how many turned out to be duplicates.
    ///
    /// # Errors
    /// When a file of the lake cannot be read; rows stay late then.
    pub async fn settle_late(&self, tail: &Mutex<Tail>) -> Result<usize, Error> {
        let (rows, names) = {
            let tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
            (tail.late_rows(), tail.names().list())
        };
        if rows.is_empty() {
            return Ok(0);
        }
        let wanted = self.compare(&rows, &names).await?;
        let mut verdicts: HashMap<u64, Vec<(u32, Verdict)>> = HashMap::new();
        let mut in_conflict: Vec<(NameId, i64)> = Vec::new();
        for found in wanted.into_values().flat_map(HashMap::into_values).flatten() {
            let verdict = match (found.duplicate, found.conflict) {
                (true, _) => Verdict::Duplicate,
                (false, true) => Verdict::Conflict,
                (false, false) => Verdict::New,
            };
            if verdict == Verdict::Conflict {
                in_conflict.push((found.row.sensor, found.row.measured_at));
            }
            verdicts.entry(found.row.generation).or_default().push((found.row.row, verdict));
        }
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.mark_conflicts_in_lake(in_conflict);
        Ok(verdicts.iter().map(|(generation, verdicts)| tail.settle(*generation, verdicts)).sum())
    }

    async fn compare(&self, rows: &[LateRow], names: &NameList) -> Result<Wanted, Error> {
        let mut wanted: Wanted = BTreeMap::new();
        for row in rows {
            let Some(name) = names.text(row.sensor) else { continue };
            let found = Found { row: *row, duplicate: false, conflict: false };
            wanted.entry(name.into()).or_default().entry(row.measured_at).or_default().push(found);
        }
        for file in self.readings().files().iter() {
            if may_hold(&wanted, file.min_sensor.as_deref(), file.max_sensor.as_deref(), times(file)) {
                self.compare_file(file, &mut wanted, names).await?;
            }
        }
        Ok(wanted)
    }

    async fn compare_file(&self, file: &LakeFile, wanted: &mut Wanted, names: &NameList) -> Result<(), Error> {
        let loaded = Loaded::of(self.objects(), self.readings(), file).await?;
        let builder = loaded.reader()?;
        let groups = builder.metadata().row_groups().iter().enumerate();
        let groups: Vec<usize> = groups.filter(|(_, group)| group_may_hold(wanted, group)).map(|(at, _)| at).collect();
        let columns = ["sensor", "measured_at", "temperature_c", "humidity_pct", "unit", "quality"];
        let projection = ProjectionMask::columns(builder.parquet_schema(), columns);
        let batches = builder.with_row_groups(groups).with_projection(projection).build();
        let batches = batches.map_err(|source| loaded.failed(source))?;
        for batch in batches {
            compare_batch(&batch?, wanted, names)?;
        }
        Ok(())
    }
}

fn compare_batch(batch: &RecordBatch, wanted: &mut Wanted, names: &NameList) -> Result<(), Error> {
    let text = |column: usize| arrow::compute::cast(batch.column(column), &arrow::datatypes::DataType::Utf8);
    let (sensor, unit, quality) = (text(0)?, text(4)?, text(5)?);
    let (sensor, unit, quality) = (sensor.as_string::<i32>(), unit.as_string::<i32>(), quality.as_string::<i32>());
    let measured_at = batch.column(1).as_primitive::<TimestampMillisecondType>();
    let (temperature, humidity) = (batch.column(2).as_primitive::<Float64Type>(), batch.column(3).as_primitive());
    for row in 0..batch.num_rows() {
        let Some(instants) = wanted.get_mut(sensor.value(row)) else { continue };
        let Some(rows) = instants.get_mut(&measured_at.value(row)) else { continue };
        let value =
            |column: &arrow::array::PrimitiveArray<Float64Type>| column.is_valid(row).then(|| column.value(row));
        let unit = unit.is_valid(row).then(|| unit.value(row));
        let marked = quality.value(row) == Quality::Conflict.as_str();
        for found in rows {
            let stored = Values::stored(value(temperature), value(humidity), unit, &found.row.values, names);
            let relation = stored.relate(found.row.values);
            found.duplicate |= relation == Relation::Same;
            found.conflict |= relation == Relation::Conflict || marked || found.row.conflict;
        }
    }
    Ok(())
}

fn times(file: &LakeFile) -> (i64, i64) {
    (file.min_measured_at, file.max_measured_at)
}

/// Whether something wanted may lie between these bounds; a missing bound is no bound.
fn may_hold(wanted: &Wanted, min: Option<&str>, max: Option<&str>, (from, to): (i64, i64)) -> bool {
    let sensors = wanted
        .iter()
        .filter(|(name, _)| min.is_none_or(|min| min <= &***name) && max.is_none_or(|max| &***name <= max));
    sensors.into_iter().any(|(_, instants)| instants.keys().any(|at| (from..=to).contains(at)))
}

fn group_may_hold(wanted: &Wanted, group: &RowGroupMetaData) -> bool {
    let statistics = |column: usize| group.column(column).statistics();
    let name = |bytes: Option<&[u8]>| bytes.and_then(|bytes| std::str::from_utf8(bytes).ok().map(str::to_owned));
    let (min, max) = match statistics(0) {
        // Names are at most 64 bytes, so that their bounds are kept whole.
        Some(Statistics::ByteArray(bounds)) => (name(bounds.min_bytes_opt()), name(bounds.max_bytes_opt())),
        _ => (None, None),
    };
    let times = match statistics(1) {
        Some(Statistics::Int64(bounds)) => {
            (bounds.min_opt().copied().unwrap_or(i64::MIN), bounds.max_opt().copied().unwrap_or(i64::MAX))
        }
        _ => (i64::MIN, i64::MAX),
    };
    may_hold(wanted, min.as_deref(), max.as_deref(), times)
}
