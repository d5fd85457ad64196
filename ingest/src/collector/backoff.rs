//! How long to wait before the next attempt, and whether somebody else uses our client id.

use std::collections::VecDeque;
use std::time::Duration;

use rand::Rng;
use tokio::time::Instant;

use super::CollectorOptions;

/// A connection lost this soon after it stood counts as pushed out by another client.
const PUSHED_OUT_WITHIN: Duration = Duration::from_secs(2);
/// This many push-outs within [`CONTEST_WINDOW`] are a contest.
const CONTEST_LOSSES: usize = 3;
/// The time over which push-outs are counted; a connection that stands this long ends a contest.
const CONTEST_WINDOW: Duration = Duration::from_secs(60);

/// How a connection ended, as far as the next attempt is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The broker said that another client took the session (0x8E).
    TakenOver,
    /// The broker closed it without a word, as MQTT 3.1.1 does at a take-over.
    Dropped,
    /// Anything else.
    Otherwise,
}

/// What to do before the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pause {
    /// How long to wait.
    pub(super) wait: Duration,
    /// Whether another client was found fighting for our client id.
    pub(super) contested: bool,
}

/// Exponential, jittered waits, and the memory of recent push-outs.
pub(super) struct Backoff {
    first: Duration,
    max: Duration,
    contested_first: Duration,
    failures: u32,
    contests: u32,
    pushed_out_at: VecDeque<Instant>,
}

impl Backoff {
    pub(super) fn new(options: &CollectorOptions) -> Self {
        Self {
            first: options.backoff_first,
            max: options.backoff_max,
            contested_first: options.contested_backoff,
            failures: 0,
            contests: 0,
            pushed_out_at: VecDeque::new(),
        }
    }

    /// The pause after a connection that ended as `ended` and had `stood` (never, when `None`) at `now`.
    pub(super) fn after(&mut self, ended: Ended, stood: Option<Duration>, now: Instant) -> Pause {
        if stood.is_some_and(|stood| stood >= CONTEST_WINDOW) {
            self.contests = 0;
            self.pushed_out_at.clear();
        }
        if stood.is_some_and(|stood| stood > PUSHED_OUT_WITHIN) {
            self.failures = 0;
        }
        if stood.is_none() {
            // A broker that can't be reached is down: the losses before were its own, not another client's.
            self.pushed_out_at.clear();
        }
        let pushed_out = match ended {
            Ended::TakenOver => true,
            Ended::Dropped => stood.is_some_and(|stood| stood <= PUSHED_OUT_WITHIN),
            Ended::Otherwise => false,
        };
        if pushed_out && self.is_contest(now) {
            let longest = self.contested_first.saturating_mul(10);
            let wait = jittered(doubled(self.contested_first, self.contests, longest));
            self.contests = self.contests.saturating_add(1);
            return Pause { wait, contested: true };
        }
        let wait = jittered(doubled(self.first, self.failures, self.max));
        self.failures = self.failures.saturating_add(1);
        Pause { wait, contested: false }
    }

    /// Counts a push-out at `now`. Once there was a contest, every further one continues it.
    fn is_contest(&mut self, now: Instant) -> bool {
        self.pushed_out_at.push_back(now);
        while self.pushed_out_at.front().is_some_and(|&at| now.duration_since(at) > CONTEST_WINDOW) {
            self.pushed_out_at.pop_front();
        }
        self.contests > 0 || self.pushed_out_at.len() >= CONTEST_LOSSES
    }
}

fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(times)).min(longest)
}

/// A random wait between half of `wait` and all of it, so that many clients do not return together.
fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(rand::rng().random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::name::Name;

    fn backoff() -> Backoff {
        let name = Name::parse("plant").unwrap();
        Backoff::new(&CollectorOptions::new(name, "localhost", 1883, "coldtrail", &["a/#"]))
    }

    #[test]
    fn doubles_up_to_the_longest_and_starts_again() {
        let (mut backoff, now) = (backoff(), Instant::now());
        let mut last = Duration::ZERO;
        for failures in 0..12_u32 {
            let full = Duration::from_millis(200).saturating_mul(2_u32.pow(failures)).min(Duration::from_secs(30));
            let pause = backoff.after(Ended::Otherwise, None, now);
            assert!(!pause.contested);
            assert!(pause.wait >= full / 2 && pause.wait <= full, "{failures}: {pause:?}");
            last = pause.wait;
        }
        assert!(last >= Duration::from_secs(15));
        let pause = backoff.after(Ended::Dropped, Some(Duration::from_secs(10)), now);
        assert!(pause.wait <= Duration::from_millis(200));
    }

    #[test]
    fn three_push_outs_in_a_minute_are_a_contest() {
        let (mut backoff, now) = (backoff(), Instant::now());
        let stood = Some(Duration::from_millis(100));
        assert!(!backoff.after(Ended::TakenOver, stood, now).contested);
        assert!(!backoff.after(Ended::Dropped, stood, now).contested);
        let pause = backoff.after(Ended::TakenOver, stood, now + Duration::from_secs(50));
        assert!(pause.contested && pause.wait >= Duration::from_secs(30));
        let again = backoff.after(Ended::TakenOver, stood, now + Duration::from_secs(300));
        assert!(again.contested && again.wait >= Duration::from_secs(60));
        let calm = backoff.after(Ended::TakenOver, Some(Duration::from_secs(61)), now + Duration::from_secs(900));
        assert!(!calm.contested);
    }

    #[test]
    fn spread_out_losses_are_no_contest() {
        let (mut backoff, mut now) = (backoff(), Instant::now());
        for _ in 0..10 {
            assert!(!backoff.after(Ended::Dropped, Some(Duration::from_secs(1)), now).contested);
            now += Duration::from_secs(31);
            assert!(!backoff.after(Ended::Dropped, Some(Duration::from_secs(5)), now).contested);
            now += Duration::from_secs(31);
        }
    }
}
