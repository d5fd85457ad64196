//! The segments of an open journal, as the writer, the feed and the pruning see them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Position;

/// One segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// The first position in it, or the position the first message in it will get.
    pub(super) first: Position,
    /// The last durable position in it; one less than `first` when it holds none.
    pub(super) last: Position,
    /// Where its durable frames end, bytes.
    pub(super) end: u64,
}

/// All segments, oldest first; the last one is being written.
#[derive(Debug, Default)]
pub(super) struct Segments(Mutex<Vec<Segment>>);

impl Segments {
    pub(super) fn new(segments: Vec<Segment>) -> Self {
        Self(Mutex::new(segments))
    }

    /// A segment was created; it takes the place of one of the same name.
    pub(super) fn push(&self, segment: Segment) {
        let mut segments = self.lock();
        if segments.last().is_some_and(|last| last.first == segment.first) {
            segments.pop();
        }
        segments.push(segment);
    }

    /// The segment being written is durable up to `last`, which ends at byte `end`.
    pub(super) fn grow(&self, last: Position, end: u64) {
        if let Some(segment) = self.lock().last_mut() {
            segment.last = last;
            segment.end = end;
        }
    }

    /// The segment that holds `position`.
    pub(super) fn holding(&self, position: Position) -> Option<Segment> {
        self.lock().iter().find(|segment| segment.first <= position && position <= segment.last).copied()
    }

    /// The first position kept, or the next to be given when nothing is.
    pub(super) fn first(&self) -> Option<Position> {
        self.lock().first().map(|segment| segment.first)
    }

    /// The segments that hold nothing after `up_to`, without the one being written.
    pub(super) fn prunable(&self, up_to: Position) -> Vec<Segment> {
        let segments = self.lock();
        let closed = segments.len().saturating_sub(1);
        segments[..closed].iter().take_while(|segment| segment.last <= up_to).copied().collect()
    }

    /// Forgets a segment whose file was removed.
    pub(super) fn remove(&self, gone: Segment) {
        self.lock().retain(|segment| segment.first != gone.first);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Segment>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
