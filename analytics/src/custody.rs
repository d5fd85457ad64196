//! Where a unit was, and whose readings made its trace when.
//!
//! A unit follows the pallet it is on, a split child has its parent's past, and the sensors that travel with a unit
//! come before those of its place, which come before those of the nearest place around it that has any. The outside
//! contract, section 3, is the specification.

mod carriers;
mod index;
mod places;

use std::collections::BTreeSet;

use model::assessment::Interval;
use model::instant::ValidAt;
use model::name::Name;
use model::registry::Registry;

pub(crate) use carriers::carriers;
pub use index::{Index, Tag};

/// A unit's time from its beginning to its end or as-of, piece by piece.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Custody {
    /// The unit's time, both ends included.
    pub window: Interval,
    /// In order; each ends where the next begins, and the last with the window. Only the last may be an instant.
    pub pieces: Vec<Keeping>,
    /// Whether a closure ended the window.
    pub closed: bool,
}

/// A stretch of time at one place under the same sensors.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Keeping {
    /// Since when.
    pub from: ValidAt,
    /// Until when.
    pub to: ValidAt,
    /// Where; `None` when nobody said.
    pub place: Option<Name>,
    /// The sensors whose readings make the trace, by name.
    pub sensors: Vec<Name>,
}

impl Custody {
    /// The custody of `unit` as of an instant; `None` when it is not known or begins later.
    #[must_use]
    pub fn of(registry: &Registry, index: &Index, unit: &Name, as_of: ValidAt) -> Option<Self> {
        // A split child has its parent's past, but is not there before it was made.
        if registry.beginning(unit)?.0 > as_of {
            return None;
        }
        let begins = beginning(registry, unit)?;
        let closure = registry.closures.of(unit).next().map(|closure| closure.at);
        let ends = closure.map_or(as_of, |closure| closure.min(as_of));
        if begins > ends {
            return None;
        }
        let view = View { registry, index };
        let places = places::of(registry, unit);
        let mut turns = BTreeSet::from([begins]);
        turns.extend(places.iter().map(|(at, _)| *at));
        view.turns(unit, &places, &mut turns, 0);
        // Both ends of the window count: what changes at its last instant holds at that instant.
        let turns: Vec<ValidAt> = turns.into_iter().filter(|turn| (begins..=ends).contains(turn)).collect();
        let mut pieces: Vec<Keeping> = Vec::new();
        for (number, &from) in turns.iter().enumerate() {
            let to = turns.get(number + 1).copied().unwrap_or(ends);
            let place = places::at(&places, from).cloned();
            let sensors = view.sensors(unit, place.as_ref(), from);
            match pieces.last_mut() {
                Some(last) if last.place == place && last.sensors == sensors => last.to = to,
                _ => pieces.push(Keeping { from, to, place, sensors }),
            }
        }
        let closed = closure.is_some_and(|closure| closure <= as_of);
        Some(Self { window: Interval { from: begins, to: ends }, pieces, closed })
    }

    /// The same time, told to somebody who does not see every place: of stretches at other places, and of those nobody
    /// knows the place of, neither place nor sensors.
    #[must_use]
    pub fn seen_at(mut self, is_seen: impl Fn(&Name) -> bool) -> Self {
        let mut pieces: Vec<Keeping> = Vec::new();
        for mut piece in self.pieces {
            if !piece.place.as_ref().is_some_and(&is_seen) {
                (piece.place, piece.sensors) = (None, Vec::new());
            }
            match pieces.last_mut() {
                // what changed there is not told either
                Some(last) if last.place.is_none() && piece.place.is_none() => last.to = piece.to,
                _ => pieces.push(piece),
            }
        }
        self.pieces = pieces;
        self
    }

    /// The custody of something that stood in `place` for all of `window`: whose readings make the trace of a place.
    #[must_use]
    pub fn of_place(registry: &Registry, index: &Index, place: &Name, window: Interval) -> Self {
        let Interval { from, to } = window;
        let tags = || around(registry, place).flat_map(|place| index.at_place(&place.id));
        let mut turns = BTreeSet::from([from]);
        turns.extend(tags().flat_map(|tag| std::iter::once(tag.from).chain(tag.to)));
        let turns: Vec<ValidAt> = turns.into_iter().filter(|turn| (from..=to).contains(turn)).collect();
        let mut pieces: Vec<Keeping> = Vec::new();
        for (number, &from) in turns.iter().enumerate() {
            let to = turns.get(number + 1).copied().unwrap_or(to);
            let sensors = nearest(registry, index, place, from);
            match pieces.last_mut() {
                Some(last) if last.sensors == sensors => last.to = to,
                _ => pieces.push(Keeping { from, to, place: Some(place.clone()), sensors }),
            }
        }
        Self { window, pieces, closed: false }
    }

    /// Where the unit is at the end.
    #[must_use]
    pub fn place(&self) -> Option<&Name> {
        self.pieces.last()?.place.as_ref()
    }

    /// The time zone of where it is, if that place has one.
    #[must_use]
    pub fn zone(&self, registry: &Registry) -> Option<chrono_tz::Tz> {
        registry.places.get(self.place()?)?.timezone
    }
}

/// When a unit's window begins: a split child has its parent's.
fn beginning(registry: &Registry, unit: &Name) -> Option<ValidAt> {
    let mut unit = unit;
    for _ in 0..places::DEEPEST {
        match registry.origin(unit)? {
            model::registry::Origin::Registered(unit) => return Some(unit.at),
            model::registry::Origin::Split(split) => unit = &split.record.as_ref().unit,
        }
    }
    None
}

/// The sensors that make the trace of `unit` at one instant, by name.
#[must_use]
pub fn sensors_at(registry: &Registry, index: &Index, unit: &Name, at: ValidAt) -> Vec<Name> {
    let places = places::of(registry, unit);
    View { registry, index }.sensors(unit, places::at(&places, at), at)
}

/// The unit as registered that a split child comes from, or itself.
#[must_use]
pub fn registered<'a>(registry: &'a Registry, unit: &Name) -> Option<&'a model::registry::Unit> {
    let mut unit = unit;
    for _ in 0..places::DEEPEST {
        match registry.origin(unit)? {
            model::registry::Origin::Registered(found) => return Some(&found.record),
            model::registry::Origin::Split(split) => unit = &split.record.as_ref().unit,
        }
    }
    None
}

/// A place and those around it, nearest first.
pub fn around<'a>(registry: &'a Registry, place: &Name) -> impl Iterator<Item = &'a model::registry::Place> {
    let first = registry.places.get(place).map(|place| place.record.as_ref());
    let parent =
        |place: &&'a model::registry::Place| Some(registry.places.get(place.parent.as_ref()?)?.record.as_ref());
    std::iter::successors(first, parent).take(places::DEEPEST)
}

/// A registry with what is looked up in it by place and by unit.
struct View<'a> {
    registry: &'a Registry,
    index: &'a Index,
}

impl View<'_> {
    /// The instants at which the sensors of a unit may change.
    fn turns(&self, unit: &Name, places: &[(ValidAt, Option<Name>)], turns: &mut BTreeSet<ValidAt>, depth: usize) {
        if depth >= places::DEEPEST {
            return;
        }
        for tag in self.index.with_unit(unit) {
            turns.insert(tag.from);
            turns.extend(tag.to);
        }
        for (_, place) in places {
            for place in place.iter().flat_map(|place| around(self.registry, place)) {
                for tag in self.index.at_place(&place.id) {
                    turns.insert(tag.from);
                    turns.extend(tag.to);
                }
            }
        }
        for aggregation in self.registry.aggregations_of(unit) {
            turns.insert(aggregation.from);
            turns.extend(aggregation.to);
            self.turns(&aggregation.parent, &[], turns, depth + 1);
        }
        if let Some(model::registry::Origin::Split(split)) = self.registry.origin(unit) {
            turns.insert(split.at);
            self.turns(&split.unit, &[], turns, depth + 1);
        }
    }

    /// The sensors that make a unit's trace from `at` on, by name.
    fn sensors(&self, unit: &Name, place: Option<&Name>, at: ValidAt) -> Vec<Name> {
        let with = self.travelling(unit, at, 0);
        if !with.is_empty() {
            return with;
        }
        place.map(|place| nearest(self.registry, self.index, place, at)).unwrap_or_default()
    }

    /// The sensors that travel with a unit, or with what carries it.
    fn travelling(&self, unit: &Name, at: ValidAt, depth: usize) -> Vec<Name> {
        if depth >= places::DEEPEST {
            return Vec::new();
        }
        if let Some(model::registry::Origin::Split(split)) = self.registry.origin(unit)
            && at < split.at
        {
            return self.travelling(&split.unit, at, depth + 1);
        }
        let own = names(self.index.with_unit(unit), at);
        if !own.is_empty() {
            return own;
        }
        let mut carriers = self.registry.aggregations_of(unit);
        let carrier = carriers.find(|held| held.from <= at && held.to.is_none_or(|to| at < to));
        carrier.map_or_else(Vec::new, |carrier| self.travelling(&carrier.parent, at, depth + 1))
    }
}

/// The sensors of a place at an instant, or of the nearest place around it that has any, by name.
fn nearest(registry: &Registry, index: &Index, place: &Name, at: ValidAt) -> Vec<Name> {
    let mut all = around(registry, place).map(|place| names(index.at_place(&place.id), at));
    all.find(|sensors| !sensors.is_empty()).unwrap_or_default()
}

fn names(tags: &[Tag], at: ValidAt) -> Vec<Name> {
    let now = tags.iter().filter(|tag| tag.from <= at && tag.to.is_none_or(|to| at < to));
    let names: BTreeSet<Name> = now.map(|tag| tag.sensor.clone()).collect();
    names.into_iter().collect()
}
