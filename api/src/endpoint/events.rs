//! Server-sent events.

use std::convert::Infallible;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::sse::Sse;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use model::role::Permission;
use serde::Deserialize;
use store::ledger::Sequence;
use utoipa::IntoParams;

use crate::access::{Pass, Sighted};
use crate::body::Parameters;
use crate::events::Topic;
use crate::problem::Problem;
use crate::state::Shared;

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventParams {
    /// Of `reading`, `excursion`, `hold` and `alarm` those wanted, with commas between them; all when absent.
    types: Option<String>,
    /// For clients that cannot send the header `Last-Event-ID`: the same.
    last_event_id: Option<String>,
}

/// What happens, as it happens: server-sent events.
///
/// Events `hold` and `alarm` carry an id; a client that comes back with the last one (`Last-Event-ID`) is told all that
/// came after it. `reading` (the newest of each sensor, once a second) and `excursion` are not told again. The stream
/// ends after 15 minutes, when nothing of it is taken for 20 s, and when whoever listens is signed out, revoked, or may
/// something else than before.
#[utoipa::path(get, path = "/v1/events", tag = "events", security(("bearer" = [])),
    params(EventParams, ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event seen")),
    responses(
    (status = 200, body = String, content_type = "text/event-stream"),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Too many clients listen", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn stream(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    headers: HeaderMap,
    Parameters(params): Parameters<EventParams>,
) -> Result<Response, Problem> {
    caller.must_have(Permission::Read)?;
    let topics = match &params.types {
        None => Topic::ALL.to_vec(),
        Some(words) => words.split(',').map(|word| topic(word.trim())).collect::<Result<_, _>>()?,
    };
    let header = headers.get("last-event-id").map(|value| value.to_str().unwrap_or("?").to_owned());
    // a browser that has seen none sends it empty
    let after = header.or(params.last_event_id).filter(|text| !text.is_empty());
    let after = after.as_deref().map(sequence).transpose()?;
    let hub = shared.events.clone();
    let Some(place) = hub.enter() else {
        return Err(Problem::unavailable("unavailable", "too many clients listen: ask again later"));
    };
    let told = hub.tell(shared, place, topics, after, (caller.0, Pass::of(&headers)?)).await;
    let events = futures::stream::unfold(told, |mut told| async move { Some((told.recv().await?, told)) });
    // proxies are not to collect what is meant to arrive at once
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), "no");
    Ok(([unbuffered], Sse::new(events.map(Ok::<_, Infallible>))).into_response())
}

fn topic(word: &str) -> Result<Topic, Problem> {
    Topic::parse(word).ok_or_else(|| {
        let word: String = word.chars().take(40).collect();
        let detail = format!("`types` has `{word}`: use `reading`, `excursion`, `hold` and `alarm`");
        Problem::bad_request("parameter", detail)
    })
}

fn sequence(text: &str) -> Result<Sequence, Problem> {
    text.parse().map(Sequence::new).map_err(|_| {
        let detail = "the last event's id is not one of this stream: come back without it";
        Problem::bad_request("parameter", detail)
    })
}
