//! What is registered: the newest version of every record, cheap to copy and to hold on to.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeBounds;
use std::sync::Arc;

use serde_json::Value;

use super::association::{Association, Exclusion};
use super::entity::{Kind, Record};
use super::place::{Event, Place, Sensor};
use super::product::Product;
use super::read::{Object, Problem, Problems};
use super::recipient::Recipient;
use super::unit::{Aggregation, Closure, Lot, Move, Split, Unit};
use crate::instant::{RecordedAt, ValidAt};
use crate::name::Name;

/// A record together with what the ledger knows about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded<T> {
    /// The record.
    pub record: Arc<T>,
    /// Its version; the first is 1.
    pub version: u32,
    /// When this version was recorded.
    pub recorded_at: RecordedAt,
}

impl<T> std::ops::Deref for Recorded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.record
    }
}

/// The newest version of every record of one kind, by key. A copy shares everything until it is changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Table<T: Record>(Arc<BTreeMap<T::Key, Recorded<T>>>);

impl<T: Record> Default for Table<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Record> Table<T> {
    /// The newest version of the record known by `key`.
    #[must_use]
    pub fn get(&self, key: &T::Key) -> Option<&Recorded<T>> {
        self.0.get(key)
    }

    /// Whether a record is known by `key`.
    #[must_use]
    pub fn contains(&self, key: &T::Key) -> bool {
        self.0.contains_key(key)
    }

    /// All records, by key.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Recorded<T>> + ExactSizeIterator {
        self.0.values()
    }

    /// The records whose keys lie in `keys`, in their order.
    pub fn range(&self, keys: impl RangeBounds<T::Key>) -> impl DoubleEndedIterator<Item = &Recorded<T>> {
        self.0.range(keys).map(|(_, recorded)| recorded)
    }

    /// The keys of records that are other than in `before`, or not in it.
    pub fn changed_since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = &'a T::Key> {
        let all = (!Arc::ptr_eq(&self.0, &before.0)).then_some(&self.0);
        let is_other = |(key, now): &(&T::Key, &Recorded<T>)| {
            before.0.get(key).is_none_or(|then| !Arc::ptr_eq(&then.record, &now.record))
        };
        all.into_iter().flat_map(|all| all.iter()).filter(is_other).map(|(key, _)| key)
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn put(&mut self, key: T::Key, recorded: Recorded<T>) {
        Arc::make_mut(&mut self.0).insert(key, recorded);
    }
}

impl<T: Record<Key = Event>> Table<T> {
    /// The records about `name`, by time.
    pub fn of(&self, name: &Name) -> impl DoubleEndedIterator<Item = &Recorded<T>> {
        let first = (name.clone(), ValidAt::from_millis(i64::MIN));
        let last = (name.clone(), ValidAt::from_millis(i64::MAX));
        self.range(first..=last)
    }
}

/// Everything registered, as of one event of the ledger.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Registry {
    /// Products by GTIN.
    pub products: Table<Product>,
    /// Places by id.
    pub places: Table<Place>,
    /// Sensors by id.
    pub sensors: Table<Sensor>,
    /// Associations by (sensor, from).
    pub associations: Table<Association>,
    /// Lots by (GTIN, lot number).
    pub lots: Table<Lot>,
    /// Units by id.
    pub units: Table<Unit>,
    /// Splits by (unit, at).
    pub splits: Table<Split>,
    /// Aggregations by (parent, from).
    pub aggregations: Table<Aggregation>,
    /// Moves by (unit, at).
    pub moves: Table<Move>,
    /// Exclusions by (sensor, from).
    pub exclusions: Table<Exclusion>,
    /// Closures by (unit, at).
    pub closures: Table<Closure>,
    /// Recipients by id.
    pub recipients: Table<Recipient>,
    /// Which splits made a unit: one, unless a document being checked is wrong.
    made_by: Arc<BTreeMap<Name, BTreeSet<Event>>>,
    /// Which aggregations a unit is in, over all time.
    held_by: Arc<BTreeMap<Name, BTreeSet<Event>>>,
}

/// Where a unit comes from.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// It was registered.
    Registered(&'a Recorded<Unit>),
    /// A split made it.
    Split(&'a Recorded<Split>),
}

impl Registry {
    /// Where the unit `id` comes from, if it is known.
    #[must_use]
    pub fn origin(&self, id: &Name) -> Option<Origin<'_>> {
        if let Some(unit) = self.units.get(id) {
            return Some(Origin::Registered(unit));
        }
        let split = self.made_by.get(id)?.first()?;
        self.splits.get(split).map(Origin::Split)
    }

    /// Since when the unit `id` is tracked by itself, and how many it was then.
    #[must_use]
    pub fn beginning(&self, id: &Name) -> Option<(ValidAt, u64)> {
        match self.origin(id)? {
            Origin::Registered(unit) => Some((unit.at, unit.quantity)),
            Origin::Split(split) => {
                let child = split.into.iter().find(|child| child.id == *id)?;
                Some((split.at, child.quantity))
            }
        }
    }

    /// Whether `id` is a unit, or something that holds units.
    #[must_use]
    pub fn is_tracked(&self, id: &Name) -> bool {
        self.origin(id).is_some() || self.aggregations.of(id).next().is_some()
    }

    /// The splits that name the unit `id` among their children.
    pub fn splits_into(&self, id: &Name) -> impl Iterator<Item = &Recorded<Split>> {
        self.made_by.get(id).into_iter().flatten().filter_map(|key| self.splits.get(key))
    }

    /// The aggregations that hold the unit `id`, over all time.
    pub fn aggregations_of(&self, id: &Name) -> impl Iterator<Item = &Recorded<Aggregation>> {
        self.held_by.get(id).into_iter().flatten().filter_map(|key| self.aggregations.get(key))
    }

    /// Puts a split and keeps the index of children right.
    pub(crate) fn put_split(&mut self, recorded: Recorded<Split>) {
        let key = recorded.key();
        let before = self.splits.get(&key).map(|before| before.record.clone());
        let index = Arc::make_mut(&mut self.made_by);
        let children = |split: &Split| split.into.iter().map(|child| child.id.clone()).collect::<Vec<_>>();
        reindex(index, &key, before.as_deref().map(children).unwrap_or_default(), children(&recorded));
        self.splits.put(key, recorded);
    }

    /// Puts an aggregation and keeps the index of children right.
    pub(crate) fn put_aggregation(&mut self, recorded: Recorded<Aggregation>) {
        let key = recorded.key();
        let before = self.aggregations.get(&key).map(|before| before.children.clone());
        let index = Arc::make_mut(&mut self.held_by);
        reindex(index, &key, before.unwrap_or_default(), recorded.children.clone());
        self.aggregations.put(key, recorded);
    }

    /// Puts a record back that the ledger holds: `body` is its canonical form. A later version replaces an earlier.
    ///
    /// # Errors
    /// What is wrong with `body`, when the ledger holds something no registry wrote.
    pub fn restore(
        &mut self,
        kind: Kind,
        body: &Value,
        version: u32,
        recorded_at: RecordedAt,
    ) -> Result<(), Vec<Problem>> {
        fn read<T: Record>(body: &Value, version: u32, recorded_at: RecordedAt) -> Result<Recorded<T>, Vec<Problem>> {
            let problems = Problems::default();
            let record = Object::open(body, String::new(), &problems).and_then(T::read);
            match (record, problems.into_vec()) {
                (Some(record), problems) if problems.is_empty() => {
                    Ok(Recorded { record: Arc::new(record), version, recorded_at })
                }
                (_, problems) => Err(problems),
            }
        }
        fn put<T: Record>(table: &mut Table<T>, recorded: Recorded<T>) {
            table.put(recorded.key(), recorded);
        }
        match kind {
            Kind::Product => put(&mut self.products, read(body, version, recorded_at)?),
            Kind::Place => put(&mut self.places, read(body, version, recorded_at)?),
            Kind::Sensor => put(&mut self.sensors, read(body, version, recorded_at)?),
            Kind::Association => put(&mut self.associations, read(body, version, recorded_at)?),
            Kind::Lot => put(&mut self.lots, read(body, version, recorded_at)?),
            Kind::Unit => put(&mut self.units, read(body, version, recorded_at)?),
            Kind::Split => self.put_split(read(body, version, recorded_at)?),
            Kind::Aggregation => self.put_aggregation(read(body, version, recorded_at)?),
            Kind::Move => put(&mut self.moves, read(body, version, recorded_at)?),
            Kind::Exclusion => put(&mut self.exclusions, read(body, version, recorded_at)?),
            Kind::Closure => put(&mut self.closures, read(body, version, recorded_at)?),
            Kind::Recipient => put(&mut self.recipients, read(body, version, recorded_at)?),
        }
        Ok(())
    }
}

/// Takes `key` from the entries of `before` and adds it to those of `after`.
fn reindex(index: &mut BTreeMap<Name, BTreeSet<Event>>, key: &Event, before: Vec<Name>, after: Vec<Name>) {
    for child in before {
        if let Some(keys) = index.get_mut(&child) {
            keys.remove(key);
            if keys.is_empty() {
                index.remove(&child);
            }
        }
    }
    for child in after {
        index.entry(child).or_default().insert(key.clone());
    }
}
