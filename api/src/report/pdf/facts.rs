//! Reading the JSON of a report.

use serde_json::Value;

/// A value of a report's JSON, read without surprises: what is not there is empty.
pub(super) trait Told {
    /// The text of `key`, or nothing.
    fn text(&self, key: &str) -> &str;
    /// The number of `key`.
    fn number(&self, key: &str) -> Option<f64>;
    /// The items of `key`.
    fn items(&self, key: &str) -> &[Value];
    /// Whether `key` is true.
    fn flag(&self, key: &str) -> bool;
}

impl Told for Value {
    fn text(&self, key: &str) -> &str {
        self[key].as_str().unwrap_or_default()
    }

    fn number(&self, key: &str) -> Option<f64> {
        self[key].as_f64()
    }

    fn items(&self, key: &str) -> &[Value] {
        self[key].as_array().map_or(&[], Vec::as_slice)
    }

    fn flag(&self, key: &str) -> bool {
        self[key].as_bool().unwrap_or(false)
    }
}

/// The product of `gtin` in `report`.
pub(super) fn product<'a>(report: &'a Value, gtin: &str) -> &'a Value {
    report.items("products").iter().find(|product| product.text("gtin") == gtin).unwrap_or(&Value::Null)
}

/// The lot `lot` of `gtin` in `report`.
pub(super) fn lot<'a>(report: &'a Value, gtin: &str, lot: &str) -> &'a Value {
    let same = |one: &&Value| one.text("gtin") == gtin && one.text("lot") == lot;
    report.items("lots").iter().find(same).unwrap_or(&Value::Null)
}

/// A place as people call it: its id, and its name where it has one.
pub(super) fn place(report: &Value, id: &str) -> String {
    if id.is_empty() {
        return "not known".to_owned();
    }
    let place = report.items("places").iter().find(|place| place.text("id") == id);
    match place.map(|place| place.text("name")).unwrap_or_default() {
        "" => id.to_owned(),
        name => format!("{id} ({name})"),
    }
}

/// The time zone in which the days of a place end.
pub(super) fn zone<'a>(report: &'a Value, id: &str) -> &'a str {
    let place = report.items("places").iter().find(|place| place.text("id") == id);
    match place.map(|place| place.text("zone")).unwrap_or_default() {
        "" => "not known (UTC+14 counts)",
        zone => zone,
    }
}

/// All rules of a product: the stated ones, those that follow from storage limits, and freezing.
pub(super) fn rules(product: &Value) -> Vec<Value> {
    let mut rules: Vec<Value> = product.items("rules").to_vec();
    rules.extend(product.items("implied_rules").iter().cloned());
    if let Some(limit) = product["freeze"].number("limit_c") {
        rules.push(serde_json::json!({
            "id": "freeze", "quantity": "temperature", "side": "low", "limit": limit, "comparator": "le",
            "mode": "single", "delay_s": product["freeze"]["delay_s"], "hysteresis": 0.0, "merge_s": 0, "severity": "hold",
        }));
    }
    rules
}
