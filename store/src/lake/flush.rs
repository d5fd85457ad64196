//! Moving a frozen generation of the tail into the lake.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::datatypes::TimestampMillisecondType;
use model::reading::Quality;

use super::Lake;
use super::encode::{DayRows, read_file, write_file};
use super::sorted;
use super::table::Purpose;
use crate::Error;
use crate::schema::READINGS;
use crate::tail::{Generation, NameId, NameList, Tail};
use crate::view::LakeFile;

/// What a flush did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flushed {
    /// Readings committed.
    pub readings: u64,
    /// Refusals committed.
    pub rejected: u64,
    /// Files written for them.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Files written anew because a row in them turned out to be in conflict.
    pub rewritten: usize,
}

impl Lake {
    /// Commits all of `generation`, whose late rows have been compared with the lake.
    ///
    /// `marked` are identities whose rows already in the lake are to be marked as conflicts. Repeating a flush that
    /// was committed does nothing (its journal position is in the table already).
    ///
    /// # Errors
    /// When a file or a commit cannot be written; nothing of the readings is committed then, and the flush can be
    /// repeated.
    pub async fn flush(
        &self,
        generation: &Arc<Generation>,
        names: &NameList,
        marked: &HashSet<(NameId, i64)>,
    ) -> Result<Flushed, Error> {
        let Some(position) = generation.last_position() else { return Ok(Flushed::default()) };
        let mut flushed = Flushed::default();

        let (days, refused) = {
            let (generation, names) = (Arc::clone(generation), names.clone());
            let sort = move || Ok((sorted::readings(&generation, &names)?, sorted::rejected(&generation)?));
            off_runtime(sort).await?
        };
        if !refused.is_empty() {
            let files = self.write_days(self.rejected(), refused, position.get(), &mut flushed).await?;
            fail::fail_point!("flush-rejected-written");
            flushed.rejected = files.iter().map(|file| file.rows).sum();
            self.rejected().commit(files, &[], Some(position), Purpose::Write).await?;
        }
        fail::fail_point!("flush-rejected-committed");
        let mut files = self.write_days(self.readings(), days, position.get(), &mut flushed).await?;
        flushed.readings = files.iter().map(|file| file.rows).sum();
        fail::fail_point!("flush-readings-written");
        let (rewritten, replaced) = self.mark_conflicts(marked, names, position.get()).await?;
        flushed.rewritten = rewritten.len();
        files.extend(rewritten);
        self.readings().commit(files, &replaced, Some(position), Purpose::Write).await?;
        fail::fail_point!("flush-readings-committed");
        Ok(flushed)
    }

    async fn write_days(
        &self,
        table: &super::Table,
        days: Vec<DayRows>,
        position: u64,
        flushed: &mut Flushed,
    ) -> Result<Vec<LakeFile>, Error> {
        let mut files = Vec::with_capacity(days.len());
        for rows in days {
            let file = write_file(self.objects(), table, &rows, position, "0").await?;
            flushed.files += 1;
            flushed.bytes += file.size;
            files.push(file);
        }
        Ok(files)
    }

    /// Writes the files anew that hold rows of `marked`, with those rows marked; returns new and old files.
    async fn mark_conflicts(
        &self,
        marked: &HashSet<(NameId, i64)>,
        names: &NameList,
        position: u64,
    ) -> Result<(Vec<LakeFile>, Vec<LakeFile>), Error> {
        let mut wanted: BTreeMap<Arc<str>, HashSet<i64>> = BTreeMap::new();
        for &(sensor, at) in marked {
            if let Some(name) = names.text(sensor) {
                wanted.entry(name).or_default().insert(at);
            }
        }
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        for file in self.readings().files().iter().filter(|file| may_hold(file, &wanted)) {
            let batches = read_file(self.objects(), self.readings(), file).await?;
            let batch = arrow::compute::concat_batches(&READINGS, &batches)?;
            let Some(batch) = with_marks(&batch, &wanted)? else { continue };
            for rows in sorted::by_day(&batch, "measured_at")? {
                let part = format!("m{:03}", added.len());
                added.push(write_file(self.objects(), self.readings(), &rows, position, &part).await?);
            }
            removed.push(file.clone());
        }
        Ok((added, removed))
    }
}

/// Runs a whole flush of `tail`: freeze, compare late rows, write, commit, let go.
///
/// The lock on the tail is only taken for moments. `None` when there was nothing to flush. One flush at a time: the
/// caller sees to that.
///
/// # Errors
/// As [`Lake::flush`]; the frozen part stays in the tail and in answers, and the next call takes it up again.
pub async fn flush_tail(lake: &Lake, tail: &std::sync::Mutex<Tail>) -> Result<Option<Flushed>, Error> {
    let lock = || tail.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(generation) = lock().freeze() else { return Ok(None) };
    lake.settle_late(tail).await?;
    let (names, marked) = {
        let tail = lock();
        (tail.names().clone(), tail.conflicts_in_lake())
    };
    let newest = generation.newest_by_sensor();
    let flushed = lake.flush(&generation, &names, &marked).await?;
    fail::fail_point!("flush-tail-held");
    // In one moment the rows leave the tail and their files are shown: a view has each of them once.
    let mut tail = lock();
    lake.show();
    tail.flushed(&newest, &marked);
    Ok(Some(flushed))
}

fn may_hold(file: &LakeFile, wanted: &BTreeMap<Arc<str>, HashSet<i64>>) -> bool {
    let within = |name: &str| {
        file.min_sensor.as_deref().is_none_or(|min| min <= name)
            && file.max_sensor.as_deref().is_none_or(|max| name <= max)
    };
    let timely = |at: &i64| (file.min_measured_at..=file.max_measured_at).contains(at);
    wanted.iter().any(|(name, instants)| within(name) && instants.iter().any(timely))
}

/// The batch with the wanted rows marked, or `None` when no row needs it.
fn with_marks(batch: &RecordBatch, wanted: &BTreeMap<Arc<str>, HashSet<i64>>) -> Result<Option<RecordBatch>, Error> {
    let sensor = batch.column(0).as_string::<i32>();
    let measured_at = batch.column(1).as_primitive::<TimestampMillisecondType>();
    let quality_at = READINGS.index_of("quality")?;
    let quality = batch.column(quality_at).as_string::<i32>();
    let conflict = Quality::Conflict.as_str();
    let marks: BooleanArray = (0..batch.num_rows())
        .map(|row| Some(wanted.get(sensor.value(row)).is_some_and(|at| at.contains(&measured_at.value(row)))))
        .collect();
    if !(0..batch.num_rows()).any(|row| marks.value(row) && quality.value(row) != conflict) {
        return Ok(None);
    }
    let marked = (0..quality.len()).map(|row| if marks.value(row) { conflict } else { quality.value(row) });
    let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
    columns[quality_at] = Arc::new(StringArray::from_iter_values(marked));
    Ok(Some(RecordBatch::try_new(batch.schema(), columns)?))
}

/// Runs computing work on a thread that may block.
async fn off_runtime<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(join) => std::panic::resume_unwind(join.into_panic()),
    }
}
