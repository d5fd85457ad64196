use std::collections::HashMap;

use model::instant::{MeasuredAt, RecordedAt};
use model::quantity::{Humidity, Temperature};
use model::reading::Observation;
use model::registry::RegistryDocument;
use proptest::prelude::*;
use proptest::test_runner::TestRng;
use serde_json::{Value, json};

use super::super::heard::Push;
use super::*;
use crate::assessment_json;
use crate::custody::Index;
use crate::fleet::Fleet;
use crate::logs::Logs;

const BEGIN: i64 = 1_790_000_000_000;
const MINUTE: i64 = 60_000;

/// What a random history draws from.
struct Draw(TestRng);

impl Draw {
    fn below(&mut self, end: u64) -> i64 {
        (self.0.next_u64() % end).cast_signed()
    }

    fn is(&mut self, percent: u64) -> bool {
        self.below(100) < percent.cast_signed()
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        let index = self.below(all.len() as u64);
        all[usize::try_from(index).unwrap()].clone()
    }
}

fn instant(at: i64) -> String {
    ValidAt::from_millis(at).to_string()
}

/// A random rule whose limit lies where the readings are.
fn rule(draw: &mut Draw, number: usize) -> Value {
    let humidity = draw.is(15);
    let side = draw.of(&["high", "low"]);
    let limit = match (humidity, side) {
        (true, _) => 50.0 + draw.below(20) as f64,
        (false, "high") => 6.0 + draw.below(60) as f64 / 10.0,
        _ => draw.below(50) as f64 / 10.0,
    };
    let mut rule = json!({
        "id": format!("r{number}"), "quantity": if humidity { "humidity" } else { "temperature" }, "side": side,
        "limit": limit,
        "comparator": if side == "high" { draw.of(&["gt", "ge"]) } else { draw.of(&["lt", "le"]) },
        "mode": draw.of(&["single", "cumulative"]), "delay_s": draw.of(&[0, 300, 1800, 7200]),
        "severity": draw.of(&["notify", "review", "hold"]),
    });
    if draw.is(30) {
        rule["hysteresis"] = json!(draw.of(&[0.5, 1.0, 2.0]));
    }
    if draw.is(40) {
        rule["merge_s"] = json!(draw.of(&[300, 1200, 3600]));
    }
    if draw.is(20) {
        rule["interp"] = json!("hold");
    }
    if rule["mode"] == "cumulative" && draw.is(50) {
        rule["window_s"] = json!(draw.of(&[3600, 86_400]));
    }
    rule
}

fn product(draw: &mut Draw) -> Value {
    let mut product = json!({
        "gtin": "09506000134352", "storage": {"temperature_c": [2.0, 8.0]},
        "rules": (0..draw.below(4)).map(|number| rule(draw, usize::try_from(number).unwrap())).collect::<Vec<_>>(),
        "guard_band": draw.is(40),
    });
    if draw.is(80) {
        product["kinetics"] = match draw.below(3) {
            0 => {
                json!({"model": "arrhenius", "ea_kj_per_mol": 83.144, "ea_low": 70.0, "ea_high": 110.0, "reference_c": 5.0,
                        "credit_below_reference": draw.is(30)})
            }
            1 => json!({"model": "q10", "q10": 2.5, "reference_c": 5.0}),
            _ => json!({"model": "square_root", "t_min_c": -8.0, "reference_c": 5.0}),
        };
        if draw.is(30) {
            product["kinetics"]["valid_c"] = json!([-3.0, 13.0]);
        }
    }
    if draw.is(50) {
        product["freeze"] = json!({"limit_c": -0.5, "delay_s": draw.of(&[600, 86_400])});
    }
    if draw.is(50) {
        product["budget"] = json!({"combine": draw.of(&["sum", "any"]), "bands": [
            {"above_c": 8.0, "to_c": 11.0, "allowed_s": draw.of(&[3600, 259_200])},
            {"above_c": 11.0, "to_c": 25.0, "allowed_s": 86_400}]});
    }
    if draw.is(50) {
        product["max_gap_s"] = json!(draw.of(&[600, 1800, 7200]));
    }
    if draw.is(50) {
        product["max_unmonitored_s"] = json!(3600);
    }
    if draw.is(60) {
        product["gap_bound_c"] = json!(20.0);
        if draw.is(50) {
            product["gap_slew_c_per_h"] = json!(3.0);
        }
    }
    if draw.is(80) {
        product["mkt"] = json!({"dh_kj_per_mol": 83.144, "window_s": draw.of(&[1800, 14_400, 86_400, 8_640_000]),
                                "limit_c": 7.0, "severity": "review"});
    }
    product
}

fn registry(draw: &mut Draw) -> Registry {
    let names = ["A", "B", "C"];
    let sensor = |draw: &mut Draw, name: &str| {
        let mut sensor = json!({"id": name, "source": if draw.is(20) { "on_change" } else { "continuous" }});
        if draw.is(50) {
            sensor["accuracy_c"] = json!(0.5);
        }
        if draw.is(50) {
            sensor["interval_s"] = json!(300);
        }
        if draw.is(30) {
            let from = instant(BEGIN + draw.below(3000) * MINUTE);
            sensor["calibrations"] = json!([{"from": from, "offset_c": -0.3, "uncertainty_c": 0.2}]);
        }
        sensor
    };
    let mut associations = vec![
        json!({"sensor": "A", "place": "P", "from": instant(BEGIN - 86_400_000)}),
        json!({"sensor": "C", "place": "Q", "from": instant(BEGIN - 86_400_000)}),
    ];
    if draw.is(60) {
        let from = BEGIN + (draw.below(2000) - 500) * MINUTE;
        let mut second = json!({"sensor": "B", "place": "P", "from": instant(from)});
        if draw.is(50) {
            second["to"] = json!(instant(from + (1 + draw.below(3000)) * MINUTE));
        }
        associations.push(second);
    }
    let mut moves = Vec::new();
    let mut at = BEGIN;
    for _ in 0..draw.below(4) {
        at += (1 + draw.below(2000)) * MINUTE + draw.of(&[0, 1, 30_000]);
        moves.push(json!({"unit": "U", "to": draw.of(&["P", "Q"]), "at": instant(at)}));
    }
    let mut exclusions: Vec<Value> = (0..draw.below(3))
        .map(|_| {
            let from = BEGIN + draw.below(4000) * MINUTE + draw.of(&[0, 20_000]);
            let to = from + (1 + draw.below(200)) * MINUTE;
            json!({"sensor": draw.of(&names), "from": instant(from), "to": instant(to), "reason": "test", "by": "t"})
        })
        .collect();
    exclusions.dedup_by_key(|exclusion| (exclusion["sensor"].clone(), exclusion["from"].clone()));
    let mut document = json!({
        "products": [product(draw)],
        "places": [{"id": "P", "kind": "store", "timezone": "Europe/Berlin"}, {"id": "Q", "kind": "store"}],
        "sensors": names.map(|name| sensor(draw, name)),
        "associations": associations,
        "lots": [{"gtin": "09506000134352", "lot": "L", "expires_on": "2027-04-30"}],
        "units": [{"id": "U", "gtin": "09506000134352", "lot": "L", "quantity": 1, "place": "P", "at": instant(BEGIN)}],
        "moves": moves,
        "exclusions": exclusions,
    });
    if draw.is(20) {
        document["closures"] =
            json!([{"unit": "U", "at": instant(BEGIN + (1 + draw.below(4000)) * MINUTE), "kind": "delivered"}]);
    }
    let document = RegistryDocument::from_value(&document).unwrap();
    Registry::default().plan(&document, RecordedAt::from_millis(0)).unwrap().after
}

/// Readings in the order they come: mostly by time, of three sensors, with silences, spikes and values that disagree.
fn readings(draw: &mut Draw, count: usize) -> Vec<Observation> {
    let mut all: Vec<(i64, Observation)> = Vec::new();
    for (sensor, step) in [("A", 1), ("B", 2), ("C", 1)] {
        let sensor = Name::parse(sensor).unwrap();
        let step = step * MINUTE * draw.of(&[1, 5]);
        let tells_humidity = draw.is(40);
        let mut at = BEGIN + (draw.below(40) - 20) * MINUTE + draw.of(&[0, 7_000]);
        let (mut celsius, rough) = (5000i32, draw.of(&[3, 40, 700]));
        for _ in 0..count {
            at += if draw.is(2) { draw.below(400) * MINUTE / 2 } else { step };
            if draw.is(5) {
                at += draw.below(30_000);
            }
            celsius += i32::try_from(draw.below(2 * rough + 1) - rough.cast_signed()).unwrap();
            if draw.is(2) {
                celsius = draw.of(&[5000, 4000, 8000, 9500, 0, 12_500]);
            }
            celsius = celsius.clamp(-4000, 15_000);
            let told = |celsius: i32, percent: Option<f64>| Observation {
                sensor: sensor.clone(),
                measured_at: MeasuredAt::from_millis(at),
                temperature: Temperature::from_celsius(f64::from(celsius) / 1000.0),
                humidity: percent.and_then(Humidity::from_percent),
                unit: None,
            };
            let percent = (tells_humidity && draw.is(80)).then(|| 50.0 + draw.below(20) as f64);
            let delay = if draw.is(3) { draw.below(2000) * MINUTE } else { draw.below(3) * MINUTE };
            all.push((at + delay, told(celsius, percent)));
            if draw.is(1) {
                all.push((at + delay, told(celsius + 500, None)));
            }
        }
    }
    all.sort_by_key(|(arrives, _)| *arrives);
    all.into_iter().map(|(_, reading)| reading).collect()
}

/// A quiet cold room is folded to almost nothing, and so is a warm one that stays warm.
#[test]
fn holds_few_readings_of_a_place_where_nothing_happens() {
    let mut draw = Draw(TestRng::deterministic_rng(prop::test_runner::RngAlgorithm::ChaCha));
    for base in [5.0, 9.0] {
        let registry = loop {
            let registry = registry(&mut draw);
            let exclusions = registry.exclusions.iter().len();
            let closed = registry.closures.iter().len() + registry.moves.iter().len();
            if exclusions + closed == 0 && registry.associations.iter().len() == 2 {
                break registry;
            }
        };
        let (profiles, unit, sensor) = (Profiles::default(), Name::parse("U").unwrap(), Name::parse("A").unwrap());
        let mut kept = Kept::new(&crate::logs::Log::default(), &registry, &sensor, None);
        for minute in 0..20_000i64 {
            kept.push(&Observation {
                sensor: sensor.clone(),
                measured_at: MeasuredAt::from_millis(BEGIN + minute * MINUTE),
                temperature: Temperature::from_celsius(base + (minute % 7) as f64 / 100.0),
                humidity: None,
                unit: None,
            });
        }
        let (mut followed, as_of) = (Followed::default(), ValidAt::from_millis(BEGIN + 20_000 * MINUTE));
        let custody = Custody::of(&registry, &Index::new(&registry), &unit, as_of).unwrap();
        let of_sensor = |name: &Name| (*name == sensor).then_some(&kept);
        let shown = followed.assess(&registry, &profiles, &custody, &unit, as_of, &of_sensor).unwrap().unwrap();
        assert_eq!(shown.provenance.readings, 20_000);
        assert!(followed.held() < 200, "{}", followed.held());
    }
}

fn text(assessment: &Assessment) -> String {
    assessment_json::assessment(assessment).to_string()
}

/// What the three sensors said, since an instant.
fn read(registry: &Registry, logs: &Logs, since: Option<i64>) -> HashMap<Name, Kept> {
    let of = |name: &str| {
        let sensor = Name::parse(name).unwrap();
        let mut log = logs.get(&sensor).cloned().unwrap_or_default();
        for readings in [&mut log.temperature, &mut log.humidity] {
            readings.retain(|sample| since.is_none_or(|since| sample.at >= since));
        }
        let kept = Kept::new(&log, registry, &sensor, since.map(ValidAt::from_millis));
        (sensor, kept)
    };
    ["A", "B", "C"].map(of).into()
}

/// What the three sensors said, as far back as is needed unless readings come that were measured before `late`.
fn needed(registry: &Registry, logs: &Logs, followed: &Followed, late: i64) -> HashMap<Name, Kept> {
    let of = |name: &str| {
        let sensor = Name::parse(name).unwrap();
        let mut log = logs.get(&sensor).cloned().unwrap_or_default();
        let whole = Kept::new(&log, registry, &sensor, None);
        let Some(since) = followed.needs(&sensor, late).filter(|since| *since > i64::MIN) else {
            return (sensor, whole);
        };
        let since = since.min(late);
        let before = log.temperature.iter().chain(&log.humidity).map(|sample| sample.at).filter(|at| *at < since).max();
        for readings in [&mut log.temperature, &mut log.humidity] {
            readings.retain(|sample| sample.at >= since);
        }
        let kept = Kept::new(&log, registry, &sensor, Some(ValidAt::from_millis(since)));
        (sensor, kept.after(before, whole.first_of_each()))
    };
    ["A", "B", "C"].map(of).into()
}

/// Whether a unit that is followed is at any time what all of its readings together say it is; how often its older past
/// was not gone through again.
fn compare(seed: u64, grain: usize, count: usize, every: usize) -> usize {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut draw = Draw(TestRng::from_seed(prop::test_runner::RngAlgorithm::ChaCha, &bytes));
    let (registry, profiles, unit) = (registry(&mut draw), Profiles::default(), Name::parse("U").unwrap());
    let readings = readings(&mut draw, count);
    let (mut logs, mut followed) = (Logs::default(), Followed::with_grain(grain));
    let mut kept = read(&registry, &logs, None);
    let (index, mut newest) = (Index::new(&registry), BEGIN);
    // Of several readings it is enough to tell of the earliest, and whether one came late.
    let tells_one_by_one = draw.is(50);
    let mut untold: Option<(i64, bool)> = None;
    let mut settled = 0;
    for (number, reading) in readings.iter().enumerate() {
        let at = reading.measured_at.millis();
        let log = logs.of(reading.sensor.clone());
        log.temperature.extend(reading.temperature.map(|value| Sample { at, value: value.millidegrees() }));
        log.humidity.extend(reading.humidity.map(|value| Sample { at, value: value.thousandths() }));
        newest = newest.max(at);
        let own = kept.get_mut(&reading.sensor).unwrap();
        let is_late = if own.since().is_some_and(|since| at < since) {
            kept = read(&registry, &logs, None);
            true
        } else {
            own.push(reading) == Push::Late
        };
        let (first, was_late) = untold.unwrap_or((at, false));
        untold = Some((first.min(at), was_late || is_late));
        let asked = number % every == every - 1 || number + 1 == readings.len();
        if let Some((at, is_late)) = untold.take_if(|_| tells_one_by_one || asked) {
            followed.told(at, is_late);
        }
        if !asked {
            continue;
        }
        if draw.is(15)
            && let Some(profile) = followed.profile.clone()
        {
            let mut bytes = Vec::new();
            assert!(followed.put(&mut bytes));
            followed = Followed::take(&mut bytes.as_slice(), profile).unwrap();
            // A start that reads the newest readings only.
            if draw.is(50) {
                let since = BEGIN + draw.below(u64::try_from(newest - BEGIN).unwrap_or(0) + 1);
                kept = read(&registry, &logs, Some(since));
            }
        }
        if draw.is(20) && followed.profile.is_some() {
            let late = newest - draw.of(&[0, 1, 60, 1000]) * MINUTE;
            followed.forget(late);
            kept = needed(&registry, &logs, &followed, late);
        }
        let past = BEGIN + draw.below(u64::try_from(newest - BEGIN).unwrap_or(0) + 1);
        let soon = newest + draw.of(&[0, 1, 90 * MINUTE]);
        for as_of in [soon, if draw.is(50) { past } else { draw.of(&readings[..=number]).measured_at.millis() }] {
            let as_of = ValidAt::from_millis(as_of);
            let Some(custody) = Custody::of(&registry, &index, &unit, as_of) else { continue };
            let mut here = followed.assess(&registry, &profiles, &custody, &unit, as_of, &|name| kept.get(name));
            if here.is_err() {
                kept = read(&registry, &logs, None);
                here = followed.assess(&registry, &profiles, &custody, &unit, as_of, &|name| kept.get(name));
            }
            let whole = Fleet::new(&registry, &logs, &profiles, as_of, None).assess(&unit);
            let (here, whole) = (here.unwrap().unwrap(), whole.unwrap());
            assert_eq!(text(&here), text(&whole), "seed {seed}, reading {number}, as of {}", as_of);
            settled += usize::from(followed.temperature.is_settled());
        }
    }
    settled
}

/// As [`is_what_all_readings_say`], and of a third of the histories the older past is settled after a while.
#[test]
fn is_what_all_readings_say_when_older_ones_are_settled() {
    let settled = (0..60).filter(|seed| compare(*seed, 12, 500, 20) > 0).count();
    assert!(settled >= 20, "{settled} of 60");
}

proptest! {
    /// Invariant A2: wherever the past is cut, and whatever came late, the answer is the batch's to the byte.
    #[test]
    fn is_what_all_readings_say(seed in any::<u64>(), grain in 3usize..60, count in 20usize..500, every in 1usize..150) {
        compare(seed, grain, count, every);
    }
}
