//! The worked comparison: readings every ten minutes under the rule "warmer than 8 °C for 30 minutes".

use super::*;

const MINUTE: i64 = 60_000;

fn every_ten(celsius: &[f64]) -> Vec<(i64, f64)> {
    celsius.iter().zip(0..).map(|(celsius, step)| (START + step * 10 * MINUTE, *celsius)).collect()
}

fn product(mode: &str) -> Value {
    let rule = |id: &str, side: &str, limit: f64, comparator: &str, delay_s: i64| {
        json!({"id": id, "quantity": "temperature", "side": side, "limit": limit, "comparator": comparator,
               "mode": mode, "delay_s": delay_s, "severity": "hold"})
    };
    json!({"storage": {}, "kinetics": {"model": "none"}, "max_gap_s": 1800,
           "rules": [rule("cold", "low", 2.0, "lt", 1800), rule("hot", "high", 8.0, "gt", 1800)]})
}

/// Excursions of `rule` as minutes from the start, `None` while open.
fn events(of: &Value, rule: &str) -> Vec<(f64, Option<f64>, String)> {
    let minutes = |at: &Value| (millis(at) - START) as f64 / MINUTE as f64;
    let all = of["excursions"].as_array().unwrap().iter().filter(|one| one["rule"] == rule);
    all.map(|one| {
        let end = (!one["end"].is_null()).then(|| minutes(&one["end"]));
        (minutes(&one["start"]), end, one["end_kind"].as_str().unwrap().to_owned())
    })
    .collect()
}

fn alarms(of: &Value, rule: &str) -> Vec<(Option<f64>, Option<f64>)> {
    let minutes = |at: &Value| (!at.is_null()).then(|| (millis(at) - START) as f64 / MINUTE as f64);
    let all = of["alarms"].as_array().unwrap().iter().filter(|one| one["rule"] == rule);
    all.map(|one| (minutes(&one["at"]), minutes(&one["worst_case_at"]))).collect()
}

#[test]
fn says_what_each_of_the_seven_cases_is() {
    let a = every_ten(&[5.0, 5.0, 9.0, 9.0, 9.0, 9.0, 9.0, 5.0, 5.0]);
    let b = every_ten(&[5.0, 9.0, 9.0, 5.0, 9.0, 9.0, 5.0, 9.0, 9.0, 5.0]);
    let c = [(0, 5.0), (10, 9.0), (250, 9.0), (260, 5.0)].map(|(at, celsius)| (START + at * MINUTE, celsius)).to_vec();
    let d = every_ten(&[5.0, 9.0, 9.0, 1.0, 1.0, 1.0, 1.0, 5.0]);
    let e = every_ten(&[5.0, 8.0, 8.0, 8.0, 8.0, 8.0, 5.0]);
    let f = every_ten(&[5.0, 5.0, 9.0]);
    let mut g = a.clone();
    g.extend(a.iter().filter(|(_, celsius)| *celsius > 8.0).copied());
    let (single, cumulative) = (product("single"), product("cumulative"));
    let mut cases = Cases::default();
    for (product, readings) in [
        (&single, &a),
        (&single, &b),
        (&cumulative, &b),
        (&single, &c),
        (&single, &d),
        (&single, &e),
        (&single, &f),
        (&single, &g),
    ] {
        cases.add(product, START, vec![Sensor::with(readings.clone())]);
    }
    let found = cases.assess(START + 300 * MINUTE);
    let recovered = || "recovered".to_owned();

    let [a, b, b_cumulative, c, d, e, f, g] = found.as_slice() else { panic!("{} assessments", found.len()) };
    // A: one event, from the crossing at 17.5 to the one at 62.5 minutes; it fires after half an hour.
    assert_eq!(events(a, "hot"), [(17.5, Some(62.5), recovered())]);
    assert_eq!(alarms(a, "hot"), [(Some(47.5), Some(47.5))]);
    // B: three events of 15 minutes, none of which fires; a cumulative rule adds them.
    let three = [(7.5, Some(22.5), recovered()), (37.5, Some(52.5), recovered()), (67.5, Some(82.5), recovered())];
    assert_eq!(events(b, "hot"), three);
    assert_eq!(alarms(b, "hot"), []);
    assert_eq!(events(b_cumulative, "hot"), three);
    assert_eq!(alarms(b_cumulative, "hot"), [(Some(52.5), Some(52.5))]);
    // C: two short known pieces, and between them 240 unknown minutes that are neither in range nor out (A3).
    assert_eq!(events(c, "hot"), [(7.5, Some(10.0), "gap".to_owned()), (250.0, Some(252.5), recovered())]);
    assert_eq!(c["excursions"][1]["start_kind"], "after_gap");
    assert_eq!(c["coverage"]["gaps"][0], json!({"from": told(START + 10 * MINUTE), "to": told(START + 250 * MINUTE)}));
    assert_eq!(alarms(c, "hot"), [(None, Some(37.5))]);
    assert_eq!(c["verdict"], "review");
    // D: hot, then cold, each for itself.
    assert_eq!(events(d, "hot"), [(7.5, Some(21.25), recovered())]);
    assert_eq!(events(d, "cold"), [(28.75, Some(62.5), recovered())]);
    assert_eq!((alarms(d, "hot"), alarms(d, "cold")), (vec![], vec![(Some(58.75), Some(58.75))]));
    // E: at the limit is within it.
    assert_eq!((events(e, "hot"), alarms(e, "hot")), (vec![], vec![]));
    // F: open, then unknown.
    assert_eq!(events(f, "hot"), [(17.5, None, "open".to_owned())]);
    assert_eq!(f["excursions"][0]["duration_s"], 150.0);
    assert_eq!(f["coverage"]["unknown_s"], 280.0 * 60.0);
    // G: A.
    for part in ["excursions", "alarms", "coverage", "temperature", "life", "verdict"] {
        assert_eq!(g[part], a[part], "{part}");
    }
}

/// The example of `docs/assessments.md`, with the registry and readings that stand there.
#[test]
fn the_example_of_the_document_comes_out_as_it_says() {
    let document = std::fs::read_to_string(tests::folder().join("../docs/assessments.md")).unwrap();
    let block = |kind: &str| document.split(&format!("```{kind}\n")).nth(1).unwrap().split("```").next().unwrap();
    let registry: Value = serde_json::from_str(block("json")).unwrap();
    let as_of = model::instant::parse_millis("2026-03-01T04:00:00Z").unwrap();
    let found = &assess(&registry, block("csv"), as_of)[0];
    for (pointer, expected) in [
        ("/verdict", json!("hold")),
        ("/reasons/0", json!({"code": "excursion", "rule": "hot", "at": "2026-03-01T00:47:30.000Z"})),
        ("/excursions/0/start", json!("2026-03-01T00:17:30.000Z")),
        ("/excursions/0/end", json!("2026-03-01T01:02:30.000Z")),
        ("/excursions/0/duration_s", json!(2700.0)),
        ("/excursions/0/peak", json!(9.0)),
        ("/excursions/0/degree_seconds", json!(2550.0)),
        ("/coverage/known_s", json!(9000.0)),
        ("/coverage/unknown_s", json!(5400.0)),
        ("/coverage/fraction", json!(0.625)),
        ("/temperature/min_c", json!(5.0)),
        ("/temperature/max_c", json!(9.0)),
        ("/life/elapsed_s", json!(14_400.0)),
        ("/effective_expiry", json!("2028-04-29")),
        ("/effective_expiry_nominal", json!("2028-04-29")),
    ] {
        assert_eq!(found.pointer(pointer), Some(&expected), "{pointer} in {found}");
    }
    let number = |pointer: &str| found.pointer(pointer).and_then(Value::as_f64).unwrap();
    assert!((number("/temperature/mean_c") - 19.0 / 3.0).abs() < 1e-9, "{found}");
    let days = number("/life/extra_s") / 86_400.0;
    assert!((0.4..0.8).contains(&days), "{days} days");
}
