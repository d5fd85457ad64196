//! The clock of the doors: what `received_at` is read from. Read at the edge only, once per chunk of input.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use model::instant::ReceivedAt;

/// How long, by the machine's own time, a reading may be on its way before somebody says that it did not come.
const SETTLING: Duration = Duration::from_secs(1);

/// Where `received_at` comes from. Cheap to clone; all doors of a process share one.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Accelerated { start: ReceivedAt, began: Instant, speed: f64 },
    Function(Arc<dyn Fn() -> ReceivedAt + Send + Sync>),
}

impl Clock {
    /// The clock of this machine, in UTC.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A simulated clock that shows `start` now and runs `speed` simulated seconds per second.
    #[must_use]
    pub fn accelerated(start: ReceivedAt, speed: f64) -> Self {
        Self(Source::Accelerated { start, began: Instant::now(), speed })
    }

    /// A clock that shows what `now` returns; tests set the time with it.
    #[must_use]
    pub fn from_fn(now: impl Fn() -> ReceivedAt + Send + Sync + 'static) -> Self {
        Self(Source::Function(Arc::new(now)))
    }

    /// The instant up to which what was measured has had time to arrive. What a reading passes through takes the machine's own
    /// time, however fast a simulated clock runs: a second of it is left. By the clock of the machine that is now.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "an elapsed time in ms fits i64 by far; the cast saturates")]
    pub fn settled(&self) -> ReceivedAt {
        let now = self.now();
        let Source::Accelerated { start, speed, .. } = &self.0 else { return now };
        let left_ms = SETTLING.as_secs_f64() * 1000.0 * (speed - 1.0).max(0.0);
        ReceivedAt::from_millis(now.millis().saturating_sub(left_ms as i64).max(start.millis()))
    }

    /// The instant it shows.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "an elapsed time in ms fits i64 by far; the cast saturates")]
    pub fn now(&self) -> ReceivedAt {
        match &self.0 {
            Source::System => ReceivedAt::from(Utc::now()),
            Source::Accelerated { start, began, speed } => {
                let elapsed_ms = began.elapsed().as_secs_f64() * 1000.0 * speed;
                ReceivedAt::from_millis(start.millis().saturating_add(elapsed_ms as i64))
            }
            Source::Function(now) => now(),
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accelerated_clock_starts_at_its_start_and_never_runs_back() {
        let start = ReceivedAt::from_millis(1_795_341_600_000);
        let clock = Clock::accelerated(start, 3600.0);
        let (first, second) = (clock.now(), clock.now());
        assert!(start <= first && first <= second);
    }

    #[test]
    fn what_is_on_its_way_is_given_a_second_of_the_machine() {
        let start = ReceivedAt::from_millis(1_795_341_600_000);
        let clock = Clock::accelerated(start, 3600.0);
        assert_eq!(clock.settled(), start, "nothing is older than the clock");
        let began = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
        let running = Clock(Source::Accelerated { start, began, speed: 240.0 });
        let behind = running.now().millis() - running.settled().millis();
        assert!((236_000..=239_000).contains(&behind), "{behind}");
        let real = Clock(Source::Accelerated { start, began, speed: 1.0 });
        assert!(real.now().millis() - real.settled().millis() <= 0);
    }

    #[test]
    fn a_function_sets_the_time() {
        let at = ReceivedAt::from_millis(7);
        assert_eq!(Clock::from_fn(move || at).now(), at);
    }
}
