//! What is told of holds.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::hold::{Cause, Hold, HoldId, IncidentId, Scope};
use model::instant::{ValidAt, to_rfc3339};
use model::name::Name;
use model::registry::Registry;
use serde_json::{Value, json};
use store::ledger::{Event, Snapshot};
use store::outbox::Notice;

use super::{LISTED, Placed, id, link, listed};

/// That the holds of one incident were placed.
pub(super) fn placed(
    incident: &IncidentId,
    placed: &Placed<'_>,
    snapshot: &Snapshot,
    link_base: Option<&str>,
) -> Notice {
    let Placed { first, alone, joint, alarms } = placed;
    let at = ValidAt::from_millis(first.recorded_at.millis());
    let registry = snapshot.registry.as_ref();
    let mut units: BTreeSet<&Name> = joint.iter().flat_map(|joint| joint.units.iter()).collect();
    let mut wide: BTreeSet<&Scope> = BTreeSet::new();
    for hold in alone {
        match &hold.scope {
            Scope::Unit(unit) => units.insert(unit),
            scope => wide.insert(scope),
        };
    }
    let causes = alone.iter().map(|hold| &hold.cause).chain(joint.iter().map(|joint| &joint.shared.cause));
    let causes: BTreeSet<&Cause> = causes.collect();
    let of_units = units.iter().filter_map(|unit| registry.place_of(unit, at));
    let places: BTreeSet<Name> =
        of_units.chain(wide.iter().filter_map(|scope| place_of(registry, scope, at))).collect();
    let evidence = || {
        let alone = alone.iter().filter_map(|hold| hold.evidence.first());
        alone.chain(joint.iter().filter_map(|joint| joint.shared.evidence.first())).map(|version| &version.evidence)
    };
    let since = evidence().flat_map(|evidence| &evidence.since).min();
    let excursions = evidence().flat_map(|evidence| &evidence.excursions);
    let worst = excursions.max_by(|one, other| one.degree_seconds.total_cmp(&other.degree_seconds));
    let held = |scope: Scope| {
        let own = alone.iter().filter(|hold| hold.scope == scope).map(|hold| hold.id);
        let joint = joint.iter().filter_map(|joint| {
            let Scope::Unit(unit) = &scope else { return None };
            Some(HoldId::of_member(joint.event, joint.member_of(unit)?))
        });
        let mut ids: Vec<HoldId> = own.chain(joint).collect();
        ids.sort_unstable();
        let mut json = described(registry, &scope, at);
        json["holds"] = ids.iter().map(HoldId::to_string).collect();
        json
    };
    let count = units.len() + wide.len();
    let scopes = units.into_iter().cloned().map(Scope::Unit).chain(wide.into_iter().cloned());
    let author = alone.first().map(|hold| &hold.author).or(joint.first().map(|joint| &joint.shared.author));
    let body = json!({
        "incident": incident.to_string(),
        "causes": causes.iter().map(|cause| cause.to_json()).collect::<Vec<_>>(),
        "author": author.map(Name::as_str),
        "reason": alone.first().and_then(|hold| hold.reason.as_deref()),
        "placed_at": to_rfc3339(first.recorded_at.millis()),
        "since": since.map(|since| to_rfc3339(since.millis())),
        "places": places.iter().take(LISTED).map(|place| place_json(registry, place)).collect::<Vec<_>>(),
        "worst": worst.map(|excursion| json!({
            "rule": excursion.rule.as_str(),
            "start": to_rfc3339(excursion.start.millis()),
            "duration_s": excursion.duration_s,
            "peak": excursion.peak,
            "peak_at": to_rfc3339(excursion.peak_at.millis()),
        })),
        "count": count,
        "held": scopes.take(LISTED).map(held).collect::<Vec<_>>(),
        "alarms": listed(alarms, snapshot),
        "links": {
            "holds": link(link_base, &format!("/v1/holds?incident={incident}")),
            "page": link(link_base, "/"),
        },
    });
    Notice {
        id: id(first),
        kind: "hold.placed".to_owned(),
        subject: incident.to_string(),
        incident: Some(incident.to_string()),
        alarms: alarms.clone(),
        seq: first.seq,
        created_at: first.recorded_at,
        body: body.to_string(),
        wants_answer: true,
        quiet: false,
    }
}

/// That a person decided about holds.
pub(super) fn decided(event: &Event, body: &Value, snapshot: &Snapshot, link_base: Option<&str>) -> Option<Notice> {
    let at = ValidAt::from_millis(event.recorded_at.millis());
    let ids = body.get("holds")?.as_array()?.iter();
    let ids = ids.filter_map(|acted| HoldId::parse(acted.get("hold")?.as_str()?));
    let holds: Vec<Arc<Hold>> = ids.filter_map(|id| snapshot.holds.get(id)).collect();
    let incident = holds.first()?.incident.to_string();
    let held = |hold: &Arc<Hold>| {
        let mut json = described(&snapshot.registry, &hold.scope, at);
        json["hold"] = json!(hold.id.to_string());
        json["cause"] = hold.cause.to_json();
        json
    };
    let text = |field: &str| body.get(field).cloned().unwrap_or_default();
    let told = json!({
        "incident": incident,
        "state": text("after"),
        "disposition": text("disposition"),
        "by": event.actor,
        "at": to_rfc3339(event.recorded_at.millis()),
        "reason": text("reason"),
        "count": holds.len(),
        "held": holds.iter().take(LISTED).map(held).collect::<Vec<_>>(),
        "links": { "holds": link(link_base, &format!("/v1/holds?incident={incident}")) },
    });
    Some(Notice {
        id: id(event),
        kind: event.kind.clone(),
        subject: incident.clone(),
        incident: Some(incident),
        alarms: Vec::new(),
        seq: event.seq,
        created_at: event.recorded_at,
        body: told.to_string(),
        wants_answer: false,
        quiet: false,
    })
}

fn place_of(registry: &Registry, scope: &Scope, at: ValidAt) -> Option<Name> {
    match scope {
        Scope::Unit(unit) => registry.place_of(unit, at),
        Scope::Place(place) => Some(place.clone()),
        Scope::Lot(_) => None,
    }
}

pub(super) fn place_json(registry: &Registry, place: &Name) -> Value {
    let name = registry.places.get(place).and_then(|place| place.name.clone());
    let site = registry.site_of(place).filter(|site| site != place);
    json!({ "id": place.as_str(), "name": name, "site": site.as_ref().map(Name::as_str) })
}

/// What is held, with what people know it by.
pub(super) fn described(registry: &Registry, scope: &Scope, at: ValidAt) -> Value {
    let lot = match scope {
        Scope::Unit(unit) => registry.lot_of(unit),
        Scope::Lot(key) => Some(key.clone()),
        Scope::Place(_) => None,
    };
    let product = lot.as_ref().and_then(|key| registry.products.get(&key.gtin)).and_then(|known| known.name.clone());
    let mut json = json!({
        "unit": null,
        "place": place_of(registry, scope, at).as_ref().map(Name::as_str),
        "gtin": lot.as_ref().map(|key| key.gtin.as_str()),
        "lot": lot.as_ref().map(|key| key.lot.as_str()),
        "product": product,
    });
    if let Scope::Unit(unit) = scope {
        json["unit"] = json!(unit.as_str());
        json["quantity"] = json!(registry.beginning(unit).map(|(_, quantity)| quantity));
    }
    json
}
