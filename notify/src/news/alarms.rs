//! What is told of alarms.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::hold::{AlarmCode, AlarmId, RaisedAlarm, Subject};
use model::instant::{ValidAt, to_rfc3339};
use model::name::Name;
use model::registry::{Registry, Target};
use serde_json::{Value, json};
use store::ledger::{Event, Snapshot};
use store::outbox::Notice;

use super::holds::place_json;
use super::{LISTED, Raised, id, link};

/// That alarms of one kind were raised.
pub(super) fn raised(raised: &Raised<'_>, snapshot: &Snapshot, link_base: Option<&str>) -> Notice {
    let Raised { first, alone, joint } = raised;
    let at = ValidAt::from_millis(first.recorded_at.millis());
    let each = joint.iter().flat_map(|joint| {
        let unit = |(member, unit): (u32, &Name)| {
            let id = AlarmId::of_member(joint.event, member);
            Arc::new(joint.shared.of(id, Subject::Unit(unit.clone())))
        };
        (1..).zip(joint.units.iter()).map(unit)
    });
    let count = alone.len() + joint.iter().map(|joint| joint.units.len()).sum::<usize>();
    let alarms: Vec<Arc<RaisedAlarm>> = alone.iter().cloned().chain(each).take(LISTED).collect();
    let ids = alone.iter().map(|alarm| alarm.id).chain(joint.iter().map(|joint| AlarmId::new(joint.event)));
    let of_alone = alone.iter().filter_map(|alarm| place_of(&snapshot.registry, &alarm.subject, at));
    let of_joint = joint.iter().flat_map(|joint| joint.units.iter());
    let of_joint = of_joint.filter_map(|unit| snapshot.registry.place_of(unit, at));
    let places: BTreeSet<Name> = of_alone.chain(of_joint).collect();
    let since = alone.iter().map(|alarm| alarm.at).chain(joint.iter().map(|joint| joint.shared.at)).min();
    let code = alarms.first().map(|alarm| alarm.code);
    let body = json!({
        "code": code.map(AlarmCode::as_str),
        "rule": alarms.first().and_then(|alarm| alarm.rule.as_ref()).map(Name::as_str),
        "raised_at": to_rfc3339(first.recorded_at.millis()),
        "since": since.map(|since| to_rfc3339(since.millis())),
        "places": places.iter().take(LISTED).map(|place| place_json(&snapshot.registry, place)).collect::<Vec<_>>(),
        "count": count,
        "alarms": alarms.iter().take(LISTED).map(|alarm| as_raised(alarm)).collect::<Vec<_>>(),
        "links": {
            "alarms": link(link_base, &format!("/v1/alarms?code={}", code.map_or("", AlarmCode::as_str))),
            "page": link(link_base, "/"),
        },
    });
    Notice {
        id: id(first),
        kind: "alarm.raised".to_owned(),
        subject: alarms.first().map(|alarm| alarm.id.to_string()).unwrap_or_default(),
        incident: None,
        alarms: ids.collect(),
        seq: first.seq,
        created_at: first.recorded_at,
        body: body.to_string(),
        wants_answer: true,
        quiet: code == Some(AlarmCode::NotificationUndelivered),
    }
}

/// An alarm as it was when it was raised: what became of it later is told later.
fn as_raised(alarm: &RaisedAlarm) -> Value {
    RaisedAlarm { cleared_at: None, acknowledged: None, ..alarm.clone() }.to_json()
}

/// That an alarm is over, or that a person has taken note of it.
pub(super) fn ended(event: &Event, body: &Value, snapshot: &Snapshot) -> Option<Notice> {
    let alarm = AlarmId::parse(body.get("alarm")?.as_str()?)?;
    let known = snapshot.holds.alarm(alarm)?;
    let told = json!({
        "alarm": alarm.to_string(),
        "code": known.code.as_str(),
        "about": known.subject.parts().1.as_str(),
        "at": body.get("at"),
        "by": event.actor,
        "reason": body.get("reason"),
    });
    Some(Notice {
        id: id(event),
        kind: event.kind.clone(),
        subject: alarm.to_string(),
        incident: None,
        alarms: vec![alarm],
        seq: event.seq,
        created_at: event.recorded_at,
        body: told.to_string(),
        wants_answer: false,
        quiet: known.code == AlarmCode::NotificationUndelivered,
    })
}

fn place_of(registry: &Registry, subject: &Subject, at: ValidAt) -> Option<Name> {
    match subject {
        Subject::Unit(unit) => registry.place_of(unit, at),
        Subject::Place(place) => Some(place.clone()),
        Subject::Sensor(sensor) => {
            let mut known = registry.associations.of(sensor);
            let now = known.rfind(|known| known.from <= at && known.to.is_none_or(|to| at < to))?;
            match &now.target {
                Target::Place(place) => Some(place.clone()),
                Target::Unit(unit) => registry.place_of(unit, at),
            }
        }
        Subject::Channel(_) | Subject::Account(_) => None,
    }
}
