//! The registry document of a world, for `coldtrail apply`.

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use model::instant::to_rfc3339;
use serde_json::{Value, json};

use crate::scenario::ProbeSpec;

/// The products a scenario can name, by GTIN. Illustrative profiles, not those of real medicines.
const CATALOGUE: &str = include_str!("registry/products.json");

/// Places, sensors, units and so on, as they are built.
#[derive(Debug)]
pub(crate) struct Registry {
    start: DateTime<Utc>,
    products: Vec<Value>,
    places: Vec<Value>,
    sensors: Vec<Value>,
    associations: Vec<Value>,
    lots: Vec<Value>,
    units: Vec<Value>,
}

impl Registry {
    pub(crate) fn new(start: DateTime<Utc>) -> Self {
        let empty = Vec::new;
        Self {
            start,
            products: empty(),
            places: empty(),
            sensors: empty(),
            associations: empty(),
            lots: empty(),
            units: empty(),
        }
    }

    pub(crate) fn place(&mut self, id: &str, name: &str, kind: &str, parent: Option<&str>, timezone: Option<&str>) {
        let mut place = json!({"id": id, "name": name, "kind": kind});
        if let Some(parent) = parent {
            place["parent"] = parent.into();
        }
        place["timezone"] = timezone.unwrap_or("Europe/Berlin").into();
        self.places.push(place);
    }

    pub(crate) fn sensor(&mut self, id: &str, place: &str, spec: &ProbeSpec) {
        let due = self.start + TimeDelta::days(200);
        self.sensors.push(json!({
            "id": id, "accuracy_c": spec.accuracy_c, "interval_s": spec.interval_s, "source": "continuous",
            "calibration_due": due.date_naive().to_string(),
        }));
        self.associations.push(json!({"sensor": id, "place": place, "from": self.start_text(), "to": null}));
    }

    /// Adds a unit of the product `gtin` at `place` and gives its SSCC.
    pub(crate) fn unit(&mut self, gtin: &str, place: &str, quantity: u32) -> anyhow::Result<String> {
        self.product(gtin)?;
        let id = sscc(self.units.len());
        // Two lots of each product; every fifth unit is of the older one.
        let lot = if self.units.len() % 5 == 4 { "LOT41" } else { "LOT42" };
        self.units.push(json!({
            "id": id, "gtin": gtin, "lot": lot, "quantity": quantity, "place": place, "at": self.start_text(),
        }));
        Ok(id)
    }

    fn product(&mut self, gtin: &str) -> anyhow::Result<()> {
        if self.products.iter().any(|known| known["gtin"] == gtin) {
            return Ok(());
        }
        let catalogue: Vec<Value> = serde_json::from_str(CATALOGUE)?;
        let product = catalogue.into_iter().find(|product| product["gtin"] == gtin);
        self.products.push(product.with_context(|| format!("no product `{gtin}` in the simulator's catalogue"))?);
        for (lot, made_days_ago, days_left) in [("LOT41", 400, 45), ("LOT42", 120, 500)] {
            let day = |days| (self.start + TimeDelta::days(days)).date_naive().to_string();
            self.lots.push(json!({
                "gtin": gtin, "lot": lot, "manufactured_on": day(-made_days_ago), "expires_on": day(days_left),
            }));
        }
        Ok(())
    }

    /// The whole document.
    pub(crate) fn document(&self) -> Value {
        json!({
            "products": self.products, "places": self.places, "sensors": self.sensors,
            "associations": self.associations, "lots": self.lots, "units": self.units,
        })
    }

    fn start_text(&self) -> String {
        to_rfc3339(self.start.timestamp_millis())
    }
}

/// The SSCC of the unit with this index: extension digit, company prefix of the GS1 examples, serial, check digit
/// (GS1 General Specifications 7.9).
fn sscc(index: usize) -> String {
    let body = format!("1950600{:010}", 1_340_000_000 + index);
    let sum: u32 = body
        .bytes()
        .rev()
        .zip([3, 1].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sscc_has_18_digits_and_its_check_digit() {
        for index in [0, 1, 77, 4_000] {
            let id = sscc(index);
            assert_eq!(id.len(), 18);
            let sum: u32 = id
                .bytes()
                .rev()
                .zip([1, 3].into_iter().cycle())
                .map(|(digit, weight)| u32::from(digit - b'0') * weight)
                .sum();
            assert_eq!(sum % 10, 0, "{id}");
        }
    }
}
