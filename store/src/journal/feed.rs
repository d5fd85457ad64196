//! The decoder's end of the journal: everything from a position on, first from disk, then as it is committed.

use std::time::Duration;

use super::Group;
use crate::Error;

/// A blocking reader of durable groups, for the thread that decodes. Never misses or repeats a position.
#[derive(Debug)]
pub struct Feed {}

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
    /// The next group; waits for it at most `wait`.
    ///
    /// # Errors
    /// Damage met while reading the disk, or the disk's own failure.
    pub fn next_within(&mut self, _wait: Duration) -> Result<Fed, Error> {
        Ok(Fed::Nothing)
    }

    /// The next group; waits for it. `None` when the journal is closed and everything durable has been read.
    ///
    /// # Errors
    /// As [`Feed::next_within`].
    pub fn next_group(&mut self) -> Result<Option<Group>, Error> {
        Ok(None)
    }
}
