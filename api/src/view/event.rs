//! An entry of the audit trail as it is sent.

use model::instant::to_rfc3339;
use serde::Serialize;
use serde_json::Value;
use store::ledger::Event;
use utoipa::ToSchema;

/// Who did what, and when.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventView {
    /// Its place: 1, 2, 3 …
    seq: u64,
    /// When it was recorded.
    at: String,
    /// Who did it.
    actor: String,
    /// What kind of event it is.
    kind: String,
    /// What happened: before, after, why.
    body: Value,
    /// The hash of the entry before.
    previous_hash: String,
    /// Its own hash.
    hash: String,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        Self {
            seq: event.seq.get(),
            at: to_rfc3339(event.recorded_at.millis()),
            actor: event.actor,
            kind: event.kind,
            body: serde_json::from_str(&event.body).unwrap_or(Value::String(event.body)),
            previous_hash: event.previous_hash.to_string(),
            hash: event.hash.to_string(),
        }
    }
}
