//! The ways to tell somebody something.

mod email;
mod mqtt;
mod webhook;

use std::time::Duration;

use async_trait::async_trait;
use model::instant::to_rfc3339;
use model::registry::Recipient;
use serde_json::{Value, json};
use store::outbox::Due;

pub(crate) use email::Email;
pub(crate) use mqtt::Mqtt;
pub(crate) use webhook::Webhook;

/// A way to tell somebody something.
#[async_trait]
pub(crate) trait Channel: Send + Sync {
    /// Tells `due` to `person`, where it goes to one. Returns when the other side has said that it has it.
    async fn deliver(&self, due: &Due, person: Option<&Recipient>) -> Result<(), Refused>;
}

/// Why something was not delivered. It is tried again in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// What was refused.
    pub(crate) scope: Scope,
    /// What went wrong, for people.
    pub(crate) why: String,
    /// How long the other side asks to be left alone.
    pub(crate) retry_after: Option<Duration>,
}

/// What was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Everything: nobody answers, or somebody who cannot for the moment.
    Channel,
    /// This one.
    Delivery,
}

impl Refused {
    /// Nothing can be told for the moment.
    pub(crate) fn channel(why: impl Into<String>) -> Self {
        Self { scope: Scope::Channel, why: why.into(), retry_after: None }
    }

    /// This one is not wanted as it is.
    pub(crate) fn delivery(why: impl Into<String>) -> Self {
        Self { scope: Scope::Delivery, why: why.into(), retry_after: None }
    }
}

/// `due` as an event in the JSON format of CloudEvents 1.0, structured mode: the same bytes whenever it is told.
pub(crate) fn cloud_event(source: &str, due: &Due, person: Option<&Recipient>) -> Vec<u8> {
    let mut data: Value = serde_json::from_str(&due.body).unwrap_or(Value::Null);
    if let Some(person) = person {
        data["recipient"] = json!({
            "id": person.id.as_str(),
            "name": person.name,
            "phone": person.phone,
            "email": person.email,
            "language": person.language.as_str(),
            "level": due.level,
        });
    }
    let event = json!({
        "specversion": "1.0",
        "id": event_id(due),
        "source": source,
        "type": format!("coldtrail.{}", due.kind),
        "subject": due.subject,
        "time": to_rfc3339(due.created_at.millis()),
        "datacontenttype": "application/json",
        "data": data,
    });
    event.to_string().into_bytes()
}

/// The id of the event: the notice's, and the person's it is for if it is for one.
pub(crate) fn event_id(due: &Due) -> String {
    if due.recipient.is_empty() { due.id.clone() } else { format!("{}.{}", due.id, due.recipient) }
}
