//! The registry that benchmarks of assessments use: places with one sensor each, and units of one product in them.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

/// The product of all units.
pub(super) const GTIN: &str = "09506000134352";
/// What the rule `hot` calls warm, °C: within the band the load walks in, so that there are excursions.
pub(super) const HOT_C: f64 = 6.5;
/// How long it may be warm before the rule fires, s.
pub(super) const HOT_DELAY_S: f64 = 1800.0;

/// A rule `id` of the product: warmer than `limit_c` for `delay_s`.
pub(super) fn rule(id: &str, limit_c: f64, delay_s: f64) -> Value {
    json!({"id": id, "quantity": "temperature", "side": "high", "limit": limit_c, "comparator": "gt", "mode": "single",
        "delay_s": delay_s, "severity": "hold"})
}

/// A document with places `P000000` and up under sensors `S000000` and up, and `units` spread evenly over them.
///
/// `rules` are all the product has, but for its freeze limit.
pub(super) fn registry(sensors: usize, units: usize, since: &str, rules: &[Value]) -> Value {
    let place = |number: usize| format!("P{number:06}");
    let sensor = |number: usize| format!("S{number:06}");
    json!({
        "products": [{
            "gtin": GTIN, "name": "Insulin pen", "storage": {"temperature_c": [null, HOT_C]},
            "kinetics": {"model": "arrhenius", "ea_kj_per_mol": 83.144, "reference_c": 5.0, "valid_c": [-5.0, 40.0]},
            "rules": rules,
            "freeze": {"limit_c": -0.5, "delay_s": 3600},
            "budget": {"bands": [{"above_c": HOT_C, "to_c": 15.0, "allowed_s": 2_592_000},
                {"above_c": 15.0, "to_c": 25.0, "allowed_s": 86_400}], "combine": "sum"},
            "max_gap_s": 1800, "max_unmonitored_s": 7200, "gap_bound_c": 25.0,
            "mkt": {"dh_kj_per_mol": 83.144, "window_s": 86_400, "limit_c": 8.0, "severity": "review"},
        }],
        "places": (0..sensors).map(|number| json!({"id": place(number), "name": place(number), "kind": "cold_room"}))
            .collect::<Vec<_>>(),
        "sensors": (0..sensors).map(|number| json!({"id": sensor(number), "accuracy_c": 0.5, "interval_s": 60}))
            .collect::<Vec<_>>(),
        "associations": (0..sensors)
            .map(|number| json!({"sensor": sensor(number), "place": place(number), "from": since}))
            .collect::<Vec<_>>(),
        "lots": [{"gtin": GTIN, "lot": "BENCH", "manufactured_on": "2020-01-01", "expires_on": "2090-01-01"}],
        "units": (0..units)
            .map(|number| json!({"id": unit(number), "gtin": GTIN, "lot": "BENCH", "quantity": 1,
                "place": place(number % sensors), "at": since}))
            .collect::<Vec<_>>(),
    })
}

/// The name of a unit.
pub(super) fn unit(number: usize) -> String {
    format!("U{number:06}")
}

/// An instant as documents have it.
pub(super) fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
