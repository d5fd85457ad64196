//! A unit and a place within a report.

use analytics::assessment_json::{self, coverage, extent, interval};
use analytics::custody::{Custody, Keeping};
use analytics::fleet::{Outline, PlacePortrait};
use analytics::report::{COLUMNS, Report, UnitFacts, touches};
use model::assessment::{Alarm, Excursion, Interval, Provenance};
use model::hold::{Acceptance, HoldId, RaisedAlarm};
use model::instant::ValidAt;
use model::name::Name;
use serde_json::{Value, json};

use super::{Cuts, instant, names};

/// What a report says of one unit. What is listed by time is listed where it touches the part that is drawn.
pub(super) fn unit(facts: &UnitFacts, report: &Report, section: bool, cuts: &mut Cuts) -> Value {
    let portrait = &facts.portrait;
    let (drawn, id) = (portrait.drawn, &portrait.assessment.unit);
    let mut assessment = portrait.assessment.clone();
    let (excursions, alarms) = (assessment.excursions.len(), assessment.alarms.len());
    assessment.excursions.retain(|one| within(one, drawn));
    assessment.alarms.retain(|one| fired_within(one, drawn));
    for covered in [Some(&mut assessment.coverage), assessment.humidity_coverage.as_mut()].into_iter().flatten() {
        covered.gaps.retain(|gap| touches(gap.from, Some(gap.to), drawn));
    }
    let beyond = beyond(&assessment.excursions, drawn);
    let mut cut = |what: &'static str, items: Vec<Value>, list: &str| cuts.cut_of_unit(what, id, items, list);
    let mut told = assessment_json::assessment(&assessment);
    for (pointer, what) in [
        ("/excursions", "excursions"),
        ("/alarms", "alarms"),
        ("/coverage/gaps", "gaps"),
        ("/coverage/humidity/gaps", "humidity gaps"),
    ] {
        if let Some(list) = told.pointer_mut(pointer).and_then(Value::as_array_mut) {
            *list = cut(what, std::mem::take(list), "assessment");
        }
    }
    let custody = cut("stays", pieces(&portrait.custody), "assessment");
    let raised = cut("raised alarms", facts.alarms.iter().map(|one| RaisedAlarm::to_json(one)).collect(), "alarms");
    let chart = section.then(|| {
        let mut chart = chart(drawn, &portrait.temperature, &portrait.humidity);
        chart["beyond"] = beyond;
        chart
    });
    json!({
        "id": id.as_str(),
        "quantity": facts.quantity,
        "split_from": facts.split_from.as_ref().map(Name::as_str),
        "closure": facts.closure.as_ref().map(|end| json!({ "at": instant(end.at), "kind": end.kind.as_str() })),
        "stays": facts.stays.iter().copied().map(interval).collect::<Vec<_>>(),
        "custody": custody,
        "over_all_time": { "excursions": excursions, "alarms": alarms },
        "during_stays": stays(facts, report),
        "assessment": told,
        "holds": facts.holds.iter().map(HoldId::to_string).collect::<Vec<_>>(),
        "accepted": facts.accepted.iter().map(|one| Acceptance::to_json(one)).collect::<Vec<_>>(),
        "raised_alarms": raised,
        "section": section,
        "chart": chart,
    })
}

/// How often the unit was out of limits while it was in the place a report is about.
fn stays(facts: &UnitFacts, report: &Report) -> Value {
    if report.place.is_none() {
        return Value::Null;
    }
    let there = |one: &&Excursion| facts.stays.iter().any(|stay| within(one, *stay));
    json!({ "excursions": facts.portrait.assessment.excursions.iter().filter(there).count() })
}

/// What a report says of the place it is about.
pub(super) fn place(portrait: &PlacePortrait, cuts: &mut Cuts) -> Value {
    let window = portrait.custody.window;
    let mut covered = coverage(&portrait.coverage);
    if let Some(gaps) = covered["gaps"].as_array_mut() {
        *gaps = cuts.cut("gaps of the place", std::mem::take(gaps), super::MAX_ROWS, "POST /v1/sql, table `readings`");
    }
    let sensors = portrait.sensors.iter().map(|one| {
        json!({
            "sensor": one.sensor.as_str(),
            "coverage": { "known_s": one.coverage.known_s, "unknown_s": one.coverage.unknown_s, "fraction": one.coverage.fraction },
            "temperature": extent(&one.extent, "c"),
            "humidity": extent(&one.humidity, "pct"),
        })
    });
    json!({
        "id": portrait.custody.pieces.first().and_then(|piece| piece.place.as_ref()).map(Name::as_str),
        "coverage": covered,
        "temperature": extent(&portrait.extent, "c"),
        "humidity": extent(&portrait.humidity_extent, "pct"),
        "sensors": sensors.collect::<Vec<_>>(),
        "watched_by": pieces(&portrait.custody),
        "provenance": provenance(&portrait.provenance),
        "chart": chart(window, &portrait.temperature, &portrait.humidity),
    })
}

/// When each rule's limit was passed, all of it: a list of excursions may be cut, a drawing must not. What lies less than a
/// column apart is one here.
fn beyond(excursions: &[Excursion], drawn: Interval) -> Value {
    let column_ms = (drawn.to.millis() - drawn.from.millis()) / COLUMNS as i64;
    let mut joined: Vec<(&Name, i64, i64)> = Vec::new();
    for one in excursions {
        #[expect(clippy::cast_possible_truncation, reason = "a duration in ms")]
        let last = one.start.millis().saturating_add((one.duration_s * 1000.0) as i64);
        let (from, to) = (one.start.millis(), one.end.map_or(last, ValidAt::millis));
        match joined.iter_mut().rev().find(|(rule, ..)| **rule == one.rule) {
            Some((_, _, end)) if from - *end < column_ms => *end = to.max(*end),
            _ => joined.push((&one.rule, from, to)),
        }
    }
    let at = |millis| instant(ValidAt::from_millis(millis));
    let told = joined.iter().map(|(rule, from, to)| json!({ "rule": rule.as_str(), "from": at(*from), "to": at(*to) }));
    told.collect()
}

fn within(excursion: &Excursion, drawn: Interval) -> bool {
    touches(excursion.start, excursion.end, drawn)
}

fn fired_within(alarm: &Alarm, drawn: Interval) -> bool {
    [alarm.at, alarm.worst_case_at].into_iter().flatten().any(|at| touches(at, Some(at), drawn))
}

fn pieces(custody: &Custody) -> Vec<Value> {
    let piece = |piece: &Keeping| {
        json!({
            "from": instant(piece.from),
            "to": instant(piece.to),
            "place": piece.place.as_ref().map(Name::as_str),
            "sensors": names(&piece.sensors),
        })
    };
    custody.pieces.iter().map(piece).collect()
}

/// Lowest and highest of each column, null where nothing is known.
fn chart(drawn: Interval, temperature: &[Outline], humidity: &[Outline]) -> Value {
    let column = |outline: &Outline| match outline {
        Outline::Known { lowest, highest } => json!([below(*lowest), above(*highest)]),
        Outline::Unknown => Value::Null,
    };
    json!({
        "from": instant(drawn.from),
        "to": instant(drawn.to),
        "temperature_c": temperature.iter().map(column).collect::<Vec<_>>(),
        "humidity_pct": humidity.iter().map(column).collect::<Vec<_>>(),
    })
}

/// Whole thousandths, away from the middle: an extreme is never made smaller.
fn below(value: f64) -> f64 {
    (value * 1000.0 + 1e-6).floor() / 1000.0
}

fn above(value: f64) -> f64 {
    (value * 1000.0 - 1e-6).ceil() / 1000.0
}

fn provenance(of: &Provenance) -> Value {
    json!({
        "readings": of.readings,
        "conflicts": of.conflicts,
        "watermark": of.watermark.map(instant),
        "readings_digest": of.readings_digest,
        "engine": assessment_json::ENGINE,
    })
}

#[cfg(test)]
mod tests {
    use model::assessment::{EndKind, StartKind};

    use super::*;

    #[test]
    fn a_drawing_has_every_excursion_joined_by_columns() {
        let at = ValidAt::from_millis;
        let excursion = |rule: &str, start: i64, end: Option<i64>| Excursion {
            rule: Name::parse(rule).unwrap(),
            start: at(start),
            end: end.map(at),
            start_kind: StartKind::Crossing,
            end_kind: EndKind::Recovered,
            duration_s: 0.25,
            time_out_s: 0.25,
            peak: 9.0,
            peak_at: at(start),
            degree_seconds: 1.0,
        };
        // A column is 1,000 ms.
        let drawn = Interval { from: at(0), to: at(480_000) };
        let all: Vec<Excursion> = (0..300)
            .map(|number| excursion("hot", number * 1_500, Some(number * 1_500 + 400)))
            .chain([excursion("cold", 100, Some(200)), excursion("cold", 1_100, None)])
            .collect();
        let told = beyond(&all, drawn);
        let of =
            |rule: &str| told.as_array().unwrap().iter().filter(|one| one["rule"] == rule).cloned().collect::<Vec<_>>();
        assert_eq!(of("hot").len(), 300, "1,100 ms apart: none is left out and none is joined");
        let cold = json!({"rule": "cold", "from": "1970-01-01T00:00:00.100Z", "to": "1970-01-01T00:00:01.350Z"});
        assert_eq!(of("cold"), [cold]);
    }
}
