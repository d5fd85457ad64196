//! Events about holds: how they are written, read back, and what they change.

use std::sync::Arc;

use model::hold::{
    Acceptance, Acknowledgement, Acted, AlarmId, Evidence, Hold, HoldId, HoldState, Holds, JointAlarm, JointHold,
    Listing, Meaning, RaisedAlarm, Touched,
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
    /// Holds were placed together: on many units, for one cause, on one evidence.
    pub(crate) const PLACED_TOGETHER: &str = "hold.placed_together";
    /// The evidence of holds that were placed together got another version.
    pub(crate) const EVIDENCE_TOGETHER: &str = "hold.evidence_together";
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
    /// Alarms were raised together: for many units, about one thing.
    pub(crate) const ALARM_RAISED_TOGETHER: &str = "alarm.raised_together";
    /// An alarm has ended.
    pub(crate) const ALARM_CLEARED: &str = "alarm.cleared";
    /// A person has taken note of an alarm.
    pub(crate) const ALARM_ACKNOWLEDGED: &str = "alarm.acknowledged";
}

/// What an event about holds says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum HoldEvent {
    Placed(Box<Hold>),
    /// The holds' event is this one.
    PlacedTogether {
        event: u64,
        shared: Box<JointHold>,
        listing: Listing,
    },
    Versioned {
        hold: HoldId,
        evidence: Arc<Evidence>,
    },
    /// Of all holds that the event placed and that have no record of their own, but for some members, which have one
    /// from then on.
    VersionedTogether {
        event: u64,
        evidence: Arc<Evidence>,
        except: Vec<u32>,
    },
    Acted(Box<SignedAct>),
    Accepted(Box<Acceptance>),
    AlarmRaised(Box<RaisedAlarm>),
    /// The alarms' event is this one.
    AlarmRaisedTogether {
        event: u64,
        shared: Box<JointAlarm>,
        listing: Listing,
    },
    AlarmCleared {
        alarm: AlarmId,
        at: ValidAt,
    },
    AlarmAcknowledged {
        alarm: AlarmId,
        acknowledgement: Acknowledgement,
    },
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
            Self::PlacedTogether { event, shared, listing } => {
                let mut body = shared.to_json();
                body["id"] = json!(HoldId::new(*event).to_string());
                listing.write(&mut body);
                (shared.author.as_str(), kind::PLACED_TOGETHER, body)
            }
            Self::Versioned { hold, evidence } => {
                let before = holds.get(*hold).map_or(0, |hold| hold.evidence.len());
                (SYSTEM, kind::EVIDENCE, version_json(*hold, before, evidence))
            }
            Self::VersionedTogether { event, evidence, except } => {
                let before = holds.joint(*event).map_or(0, |joint| joint.shared.evidence.len());
                let mut body = version_json(HoldId::new(*event), before, evidence);
                let member = |member: &u32| HoldId::of_member(*event, *member).to_string();
                body["except"] = except.iter().map(member).collect();
                (SYSTEM, kind::EVIDENCE_TOGETHER, body)
            }
            Self::Acted(act) => (act.by.as_str(), act_kind(act.meaning), act.to_json(holds)),
            Self::Accepted(acceptance) => (acceptance.by.as_str(), kind::ACCEPTED, acceptance.to_json()),
            Self::AlarmRaised(alarm) => (SYSTEM, kind::ALARM_RAISED, alarm.to_json()),
            Self::AlarmRaisedTogether { event, shared, listing } => {
                let mut body = shared.to_json();
                body["id"] = json!(AlarmId::new(*event).to_string());
                listing.write(&mut body);
                (SYSTEM, kind::ALARM_RAISED_TOGETHER, body)
            }
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
                own(&hold.id.to_string(), (hold.id.member() == 0).then_some(hold.id.get()))?;
                signed(&hold.author, hold.placed_at)?;
                if hold.state != HoldState::Open || !hold.acts.is_empty() {
                    return Err("it places a hold that is not open".into());
                }
                Self::Placed(Box::new(hold))
            }
            kind::PLACED_TOGETHER => {
                let id = hold_id(body.get("id"))?;
                own(&id.to_string(), (id.member() == 0).then_some(id.get()))?;
                let shared = JointHold::read(body).map_err(told)?;
                signed(&shared.author, shared.placed_at)?;
                let listing = Listing::read(body).map_err(told)?;
                Self::PlacedTogether { event: id.get(), shared: Box::new(shared), listing }
            }
            kind::EVIDENCE => Self::Versioned { hold: hold_id(body.get("hold"))?, evidence: evidence_of(body)? },
            kind::EVIDENCE_TOGETHER => {
                let id = hold_id(body.get("hold"))?;
                if id.member() != 0 {
                    return Err("its body names one hold of many".into());
                }
                let except = body.get("except").and_then(Value::as_array).ok_or("its body has no `except`")?;
                let member = |one: &Value| {
                    let fits = |of: &HoldId| of.get() == id.get() && of.member() > 0;
                    hold_id(Some(one)).map(|of| fits(&of).then_some(of.member()))
                };
                let except: Option<Vec<u32>> = except.iter().map(member).collect::<Result<_, _>>()?;
                let except = except.ok_or("its body excepts what is not one of them")?;
                Self::VersionedTogether { event: id.get(), evidence: evidence_of(body)?, except }
            }
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
                own(&alarm.id.to_string(), (alarm.id.member() == 0).then_some(alarm.id.get()))?;
                Self::AlarmRaised(Box::new(alarm))
            }
            kind::ALARM_RAISED_TOGETHER => {
                let id = body.get("id").and_then(Value::as_str).and_then(AlarmId::parse);
                let id = id.ok_or("its body names no alarms")?;
                own(&id.to_string(), (id.member() == 0).then_some(id.get()))?;
                let shared = JointAlarm::read(body).map_err(told)?;
                let listing = Listing::read(body).map_err(told)?;
                Self::AlarmRaisedTogether { event: id.get(), shared: Box::new(shared), listing }
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
            Self::PlacedTogether { event, shared, listing } => {
                if holds.joint(event).is_some() {
                    return Err("the holds it places were there already".into());
                }
                holds.put_joint(event, *shared, &listing)?;
                Ok(vec![Touched::JointHold(event)])
            }
            Self::Versioned { hold, evidence } => {
                holds.add_version(hold, evidence, at)?;
                Ok(vec![Touched::Hold(hold)])
            }
            Self::VersionedTogether { event, evidence, except } => {
                let mut touched = vec![Touched::JointHold(event)];
                for id in except.into_iter().map(|member| HoldId::of_member(event, member)) {
                    holds.set_apart(id)?;
                    touched.push(Touched::Hold(id));
                }
                holds.add_joint_version(event, evidence, at)?;
                Ok(touched)
            }
            Self::Acted(act) => {
                let mut touched = Vec::with_capacity(act.holds.len());
                for acted in act.holds {
                    let id = acted.hold;
                    let record = holds.get(id).map(|hold| record_hash(&hold));
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
            Self::AlarmRaisedTogether { event, shared, listing } => {
                holds.put_joint_alarm(event, *shared, &listing)?;
                Ok(vec![Touched::JointAlarm(event)])
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

fn evidence_of(body: &Value) -> Result<Arc<Evidence>, String> {
    Evidence::read(body.get("evidence").unwrap_or(&Value::Null)).map(Arc::new).map_err(told)
}

fn version_json(hold: HoldId, before: usize, evidence: &Evidence) -> Value {
    json!({ "hold": hold.to_string(), "before": before, "after": before + 1, "evidence": evidence.to_json() })
}
