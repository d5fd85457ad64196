//! From events of the ledger to notices: one for each incident, and one for alarms of a kind that were raised at once.

mod alarms;
mod holds;

use std::collections::BTreeMap;

use model::hold::{AlarmCode, AlarmId, Hold, HoldId, IncidentId, RaisedAlarm, Scope, Subject};
use model::name::Name;
use serde_json::Value;
use std::sync::Arc;
use store::ledger::{Event, Snapshot};
use store::outbox::Notice;

/// How many units, sensors or alarms one notice lists; it always says how many there are.
pub(crate) const LISTED: usize = 100;

/// A person's act on holds or an alarm, and the end of an alarm, by the kind of its event.
const ACTS: [&str; 5] = ["hold.under_review", "hold.released", "hold.rejected", "alarm.cleared", "alarm.acknowledged"];

/// The notices that `events` come to, in their order. `events` hold whole transactions, and `snapshot` is the state
/// after them or later. The same events come to the same notices, whenever they are asked for.
pub(crate) fn of(events: &[Event], snapshot: &Snapshot, link_base: Option<&str>) -> Vec<Notice> {
    let mut notices = Vec::new();
    // What is recorded at one instant was written at once.
    for at_once in events.chunk_by(|one, next| one.recorded_at == next.recorded_at) {
        let mut group = Group::default();
        for event in at_once {
            group.take(event, snapshot);
        }
        notices.extend(group.notices(snapshot, link_base));
        let acts = at_once.iter().filter(|event| ACTS.contains(&event.kind.as_str()));
        notices.extend(acts.filter_map(|event| act(event, snapshot, link_base)));
    }
    notices.sort_by_key(|notice| notice.seq);
    notices
}

/// What was placed and raised at once.
#[derive(Default)]
struct Group<'a> {
    incidents: BTreeMap<IncidentId, Placed<'a>>,
    alarms: BTreeMap<(AlarmCode, Option<Name>), Raised<'a>>,
}

/// The holds of one incident, and the alarms that tell the same.
struct Placed<'a> {
    first: &'a Event,
    holds: Vec<Arc<Hold>>,
    alarms: Vec<AlarmId>,
}

/// Alarms of one kind.
struct Raised<'a> {
    first: &'a Event,
    alarms: Vec<Arc<RaisedAlarm>>,
}

impl<'a> Group<'a> {
    fn take(&mut self, event: &'a Event, snapshot: &Snapshot) {
        let number = event.seq.get();
        match event.kind.as_str() {
            "hold.placed" => {
                let Some(hold) = snapshot.holds.get(HoldId::new(number)) else { return };
                // What a part has from the unit it was split from was told when that was held.
                if hold.inherited_from.is_some() {
                    return;
                }
                let placed = self.incidents.entry(hold.incident.clone());
                let placed = placed.or_insert_with(|| Placed { first: event, holds: Vec::new(), alarms: Vec::new() });
                placed.holds.push(hold.clone());
            }
            "alarm.raised" => {
                let Some(alarm) = snapshot.holds.alarm(AlarmId::new(number)) else { return };
                let raised = self.alarms.entry((alarm.code, alarm.rule.clone()));
                raised.or_insert_with(|| Raised { first: event, alarms: Vec::new() }).alarms.push(alarm.clone());
            }
            _ => {}
        }
    }

    /// The notices. That a rule fired for a unit is part of the news that the unit is held for it.
    fn notices(mut self, snapshot: &Snapshot, link_base: Option<&str>) -> Vec<Notice> {
        let mut notices = Vec::new();
        for ((code, rule), raised) in &mut self.alarms {
            if *code == AlarmCode::RuleFired {
                raised.alarms.retain(|alarm| {
                    let same = self.incidents.values_mut().find(|placed| placed.tells(alarm, rule.as_ref()));
                    same.map(|placed| placed.alarms.push(alarm.id)).is_none()
                });
            }
            if !raised.alarms.is_empty() {
                notices.push(alarms::raised(raised.first, &raised.alarms, snapshot, link_base));
            }
        }
        let placed = self.incidents.iter();
        notices.extend(
            placed.map(|(id, placed)| {
                holds::placed(placed.first, id, &placed.holds, &placed.alarms, snapshot, link_base)
            }),
        );
        notices
    }
}

impl Placed<'_> {
    /// Whether `alarm` tells of what one of the holds was placed for.
    fn tells(&self, alarm: &RaisedAlarm, rule: Option<&Name>) -> bool {
        let Subject::Unit(unit) = &alarm.subject else { return false };
        let same = |hold: &Arc<Hold>| hold.scope == Scope::Unit(unit.clone()) && hold.cause.rule() == rule;
        rule.is_some() && self.holds.iter().any(same)
    }
}

/// What a person did, or that an alarm ended: the event's own body, and what it is about.
fn act(event: &Event, snapshot: &Snapshot, link_base: Option<&str>) -> Option<Notice> {
    let body: Value = serde_json::from_str(&event.body).ok()?;
    match event.kind.split_once('.')? {
        ("hold", _) => holds::decided(event, &body, snapshot, link_base),
        _ => alarms::ended(event, &body, snapshot),
    }
}

/// The id of the notice that `first` begins: the event's place, and so much of its hash that no other ledger has it.
fn id(first: &Event) -> String {
    let hash: String = first.hash.to_string().chars().take(12).collect();
    format!("n{}-{hash}", first.seq.get())
}

/// An address below `base`, or the path alone.
fn link(base: Option<&str>, path: &str) -> String {
    format!("{}{path}", base.unwrap_or_default().trim_end_matches('/'))
}
