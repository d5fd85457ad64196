//! The weather outside.

use rand_chacha::ChaCha8Rng;

use crate::psychrometrics::{Air, saturation_hpa};
use crate::scenario::WeatherSpec;
use crate::seed;

const DAY_MS: f64 = 86_400_000.0;
/// How long a spell of weather lasts, h.
const SPELL_H: f64 = 18.0;

/// Outdoor air: a yearly and a daily cosine and a slow random part (Ornstein-Uhlenbeck).
#[derive(Debug)]
pub(super) struct Weather {
    spec: WeatherSpec,
    start_ms: i64,
    spell_c: f64,
    /// What a story takes away, °C.
    pub(super) snap_c: f64,
    rng: ChaCha8Rng,
}

impl Weather {
    pub(super) fn new(spec: &WeatherSpec, start_ms: i64, mut rng: ChaCha8Rng) -> Self {
        let spell_c = seed::normal(&mut rng) * spec.noise_c;
        Self { spec: spec.clone(), start_ms, spell_c, snap_c: 0.0, rng }
    }

    /// The air at `at_ms`, `dt_s` after the last time it was asked.
    pub(super) fn step(&mut self, at_ms: i64, dt_s: f64) -> Air {
        // Exact discretisation of the process: keeps its variance whatever the step (Gillespie 1996).
        let kept = (-dt_s / 3600.0 / SPELL_H).exp();
        self.spell_c =
            self.spell_c * kept + self.spec.noise_c * (1.0 - kept * kept).sqrt() * seed::normal(&mut self.rng);
        let slow_c = self.season_c(at_ms) + self.spell_c - self.snap_c;
        let celsius = slow_c + self.daily_c(at_ms);
        // The night dries the air to about its own minimum: dew point near the day's lowest temperature.
        let dew_c = (slow_c - self.spec.daily_c).min(celsius);
        Air { celsius, vapour_hpa: saturation_hpa(dew_c) }
    }

    #[expect(clippy::cast_precision_loss, reason = "milliseconds of this century are exact in f64")]
    fn season_c(&self, at_ms: i64) -> f64 {
        let day = match self.spec.day_of_year {
            Some(day) => day + (at_ms - self.start_ms) as f64 / DAY_MS,
            None => at_ms as f64 / DAY_MS,
        };
        // Coldest about 20 January in the northern half.
        self.spec.mean_c - self.spec.yearly_c * (std::f64::consts::TAU * (day - 19.0) / 365.25).cos()
    }

    /// Coldest at four in the morning, UTC.
    fn daily_c(&self, at_ms: i64) -> f64 {
        -self.spec.daily_c * (std::f64::consts::TAU * (hour_of_day(at_ms) - 4.0) / 24.0).cos()
    }
}

/// The hour of the day in UTC, 0 to 24.
#[expect(clippy::cast_precision_loss, reason = "a day has few milliseconds")]
pub(super) fn hour_of_day(at_ms: i64) -> f64 {
    at_ms.rem_euclid(86_400_000) as f64 / 3_600_000.0
}
