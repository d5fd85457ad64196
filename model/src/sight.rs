//! Sites that somebody is limited to, and what they see of everything because of it.
//!
//! A site here is a place with everything inside of it, by the hierarchy of the registry. A unit is seen while the last
//! place recorded of it lies inside; of its past, the places and sensors outside are not named
//! (docs/decisions/0009-limits-to-sites.md).

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};

use crate::gs1::{Gtin, LotKey};
use crate::hold::{AlarmCode, Hold, RaisedAlarm, Scope, Subject};
use crate::instant::ValidAt;
use crate::name::Name;
use crate::registry::{Association, Registry, Target};

/// Places an account or a token can be limited to at most.
pub const MAX_SITES: usize = 100;

/// The places somebody is limited to, each with everything inside of it: 1 to [`MAX_SITES`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sites(BTreeSet<Name>);

impl Sites {
    /// A limit to `places`.
    ///
    /// # Errors
    /// When there is none, or there are too many.
    pub fn new(places: impl IntoIterator<Item = Name>) -> Result<Self, SitesError> {
        let places: BTreeSet<Name> = places.into_iter().collect();
        match places.len() {
            0 => Err(SitesError::Empty),
            1..=MAX_SITES => Ok(Self(places)),
            count => Err(SitesError::Many { count }),
        }
    }

    /// Reads what [`Sites::to_json`] wrote; `None` when it is something else.
    #[must_use]
    pub fn read(value: &Value) -> Option<Self> {
        let names = value.as_array()?.iter().map(|name| Name::parse(name.as_str()?).ok());
        Self::new(names.collect::<Option<Vec<_>>>()?).ok()
    }

    /// The places, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Name> {
        self.0.iter()
    }

    /// An array of the places, by id.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.0.iter().map(|place| json!(place.as_str())).collect()
    }
}

/// Why places are no limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SitesError {
    /// None was named. That could be meant as no limit, or as nothing to be seen.
    #[error("`sites` is empty: name at least one place, or leave it out")]
    Empty,
    /// More than [`MAX_SITES`] were named.
    #[error("`sites` has {count} places: name at most {MAX_SITES}, or one around them")]
    Many {
        /// How many.
        count: usize,
    },
}

/// What somebody sees, at one state of the registry and one instant. Without a limit that is everything.
#[derive(Clone, Debug, Default)]
pub struct Sight(Option<Arc<Limited>>);

#[derive(Debug)]
struct Limited {
    registry: Arc<Registry>,
    now: ValidAt,
    /// The places of the limit and all inside of them.
    within: BTreeSet<Name>,
    /// The places those lie in.
    around: BTreeSet<Name>,
    /// The lots of units that are seen.
    lots: OnceLock<BTreeSet<LotKey>>,
}

impl Sight {
    /// Of somebody who is not limited.
    #[must_use]
    pub const fn everything() -> Self {
        Self(None)
    }

    /// Of somebody who is limited to `sites`, if they are.
    #[must_use]
    pub fn of(sites: Option<&Sites>, registry: &Arc<Registry>, now: ValidAt) -> Self {
        let Some(sites) = sites else { return Self(None) };
        let mut within = sites.0.clone();
        let inside = registry.places.iter().filter(|place| {
            let around = registry.places_around(&place.id);
            around.iter().any(|place| sites.0.contains(place))
        });
        within.extend(inside.map(|place| place.id.clone()));
        let around = sites.0.iter().flat_map(|place| registry.places_around(place));
        let around = around.filter(|place| !within.contains(place)).collect();
        Self(Some(Arc::new(Limited { registry: Arc::clone(registry), now, within, around, lots: OnceLock::new() })))
    }

    /// Whether there is a limit.
    #[must_use]
    pub const fn is_limited(&self) -> bool {
        self.0.is_some()
    }

    /// Whether they see the place `id`: it is one of their sites, or inside of one.
    #[must_use]
    pub fn place(&self, id: &Name) -> bool {
        self.0.as_ref().is_none_or(|limited| limited.within.contains(id))
    }

    /// Whether they may know the name of the place `id`: they see it, or one of their sites lies in it.
    #[must_use]
    pub fn names(&self, id: &Name) -> bool {
        self.0.as_ref().is_none_or(|limited| limited.within.contains(id) || limited.around.contains(id))
    }

    /// Whether they see the unit `id`, or what holds units: the last place recorded of it is one they see.
    #[must_use]
    pub fn unit(&self, id: &Name) -> bool {
        self.0.as_ref().is_none_or(|limited| limited.unit_at(id, limited.now))
    }

    /// Whether the unit `id`, or what holds units, was at `at` in a place they see.
    #[must_use]
    pub fn unit_at(&self, id: &Name, at: ValidAt) -> bool {
        self.0.as_ref().is_none_or(|limited| limited.unit_at(id, at))
    }

    /// Whether they see the lot: they see a unit of it.
    #[must_use]
    pub fn lot(&self, key: &LotKey) -> bool {
        self.0.as_ref().is_none_or(|limited| limited.lots().contains(key))
    }

    /// Whether they see the product: they see a unit of it.
    #[must_use]
    pub fn product(&self, gtin: &Gtin) -> bool {
        self.0.as_ref().is_none_or(|limited| limited.lots().iter().any(|lot| lot.gtin == *gtin))
    }

    /// Whether they see the sensor `id`: it watches a place or travels with a unit that they see.
    #[must_use]
    pub fn sensor(&self, id: &Name) -> bool {
        self.0.as_ref().is_none_or(|limited| self.sensor_at(id, limited.now))
    }

    /// Whether the sensor `id` watched a place they see at `at`, or travelled with a unit that they see now and that was
    /// then in a place they see.
    #[must_use]
    pub fn sensor_at(&self, id: &Name, at: ValidAt) -> bool {
        let Some(limited) = &self.0 else { return true };
        let mut then = limited.registry.associations.of(id);
        then.any(|one| {
            let is_seen = || match &one.target {
                Target::Place(place) => self.place(place),
                Target::Unit(unit) => self.unit(unit) && self.unit_at(unit, at),
            };
            one.from <= at && one.to.is_none_or(|to| at < to) && is_seen()
        })
    }

    /// Whether they see what `sensor` said at `at` and they are told of now: it watched what they see, then and now, or it
    /// watches nothing and says itself that it is with `unit`, which they see and which was then in a place they see.
    #[must_use]
    pub fn reading(&self, sensor: &Name, unit: Option<&Name>, at: ValidAt) -> bool {
        let Some(limited) = &self.0 else { return true };
        let mut all = limited.registry.associations.of(sensor);
        let watches = all.any(|one| one.from <= limited.now && one.to.is_none_or(|to| limited.now < to));
        if watches {
            self.sensor(sensor) && self.sensor_at(sensor, at)
        } else {
            unit.is_some_and(|unit| self.unit(unit) && self.unit_at(unit, at))
        }
    }

    /// Whether they see what a sensor watched: a place they see, or a unit they see that was in such a place when the
    /// sensor came to it, or when it was with it last.
    #[must_use]
    pub fn association(&self, association: &Association) -> bool {
        let Some(limited) = &self.0 else { return true };
        match &association.target {
            Target::Place(place) => self.place(place),
            Target::Unit(unit) => {
                let last = |to: ValidAt| limited.now.min(ValidAt::from_millis(to.millis().saturating_sub(1)));
                let last = association.to.map_or(limited.now, last);
                self.unit(unit) && (self.unit_at(unit, association.from) || self.unit_at(unit, last))
            }
        }
    }

    /// Whether they see a hold: it is on something they see, or on a place that their sites lie in.
    #[must_use]
    pub fn hold(&self, hold: &Hold) -> bool {
        match &hold.scope {
            Scope::Unit(unit) => self.unit(unit),
            Scope::Lot(key) => self.lot(key),
            Scope::Place(place) => self.names(place),
        }
    }

    /// The record of a hold as it is told: where the goods are kept apart, and which hold it was inherited from, only as
    /// far as that is seen; digests only where nothing is left out.
    #[must_use]
    pub fn told(&self, hold: &Hold) -> Value {
        let mut record = hold.to_json();
        if self.is_limited() {
            record["inherited_from"] = Value::Null;
            if self.is_apart_elsewhere(hold) {
                record["quarantine"] = Value::Null;
            }
        }
        if !self.digests(hold) {
            for act in record["acts"].as_array_mut().into_iter().flatten() {
                act["record"] = Value::Null;
            }
        }
        record
    }

    /// Whether digests of the record of a hold are told, as it is and as it was when somebody signed: not if it says or
    /// may have said what is not seen. Names could be tried against them.
    #[must_use]
    pub fn digests(&self, hold: &Hold) -> bool {
        // where goods are kept apart may have been elsewhere before each act, and nowhere if it is nowhere now
        let was_seen = || hold.quarantine.is_none() || (hold.acts.is_empty() && !self.is_apart_elsewhere(hold));
        !self.is_limited() || (hold.inherited_from.is_none() && was_seen())
    }

    fn is_apart_elsewhere(&self, hold: &Hold) -> bool {
        hold.quarantine.as_ref().is_some_and(|quarantine| !self.names(&quarantine.place))
    }

    /// Whether all that `scope` holds is what they see: a lot may have units elsewhere, whether it has or not.
    #[must_use]
    pub fn covers(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Unit(unit) => self.unit(unit),
            Scope::Lot(_) => !self.is_limited(),
            Scope::Place(place) => self.place(place),
        }
    }

    /// Whether they see an alarm: whom it is about, and of a move also where that led.
    #[must_use]
    pub fn alarm(&self, alarm: &RaisedAlarm) -> bool {
        let Some(limited) = &self.0 else { return true };
        match &alarm.subject {
            Subject::Unit(unit) if alarm.code == AlarmCode::MovedWhileBlocked => {
                let mut moved = limited.registry.units_in(unit, alarm.at).into_iter();
                self.unit(unit) && self.unit_at(unit, alarm.at) && moved.all(|unit| self.unit(&unit))
            }
            Subject::Unit(unit) => self.unit(unit),
            Subject::Sensor(sensor) => self.sensor(sensor) && self.sensor_at(sensor, alarm.at),
            Subject::Place(place) => self.place(place),
            Subject::Channel(_) | Subject::Account(_) => false,
        }
    }
}

impl Limited {
    fn unit_at(&self, id: &Name, at: ValidAt) -> bool {
        self.registry.place_of(id, at).is_some_and(|place| self.within.contains(&place))
    }

    fn lots(&self) -> &BTreeSet<LotKey> {
        self.lots.get_or_init(|| {
            let registered = self.registry.units.iter().map(|unit| &unit.id);
            let children = self.registry.splits.iter().flat_map(|split| split.into.iter().map(|child| &child.id));
            let seen = registered.chain(children).filter(|unit| self.unit_at(unit, self.now));
            seen.filter_map(|unit| self.registry.lot_of(unit)).collect()
        })
    }
}

#[cfg(test)]
mod tests;
