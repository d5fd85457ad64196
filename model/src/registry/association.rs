//! Which sensor measures what, and when it does not count.

use serde_json::{Value, json};

use super::entity::{Kind, Record};
use super::place::{Event, event_text};
use super::read::Object;
use super::value;
use crate::instant::ValidAt;
use crate::name::Name;

/// A sensor watches a place or travels with a unit, in [from, to). Key: (sensor, from).
///
/// The sensor need not be registered: its readings are admitted anyway and wait for this.
#[derive(Clone, Debug, PartialEq)]
pub struct Association {
    /// The sensor.
    pub sensor: Name,
    /// What it watches.
    pub target: Target,
    /// Since when.
    pub from: ValidAt,
    /// Until when, if that is known; after `from`.
    pub to: Option<ValidAt>,
}

/// What a sensor watches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A place.
    Place(Name),
    /// A logistic unit, wherever it goes.
    Unit(Name),
}

impl Record for Association {
    const KIND: Kind = Kind::Association;
    type Key = Event;

    fn key(&self) -> Event {
        (self.sensor.clone(), self.from)
    }

    fn key_text(key: &Event) -> String {
        event_text(key)
    }

    fn read(mut object: Object<'_>) -> Option<Self> {
        let sensor = object.required("sensor", value::name);
        let place = object.optional("place", value::name);
        let unit = object.optional("unit", value::unit_name);
        let target = match (place, unit) {
            (Some(Some(place)), Some(None)) => Some(Target::Place(place)),
            (Some(None), Some(Some(unit))) => Some(Target::Unit(unit)),
            (Some(None), Some(None)) => {
                object.refuse("", "names neither `place` nor `unit`: give one");
                None
            }
            (Some(Some(_)), Some(Some(_))) => {
                object.refuse("unit", "stands beside `place`: a sensor watches one of them at a time");
                None
            }
            _ => None,
        };
        let from = object.required("from", value::instant);
        let to = object.optional("to", value::instant);
        check_interval(&object, from, to);
        object.finish();
        Some(Self { sensor: sensor?, target: target?, from: from?, to: to? })
    }

    fn to_json(&self) -> Value {
        let mut json = json!({ "sensor": self.sensor.as_str(), "from": value::instant_json(self.from) });
        match &self.target {
            Target::Place(place) => json["place"] = json!(place.as_str()),
            Target::Unit(unit) => json["unit"] = json!(unit.as_str()),
        }
        if let Some(to) = self.to {
            json["to"] = value::instant_json(to);
        }
        json
    }
}

/// An interval [from, to) must not be empty or reversed.
pub(crate) fn check_interval(object: &Object<'_>, from: Option<ValidAt>, to: Option<Option<ValidAt>>) {
    if let (Some(from), Some(Some(to))) = (from, to)
        && to <= from
    {
        object.refuse("to", "must be after `from`");
    }
}

/// Time of a sensor that does not count, because a person says so. Key: (sensor, from).
#[derive(Clone, Debug, PartialEq)]
pub struct Exclusion {
    /// The sensor.
    pub sensor: Name,
    /// Since when it does not count.
    pub from: ValidAt,
    /// Until when; after `from`.
    pub to: ValidAt,
    /// Why.
    pub reason: Box<str>,
    /// Who says so.
    pub by: Name,
}

impl Record for Exclusion {
    const KIND: Kind = Kind::Exclusion;
    type Key = Event;

    fn key(&self) -> Event {
        (self.sensor.clone(), self.from)
    }

    fn key_text(key: &Event) -> String {
        event_text(key)
    }

    fn read(mut object: Object<'_>) -> Option<Self> {
        let sensor = object.required("sensor", value::name);
        let from = object.required("from", value::instant);
        let to = object.required("to", value::instant);
        let reason = object.required("reason", value::label);
        let by = object.required("by", value::name);
        check_interval(&object, from, Some(to));
        object.finish();
        Some(Self { sensor: sensor?, from: from?, to: to?, reason: reason?, by: by? })
    }

    fn to_json(&self) -> Value {
        json!({
            "sensor": self.sensor.as_str(),
            "from": value::instant_json(self.from),
            "to": value::instant_json(self.to),
            "reason": self.reason,
            "by": self.by.as_str(),
        })
    }
}
