//! Rows of the tables about holds: what the ledger keeps beside its events, and makes again from them.

use model::gs1::LotKey;
use model::hold::{Hold, Holds, Joint, Scope, Touched};
use model::registry::to_canonical;
use serde_json::Value;

/// Rows of the tables about holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HoldRows {
    pub(crate) holds: Vec<HoldRow>,
    pub(crate) acceptances: Vec<AcceptanceRow>,
    pub(crate) alarms: Vec<AlarmRow>,
    /// Rows of the table `joint_holds`.
    pub(crate) joint_holds: Vec<JointRow>,
    /// Rows of the table `joint_alarms`.
    pub(crate) joint_alarms: Vec<JointRow>,
    /// Rows of the tables `hold_events` and `joint_member_events`: a hold, and an event that changed it. Only written
    /// with the others.
    pub(crate) events: Vec<HoldEventRow>,
    /// Events that list units of the joint rows: their number and their body. Only read with the others.
    pub(crate) lists: Vec<(i64, String)>,
}

/// A hold and an event that changed it: the number of the hold's id, which member it is of those that were placed
/// together (0 for one that was placed alone, and for all that were placed together), the event.
pub(crate) type HoldEventRow = (i64, i64, i64);

/// A row of the table `joint_holds` or `joint_alarms`: what one event did for many units, as the last event left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JointRow {
    /// The event.
    pub(crate) id: i64,
    /// The event that lists the units.
    pub(crate) listed_in: i64,
    /// What they share: canonical JSON.
    pub(crate) body: String,
    /// The last event that changed it.
    pub(crate) seq: i64,
}

/// A row of the table `holds`, or of `joint_members`: a hold as its last event left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HoldRow {
    /// The number of its id.
    pub(crate) id: i64,
    /// Which it is of those that were placed together; 0 when it was placed alone.
    pub(crate) member: i64,
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

/// A row of the table `alarms`, or of `joint_alarm_members`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AlarmRow {
    /// The number of its id.
    pub(crate) id: i64,
    /// Which it is of those that were raised together; 0 when it was raised alone.
    pub(crate) member: i64,
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
                self.holds.extend(holds.get(*id).map(|hold| HoldRow::of(&hold, seq)));
                self.events.push((number(id.get()), i64::from(id.member()), seq));
            }
            Touched::JointHold(event) => {
                let joint = holds.joint(*event);
                self.joint_holds.extend(joint.map(|joint| JointRow::of(joint, &joint.shared.to_json(), seq)));
                self.events.push((number(*event), 0, seq));
            }
            Touched::JointAlarm(event) => {
                let joint = holds.joint_alarm(*event);
                self.joint_alarms.extend(joint.map(|joint| JointRow::of(joint, &joint.shared.to_json(), seq)));
            }
            Touched::Acceptance(unit) => self.acceptances.extend(holds.acceptance(unit).map(|acceptance| {
                AcceptanceRow { unit: unit.to_string(), body: to_canonical(&acceptance.to_json()), seq }
            })),
            Touched::Alarm(id) => self.alarms.extend(holds.alarm(*id).map(|alarm| AlarmRow {
                id: number(id.get()),
                member: i64::from(id.member()),
                code: alarm.code.as_str().to_owned(),
                open: alarm.cleared_at.is_none(),
                body: to_canonical(&alarm.to_json()),
                seq,
            })),
        }
    }
}

impl JointRow {
    fn of<T>(joint: &Joint<T>, shared: &Value, seq: i64) -> Self {
        Self { id: number(joint.event), listed_in: number(joint.listed_in), body: to_canonical(shared), seq }
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
            id: number(hold.id.get()),
            member: i64::from(hold.id.member()),
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

/// An event's number as databases keep it.
fn number(event: u64) -> i64 {
    i64::try_from(event).unwrap_or(i64::MAX)
}
