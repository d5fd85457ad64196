//! Events of the ledger about holds and alarms, as they are told.

use model::hold::{AlarmId, Hold, HoldId, Holds};
use model::instant::to_rfc3339;
use model::name::Name;
use model::sight::Sight;
use serde_json::{Value, json};
use store::ledger::Event;

use super::Topic;

/// Events read from the ledger at once.
pub(super) const EVENTS_AT_ONCE: u32 = 200;

/// Whether an event may be about very many units, so that telling it takes a while.
pub(super) fn is_long(event: &Event) -> bool {
    event.kind.ends_with("_together")
}

/// What is told of `event`; nothing, when it is about something else, or about nothing that is seen. `holds` is a later
/// state.
pub(super) fn told(holds: &Holds, event: &Event, sight: &Sight) -> Option<(Topic, Value)> {
    let topic = match event.kind.split_once('.')? {
        ("hold", _) | ("review", "accepted") => Topic::Hold,
        ("alarm", _) => Topic::Alarm,
        _ => return None,
    };
    let body: Value = serde_json::from_str(&event.body).ok()?;
    let (_, change) = event.kind.split_once('.')?;
    let mut told = json!({
        "change": change,
        "seq": event.seq.get(),
        "at": to_rfc3339(event.recorded_at.millis()),
        "by": event.actor,
    });
    match topic {
        Topic::Alarm if change == "raised_together" => {
            let joint = holds.joint_alarm(event.seq.get())?;
            let each: Vec<Value> = (1..)
                .zip(joint.units.iter())
                .filter(|(_, unit)| sight.unit(unit))
                .map(|(member, unit)| {
                    let id = AlarmId::of_member(joint.event, member);
                    json!({ "id": id.to_string(), "unit": unit.as_str() })
                })
                .collect();
            told["change"] = json!("raised");
            told["count"] = json!(each.len());
            told["alarm"] = holds.alarm(AlarmId::parse(each.first()?["id"].as_str()?)?)?.to_json();
            told["alarms"] = Value::Array(each);
        }
        Topic::Alarm => {
            let id = body["id"].as_str().or(body["alarm"].as_str()).and_then(AlarmId::parse)?;
            told["alarm"] = holds.alarm(id).filter(|alarm| sight.alarm(alarm))?.to_json();
        }
        _ if change == "accepted" => {
            let unit = body["unit"].as_str()?;
            told["unit"] = Name::parse(unit).is_ok_and(|name| sight.unit(&name)).then(|| json!(unit))?;
        }
        _ if matches!(change, "placed_together" | "evidence_together") => {
            let event = HoldId::parse(body["id"].as_str().or(body["hold"].as_str())?)?;
            let joint = holds.joint(event.get())?;
            let change = change.trim_end_matches("_together");
            told["change"] = json!(change);
            let members = (1..).take(joint.units.len()).map(|member| HoldId::of_member(joint.event, member));
            let seen = members.filter_map(|id| holds.get(id)).filter(|hold| sight.hold(hold));
            let holds: Vec<Value> = seen.map(|hold| view(&hold, change)).collect();
            told["count"] = json!(holds.len());
            told["holds"] = Value::Array(holds);
        }
        _ => {
            let one = body["id"].as_str().or(body["hold"].as_str());
            let many = body["holds"].as_array().into_iter().flatten().filter_map(|of| of["hold"].as_str());
            let ids = one.into_iter().chain(many).filter_map(HoldId::parse);
            let seen = ids.filter_map(|id| holds.get(id)).filter(|hold| sight.hold(hold));
            told["holds"] = seen.map(|hold| view(&hold, change)).collect();
        }
    }
    if sight.is_limited() && told["holds"].as_array().is_some_and(Vec::is_empty) {
        return None;
    }
    Some((topic, told))
}

/// A hold in few words, as `change` left it.
fn view(hold: &Hold, change: &str) -> Value {
    let mut view = json!({
        "id": hold.id.to_string(),
        "incident": hold.incident.name().as_str(),
        "cause": hold.cause.to_json(),
        "state": match change {
            "under_review" | "released" | "rejected" => change,
            "placed" => "open",
            _ => hold.state.as_str(),
        },
    });
    if let (Value::Object(view), Value::Object(scope)) = (&mut view, hold.scope.to_json()) {
        view.extend(scope);
    }
    view
}
