//! Files of real loggers say what the device itself found: imported and assessed, our mean kinetic temperature lies within
//! 0.1 K of the device's and our alarms within one logging interval.
//!
//! `tests/corpus/loggers/made.txt`, `days.txt` and `office.csv` are of the form of a Q-tag CLm and a Fridge-tag 2 L export and of
//! an office's thermometer, and were made for this test. Where the recordings of real devices lie beside the repository
//! (`../shared/data`), they are held against the same bounds; they are not ours to give, and nothing is proved by them alone.

use super::*;

/// A file of somebody else's, if it is there.
fn beside(name: &str) -> Option<String> {
    let path = tests::folder().join("../../shared/data").join(name);
    path.is_file().then(|| path.to_str().unwrap().to_owned())
}

fn millis(of: &Value) -> i64 {
    model::instant::parse_millis(of.as_str().unwrap_or_else(|| panic!("{of} is no instant"))).unwrap()
}

/// What the device said, and what is assessed of its readings.
struct Found {
    device: Value,
    sensor: Value,
    assessment: Value,
}

/// Imports `file`, gives its readings a unit with the device's own alarms as rules, and assesses it.
fn found(file: &str) -> Found {
    let desk = Desk::new();
    let (code, account, complaint) = desk.import(&[file]);
    assert_eq!(code, 0, "{file}: {complaint}");
    let (device, sensor) = (account["files"][0]["device"].clone(), account["files"][0]["sensors"][0].clone());
    let rule = |alarm: &Value| {
        let comparator = if alarm["side"] == "high" { "gt" } else { "lt" };
        json!({"id": format!("alarm{}", alarm["number"]), "quantity": "temperature", "side": alarm["side"],
               "limit": alarm["limit_c"], "comparator": comparator, "mode": alarm["mode"], "delay_s": alarm["delay_s"],
               "severity": "hold"})
    };
    let rules: Vec<Value> = device["alarms"].as_array().unwrap().iter().map(rule).collect();
    assert!(rules.len() >= 2, "{file}: its alarms were not understood");
    let energy = device["mkt_energy_kj_per_mol"].as_f64().unwrap_or(83.144);
    let (from, to) = (&sensor["from"], millis(&sensor["to"]));
    let registry = json!({
        "products": [{"gtin": "09506000134352", "name": "P", "storage": {}, "kinetics": {"model": "none"}, "rules": rules,
                      "max_gap_s": 6.0 * sensor["interval_s"].as_f64().unwrap(),
                      "mkt": {"dh_kj_per_mol": energy, "window_s": 40 * 86_400}}],
        "places": [{"id": "P", "kind": "store"}],
        "associations": [{"sensor": sensor["sensor"], "place": "P", "from": from}],
        "lots": [{"gtin": "09506000134352", "lot": "L", "expires_on": "2099-12-31"}],
        "units": [{"id": "U", "gtin": "09506000134352", "lot": "L", "quantity": 1, "place": "P", "at": from}],
    });
    let (registry, data) = (desk.file("registry.json", registry.to_string()), desk.data());
    let data = data.to_str().unwrap();
    let applied = desk.run(&["apply", &registry, "--data", data]);
    assert!(applied.status.success(), "{file}: {}", String::from_utf8_lossy(&applied.stderr));
    let assessed = desk.run(&["assess", "--data", data, "--as-of", &to.to_string(), "--json"]);
    assert!(assessed.status.success(), "{file}: {}", String::from_utf8_lossy(&assessed.stderr));
    let all: Value = serde_json::from_slice(&assessed.stdout).unwrap();
    Found { device, sensor, assessment: all[0].clone() }
}

impl Found {
    fn interval_ms(&self) -> i64 {
        1000 * self.device["interval_s"].as_i64().unwrap()
    }

    /// When `alarm` fired by our reckoning.
    fn fired(&self, alarm: &Value) -> Vec<i64> {
        let rule = format!("alarm{}", alarm["number"]);
        let alarms = self.assessment["alarms"].as_array().unwrap().iter();
        alarms
            .filter(|ours| ours["rule"] == rule.as_str() && !ours["at"].is_null())
            .map(|ours| millis(&ours["at"]))
            .collect()
    }
}

/// A run that says its mean kinetic temperature, its mean and when its alarms fired.
fn run_agrees(file: &str) {
    let found = found(file);
    assert!(found.sensor["readings"].as_u64().unwrap() > 50, "{file}");
    let ours = |pointer: &str| found.assessment.pointer(pointer).and_then(Value::as_f64).unwrap();
    let (mkt, mean) = (found.device["mkt_c"].as_f64().unwrap(), found.device["mean_c"].as_f64().unwrap());
    assert!((ours("/mkt/value_c") - mkt).abs() < 0.1, "{file}: {} instead of {mkt}", ours("/mkt/value_c"));
    assert!((ours("/temperature/mean_c") - mean).abs() < 0.1 + 1e-9, "{file}: the mean is {mean}");
    for alarm in found.device["alarms"].as_array().unwrap() {
        let (ours, device) = (found.fired(alarm), alarm["fired"].as_array().unwrap());
        assert_eq!(ours.is_empty(), device.is_empty(), "{file}: {alarm}");
        for at in device.iter().map(millis) {
            let near = ours.iter().any(|ours| (ours - at).abs() <= found.interval_ms());
            assert!(near, "{file}: {alarm}: {ours:?}");
        }
    }
}

/// A history day by day: the first alarm of each day.
///
/// `but` names days on which the device saw what it did not log.
fn days_agree(file: &str, but: &[&str]) {
    let found = found(file);
    let mut checked = 0;
    for day in found.device["days"].as_array().unwrap() {
        let date = day["date"].as_str().unwrap();
        let begins = model::instant::parse_millis(&format!("{date}T00:00:00Z")).unwrap();
        for said in day["alarms"].as_array().unwrap().iter().filter(|said| !said["fired"].is_null()) {
            let at = millis(&said["fired"]);
            let alarm = found.device["alarms"]
                .as_array()
                .unwrap()
                .iter()
                .find(|alarm| alarm["number"] == said["number"])
                .unwrap();
            let rule = format!("alarm{}", alarm["number"]);
            if at == begins {
                // It was on already when the day began: the excursion reaches over midnight and has fired.
                let over = found.assessment["excursions"].as_array().unwrap().iter().any(|one| {
                    let end = if one["end"].is_null() { i64::MAX } else { millis(&one["end"]) };
                    one["rule"] == rule.as_str() && millis(&one["start"]) < begins && end > begins
                });
                assert!(over, "{file}: {date}: {alarm}");
            } else if !but.contains(&date) {
                let ours = found.fired(alarm);
                assert!(
                    ours.iter().any(|ours| (ours - at).abs() <= found.interval_ms()),
                    "{file}: {date}: {alarm}: {ours:?}"
                );
            }
            checked += 1;
        }
    }
    assert!(checked > 0, "{file}: no day with an alarm was understood");
}

#[test]
fn agrees_with_what_a_run_says_of_itself() {
    for file in std::iter::once(corpus("made.txt")).chain(beside("qtag_clm_RCPJ00010_02.txt")) {
        run_agrees(&file);
    }
}

#[test]
fn agrees_with_what_a_history_says_day_by_day() {
    days_agree(&corpus("days.txt"), &[]);
    if let Some(file) = beside("fridgetag2L_130500109088.txt") {
        // At 12:26 on that day the log says exactly the limit: the device, which measures every minute, began anew there.
        days_agree(&file, &["2022-05-12"]);
    }
}

/// The air of an office in Fahrenheit by the clock on its wall, `rows` of them, with `gaps` or more of 2 h and longer.
fn office(file: &str, rows: u64, gaps: u64) {
    let desk = Desk::new();
    let columns = ["--column", "measured_at=timestamp", "--column", "temperature=value"];
    let rest = ["--degrees", "f", "--sensor", "OFFICE", "--zone", "America/New_York", "--repeated-hour", "first"];
    let (code, account, complaint) = desk.import(&[&[file, "--accept-refused"][..], &columns, &rest].concat());
    assert_eq!(code, 0, "{complaint}");
    let read = &account["files"][0];
    assert_eq!((&read["rows"], &read["sensors"][0]["interval_s"]), (&json!(rows), &json!(3600.0)));
    let taken = read["readings"].as_u64().unwrap() + read["refused"]["count"].as_u64().unwrap();
    assert_eq!(taken, rows);
    assert!(read["sensors"][0]["gaps"]["count"].as_u64().unwrap() >= gaps, "{file}: gaps are known in it");
    let highest = read["sensors"][0]["temperature"]["max_c"].as_f64().unwrap();
    assert!((20.0..35.0).contains(&highest), "{file}: {highest} °C in an office");
}

#[test]
fn reads_the_air_of_an_office_in_fahrenheit() {
    office(&corpus("office.csv"), 211, 2);
    if let Some(file) = beside("nab_ambient_temperature_system_failure.csv") {
        office(&file, 7267, 7);
    }
}
