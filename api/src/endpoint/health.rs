//! Whether the node is up, ready, and how it does.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::state::Shared;

/// That the process is up.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    status: &'static str,
}

/// Answers as long as the process is up.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = Health)))]
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether the node takes requests.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ready {
    /// Whether everything is well.
    ready: bool,
    /// Each thing looked at.
    checks: Vec<Look>,
}

/// One thing looked at.
#[derive(Serialize, ToSchema)]
pub(crate) struct Look {
    /// What.
    name: &'static str,
    /// Whether it is well.
    ok: bool,
    /// What is the matter, or a number worth knowing.
    detail: String,
}

/// Answers 200 when the journal, the decoder and the ledger are well, else 503.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, body = Ready),
    (status = 503, body = Ready),
))]
pub(crate) async fn readyz(State(shared): State<Shared>) -> (StatusCode, Json<Ready>) {
    let checks: Vec<Look> = (shared.given.readiness)()
        .into_iter()
        .map(|check| Look { name: check.name, ok: check.ok, detail: check.detail })
        .collect();
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, checks }))
}

/// The metrics in Prometheus' text format.
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
    (status = 200, body = String, content_type = "text/plain; version=0.0.4"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn metrics(State(shared): State<Shared>) -> Result<Response, Problem> {
    let Some(metrics) = &shared.given.metrics else {
        return Err(Problem::not_found("metrics are switched off"));
    };
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], metrics.render()).into_response())
}
