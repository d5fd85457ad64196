//! Simulated time: a start, and so many simulated seconds per second of the wall.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

/// Something that says what time it is in the simulation; shared with the server under test.
pub type Now = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Simulated time, paced by the machine's monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: DateTime<Utc>,
    began: Instant,
    speed: f64,
}

impl Clock {
    /// A clock that says `start` now and gains `speed` simulated seconds per second.
    #[must_use]
    pub fn starting_at(start: DateTime<Utc>, speed: f64) -> Self {
        Self { start, began: Instant::now(), speed }
    }

    /// The simulated instant.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let simulated_ms = self.began.elapsed().as_secs_f64() * self.speed * 1000.0;
        #[expect(clippy::cast_possible_truncation, reason = "a float beyond i64 saturates, far past any run")]
        let simulated = TimeDelta::try_milliseconds(simulated_ms as i64).unwrap_or_default();
        self.start + simulated
    }

    /// The same clock as a function that can be shared.
    #[must_use]
    pub fn shared(self) -> Now {
        Arc::new(move || self.now())
    }
}
