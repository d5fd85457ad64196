//! Readings by sensor, as assessments take them: from a file, from the store, or one by one.

mod digest;
mod file;
mod store;

use std::collections::{BTreeMap, HashMap};

use model::instant::ValidAt;
use model::name::Name;

use crate::custody::{Index, Tag};
use crate::kernel::Sample;

pub(crate) use digest::Digest;
pub use file::{FileError, read_csv};
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

impl Log {
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
    ///
    /// A sensor is with a unit from its first reading that names it until its next reading that does not.
    pub fn tell(&self, index: &mut Index, as_of: ValidAt) {
        for (sensor, log) in &self.sensors {
            if log.units.is_empty() {
                continue;
            }
            let mut instants: Vec<i64> = log.temperature.iter().chain(&log.humidity).map(|sample| sample.at).collect();
            instants.retain(|at| *at <= as_of.millis());
            instants.sort_unstable();
            instants.dedup();
            let mut current: Option<(&Name, i64)> = None;
            for at in instants {
                let unit = log.units.get(&at);
                if current.map(|(unit, _)| unit) == unit {
                    continue;
                }
                if let Some((unit, from)) = current.take() {
                    index.travels(unit.clone(), tag(sensor, from, Some(at)));
                }
                current = unit.map(|unit| (unit, at));
            }
            if let Some((unit, from)) = current {
                index.travels(unit.clone(), tag(sensor, from, None));
            }
        }
    }
}

fn tag(sensor: &Name, from: i64, to: Option<i64>) -> Tag {
    Tag { sensor: sensor.clone(), from: ValidAt::from_millis(from), to: to.map(ValidAt::from_millis) }
}
