//! The published numbers of `tests/corpus/vectors`: kinetics to 1e-9, excursions to the millisecond.
//!
//! The files give the source of every number: papers and norms, or computed with 50 digits.

use super::*;

/// All cases end here, so that one run assesses them all.
const END: i64 = START + 900 * DAY;
const DAY: i64 = 86_400_000;

fn vectors(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(corpus("vectors").join(name)).unwrap()).unwrap()
}

/// Pairs of (second, value) without those that are missing.
fn series(of: &Value) -> Vec<(i64, f64)> {
    let pairs = of.as_array().unwrap().iter();
    pairs.filter_map(|pair| Some((pair[0].as_i64().unwrap(), pair[1].as_f64()?))).collect()
}

/// `series` shifted so that it ends at [`END`], and where its second 0 is then.
fn shifted(series: &[(i64, f64)]) -> (i64, Vec<(i64, f64)>) {
    let last = series.iter().map(|(second, _)| *second).max().unwrap_or(0);
    let origin = END - last * 1000;
    (origin, series.iter().map(|(second, value)| (origin + second * 1000, *value)).collect())
}

/// Numbers that are looked for: where, and how much.
#[derive(Default)]
struct Wanted(Vec<(usize, String, &'static str, f64)>);

impl Wanted {
    fn number(&mut self, case: usize, name: impl Into<String>, pointer: &'static str, expected: &Value) {
        if let Some(expected) = expected.as_f64() {
            self.0.push((case, name.into(), pointer, expected));
        }
    }

    /// Looks for all of them, `many` in number: a group that is not read any more must not pass for one that agrees.
    fn check(&self, found: &[Value], many: usize) {
        assert_eq!(self.0.len(), many, "numbers looked for");
        for (case, name, pointer, expected) in &self.0 {
            let got = found[*case].pointer(pointer).and_then(Value::as_f64);
            let got = got.unwrap_or_else(|| panic!("{name}: no {pointer} in {}", found[*case]));
            let off = (got - expected).abs() / expected.abs().max(1.0);
            assert!(off < 1e-9, "{name}: {pointer} is {got}, not {expected}");
        }
    }
}

fn aging(kinetics: Value) -> Value {
    json!({"storage": {}, "kinetics": kinetics, "max_gap_s": 8_640_000, "rules": []})
}

const NOMINAL: &str = "/life/equivalent_s/nominal";

#[test]
fn ages_as_arrhenius_says() {
    let vectors = vectors("arrhenius.json");
    let (mut cases, mut wanted) = (Cases::default(), Wanted::default());
    let kinetics = |row: &Value| {
        json!({"model": "arrhenius", "ea_kj_per_mol": row["ea_J_per_mol"].as_f64().unwrap() / 1000.0,
               "reference_c": row["t_ref_c"], "credit_below_reference": true})
    };
    let mut add = |product: Value, readings: &[(i64, f64)], record: Value| {
        let (origin, readings) = shifted(readings);
        cases.add(&product, origin, vec![Sensor { record, ..Sensor::with(readings) }]);
        cases.units.len() - 1
    };
    for row in vectors["rate_ratio"]["rows"].as_array().unwrap() {
        let celsius = row["t_c"].as_f64().unwrap();
        let case = add(aging(kinetics(row)), &[(0, celsius), (86_400, celsius)], json!({}));
        let age = json!(row["rate_ratio"].as_f64().unwrap() * 86_400.0);
        wanted.number(case, format!("rate_ratio {row}"), NOMINAL, &age);
    }
    for row in vectors["equivalent_age"]["rows"].as_array().unwrap() {
        let case = add(aging(kinetics(row)), &series(&row["series_s_c"]), json!({}));
        wanted.number(
            case,
            format!("equivalent_age {}", row["ea_J_per_mol"]),
            NOMINAL,
            &row["equivalent_age_s"]["linear_exact"],
        );
    }
    for row in vectors["sensor_envelope"]["rows"].as_array().unwrap() {
        let case = add(aging(kinetics(row)), &series(&row["series_s_c"]), json!({"accuracy_c": 0.5}));
        let bound = match row["offset_c"].as_f64().unwrap() {
            offset if offset < 0.0 => "/life/equivalent_s/low",
            offset if offset > 0.0 => "/life/equivalent_s/upper",
            _ => NOMINAL,
        };
        wanted.number(
            case,
            format!("sensor_envelope {}", row["offset_c"]),
            bound,
            &row["equivalent_age_s_linear_exact"],
        );
    }
    for row in vectors["gap_envelope"]["rows"].as_array().unwrap() {
        let ends = [
            (0, row["before_c"].as_f64().unwrap()),
            (row["gap_s"].as_i64().unwrap(), row["after_c"].as_f64().unwrap()),
        ];
        let slew = &row["rate_limit_c_per_h"];
        for (field, bound, slew) in [
            ("upper_s", &row["t_max_bound_c"], slew),
            ("upper_s_at_bound", &row["t_max_bound_c"], &Value::Null),
            ("upper_s_step_max", &Value::Null, &Value::Null),
        ] {
            let mut product = aging(kinetics(row));
            product["max_gap_s"] = json!(600);
            for (field, value) in [("gap_bound_c", bound), ("gap_slew_c_per_h", slew)] {
                if !value.is_null() {
                    product[field] = value.clone();
                }
            }
            let case = add(product, &ends, json!({}));
            wanted.number(case, format!("{} {field}", row["id"]), "/life/equivalent_s/upper", &row[field]);
            wanted.number(case, format!("{} linear", row["id"]), NOMINAL, &row["lower_s_linear"]);
        }
    }
    wanted.check(&cases.assess(END), 97);
}

#[test]
fn ages_as_q10_and_the_laws_of_food_say() {
    let (mut cases, mut wanted) = (Cases::default(), Wanted::default());
    let mut add = |kinetics: Value, readings: &[(i64, f64)]| {
        let (origin, readings) = shifted(readings);
        cases.add(&aging(kinetics), origin, vec![Sensor::with(readings)]);
        cases.units.len() - 1
    };
    for case in vectors("q10_f1980.json")["consumption"]["cases"].as_array().unwrap() {
        for (field, credit) in [("equivalent_age_s_linear_exact", true), ("no_credit_below_ref_s", false)] {
            let kinetics = json!({"model": "q10", "q10": case["q10"], "reference_c": case["t_ref_c"], "credit_below_reference": credit});
            let number = add(kinetics, &series(&case["series_s_c"]));
            wanted.number(number, format!("q10 {} {field}", case["q10"]), NOMINAL, &case[field]);
        }
    }
    for row in vectors("q10_f1980.json")["grid"]["rows"].as_array().unwrap() {
        // A day in the oven is a factor of days on the shelf.
        let kinetics = json!({"model": "q10", "q10": row["q10"], "reference_c": row["trt_c"]});
        let celsius = row["taa_c"].as_f64().unwrap();
        let number = add(kinetics, &[(0, celsius), (86_400, celsius)]);
        wanted.number(number, format!("aaf {row}"), NOMINAL, &json!(row["aaf"].as_f64().unwrap() * 86_400.0));
    }
    let mut constant = |name: &str, kinetics: Value, celsius: f64, rate: f64| {
        let number = add(kinetics, &[(0, celsius), (86_400, celsius)]);
        wanted.number(number, format!("{name} at {celsius}"), NOMINAL, &json!(rate * 86_400.0));
    };
    for case in vectors("food.json")["cases"].as_array().unwrap() {
        let name = case["id"].as_str().unwrap();
        let square_root = |reference: &Value| json!({"model": "square_root", "t_min_c": case["t_min_c"], "reference_c": reference, "credit_below_reference": true});
        let celsius = case["t_c"].as_f64().unwrap_or_default();
        match case["model"].as_str().unwrap() {
            "sqrt" if case["rrs"].is_number() => {
                constant(name, square_root(&case["t_ref_c"]), celsius, case["rrs"].as_f64().unwrap());
            }
            model @ ("sqrt" | "arrhenius") => {
                let kinetics = match model {
                    "sqrt" => square_root(&case["known_t_c"]),
                    _ => json!({"model": "arrhenius", "ea_kj_per_mol": case["ea_J_per_mol"].as_f64().unwrap() / 1000.0,
                                "reference_c": case["known_t_c"], "credit_below_reference": true}),
                };
                let rate = case["known_days"].as_f64().unwrap() / case["expected_days"].as_f64().unwrap();
                constant(name, kinetics, celsius, rate);
            }
            "exponential" => {
                for (celsius, rate) in case["values"].as_object().into_iter().flatten() {
                    let kinetics = json!({"model": "exponential", "b_per_c": case["a_per_c"], "reference_c": 0.0});
                    constant(name, kinetics, celsius.parse().unwrap(), rate.as_f64().unwrap());
                }
            }
            // Growth curves are not part of an assessment.
            other => assert!(other.contains("baranyi"), "{other}"),
        }
    }
    wanted.check(&cases.assess(END), 96);
}

#[test]
fn uses_up_a_vial_monitor_as_its_table_says() {
    let vectors = vectors("vvm.json");
    let (mut cases, mut wanted) = (Cases::default(), Wanted::default());
    for row in vectors["exposure"].as_array().unwrap() {
        let all = vectors["categories"].as_array().unwrap();
        let category = all.iter().find(|category| category["category"] == row["category"]).unwrap();
        let kinetics = json!({"model": "arrhenius", "ea_kj_per_mol": category["ea_J_per_mol"].as_f64().unwrap() / 1000.0,
                              "reference_c": 37.0, "credit_below_reference": true});
        // Thirty days in the refrigerator, ten on the shelf, one in the sun: each stays until the next.
        let days = |celsius: &str| row["exposure_days"][celsius].as_i64().unwrap();
        let (cold, warm) = (days("5") * 86_400, (days("5") + days("25")) * 86_400);
        let end = warm + days("37") * 86_400;
        let (origin, readings) = shifted(&[(0, 5.0), (cold, 25.0), (warm, 37.0), (end, 37.0)]);
        let sensor = Sensor { record: json!({"source": "on_change"}), ..Sensor::with(readings) };
        cases.add(&aging(kinetics), origin, vec![sensor]);
        let life_s = category["predicted_days"]["37"].as_f64().unwrap() * 86_400.0;
        let age = json!(row["fraction_used"].as_f64().unwrap() * life_s);
        wanted.number(cases.units.len() - 1, row["category"].to_string(), NOMINAL, &age);
    }
    wanted.check(&cases.assess(END), 4);
}

#[test]
fn takes_the_mean_kinetic_temperature_over_time_and_over_windows() {
    let vectors = vectors("mkt.json");
    let (mut cases, mut wanted) = (Cases::default(), Wanted::default());
    let product = |dh: f64, window_s: &Value, max_gap_s: i64| {
        json!({"storage": {}, "kinetics": {"model": "none"}, "max_gap_s": max_gap_s, "rules": [],
               "mkt": {"dh_kj_per_mol": dh, "window_s": window_s}})
    };
    for case in vectors["cases"].as_array().unwrap() {
        let dh = case["dH_J_per_mol"].as_f64().unwrap() / 1000.0;
        let interval_s = case["interval_s"].as_i64().unwrap_or(600);
        let linear = case["results"].as_array().into_iter().flatten().find(|one| one["mode"] == "linear_exact");
        let expected = linear.map_or(&case["time_weighted"]["linear_exact"], |one| &one["expected_mkt_c"]);
        if expected.is_number() && case["R"] == 8.3144 {
            let readings = match &case["series_s_c"] {
                Value::Null => {
                    let all = case["temps_c"].as_array().unwrap().iter().zip(0..);
                    all.map(|(celsius, step)| (step * interval_s, celsius.as_f64().unwrap())).collect()
                }
                told => series(told),
            };
            let (origin, readings) = shifted(&readings);
            cases.add(&product(dh, &json!(40 * 86_400), 86_400), origin, vec![Sensor::with(readings)]);
            wanted.number(cases.units.len() - 1, case["id"].to_string(), "/mkt/value_c", expected);
        }
        for window in case["windows"].as_array().into_iter().flatten() {
            // As its generator says: hourly readings that stay, a week of 40 °C in a year of 22 °C.
            let celsius = |hour: i64| if (4800..4968).contains(&hour) { 40.0 } else { 22.0 };
            let readings: Vec<(i64, f64)> = (0..=8760).map(|hour| (hour * 3600, celsius(hour))).collect();
            let (origin, readings) = shifted(&readings);
            let sensor = Sensor { record: json!({"source": "on_change"}), ..Sensor::with(readings) };
            cases.add(&product(dh, &window["window_s"], 7200), origin, vec![sensor]);
            let name = format!("{} {}", case["id"], window["window"]);
            wanted.number(cases.units.len() - 1, name, "/mkt/max_window_c", &window["max_mkt_c"]);
        }
    }
    wanted.check(&cases.assess(END), 6);
}

#[test]
fn spends_a_budget_band_by_band() {
    let row = &vectors("arrhenius.json")["tor"]["rows"][0];
    let bands: Vec<Value> = row["bands"]
        .as_array()
        .unwrap()
        .iter()
        .map(|band| json!({"above_c": band["lo"], "to_c": band["hi"], "allowed_s": band["budget_h"].as_f64().unwrap() * 3600.0}))
        .collect();
    let mut product = aging(json!({"model": "none"}));
    product["budget"] = json!({"bands": bands, "combine": "sum"});
    // In the middle of each band for as long as the vector says.
    let (mut at, mut readings) = (0, Vec::new());
    for (band, hours) in row["bands"].as_array().unwrap().iter().zip(row["time_in_band_h"].as_array().unwrap()) {
        readings.push((at, f64::midpoint(band["lo"].as_f64().unwrap(), band["hi"].as_f64().unwrap())));
        #[expect(clippy::cast_possible_truncation, reason = "hours of a vector")]
        let seconds = (hours.as_f64().unwrap() * 3600.0) as i64;
        at += seconds;
    }
    readings.push((at, 5.0));
    let (origin, readings) = shifted(&readings);
    let (mut cases, mut wanted) = (Cases::default(), Wanted::default());
    cases.add(&product, origin, vec![Sensor { record: json!({"source": "on_change"}), ..Sensor::with(readings) }]);
    wanted.number(0, "tor_bands", "/budget/used_fraction", &row["sum_fraction"]);
    for (pointer, fraction) in ["/budget/bands/0/fraction", "/budget/bands/1/fraction", "/budget/bands/2/fraction"]
        .into_iter()
        .zip(row["fractions"].as_array().unwrap())
    {
        wanted.number(0, "tor_bands", pointer, fraction);
    }
    wanted.check(&cases.assess(END), 4);
}

/// What a sensor told (second, °C), and the seconds from and to which it was with the unit.
type Stay = (Vec<(i64, f64)>, i64, Option<i64>);

/// The sensors of a case of excursions, and the second its last reading is at.
fn sensors_of(case: &Value) -> (i64, Vec<Sensor>) {
    let humidity = case["id"].as_str().unwrap().starts_with("humidity");
    let told: Vec<Stay> = if let Some(stays) = case["assignments"].as_array() {
        let stay = |of: &Value| (series(&of["series_s_c"]), of["from_s"].as_i64().unwrap(), of["to_s"].as_i64());
        stays.iter().map(stay).collect()
    } else if let Some(sensors) = case["sensors"].as_object() {
        sensors.values().map(|of| (series(of), 0, None)).collect()
    } else {
        vec![(series(&case["series_s_c"]), 0, None)]
    };
    let last = told.iter().flat_map(|(series, ..)| series).map(|(second, _)| *second).max().unwrap_or(0);
    let origin = END - last * 1000;
    let at = |second: i64| origin + second * 1000;
    let sensors = told.into_iter().map(|(series, from, to)| Sensor {
        record: json!({"accuracy_c": case["accuracy_c"].as_f64().unwrap_or_default()}),
        // The last one stays: its end is the end of the data.
        stay: (at(from), to.filter(|to| *to < last).map(at)),
        readings: series.into_iter().map(|(second, value)| (at(second), value)).collect(),
        humidity,
    });
    (origin, sensors.collect())
}

#[test]
fn finds_excursions_to_the_millisecond() {
    let vectors = vectors("excursions.json");
    let all = vectors["cases"].as_array().unwrap();
    let (mut cases, mut origins) = (Cases::default(), Vec::new());
    for case in all {
        let rule = &case["rule"];
        let (origin, sensors) = sensors_of(case);
        let quantity = if case["id"].as_str().unwrap().starts_with("humidity") { "humidity" } else { "temperature" };
        let number = |field: &str| rule[field].as_f64().unwrap_or_default();
        let product = json!({"storage": {}, "kinetics": {"model": "none"}, "max_gap_s": rule["max_gap_s"],
            "guard_band": case["accuracy_c"].is_number(),
            "rules": [{"id": "rule", "quantity": quantity, "severity": "hold", "side": rule["side"], "limit": rule["limit"],
                "comparator": rule["comparator"], "mode": rule["mode"], "delay_s": rule["delay_s"], "interp": rule["interp"],
                "hysteresis": number("hysteresis_c"), "merge_s": number("merge_s")}]});
        cases.add(&product, origin, sensors);
        origins.push(origin);
    }
    let found = cases.assess(END);
    assert_eq!(found.len(), all.len());
    for ((case, got), origin) in all.iter().zip(&found).zip(origins) {
        let expected = &case["expected"];
        let nominal = ["worst_case", "nominal"].into_iter().find_map(|view| expected.get(view));
        let expected_nominal = nominal.filter(|view| view.is_object()).unwrap_or(expected);
        check(case["id"].as_str().unwrap(), got, expected_nominal, origin);
        if let Some(fires) = expected["upper"]["alarm_t_s"].as_f64() {
            let reasons = got["reasons"].as_array().unwrap();
            let banded = reasons.iter().find(|reason| reason["code"] == "guard_band").unwrap();
            assert_eq!(millis(&banded["at"]) - origin, floored(fires), "{}", case["id"]);
        }
    }
}

/// Whole milliseconds of `seconds`, rounded down as an instant is.
#[expect(clippy::cast_possible_truncation, reason = "seconds of a vector")]
fn floored(seconds: f64) -> i64 {
    (seconds * 1000.0 + 1e-6).floor() as i64
}

fn check(case: &str, got: &Value, expected: &Value, origin: i64) {
    let excursions = got["excursions"].as_array().unwrap();
    let wanted = expected["excursions"].as_array().unwrap();
    assert_eq!(excursions.len(), wanted.len(), "{case}: {excursions:?}");
    let since = |at: &Value| millis(at) - origin;
    let close = |got: &Value, expected: &Value, what: &str| {
        let (got, expected) = (got.as_f64().unwrap(), expected.as_f64().unwrap());
        assert!((got - expected).abs() < 1e-6, "{case}: {what} is {got}, not {expected}");
    };
    for (got, wanted) in excursions.iter().zip(wanted) {
        assert_eq!(since(&got["start"]), floored(wanted["start_s"].as_f64().unwrap()), "{case}: start");
        let open = wanted["end_kind"] == "open";
        // The short form of a case says neither kind: it ends with the data.
        if !open && wanted["end_kind"].is_string() {
            assert_eq!(Some(since(&got["end"])), wanted["end_ms_ceil"].as_i64(), "{case}: end");
        }
        assert!(!open || got["end"].is_null(), "{case}: {got}");
        for (field, name) in [
            ("duration_s", "duration_s"),
            ("time_out_s", "time_out_s"),
            ("degree_seconds", "degree_seconds"),
            ("peak", "peak_c"),
        ] {
            if wanted[name].is_number() {
                close(&got[field], &wanted[name], name);
            }
        }
        for kind in ["start_kind", "end_kind"] {
            assert!(wanted[kind].is_null() || got[kind] == wanted[kind], "{case}: {kind}: {got}, not {wanted}");
        }
        if let Some(peak_at) = wanted["peak_t_s"].as_f64() {
            assert_eq!(since(&got["peak_at"]), floored(peak_at), "{case}: peak_at");
        }
    }
    let alarms = got["alarms"].as_array().unwrap();
    let first =
        |field: &str| alarms.iter().filter(|alarm| !alarm[field].is_null()).map(|alarm| since(&alarm[field])).min();
    assert_eq!(first("at"), expected["alarm_t_s"].as_f64().map(floored), "{case}: alarm");
    if let Some(worst) = expected.get("worst_case_alarm_t_s") {
        assert_eq!(first("worst_case_at"), worst.as_f64().map(floored), "{case}: worst case");
    }
    if let Some(gaps) = expected["unknown_gaps_s"].as_array().filter(|_| !case.starts_with("humidity")) {
        let found: Vec<(i64, i64)> = got["coverage"]["gaps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|gap| (since(&gap["from"]), since(&gap["to"])))
            .collect();
        let wanted: Vec<(i64, i64)> =
            gaps.iter().map(|gap| (floored(gap[0].as_f64().unwrap()), floored(gap[1].as_f64().unwrap()))).collect();
        assert_eq!(found, wanted, "{case}: gaps");
    }
}
