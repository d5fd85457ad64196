//! Few large files in place of many small ones, with the same rows.
//!
//! Flushes go on meanwhile. A compaction reads and merges files that readers are shown, on a thread of its own below
//! the priority of the rest of the process, and commits only if all of them are still in the table: a flush that marks
//! conflicts may have written one anew, and then the work is dropped. Files that are committed and not shown yet are
//! not looked at.
//!
//! A merge takes the smallest files of a day, and only so that the largest of them is no larger than the others
//! together. So the file that a row is in at least doubles each time the row is written anew, until it is full.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::apart::apart;
use super::file::{FileName, day_of};
use super::loaded::Loaded;
use super::merge::merge;
use super::table::Purpose;
use super::{Lake, Table};
use crate::Error;
use crate::view::LakeFile;

/// A merge takes up to about this many bytes: they are in memory, and so is the file made of them.
const TARGET_BYTES: u64 = 64 << 20;
/// A merge takes up to about this many rows, so that writing a file anew takes seconds.
const TARGET_ROWS: u64 = 16 << 20;
/// A merge takes up to this many files: a piece of each is in memory.
const FILES_AT_ONCE: usize = 32;
/// A day is compacted when so many of its files are small.
const SMALL_FILES: usize = 4;
/// How much nicer than the rest of the process the merging thread is.
const NICENESS: i32 = 5;

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
    /// Merges dropped because a file was written anew meanwhile.
    pub dropped: usize,
}

/// Small files of a day that become one.
#[derive(Debug)]
pub(super) struct Group {
    day: i64,
    pub(super) files: Vec<LakeFile>,
}

/// A group in one file, which is written and not committed.
#[derive(Debug)]
pub(super) struct Merged {
    group: Group,
    file: LakeFile,
}

impl Lake {
    /// Compacts what is there of both tables, one commit for each file made. One at a time: the caller sees to that.
    ///
    /// Days that ended before `today` (days since 1970-01-01) are compacted when they have a few small files; the day
    /// that is still being written is left alone unless it has at least `busy_files`. Ends early, between two merges
    /// or within one, when `stop` says so.
    ///
    /// # Errors
    /// The first, when a file cannot be read or written; the other files are compacted all the same.
    pub async fn compact(
        &self,
        today: i64,
        busy_files: usize,
        stop: impl Fn() -> bool + Clone + Send + 'static,
    ) -> Result<Compacted, Error> {
        let (mut done, mut failed) = (Compacted::default(), None);
        for table in [self.readings(), self.rejected()] {
            for group in groups(&table.files(), today, busy_files) {
                if stop() {
                    break;
                }
                if let Err(error) = self.compact_group(table, group, stop.clone(), &mut done).await {
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(done), Err)
    }

    async fn compact_group(
        &self,
        table: &Table,
        group: Group,
        stop: impl Fn() -> bool + Send + 'static,
        done: &mut Compacted,
    ) -> Result<(), Error> {
        match self.merge(table, group, stop).await? {
            Some(merged) => self.exchange(table, merged, done).await,
            None => Ok(()),
        }
    }

    /// Writes the file that is to take the place of `group`; `None` when `stop` said so.
    pub(super) async fn merge(
        &self,
        table: &Table,
        group: Group,
        stop: impl Fn() -> bool + Send + 'static,
    ) -> Result<Option<Merged>, Error> {
        let mut loaded = Vec::with_capacity(group.files.len());
        for file in &group.files {
            loaded.push(Loaded::of(self.objects(), table, file).await?);
        }
        let (schema, day) = (Arc::clone(table.schema()), group.day);
        let encoded = apart("compact", NICENESS, move || merge(&schema, day, &loaded, stop)).await?;
        let Some(encoded) = encoded else { return Ok(None) };
        let position = table.committed().map_or(0, |position| position.get());
        let newest = group.files.iter().map(|file| file.modified_at).max().unwrap_or_default();
        let file = encoded.put(self.objects(), table, position, &format!("c{newest}")).await?;
        fail::fail_point!("compact-written");
        Ok(Some(Merged { group, file }))
    }

    /// Puts the merged file in the place of its group, if all files of that are still in the table.
    pub(super) async fn exchange(&self, table: &Table, merged: Merged, done: &mut Compacted) -> Result<(), Error> {
        let Merged { group: Group { files, .. }, file } = merged;
        let bytes = file.size;
        let _exchanging = self.exchanging.lock().await;
        if !table.commit(vec![file], &files, None, Purpose::Compact).await? {
            done.dropped += 1;
            return Ok(());
        }
        fail::fail_point!("compact-committed");
        done.removed += files.len();
        done.added += 1;
        done.bytes_before += files.iter().map(|file| file.size).sum::<u64>();
        done.bytes_after += bytes;
        Ok(())
    }
}

/// What of `files` is worth merging, each file at most once.
pub(super) fn groups(files: &[LakeFile], today: i64, busy_files: usize) -> Vec<Group> {
    let mut days: BTreeMap<i64, Vec<&LakeFile>> = BTreeMap::new();
    for file in files.iter().filter(|file| !is_full(file) && FileName::parse(&file.path).is_some()) {
        if let Some(day) = day_of(&file.path) {
            days.entry(day).or_default().push(file);
        }
    }
    let mut groups = Vec::new();
    for (day, mut files) in days {
        let enough = if day >= today { busy_files.max(SMALL_FILES) } else { SMALL_FILES };
        files.sort_by(|a, b| (a.size, &a.path).cmp(&(b.size, &b.path)));
        let mut rest = files.as_slice();
        while rest.len() >= enough {
            let (count, no_more_fit) = worth_merging(rest);
            if count < 2 || (count < enough && !no_more_fit) {
                break;
            }
            let (some, others) = rest.split_at(count);
            groups.push(Group { day, files: some.iter().map(|file| (*file).clone()).collect() });
            rest = others;
        }
    }
    groups
}

/// Whether a file is large enough to be left alone.
fn is_full(file: &LakeFile) -> bool {
    file.size >= TARGET_BYTES / 2 || file.rows >= TARGET_ROWS / 2
}

/// How many of `files`, the smallest first, to merge: the last of them no larger than those before it. And whether a
/// limit of a merge was met.
fn worth_merging(files: &[&LakeFile]) -> (usize, bool) {
    let (mut bytes, mut rows, mut worth) = (0, 0, 0);
    for (index, file) in files.iter().enumerate() {
        let fits = index < FILES_AT_ONCE && bytes + file.size <= TARGET_BYTES && rows + file.rows <= TARGET_ROWS;
        if index > 0 && !fits {
            return (worth, true);
        }
        if file.size <= bytes {
            worth = index + 1;
        }
        bytes += file.size;
        rows += file.rows;
    }
    (worth, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(number: u64, size: u64, rows: u64) -> LakeFile {
        LakeFile {
            path: format!("day=2026-11-22/{number:020}-0-deadbeef.parquet"),
            size,
            rows,
            min_measured_at: 0,
            max_measured_at: 0,
            min_sensor: None,
            max_sensor: None,
            modified_at: 0,
        }
    }

    const DAY: i64 = 20_779;

    fn sizes(files: &[LakeFile], today: i64) -> Vec<Vec<u64>> {
        let groups = groups(files, today, 16);
        groups.iter().map(|group| group.files.iter().map(|file| file.size).collect()).collect()
    }

    #[test]
    fn a_large_file_is_not_written_anew_for_a_few_small_ones() {
        let of = |sizes: &[u64]| (0..).zip(sizes).map(|(number, size)| file(number, *size, 1)).collect::<Vec<_>>();
        assert_eq!(sizes(&of(&[9, 9, 9]), DAY + 1), Vec::<Vec<u64>>::new());
        assert_eq!(sizes(&of(&[9, 9, 9, 9]), DAY + 1), [[9, 9, 9, 9]]);
        assert_eq!(sizes(&of(&[1000, 9, 9, 9, 9]), DAY + 1), [[9, 9, 9, 9]]);
        assert_eq!(sizes(&of(&[1000, 9, 9, 9]), DAY + 1), Vec::<Vec<u64>>::new());
        assert_eq!(sizes(&of(&[36, 9, 9, 9, 9]), DAY + 1), [[9, 9, 9, 9, 36]]);
        assert_eq!(sizes(&of(&[1, 10, 100, 1000]), DAY + 1), Vec::<Vec<u64>>::new());
        assert_eq!(sizes(&of(&[9; 15]), DAY), Vec::<Vec<u64>>::new());
        assert_eq!(sizes(&of(&[9; 16]), DAY), [vec![9; 16]]);
    }

    #[test]
    fn a_merge_is_bounded_in_files_rows_and_bytes() {
        let many: Vec<LakeFile> = (0..100).map(|number| file(number, 1000, 10)).collect();
        assert_eq!(sizes(&many, DAY + 1).iter().map(Vec::len).collect::<Vec<_>>(), [32, 32, 32, 4]);
        let heavy: Vec<LakeFile> = (0..9).map(|number| file(number, TARGET_BYTES / 3, 10)).collect();
        assert_eq!(sizes(&heavy, DAY + 1).iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
        let long: Vec<LakeFile> = (0..9).map(|number| file(number, 1000, TARGET_ROWS / 4)).collect();
        assert_eq!(sizes(&long, DAY + 1).iter().map(Vec::len).collect::<Vec<_>>(), [4, 4]);
        let full: Vec<LakeFile> = (0..9).map(|number| file(number, 1000, TARGET_ROWS / 2)).collect();
        assert_eq!(sizes(&full, DAY + 1).len(), 0);
    }

    /// Files of one size come and are merged for a long time: how often a row is written anew stays small.
    #[test]
    fn a_row_is_written_anew_a_few_times_only() {
        let (mut files, mut written) = (Vec::new(), 0);
        let flushed = 20_000_u64;
        for number in 0..10_000 {
            files.push(file(number, flushed, 1000));
            for group in groups(&files.clone(), DAY + 1, 16) {
                files.retain(|file| !group.files.contains(file));
                let size = group.files.iter().map(|file| file.size).sum();
                written += size;
                files.push(file(1_000_000 + number, size, group.files.iter().map(|file| file.rows).sum()));
            }
        }
        let times = written as f64 / (10_000 * flushed) as f64;
        assert!(times < 6.0, "{times}");
        assert!(files.len() < 30, "{}", files.len());
    }
}
