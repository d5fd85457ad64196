//! What one sensor said, ready to be cut into traces.

use std::sync::Arc;

use model::instant::ValidAt;
use model::name::Name;
use model::reading::Observation;
use model::registry::{Exclusion, Registry};

use crate::kernel::{Correction, Sample, Series};
use crate::logs::Log;

/// What one sensor said up to an instant: as it came, and corrected.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    temperature: Quantity,
    humidity: Quantity,
}

/// One quantity of it.
#[derive(Clone, Debug, Default)]
struct Quantity {
    correction: Correction,
    series: Arc<Series>,
    /// As it came, sorted and each once.
    raw: Vec<Sample>,
}

/// What became of a reading that was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push {
    /// It is later than all before; how long after the one before, ms.
    Next(i64),
    /// It lies among those before.
    Late,
    /// It was known.
    Known,
}

impl Heard {
    /// What `log` holds of `sensor` up to `as_of`.
    #[must_use]
    pub fn new(log: &Log, registry: &Registry, sensor: &Name, as_of: ValidAt) -> Self {
        let known = registry.sensors.get(sensor).map(|sensor| sensor.record.as_ref());
        let exclusions = || registry.exclusions.of(sensor).map(|out| -> &Exclusion { &out.record });
        let temperature = Correction::of_temperature(known, exclusions());
        let humidity = Correction::of_humidity(known, exclusions());
        Self {
            temperature: Quantity::new(&log.temperature, temperature, as_of.millis()),
            humidity: Quantity::new(&log.humidity, humidity, as_of.millis()),
        }
    }

    /// The same readings under another registry.
    #[must_use]
    pub fn corrected(&self, registry: &Registry, sensor: &Name) -> Self {
        let log =
            Log { temperature: self.temperature.raw.clone(), humidity: self.humidity.raw.clone(), ..Log::default() };
        Self::new(&log, registry, sensor, ValidAt::from_millis(i64::MAX))
    }

    /// Other readings of the same sensor, in order and each once.
    #[must_use]
    pub(super) fn with(&self, temperature: Vec<Sample>, humidity: Vec<Sample>) -> Self {
        let of = |raw: Vec<Sample>, like: &Quantity| {
            let series = Arc::new(Series::new(raw.clone(), &like.correction));
            Quantity { correction: like.correction.clone(), series, raw }
        };
        Self { temperature: of(temperature, &self.temperature), humidity: of(humidity, &self.humidity) }
    }

    /// Takes out all but the newest `keep` readings of temperature and of humidity, or a few more: those of one
    /// instant stay together.
    pub(super) fn take_older(&mut self, keep: usize) -> (Vec<Sample>, Vec<Sample>) {
        let older = |of: &Quantity| {
            let mut cut = of.raw.len().saturating_sub(keep);
            while cut > 0 && of.raw[cut - 1].at == of.raw[cut].at {
                cut -= 1;
            }
            cut
        };
        let (t_cut, h_cut) = (older(&self.temperature), older(&self.humidity));
        let (temperature, humidity) = (self.temperature.raw.split_off(t_cut), self.humidity.raw.split_off(h_cut));
        let newest = self.with(temperature, humidity);
        let older = std::mem::replace(self, newest);
        (older.temperature.raw, older.humidity.raw)
    }

    /// Takes one more reading in.
    pub fn push(&mut self, reading: &Observation) -> Push {
        let at = reading.measured_at.millis();
        let temperature = reading.temperature.map(|value| Sample { at, value: value.millidegrees() });
        let humidity = reading.humidity.map(|value| Sample { at, value: value.thousandths() });
        let pushed = [
            temperature.map(|sample| self.temperature.push(sample)),
            humidity.map(|sample| self.humidity.push(sample)),
        ];
        // The worst that happened to either quantity.
        let rank = |push: &Push| match push {
            Push::Known => 0,
            Push::Next(_) => 1,
            Push::Late => 2,
        };
        pushed.into_iter().flatten().max_by_key(rank).unwrap_or(Push::Known)
    }

    /// The last instant it was heard of, ms.
    #[must_use]
    pub fn last_at(&self) -> Option<i64> {
        let last = |of: &Quantity| of.raw.last().map(|sample| sample.at);
        last(&self.temperature).max(last(&self.humidity))
    }

    /// Its temperatures, corrected.
    #[must_use]
    pub fn temperature(&self) -> &Arc<Series> {
        &self.temperature.series
    }

    /// Its humidities.
    #[must_use]
    pub fn humidity(&self) -> &Arc<Series> {
        &self.humidity.series
    }

    pub(super) fn corrections(&self) -> (&Correction, &Correction) {
        (&self.temperature.correction, &self.humidity.correction)
    }

    pub(super) fn raw_temperature(&self) -> &[Sample] {
        &self.temperature.raw
    }

    pub(super) fn raw_humidity(&self) -> &[Sample] {
        &self.humidity.raw
    }

    /// A sensor that was never heard is one of temperature: its silence is missed.
    pub(super) fn is_of_temperature(&self) -> bool {
        !self.temperature.raw.is_empty() || self.humidity.raw.is_empty()
    }

    /// A sensor of humidity has told humidity.
    pub(super) fn is_of_humidity(&self) -> bool {
        !self.humidity.raw.is_empty()
    }
}

impl Quantity {
    fn new(samples: &[Sample], correction: Correction, as_of: i64) -> Self {
        let mut raw: Vec<Sample> = samples.iter().copied().filter(|sample| sample.at <= as_of).collect();
        raw.sort_unstable();
        raw.dedup();
        let series = Arc::new(Series::new(raw.clone(), &correction));
        Self { correction, series, raw }
    }

    fn push(&mut self, sample: Sample) -> Push {
        match self.raw.last() {
            Some(last) if sample.at <= last.at => match self.raw.binary_search(&sample) {
                Ok(_) => Push::Known,
                Err(place) => {
                    self.raw.insert(place, sample);
                    self.series = Arc::new(Series::new(self.raw.clone(), &self.correction));
                    Push::Late
                }
            },
            last => {
                let since = last.map_or(i64::MAX, |last| sample.at - last.at);
                self.raw.push(sample);
                Arc::make_mut(&mut self.series).append(sample, &self.correction);
                Push::Next(since)
            }
        }
    }
}
