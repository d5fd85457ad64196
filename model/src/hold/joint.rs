//! Holds placed together, and alarms raised together: many units, one cause, one evidence, written once.
//!
//! Units with the same past come to the same findings. What is kept of them is one record and the list of the units;
//! each unit's own hold or alarm is made from it when somebody asks. As soon as a person or late data does something to
//! one of them alone, that one has a record of its own: it stands apart, and the others go on together.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::fields::{Fields, name, noted, recorded_at, text, told, valid_at};
use super::{AlarmCode, AlarmId, Cause, Hold, HoldId, HoldState, IncidentId, RaisedAlarm, Scope, Subject, Version};
use crate::instant::{RecordedAt, ValidAt};
use crate::name::Name;

/// What one event did for many units at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Joint<T> {
    /// The event.
    pub event: u64,
    /// What they share.
    pub shared: T,
    /// The event that lists the units.
    pub listed_in: u64,
    /// The units, by name: the first is member 1.
    pub units: Arc<[Name]>,
    /// Members that have a record of their own.
    pub apart: BTreeSet<u32>,
}

/// What holds that were placed together share. They are open.
#[derive(Clone, Debug, PartialEq)]
pub struct JointHold {
    /// Why.
    pub cause: Cause,
    /// What they belong to.
    pub incident: IncidentId,
    /// When they were placed.
    pub placed_at: RecordedAt,
    /// Who placed them.
    pub author: Name,
    /// What they rest on, every version, oldest first.
    pub evidence: Vec<Version>,
}

/// What alarms that were raised together share. They have not ended, and nobody has acknowledged them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JointAlarm {
    /// What they are about.
    pub code: AlarmCode,
    /// The rule, where one is concerned.
    pub rule: Option<Name>,
    /// Since when it is so.
    pub at: ValidAt,
    /// When they were raised.
    pub raised_at: RecordedAt,
    /// What happened, for people.
    pub detail: Box<str>,
}

/// Which units an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listing {
    /// It lists them itself: by name, each once.
    Here(Arc<[Name]>),
    /// Those that an earlier event lists.
    In(u64),
}

impl<T> Joint<T> {
    /// The number of `unit` among the members, from 1.
    #[must_use]
    pub fn member_of(&self, unit: &Name) -> Option<u32> {
        self.units.binary_search(unit).ok().and_then(|index| u32::try_from(index + 1).ok())
    }

    /// The members that share the record still.
    pub fn together(&self) -> impl Iterator<Item = u32> + '_ {
        let last = u32::try_from(self.units.len()).unwrap_or(u32::MAX);
        (1..=last).filter(|member| !self.apart.contains(member))
    }

    /// How many share the record still.
    #[must_use]
    pub fn len(&self) -> usize {
        self.units.len() - self.apart.len()
    }

    /// Whether every member stands apart.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The unit of one member that does not stand apart.
    #[must_use]
    pub fn unit(&self, member: u32) -> Option<&Name> {
        let index = usize::try_from(member).ok()?.checked_sub(1)?;
        self.units.get(index).filter(|_| !self.apart.contains(&member))
    }
}

impl Joint<JointHold> {
    /// The hold of one member that does not stand apart.
    #[must_use]
    pub fn hold(&self, member: u32) -> Option<Hold> {
        let unit = self.unit(member)?.clone();
        let JointHold { cause, incident, placed_at, author, evidence } = self.shared.clone();
        Some(Hold {
            id: HoldId::of_member(self.event, member),
            scope: Scope::Unit(unit),
            cause,
            incident,
            state: HoldState::Open,
            placed_at,
            author,
            reason: None,
            inherited_from: None,
            evidence,
            quarantine: None,
            acts: Vec::new(),
        })
    }
}

impl Joint<JointAlarm> {
    /// The alarm of one member that does not stand apart.
    #[must_use]
    pub fn alarm(&self, member: u32) -> Option<RaisedAlarm> {
        let unit = self.unit(member)?.clone();
        let id = AlarmId::of_member(self.event, member);
        Some(self.shared.of(id, Subject::Unit(unit)))
    }
}

impl JointHold {
    /// It as JSON, without the units.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "cause": self.cause.to_json(),
            "incident": self.incident.name().as_str(),
            "placed_at": noted(self.placed_at),
            "author": self.author.as_str(),
            "evidence": self.evidence.iter().map(Version::to_json).collect::<Vec<_>>(),
        })
    }

    /// Reads what [`JointHold::to_json`] wrote.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(value: &Value) -> Result<Self, String> {
        let fields = Fields::of(value)?;
        Ok(Self {
            cause: fields.read("cause", Cause::read)?,
            incident: fields.read("incident", name).map(IncidentId::new)?,
            placed_at: fields.read("placed_at", recorded_at)?,
            author: fields.read("author", name)?,
            evidence: fields.list("evidence", Version::read)?,
        })
    }
}

impl JointAlarm {
    /// The alarm of one of them.
    #[must_use]
    pub fn of(&self, id: AlarmId, subject: Subject) -> RaisedAlarm {
        let Self { code, rule, at, raised_at, detail } = self.clone();
        RaisedAlarm { id, code, subject, rule, at, raised_at, cleared_at: None, detail, acknowledged: None }
    }

    /// Whether `other` tells the same of the same units.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (self.code, &self.rule, self.at) == (other.code, &other.rule, other.at)
    }

    /// It as JSON, without the units.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "code": self.code.as_str(),
            "rule": self.rule.as_ref().map(Name::as_str),
            "at": told(self.at),
            "raised_at": noted(self.raised_at),
            "detail": self.detail,
        })
    }

    /// Reads what [`JointAlarm::to_json`] wrote.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(value: &Value) -> Result<Self, String> {
        let fields = Fields::of(value)?;
        Ok(Self {
            code: fields.read("code", |value| AlarmCode::parse(value.as_str()?))?,
            rule: fields.maybe("rule", name)?,
            at: fields.read("at", valid_at)?,
            raised_at: fields.read("raised_at", recorded_at)?,
            detail: fields.read("detail", text)?,
        })
    }
}

impl Listing {
    /// Writes it into the body of an event.
    pub fn write(&self, body: &mut Value) {
        match self {
            Self::Here(units) => body["units"] = units.iter().map(Name::as_str).collect(),
            Self::In(event) => body["listed_in"] = json!(event),
        }
    }

    /// Reads what [`Listing::write`] wrote.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(body: &Value) -> Result<Self, String> {
        let fields = Fields::of(body)?;
        if let Some(event) = body.get("listed_in") {
            return event.as_u64().map(Self::In).ok_or_else(|| "`listed_in` is no event's number".to_owned());
        }
        let unit = |value: &Value| name(value).ok_or_else(|| "names no unit".to_owned());
        let units = fields.list("units", unit)?;
        if units.is_empty() || !units.is_sorted_by(|one, next| one < next) {
            return Err("`units` is not a list by name".to_owned());
        }
        Ok(Self::Here(units.into()))
    }
}
