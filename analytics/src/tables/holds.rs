//! Holds and alarms as tables.
//!
//! As with the registry, a record's JSON is the one source and a column names a pointer into it.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use model::hold::{Disposition, Hold, Holds, Scope};
use serde_json::{Value, json};

use super::registry::{Column, Kind, of_columns, of_json};
use crate::error::SqlError;

/// The tables about holds.
pub(crate) const HOLDS: [&str; 2] = ["alarms", "holds"];

const HOLD: &[Column] = &[
    ("id", "/id", Kind::Text),
    ("unit", "/unit", Kind::Text),
    ("gtin", "/gtin", Kind::Text),
    ("lot", "/lot", Kind::Text),
    ("place", "/place", Kind::Text),
    ("cause", "/cause/code", Kind::Text),
    ("rule", "/cause/rule", Kind::Text),
    ("state", "/state", Kind::Text),
    ("disposition", "/disposition", Kind::Text),
    ("incident", "/incident", Kind::Text),
    ("placed_at", "/placed_at", Kind::Instant),
    ("author", "/author", Kind::Text),
    ("reason", "/reason", Kind::Text),
    ("evidence_versions", "/evidence_versions", Kind::Whole),
    ("watermark", "/latest/watermark", Kind::Instant),
    ("product_version", "/latest/product_version", Kind::Whole),
    ("decided_at", "/decided/at", Kind::Instant),
    ("decided_by", "/decided/by", Kind::Text),
    ("document", "/document", Kind::Json),
];

const ALARM: &[Column] = &[
    ("id", "/id", Kind::Text),
    ("code", "/code", Kind::Text),
    ("unit", "/unit", Kind::Text),
    ("sensor", "/sensor", Kind::Text),
    ("place", "/place", Kind::Text),
    ("rule", "/rule", Kind::Text),
    ("at", "/at", Kind::Instant),
    ("raised_at", "/raised_at", Kind::Instant),
    ("cleared_at", "/cleared_at", Kind::Instant),
    ("detail", "/detail", Kind::Text),
];

/// The table `name` of `holds`.
pub(crate) fn table(name: &str, holds: &Holds) -> Result<Arc<dyn TableProvider>, SqlError> {
    let (columns, rows): (_, Vec<Value>) = match name {
        "holds" => (HOLD, holds.iter().map(|hold| row(&hold)).collect()),
        "alarms" => (ALARM, holds.alarms().map(|alarm| alarm.to_json()).collect()),
        other => return Err(SqlError::internal(format!("`{other}` is no table about holds"))),
    };
    let (fields, arrays) = of_json(columns, &rows);
    of_columns(fields, arrays)
}

/// A hold with what it is on, its latest evidence and how it ended in fields of their own.
fn row(hold: &Hold) -> Value {
    let document = hold.to_json();
    let mut row = document.clone();
    match &hold.scope {
        Scope::Unit(unit) => row["unit"] = json!(unit.as_str()),
        Scope::Place(place) => row["place"] = json!(place.as_str()),
        Scope::Lot(key) => (row["gtin"], row["lot"]) = (json!(key.gtin.as_str()), json!(key.lot.as_str())),
    }
    row["evidence_versions"] = json!(hold.evidence.len());
    row["latest"] = hold.evidence.last().map(|latest| latest.evidence.to_json()).unwrap_or_default();
    if let Some(act) = hold.acts.last().filter(|_| hold.ended_at().is_some()) {
        row["disposition"] = json!(act.meaning.disposition().map(Disposition::as_str));
        row["decided"] = document["acts"].as_array().and_then(|acts| acts.last().cloned()).unwrap_or_default();
    }
    row["document"] = document;
    row
}
