//! Random histories: a product, places, sensors, units that are moved about, and what the sensors said.

use model::instant::{MeasuredAt, RecordedAt, ValidAt};
use model::name::Name;
use model::quantity::{Humidity, Temperature};
use model::reading::Observation;
use model::registry::{Registry, RegistryDocument};
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::{Value, json};

pub(crate) const BEGIN: i64 = 1_790_000_000_000;
pub(crate) const MINUTE: i64 = 60_000;

/// What a random history draws from.
pub(crate) struct Draw(TestRng);

impl Draw {
    /// The draws of a history, by its number.
    pub(crate) fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
    }

    pub(crate) fn below(&mut self, end: u64) -> i64 {
        (self.0.next_u64() % end).cast_signed()
    }

    pub(crate) fn is(&mut self, percent: u64) -> bool {
        self.below(100) < percent.cast_signed()
    }

    pub(crate) fn of<T: Clone>(&mut self, all: &[T]) -> T {
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

/// A registry with a unit `U` and so many `others`, `V0` and so on, that come later.
pub(crate) fn registry(draw: &mut Draw, others: usize) -> Registry {
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
    let mut move_about = |draw: &mut Draw, unit: &str, mut at: i64, most: u64| {
        for _ in 0..draw.below(most) {
            at += (1 + draw.below(2000)) * MINUTE + draw.of(&[0, 1, 30_000]);
            moves.push(json!({"unit": unit, "to": draw.of(&["P", "Q"]), "at": instant(at)}));
        }
    };
    let unit = |id: &str, place: &str, at: i64| json!({"id": id, "gtin": "09506000134352", "lot": "L", "quantity": 1, "place": place, "at": instant(at)});
    move_about(draw, "U", BEGIN, 4);
    let mut units = vec![unit("U", "P", BEGIN)];
    for number in 0..others {
        let (id, at) = (format!("V{number}"), BEGIN + draw.below(2000) * MINUTE + draw.of(&[0, 1, 20_000]));
        units.push(unit(&id, draw.of(&["P", "P", "Q"]), at));
        move_about(draw, &id, at, 2);
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
        "units": units,
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
pub(crate) fn readings(draw: &mut Draw, count: usize) -> Vec<Observation> {
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
