//! Events about holds: how they are written, read back, and what they change.

use model::gs1::LotKey;
use model::hold::{
    Acceptance, Acknowledgement, Acted, AlarmId, Evidence, Hold, HoldId, HoldState, Holds, Meaning, RaisedAlarm, Scope,
    Touched,
};
use model::instant::{RecordedAt, ValidAt, parse_millis, to_rfc3339};
use model::name::Name;
use model::registry::to_canonical;
use serde_json::{Value, json};

use crate::ledger::SYSTEM;
use crate::ledger::event::{Draft, Event, Hash};

/// Kinds of events about holds.
pub(crate) mod kind {
    /// A hold was placed.
    pub(crate) const PLACED: &str = "hold.placed";
    /// A hold's evidence got another version.
    pub(crate) const EVIDENCE: &str = "hold.evidence";
    /// A person took holds up.
    pub(crate) const UNDER_REVIEW: &str = "hold.under_review";
    /// A person released holds.
    pub(crate) const RELEASED: &str = "hold.released";
    /// A person rejected holds.
    pub(crate) const REJECTED: &str = "hold.rejected";
    /// A person accepted what a unit is under review for.
    pub(crate) const ACCEPTED: &str = "review.accepted";
    /// An alarm was raised.
    pub(crate) const ALARM_RAISED: &str = "alarm.raised";
    /// An alarm has ended.
    pub(crate) const ALARM_CLEARED: &str = "alarm.cleared";
    /// A person has taken note of an alarm.
    pub(crate) const ALARM_ACKNOWLEDGED: &str = "alarm.acknowledged";
}

/// What an event about holds says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum HoldEvent {
    Placed(Box<Hold>),
    Versioned { hold: HoldId, evidence: Box<Evidence> },
    Acted(Box<SignedAct>),
    Accepted(Box<Acceptance>),
    AlarmRaised(Box<RaisedAlarm>),
    AlarmCleared { alarm: AlarmId, at: ValidAt },
    AlarmAcknowledged { alarm: AlarmId, acknowledgement: Acknowledgement },
}

/// One signed act on one or more holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SignedAct {
    pub(crate) holds: Vec<Acted>,
    pub(crate) meaning: Meaning,
    pub(crate) by: Name,
    pub(crate) at: RecordedAt,
    pub(crate) reason: Box<str>,
    /// Where the goods are to be kept apart, and whether they are there.
    pub(crate) quarantine: Option<(Name, bool)>,
}

/// SHA-256 of a hold's canonical record: what a signature binds.
#[must_use]
pub fn record_hash(hold: &Hold) -> Box<str> {
    Hash::of(to_canonical(&hold.to_json()).as_bytes()).to_string().into()
}

impl HoldEvent {
    /// The event, before it has a place. `holds` is the state before it, from which it tells what was.
    pub(crate) fn draft(&self, holds: &Holds) -> Draft {
        let (actor, kind, body) = match self {
            Self::Placed(hold) => (hold.author.as_str(), kind::PLACED, hold.to_json()),
            Self::Versioned { hold, evidence } => {
                let before = holds.get(*hold).map_or(0, |hold| hold.evidence.len());
                let body = json!({ "hold": hold.to_string(), "before": before, "after": before + 1, "evidence": evidence.to_json() });
                (SYSTEM, kind::EVIDENCE, body)
            }
            Self::Acted(act) => (act.by.as_str(), act_kind(act.meaning), act.to_json(holds)),
            Self::Accepted(acceptance) => (acceptance.by.as_str(), kind::ACCEPTED, acceptance.to_json()),
            Self::AlarmRaised(alarm) => (SYSTEM, kind::ALARM_RAISED, alarm.to_json()),
            Self::AlarmCleared { alarm, at } => {
                let body = json!({ "alarm": alarm.to_string(), "at": to_rfc3339(at.millis()) });
                (SYSTEM, kind::ALARM_CLEARED, body)
            }
            Self::AlarmAcknowledged { alarm, acknowledgement: Acknowledgement { by, at, reason } } => {
                let at = to_rfc3339(at.millis());
                let body = json!({ "alarm": alarm.to_string(), "by": by.as_str(), "at": at, "reason": reason });
                (by.as_str(), kind::ALARM_ACKNOWLEDGED, body)
            }
        };
        Draft { actor: actor.to_owned(), kind, body: to_canonical(&body) }
    }

    /// What `event`, whose body is `body`, says about holds; `None` when it says nothing about them.
    pub(crate) fn read(event: &Event, body: &Value) -> Result<Option<Self>, String> {
        let own = |text: &str, number: Option<u64>| {
            let fits = number == Some(event.seq.get());
            if fits { Ok(()) } else { Err(format!("its body names `{text}`, which is another event's")) }
        };
        let signed = |by: &Name, at: RecordedAt| {
            let fits = by.as_str() == event.actor && at == event.recorded_at;
            if fits { Ok(()) } else { Err("its signature is not by its actor at its time".to_owned()) }
        };
        Ok(Some(match event.kind.as_str() {
            kind::PLACED => {
                let hold = Hold::read(body).map_err(told)?;
                own(&hold.id.to_string(), Some(hold.id.get()))?;
                signed(&hold.author, hold.placed_at)?;
                if hold.state != HoldState::Open || !hold.acts.is_empty() {
                    return Err("it places a hold that is not open".into());
                }
                Self::Placed(Box::new(hold))
            }
            kind::EVIDENCE => Self::Versioned {
                hold: hold_id(body.get("hold"))?,
                evidence: Box::new(Evidence::read(body.get("evidence").unwrap_or(&Value::Null)).map_err(told)?),
            },
            kind::UNDER_REVIEW | kind::RELEASED | kind::REJECTED => {
                let act = SignedAct::read(body)?;
                signed(&act.by, act.at)?;
                if act_kind(act.meaning) != event.kind {
                    return Err("its meaning is not its kind".into());
                }
                Self::Acted(Box::new(act))
            }
            kind::ACCEPTED => {
                let acceptance = Acceptance::read(body).map_err(told)?;
                signed(&acceptance.by, acceptance.at)?;
                Self::Accepted(Box::new(acceptance))
            }
            kind::ALARM_RAISED => {
                let alarm = RaisedAlarm::read(body).map_err(told)?;
                own(&alarm.id.to_string(), Some(alarm.id.get()))?;
                Self::AlarmRaised(Box::new(alarm))
            }
            kind::ALARM_CLEARED => {
                let alarm = body.get("alarm").and_then(Value::as_str).and_then(AlarmId::parse);
                let at = body.get("at").and_then(Value::as_str).and_then(parse_millis);
                let (alarm, at) = alarm.zip(at).ok_or("its body does not say which alarm ended when")?;
                Self::AlarmCleared { alarm, at: ValidAt::from_millis(at) }
            }
            kind::ALARM_ACKNOWLEDGED => {
                let text = |field: &str| body.get(field).and_then(Value::as_str);
                let alarm = text("alarm").and_then(AlarmId::parse);
                let by = text("by").and_then(|by| Name::parse(by).ok());
                let at = text("at").and_then(parse_millis).map(RecordedAt::from_millis);
                let who = by.zip(at).ok_or("its body does not say who acknowledged when")?;
                signed(&who.0, who.1)?;
                let acknowledgement = Acknowledgement { by: who.0, at: who.1, reason: text("reason").map(Into::into) };
                Self::AlarmAcknowledged { alarm: alarm.ok_or("its body names no alarm")?, acknowledgement }
            }
            _ => return Ok(None),
        }))
    }

    /// Makes the change recorded at `at`, or says why it cannot follow what came before.
    pub(crate) fn apply(self, holds: &mut Holds, at: RecordedAt) -> Result<Vec<Touched>, String> {
        match self {
            Self::Placed(hold) => {
                let id = hold.id;
                if holds.get(id).is_some() {
                    return Err("the hold it places was there already".into());
                }
                holds.put(*hold);
                Ok(vec![Touched::Hold(id)])
            }
            Self::Versioned { hold, evidence } => {
                holds.add_version(hold, *evidence, at)?;
                Ok(vec![Touched::Hold(hold)])
            }
            Self::Acted(act) => {
                let mut touched = Vec::with_capacity(act.holds.len());
                for acted in act.holds {
                    let id = acted.hold;
                    let record = holds.get(id).map(|hold| record_hash(hold));
                    if record.as_ref() != Some(&acted.record) {
                        return Err(format!("its signature is not on the record of hold `{id}`"));
                    }
                    holds.act(acted, act.meaning, (&act.by, act.at, &act.reason), act.quarantine.as_ref())?;
                    touched.push(Touched::Hold(id));
                }
                Ok(touched)
            }
            Self::Accepted(acceptance) => {
                if acceptance.record != acceptance_hash(&acceptance) {
                    return Err("its signature is not on what it accepts".into());
                }
                let unit = acceptance.unit.clone();
                holds.put_acceptance(*acceptance);
                Ok(vec![Touched::Acceptance(unit)])
            }
            Self::AlarmRaised(alarm) => {
                let id = alarm.id;
                holds.put_alarm(*alarm);
                Ok(vec![Touched::Alarm(id)])
            }
            Self::AlarmCleared { alarm, at } => {
                holds.clear_alarm(alarm, at)?;
                Ok(vec![Touched::Alarm(alarm)])
            }
            Self::AlarmAcknowledged { alarm, acknowledgement } => {
                holds.acknowledge_alarm(alarm, acknowledgement)?;
                Ok(vec![Touched::Alarm(alarm)])
            }
        }
    }
}

/// SHA-256 of the canonical record of what is accepted.
pub(crate) fn acceptance_hash(of: &Acceptance) -> Box<str> {
    let record = Acceptance::record_json(&of.unit, &of.reasons, of.as_of, &of.readings_digest);
    Hash::of(to_canonical(&record).as_bytes()).to_string().into()
}

const fn act_kind(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::UnderReview => kind::UNDER_REVIEW,
        Meaning::Released => kind::RELEASED,
        Meaning::Rejected(_) => kind::REJECTED,
    }
}

impl SignedAct {
    fn to_json(&self, holds: &Holds) -> Value {
        let hold = |acted: &Acted| {
            json!({
                "hold": acted.hold.to_string(),
                "before": holds.get(acted.hold).map(|hold| hold.state.as_str()),
                "record": acted.record,
                "accepted": acted.accepted.as_ref().map(Evidence::to_json),
            })
        };
        json!({
            "holds": self.holds.iter().map(hold).collect::<Vec<_>>(),
            "after": self.meaning.state().as_str(),
            "disposition": self.meaning.disposition().map(model::hold::Disposition::as_str),
            "reason": self.reason,
            "quarantine_place": self.quarantine.as_ref().map(|(place, _)| place.as_str()),
            "quarantine_confirmed": self.quarantine.as_ref().is_some_and(|(_, confirmed)| *confirmed),
            "signature": { "name": self.by.as_str(), "at": to_rfc3339(self.at.millis()), "meaning": self.meaning.state().as_str() },
        })
    }

    fn read(body: &Value) -> Result<Self, String> {
        let text = |pointer: &str| {
            let text = body.pointer(pointer).and_then(Value::as_str);
            text.ok_or_else(|| format!("its body has no text at `{pointer}`"))
        };
        let name = |pointer: &str| Name::parse(text(pointer)?).map_err(|cause| cause.to_string());
        let holds = body.get("holds").and_then(Value::as_array).ok_or("its body has no `holds`")?;
        let acted = |of: &Value| {
            let accepted = of.get("accepted").filter(|accepted| !accepted.is_null());
            Ok::<_, String>(Acted {
                hold: hold_id(of.get("hold"))?,
                record: of.get("record").and_then(Value::as_str).ok_or("it signs no record")?.into(),
                accepted: accepted.map(Evidence::read).transpose().map_err(told)?,
            })
        };
        let quarantine = match body.get("quarantine_place") {
            None | Some(Value::Null) => None,
            Some(_) => {
                let confirmed = body.get("quarantine_confirmed").and_then(Value::as_bool).unwrap_or_default();
                Some((name("/quarantine_place")?, confirmed))
            }
        };
        let after = body.get("after").unwrap_or(&Value::Null);
        Ok(Self {
            holds: holds.iter().map(acted).collect::<Result<_, _>>()?,
            meaning: Meaning::read(after, body.get("disposition").unwrap_or(&Value::Null)).map_err(told)?,
            by: name("/signature/name")?,
            at: RecordedAt::from_millis(parse_millis(text("/signature/at")?).ok_or("its signature has no time")?),
            reason: text("/reason")?.into(),
            quarantine,
        })
    }
}

fn told(what: String) -> String {
    format!("its body {what}")
}

fn hold_id(value: Option<&Value>) -> Result<HoldId, String> {
    let id = value.and_then(Value::as_str).and_then(HoldId::parse);
    id.ok_or_else(|| "its body names no hold".to_owned())
}

/// Rows of the tables about holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HoldRows {
    pub(crate) holds: Vec<HoldRow>,
    pub(crate) acceptances: Vec<AcceptanceRow>,
    pub(crate) alarms: Vec<AlarmRow>,
    /// Rows of the table `hold_events`: a hold, and an event that changed it. Only written with the others.
    pub(crate) events: Vec<(i64, i64)>,
}

/// A row of the table `holds`: a hold as its last event left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HoldRow {
    /// The number of its id.
    pub(crate) id: i64,
    pub(crate) unit: Option<String>,
    pub(crate) gtin: Option<String>,
    pub(crate) lot: Option<String>,
    pub(crate) place: Option<String>,
    pub(crate) code: String,
    pub(crate) rule: Option<String>,
    pub(crate) state: String,
    pub(crate) incident: String,
    /// The whole record: canonical JSON.
    pub(crate) body: String,
    /// The last event that changed it.
    pub(crate) seq: i64,
}

/// A row of the table `review_acceptances`: what was accepted of a unit last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AcceptanceRow {
    pub(crate) unit: String,
    /// The whole record: canonical JSON.
    pub(crate) body: String,
    /// The event.
    pub(crate) seq: i64,
}

/// A row of the table `alarms`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AlarmRow {
    /// The number of its id.
    pub(crate) id: i64,
    pub(crate) code: String,
    pub(crate) open: bool,
    /// The whole record: canonical JSON.
    pub(crate) body: String,
    /// The last event that changed it.
    pub(crate) seq: i64,
}

impl HoldRows {
    /// Adds the row of what an event, the `seq`th, touched; `holds` is the state after it.
    pub(crate) fn add(&mut self, touched: &Touched, holds: &Holds, seq: i64) {
        match touched {
            Touched::Hold(id) => {
                self.holds.extend(holds.get(*id).map(|hold| HoldRow::of(hold, seq)));
                self.events.push((i64::try_from(id.get()).unwrap_or(i64::MAX), seq));
            }
            Touched::Acceptance(unit) => self.acceptances.extend(holds.acceptance(unit).map(|acceptance| {
                AcceptanceRow { unit: unit.to_string(), body: to_canonical(&acceptance.to_json()), seq }
            })),
            Touched::Alarm(id) => self.alarms.extend(holds.alarm(*id).map(|alarm| AlarmRow {
                id: i64::try_from(id.get()).unwrap_or(i64::MAX),
                code: alarm.code.as_str().to_owned(),
                open: alarm.cleared_at.is_none(),
                body: to_canonical(&alarm.to_json()),
                seq,
            })),
        }
    }
}

impl HoldRow {
    fn of(hold: &Hold, seq: i64) -> Self {
        let (unit, lot, place) = match &hold.scope {
            Scope::Unit(unit) => (Some(unit.to_string()), None, None),
            Scope::Lot(LotKey { gtin, lot }) => (None, Some((gtin.as_str().to_owned(), lot.to_string())), None),
            Scope::Place(place) => (None, None, Some(place.to_string())),
        };
        let (gtin, lot) = lot.unzip();
        Self {
            id: i64::try_from(hold.id.get()).unwrap_or(i64::MAX),
            unit,
            gtin,
            lot,
            place,
            code: hold.cause.code().to_owned(),
            rule: hold.cause.rule().map(ToString::to_string),
            state: hold.state.as_str().to_owned(),
            incident: hold.incident.to_string(),
            body: to_canonical(&hold.to_json()),
            seq,
        }
    }
}
