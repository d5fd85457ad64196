//! What flushes tell those who wait for one: whether it is slow, or fails.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The flush under way, and how the last one ended.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    under_way_since: Option<Instant>,
    last_failed: bool,
}

/// A flush under way. Dropped before [`Attempt::ended`] it leaves open how it would have ended.
pub(super) struct Attempt<'a>(&'a Attempts);

impl Attempts {
    /// Notes that a flush begins at `now`. One at a time.
    pub(super) fn begin(&self, now: Instant) -> Attempt<'_> {
        self.lock().under_way_since = Some(now);
        Attempt(self)
    }

    /// Whether it is in vain to wait for a flush: the last one that ended failed, or the one under way has taken
    /// longer than `patience`.
    pub(super) fn are_failing(&self, now: Instant, patience: Duration) -> bool {
        let state = self.lock();
        state.last_failed || state.under_way_since.is_some_and(|since| now.duration_since(since) > patience)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// Notes how the flush ended.
    pub(super) fn ended(self, well: bool) {
        self.0.lock().last_failed = !well;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.0.lock().under_way_since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn a_flush_fails_by_its_end_or_by_never_ending() {
        let attempts = Attempts::default();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(!attempts.are_failing(after(1000), PATIENCE), "none was tried");

        let slow = attempts.begin(after(1000));
        assert!(!attempts.are_failing(after(1060), PATIENCE));
        assert!(attempts.are_failing(after(1061), PATIENCE));
        slow.ended(true);
        assert!(!attempts.are_failing(after(1061), PATIENCE), "it ended well after all");

        attempts.begin(after(1100)).ended(false);
        assert!(attempts.are_failing(after(1100), PATIENCE));
        let again = attempts.begin(after(1101));
        assert!(attempts.are_failing(after(1101), PATIENCE), "the last that ended failed");
        again.ended(true);
        assert!(!attempts.are_failing(after(1102), PATIENCE));

        drop(attempts.begin(after(1200)));
        assert!(!attempts.are_failing(after(2000), PATIENCE), "one that was let go is not under way");
    }
}
