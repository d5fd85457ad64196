//! An entry of the audit trail as it is sent.

use model::instant::to_rfc3339;
use serde::Serialize;
use serde_json::{Value, json};
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
    /// What was before it; null when there was nothing, or nothing that is kept.
    before: Value,
    /// What is after it.
    after: Value,
    /// Why, in the words of whoever did it.
    reason: Option<String>,
    /// All that is kept of it.
    body: Value,
    /// The hash of the entry before.
    previous_hash: String,
    /// Its own hash.
    hash: String,
}

/// Members of bodies that say why, or nothing to anybody, and not what is so now.
const BESIDE: [&str; 4] = ["reason", "signature", "call", "password_digest"];

impl EventView {
    /// The entry of `event`; `before` is the record of the registry that it replaced.
    pub(crate) fn of(event: Event, before: Option<&str>) -> Self {
        let body: Value = serde_json::from_str(&event.body).unwrap_or_else(|_| Value::String(event.body.clone()));
        let (before, after) = match before.and_then(|record| serde_json::from_str(record).ok()) {
            Some(record) => (record, body.get("after").cloned().unwrap_or_default()),
            None => change(&event.kind, &body),
        };
        let reason = body.get("reason").and_then(Value::as_str).map(str::to_owned);
        Self {
            before,
            after,
            reason,
            seq: event.seq.get(),
            at: to_rfc3339(event.recorded_at.millis()),
            actor: event.actor,
            kind: event.kind,
            body,
            previous_hash: event.previous_hash.to_string(),
            hash: event.hash.to_string(),
        }
    }
}

/// What was before an event of `kind` and what is after it, by its `body`.
fn change(kind: &str, body: &Value) -> (Value, Value) {
    let of = |field: &str| body.get(field).cloned().unwrap_or_default();
    match kind {
        // versions of evidence, states of an account
        "registry" => (Value::Null, of("after")),
        "hold.evidence" | "hold.evidence_together" | "user.changed" => (of("before"), of("after")),
        "hold.under_review" | "hold.released" | "hold.rejected" => {
            let acted = body.get("holds").and_then(Value::as_array).into_iter().flatten();
            let state = |hold: &Value| json!({ "hold": hold.get("hold"), "state": hold.get("before") });
            let after = json!({ "state": of("after"), "disposition": of("disposition") });
            (acted.map(state).collect(), after)
        }
        "token.revoked" => (json!({ "revoked": false }), json!({ "id": of("id"), "revoked": true })),
        "alarm.acknowledged" => (json!({ "acknowledged_by": null }), json!({ "acknowledged_by": of("by") })),
        "alarm.cleared" => (json!({ "cleared_at": null }), json!({ "cleared_at": of("at") })),
        "session.ended" => (json!({ "session": of("session") }), Value::Null),
        // all others make something that was not there
        _ => {
            let mut made = body.clone();
            if let Value::Object(members) = &mut made {
                members.retain(|name, _| !BESIDE.contains(&name.as_str()));
            }
            (Value::Null, made)
        }
    }
}
