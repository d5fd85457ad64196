//! A delivery of a notification as it is sent.

use model::instant::to_rfc3339;
use serde::Serialize;
use store::outbox::Listed;
use utoipa::ToSchema;

/// What was told to whom, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NotificationView {
    /// The delivery.
    id: String,
    /// The notification, as its receivers know it.
    notification: String,
    /// What it tells: `hold.placed`, `alarm.raised` …
    kind: String,
    /// The incident or alarm it is about.
    subject: String,
    /// The incident, when holds are concerned.
    incident: Option<String>,
    /// `email`, `mqtt` or `webhook.NAME`.
    channel: String,
    /// The person, where it goes to one.
    recipient: Option<String>,
    /// The level of escalation, from 1.
    level: u32,
    /// Since when it was to be delivered.
    created_at: String,
    /// `pending`, `delivered` or `withdrawn`.
    state: &'static str,
    /// How often it was tried.
    attempts: u64,
    /// What went wrong last.
    last_error: Option<String>,
    /// When it was delivered.
    delivered_at: Option<String>,
    /// When it is tried again, at the earliest.
    retry_at: Option<String>,
}

impl From<Listed> for NotificationView {
    fn from(listed: Listed) -> Self {
        Self {
            id: format!("d{}", listed.delivery),
            notification: listed.notification,
            kind: listed.kind,
            subject: listed.subject,
            incident: listed.incident,
            channel: listed.channel,
            recipient: Some(listed.recipient).filter(|recipient| !recipient.is_empty()),
            level: listed.level,
            created_at: to_rfc3339(listed.created_at.millis()),
            state: listed.state.as_str(),
            attempts: listed.attempts,
            last_error: listed.last_error,
            delivered_at: listed.delivered_at.map(|at| to_rfc3339(at.millis())),
            retry_at: listed.retry_at.map(|at| to_rfc3339(at.millis())),
        }
    }
}
