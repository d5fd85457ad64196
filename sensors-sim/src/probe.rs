//! A sensor: what it makes of the air it hangs in.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::scenario::ProbeSpec;
use crate::seed;

/// A decimal number of at most four places, as a sensor sends it: whole ten-thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Decimal(pub(crate) i32);

impl Decimal {
    /// `value` on a grid of `step_e4` ten-thousandths.
    #[expect(clippy::cast_possible_truncation, reason = "probe values are a few hundred; beyond i32 saturates")]
    fn on_grid(value: f64, step_e4: i32) -> Self {
        let steps = (value * 1e4 / f64::from(step_e4)).round() as i32;
        Self(steps.saturating_mul(step_e4))
    }

    /// Writes the shortest decimal that is exactly this number.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        use std::io::Write as _;
        let magnitude = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let whole = magnitude / 10_000;
        let mut fraction = magnitude % 10_000;
        let mut places = 4;
        while places > 1 && fraction.is_multiple_of(10) {
            fraction /= 10;
            places -= 1;
        }
        // A Vec takes every write.
        let _ = write!(out, "{sign}{whole}.{fraction:0places$}");
    }

    /// The number as f64, for files that people read.
    pub(crate) fn value(self) -> f64 {
        f64::from(self.0) / 1e4
    }
}

/// What a probe says at one instant, and what was true there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measurement {
    /// What it says, °C.
    pub(crate) temperature: Decimal,
    /// What it says, %RH.
    pub(crate) humidity: Option<Decimal>,
    /// The temperature of the air there at that instant, °C.
    pub(crate) true_c: f64,
}

/// A probe: first-order lag, an offset of its own, noise, a grid, and an interval.
#[derive(Debug)]
pub(crate) struct Probe {
    /// Its name, unique in the world.
    pub(crate) name: String,
    /// The body it hangs in, by index.
    pub(crate) body: usize,
    /// The gateway that hears it, by index.
    pub(crate) gateway: usize,
    /// The logistic unit it travels with.
    pub(crate) unit: Option<String>,
    /// How it was ordered.
    pub(crate) spec: ProbeSpec,
    /// Its own counter.
    pub(crate) next_seq: i64,
    /// Says nothing while this is set.
    pub(crate) silent: bool,
    /// Repeats its last value while this is set.
    pub(crate) stuck: bool,
    last: Option<(Decimal, Option<Decimal>)>,
    offset_c: f64,
    felt_c: f64,
    due_ms: i64,
    tick_ms: i64,
    rng: ChaCha8Rng,
}

impl Probe {
    /// A probe that has hung in air of `air_c` for long, with its first tick within one interval of `start_ms`.
    pub(crate) fn new(
        (name, body, gateway): (String, usize, usize),
        spec: &ProbeSpec,
        air_c: f64,
        start_ms: i64,
        mut rng: ChaCha8Rng,
    ) -> Self {
        let offset_c = seed::normal(&mut rng) * spec.offset_c;
        let interval_ms = spec.interval_ms();
        // Regular probes measure on the grid of their interval, as loggers do; others whenever they were switched on.
        let phase_ms = if spec.jitter_s > 0.0 { rng.random_range(0..interval_ms) } else { 0 };
        let tick_ms = (start_ms.div_euclid(interval_ms) + 1) * interval_ms + phase_ms;
        let mut probe = Self {
            name,
            body,
            gateway,
            unit: None,
            spec: spec.clone(),
            next_seq: 1,
            silent: false,
            stuck: false,
            last: None,
            offset_c,
            felt_c: air_c,
            due_ms: 0,
            tick_ms,
            rng,
        };
        probe.schedule();
        probe
    }

    #[expect(clippy::cast_possible_truncation, reason = "a jitter is a few seconds")]
    fn schedule(&mut self) {
        let jitter_ms =
            if self.spec.jitter_s > 0.0 { self.rng.random::<f64>() * self.spec.jitter_s * 1000.0 } else { 0.0 };
        self.due_ms = self.tick_ms + jitter_ms as i64;
    }

    /// Lives through the step that ends at `end_ms` with air at `air_c`, and measures if its time has come.
    ///
    /// The lag is the exact answer of a first-order element to a step: x ← T + (x − T) e^(−dt/τ). An instant
    /// inside the step is taken on the straight line between its ends.
    pub(crate) fn step(
        &mut self,
        air: (f64, f64),
        humidity_pct: f64,
        (begin_ms, end_ms): (i64, i64),
    ) -> Option<(i64, Measurement)> {
        let (before_c, after_c) = air;
        #[expect(clippy::cast_precision_loss, reason = "a step is a few seconds")]
        let dt_s = (end_ms - begin_ms) as f64 / 1000.0;
        let felt_before_c = self.felt_c;
        self.felt_c = after_c + (self.felt_c - after_c) * (-dt_s / self.spec.lag_s.max(0.001)).exp();
        if self.due_ms > end_ms {
            return None;
        }
        let at_ms = self.due_ms;
        #[expect(clippy::cast_precision_loss, reason = "a step is a few seconds")]
        let share = ((at_ms - begin_ms) as f64 / (end_ms - begin_ms) as f64).clamp(0.0, 1.0);
        self.tick_ms += self.spec.interval_ms();
        self.schedule();
        let felt_c = felt_before_c + (self.felt_c - felt_before_c) * share;
        let noise_c = seed::normal(&mut self.rng) * self.spec.noise_c;
        let mut temperature = Decimal::on_grid(felt_c + self.offset_c + noise_c, self.spec.resolution_e4());
        let mut humidity = None;
        if self.spec.humidity {
            let said_pct = (humidity_pct + seed::normal(&mut self.rng) * 0.4).clamp(0.0, 100.8);
            humidity = Some(Decimal::on_grid(said_pct, 1_000));
        }
        if let Some((t, h)) = self.last.filter(|_| self.stuck) {
            (temperature, humidity) = (t, h);
        }
        self.last = Some((temperature, humidity));
        let true_c = before_c + (after_c - before_c) * share;
        (!self.silent).then_some((at_ms, Measurement { temperature, humidity, true_c }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_shortest_decimal() {
        let text = |e4| {
            let mut out = Vec::new();
            Decimal(e4).write(&mut out);
            String::from_utf8_lossy(&out).into_owned()
        };
        assert_eq!(text(43_100), "4.31");
        assert_eq!(text(-40_625), "-4.0625");
        assert_eq!(text(-100), "-0.01");
        assert_eq!(text(0), "0.0");
        assert_eq!(Decimal::on_grid(4.07, 625), Decimal(40_625));
    }
}
