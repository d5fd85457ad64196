//! Units that stand together: one reading concerns them alike.

use std::collections::{BTreeMap, HashMap};

use model::gs1::Gtin;
use model::instant::ValidAt;
use model::name::Name;

use crate::custody::Custody;

/// Units of one product under the same sensors right now.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) gtin: Gtin,
    pub(super) units: Vec<Name>,
    /// The levels each sensor's newest reading is beyond.
    pub(super) beyond: HashMap<Name, u64>,
    /// Nothing can fire before this, as long as the levels stay the same.
    pub(super) soonest: Option<ValidAt>,
}

/// All groups, and which sensors concern which.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    pub(super) all: Vec<Group>,
    of_sensor: HashMap<Name, Vec<usize>>,
    of_unit: HashMap<Name, usize>,
}

impl Groups {
    /// The groups of units whose custody is known.
    pub(super) fn new<'a>(units: impl Iterator<Item = (&'a Name, Gtin, &'a Custody)>) -> Self {
        let mut groups = Self::default();
        let mut known: BTreeMap<(Gtin, Vec<Name>), usize> = BTreeMap::new();
        for (unit, gtin, custody) in units.filter(|(_, _, custody)| !custody.closed) {
            let sensors = custody.pieces.last().map(|piece| piece.sensors.clone()).unwrap_or_default();
            let index = *known.entry((gtin, sensors.clone())).or_insert_with(|| {
                let index = groups.all.len();
                groups.all.push(Group { gtin, units: Vec::new(), beyond: HashMap::new(), soonest: None });
                for sensor in sensors {
                    groups.of_sensor.entry(sensor).or_default().push(index);
                }
                index
            });
            groups.all[index].units.push(unit.clone());
            groups.of_unit.insert(unit.clone(), index);
        }
        groups
    }

    /// The groups that a reading of `sensor` concerns.
    pub(super) fn of_sensor(&self, sensor: &Name) -> &[usize] {
        self.of_sensor.get(sensor).map_or(&[], Vec::as_slice)
    }

    /// The group of a unit.
    pub(super) fn of_unit(&mut self, unit: &Name) -> Option<&mut Group> {
        self.all.get_mut(*self.of_unit.get(unit)?)
    }
}
