//! Assessments as the outside contract writes them.

use model::assessment::{Alarm, Assessment, Contribution, Coverage, Excursion, Extent, Interval, MeanKinetic, Reason};
use model::instant::ValidAt;
use model::instant::to_rfc3339;
use serde_json::{Map, Value, json};

use crate::kernel::MKT_GAS_CONSTANT;

/// The engine named in an assessment's provenance.
pub const ENGINE: &str = concat!("coldtrail ", env!("CARGO_PKG_VERSION"));

/// An assessment as JSON, section 4 of the outside contract, to the letter.
#[must_use]
pub fn assessment(of: &Assessment) -> Value {
    let equivalent = &of.life.equivalent_s;
    let mut covered = coverage(&of.coverage);
    if let (Some(humidity), Value::Object(covered)) = (&of.humidity_coverage, &mut covered) {
        covered.insert("humidity".into(), coverage(humidity));
    }
    json!({
        "unit": of.unit.as_str(),
        "gtin": of.gtin.as_str(),
        "lot": of.lot.as_str(),
        "as_of": instant(of.as_of),
        "known_at": of.known_at.map(|at| to_rfc3339(at.millis())),
        "window": interval(of.window),
        "verdict": of.verdict.as_str(),
        "reasons": of.reasons.iter().map(reason).collect::<Vec<_>>(),
        "excursions": of.excursions.iter().map(excursion).collect::<Vec<_>>(),
        "alarms": of.alarms.iter().map(alarm).collect::<Vec<_>>(),
        "coverage": covered,
        "temperature": extent(&of.temperature, "c"),
        "humidity": extent(&of.humidity, "pct"),
        "mkt": of.mkt.as_ref().map(mkt),
        "life": {
            "elapsed_s": of.life.elapsed_s,
            "equivalent_s": { "low": equivalent.low, "nominal": equivalent.nominal, "upper": equivalent.upper },
            "extra_s": of.life.extra_s,
            "contributions": of.life.contributions.iter().map(contribution).collect::<Vec<_>>(),
        },
        "budget": of.budget.as_ref().map(|budget| json!({
            "used_fraction": budget.used_fraction,
            "bands": budget.bands.iter().map(|band| json!({
                "above_c": band.above_c, "used_s": band.used_s, "fraction": band.fraction,
            })).collect::<Vec<_>>(),
        })),
        "frozen": of.frozen,
        "labelled_expiry": of.labelled_expiry.to_string(),
        "effective_expiry": of.effective_expiry.to_string(),
        "effective_expiry_nominal": of.effective_expiry_nominal.to_string(),
        "provenance": {
            "readings": of.provenance.readings,
            "conflicts": of.provenance.conflicts,
            "product_version": of.provenance.product_version,
            "watermark": of.provenance.watermark.map(instant),
            "readings_digest": of.provenance.readings_digest,
            "engine": ENGINE,
        },
    })
}

/// A reason of a verdict.
#[must_use]
pub fn reason(of: &Reason) -> Value {
    let mut reason = Map::from_iter([("code".to_owned(), json!(of.code.as_str()))]);
    if let Some(rule) = &of.rule {
        reason.insert("rule".into(), json!(rule.as_str()));
    }
    reason.insert("at".into(), instant(of.at));
    Value::Object(reason)
}

/// An excursion.
#[must_use]
pub fn excursion(of: &Excursion) -> Value {
    json!({
        "rule": of.rule.as_str(),
        "start": instant(of.start),
        "end": of.end.map(instant),
        "start_kind": of.start_kind.as_str(),
        "end_kind": of.end_kind.as_str(),
        "duration_s": of.duration_s,
        "time_out_s": of.time_out_s,
        "peak": of.peak,
        "peak_at": instant(of.peak_at),
        "degree_seconds": of.degree_seconds,
    })
}

/// An alarm.
#[must_use]
pub fn alarm(of: &Alarm) -> Value {
    json!({
        "rule": of.rule.as_str(),
        "at": of.at.map(instant),
        "worst_case_at": of.worst_case_at.map(instant),
    })
}

/// Known and unknown time.
#[must_use]
pub fn coverage(of: &Coverage) -> Value {
    json!({
        "known_s": of.known_s,
        "unknown_s": of.unknown_s,
        "partial_s": of.partial_s,
        "fraction": of.fraction,
        "gaps": of.gaps.iter().copied().map(interval).collect::<Vec<_>>(),
    })
}

/// Lowest, highest and mean; `unit` ends the names of its members.
#[must_use]
pub fn extent(of: &Extent, unit: &str) -> Value {
    let field = |name: &str, value: Option<f64>| (format!("{name}_{unit}"), json!(value));
    Value::Object(Map::from_iter([field("min", of.min), field("max", of.max), field("mean", of.mean)]))
}

fn mkt(of: &MeanKinetic) -> Value {
    match of {
        MeanKinetic::FrozenProduct => json!({ "value_c": null, "reason": "frozen_product" }),
        MeanKinetic::Of(figures) => json!({
            "value_c": figures.value_c,
            "window_s": seconds(figures.window_s),
            "max_window_c": figures.max_window_c,
            "max_window_to": figures.max_window_to.map(instant),
            "partial_window": figures.partial_window,
            "dh_kj_per_mol": figures.dh_kj_per_mol,
            "r": MKT_GAS_CONSTANT,
            "mode": "linear_exact",
        }),
    }
}

/// Whole seconds without a point.
fn seconds(seconds: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "at most 100 years")]
    if seconds.fract() == 0.0 { json!(seconds as i64) } else { json!(seconds) }
}

fn contribution(of: &Contribution) -> Value {
    json!({
        "from": instant(of.interval.from),
        "to": instant(of.interval.to),
        "extra_s": of.extra_s,
        "kind": of.kind.as_str(),
    })
}

/// From when to when.
#[must_use]
pub fn interval(of: Interval) -> Value {
    json!({ "from": instant(of.from), "to": instant(of.to) })
}

fn instant(at: ValidAt) -> Value {
    Value::String(to_rfc3339(at.millis()))
}
