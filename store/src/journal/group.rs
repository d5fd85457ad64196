//! The messages of one commit, or of one read of the disk, with the bytes they borrow from.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Entry, Position, frame};

/// Consecutive journal entries in one piece of memory, which goes back to the journal when the group is dropped.
pub struct Group {
    first: Position,
    last: Position,
    bytes: Vec<u8>,
    /// Where in `bytes` the frames begin.
    start: usize,
    pool: Arc<Pool>,
}

impl Group {
    /// A group of the whole frames in `bytes` from `start` on, which this process wrote or has verified.
    pub(super) fn new(first: Position, last: Position, bytes: Vec<u8>, start: usize, pool: Arc<Pool>) -> Self {
        Self { first, last, bytes, start, pool }
    }

    /// The first position in the group.
    #[must_use]
    pub fn first(&self) -> Position {
        self.first
    }

    /// The last position in the group.
    #[must_use]
    pub fn last(&self) -> Position {
        self.last
    }

    /// The size of the group's frames, bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// The entries in order.
    #[must_use]
    pub fn entries(&self) -> Entries<'_> {
        Entries { rest: &self.bytes[self.start..] }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.pool.give(std::mem::take(&mut self.bytes));
    }
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Group").field("first", &self.first).field("last", &self.last).finish_non_exhaustive()
    }
}

/// The entries of a [`Group`], in the order of positions.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let parsed = frame::parse_verified(self.rest);
        // To end early here would be to skip acknowledged messages in silence.
        assert!(parsed.is_some(), "a group holds whole frames only");
        let (entry, len) = parsed?;
        self.rest = &self.rest[len..];
        Some(entry)
    }
}

/// Buffers to be used again, so that a steady stream of commits allocates nothing.
#[derive(Debug)]
pub(super) struct Pool {
    spare: Mutex<Vec<Vec<u8>>>,
    /// What the spare buffers may hold together, bytes.
    limit: usize,
}

impl Pool {
    /// A pool that keeps up to `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { spare: Mutex::new(Vec::new()), limit }
    }

    /// An empty buffer.
    pub(super) fn get(&self) -> Vec<u8> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Takes a buffer back.
    pub(super) fn give(&self, mut bytes: Vec<u8>) {
        bytes.clear();
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let kept: usize = spare.iter().map(Vec::capacity).sum();
        if bytes.capacity() > 0 && kept + bytes.capacity() <= self.limit {
            spare.push(bytes);
        }
    }
}
