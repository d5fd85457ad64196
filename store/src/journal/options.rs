//! The limits of a journal.

use super::Position;
use crate::Error;

/// The limits of a journal. All have a default.
#[derive(Clone, Debug)]
pub struct JournalOptions {
    /// A segment is followed by a new one when it would grow past this, bytes. Default 64 MiB.
    pub segment_bytes: u64,
    /// All segments together, bytes. At the limit appends are refused until [`prune`](super::Journal::prune).
    /// Default 20 GiB.
    pub max_bytes: u64,
    /// Messages taken and not yet fsynced, bytes. At the limit appends are refused until the next commit.
    /// Default 32 MiB.
    pub buffer_bytes: usize,
    /// Committed and not yet taken by the [`Feed`](super::Feed), bytes. At the limit the writer waits.
    /// Default 64 MiB.
    pub feed_bytes: usize,
    /// One message with its topic and client, bytes. Default 16 MiB.
    pub message_bytes: usize,
    /// The position of the first message when the directory holds no journal yet. Default 1.
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

impl JournalOptions {
    /// Whether the limits fit together.
    pub(super) fn check(&self) -> Result<(), Error> {
        let wrong = |what| Err(Error::JournalLimits { what });
        if self.first == Position::ZERO {
            return wrong("positions begin with 1");
        }
        if self.buffer_bytes > 1 << 30 || self.message_bytes > 1 << 30 {
            return wrong("buffer and message are at most 1 GiB");
        }
        // At the limit there must be a closed segment to prune, or it would be reached for ever.
        let one_commit = self.buffer_bytes as u64 + self.message_bytes as u64;
        if self.max_bytes < self.segment_bytes + 2 * one_commit {
            return wrong("raise the journal's bytes to at least one segment, two buffers and two messages");
        }
        Ok(())
    }
}
