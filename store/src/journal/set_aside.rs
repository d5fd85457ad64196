//! The way out of damage: the bytes that do not read go to a file of their own, and a gap takes their place.

use std::path::{Path, PathBuf};

use super::disk::{Disk, RealDisk, write_all};
use super::inspect::{inspect, read};
use super::segment::{self, HEADER_BYTES, Header, ReadHeader};
use super::survey::{Hole, survey};
use super::{Position, frame};
use crate::Error;

/// Bytes that were set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// The segment they were in.
    pub segment: PathBuf,
    /// Where they began in it, bytes.
    pub offset: u64,
    /// How many they were.
    pub bytes: u64,
    /// The first position that cannot be read any more. After `last` when only a header was written anew.
    pub first: Position,
    /// The last position that cannot be read any more.
    pub last: Position,
    /// Where the bytes are now.
    pub file: PathBuf,
}

impl std::fmt::Display for SetAside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "`{}` byte {}: {} bytes moved to `{}`",
            self.segment.display(),
            self.offset,
            self.bytes,
            self.file.display()
        )?;
        if self.first <= self.last {
            write!(f, "; positions {} to {} cannot be read any more", self.first.get(), self.last.get())?;
        }
        Ok(())
    }
}

/// Sets all damage in the journal of `dir` aside, so that it opens and all that reads is kept. The journal must not be open.
///
/// # Errors
/// What is wrong beyond damage (missing, copied or newer segments), and the disk's own failures.
pub fn set_aside(dir: &Path) -> Result<Vec<SetAside>, Error> {
    let mut done = Vec::new();
    loop {
        match inspect(dir) {
            Ok(_) => return Ok(done),
            Err(Error::JournalDamaged { file, offset, what, remedy }) => {
                let fixed = mend(&RealDisk, dir, &file)?;
                if fixed.is_empty() {
                    return Err(Error::JournalDamaged { file, offset, what, remedy });
                }
                done.extend(fixed);
            }
            Err(other) => return Err(other),
        }
    }
}

/// What the next segment says of the one before it.
struct Successor {
    first: Position,
    /// Where the segment before ends, bytes; unknown when the successor has lost its header.
    end: Option<u64>,
}

/// Puts one segment in order.
fn mend(disk: &dyn Disk, dir: &Path, path: &Path) -> Result<Vec<SetAside>, Error> {
    let mut bytes = Vec::new();
    read(path, &mut bytes)?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let first = segment::first_of_name(name).unwrap_or_default();
    let successor = successor(dir, first)?;
    let header = match Header::decode(&bytes) {
        ReadHeader::Valid(header) => header,
        _ => return rebuild_header(disk, dir, path, first, &mut bytes),
    };
    let mut whole = bytes;
    if let Some(end) = successor.as_ref().and_then(|successor| successor.end) {
        whole.resize(usize::try_from(end).unwrap_or(usize::MAX), 0);
    }
    let before = successor.as_ref().map(|successor| successor.first);
    let survey = survey(&whole, HEADER_BYTES, header.mark, first, before);
    let mut holes = survey.holes;
    if let Some(before) = before.filter(|before| survey.next < *before)
        && survey.end < whole.len() as u64
    {
        let last = Position::new(before.get() - 1);
        let len = whole.len() as u64 - survey.end;
        holes.push(Hole { offset: survey.end, len, first: survey.next, last, what: "" });
    }
    fill_holes(disk, dir, path, &header, &holes, whole)
}

/// Copies each hole to a file of its own and rewrites the segment with gaps in their places.
pub(super) fn fill_holes(
    disk: &dyn Disk,
    dir: &Path,
    path: &Path,
    header: &Header,
    holes: &[Hole],
    mut bytes: Vec<u8>,
) -> Result<Vec<SetAside>, Error> {
    let mut done = Vec::new();
    for hole in holes {
        let (start, end) = (hole.offset as usize, (hole.offset + hole.len) as usize);
        let file = keep(disk, dir, "damaged", header.first, hole.offset, &bytes[start..end])?;
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let gap = frame::encode_gap(end - start, header.mark, hole.first, hole.last, name);
        bytes[start..end].copy_from_slice(&gap);
        let (segment, offset, len) = (path.to_owned(), hole.offset, hole.len);
        done.push(SetAside { segment, offset, bytes: len, first: hole.first, last: hole.last, file });
    }
    if !done.is_empty() {
        replace(disk, dir, path, &bytes)?;
    }
    Ok(done)
}

/// Writes `bytes` durably to a new file `{kind}-{segment}-{offset}.bin`.
pub(super) fn keep(
    disk: &dyn Disk,
    dir: &Path,
    kind: &str,
    segment: Position,
    offset: u64,
    bytes: &[u8],
) -> Result<PathBuf, Error> {
    let stem = format!("{kind}-{segment}-{offset}");
    let mut path = dir.join(format!("{stem}.bin"));
    let mut number = 2;
    while path.exists() {
        path = dir.join(format!("{stem}-{number}.bin"));
        number += 1;
    }
    let failed = |action, source| Error::Io { action, path: path.clone(), source };
    let mut output = disk.create(&path).map_err(|source| failed("create", source))?;
    write_all(output.as_mut(), bytes).map_err(|source| failed("write", source))?;
    output.sync().map_err(|source| failed("fsync", source))?;
    disk.sync_dir(dir).map_err(|source| failed("fsync the directory of", source))?;
    Ok(path)
}

/// Replaces a segment by `bytes`, so that after a crash it is the old one or the new one.
fn replace(disk: &dyn Disk, dir: &Path, path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let draft = path.with_extension("tmp");
    let failed = |action, source| Error::Io { action, path: draft.clone(), source };
    if draft.exists() {
        disk.remove(&draft).map_err(|source| failed("remove", source))?;
    }
    let mut output = disk.create(&draft).map_err(|source| failed("create", source))?;
    write_all(output.as_mut(), bytes).map_err(|source| failed("write", source))?;
    output.sync().map_err(|source| failed("fsync", source))?;
    disk.rename(&draft, path).map_err(|source| failed("rename", source))?;
    disk.sync_dir(dir).map_err(|source| failed("fsync the directory of", source))
}

/// Writes a damaged header anew, from the file's name, its frames and the segment before.
fn rebuild_header(
    disk: &dyn Disk,
    dir: &Path,
    path: &Path,
    first: Position,
    bytes: &mut Vec<u8>,
) -> Result<Vec<SetAside>, Error> {
    let previous = neighbours(dir)?.into_iter().take_while(|other| *other < first).last();
    let mut mark = bytes.get(HEADER_BYTES..HEADER_BYTES + 4).map_or(0, |four| segment::read_u32(four, 0));
    let mut previous_end = 0;
    if let Some(previous) = previous {
        let mut before = Vec::new();
        read(&segment::path(dir, previous), &mut before)?;
        if let ReadHeader::Valid(header) = Header::decode(&before) {
            mark = header.mark;
            previous_end = survey(&before, HEADER_BYTES, mark, previous, Some(first)).end;
        }
    }
    let len = bytes.len().min(HEADER_BYTES);
    let file = keep(disk, dir, "damaged", first, 0, &bytes[..len])?;
    let header = Header { mark, first, previous: previous.unwrap_or_default(), previous_end, created_at_ms: 0 };
    bytes.resize(bytes.len().max(HEADER_BYTES), 0);
    bytes[..HEADER_BYTES].copy_from_slice(&header.encode());
    replace(disk, dir, path, bytes)?;
    let last = Position::new(first.get().saturating_sub(1));
    Ok(vec![SetAside { segment: path.to_owned(), offset: 0, bytes: len as u64, first, last, file }])
}

/// The first positions of all segments in `dir`, in order.
fn neighbours(dir: &Path) -> Result<Vec<Position>, Error> {
    let failed = |source| Error::Io { action: "list", path: dir.to_owned(), source };
    let mut firsts = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        firsts.extend(name.to_str().and_then(segment::first_of_name));
    }
    firsts.sort_unstable();
    Ok(firsts)
}

fn successor(dir: &Path, first: Position) -> Result<Option<Successor>, Error> {
    let Some(next) = neighbours(dir)?.into_iter().find(|other| *other > first) else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    read(&segment::path(dir, next), &mut bytes)?;
    let end = match Header::decode(&bytes) {
        ReadHeader::Valid(header) => Some(header.previous_end),
        _ => None,
    };
    Ok(Some(Successor { first: next, end }))
}
