//! Reports for people.

use analytics::report::{Question, ReportError, Subject};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use model::gs1::LotKey;
use model::name::Name;
use model::role::Permission;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::dispatch::instant;
use crate::access::Sighted;
use crate::body::Parameters;
use crate::problem::Problem;
use crate::report::{self, Fonts, Issued};
use crate::state::Shared;

/// What a report is about, and which form it has.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReportParams {
    /// A unit. Exactly one of `unit`, `lot` and `place` is wanted.
    unit: Option<String>,
    /// A lot, `GTIN/LOT`.
    lot: Option<String>,
    /// A place or a vehicle.
    place: Option<String>,
    /// From when on it is told in detail, RFC 3339 or milliseconds; from a unit's beginning, for a place 30 days, when
    /// absent.
    from: Option<String>,
    /// Until when it is told in detail, RFC 3339 or milliseconds; as-of, when absent.
    to: Option<String>,
    /// The instant asked about, RFC 3339 or milliseconds: readings measured later do not count. Now, when absent.
    as_of: Option<String>,
    /// `pdf` (default) or `json`.
    format: Option<String>,
}

/// The record of a unit, a lot or a place for people: a PDF, or the same content as JSON.
///
/// Reading leaves no entry in the audit trail, and so the same question twice finds the same ledger.
#[utoipa::path(get, path = "/v1/report", tag = "assessments", security(("bearer" = [])), params(ReportParams), responses(
    (status = 200, description = "The document, `application/pdf` or `application/json`"),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`report_limit`: too many readings", body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn report(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    Parameters(params): Parameters<ReportParams>,
) -> Result<Response, Problem> {
    caller.must_have(Permission::Read)?;
    let pdf = match params.format.as_deref() {
        None | Some("pdf") => true,
        Some("json") => false,
        Some(_) => return Err(Problem::bad_request("format", "the format is not known: use `pdf` or `json`")),
    };
    let question = Question {
        subject: subject(&params)?,
        from: instant("from", params.from.as_deref())?,
        to: instant("to", params.to.as_deref())?,
        as_of: instant("as_of", params.as_of.as_deref())?.unwrap_or_else(|| shared.now()),
        sight: caller.sight(&shared),
    };
    let Some(assess) = &shared.given.assess else {
        return Err(Problem::unavailable("unavailable", "nothing computes assessments here"));
    };
    let turn =
        tokio::time::timeout(shared.options.body_timeout, std::sync::Arc::clone(&shared.reports).acquire_owned());
    let Ok(Ok(turn)) = turn.await else {
        return Err(Problem::unavailable("unavailable", "too many reports are being made: ask again in a moment"));
    };
    let issued = Issued { at: shared.given.ledger.now(), by: caller.name().to_string() };
    let made = report::make(assess.as_ref(), &shared.given.ledger.snapshot(), &question, &issued).await?;
    let (bytes, name, media_type) = if pdf {
        let name = report::file_name(&made, "pdf");
        let directories = shared.options.font_directories.clone();
        let drawn = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            report::draw(&made, &Fonts::load(&directories)?)
        });
        let drawn = drawn.await.map_err(|error| Problem::internal(&error))?;
        (drawn.map_err(|error| Problem::internal(&error))?, name, "application/pdf")
    } else {
        (encoded(&made)?, report::file_name(&made, "json"), "application/json")
    };
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [(header::CONTENT_TYPE, media_type.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, bytes).into_response())
}

fn encoded(made: &Value) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(made).map_err(|error| Problem::internal(&error))
}

fn subject(params: &ReportParams) -> Result<Subject, Problem> {
    let named = |text: &str| Name::parse(text).map_err(|error| Problem::bad_request("name", error.to_string()));
    match (params.unit.as_deref(), params.lot.as_deref(), params.place.as_deref()) {
        (Some(unit), None, None) => named(unit).map(Subject::Unit),
        (None, None, Some(place)) => named(place).map(Subject::Place),
        (None, Some(lot), None) => {
            let refuse = |error| Problem::bad_request("parameter", format!("`lot`: {error}"));
            LotKey::parse(lot).map(Subject::Lot).map_err(refuse)
        }
        _ => Err(Problem::bad_request("parameter", "name exactly one of `unit`, `lot` and `place`")),
    }
}

impl From<ReportError> for Problem {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Unknown { .. } => Self::not_found(error.to_string()),
            ReportError::EmptyPeriod { .. } => Self::bad_request("parameter", error.to_string()),
            ReportError::Assess(error) => error.into(),
        }
    }
}
