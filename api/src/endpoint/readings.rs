//! Readings: in by the door, out as history.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::instant::parse_millis;
use model::name::Name;
use model::role::{Permission, Role};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use crate::access::Caller;
use crate::body::{Parameters, Place, Raw};
use crate::history::{self, Span};
use crate::page::{Page, PageParams};
use crate::problem::Problem;
use crate::state::Shared;
use crate::view::receipt::ReceiptView;

/// What of a message tells whose it is. A field that stands twice is refused, or two readers could disagree.
#[derive(Deserialize)]
struct Sender {
    gateway: Option<String>,
}

/// Takes readings in; answered when they are on disk.
///
/// A token of the role `gateway` may only send readings of the gateway it is bound to.
#[utoipa::path(post, path = "/v1/readings", tag = "readings", security(("bearer" = [])),
    request_body(content = Object, description = "The message of readings, with `site` and `gateway`",
                 content_type = "application/json"), responses(
    (status = 200, body = ReceiptView),
    (status = 400, description = "The code is the reason: `json`, `shape`, `name`", body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 413, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn take(
    caller: Caller,
    State(shared): State<Shared>,
    Raw(body): Raw,
) -> Result<Json<ReceiptView>, Problem> {
    caller.must_have(Permission::PublishReadings)?;
    let bound = match (&caller.0.gateway, caller.0.role) {
        (Some(gateway), _) => Some(gateway),
        (None, Role::Gateway) => Some(caller.name()),
        (None, _) => None,
    };
    if let Some(bound) = bound {
        let sender: Sender = serde_json::from_slice(&body)
            .map_err(|error| Problem::bad_request("json", format!("the body is not a message of readings: {error}")))?;
        if sender.gateway.as_deref() != Some(bound.as_str()) {
            return Err(Problem::forbidden(format!("this token may only send readings of the gateway `{bound}`")));
        }
    }
    let receipt = shared.given.door.take(caller.name().as_str(), &body).await?;
    Ok(Json(receipt.into()))
}

/// Which part of a history, and how fine.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryParams {
    /// From this instant on, RFC 3339 or milliseconds; the first reading when absent.
    from: Option<String>,
    /// Before this instant, RFC 3339 or milliseconds; after the last reading when absent.
    to: Option<String>,
    /// At most so many buckets, 1 to 10000; each reading on its own when absent.
    #[param(minimum = 1, maximum = 10000)]
    max_points: Option<u32>,
    /// `next_cursor` of the page before; not with `max_points`.
    cursor: Option<String>,
    /// Readings on the page, 1 to 1000; 100 when absent.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

/// The history of a sensor: each reading, or with `max_points` min, max and last of each bucket.
#[utoipa::path(get, path = "/v1/sensors/{id}/readings", tag = "readings", security(("bearer" = [])),
    params(("id" = String, Path, description = "The sensor"), HistoryParams), responses(
    (status = 200, body = Page<Value>),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn of_sensor(
    caller: Caller,
    State(shared): State<Shared>,
    Place(id): Place<String>,
    Parameters(params): Parameters<HistoryParams>,
) -> Result<Json<Page<Value>>, Problem> {
    caller.must_have(Permission::Read)?;
    let sensor = Name::parse(&id).map_err(|error| Problem::bad_request("name", error.to_string()))?;
    let span = Span { sensor, from: instant("from", params.from)?, to: instant("to", params.to)? };
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    match params.max_points {
        None => history::readings(&shared.given.engine, &span, &page).await.map(Json),
        Some(points) if (1..=10_000).contains(&points) && page.cursor.is_none() => {
            history::buckets(&shared.given.engine, &span, points).await.map(Json)
        }
        Some(_) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "parameter",
            "`max_points` must be 1 to 10000, and there is no next page with it",
        )),
    }
}

fn instant(name: &str, text: Option<String>) -> Result<Option<i64>, Problem> {
    let Some(text) = text else { return Ok(None) };
    // a `+` that was not escaped arrives as a space
    parse_millis(&text.replace(' ', "+")).map(Some).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        Problem::bad_request(
            "parameter",
            format!("`{name}` is `{shown}`: use RFC 3339 or milliseconds since the epoch"),
        )
    })
}
