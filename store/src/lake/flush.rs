//! Moving a frozen generation of the tail into the lake.

use std::collections::HashSet;
use std::sync::Arc;

use model::instant::MeasuredAt;

use super::apart::apart;
use super::encode::Encoded;
use super::file::day_of;
use super::loaded::Loaded;
use super::mark::{self, Wanted};
use super::table::Purpose;
use super::{Lake, sorted};
use crate::Error;
use crate::names::{NameId, NameList};
use crate::tail::{Generation, Tail};
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

        let (readings, rejected) = {
            let (generation, names) = (Arc::clone(generation), names.clone());
            let encode = move || Ok((sorted::readings(&generation, &names)?, sorted::rejected(&generation)?));
            apart("flush", 0, encode).await?
        };
        if !rejected.is_empty() {
            let files = self.put(self.rejected(), rejected, position.get(), &mut flushed).await?;
            fail::fail_point!("flush-rejected-written");
            flushed.rejected = files.iter().map(|file| file.rows).sum();
            self.rejected().commit(files, &[], Some(position), Purpose::Write).await?;
        }
        fail::fail_point!("flush-rejected-committed");
        let mut files = self.put(self.readings(), readings, position.get(), &mut flushed).await?;
        flushed.readings = files.iter().map(|file| file.rows).sum();
        fail::fail_point!("flush-readings-written");
        // From here to the commit no compaction may take away a file that is being written anew.
        let _exchanging = self.exchanging.lock().await;
        let (rewritten, replaced) = self.mark_conflicts(marked, names, position.get()).await?;
        flushed.rewritten = rewritten.len();
        files.extend(rewritten);
        self.readings().commit(files, &replaced, Some(position), Purpose::Write).await?;
        fail::fail_point!("flush-readings-committed");
        Ok(flushed)
    }

    async fn put(
        &self,
        table: &super::Table,
        encoded: Vec<Encoded>,
        position: u64,
        flushed: &mut Flushed,
    ) -> Result<Vec<LakeFile>, Error> {
        let mut files = Vec::with_capacity(encoded.len());
        for encoded in encoded {
            let file = encoded.put(self.objects(), table, position, "0").await?;
            flushed.files += 1;
            flushed.bytes += file.size;
            files.push(file);
        }
        Ok(files)
    }

    /// Writes the files anew that hold rows of `marked`, with those rows marked; returns new and old files.
    ///
    /// The caller sees to it that no file is exchanged until it has committed the result.
    async fn mark_conflicts(
        &self,
        marked: &HashSet<(NameId, i64)>,
        names: &NameList,
        position: u64,
    ) -> Result<(Vec<LakeFile>, Vec<LakeFile>), Error> {
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        let wanted = Arc::new(Wanted::of(marked, names));
        for file in self.readings().files().iter().filter(|file| wanted.may_be_in(file)) {
            let day = day_of(&file.path).unwrap_or_else(|| MeasuredAt::from_millis(file.min_measured_at).day());
            let loaded = Loaded::of(self.objects(), self.readings(), file).await?;
            let wanted = Arc::clone(&wanted);
            let encoded = apart("flush", 0, move || mark::with_marks(&loaded, day, &wanted)).await?;
            let Some(encoded) = encoded else { continue };
            let part = format!("m{:03}", added.len());
            added.push(encoded.put(self.objects(), self.readings(), position, &part).await?);
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
        (tail.names().list(), tail.conflicts_in_lake())
    };
    let newest = {
        let generation = Arc::clone(&generation);
        apart("flush", 0, move || Ok(generation.newest_by_sensor())).await?
    };
    let flushed = lake.flush(&generation, &names, &marked).await?;
    fail::fail_point!("flush-tail-held");
    // In one moment the rows leave the tail and their files are shown: a view has each of them once.
    let mut tail = lock();
    lake.show();
    tail.flushed(&newest, &marked);
    Ok(Some(flushed))
}
