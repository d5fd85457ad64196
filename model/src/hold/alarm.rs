//! Alarms: what somebody has to be told, kept as it was told.

use std::fmt;

use serde_json::{Value, json};

use super::fields::{Fields, name, noted, recorded_at, text, told, valid_at};
use super::{numbers_after, spell};
use crate::instant::{RecordedAt, ValidAt};
use crate::name::Name;

/// Which alarm: the sequence number of the ledger's event that raised it, written `a17`, and of an event that raised
/// many together also which of them, from 1, written `a17.3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlarmId {
    event: u64,
    member: u32,
}

impl AlarmId {
    /// The alarm that the event `number` raised, alone.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self { event: number, member: 0 }
    }

    /// The `member`th, from 1, of the alarms that the event `number` raised together.
    #[must_use]
    pub const fn of_member(number: u64, member: u32) -> Self {
        Self { event: number, member }
    }

    /// The event's number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.event
    }

    /// Which of those it was raised together with, from 1; 0 when it was raised alone.
    #[must_use]
    pub const fn member(self) -> u32 {
        self.member
    }

    /// The id `text` spells.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        numbers_after(text, 'a').map(|(event, member)| Self { event, member })
    }
}

impl fmt::Display for AlarmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        spell(f, 'a', self.event, self.member)
    }
}

/// What an alarm is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlarmCode {
    /// A rule of a product fired for a unit.
    RuleFired,
    /// Nothing was heard of a sensor for too long.
    SensorSilent,
    /// A blocked unit was taken to a customer, a hospital or another site.
    MovedWhileBlocked,
    /// The evaluator's assessment of a unit is not the one that the stored readings give.
    EvaluationDiffers,
    /// A channel has not delivered for too long what people are to be told.
    NotificationUndelivered,
    /// Too many wrong passwords were given for an account.
    AccountLocked,
}

impl AlarmCode {
    /// All codes.
    pub const ALL: [Self; 6] = [
        Self::RuleFired,
        Self::SensorSilent,
        Self::MovedWhileBlocked,
        Self::EvaluationDiffers,
        Self::NotificationUndelivered,
        Self::AccountLocked,
    ];

    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RuleFired => "rule_fired",
            Self::SensorSilent => "sensor_silent",
            Self::MovedWhileBlocked => "moved_while_blocked",
            Self::EvaluationDiffers => "evaluation_differs",
            Self::NotificationUndelivered => "notification_undelivered",
            Self::AccountLocked => "account_locked",
        }
    }

    /// Whether it tells of a state that lasts until it is over, and not of something that happened.
    #[must_use]
    pub const fn lasts(self) -> bool {
        matches!(self, Self::SensorSilent | Self::NotificationUndelivered)
    }

    /// The code a stable word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == word)
    }
}

/// Whom or what an alarm concerns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A unit, or what holds units.
    Unit(Name),
    /// A sensor.
    Sensor(Name),
    /// A place.
    Place(Name),
    /// A way in which people are told, for instance `email`.
    Channel(Name),
    /// A person's account.
    Account(Name),
}

/// An alarm as it was raised. The same one is not raised twice: code, subject, rule and instant tell it from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaisedAlarm {
    /// Its id.
    pub id: AlarmId,
    /// What it is about.
    pub code: AlarmCode,
    /// Whom it concerns.
    pub subject: Subject,
    /// The rule, where one is concerned.
    pub rule: Option<Name>,
    /// Since when it is so.
    pub at: ValidAt,
    /// When it was raised.
    pub raised_at: RecordedAt,
    /// Since when it is so no longer.
    pub cleared_at: Option<ValidAt>,
    /// What happened, for people.
    pub detail: Box<str>,
    /// Who has taken note of it.
    pub acknowledged: Option<Acknowledgement>,
}

/// That a named person has taken note of an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Who.
    pub by: Name,
    /// When.
    pub at: RecordedAt,
    /// What they said.
    pub reason: Option<Box<str>>,
}

impl RaisedAlarm {
    /// Whether `other` tells the same. What lasts is one, whenever it is said to have begun.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let lasting = self.code.lasts() && self.cleared_at.is_none() && other.cleared_at.is_none();
        self.code == other.code
            && self.subject == other.subject
            && self.rule == other.rule
            && (lasting || self.at == other.at)
    }
}

impl Subject {
    /// Its kind's word and its name.
    #[must_use]
    pub const fn parts(&self) -> (&'static str, &Name) {
        match self {
            Self::Unit(name) => ("unit", name),
            Self::Sensor(name) => ("sensor", name),
            Self::Place(name) => ("place", name),
            Self::Channel(name) => ("channel", name),
            Self::Account(name) => ("account", name),
        }
    }
}

impl RaisedAlarm {
    /// It as JSON. `channel`, `account`, `acknowledged_by`, `acknowledged_at` and `acknowledged_reason` are there only when they
    /// say something: a record written before they were known keeps its bytes.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let named =
            |kind: &str| Some(self.subject.parts()).filter(|(of, _)| *of == kind).map(|(_, name)| name.as_str());
        let mut json = json!({
            "id": self.id.to_string(),
            "code": self.code.as_str(),
            "unit": named("unit"),
            "sensor": named("sensor"),
            "place": named("place"),
            "rule": self.rule.as_ref().map(Name::as_str),
            "at": told(self.at),
            "raised_at": noted(self.raised_at),
            "cleared_at": self.cleared_at.map(told),
            "detail": self.detail,
        });
        for kind in ["channel", "account"] {
            if let Some(name) = named(kind) {
                json[kind] = json!(name);
            }
        }
        if let Some(Acknowledgement { by, at, reason }) = &self.acknowledged {
            json["acknowledged_by"] = json!(by.as_str());
            json["acknowledged_at"] = noted(*at);
            json["acknowledged_reason"] = json!(reason);
        }
        json
    }

    /// Reads what [`RaisedAlarm::to_json`] wrote.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(value: &Value) -> Result<Self, String> {
        let fields = Fields::of(value)?;
        let unit = fields.maybe("unit", name)?.map(Subject::Unit);
        let sensor = fields.maybe("sensor", name)?.map(Subject::Sensor);
        let place = fields.maybe("place", name)?.map(Subject::Place);
        let given = |field: &str| value.get(field).is_some_and(|value| !value.is_null());
        let channel = if given("channel") { fields.maybe("channel", name)?.map(Subject::Channel) } else { None };
        let account = if given("account") { fields.maybe("account", name)?.map(Subject::Account) } else { None };
        let acknowledged = match given("acknowledged_by") {
            false => None,
            true => Some(Acknowledgement {
                by: fields.read("acknowledged_by", name)?,
                at: fields.read("acknowledged_at", recorded_at)?,
                reason: fields.maybe("acknowledged_reason", text)?,
            }),
        };
        Ok(Self {
            id: fields.read("id", |value| AlarmId::parse(value.as_str()?))?,
            code: fields.read("code", |value| AlarmCode::parse(value.as_str()?))?,
            subject: unit.or(sensor).or(place).or(channel).or(account).ok_or("concerns nobody")?,
            rule: fields.maybe("rule", name)?,
            at: fields.read("at", valid_at)?,
            raised_at: fields.read("raised_at", recorded_at)?,
            cleared_at: fields.maybe("cleared_at", valid_at)?,
            detail: fields.read("detail", text)?,
            acknowledged,
        })
    }
}
