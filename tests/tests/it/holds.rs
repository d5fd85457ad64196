//! Holds, from what the evaluator finds to a person's signature: in the ledger, over HTTP, across restarts.

mod acts;
mod audit;
mod desk;
mod dispatch;
mod kept;
mod neighbours;
mod people;
mod sessions;
mod signatures;
mod site;
mod together;

use std::sync::Arc;

use model::assessment::{
    Alarm, Assessment, Coverage, EndKind, Equivalent, Excursion, Extent, Interval, Life, Provenance, Reason,
    ReasonCode, StartKind, Verdict,
};
use model::gs1::{Gtin, LotText};
use model::hold::{AlarmCode, Cause, HoldState, Scope, Subject};
use model::instant::{RecordedAt, ValidAt};
use model::name::Name;
use model::registry::RegistryDocument;
use serde_json::{Value, json};
use store::ledger::{Finding, Findings, Ledger, Outcome};

/// 2026-11-22T10:00:00Z.
pub(crate) const TEN: i64 = 1_795_341_600_000;
pub(crate) const MINUTE: i64 = 60_000;
const GTIN: &str = "09506000134352";

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub(crate) fn minute(minute: i64) -> ValidAt {
    ValidAt::from_millis(TEN + minute * MINUTE)
}

/// Two rooms of a site, a hospital, a vehicle and another site; units `U1`, `U2` … of one lot in the first room.
pub(crate) fn document(units: usize) -> Value {
    let unit = |at: usize| json!({"id": format!("U{at}"), "gtin": GTIN, "lot": "LOT42", "quantity": 100, "place": "CR", "at": "2026-11-01T00:00:00Z"});
    json!({
        "products": [{"gtin": GTIN, "storage": {"temperature_c": [2.0, 8.0]}, "kinetics": {"model": "none"},
            "rules": [{"id":"hot","quantity":"temperature","side":"high","limit":8.0,"comparator":"gt","mode":"single",
                       "delay_s":1800,"severity":"hold"}],
            "min_remaining_days_at_dispatch": 20}],
        "lots": [{"gtin": GTIN, "lot": "LOT42", "expires_on": "2026-12-31"}],
        "places": [
            {"id":"HUB","kind":"site","timezone":"Europe/Berlin"}, {"id":"CR","kind":"cold_room","parent":"HUB"},
            {"id":"Q","kind":"store","parent":"HUB"}, {"id":"TRK","kind":"vehicle"}, {"id":"FAR","kind":"site"},
            {"id":"H","kind":"hospital"},
        ],
        "units": (1..=units).map(unit).collect::<Vec<_>>(),
    })
}

pub(crate) async fn apply(ledger: &Ledger, document: &Value) -> Outcome {
    let document = RegistryDocument::from_value(document).unwrap();
    ledger.apply(document, &name("m.lin"), None).await.unwrap()
}

pub(crate) fn hot(from: i64, to: i64, open: bool) -> Excursion {
    let lasts_s = ((to - from) * 60) as f64;
    Excursion {
        rule: name("hot"),
        start: minute(from),
        end: (!open).then(|| minute(to)),
        start_kind: StartKind::Crossing,
        end_kind: if open { EndKind::Open } else { EndKind::Recovered },
        duration_s: lasts_s,
        time_out_s: lasts_s,
        peak: 9.123,
        peak_at: minute(from),
        degree_seconds: lasts_s / 3.0,
    }
}

fn review(code: ReasonCode, at: i64) -> Reason {
    Reason { verdict: Verdict::Review, code, rule: None, at: minute(at) }
}

/// What is known of `unit` at minute `as_of`: `excursions` of the rule `hot`, those of 30 minutes or more firing.
pub(crate) fn assessed(unit: &str, as_of: i64, excursions: Vec<Excursion>) -> Assessment {
    let fired = |one: &&Excursion| one.duration_s >= 1800.0;
    let at = |one: &Excursion| ValidAt::from_millis(one.start.millis() + 30 * MINUTE);
    let alarms: Vec<Alarm> = excursions
        .iter()
        .filter(fired)
        .map(|one| Alarm { rule: name("hot"), at: Some(at(one)), worst_case_at: Some(at(one)) })
        .collect();
    let reasons: Vec<Reason> = alarms
        .iter()
        .filter_map(|alarm| alarm.at)
        .map(|at| Reason { verdict: Verdict::Hold, code: ReasonCode::Excursion, rule: Some(name("hot")), at })
        .collect();
    Assessment {
        unit: name(unit),
        gtin: Gtin::parse(GTIN).unwrap(),
        lot: LotText::parse("LOT42").unwrap(),
        as_of: minute(as_of),
        known_at: None,
        window: Interval { from: minute(-60 * 24 * 21), to: minute(as_of) },
        verdict: if reasons.is_empty() { Verdict::Pass } else { Verdict::Hold },
        reasons,
        excursions,
        alarms,
        coverage: Coverage { known_s: 60.0, unknown_s: 0.0, partial_s: 0.0, fraction: Some(1.0), gaps: Vec::new() },
        humidity_coverage: None,
        temperature: Extent::default(),
        humidity: Extent::default(),
        mkt: None,
        life: Life {
            elapsed_s: 60.0,
            equivalent_s: Equivalent { low: 60.0, nominal: 60.0, upper: 60.0 + 0.1 + 0.2 },
            extra_s: 0.1 + 0.2,
            contributions: Vec::new(),
        },
        budget: None,
        frozen: false,
        labelled_expiry: "2026-12-31".parse().unwrap(),
        effective_expiry: "2026-12-31".parse().unwrap(),
        effective_expiry_nominal: "2026-12-31".parse().unwrap(),
        provenance: Provenance {
            readings: 10,
            conflicts: 0,
            product_version: 1,
            watermark: Some(minute(as_of)),
            readings_digest: "sha256:00".to_owned(),
        },
    }
}

pub(crate) fn found_on(trace: &str, assessments: Vec<Assessment>) -> Findings {
    let finding = |assessment| Finding::of_unit(assessment, trace);
    Findings { assessed: assessments.into_iter().map(finding).collect(), ..Findings::default() }
}
