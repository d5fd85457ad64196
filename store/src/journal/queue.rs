//! The hand-over of committed groups from the writer to the feed.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Group, Position};

/// Groups committed and not yet taken by the feed, bounded by bytes.
pub(super) struct Queue {
    inner: Mutex<Inner>,
    /// Wakes the feed.
    filled: Condvar,
    /// Wakes the writer.
    emptied: Condvar,
    limit: usize,
}

#[derive(Default)]
struct Inner {
    /// A feed exists.
    fed: bool,
    /// The feed wants the groups after this position.
    after: Option<Position>,
    groups: VecDeque<Group>,
    /// Bytes of `groups`.
    size: usize,
    /// The writer does not wait for the feed any more.
    closing: bool,
    /// No group will come any more.
    ended: bool,
}

/// What a wait on the queue gave.
pub(super) enum Popped {
    Group(Group),
    Nothing,
    Ended,
}

impl Queue {
    /// A queue that holds up to `limit` bytes, and one group more.
    pub(super) fn new(limit: usize) -> Self {
        Self { inner: Mutex::default(), filled: Condvar::new(), emptied: Condvar::new(), limit }
    }

    /// Registers the feed; `false` when there is one.
    pub(super) fn claim(&self) -> bool {
        !std::mem::replace(&mut self.lock().fed, true)
    }

    /// From now on groups are kept for the feed. Gives the position after which they begin; what is before is on
    /// disk. `durable` is asked under the lock, and the writer publishes a commit before it pushes the group:
    /// so each group is either covered by the answer or pushed, never both and never neither.
    pub(super) fn attach(&self, durable: impl FnOnce() -> Position) -> Position {
        let mut inner = self.lock();
        let after = durable();
        inner.after = Some(after);
        after
    }

    /// The feed is gone.
    pub(super) fn detach(&self) {
        let mut inner = self.lock();
        inner.fed = false;
        inner.after = None;
        inner.size = 0;
        let groups = std::mem::take(&mut inner.groups);
        drop(inner);
        drop(groups);
        self.emptied.notify_all();
    }

    /// Hands over a committed group; waits while the queue is full.
    pub(super) fn push(&self, group: Group) {
        let inner = self.lock();
        let full = |inner: &mut Inner| inner.after.is_some() && !inner.closing && inner.size >= self.limit;
        let mut inner = self.emptied.wait_while(inner, full).unwrap_or_else(PoisonError::into_inner);
        if inner.after.is_some_and(|after| group.last() > after) {
            inner.size += group.size();
            inner.groups.push_back(group);
            drop(inner);
            self.filled.notify_one();
        }
    }

    /// The next group; waits at most `wait`, or for ever when `None`.
    pub(super) fn pop(&self, wait: Option<Duration>) -> Popped {
        let inner = self.lock();
        let empty = |inner: &mut Inner| inner.groups.is_empty() && !inner.ended;
        let mut inner = match wait {
            Some(wait) => self.filled.wait_timeout_while(inner, wait, empty).unwrap_or_else(PoisonError::into_inner).0,
            None => self.filled.wait_while(inner, empty).unwrap_or_else(PoisonError::into_inner),
        };
        let Some(group) = inner.groups.pop_front() else {
            return if inner.ended { Popped::Ended } else { Popped::Nothing };
        };
        inner.size -= group.size();
        drop(inner);
        self.emptied.notify_all();
        Popped::Group(group)
    }

    /// The writer is about to end: it does not wait for room any more.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.emptied.notify_all();
    }

    /// The writer has ended.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.filled.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
