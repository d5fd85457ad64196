//! A report as JSON.

mod unit;

use std::collections::BTreeMap;

use analytics::assessment_json::{ENGINE, interval};
use analytics::report::{Report, SensorFacts, Subject};
use model::assessment::Interval;
use model::instant::ValidAt;
use model::name::Name;
use model::registry::{Calibration, Lot, Place, Product, Record, Recorded, Registry, Sensor, to_canonical};
use serde_json::{Value, json};
use store::ledger::{Hash, record_hash};

use super::Issued;

/// Units with a section of their own.
const MAX_SECTIONS: usize = 40;
/// Holds shown.
const MAX_HOLDS: usize = 200;
/// Items of any other list.
const MAX_ROWS: usize = 200;
/// Items of a list of one unit among many.
const MAX_ROWS_OF_MANY: usize = 50;

/// Lists that were cut, and where the rest is.
#[derive(Default)]
struct Cuts {
    all: Vec<Value>,
    /// Whether there are many units: their lists are shorter then, and told of together.
    many: bool,
    of_units: BTreeMap<&'static str, [usize; 3]>,
}

impl Cuts {
    /// The first `most` of `items`; notes that there are more.
    fn cut<T>(&mut self, what: &str, mut items: Vec<T>, most: usize, rest: &str) -> Vec<T> {
        let there_are = items.len();
        if there_are > most {
            self.note(what, most, there_are, rest);
            items.truncate(most);
        }
        items
    }

    /// The first of `items`, which are of one unit.
    fn cut_of_unit<T>(&mut self, what: &'static str, unit: &Name, mut items: Vec<T>, list: &str) -> Vec<T> {
        if !self.many {
            return self.cut(
                &format!("{what} of unit {unit}"),
                items,
                MAX_ROWS,
                &format!("GET /v1/units/{unit}/{list}"),
            );
        }
        let there_are = items.len();
        if there_are > MAX_ROWS_OF_MANY {
            items.truncate(MAX_ROWS_OF_MANY);
            let [units, shown, all] = self.of_units.entry(what).or_default();
            *units += 1;
            *shown += items.len();
            *all += there_are;
        }
        items
    }

    /// Notes what was cut of many units.
    fn note_of_units(&mut self) {
        for (what, [units, shown, there_are]) in std::mem::take(&mut self.of_units) {
            let what = format!("{what} of {units} units ({MAX_ROWS_OF_MANY} of each)");
            self.note(&what, shown, there_are, "GET /v1/report?unit=… of each");
        }
    }

    fn note(&mut self, what: &str, shown: usize, there_are: usize, rest: &str) {
        self.all.push(json!({ "what": what, "shown": shown, "there_are": there_are, "rest": rest }));
    }
}

/// `facts` as JSON, with the digest of its content.
pub(super) fn report(facts: &Report, registry: &Registry, issued: &Issued) -> Value {
    let many = !matches!(facts.subject, Subject::Unit(_));
    let mut cuts = Cuts { many, ..Cuts::default() };
    let (title, subject) = subject(&facts.subject);
    let sections = match facts.subject {
        Subject::Unit(_) | Subject::Lot(_) => MAX_SECTIONS,
        Subject::Place(_) => 0,
    };
    if facts.units_there_are > facts.units.len() {
        cuts.note("units", facts.units.len(), facts.units_there_are, "GET /v1/units");
    }
    if sections > 0 && facts.units.len() > sections {
        let rest = "GET /v1/report?unit=… of each";
        cuts.note("sections of units (gravest first)", sections, facts.units.len(), rest);
    }
    let number = |(number, unit)| unit::unit(unit, facts, number < sections, &mut cuts);
    let units: Vec<Value> = facts.units.iter().enumerate().map(number).collect();
    cuts.note_of_units();
    let holds = facts.holds.iter().map(|hold| {
        let mut record = facts.sight.told(hold);
        record["record_sha256"] = json!(facts.sight.digests(hold).then(|| record_hash(hold)));
        record
    });
    let holds = cuts.cut("holds", holds.collect(), MAX_HOLDS, "GET /v1/holds");
    let alarms = facts.alarms.iter().map(|alarm| alarm.to_json()).collect();
    let alarms = cuts.cut("alarms", alarms, MAX_ROWS, "GET /v1/alarms");
    let sensors = facts.sensors.iter().map(|one| sensor(one, facts.period)).collect();
    let sensors = cuts.cut("sensors", sensors, MAX_ROWS, "GET /v1/sensors");
    let place = facts.place.as_ref().map(|portrait| unit::place(portrait, &mut cuts));
    let mut content = json!({
        "title": title,
        "subject": subject,
        "as_of": facts.as_of.to_string(),
        "period": interval(facts.period),
        "source": {
            "engine": ENGINE,
            "ledger": { "sequence": facts.ledger.seq.get(), "hash": facts.ledger.hash.to_string() },
        },
        "products": facts.products.iter().map(product).collect::<Vec<_>>(),
        "lots": facts.lots.iter().map(|lot| Lot::to_json(lot)).collect::<Vec<_>>(),
        "places": facts.places.iter().map(|place| place_record(place, registry)).collect::<Vec<_>>(),
        "units_there_are": facts.units_there_are,
        "units": units,
        "place": place,
        "sensors": sensors,
        "holds": holds,
        "alarms": alarms,
        "cuts": cuts.all,
    });
    let digest = Hash::of(to_canonical(&content).as_bytes());
    content["content_sha256"] = json!(digest.to_string());
    content["issued"] = json!({ "at": issued.at.to_string(), "by": issued.by });
    content
}

fn subject(subject: &Subject) -> (String, Value) {
    match subject {
        Subject::Unit(unit) => {
            (format!("Temperature record of unit {unit}"), json!({ "kind": "unit", "unit": unit.as_str() }))
        }
        Subject::Lot(key) => (
            format!("Temperature record of lot {}", key.lot),
            json!({ "kind": "lot", "gtin": key.gtin.as_str(), "lot": key.lot.as_str() }),
        ),
        Subject::Place(place) => {
            (format!("Temperature record of place {place}"), json!({ "kind": "place", "place": place.as_str() }))
        }
    }
}

fn product(product: &Recorded<Product>) -> Value {
    let mut json = Product::to_json(product);
    json["version"] = json!(product.version);
    json["recorded_at"] = json!(product.recorded_at.to_string());
    json["implied_rules"] = product.implied_rules().iter().map(model::registry::Rule::to_json).collect();
    json
}

/// A place, with the time zone its days end in.
fn place_record(place: &Recorded<Place>, registry: &Registry) -> Value {
    let mut json = Place::to_json(place);
    json["zone"] = json!(registry.time_zone_of(&place.id).map(chrono_tz::Tz::name));
    json
}

/// A sensor, of its calibrations those that held within the period.
fn sensor(facts: &SensorFacts, period: Interval) -> Value {
    let mut json = json!({ "id": facts.id.as_str(), "registered": facts.record.is_some() });
    if let Some(record) = &facts.record {
        json = Sensor::to_json(record);
        json["registered"] = json!(true);
        let ended = |number: usize| record.calibrations.get(number + 1).is_some_and(|next| next.from <= period.from);
        let held = |(number, calibration): (usize, &Calibration)| calibration.from <= period.to && !ended(number);
        let keep: Vec<bool> = record.calibrations.iter().enumerate().map(held).collect();
        if let Some(all) = json["calibrations"].as_array_mut() {
            let mut keep = keep.into_iter();
            all.retain(|_| keep.next().unwrap_or(true));
        }
    }
    json["associations"] = facts.associations.iter().map(|one| one.to_json()).collect();
    json["exclusions"] = facts.exclusions.iter().map(|one| one.to_json()).collect();
    json
}

fn instant(at: ValidAt) -> Value {
    json!(at.to_string())
}

fn names(names: &[Name]) -> Value {
    names.iter().map(|name| json!(name.as_str())).collect()
}
