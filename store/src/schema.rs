//! The columns of the two tables of the lake, the same in memory and in files.
//!
//! Beside these columns every file carries the partition column `day` (UTC, of `measured_at`; for `rejected` of
//! `received_at`) in its path, as Delta tables do.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// The name of the partition column.
pub const DAY: &str = "day";

/// Admitted readings. Order of columns is fixed.
///
/// `temperature_c` and `humidity_pct` are the f64 nearest to a whole thousandth; times are milliseconds UTC;
/// `quality` is `good` or `conflict`.
pub static READINGS: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("sensor", DataType::Utf8, false),
        Field::new("measured_at", instant(), false),
        Field::new("received_at", instant(), false),
        Field::new("temperature_c", DataType::Float64, true),
        Field::new("humidity_pct", DataType::Float64, true),
        Field::new("site", DataType::Utf8, false),
        Field::new("gateway", DataType::Utf8, false),
        Field::new("unit", DataType::Utf8, true),
        Field::new("seq", DataType::Int64, true),
        Field::new("quality", DataType::Utf8, false),
        Field::new("battery_v", DataType::Float32, true),
        Field::new("rssi_dbm", DataType::Float32, true),
    ]))
});

/// Messages and readings that were refused.
///
/// `payload` is the whole message, or the refused reading's JSON alone; bytes that are not UTF-8 are written `\xNN`.
pub static REJECTED: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("received_at", instant(), false),
        Field::new("topic", DataType::Utf8, false),
        Field::new("payload", DataType::Utf8, false),
        Field::new("reason", DataType::Utf8, false),
    ]))
});

/// Milliseconds since the epoch, UTC.
#[must_use]
pub fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
}
