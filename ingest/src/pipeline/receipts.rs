//! What became of messages that came over HTTP, kept until their sender has been told.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use store::journal::Position;

use crate::admit::Outcome;

/// Outcomes by position, the newest [`Receipts::KEPT`] of them: a sender that has gone away never takes its own.
#[derive(Debug, Default)]
pub struct Receipts(Mutex<BTreeMap<Position, Outcome>>);

impl Receipts {
    /// How many outcomes are kept.
    pub const KEPT: usize = 10_000;

    pub(super) fn put(&self, position: Position, outcome: Outcome) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(position, outcome);
        while kept.len() > Self::KEPT {
            kept.pop_first();
        }
    }

    /// The outcome of the message at `position`, once.
    #[must_use]
    pub fn take(&self, position: Position) -> Option<Outcome> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&position)
    }
}
