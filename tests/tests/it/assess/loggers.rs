//! Files of real loggers say what the device itself found: our mean kinetic temperature lies within 0.1 K of the
//! device's and our alarms within one logging interval (`Agreement with real devices`).
//!
//! `tests/corpus/loggers/made.txt` is of the form of a Berlinger Q-tag CLm export and was made for this test: the device
//! measures every minute, finds its figures from that, and logs every tenth value. Where the recordings of real devices
//! lie beside the repository (`../shared/data`), they are held against the same bounds.

use chrono::NaiveDateTime;

use super::*;

/// One run of a logger.
struct Run {
    interval_s: i64,
    energy: f64,
    mkt_c: f64,
    mean_c: f64,
    readings: Vec<(i64, f64)>,
    /// Type, limit, minutes until it fires, and when it fired.
    alarms: Vec<DeviceAlarm>,
}

struct DeviceAlarm {
    side: &'static str,
    mode: &'static str,
    limit_c: f64,
    delay_min: f64,
    fired: Option<i64>,
}

/// The text after `label` up to the next comma, in a line that has it.
fn field<'a>(line: &'a str, label: &str) -> Option<&'a str> {
    let rest = line.split(label).nth(1)?;
    Some(rest.split(',').next()?.trim()).filter(|text| !text.is_empty())
}

/// Local time of a logger without a zone.
fn instant(text: &str) -> i64 {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap().and_utc().timestamp_millis()
}

impl Run {
    fn parse(text: &str) -> Self {
        let (configuration, results) = text.split_once("\nRes:").unwrap();
        let number = |part: &str, label: &str| -> f64 {
            let line = part.lines().find(|line| line.trim_start().starts_with(label));
            field(line.unwrap_or_else(|| panic!("no `{label}`")), label).unwrap().parse().unwrap()
        };
        // Alarms are numbered alike in both parts.
        let numbered = |part: &str| -> Vec<(u32, String)> {
            let lines: Vec<&str> = part.lines().collect();
            let pairs = lines.windows(2).filter_map(|pair| {
                let number = pair[0].trim().strip_suffix(':')?.parse().ok()?;
                Some((number, pair[1].trim().to_owned()))
            });
            pairs.collect()
        };
        let fired = numbered(results);
        let alarms = numbered(configuration).into_iter().filter_map(|(number, line)| {
            let (side, mode) = match field(&line, "Type:")? {
                "1" => ("low", "single"),
                "2" => ("high", "single"),
                "3" => ("low", "cumulative"),
                "4" => ("high", "cumulative"),
                _ => return None,
            };
            let when = fired.iter().find(|(known, line)| *known == number && line.contains("TS A:"));
            Some(DeviceAlarm {
                side,
                mode,
                limit_c: field(&line, "T AL:")?.parse().unwrap(),
                delay_min: field(&line, "t AL:")?.parse().unwrap(),
                fired: when.and_then(|(_, line)| field(line, "TS A:")).map(instant),
            })
        });
        let readings = text.lines().filter_map(|line| {
            let mut columns = line.trim().split('\t');
            let at = NaiveDateTime::parse_from_str(columns.next()?, "%Y-%m-%d %H:%M").ok()?;
            Some((at.and_utc().timestamp_millis(), columns.next()?.parse().ok()?))
        });
        Self {
            interval_s: 60 * number(configuration, "Logging Interval:") as i64,
            energy: number(configuration, "MKT Energy:"),
            mkt_c: number(results, "MKT:"),
            mean_c: number(results, "Avrg T:"),
            alarms: alarms.collect(),
            readings: readings.collect(),
        }
    }

    fn agrees(&self, name: &str) {
        assert!(self.readings.len() > 50 && self.alarms.len() >= 2, "{name} was not understood");
        let rule = |(number, alarm): (usize, &DeviceAlarm)| {
            let comparator = if alarm.side == "high" { "gt" } else { "lt" };
            json!({"id": format!("alarm{number}"), "quantity": "temperature", "side": alarm.side, "limit": alarm.limit_c,
                   "comparator": comparator, "mode": alarm.mode, "delay_s": alarm.delay_min * 60.0, "severity": "hold"})
        };
        let rules: Vec<Value> = self.alarms.iter().enumerate().map(rule).collect();
        let product = json!({"storage": {}, "kinetics": {"model": "none"}, "max_gap_s": 2 * self.interval_s, "rules": rules,
                             "mkt": {"dh_kj_per_mol": self.energy, "window_s": 40 * 86_400}});
        let mut cases = Cases::default();
        let (from, to) = (self.readings[0].0, self.readings[self.readings.len() - 1].0);
        cases.add(&product, from, vec![Sensor::with(self.readings.clone())]);
        let found = &cases.assess(to)[0];
        let ours = found["mkt"]["value_c"].as_f64().unwrap();
        assert!((ours - self.mkt_c).abs() < 0.1, "{name}: {ours} instead of {}", self.mkt_c);
        let mean = found["temperature"]["mean_c"].as_f64().unwrap();
        assert!((mean - self.mean_c).abs() < 0.1 + 1e-9, "{name}: {mean} instead of {}", self.mean_c);
        let alarms = found["alarms"].as_array().unwrap();
        for (number, alarm) in self.alarms.iter().enumerate() {
            let rule = format!("alarm{number}");
            let ours = alarms.iter().filter(|ours| ours["rule"] == rule.as_str() && !ours["at"].is_null());
            let ours = ours.map(|ours| millis(&ours["at"])).min();
            assert_eq!(ours.is_some(), alarm.fired.is_some(), "{name}: {rule} fired");
            if let (Some(ours), Some(device)) = (ours, alarm.fired) {
                assert!(
                    (ours - device).abs() <= self.interval_s * 1000,
                    "{name}: {rule}: {} and {}",
                    told(ours),
                    told(device)
                );
            }
        }
    }
}

#[test]
fn agrees_with_a_logger_that_was_made_up() {
    Run::parse(&std::fs::read_to_string(corpus("loggers/made.txt")).unwrap()).agrees("made.txt");
}

#[test]
fn agrees_with_real_loggers_where_their_files_are() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/qtag_clm_RCPJ00010_02.txt");
    // The file is not ours to give; the numbers of its run are in the vectors and checked there.
    if let Ok(text) = std::fs::read_to_string(beside) {
        Run::parse(&text).agrees("qtag_clm_RCPJ00010_02.txt");
    }
}
