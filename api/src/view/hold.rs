//! A hold as it is sent.

use model::hold::{Hold, Scope};
use serde::Serialize;
use serde_json::{Map, Value};
use store::ledger::record_hash;
use utoipa::ToSchema;

/// A hold: its record as it is signed, and beside it what it is on in single fields and the record's SHA-256.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HoldView {
    /// `id`, `scope`, `cause` (`code`, `rule`), `incident`, `state`, `placed_at`, `author`, `reason`,
    /// `inherited_from`, `evidence` (every version), `quarantine`, `acts` (every signature).
    #[serde(flatten)]
    #[schema(value_type = Object)]
    record: Map<String, Value>,
    /// The unit it is on.
    unit: Option<String>,
    /// The product of the lot it is on.
    gtin: Option<String>,
    /// The lot it is on.
    lot: Option<String>,
    /// The place it is on.
    place: Option<String>,
    /// SHA-256 of the canonical record: what the next signature binds.
    record_sha256: String,
}

impl From<&Hold> for HoldView {
    fn from(hold: &Hold) -> Self {
        let (unit, lot, place) = match &hold.scope {
            Scope::Unit(unit) => (Some(unit.to_string()), None, None),
            Scope::Lot(key) => (None, Some((key.gtin.as_str().to_owned(), key.lot.to_string())), None),
            Scope::Place(place) => (None, None, Some(place.to_string())),
        };
        let (gtin, lot) = lot.unzip();
        let record = if let Value::Object(record) = hold.to_json() { record } else { Map::new() };
        Self { record, unit, gtin, lot, place, record_sha256: record_hash(hold).into() }
    }
}
