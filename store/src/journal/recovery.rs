//! What a start does with the journal directory it finds, before anything new is written.

use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::inspect::{Inspection, inspect, read};
use super::segment::{self, Header};
use super::segments::Segment;
use super::set_aside::{fill_holes, keep};
use super::writer::Current;
use super::{JournalOptions, Position};
use crate::Error;

/// What a start found in the journal directory.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    /// Segment files kept.
    pub segments: usize,
    /// Their valid bytes.
    pub bytes: u64,
    /// The first position kept; the next to be given when nothing is kept.
    pub first: Position,
    /// The last position kept; one less than `first` when nothing is kept.
    pub last: Position,
    /// Bytes of an unfinished commit, cut from the end or set aside.
    pub torn_bytes: u64,
    /// Where those bytes were copied to.
    pub torn_files: Vec<PathBuf>,
    /// Positions that stand in gaps: damaged once and set aside.
    pub gap_positions: u64,
}

/// What the writer goes on from.
pub(super) struct Recovered {
    pub(super) recovery: Recovery,
    pub(super) segments: Vec<Segment>,
    pub(super) mark: u32,
    pub(super) current: Option<Current>,
}

/// A look at the journal of `dir` that changes nothing: every segment and every frame is read and verified.
///
/// # Errors
/// The first thing that is wrong, named with file, offset and remedy. A torn end is not wrong: it is counted.
pub fn check(dir: &Path) -> Result<Recovery, Error> {
    let inspection = inspect(dir)?;
    Ok(report(&inspection, JournalOptions::default().first))
}

/// Repairs what a crash leaves behind and refuses everything else.
pub(super) fn recover(dir: &Path, disk: &dyn Disk, first: Position) -> Result<Recovered, Error> {
    remove_drafts(dir, disk)?;
    let inspection = inspect(dir)?;
    let mut recovery = report(&inspection, first);
    if let Some(unborn) = inspection.unborn {
        let path = segment::path(dir, unborn.first);
        if unborn.bytes > 0 {
            recovery.torn_files.extend(keep_torn(dir, disk, &path, unborn.first, 0)?);
        }
        disk.remove(&path).map_err(|source| Error::Io { action: "remove", path, source })?;
        sync_dir(dir, disk)?;
    }
    let mark = inspection.header.map_or_else(new_mark, |header| header.mark);
    let current = match (&inspection.header, inspection.segments.last()) {
        (Some(header), Some(last)) => Some(mend_end(dir, disk, &inspection, header, last.end, &mut recovery)?),
        _ => None,
    };
    if recovery.torn_bytes > 0 {
        metrics::counter!("coldtrail_journal_torn_bytes_total").increment(recovery.torn_bytes);
        tracing::warn!(bytes = recovery.torn_bytes, files = ?recovery.torn_files, "the journal ended in an unfinished commit");
    }
    Ok(Recovered { recovery, segments: inspection.segments, mark, current })
}

fn report(inspection: &Inspection, first: Position) -> Recovery {
    let first = match (inspection.segments.first(), inspection.unborn) {
        (Some(segment), _) => segment.first,
        (None, Some(unborn)) => unborn.first,
        (None, None) => first,
    };
    let before = Position::new(first.get().saturating_sub(1));
    let set_aside: u64 = inspection.holes.iter().map(|hole| hole.len).sum();
    Recovery {
        segments: inspection.segments.len(),
        bytes: inspection.segments.iter().map(|segment| segment.end).sum(),
        first,
        last: inspection.segments.last().map_or(before, |segment| segment.last),
        torn_bytes: inspection.torn_bytes + set_aside + inspection.unborn.map_or(0, |unborn| unborn.bytes),
        torn_files: Vec::new(),
        gap_positions: inspection.gap_positions
            + inspection.holes.iter().map(|hole| hole.last.get() - hole.first.get() + 1).sum::<u64>(),
    }
}

/// Makes the last segment end with its last whole frame, and makes sure that all of it is on disk.
fn mend_end(
    dir: &Path,
    disk: &dyn Disk,
    inspection: &Inspection,
    header: &Header,
    end: u64,
    recovery: &mut Recovery,
) -> Result<Current, Error> {
    let path = segment::path(dir, header.first);
    if !inspection.holes.is_empty() {
        let mut bytes = Vec::new();
        read(&path, &mut bytes)?;
        for done in fill_holes(disk, dir, &path, header, &inspection.holes, bytes)? {
            tracing::error!(first = %done.first, last = %done.last, file = %done.file.display(),
                "the last commit of the journal does not read as a whole: what does not is set aside");
            recovery.torn_files.push(done.file);
        }
    }
    if inspection.torn_bytes > 0 {
        recovery.torn_files.extend(keep_torn(dir, disk, &path, header.first, end)?);
    }
    let failed = |action, source| Error::Io { action, path: path.clone(), source };
    let mut output = disk.open(&path).map_err(|source| failed("open", source))?;
    if inspection.torn_bytes > 0 {
        output.cut(end).map_err(|source| failed("cut", source))?;
    }
    // The process before may have died between its write and its fsync.
    output.sync().map_err(|source| failed("fsync", source))?;
    sync_dir(dir, disk)?;
    Ok(Current::found(header, end, output))
}

/// Copies what lies after `offset`. A full disk must not keep the journal from starting: these bytes were most likely
/// never acknowledged, so then they are only counted.
fn keep_torn(dir: &Path, disk: &dyn Disk, path: &Path, first: Position, offset: u64) -> Result<Option<PathBuf>, Error> {
    let mut bytes = Vec::new();
    read(path, &mut bytes)?;
    let torn = bytes.get(offset as usize..).unwrap_or_default();
    match keep(disk, dir, "torn", first, offset, torn) {
        Ok(file) => Ok(Some(file)),
        Err(Error::Io { source, path, .. }) if source.kind() == std::io::ErrorKind::StorageFull => {
            tracing::error!(bytes = torn.len(), file = %path.display(), "no space to keep the torn end of the journal: it is cut");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Removes what a crash left of a segment being written anew.
fn remove_drafts(dir: &Path, disk: &dyn Disk) -> Result<(), Error> {
    let failed = |source| Error::Io { action: "list", path: dir.to_owned(), source };
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "tmp") {
            disk.remove(&path).map_err(|source| Error::Io { action: "remove", path, source })?;
        }
    }
    Ok(())
}

fn sync_dir(dir: &Path, disk: &dyn Disk) -> Result<(), Error> {
    disk.sync_dir(dir).map_err(|source| Error::Io { action: "fsync", path: dir.to_owned(), source })
}

/// A mark for a new journal: random, and never zero, which is what a disk gives for bytes it lost.
fn new_mark() -> u32 {
    uuid::Uuid::new_v4().as_fields().0.max(1)
}
