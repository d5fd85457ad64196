//! Which sensors are with a place or a unit, looked up by it.

use std::collections::HashMap;

use model::instant::ValidAt;
use model::name::Name;
use model::registry::{Registry, Target};

/// A sensor that is with a place or a unit during [from, to).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The sensor.
    pub sensor: Name,
    /// Since when.
    pub from: ValidAt,
    /// Until when; `None`: still.
    pub to: Option<ValidAt>,
}

/// The sensors of every place and of every unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    places: HashMap<Name, Vec<Tag>>,
    units: HashMap<Name, Vec<Tag>>,
}

impl Index {
    /// The associations of a registry.
    #[must_use]
    pub fn new(registry: &Registry) -> Self {
        let mut index = Self::default();
        for association in registry.associations.iter() {
            let tag = Tag { sensor: association.sensor.clone(), from: association.from, to: association.to };
            match &association.target {
                Target::Place(place) => index.places.entry(place.clone()).or_default().push(tag),
                Target::Unit(unit) => index.units.entry(unit.clone()).or_default().push(tag),
            }
        }
        index
    }

    /// Adds what readings say themselves: `sensor` travelled with `unit`.
    pub fn travels(&mut self, unit: Name, tag: Tag) {
        self.units.entry(unit).or_default().push(tag);
    }

    /// The sensors of a place, over all time.
    #[must_use]
    pub fn at_place(&self, place: &Name) -> &[Tag] {
        self.places.get(place).map_or(&[], Vec::as_slice)
    }

    /// The sensors that travel with a unit, over all time.
    #[must_use]
    pub fn with_unit(&self, unit: &Name) -> &[Tag] {
        self.units.get(unit).map_or(&[], Vec::as_slice)
    }
}
