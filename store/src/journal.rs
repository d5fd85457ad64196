//! The journal: a write-ahead log of raw messages. What it says is durable has been fsynced (invariant D1).

mod delivery;
mod durable;
mod feed;
mod group;

use std::path::{Path, PathBuf};

use tokio::sync::watch;

pub use delivery::{Delivery, Entry, Gap, Journaled, Position, Source};
pub use durable::{Durable, NotDurable, Refused, Settled, Ticket};
pub use feed::{Fed, Feed};
pub use group::Group;

use crate::Error;

/// The limits of a journal. All have a default.
#[derive(Clone, Debug)]
pub struct JournalOptions {
    /// A segment is followed by a new one when it would grow past this, bytes.
    pub segment_bytes: u64,
    /// All segments together, bytes. At the limit appends are refused until [`Journal::prune`].
    pub max_bytes: u64,
    /// Messages taken and not yet fsynced, bytes. At the limit appends are refused until the next commit.
    pub buffer_bytes: usize,
    /// Committed and not yet taken by the [`Feed`], bytes. At the limit the writer waits.
    pub feed_bytes: usize,
    /// One message with its topic and client, bytes.
    pub message_bytes: usize,
    /// The position of the first message when the directory holds no journal yet.
    pub first: Position,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            max_bytes: 20 << 30,
            buffer_bytes: 32 << 20,
            feed_bytes: 64 << 20,
            message_bytes: 16 << 20,
            first: Position::new(1),
        }
    }
}

/// What a start found in the journal directory.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    /// Segment files.
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

/// The write-ahead log. Cheap to clone; closes when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Journal {}

#[expect(unused_variables, clippy::unused_async, clippy::todo, reason = "signatures first")]
impl Journal {
    /// Opens the journal in `dir`, creating the directory when missing, and repairs a torn end.
    ///
    /// # Errors
    /// Damage and breaks in the chain of segments, with file, offset and remedy; the disk's own failures.
    pub fn open(dir: &Path, options: JournalOptions) -> Result<(Self, Recovery), Error> {
        todo!()
    }

    /// Takes a message into the next commit. Copies it; never waits.
    ///
    /// # Errors
    /// [`Refused`] when it cannot be taken now; nothing of it is kept.
    pub fn append(&self, delivery: &Delivery<'_>) -> Result<Ticket, Refused> {
        todo!()
    }

    /// How far the journal is durable, to be watched.
    #[must_use]
    pub fn durable(&self) -> watch::Receiver<Durable> {
        todo!()
    }

    /// Whether appends are accepted now. Cheap: to be asked before reading more from a socket.
    #[must_use]
    pub fn is_open(&self) -> bool {
        todo!()
    }

    /// Waits until appends are accepted (again). Returns at once when the journal is closed.
    pub async fn room(&self) {
        todo!()
    }

    /// Appends and waits until the message is durable. Waits for room too.
    ///
    /// # Errors
    /// [`NotDurable`] when the message is not on disk and will not be.
    pub async fn durably(&self, delivery: &Delivery<'_>) -> Result<Position, NotDurable> {
        todo!()
    }

    /// Everything from `from` on: first from disk, then as it is committed. One at a time.
    ///
    /// # Errors
    /// When `from` is not in the journal any more, or beyond its end, or another feed is alive.
    pub fn feed(&self, from: Position) -> Result<Feed, Error> {
        todo!()
    }

    /// Removes the segments whose last position is `up_to` or before, oldest first; never the current one.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn prune(&self, up_to: Position) -> Result<(), Error> {
        todo!()
    }

    /// Refuses appends from now on, commits what was taken, and ends the writer. Blocks for that long.
    pub fn close(&self) {
        todo!()
    }
}
