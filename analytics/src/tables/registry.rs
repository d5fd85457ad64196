//! The registry as tables: for each kind of record which of its fields are columns.
//!
//! A record's JSON (the registry document's own form) is the one source; a column names a pointer into it. Fields
//! that are lists or objects of their own are columns of JSON text.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::array::{Int32Array, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, Schema};
use chrono::NaiveDate;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use model::instant::parse_millis;
use model::registry::{Record, Registry, Table};
use serde_json::Value;
use store::schema::instant;

use crate::error::SqlError;

/// What a column holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    Number,
    Whole,
    Flag,
    Instant,
    Date,
    /// A list or an object, as JSON text.
    Json,
}

/// A column: its name, the pointer to its value, what it holds.
pub(super) type Column = (&'static str, &'static str, Kind);

/// The tables of the registry.
pub(crate) const REGISTRY: [&str; 7] = ["associations", "lots", "moves", "places", "products", "sensors", "units"];

const ASSOCIATIONS: &[Column] = &[
    ("sensor", "/sensor", Kind::Text),
    ("place", "/place", Kind::Text),
    ("unit", "/unit", Kind::Text),
    ("from_at", "/from", Kind::Instant),
    ("to_at", "/to", Kind::Instant),
];

const LOTS: &[Column] = &[
    ("gtin", "/gtin", Kind::Text),
    ("lot", "/lot", Kind::Text),
    ("manufactured_on", "/manufactured_on", Kind::Date),
    ("expires_on", "/expires_on", Kind::Date),
];

const MOVES: &[Column] = &[("unit", "/unit", Kind::Text), ("place", "/to", Kind::Text), ("at", "/at", Kind::Instant)];

const PLACES: &[Column] = &[
    ("id", "/id", Kind::Text),
    ("name", "/name", Kind::Text),
    ("kind", "/kind", Kind::Text),
    ("parent", "/parent", Kind::Text),
    ("gln", "/gln", Kind::Text),
    ("timezone", "/timezone", Kind::Text),
];

const PRODUCTS: &[Column] = &[
    ("gtin", "/gtin", Kind::Text),
    ("name", "/name", Kind::Text),
    ("storage_low_c", "/storage/temperature_c/0", Kind::Number),
    ("storage_high_c", "/storage/temperature_c/1", Kind::Number),
    ("storage_low_pct", "/storage/humidity_pct/0", Kind::Number),
    ("storage_high_pct", "/storage/humidity_pct/1", Kind::Number),
    ("kinetics_model", "/kinetics/model", Kind::Text),
    ("max_gap_s", "/max_gap_s", Kind::Number),
    ("max_unmonitored_s", "/max_unmonitored_s", Kind::Number),
    ("guard_band", "/guard_band", Kind::Flag),
    ("min_remaining_days_at_dispatch", "/min_remaining_days_at_dispatch", Kind::Whole),
    ("document", "", Kind::Json),
];

const SENSORS: &[Column] = &[
    ("id", "/id", Kind::Text),
    ("accuracy_c", "/accuracy_c", Kind::Number),
    ("interval_s", "/interval_s", Kind::Number),
    ("source", "/source", Kind::Text),
    ("calibration_due", "/calibration_due", Kind::Date),
    ("calibrations", "/calibrations", Kind::Json),
];

const UNITS: &[Column] = &[
    ("id", "/id", Kind::Text),
    ("gtin", "/gtin", Kind::Text),
    ("lot", "/lot", Kind::Text),
    ("quantity", "/quantity", Kind::Whole),
    ("place", "/place", Kind::Text),
    ("at", "/at", Kind::Instant),
];

/// The table `name` of `registry`.
pub(crate) fn table(name: &str, registry: &Registry) -> Result<Arc<dyn TableProvider>, SqlError> {
    match name {
        "associations" => of_records(ASSOCIATIONS, &registry.associations),
        "lots" => of_records(LOTS, &registry.lots),
        "moves" => of_records(MOVES, &registry.moves),
        "places" => of_records(PLACES, &registry.places),
        "products" => of_records(PRODUCTS, &registry.products),
        "sensors" => of_records(SENSORS, &registry.sensors),
        "units" => of_records(UNITS, &registry.units),
        other => Err(SqlError::internal(format!("`{other}` is no table of the registry"))),
    }
}

/// A table with a row for every record, `version` and `recorded_at` last.
fn of_records<T: Record>(columns: &[Column], records: &Table<T>) -> Result<Arc<dyn TableProvider>, SqlError> {
    let rows: Vec<Value> = records.iter().map(|recorded| recorded.record.to_json()).collect();
    let (mut fields, mut arrays) = of_json(columns, &rows);
    let versions = records.iter().map(|recorded| i32::try_from(recorded.version).unwrap_or(i32::MAX));
    fields.push(Field::new("version", DataType::Int32, false));
    arrays.push(Arc::new(Int32Array::from_iter_values(versions)));
    let recorded = records.iter().map(|recorded| recorded.recorded_at.millis());
    fields.push(Field::new("recorded_at", instant(), false));
    arrays.push(Arc::new(TimestampMillisecondArray::from_iter_values(recorded).with_timezone("UTC")));
    of_columns(fields, arrays)
}

/// The columns of `rows`, which are JSON.
pub(super) fn of_json(columns: &[Column], rows: &[Value]) -> (Vec<Field>, Vec<ArrayRef>) {
    let of = |(name, pointer, kind): &Column| {
        let array = column(rows, pointer, *kind);
        (Field::new(*name, array.data_type().clone(), true), array)
    };
    columns.iter().map(of).unzip()
}

/// A table in memory with one batch.
pub(super) fn of_columns(fields: Vec<Field>, arrays: Vec<ArrayRef>) -> Result<Arc<dyn TableProvider>, SqlError> {
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(SqlError::internal)?;
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]]).map_err(SqlError::internal)?))
}

fn column(rows: &[Value], pointer: &str, kind: Kind) -> ArrayRef {
    let values = rows.iter().map(|row| row.pointer(pointer).filter(|value| !value.is_null()));
    match kind {
        Kind::Text => Arc::new(StringArray::from_iter(values.map(|value| value.and_then(Value::as_str)))),
        Kind::Json => Arc::new(StringArray::from_iter(values.map(|value| value.map(Value::to_string)))),
        Kind::Number => Arc::new(Float64Array::from_iter(values.map(|value| value.and_then(Value::as_f64)))),
        Kind::Whole => Arc::new(Int64Array::from_iter(values.map(|value| value.and_then(Value::as_i64)))),
        Kind::Flag => Arc::new(BooleanArray::from_iter(values.map(|value| value.and_then(Value::as_bool)))),
        Kind::Instant => {
            let at = values.map(|value| value.and_then(Value::as_str).and_then(parse_millis));
            Arc::new(TimestampMillisecondArray::from_iter(at).with_timezone("UTC"))
        }
        Kind::Date => {
            Arc::new(Date32Array::from_iter(values.map(|value| value.and_then(Value::as_str).and_then(days))))
        }
    }
}

/// Days since 1970-01-01 of a date `YYYY-MM-DD`.
fn days(text: &str) -> Option<i32> {
    let date: NaiveDate = text.parse().ok()?;
    i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).ok()
}
