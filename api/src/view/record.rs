//! A registered record as it is sent.

use model::instant::to_rfc3339;
use model::registry::{Record, Recorded};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A record, with what the ledger knows about it beside its own fields.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecordView {
    /// The fields of the registry document, defaults written out.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    fields: Map<String, Value>,
    /// The version of the record; the first is 1.
    version: u32,
    /// When this version was recorded.
    recorded_at: String,
}

impl RecordView {
    pub(crate) fn of<T: Record>(recorded: &Recorded<T>) -> Self {
        let fields = match recorded.record.to_json() {
            Value::Object(fields) => fields,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        Self { fields, version: recorded.version, recorded_at: to_rfc3339(recorded.recorded_at.millis()) }
    }
}
