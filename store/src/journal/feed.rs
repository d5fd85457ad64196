//! The decoder's end of the journal: everything from a position on, first from disk, then as it is committed.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::frame::{self, Parsed};
use super::queue::Popped;
use super::segment::{self, HEADER_BYTES};
use super::writer::Shared;
use super::{Group, Position};
use crate::Error;

/// How much is read from disk at a time, bytes; a longer frame is read whole.
const READ_BYTES: usize = 4 << 20;

/// A blocking reader of durable groups, for the thread that decodes. Never misses or repeats a position.
pub struct Feed {
    shared: Arc<Shared>,
    /// The next position to be given.
    next: Position,
    /// Up to here is read from disk before the queue is looked at.
    target: Position,
    /// Groups after `target` are kept in the queue.
    attached: bool,
    reader: Option<Reader>,
}

/// What a bounded wait on a [`Feed`] gave.
#[derive(Debug)]
pub enum Fed {
    /// The next group.
    Group(Group),
    /// Nothing came in time.
    Nothing,
    /// The journal is closed and everything durable has been read.
    Closed,
}

impl Feed {
    /// A feed that begins with `from`. The caller has claimed the queue for it.
    pub(super) fn new(shared: Arc<Shared>, from: Position) -> Self {
        let target = shared.durable.borrow().position;
        Self { shared, next: from, target, attached: false, reader: None }
    }

    /// The next group; waits for it at most `wait`.
    ///
    /// # Errors
    /// Damage met while reading the disk, or the disk's own failure.
    pub fn next_within(&mut self, wait: Duration) -> Result<Fed, Error> {
        self.advance(Some(wait))
    }

    /// The next group; waits for it. `None` when the journal is closed and everything durable has been read.
    ///
    /// # Errors
    /// As [`Feed::next_within`].
    pub fn next_group(&mut self) -> Result<Option<Group>, Error> {
        match self.advance(None)? {
            Fed::Group(group) => Ok(Some(group)),
            Fed::Nothing | Fed::Closed => Ok(None),
        }
    }

    /// Whether everything that was durable when the feed was made has been given.
    #[must_use]
    pub fn has_replayed(&self) -> bool {
        self.attached && self.next > self.target
    }

    fn advance(&mut self, wait: Option<Duration>) -> Result<Fed, Error> {
        // What was durable when the feed was made is read first, however long it is; only then do groups wait in
        // the queue, so that a long replay does not hold up the writer.
        while !self.attached && self.next > self.target {
            let durable = &self.shared.durable;
            self.target = self.shared.queue.attach(|| durable.borrow().position);
            self.attached = true;
        }
        if self.next <= self.target {
            let group = self.read()?;
            self.next = group.last().next();
            return Ok(Fed::Group(group));
        }
        match self.shared.queue.pop(wait) {
            Popped::Group(group) => {
                assert!(group.first() == self.next, "a group follows the one before");
                self.reader = None;
                self.next = group.last().next();
                Ok(Fed::Group(group))
            }
            Popped::Nothing => Ok(Fed::Nothing),
            Popped::Ended => Ok(Fed::Closed),
        }
    }

    /// The next group from disk.
    fn read(&mut self) -> Result<Group, Error> {
        loop {
            let Some(segment) = self.shared.segments.holding(self.next) else {
                return Err(self.missing());
            };
            let mut reader = match self.reader.take() {
                Some(reader) if reader.first == segment.first => reader,
                _ => Reader::open(segment::path(&self.shared.dir, segment.first), segment.first)?,
            };
            let bytes = self.shared.pool.get();
            let group = reader.read(&self.shared, bytes, segment.end, self.next, self.target)?;
            self.reader = Some(reader);
            if let Some(group) = group {
                return Ok(group);
            }
        }
    }

    fn missing(&self) -> Error {
        let first = self.shared.segments.first().unwrap_or_default().get();
        let last = self.shared.durable.borrow().position.get();
        Error::JournalPosition { wanted: self.next.get(), first, last }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.shared.queue.detach();
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").field("next", &self.next).finish_non_exhaustive()
    }
}

/// Reads one segment from its first frame on.
struct Reader {
    file: File,
    path: PathBuf,
    /// The segment's first position.
    first: Position,
    /// Where the next frame begins, bytes.
    offset: u64,
    /// The position it must have.
    next: Position,
}

impl Reader {
    fn open(path: PathBuf, first: Position) -> Result<Self, Error> {
        match File::open(&path) {
            Ok(file) => Ok(Self { file, path, first, offset: HEADER_BYTES as u64, next: first }),
            Err(source) => Err(Error::Io { action: "open", path, source }),
        }
    }

    /// The next frames before byte `end`: those with positions from `from` to `to`. `None` when all of them are
    /// before `from`.
    fn read(
        &mut self,
        shared: &Shared,
        mut bytes: Vec<u8>,
        end: u64,
        from: Position,
        to: Position,
    ) -> Result<Option<Group>, Error> {
        self.fill(&mut bytes, READ_BYTES, end)?;
        let (mut at, mut start, mut first) = (0, 0, None);
        while self.next <= to {
            match frame::parse(&bytes[at..], shared.mark) {
                Parsed::Whole(frame) if frame.head.position == self.next => {
                    if frame.entry.last() < from {
                        start = at + frame.len;
                    } else {
                        first.get_or_insert(self.next);
                    }
                    at += frame.len;
                    self.next = frame.entry.last().next();
                }
                Parsed::Short(_) if at > 0 => break,
                Parsed::Short(len) if bytes.len() < len && self.offset + len as u64 <= end => {
                    self.fill(&mut bytes, len, end)?;
                }
                Parsed::Whole(_) => return Err(self.damaged("the frame has the position of another")),
                Parsed::Short(_) => return Err(self.damaged("the frame is cut short")),
                Parsed::Bad(what) => {
                    self.offset += at as u64;
                    return Err(self.damaged(what));
                }
            }
        }
        self.offset += at as u64;
        bytes.truncate(at);
        let last = Position::new(self.next.get() - 1);
        Ok(first.map(|first| Group::new(first, last, bytes, start, Arc::clone(&shared.pool))))
    }

    /// Reads up to `len` bytes from the current offset, none at or after `end`.
    fn fill(&self, bytes: &mut Vec<u8>, len: usize, end: u64) -> Result<(), Error> {
        let left = usize::try_from(end.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        bytes.clear();
        bytes.resize(len.min(left), 0);
        match self.file.read_exact_at(bytes, self.offset) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err(self.damaged("the file is cut short"))
            }
            Err(source) => Err(Error::Io { action: "read", path: self.path.clone(), source }),
        }
    }

    fn damaged(&self, what: &'static str) -> Error {
        let remedy = "stop, and start again: the start names what can be done";
        Error::JournalDamaged { file: self.path.clone(), offset: self.offset, what, remedy }
    }
}
