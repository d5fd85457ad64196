//! An assessment is a function of readings, registry and as-of (invariant A1): whatever the order, the door, the
//! batches, repetitions and restarts, not a byte of it differs.

use std::collections::BTreeSet;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use tests::site::{HURRIED, Site, TOKEN};

use super::*;

const SEED: u64 = 20_261_125;
const MINUTE: i64 = 60_000;
const AS_OF: i64 = START + 40 * 60 * MINUTE;
const UNIT: &str = "106141411234567897";

/// A unit in a room with two sensors, then on a truck; its pallet's logger names it for a while.
fn registry() -> Value {
    let at = |hours: i64| told(START + hours * 60 * MINUTE);
    json!({
        "products": [{"gtin": gtin(1), "storage": {"temperature_c": [2.0, 8.0], "humidity_pct": [null, 75.0]},
            "kinetics": {"model": "arrhenius", "ea_kj_per_mol": 83.144, "ea_high": 100.0, "reference_c": 5.0},
            "rules": [{"id": "hot", "quantity": "temperature", "side": "high", "limit": 8.0, "comparator": "gt",
                       "mode": "cumulative", "delay_s": 3600, "severity": "hold", "hysteresis": 0.25}],
            "freeze": {"limit_c": -0.5, "delay_s": 1800}, "max_gap_s": 3600, "gap_bound_c": 20.0, "gap_slew_c_per_h": 4.0,
            "budget": {"bands": [{"above_c": 8.0, "to_c": 25.0, "allowed_s": 86400}], "combine": "sum"},
            "mkt": {"window_s": 43200, "limit_c": 8.0, "severity": "review"}}],
        "places": [{"id": "CR", "kind": "cold_room"}, {"id": "TRK", "kind": "vehicle"}],
        "sensors": [{"id": "A", "accuracy_c": 0.5, "interval_s": 600}, {"id": "B", "accuracy_c": 0.2}, {"id": "T", "source": "on_change"},
                    {"id": "L"}],
        "associations": [{"sensor": "A", "place": "CR", "from": at(-1)}, {"sensor": "B", "place": "CR", "from": at(4)},
                         {"sensor": "T", "place": "TRK", "from": at(-1)}],
        "lots": [{"gtin": gtin(1), "lot": "LOT42", "expires_on": "2024-12-31"}],
        "units": [{"id": UNIT, "gtin": gtin(1), "lot": "LOT42", "quantity": 1, "place": "CR", "at": at(0)}],
        "moves": [{"unit": UNIT, "to": "TRK", "at": at(20)}],
    })
}

/// One reading.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    sensor: &'static str,
    at: i64,
    temperature: i32,
    humidity: Option<i32>,
    unit: bool,
}

/// Readings of four sensors with a warm hour, a silence, a frost and a conflict.
fn readings() -> Vec<Told> {
    let mut all = BTreeSet::new();
    for step in 0..240_i64 {
        let at = START + step * 10 * MINUTE;
        let wobble = i32::try_from(step * 37 % 11).unwrap() * 173;
        let of = |sensor, temperature| Told { sensor, at, temperature, humidity: None, unit: false };
        let warm = if (30..48).contains(&step) { 4500 } else { 0 };
        if !(70..90).contains(&step) {
            all.insert(Told { humidity: Some(55_000 + wobble * 13), ..of("A", 4100 + wobble + warm) });
        }
        all.insert(of("B", 4900 - wobble / 2));
        if step % 5 == 0 {
            all.insert(of("T", if (150..160).contains(&step) { -1250 } else { 6000 + wobble }));
        }
        all.insert(Told { unit: (10..14).contains(&step), ..of("L", 3000) });
    }
    all.insert(Told { sensor: "A", at: START + 35 * 10 * MINUTE, temperature: 12_345, humidity: None, unit: false });
    all.into_iter().collect()
}

fn decimal(thousandths: i32) -> f64 {
    f64::from(thousandths) / 1000.0
}

fn csv(readings: &[Told]) -> String {
    let mut text = "unit,humidity_pct,measured_at,sensor,temperature_c\n".to_owned();
    for reading in readings {
        let humidity = reading.humidity.map(|humidity| decimal(humidity).to_string()).unwrap_or_default();
        let unit = if reading.unit { UNIT } else { "" };
        writeln!(text, "{unit},{humidity},{},{},{}", told(reading.at), reading.sensor, decimal(reading.temperature))
            .unwrap();
    }
    text
}

fn message(readings: &[Told]) -> Value {
    let each = readings.iter().map(|reading| {
        let mut told =
            json!({"sensor": reading.sensor, "at": reading.at, "temperature_c": decimal(reading.temperature)});
        if let Some(humidity) = reading.humidity {
            told["humidity_pct"] = json!(decimal(humidity));
        }
        if reading.unit {
            told["unit"] = json!(UNIT);
        }
        told
    });
    json!({"readings": each.collect::<Vec<_>>()})
}

/// `readings` shuffled, a third of them twice, cut into messages of all sizes.
fn messages(seed: u64) -> Vec<Vec<Told>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut all = readings();
    all.extend(all.iter().step_by(3).cloned().collect::<Vec<_>>());
    all.shuffle(&mut random);
    let mut messages = Vec::new();
    let mut rest = all.as_slice();
    for size in [1, 7, 40, 2, 150].into_iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (next, left) = rest.split_at(size.min(rest.len()));
        messages.push(next.to_vec());
        rest = left;
    }
    messages
}

#[test]
fn a_file_may_be_in_any_order() {
    let (sorted, registry) = (assess_text(&registry(), &csv(&readings()), AS_OF), registry());
    let assessment: Value = serde_json::from_str(&sorted).unwrap();
    // It is about something: an excursion, a gap, a conflict, and readings of the logger and of the truck.
    assert_eq!(assessment[0]["provenance"]["conflicts"], 1, "{assessment}");
    assert!(assessment[0]["excursions"].as_array().unwrap().len() >= 2, "{assessment}");
    assert!(assessment[0]["coverage"]["partial_s"].as_f64().unwrap() > 0.0, "{assessment}");
    for seed in SEED..SEED + 4 {
        let shuffled: Vec<Told> = messages(seed).concat();
        assert_eq!(assess_text(&registry, &csv(&shuffled), AS_OF), sorted, "seed {seed}");
    }
}

/// What a server or a data directory says, as it is printed.
async fn asked(site: &Site, source: [&str; 2]) -> String {
    let as_of = AS_OF.to_string();
    let mut arguments = vec!["assess", source[0], source[1], "--as-of", &as_of, "--json"];
    if source[0] == "--url" {
        arguments.extend(["--token", TOKEN]);
    }
    let output = site.coldtrail(&arguments).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The same JSON without what stands between its values; the values to the last digit.
fn compact(text: &str) -> String {
    let (mut inside, mut escaped) = (false, false);
    let kept = text.chars().filter(|&letter| {
        if letter == '"' && !escaped {
            inside = !inside;
        }
        escaped = inside && letter == '\\' && !escaped;
        inside || !letter.is_whitespace()
    });
    kept.collect()
}

async fn sent(site: &Site, over_mqtt: bool, seed: u64) {
    let (status, answer) = site.post("/v1/registry", TOKEN, &registry()).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    for readings in messages(seed) {
        let mut message = message(&readings);
        if over_mqtt {
            site.publish("G", message.to_string()).await.unwrap();
        } else {
            (message["site"], message["gateway"]) = (json!("S"), json!("G"));
            let (status, answer) = site.post("/v1/readings", TOKEN, &message).await.unwrap();
            assert_eq!((status, &answer["rejected"]), (200, &json!([])), "{answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mqtt_http_files_and_restarts_give_the_same_bytes() {
    let from_file = assess_text(&registry(), &csv(&readings()), AS_OF);
    for (over_mqtt, seed) in [(true, SEED + 10), (false, SEED + 11)] {
        let mut site = Site::start(HURRIED).await.unwrap();
        sent(&site, over_mqtt, seed).await;
        let before = asked(&site, ["--url", &site.url()]).await;
        assert_eq!(compact(&before), compact(&from_file), "mqtt: {over_mqtt}");
        site.kill9().await.unwrap();
        site.restart().await.unwrap();
        assert_eq!(asked(&site, ["--url", &site.url()]).await, before, "after a crash");
        let sql = format!("SELECT document FROM assess_at('{}')", told(AS_OF));
        let computed = site.sql(&sql).await.unwrap();
        assert_eq!(format!("[{}]", computed[0]["document"].as_str().unwrap()), compact(&from_file), "in SQL");
        site.sigterm().await.unwrap();
        let data = site.data().to_str().unwrap().to_owned();
        assert_eq!(asked(&site, ["--data", &data]).await, from_file, "without a server");
    }
}
