//! An alarm as it is sent.

use model::hold::RaisedAlarm;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// An alarm as it was raised: `id`, `code`, whom it concerns (`unit`, `sensor`, `place`, `channel` or `account`), `rule`,
/// `at`, `raised_at`, `cleared_at`, `detail`, `acknowledged_by`, `acknowledged_at`, `acknowledged_reason`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlarmView {
    /// Its fields.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    record: Map<String, Value>,
}

impl From<&RaisedAlarm> for AlarmView {
    fn from(alarm: &RaisedAlarm) -> Self {
        let mut record = if let Value::Object(record) = alarm.to_json() { record } else { Map::new() };
        for field in ["channel", "account", "acknowledged_by", "acknowledged_at", "acknowledged_reason"] {
            record.entry(field).or_insert(Value::Null);
        }
        Self { record }
    }
}
