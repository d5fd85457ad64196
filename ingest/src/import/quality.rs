//! What can be said of a sensor's readings: interval, gaps, jumps, values no room has, oddities of the clock.

use std::collections::{BTreeMap, HashMap};

use model::instant::MeasuredAt;
use model::name::Name;
use model::quantity::{Humidity, Temperature};

use super::rows::Taken;

/// How many of each finding are listed; all are counted.
const LISTED: usize = 100;

/// A jump is a change of at least so much from one reading to the next, thousandths of a degree.
const JUMP_MILLIDEGREES: i32 = 5_000;

/// Outside of this no goods are kept, thousandths of a degree.
const BELIEVABLE_MILLIDEGREES: std::ops::RangeInclusive<i32> = -100_000..=70_000;

/// What a probe says that was cut off or just switched on (DS18B20 and its kin), thousandths of a degree.
const CODES_MILLIDEGREES: [i32; 2] = [85_000, -127_000];

/// A probe that says the same for so long, and at least [`STUCK_READINGS`] times, is worth a look, ms.
const STUCK_MS: i64 = 86_400_000;
const STUCK_READINGS: usize = 100;

/// Findings of one kind: all are counted, the first are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// How many there are.
    pub count: u64,
    /// The first 100 by time.
    pub first: Vec<T>,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { count: 0, first: Vec::new() }
    }
}

impl<T> Listed<T> {
    fn push(&mut self, found: T) {
        self.count += 1;
        if self.first.len() < LISTED {
            self.first.push(found);
        }
    }
}

/// Two readings with others missing between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The last before.
    pub from: MeasuredAt,
    /// The first after.
    pub to: MeasuredAt,
    /// How many would have fitted between them.
    pub missing: u64,
}

/// A change of at least 5 °C from one reading to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jump {
    /// The line of the second.
    pub line: u64,
    /// When the second was measured.
    pub at: MeasuredAt,
    /// The value before.
    pub from: Temperature,
    /// The value after.
    pub to: Temperature,
}

/// A value that is possible and hard to believe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Implausible {
    /// The line it stands on.
    pub line: u64,
    /// When it was measured.
    pub at: MeasuredAt,
    /// What is odd about it.
    pub what: String,
}

/// A place where the device's clock went odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockOddity {
    /// The line it shows at.
    pub line: u64,
    /// The time there.
    pub at: MeasuredAt,
    /// What is odd about it.
    pub what: String,
}

/// What can be said of the readings of one sensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SensorQuality {
    /// The sensor.
    pub sensor: Name,
    /// How many readings there are.
    pub readings: u64,
    /// The first instant.
    pub from: MeasuredAt,
    /// The last instant.
    pub to: MeasuredAt,
    /// The most frequent time between readings, ms; `None` with a single instant.
    pub interval_ms: Option<i64>,
    /// The lowest and the highest temperature.
    pub temperature: Option<(Temperature, Temperature)>,
    /// The lowest and the highest humidity.
    pub humidity: Option<(Humidity, Humidity)>,
    /// Where readings are missing.
    pub gaps: Listed<Gap>,
    /// Where the temperature jumps.
    pub jumps: Listed<Jump>,
    /// Values that are hard to believe.
    pub implausible: Listed<Implausible>,
    /// Oddities of the clock.
    pub clock: Listed<ClockOddity>,
}

/// What can be said of `taken`, by sensor.
pub(super) fn of(taken: &[Taken]) -> Vec<SensorQuality> {
    let mut sensors: BTreeMap<&Name, Vec<&Taken>> = BTreeMap::new();
    for reading in taken {
        sensors.entry(&reading.sensor).or_default().push(reading);
    }
    sensors.into_iter().filter_map(|(sensor, readings)| one(sensor, readings)).collect()
}

fn one(sensor: &Name, in_file: Vec<&Taken>) -> Option<SensorQuality> {
    let mut readings = in_file.clone();
    readings.sort_by_key(|reading| (reading.measured_at, reading.line));
    let (first, last) = (readings.first()?.measured_at, readings.last()?.measured_at);
    let interval_ms = interval(&readings);
    let mut quality = SensorQuality {
        sensor: sensor.clone(),
        readings: readings.len() as u64,
        from: first,
        to: last,
        interval_ms,
        temperature: range(readings.iter().filter_map(|reading| reading.temperature)),
        humidity: range(readings.iter().filter_map(|reading| reading.humidity)),
        gaps: Listed::default(),
        jumps: Listed::default(),
        implausible: Listed::default(),
        clock: Listed::default(),
    };
    backwards(&in_file, &mut quality.clock);
    for pair in readings.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        let apart = after.measured_at.millis() - before.measured_at.millis();
        let Some(interval) = interval_ms else { continue };
        if apart * 2 > interval * 3 {
            let missing = u64::try_from((apart + interval / 2) / interval - 1).unwrap_or_default().max(1);
            quality.gaps.push(Gap { from: before.measured_at, to: after.measured_at, missing });
            let off = (apart + interval / 2).rem_euclid(interval) - interval / 2;
            if off.abs() * 10 > interval {
                let what = format!("after a gap the rhythm of {} s is shifted by {} s", interval / 1000, off / 1000);
                quality.clock.push(ClockOddity { line: after.line, at: after.measured_at, what });
            }
        } else if let (Some(from), Some(to)) = (before.temperature, after.temperature)
            && (from.millidegrees() - to.millidegrees()).abs() >= JUMP_MILLIDEGREES
        {
            quality.jumps.push(Jump { line: after.line, at: after.measured_at, from, to });
        }
    }
    hard_to_believe(&readings, &mut quality.implausible);
    Some(quality)
}

/// The most frequent time between neighbouring instants, the shortest of several.
fn interval(readings: &[&Taken]) -> Option<i64> {
    let mut counts: HashMap<i64, u64> = HashMap::new();
    for pair in readings.windows(2) {
        let apart = pair[1].measured_at.millis() - pair[0].measured_at.millis();
        if apart > 0 {
            *counts.entry(apart).or_default() += 1;
        }
    }
    counts.into_iter().max_by_key(|(apart, count)| (*count, -apart)).map(|(apart, _)| apart)
}

/// Steps back in time from row to row, in a file whose rows stand in time order for the most part.
fn backwards(in_file: &[&Taken], found: &mut Listed<ClockOddity>) {
    let steps =
        || in_file.windows(2).map(|pair| (pair[1], pair[1].measured_at.millis() - pair[0].measured_at.millis()));
    let (back, forth) = (steps().filter(|(_, step)| *step < 0).count(), steps().filter(|(_, step)| *step > 0).count());
    // Newest first is an order, too.
    let newest_first = back > forth;
    for (reading, step) in steps().filter(|(_, step)| if newest_first { *step > 0 } else { *step < 0 }) {
        let seconds = (step / 1000).abs();
        let what = format!("goes {} by {seconds} s from the row before", if newest_first { "forward" } else { "back" });
        found.push(ClockOddity { line: reading.line, at: reading.measured_at, what });
    }
}

fn hard_to_believe(readings: &[&Taken], found: &mut Listed<Implausible>) {
    let mut run: Option<Run<'_>> = None;
    for reading in readings {
        let mut odd = |what: String| found.push(Implausible { line: reading.line, at: reading.measured_at, what });
        if let Some(temperature) = reading.temperature {
            let millidegrees = temperature.millidegrees();
            if CODES_MILLIDEGREES.contains(&millidegrees) {
                odd(format!("{temperature} is what a probe says that is cut off or has just been switched on"));
            } else if !BELIEVABLE_MILLIDEGREES.contains(&millidegrees) {
                odd(format!("{temperature} is outside of −100 to 70 °C"));
            }
        }
        if let Some(humidity) = reading.humidity.filter(|humidity| humidity.thousandths() > 100_000) {
            odd(format!("{humidity} is above 100 %RH"));
        }
        run = match run {
            Some(run) if run.first.temperature.is_some() && run.first.temperature == reading.temperature => {
                let count = run.count + 1;
                let lasted = reading.measured_at.millis() - run.first.measured_at.millis();
                let stuck = count >= STUCK_READINGS && lasted >= STUCK_MS;
                if stuck && !run.told {
                    odd(format!("the probe has said the same for a day, since {}", run.first.measured_at));
                }
                Some(Run { count, told: run.told || stuck, ..run })
            }
            _ => Some(Run { first: reading, count: 1, told: false }),
        };
    }
}

/// Readings in a row that say the same.
#[derive(Clone, Copy)]
struct Run<'a> {
    first: &'a Taken,
    count: usize,
    told: bool,
}

fn range<T: Copy + Ord>(values: impl Iterator<Item = T> + Clone) -> Option<(T, T)> {
    Some((values.clone().min()?, values.max()?))
}
