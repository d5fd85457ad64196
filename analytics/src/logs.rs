//! Readings by sensor, as assessments take them: from a file, from the store, or one by one.

mod digest;
mod file;
mod store;

use std::collections::{BTreeMap, HashMap};

use model::instant::ValidAt;
use model::name::Name;

use crate::custody::{Index, Tag};
use crate::kernel::Sample;

pub(crate) use digest::{Digest, List};
pub use file::{FileError, read_csv};
pub(crate) use store::Gather;
pub use store::{Wanted, count, from_engine};

/// The readings of many sensors.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    sensors: HashMap<Name, Log>,
}

/// The readings of one sensor, in any order and as often as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Temperatures, thousandths of a degree.
    pub temperature: Vec<Sample>,
    /// Humidities, thousandths of a percent.
    pub humidity: Vec<Sample>,
    /// The units its readings name, by instant; readings that name none are not in it.
    pub units: BTreeMap<i64, Name>,
}

/// A stretch of time that a sensor was with a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journey {
    /// The unit.
    pub unit: Name,
    /// Its first reading that names the unit.
    pub from: ValidAt,
    /// Its next reading that does not, if there is one.
    pub to: Option<ValidAt>,
}

impl Log {
    fn is_empty(&self) -> bool {
        self.temperature.is_empty() && self.humidity.is_empty() && self.units.is_empty()
    }

    /// Which units the sensor was with, as its readings up to `as_of` say; by time.
    #[must_use]
    pub fn journeys(&self, as_of: ValidAt) -> Vec<Journey> {
        if self.units.is_empty() {
            return Vec::new();
        }
        let mut instants: Vec<i64> = self.temperature.iter().chain(&self.humidity).map(|sample| sample.at).collect();
        instants.retain(|at| *at <= as_of.millis());
        instants.sort_unstable();
        instants.dedup();
        let mut journeys: Vec<Journey> = Vec::new();
        let mut current: Option<&Name> = None;
        for at in instants {
            let unit = self.units.get(&at);
            if current == unit {
                continue;
            }
            let at = ValidAt::from_millis(at);
            if let (Some(_), Some(last)) = (current, journeys.last_mut()) {
                last.to = Some(at);
            }
            journeys.extend(unit.map(|unit| Journey { unit: unit.clone(), from: at, to: None }));
            current = unit;
        }
        journeys
    }

    /// Notes that the reading at `at` names `unit`; of two that disagree the later name counts.
    fn name_unit(&mut self, at: i64, unit: Name) {
        let named = self.units.entry(at).or_insert_with(|| unit.clone());
        if unit > *named {
            *named = unit;
        }
    }
}

impl Logs {
    /// The readings of `sensor`, if there is any.
    #[must_use]
    pub fn get(&self, sensor: &Name) -> Option<&Log> {
        self.sensors.get(sensor)
    }

    /// The readings of `sensor`, to add to.
    pub fn of(&mut self, sensor: Name) -> &mut Log {
        self.sensors.entry(sensor).or_default()
    }

    /// Adds what `other` holds.
    pub(crate) fn merge(&mut self, other: Self) {
        for (sensor, log) in other.sensors {
            let known = self.of(sensor);
            if known.is_empty() {
                *known = log;
                continue;
            }
            known.temperature.extend(log.temperature);
            known.humidity.extend(log.humidity);
            for (at, unit) in log.units {
                known.name_unit(at, unit);
            }
        }
    }

    /// The sensors that have readings.
    pub fn sensors(&self) -> impl Iterator<Item = &Name> {
        self.sensors.keys()
    }

    /// How many readings there are, as they came.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sensors.values().map(|log| log.temperature.len().max(log.humidity.len())).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sensors.is_empty()
    }

    /// Adds to `index` which sensors travelled with which unit, as their readings up to `as_of` say.
    pub fn tell(&self, index: &mut Index, as_of: ValidAt) {
        for (sensor, log) in &self.sensors {
            for journey in log.journeys(as_of) {
                index.travels(journey.unit, Tag { sensor: sensor.clone(), from: journey.from, to: journey.to });
            }
        }
    }
}
