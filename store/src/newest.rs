//! The newest reading of every sensor, in memory: what a glance at the whole system needs without a query.
//!
//! Written by whoever admits readings, read by whoever shows them. After a start it is filled up from the lake, so
//! it is complete a little later than answers are; it decides nothing.

mod slot;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hashbrown::HashMap;
use model::instant::MeasuredAt;
use model::quantity::{Humidity, Temperature};
use model::reading::Reading;

use crate::names::{ByName, NameId, Names};
use slot::Slot;

/// Sensors kept at most, by number of the name; further ones are left out.
const MAX_SENSORS: usize = 1 << 20;

/// The newest readings. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Newest {
    names: Names,
    kept: Arc<RwLock<Kept>>,
}

#[derive(Debug)]
struct Kept {
    sensors: ByName<Slot>,
    /// The units that newest readings name. Few sensors travel.
    units: HashMap<NameId, Arc<str>>,
    /// Which sensors ever named which units.
    named: Arc<HashMap<Arc<str>, Vec<Arc<str>>>>,
    /// Counts changes.
    revision: u64,
}

/// The newest reading of one sensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Last {
    /// When it measured.
    pub measured_at: MeasuredAt,
    /// The temperature, if that reading has one.
    pub temperature: Option<Temperature>,
    /// The relative humidity, if that reading has one.
    pub humidity: Option<Humidity>,
    /// The unit that reading names.
    pub unit: Option<Arc<str>>,
    /// The change that brought it.
    revision: u64,
}

impl Newest {
    /// No readings yet, of sensors whose numbers are those in `names`.
    #[must_use]
    pub fn over(names: Names) -> Self {
        Self { names, kept: Arc::default() }
    }

    /// Takes `reading` in, whose sensor has this number, unless a later one of it is known.
    pub fn note(&self, sensor: NameId, reading: &Reading<'_>) {
        if sensor.index() >= MAX_SENSORS {
            return;
        }
        let mut kept = self.write();
        let known = kept.sensors.get(sensor);
        let is_other = reading.unit != kept.units.get(&sensor).map(AsRef::as_ref);
        if is_other && let Some(unit) = reading.unit {
            // a late one too may name a unit that no other reading names
            kept.name(unit, reading.sensor);
        }
        if !known.is_empty() && known.measured_at > reading.measured_at {
            return;
        }
        kept.revision += 1;
        let slot = Slot::new(reading, kept.revision);
        kept.sensors.set(sensor, slot);
        if is_other {
            match reading.unit {
                Some(unit) => kept.units.insert(sensor, unit.into()),
                None => kept.units.remove(&sensor),
            };
        }
    }

    /// Takes `reading` in, unless a later one of its sensor is known; gives the sensor a number if it has none.
    pub fn tell(&self, reading: &Reading<'_>) {
        if let Some(sensor) = self.names.known(reading.sensor) {
            self.note(sensor, reading);
        } else if self.names.len() < MAX_SENSORS {
            self.note(self.names.intern(reading.sensor), reading);
        }
    }

    /// The newest reading of `sensor`.
    #[must_use]
    pub fn of(&self, sensor: &str) -> Option<Last> {
        let number = self.names.known(sensor)?;
        self.read().last(number)
    }

    /// The latest change.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.read().revision
    }

    /// Sensors that were heard of after the change `revision`, at most `many`, those that waited longest first.
    #[must_use]
    pub fn since(&self, revision: u64, many: usize) -> Vec<(Arc<str>, Last)> {
        let kept = self.read();
        if kept.revision == revision {
            return Vec::new();
        }
        let slots = kept.sensors.iter().filter(|(_, slot)| slot.revision > revision);
        let mut changed: Vec<(u64, NameId)> = slots.map(|(number, slot)| (slot.revision, number)).collect();
        changed.sort_unstable();
        changed.truncate(many);
        self.told(&kept, changed.into_iter().map(|(_, number)| number))
    }

    /// Notes that a reading of `sensor` named `unit`.
    pub fn name(&self, unit: &str, sensor: &str) {
        self.write().name(unit, sensor);
    }

    /// The sensors whose readings named a unit, by unit.
    #[must_use]
    pub fn named(&self) -> Arc<HashMap<Arc<str>, Vec<Arc<str>>>> {
        Arc::clone(&self.read().named)
    }

    /// Every sensor whose newest reading names a unit, with that reading.
    #[must_use]
    pub fn travelling(&self) -> Vec<(Arc<str>, Last)> {
        let kept = self.read();
        self.told(&kept, kept.units.keys().copied())
    }

    /// The newest readings of these sensors, with the sensors' names.
    fn told(&self, kept: &Kept, sensors: impl Iterator<Item = NameId>) -> Vec<(Arc<str>, Last)> {
        self.names
            .with(|names| sensors.filter_map(|number| Some((names.text(number)?.into(), kept.last(number)?))).collect())
    }

    fn read(&self) -> RwLockReadGuard<'_, Kept> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Kept> {
        self.kept.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self { sensors: ByName::new(Slot::EMPTY), units: HashMap::default(), named: Arc::default(), revision: 0 }
    }
}

impl Kept {
    /// The newest reading of the sensor of `number`, if there is one.
    fn last(&self, number: NameId) -> Option<Last> {
        let slot = self.sensors.get(number);
        (!slot.is_empty()).then(|| Last {
            measured_at: slot.measured_at,
            temperature: slot.temperature(),
            humidity: slot.humidity(),
            unit: self.units.get(&number).cloned(),
            revision: slot.revision,
        })
    }

    fn name(&mut self, unit: &str, sensor: &str) {
        if self.named.get(unit).is_some_and(|sensors| sensors.iter().any(|known| &**known == sensor)) {
            return;
        }
        let named = Arc::make_mut(&mut self.named);
        if named.len() < MAX_SENSORS {
            named.entry(unit.into()).or_default().push(sensor.into());
        }
    }
}

impl Last {
    /// The change that brought it.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(sensor: &str, at: i64, celsius: f64) -> Reading<'_> {
        Reading {
            sensor,
            measured_at: MeasuredAt::from_millis(at),
            temperature: Temperature::from_celsius(celsius),
            humidity: None,
            unit: None,
            seq: None,
            battery_v: None,
            rssi_dbm: None,
        }
    }

    #[test]
    fn keeps_the_newest_whatever_the_order_and_tells_what_changed() {
        let newest = Newest::default();
        newest.tell(&reading("A", 2000, 5.0));
        newest.tell(&reading("A", 1000, 4.0));
        newest.tell(&reading("B", 1000, 7.0));
        let celsius = |sensor: &str| newest.of(sensor).and_then(|last| last.temperature).map(Temperature::celsius);
        assert_eq!((celsius("A"), celsius("B"), celsius("C")), (Some(5.0), Some(7.0), None));
        let names = |since: u64, many: usize| {
            newest.since(since, many).iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(0, 9), ["A", "B"]);
        assert_eq!(names(0, 1), ["A"]);
        let seen = newest.revision();
        assert!(names(seen, 9).is_empty());
        newest.tell(&reading("A", 3000, 6.0));
        assert_eq!(names(seen, 9), ["A"]);
    }

    #[test]
    fn remembers_the_unit_a_sensor_travels_with() {
        let newest = Newest::default();
        newest.tell(&Reading { unit: Some("U1"), ..reading("A", 1000, 5.0) });
        newest.tell(&Reading { unit: Some("U1"), ..reading("A", 2000, 5.0) });
        assert_eq!(newest.travelling().len(), 1);
        newest.tell(&reading("A", 3000, 5.0));
        newest.tell(&Reading { unit: Some("U2"), ..reading("A", 500, 5.0) });
        assert!(newest.travelling().is_empty());
        assert_eq!(newest.named().len(), 2);
        assert_eq!(newest.named()["U1"], [Arc::from("A")]);
    }
}
