//! Few large files in place of many small ones, with the same rows.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{SortColumn, concat_batches, lexsort_to_indices, take_record_batch};
use arrow::datatypes::TimestampMillisecondType;

use super::encode::{DayRows, read_file, write_file};
use super::file::FileName;
use super::table::Purpose;
use super::{Lake, Table};
use crate::Error;
use crate::view::LakeFile;

/// Rows of a day are gathered into files of at most about this many bytes.
const TARGET_BYTES: u64 = 128 << 20;
/// A day is compacted when so many of its files are small.
const SMALL_FILES: usize = 4;

/// What a compaction did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Files taken out.
    pub removed: usize,
    /// Files put in their place.
    pub added: usize,
    /// Bytes taken out.
    pub bytes_before: u64,
    /// Bytes put in.
    pub bytes_after: u64,
}

impl Lake {
    /// Compacts the days of both tables that ended before `today` (days since 1970-01-01), one commit a day.
    ///
    /// The day that is still being written is left alone unless it has over `busy_files` small files.
    ///
    /// # Errors
    /// When a file cannot be read or written; days done before stay done.
    pub async fn compact(&self, today: i64, busy_files: usize) -> Result<Compacted, Error> {
        let mut done = Compacted::default();
        for table in [self.readings(), self.rejected()] {
            for (day, files) in days(table) {
                let enough = if day >= today { busy_files.max(SMALL_FILES) } else { SMALL_FILES };
                if files.len() >= enough {
                    self.compact_day(table, day, files, &mut done).await?;
                }
            }
        }
        Ok(done)
    }

    async fn compact_day(
        &self,
        table: &Table,
        day: i64,
        files: Vec<LakeFile>,
        done: &mut Compacted,
    ) -> Result<(), Error> {
        let mut group = Vec::new();
        let mut bytes = 0;
        for file in files {
            if bytes + file.size > TARGET_BYTES && group.len() > 1 {
                self.merge(table, day, std::mem::take(&mut group), done).await?;
                bytes = 0;
            }
            bytes += file.size;
            group.push(file);
        }
        if group.len() > 1 { self.merge(table, day, group, done).await } else { Ok(()) }
    }

    async fn merge(&self, table: &Table, day: i64, files: Vec<LakeFile>, done: &mut Compacted) -> Result<(), Error> {
        let mut batches = Vec::new();
        for file in &files {
            batches.extend(read_file(self.objects(), table, file).await?);
        }
        let schema = table.schema().clone();
        let merged = tokio::task::spawn_blocking(move || sort(&concat_batches(&schema, &batches)?)).await;
        let batch = match merged {
            Ok(batch) => batch?,
            Err(join) => std::panic::resume_unwind(join.into_panic()),
        };
        let position = table.committed().map_or(0, |position| position.get());
        let newest = files.iter().map(|file| file.modified_at).max().unwrap_or_default();
        let part = format!("c{newest}");
        let file = write_file(self.objects(), table, &DayRows { day, batch }, position, &part).await?;
        fail::fail_point!("compact-written");
        done.removed += files.len();
        done.added += 1;
        done.bytes_before += files.iter().map(|file| file.size).sum::<u64>();
        done.bytes_after += file.size;
        table.commit(vec![file], &files, None, Purpose::Compact).await?;
        fail::fail_point!("compact-committed");
        Ok(())
    }
}

/// The small files of a table by day.
fn days(table: &Table) -> BTreeMap<i64, Vec<LakeFile>> {
    let mut days: BTreeMap<i64, Vec<LakeFile>> = BTreeMap::new();
    for file in table.files().iter().filter(|file| file.size < TARGET_BYTES / 2) {
        if let Some(name) = FileName::parse(&file.path) {
            let day = name.day.signed_duration_since(chrono::NaiveDate::default()).num_days();
            days.entry(day).or_default().push(file.clone());
        }
    }
    days
}

/// Sorts by the first two columns: (sensor, measured_at) or (received_at, topic).
fn sort(batch: &RecordBatch) -> Result<RecordBatch, Error> {
    if is_sorted(batch) {
        return Ok(batch.clone());
    }
    let columns: Vec<SortColumn> =
        (0..2).map(|column| SortColumn { values: batch.column(column).clone(), options: None }).collect();
    let order: UInt32Array = lexsort_to_indices(&columns, None)?;
    Ok(take_record_batch(batch, &order)?)
}

fn is_sorted(batch: &RecordBatch) -> bool {
    let (Some(sensor), Some(at)) =
        (batch.column(0).as_string_opt::<i32>(), batch.column(1).as_primitive_opt::<TimestampMillisecondType>())
    else {
        return false;
    };
    (1..sensor.len()).all(|row| (sensor.value(row - 1), at.value(row - 1)) <= (sensor.value(row), at.value(row)))
}
