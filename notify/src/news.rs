//! From events of the ledger to notices: one for each incident, and one for alarms of a kind that were raised at once.

mod alarms;
mod holds;

use std::collections::{BTreeMap, HashSet};

use model::hold::{
    AlarmCode, AlarmId, Hold, HoldId, IncidentId, Joint, JointAlarm, JointHold, RaisedAlarm, Scope, Subject,
};
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
    /// Those that were placed alone.
    alone: Vec<Arc<Hold>>,
    /// Those that were placed together.
    joint: Vec<Arc<Joint<JointHold>>>,
    /// One that is an event's stands for all that it raised together.
    alarms: Vec<AlarmId>,
}

/// Alarms of one kind.
struct Raised<'a> {
    first: &'a Event,
    alone: Vec<Arc<RaisedAlarm>>,
    joint: Vec<Arc<Joint<JointAlarm>>>,
}

impl<'a> Group<'a> {
    fn take(&mut self, event: &'a Event, snapshot: &Snapshot) {
        let (number, holds) = (event.seq.get(), &snapshot.holds);
        match event.kind.as_str() {
            "hold.placed" => {
                let Some(hold) = holds.get(HoldId::new(number)) else { return };
                // What a part has from the unit it was split from was told when that was held.
                if hold.inherited_from.is_some() {
                    return;
                }
                self.incident(event, &hold.incident).alone.push(hold);
            }
            "hold.placed_together" => {
                let Some(joint) = holds.joint(number) else { return };
                self.incident(event, &joint.shared.incident).joint.push(Arc::clone(joint));
            }
            "alarm.raised" => {
                let Some(alarm) = holds.alarm(AlarmId::new(number)) else { return };
                self.kind(event, alarm.code, alarm.rule.as_ref()).alone.push(alarm);
            }
            "alarm.raised_together" => {
                let Some(joint) = holds.joint_alarm(number) else { return };
                self.kind(event, joint.shared.code, joint.shared.rule.as_ref()).joint.push(Arc::clone(joint));
            }
            _ => {}
        }
    }

    fn incident(&mut self, first: &'a Event, incident: &IncidentId) -> &mut Placed<'a> {
        let new = || Placed { first, alone: Vec::new(), joint: Vec::new(), alarms: Vec::new() };
        self.incidents.entry(incident.clone()).or_insert_with(new)
    }

    fn kind(&mut self, first: &'a Event, code: AlarmCode, rule: Option<&Name>) -> &mut Raised<'a> {
        let new = || Raised { first, alone: Vec::new(), joint: Vec::new() };
        self.alarms.entry((code, rule.cloned())).or_insert_with(new)
    }

    /// The notices. That a rule fired for a unit is part of the news that the unit is held for it.
    fn notices(mut self, snapshot: &Snapshot, link_base: Option<&str>) -> Vec<Notice> {
        let mut notices = Vec::new();
        for ((code, rule), raised) in &mut self.alarms {
            if let Some(rule) = rule.as_ref().filter(|_| *code == AlarmCode::RuleFired) {
                for placed in self.incidents.values_mut() {
                    placed.take_up(raised, rule);
                }
            }
            if !raised.alone.is_empty() || !raised.joint.is_empty() {
                notices.push(alarms::raised(raised, snapshot, link_base));
            }
        }
        notices.extend(self.incidents.iter().map(|(id, placed)| holds::placed(id, placed, snapshot, link_base)));
        notices
    }
}

impl Placed<'_> {
    /// Takes from `raised` the alarms that tell of what one of the holds was placed for.
    fn take_up(&mut self, raised: &mut Raised<'_>, rule: &Name) {
        let alone = self.alone.iter().filter(|hold| hold.cause.rule() == Some(rule));
        let alone = alone.filter_map(|hold| if let Scope::Unit(unit) = &hold.scope { Some(unit) } else { None });
        let joint = self.joint.iter().filter(|joint| joint.shared.cause.rule() == Some(rule));
        let units: HashSet<&Name> = alone.chain(joint.flat_map(|joint| joint.units.iter())).collect();
        let mut told = Vec::new();
        raised.alone.retain(|alarm| {
            let same = matches!(&alarm.subject, Subject::Unit(unit) if units.contains(unit));
            told.extend(same.then_some(alarm.id));
            !same
        });
        raised.joint.retain(|joint| {
            let same = joint.units.iter().all(|unit| units.contains(unit));
            told.extend(same.then_some(AlarmId::new(joint.event)));
            !same
        });
        self.alarms.extend(told);
    }
}

/// The first ids of `alarms`, each of those that were raised together by itself.
fn listed(alarms: &[AlarmId], snapshot: &Snapshot) -> Vec<String> {
    let each = alarms.iter().flat_map(|id| {
        let many = snapshot.holds.joint_alarm(id.get()).filter(|_| id.member() == 0).map(|joint| joint.units.len());
        let members = (1..).take(many.unwrap_or(0)).map(|member| AlarmId::of_member(id.get(), member));
        many.is_none().then_some(*id).into_iter().chain(members)
    });
    each.take(LISTED).map(|id| id.to_string()).collect()
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
