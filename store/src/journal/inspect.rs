//! A look at a journal directory that changes nothing: the chain of segments, and every frame in them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::Position;
use super::segment::{self, HEADER_BYTES, Header, ReadHeader, VERSION};
use super::segments::Segment;
use super::survey::{Hole, Survey, survey};
use crate::Error;

/// What to do about damage.
const SET_ASIDE: &str = "restore the file from a backup, or run `coldtrail set-aside --data DIR` to keep what follows";
/// What to do about files that should not be as they are.
const RESTORE: &str = "restore the journal's files as they were, from a backup if need be";

/// A journal directory as it was found.
#[derive(Debug, Default)]
pub(super) struct Inspection {
    /// The segments, oldest first, with their valid ends.
    pub(super) segments: Vec<Segment>,
    /// The header of the last of them.
    pub(super) header: Option<Header>,
    /// Breaks inside the last commit of the last segment.
    pub(super) holes: Vec<Hole>,
    /// Bytes after the valid end of the last segment.
    pub(super) torn_bytes: u64,
    /// Positions that stand in gaps.
    pub(super) gap_positions: u64,
    /// A last file without a header that reads and without a frame: the creation of a segment, cut short.
    pub(super) unborn: Option<Unborn>,
}

/// A segment that never came to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unborn {
    /// The first position it would have had.
    pub(super) first: Position,
    /// Its length, bytes.
    pub(super) bytes: u64,
}

/// A segment file and its header.
struct Found {
    path: PathBuf,
    first: Position,
    header: Option<Header>,
}

/// Looks at all segments in `dir`.
///
/// # Errors
/// The first thing that is wrong, unless a crash alone explains it.
pub(super) fn inspect(dir: &Path) -> Result<Inspection, Error> {
    let mut found = files(dir)?;
    let mut inspection = Inspection::default();
    let mark = mark(&found)?;
    if let Some(last) = found.pop_if(|last| last.header.is_none()) {
        inspection.unborn = Some(unborn(&last, mark)?);
    }
    check_chain(dir, &found)?;
    let unborn_first = inspection.unborn.map(|unborn| unborn.first);
    let mut bytes = Vec::new();
    for (index, this) in found.iter().enumerate() {
        let Some(header) = this.header else { continue };
        let next = found.get(index + 1);
        read(&this.path, &mut bytes)?;
        if let Some(Header { previous_end, .. }) = next.and_then(|next| next.header) {
            bytes.truncate(usize::try_from(previous_end).unwrap_or(usize::MAX));
        }
        let before = next.map(|next| next.first).or(unborn_first);
        let survey = survey(&bytes, HEADER_BYTES, header.mark, this.first, before);
        if let Some(end) = next.and_then(|next| next.header).map(|next| next.previous_end) {
            check_closed(this, &survey, end)?;
        } else {
            check_open(this, &survey)?;
            inspection.torn_bytes = bytes.len() as u64 - survey.end;
            inspection.holes.clone_from(&survey.holes);
        }
        if let Some(before) = before.filter(|before| *before != survey.next) {
            let what = format!(
                "it ends with position `{}`, and the next segment begins with `{before}`",
                survey.next.get() - 1
            );
            return Err(Error::JournalBroken { file: this.path.clone(), what, remedy: RESTORE });
        }
        inspection.gap_positions += survey.gap_positions;
        let last = Position::new(survey.next.get() - 1);
        inspection.segments.push(Segment { first: this.first, last, end: survey.end });
        inspection.header = Some(header);
    }
    Ok(inspection)
}

/// The segment files in `dir` by position, with their headers.
fn files(dir: &Path) -> Result<Vec<Found>, Error> {
    let failed = |source| Error::Io { action: "list", path: dir.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_none_or(|extension| extension != "wal") {
            continue;
        }
        let Some(first) = path.file_name().and_then(|name| segment::first_of_name(name.to_str()?)) else {
            let what = "its name is not a position of 20 digits".to_owned();
            return Err(Error::JournalBroken { file: path, what, remedy: "move the file out of the directory" });
        };
        let header = header_of(&path)?;
        found.push(Found { path, first, header });
    }
    found.sort_by_key(|found| found.first);
    Ok(found)
}

fn header_of(path: &Path) -> Result<Option<Header>, Error> {
    let failed = |source| Error::Io { action: "read", path: path.to_owned(), source };
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    let file = File::open(path).map_err(failed)?;
    file.take(HEADER_BYTES as u64).read_to_end(&mut bytes).map_err(failed)?;
    match Header::decode(&bytes) {
        ReadHeader::Valid(header) => Ok(Some(header)),
        ReadHeader::Bad => Ok(None),
        ReadHeader::Newer(found) => Err(Error::JournalVersion { file: path.to_owned(), found, known: VERSION }),
    }
}

/// Reads a whole file into `bytes`. Segments are bounded, so this is.
pub(super) fn read(path: &Path, bytes: &mut Vec<u8>) -> Result<(), Error> {
    bytes.clear();
    let mut file = File::open(path).map_err(|source| Error::Io { action: "open", path: path.to_owned(), source })?;
    file.read_to_end(bytes).map_err(|source| Error::Io { action: "read", path: path.to_owned(), source })?;
    Ok(())
}

/// The mark of the journal, which all headers agree on.
fn mark(found: &[Found]) -> Result<Option<u32>, Error> {
    let mut mark = None;
    for this in found {
        let Some(header) = this.header else { continue };
        if mark.is_some_and(|mark| mark != header.mark) {
            let what = "it belongs to another journal".to_owned();
            return Err(Error::JournalBroken { file: this.path.clone(), what, remedy: RESTORE });
        }
        mark = Some(header.mark);
    }
    Ok(mark)
}

/// Whether a last file without a header is the trace of a crash and nothing else.
fn unborn(last: &Found, mark: Option<u32>) -> Result<Unborn, Error> {
    let mut bytes = Vec::new();
    read(&last.path, &mut bytes)?;
    let guess = bytes.get(HEADER_BYTES..HEADER_BYTES + 4).map(|four| segment::read_u32(four, 0));
    let start = HEADER_BYTES.min(bytes.len());
    let before_first = Position::new(last.first.get().saturating_sub(1));
    let frames = mark.or(guess).map(|mark| survey(&bytes, start, mark, before_first, None));
    if frames.is_some_and(|frames| !frames.holes.is_empty() || frames.next != before_first) {
        return Err(bad_header(&last.path));
    }
    Ok(Unborn { first: last.first, bytes: bytes.len() as u64 })
}

fn bad_header(path: &Path) -> Error {
    let what = "the checksum of the segment's header is wrong";
    Error::JournalDamaged { file: path.to_owned(), offset: 0, what, remedy: SET_ASIDE }
}

/// Names, headers and their references to each other.
fn check_chain(dir: &Path, found: &[Found]) -> Result<(), Error> {
    let broken = |file: &Path, what| Err(Error::JournalBroken { file: file.to_owned(), what, remedy: RESTORE });
    for (index, this) in found.iter().enumerate() {
        let Some(header) = this.header else {
            let empty = std::fs::metadata(&this.path).is_ok_and(|file| file.len() == 0);
            return if empty {
                broken(&this.path, "it is empty, and others follow".to_owned())
            } else {
                Err(bad_header(&this.path))
            };
        };
        if header.first != this.first {
            return broken(&this.path, format!("its header says position `{}`: it is a copy", header.first));
        }
        let Some(previous) = index.checked_sub(1).map(|index| &found[index]) else { continue };
        if header.previous > previous.first {
            return broken(&segment::path(dir, header.previous), "it is missing".to_owned());
        }
        if header.previous < previous.first {
            return broken(&previous.path, format!("segment `{}` does not know it", this.path.display()));
        }
    }
    Ok(())
}

/// A segment that others follow was fsynced up to `end`: all of it must read.
fn check_closed(this: &Found, survey: &Survey, end: u64) -> Result<(), Error> {
    let hole = survey.holes.first().map(|hole| (hole.offset, hole.what));
    let short = (survey.end != end)
        .then_some((survey.end, survey.rest.unwrap_or("the segment does not end where the next one says")));
    match hole.or(short) {
        None => Ok(()),
        Some((offset, what)) => Err(Error::JournalDamaged { file: this.path.clone(), offset, what, remedy: SET_ASIDE }),
    }
}

/// In the last segment only the last commit may be torn: what came before it was fsynced.
fn check_open(this: &Found, survey: &Survey) -> Result<(), Error> {
    match survey.holes.iter().find(|hole| survey.commit > hole.first) {
        None => Ok(()),
        Some(&Hole { offset, what, .. }) => {
            Err(Error::JournalDamaged { file: this.path.clone(), offset, what, remedy: SET_ASIDE })
        }
    }
}
