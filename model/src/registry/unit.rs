//! Lots and the units that are tracked, from the first sight of a unit to its end.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::association::check_interval;
use super::entity::{Kind, Record};
use super::place::{Event, event_text};
use super::read::Object;
use super::value;
use crate::gs1::{Gtin, LotKey, LotText};
use crate::instant::ValidAt;
use crate::name::Name;

/// The largest quantity: every whole number up to it is a JSON number of its own.
const LARGEST_QUANTITY: u64 = (1 << 53) - 1;

/// Product made together. Key: (GTIN, lot number).
#[derive(Clone, Debug, PartialEq)]
pub struct Lot {
    /// The product.
    pub gtin: Gtin,
    /// The lot number.
    pub lot: LotText,
    /// When it was made.
    pub manufactured_on: Option<NaiveDate>,
    /// The last day on the label.
    pub expires_on: NaiveDate,
}

impl Record for Lot {
    const KIND: Kind = Kind::Lot;
    type Key = LotKey;

    fn key(&self) -> LotKey {
        LotKey { gtin: self.gtin, lot: self.lot.clone() }
    }

    fn key_text(key: &LotKey) -> String {
        key.to_string()
    }

    fn read(mut object: Object<'_>) -> Option<Self> {
        let gtin = object.required("gtin", value::gtin);
        let lot = object.required("lot", value::lot);
        let manufactured_on = object.optional("manufactured_on", value::date);
        let expires_on = object.required("expires_on", value::date);
        if let (Some(Some(made)), Some(expires)) = (manufactured_on, expires_on)
            && expires < made
        {
            object.refuse("expires_on", "must not be before `manufactured_on`");
        }
        object.finish();
        Some(Self { gtin: gtin?, lot: lot?, manufactured_on: manufactured_on?, expires_on: expires_on? })
    }

    fn to_json(&self) -> Value {
        let mut json = json!({
            "gtin": self.gtin.as_str(),
            "lot": self.lot.as_str(),
            "expires_on": self.expires_on.to_string(),
        });
        if let Some(made) = self.manufactured_on {
            json["manufactured_on"] = json!(made.to_string());
        }
        json
    }
}

/// A quantity of one lot that is tracked together. Key: its id, unique among units and split children.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// Its key; 18 digits are an SSCC.
    pub id: Name,
    /// The product.
    pub gtin: Gtin,
    /// The lot number.
    pub lot: LotText,
    /// How many, at first; above zero.
    pub quantity: u64,
    /// Where it was first.
    pub place: Option<Name>,
    /// Since when it is tracked.
    pub at: ValidAt,
}

impl Unit {
    /// The lot it is of.
    #[must_use]
    pub fn lot_key(&self) -> LotKey {
        LotKey { gtin: self.gtin, lot: self.lot.clone() }
    }
}

impl Record for Unit {
    const KIND: Kind = Kind::Unit;
    type Key = Name;

    fn key(&self) -> Name {
        self.id.clone()
    }

    fn key_text(key: &Name) -> String {
        key.to_string()
    }

    fn read(mut object: Object<'_>) -> Option<Self> {
        let id = object.required("id", value::unit_name);
        let gtin = object.required("gtin", value::gtin);
        let lot = object.required("lot", value::lot);
        let quantity = object.required("quantity", value::whole(1, LARGEST_QUANTITY));
        let place = object.optional("place", value::name);
        let at = object.required("at", value::instant);
        object.finish();
        Some(Self { id: id?, gtin: gtin?, lot: lot?, quantity: quantity?, place: place?, at: at? })
    }

    fn to_json(&self) -> Value {
        let mut json = json!({
            "id": self.id.as_str(),
            "gtin": self.gtin.as_str(),
            "lot": self.lot.as_str(),
            "quantity": self.quantity,
            "at": value::instant_json(self.at),
        });
        if let Some(place) = &self.place {
            json["place"] = json!(place.as_str());
        }
        json
    }
}

/// A unit divided: each child starts with the unit's past and lives alone from `at`. Key: (unit, at).
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The unit that is divided.
    pub unit: Name,
    /// What is taken out of it, by id; ids are unique.
    pub into: Vec<SplitChild>,
    /// When.
    pub at: ValidAt,
}

/// One unit made by a split.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitChild {
    /// Its id.
    pub id: Name,
    /// How many it takes; above zero.
    pub quantity: u64,
}

impl Record for Split {
    const KIND: Kind = Kind::Split;
    type Key = Event;

    fn key(&self) -> Event {
        (self.unit.clone(), self.at)
    }

    fn key_text(key: &Event) -> String {
        event_text(key)
    }

    fn read(mut object: Object<'_>) -> Option<Self> {
        let unit = object.required("unit", value::unit_name);
        let at = object.required("at", value::instant);
        let into = object.objects("into", |mut child| {
            let id = child.required("id", value::unit_name);
            let quantity = child.required("quantity", value::whole(1, LARGEST_QUANTITY));
            child.finish();
            Some(SplitChild { id: id?, quantity: quantity? })
        });
        if let Some(children) = &into {
            if children.is_empty() {
                object.refuse("into", "must name at least one unit");
            }
            let mut seen: BTreeSet<&Name> = unit.iter().collect();
            for (index, child) in children.iter().enumerate() {
                if !seen.insert(&child.id) {
                    let field = format!("into/{index}/id");
                    object
                        .refuse_at(&field, format!("`{}` is in this split twice: give each unit its own id", child.id));
                }
            }
        }
        object.finish();
        let mut into = into?;
        into.sort_by(|left, right| left.id.cmp(&right.id));
        Some(Self { unit: unit?, into, at: at? })
    }

    fn to_json(&self) -> Value {
        let child = |child: &SplitChild| json!({ "id": child.id.as_str(), "quantity": child.quantity });
        json!({
            "unit": self.unit.as_str(),
            "into": self.into.iter().map(child).collect::<Vec<_>>(),
            "at": value::instant_json(self.at),
        })
    }
}

/// Units that travel as one, in [from, to). Key: (parent, from).
///
/// The parent may be a unit, or no more than the SSCC of the pallet that holds them.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregation {
    /// What holds them.
    pub parent: Name,
    /// The units it holds, by id; ids are unique.
    pub children: Vec<Name>,
    /// Since when.
    pub from: ValidAt,
    /// Until when, if that is known; after `from`.
    pub to: Option<ValidAt>,
}

impl Record for Aggregation {
    const KIND: Kind = Kind::Aggregation;
    type Key = Event;

    fn key(&self) -> Event {
        (self.parent.clone(), self.from)
    }

    fn key_text(key: &Event) -> String {
        event_text(key)
    }

    fn read(mut object: Object<'_>) -> Option<Self> {
        let parent = object.required("parent", value::unit_name);
        let children = object.values("children", value::unit_name);
        let from = object.required("from", value::instant);
        let to = object.optional("to", value::instant);
        check_interval(&object, from, to);
        if let Some(children) = &children {
            if children.is_empty() {
                object.refuse("children", "must name at least one unit");
            }
            let mut seen: BTreeSet<&Name> = parent.iter().collect();
            for (index, child) in children.iter().enumerate() {
                if !seen.insert(child) {
                    let field = format!("children/{index}");
                    object.refuse_at(&field, format!("`{child}` is in this aggregation twice: name it once"));
                }
            }
        }
        object.finish();
        let mut children = children?;
        children.sort();
        Some(Self { parent: parent?, children, from: from?, to: to? })
    }

    fn to_json(&self) -> Value {
        let mut json = json!({
            "parent": self.parent.as_str(),
            "children": self.children.iter().map(Name::as_str).collect::<Vec<_>>(),
            "from": value::instant_json(self.from),
        });
        if let Some(to) = self.to {
            json["to"] = value::instant_json(to);
        }
        json
    }
}

/// A unit taken to another place. Key: (unit, at).
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// The unit, or what holds units.
    pub unit: Name,
    /// Where it is from `at` on; the place may be registered later.
    pub to: Name,
    /// When.
    pub at: ValidAt,
    /// Whether it is only intended.
    pub planned: bool,
}

impl Record for Move {
    const KIND: Kind = Kind::Move;
    type Key = Event;

    fn key(&self) -> Event {
        (self.unit.clone(), self.at)
    }

    fn key_text(key: &Event) -> String {
        event_text(key)
    }

    fn read(mut object: Object<'_>) -> Option<Self> {
        let unit = object.required("unit", value::unit_name);
        let to = object.required("to", value::name);
        let at = object.required("at", value::instant);
        let planned = object.with_default("planned", false, value::flag);
        object.finish();
        Some(Self { unit: unit?, to: to?, at: at?, planned: planned? })
    }

    fn to_json(&self) -> Value {
        json!({
            "unit": self.unit.as_str(),
            "to": self.to.as_str(),
            "at": value::instant_json(self.at),
            "planned": self.planned,
        })
    }
}

/// The end of a unit. Key: (unit, at).
#[derive(Clone, Debug, PartialEq)]
pub struct Closure {
    /// The unit.
    pub unit: Name,
    /// When.
    pub at: ValidAt,
    /// What became of it, for instance `delivered`.
    pub kind: Name,
}

impl Record for Closure {
    const KIND: Kind = Kind::Closure;
    type Key = Event;

    fn key(&self) -> Event {
        (self.unit.clone(), self.at)
    }

    fn key_text(key: &Event) -> String {
        event_text(key)
    }

    fn read(mut object: Object<'_>) -> Option<Self> {
        let unit = object.required("unit", value::unit_name);
        let at = object.required("at", value::instant);
        let kind = object.required("kind", value::name);
        object.finish();
        Some(Self { unit: unit?, at: at?, kind: kind? })
    }

    fn to_json(&self) -> Value {
        json!({ "unit": self.unit.as_str(), "at": value::instant_json(self.at), "kind": self.kind.as_str() })
    }
}
