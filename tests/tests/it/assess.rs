//! Assessments through `coldtrail assess`: published numbers, worked examples, other implementations, and
//! that neither order nor door nor restart changes a byte (invariant A1).

mod order;
mod reference;
mod vectors;
mod worked;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use model::gs1::check_digit;
use serde_json::{Value, json};
use tests::site::binary;

/// 2024-03-01T00:00:00Z.
const START: i64 = 1_709_251_200_000;

fn corpus(name: &str) -> PathBuf {
    tests::folder().join("corpus").join(name)
}

fn told(at: i64) -> String {
    model::instant::to_rfc3339(at)
}

/// The GTIN number `index` of a company that does not exist.
fn gtin(index: usize) -> String {
    let body = format!("0950600{index:06}");
    let digit = check_digit(&body).unwrap();
    format!("{body}{digit}")
}

/// A registry and readings that grow case by case: each case a product, a lot, a unit and sensors of its own.
#[derive(Default)]
struct Cases {
    products: Vec<Value>,
    sensors: Vec<Value>,
    associations: Vec<Value>,
    lots: Vec<Value>,
    units: Vec<Value>,
    rows: String,
    exclusions: Vec<Value>,
}

/// A sensor of a case: what its record says, from when to when it is with the unit, and its readings (ms, °C or %RH).
struct Sensor {
    record: Value,
    stay: (i64, Option<i64>),
    readings: Vec<(i64, f64)>,
    humidity: bool,
}

impl Sensor {
    fn with(readings: Vec<(i64, f64)>) -> Self {
        let from = readings.first().map_or(START, |(at, _)| *at);
        Self { record: json!({}), stay: (from, None), readings, humidity: false }
    }
}

impl Cases {
    /// Adds a case with `product` (all but its GTIN) for a unit that is there from `begins`.
    fn add(&mut self, product: &Value, begins: i64, sensors: Vec<Sensor>) {
        let number = self.units.len();
        let gtin = gtin(number);
        let mut product = product.clone();
        product["gtin"] = json!(gtin);
        self.products.push(product);
        self.lots.push(json!({"gtin": gtin, "lot": "L", "expires_on": "2099-12-31"}));
        self.units.push(json!({"id": unit(number), "gtin": gtin, "lot": "L", "quantity": 1, "at": begins}));
        for (index, sensor) in sensors.into_iter().enumerate() {
            let id = format!("S{number:04}-{index}");
            let mut record = sensor.record;
            record["id"] = json!(id);
            self.sensors.push(record);
            let (from, to) = sensor.stay;
            self.associations.push(json!({"sensor": id, "unit": unit(number), "from": from, "to": to}));
            for (at, value) in sensor.readings {
                let columns = if sensor.humidity { format!(",{value}") } else { format!("{value},") };
                writeln!(self.rows, "{id},{at},{columns}").unwrap();
            }
        }
    }

    fn registry(&self) -> Value {
        json!({"products": self.products, "sensors": self.sensors, "associations": self.associations,
               "lots": self.lots, "units": self.units, "exclusions": self.exclusions})
    }

    /// The assessment of every case at `as_of`, in their order.
    fn assess(&self, as_of: i64) -> Vec<Value> {
        let csv = format!("sensor,measured_at,temperature_c,humidity_pct\n{}", self.rows);
        assess(&self.registry(), &csv, as_of)
    }
}

fn unit(number: usize) -> String {
    format!("U{number:05}")
}

/// What `coldtrail assess --json` says of every unit.
fn assess(registry: &Value, csv: &str, as_of: i64) -> Vec<Value> {
    let told = assess_text(registry, csv, as_of);
    serde_json::from_str(&told).unwrap()
}

/// The same as it is printed.
fn assess_text(registry: &Value, csv: &str, as_of: i64) -> String {
    let directory = tempfile::tempdir().unwrap();
    let (document, readings) = (directory.path().join("registry.json"), directory.path().join("readings.csv"));
    std::fs::write(&document, registry.to_string()).unwrap();
    std::fs::write(&readings, csv).unwrap();
    let mut command = Command::new(binary("coldtrail").unwrap());
    command.arg("assess").arg("--registry").arg(&document).arg("--readings").arg(&readings);
    let output = command.args(["--as-of", &as_of.to_string(), "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Milliseconds of an instant in an answer.
fn millis(of: &Value) -> i64 {
    let text = of.as_str().unwrap_or_else(|| panic!("{of} is no instant"));
    model::instant::parse_millis(text).unwrap()
}
