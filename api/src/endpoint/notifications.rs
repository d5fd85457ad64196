//! What people and systems were told, and whether telling them works.

use axum::Json;
use axum::extract::State;
use model::hold::AlarmCode;
use model::instant::to_rfc3339;
use model::role::Permission;
use serde::{Deserialize, Serialize};
use store::outbox::{Listed, ListedState, Wanted};
use utoipa::{IntoParams, ToSchema};

use crate::access::Caller;
use crate::body::Parameters;
use crate::page::{Page, PageParams, bad_cursor};
use crate::problem::Problem;
use crate::state::{Notifications, Shared};
use crate::view::notification::NotificationView;

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct NotificationParams {
    /// Only those about this incident.
    incident: Option<String>,
    /// Only those to this person.
    recipient: Option<String>,
    /// `pending`, `delivered` or `withdrawn`.
    state: Option<String>,
    /// `next_cursor` of the page before; absent for the first page.
    cursor: Option<String>,
    /// Items on the page, 1 to 1000; 100 when absent.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

/// Whether telling works.
#[derive(Serialize, ToSchema)]
pub(crate) struct NotificationsState {
    /// Each way in which somebody is told.
    channels: Vec<ChannelState>,
    /// Who is told at once.
    recipients: RecipientsState,
    /// Notifications that nobody has acknowledged.
    unacknowledged: usize,
    /// After how long without acknowledgement the next level is told.
    escalate_after_s: f64,
}

/// One way in which somebody is told.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChannelState {
    /// Its name: `email`, `mqtt`, `webhook.NAME`.
    channel: String,
    /// Whether the configuration has it.
    configured: bool,
    /// Deliveries still to be made, without those that tell of another channel's failure.
    pending: u64,
    /// Since when the oldest of them waits.
    oldest_pending_at: Option<String>,
    /// Whether it is in alarm (`notification_undelivered`).
    alarm: bool,
}

/// Who is told at once.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecipientsState {
    /// Different people that a configured channel reaches.
    reached: usize,
    /// How many there are to be.
    minimum: usize,
    /// Whether there are as many.
    enough: bool,
}

fn told(shared: &Shared) -> Result<&Notifications, Problem> {
    let none = || Problem::unavailable("unavailable", "nobody is told of anything here");
    shared.given.notifications.as_ref().ok_or_else(none)
}

/// Deliveries of notifications, newest first: what, to whom, how, how often it was tried, and what became of it.
#[utoipa::path(get, path = "/v1/notifications", tag = "notifications", params(NotificationParams),
    security(("bearer" = [])), responses(
    (status = 200, body = Page<NotificationView>),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    caller: Caller,
    State(shared): State<Shared>,
    Parameters(params): Parameters<NotificationParams>,
) -> Result<Json<Page<NotificationView>>, Problem> {
    caller.must_have(Permission::Read)?;
    let state = match params.state.as_deref() {
        None => None,
        Some(word) => Some(ListedState::parse(word).ok_or_else(|| {
            Problem::bad_request("parameter", "`state` must be `pending`, `delivered` or `withdrawn`")
        })?),
    };
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let limit = page.limit()?;
    let before = match page.after()? {
        Some(text) => Some(text.parse().map_err(|_| bad_cursor())?),
        None => None,
    };
    let (incident, recipient) = (params.incident, params.recipient);
    let wanted = Wanted { incident, recipient, state, before, limit: limit + 1 };
    let found = told(&shared)?.outbox.list(&wanted).await?;
    let page = Page::cut(found, limit, |delivery: &Listed| delivery.delivery.to_string());
    Ok(Json(page.map(NotificationView::from)))
}

/// Whether telling works: the channels, how many people are told at once, what nobody has acknowledged.
#[utoipa::path(get, path = "/v1/notifications/state", tag = "notifications", security(("bearer" = [])), responses(
    (status = 200, body = NotificationsState),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn state(caller: Caller, State(shared): State<Shared>) -> Result<Json<NotificationsState>, Problem> {
    caller.must_have(Permission::Read)?;
    let told = told(&shared)?;
    let backlog = told.outbox.backlog().await?;
    let snapshot = shared.given.ledger.snapshot();
    let open = snapshot
        .holds
        .single_alarms()
        .filter(|alarm| alarm.code == AlarmCode::NotificationUndelivered && alarm.cleared_at.is_none());
    let alarmed: Vec<String> = open.map(|alarm| alarm.subject.parts().1.to_string()).collect();
    let gone = backlog.iter().map(|waiting| &waiting.channel).filter(|channel| !told.channels.contains(channel));
    let channel = |channel: &String| {
        let waiting = backlog.iter().find(|waiting| waiting.channel == *channel);
        ChannelState {
            channel: channel.clone(),
            configured: told.channels.contains(channel),
            pending: waiting.map_or(0, |waiting| waiting.pending),
            oldest_pending_at: waiting.map(|waiting| to_rfc3339(waiting.oldest.millis())),
            alarm: alarmed.contains(channel),
        }
    };
    let reached = (told.reached)(&snapshot.registry);
    Ok(Json(NotificationsState {
        channels: told.channels.iter().chain(gone).map(channel).collect(),
        recipients: RecipientsState { reached, minimum: told.minimum, enough: reached >= told.minimum },
        unacknowledged: told.outbox.unanswered().await?.len(),
        escalate_after_s: told.escalate_after.as_secs_f64(),
    }))
}
