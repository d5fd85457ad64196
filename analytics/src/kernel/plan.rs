//! Whose readings make a trace when, and where they come from.

use std::time::Duration;

use super::bytes::carried;
use super::series::{Correction, Sample};

/// Readings outside of a stretch that are looked at on either side: the last one, and whether it was near the one before.
pub(super) const BESIDE: usize = 2;

/// Where the readings of a trace come from.
pub trait Source {
    /// The readings of a sensor after `after` and up to `until`, ms: of the first `most` instants, by time and each once.
    ///
    /// # Errors
    /// When they are not at hand.
    fn readings(&self, sensor: usize, after: i64, until: i64, most: usize) -> Result<Vec<Sample>, Missing>;

    /// The readings of a sensor of the last `most` instants before `before`, ms, by time and each once.
    ///
    /// # Errors
    /// When they are not at hand.
    fn before(&self, sensor: usize, before: i64, most: usize) -> Result<Vec<Sample>, Missing>;
}

/// Readings that are not at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("readings from {from} to {to} (ms) are not at hand")]
pub struct Missing {
    /// Since when they are needed, ms.
    pub from: i64,
    /// Until when, ms.
    pub to: i64,
}

/// Whose readings make a trace when. Sensors are numbered.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// By time, each from where the one before ends.
    pub stretches: Vec<Stretch>,
    /// Of each sensor.
    pub corrections: Vec<Correction>,
    /// The product's longest believed distance of two readings.
    pub gap: Option<Duration>,
    /// Readings measured later do not count, ms.
    pub as_of: i64,
}

/// Time during which the same sensors make a trace, ms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Since when.
    pub from: i64,
    /// Until when.
    pub to: i64,
    /// Which ones.
    pub sensors: Vec<usize>,
}

carried!(Stretch { from, to, sensors });

impl Plan {
    /// The unit's time, ms.
    pub(super) fn window(&self) -> (i64, i64) {
        let from = self.stretches.first().map_or(0, |stretch| stretch.from);
        (from, self.stretches.last().map_or(from, |stretch| stretch.to))
    }

    /// As it was as of an instant that has passed, ms.
    pub(super) fn until(&self, at: i64) -> Self {
        let begun = self.stretches.iter().filter(|stretch| stretch.from <= at);
        let stretches = begun.map(|stretch| Stretch { to: stretch.to.min(at), ..stretch.clone() }).collect();
        Self { stretches, as_of: at, corrections: self.corrections.clone(), ..*self }
    }

    /// When a sensor makes the trace, both ends included, ms.
    pub(super) fn stays(&self, sensor: usize) -> Vec<(i64, i64)> {
        let with = self.stretches.iter().filter(|stretch| stretch.sensors.contains(&sensor));
        let mut stays: Vec<(i64, i64)> = Vec::new();
        for stretch in with {
            match stays.last_mut() {
                Some(last) if last.1 == stretch.from => last.1 = stretch.to,
                _ => stays.push((stretch.from, stretch.to)),
            }
        }
        stays
    }

    /// The readings of a sensor while it makes the trace, after `after` and up to `until`.
    pub(super) fn readings(
        &self,
        source: &dyn Source,
        sensor: usize,
        (after, until): (i64, i64),
    ) -> Result<Vec<Sample>, Missing> {
        let mut readings = Vec::new();
        for (from, to) in self.stays(sensor) {
            let (after, until) = (after.max(from - 1), until.min(to));
            if after < until {
                readings.extend(source.readings(sensor, after, until, usize::MAX)?);
            }
        }
        Ok(readings)
    }

    /// The readings of a sensor of the last instants before `before`, until there are enough that count.
    pub(super) fn before(&self, source: &dyn Source, sensor: usize, before: i64) -> Result<Vec<Sample>, Missing> {
        self.enough(sensor, |most| source.before(sensor, before, most))
    }

    /// As [`Plan::before`], of the first instants after `after`.
    pub(super) fn after(&self, source: &dyn Source, sensor: usize, after: i64) -> Result<Vec<Sample>, Missing> {
        self.enough(sensor, |most| source.readings(sensor, after, self.as_of, most))
    }

    fn enough(
        &self,
        sensor: usize,
        some: impl Fn(usize) -> Result<Vec<Sample>, Missing>,
    ) -> Result<Vec<Sample>, Missing> {
        let mut most = BESIDE;
        loop {
            let readings = some(most)?;
            let instants = readings.chunk_by(|one, next| one.at == next.at).count();
            if instants < most || self.counting(sensor, &readings) >= BESIDE {
                return Ok(readings);
            }
            most *= 4;
        }
    }

    /// At how many instants there are readings that nobody cut out.
    pub(super) fn counting(&self, sensor: usize, readings: &[Sample]) -> usize {
        let instants = readings.chunk_by(|one, next| one.at == next.at);
        instants.filter(|readings| !self.corrections[sensor].excludes(readings[0].at)).count()
    }

    /// The instants after `after` at which sensors that make the trace were read: the first `most`, or fewer.
    pub(super) fn instants(&self, source: &dyn Source, after: i64, most: usize) -> Result<Vec<i64>, Missing> {
        let (mut instants, mut complete_until) = (Vec::new(), self.window().1);
        for sensor in 0..self.corrections.len() {
            for (from, to) in self.stays(sensor) {
                let after = after.max(from - 1);
                if after >= to {
                    continue;
                }
                let mut own: Vec<i64> =
                    source.readings(sensor, after, to, most)?.iter().map(|reading| reading.at).collect();
                own.dedup();
                let last = own.last().copied().filter(|_| own.len() >= most);
                instants.append(&mut own);
                if let Some(last) = last {
                    complete_until = complete_until.min(last);
                    break;
                }
            }
        }
        instants.sort_unstable();
        instants.dedup();
        instants.retain(|at| *at <= complete_until);
        instants.truncate(most);
        Ok(instants)
    }
}

/// Until when the same sensors make two traces, ms.
pub(super) fn same_until(one: &[Stretch], other: &[Stretch]) -> i64 {
    let mut until = i64::MIN;
    for (one, other) in one.iter().zip(other) {
        if one.from != other.from {
            return until.min(one.from).min(other.from);
        }
        if one.sensors != other.sensors {
            return one.from;
        }
        until = one.to.min(other.to);
        if one.to != other.to {
            return until;
        }
    }
    if one.len() == other.len() { i64::MAX } else { until }
}
