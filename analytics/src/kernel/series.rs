//! One quantity of one sensor: its readings in order, corrected, each instant once.

use model::registry::{Calibration, Exclusion, Sensor, SensorSource};

use super::bytes::carried;

/// Readings in a block that is skipped when its extremes are within limits.
pub(super) const BLOCK: usize = 64;
/// The longest believed distance of two readings of a sensor whose interval is not known, ms.
pub(super) const DEFAULT_GAP_MS: i64 = 3_600_000;

/// One reading of one quantity, as it came: thousandths of a degree or of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sample {
    /// When it was measured, ms since the epoch.
    pub at: i64,
    /// Its value, in thousandths.
    pub value: i32,
}

/// What the registry says of a sensor, as far as its readings are corrected by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Correction {
    /// (since when, what is added, doubt on top of the accuracy), by time; thousandths of a kelvin.
    calibrations: Vec<(i64, i32, i32)>,
    /// How far a reading may be off, thousandths of a kelvin.
    accuracy: i32,
    /// Time that does not count, [from, to), by time and apart from each other.
    excluded: Vec<(i64, i64)>,
    /// The value stays until the next reading.
    step: bool,
    /// The longest believed distance of two readings, ms.
    max_gap: i64,
}

/// The readings of one quantity of one sensor, by time; each instant once, with the highest and the lowest of the
/// values it was given (a conflict has two). Values and doubts are in thousandths.
#[derive(Clone, Debug, Default)]
pub struct Series {
    at: Vec<i64>,
    high: Vec<i32>,
    /// Empty when no reading is in conflict.
    low: Vec<i32>,
    doubt: Doubt,
    excluded: Vec<(i64, i64)>,
    step: bool,
    max_gap: i64,
    /// Highest of `high`, lowest of `low`, block by block.
    extremes: Vec<(i32, i32)>,
    conflicts: u64,
    /// Readings after which others were left out: what lies up to the next one is in a fold.
    folded: Vec<usize>,
}

carried!(Sample { at, value });
carried!(Correction { calibrations, accuracy, excluded, step, max_gap });

impl Default for Doubt {
    fn default() -> Self {
        Self::Even(0)
    }
}

/// How far a reading may be off.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Doubt {
    Even(i32),
    Each(Vec<i32>),
}

impl Correction {
    /// What the registry says of `sensor`; `None` when it is not registered.
    ///
    /// Calibration and accuracy are of temperature; humidity is taken as read.
    #[must_use]
    pub fn of_temperature<'a>(sensor: Option<&Sensor>, exclusions: impl Iterator<Item = &'a Exclusion>) -> Self {
        let mut correction = Self::of_humidity(sensor, exclusions);
        if let Some(sensor) = sensor {
            let entry = |calibration: &Calibration| {
                let doubt = calibration.uncertainty.map_or(0, |span| span.millikelvin());
                (calibration.from.millis(), calibration.offset.millikelvin(), doubt)
            };
            correction.calibrations = sensor.calibrations.iter().map(entry).collect();
            correction.calibrations.sort_unstable();
            correction.accuracy = sensor.accuracy.map_or(0, |span| span.millikelvin());
        }
        correction
    }

    /// As [`Correction::of_temperature`], for humidity.
    #[must_use]
    pub fn of_humidity<'a>(sensor: Option<&Sensor>, exclusions: impl Iterator<Item = &'a Exclusion>) -> Self {
        let interval = sensor.and_then(|sensor| sensor.interval);
        let max_gap = interval.map_or(DEFAULT_GAP_MS, |interval| {
            i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).saturating_mul(4).min(DEFAULT_GAP_MS)
        });
        let mut excluded: Vec<(i64, i64)> = exclusions.map(|out| (out.from.millis(), out.to.millis())).collect();
        excluded.sort_unstable();
        let mut apart: Vec<(i64, i64)> = Vec::with_capacity(excluded.len());
        for (from, to) in excluded {
            match apart.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => apart.push((from, to)),
            }
        }
        let step = sensor.is_some_and(|sensor| sensor.source == SensorSource::OnChange);
        Self { calibrations: Vec::new(), accuracy: 0, excluded: apart, step, max_gap }
    }

    fn at(&self, at: i64) -> (i32, i32) {
        let since = self.calibrations.partition_point(|(from, ..)| *from <= at);
        let (offset, doubt) = since.checked_sub(1).map_or((0, 0), |last| {
            let (_, offset, doubt) = self.calibrations[last];
            (offset, doubt)
        });
        (offset, self.accuracy + doubt)
    }

    /// Whether a person has cut out what was measured at `at`, ms.
    pub(super) fn excludes(&self, at: i64) -> bool {
        let begun = self.excluded.partition_point(|(from, _)| *from <= at);
        begun.checked_sub(1).is_some_and(|last| at < self.excluded[last].1)
    }
}

impl Series {
    /// The readings `samples`, in any order and as often as they came, corrected.
    #[must_use]
    pub fn new(mut samples: Vec<Sample>, correction: &Correction) -> Self {
        if !samples.is_sorted() {
            samples.sort_unstable();
        }
        samples.dedup();
        let mut series = Self {
            at: Vec::with_capacity(samples.len()),
            high: Vec::with_capacity(samples.len()),
            low: Vec::new(),
            doubt: Doubt::Even(correction.accuracy),
            excluded: correction.excluded.clone(),
            step: correction.step,
            max_gap: correction.max_gap,
            extremes: Vec::new(),
            conflicts: 0,
            folded: Vec::new(),
        };
        let plain = correction.calibrations.is_empty();
        let mut doubts = Vec::new();
        for sample in samples {
            if !series.excluded.is_empty() && correction.excludes(sample.at) {
                continue;
            }
            let (offset, doubt) = if plain { (0, correction.accuracy) } else { correction.at(sample.at) };
            series.push(sample.at, sample.value + offset);
            if !plain && doubts.len() < series.at.len() {
                doubts.push(doubt);
            }
        }
        if !plain {
            series.doubt = Doubt::Each(doubts);
        }
        series.extremes = series.blocks();
        series
    }

    /// As [`Series::new`], of `samples` among which those within `folded` (after the first and before the second
    /// instant of each, by time) are left out.
    pub(super) fn thinned(samples: Vec<Sample>, correction: &Correction, folded: &[(i64, i64)]) -> Self {
        let mut series = Self::new(samples, correction);
        let index = |(from, to): &(i64, i64)| {
            let index = series.at.partition_point(|at| at < from);
            debug_assert_eq!(series.at.get(index..index + 2), Some(&[*from, *to][..]), "a fold lies between its ends");
            index
        };
        series.folded = folded.iter().map(index).collect();
        series
    }

    /// Takes in a reading later than all before.
    pub fn append(&mut self, sample: Sample, correction: &Correction) {
        if correction.excludes(sample.at) {
            return;
        }
        let (offset, doubt) = correction.at(sample.at);
        let value = sample.value + offset;
        match &mut self.doubt {
            Doubt::Even(even) if *even == doubt => {}
            Doubt::Even(even) if self.at.is_empty() => *even = doubt,
            Doubt::Even(even) => {
                let mut each = vec![*even; self.at.len()];
                each.push(doubt);
                self.doubt = Doubt::Each(each);
            }
            Doubt::Each(doubts) => doubts.push(doubt),
        }
        self.excluded.clone_from(&correction.excluded);
        (self.step, self.max_gap) = (correction.step, correction.max_gap);
        self.push(sample.at, value);
        match self.extremes.last_mut() {
            Some((highest, lowest)) if self.at.len() % BLOCK != 1 => {
                (*highest, *lowest) = ((*highest).max(value), (*lowest).min(value));
            }
            _ => self.extremes.push((value, value)),
        }
    }

    fn push(&mut self, at: i64, value: i32) {
        let last = self.at.len().wrapping_sub(1);
        if self.at.last() == Some(&at) {
            if self.low.is_empty() {
                self.low.clone_from(&self.high);
            }
            if self.low[last] == self.high[last] {
                self.conflicts += 1;
            }
            self.high[last] = self.high[last].max(value);
            self.low[last] = self.low[last].min(value);
        } else {
            self.at.push(at);
            self.high.push(value);
            if !self.low.is_empty() {
                self.low.push(value);
            }
        }
    }

    fn blocks(&self) -> Vec<(i32, i32)> {
        let low = if self.low.is_empty() { &self.high } else { &self.low };
        let highest = self.high.chunks(BLOCK).map(|block| block.iter().copied().fold(i32::MIN, i32::max));
        let lowest = low.chunks(BLOCK).map(|block| block.iter().copied().fold(i32::MAX, i32::min));
        highest.zip(lowest).collect()
    }

    /// How many instants it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether it has no reading.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// How many of its instants have more than one value.
    #[must_use]
    pub fn conflicts(&self) -> u64 {
        self.conflicts
    }

    pub(super) fn instants(&self) -> &[i64] {
        &self.at
    }

    #[inline]
    pub(super) fn at(&self, index: usize) -> i64 {
        self.at[index]
    }

    #[inline]
    pub(super) fn high(&self, index: usize) -> i32 {
        self.high[index]
    }

    #[inline]
    pub(super) fn low(&self, index: usize) -> i32 {
        if self.low.is_empty() { self.high[index] } else { self.low[index] }
    }

    #[inline]
    pub(super) fn doubt(&self, index: usize) -> i32 {
        match &self.doubt {
            Doubt::Even(doubt) => *doubt,
            Doubt::Each(doubts) => doubts[index],
        }
    }

    pub(super) fn is_step(&self) -> bool {
        self.step
    }

    /// The block extremes: (highest of the high values, lowest of the low values).
    pub(super) fn extremes(&self) -> &[(i32, i32)] {
        &self.extremes
    }

    /// The largest doubt of all readings.
    pub(super) fn largest_doubt(&self) -> i32 {
        match &self.doubt {
            Doubt::Even(doubt) => *doubt,
            Doubt::Each(doubts) => doubts.iter().copied().max().unwrap_or(0),
        }
    }

    /// Whether readings are left out between reading `index` and the next one.
    #[inline]
    pub(super) fn is_folded(&self, index: usize) -> bool {
        !self.folded.is_empty() && self.folded.binary_search(&index).is_ok()
    }

    /// The first reading from `index` on after which others are left out; beyond all readings when there is none.
    pub(super) fn next_folded(&self, index: usize) -> usize {
        let next = self.folded.partition_point(|folded| *folded < index);
        self.folded.get(next).copied().unwrap_or(usize::MAX)
    }

    /// Whether reading `index` and the next one are close enough to believe what lies between them.
    #[inline]
    pub(super) fn is_near(&self, index: usize, max_gap: i64) -> bool {
        self.at[index + 1] - self.at[index] <= max_gap || self.is_folded(index)
    }

    pub(super) fn excluded(&self) -> &[(i64, i64)] {
        &self.excluded
    }

    /// The sensor's own longest believed distance of two readings, ms.
    pub(super) fn own_max_gap(&self) -> i64 {
        if self.max_gap > 0 { self.max_gap } else { DEFAULT_GAP_MS }
    }
}
