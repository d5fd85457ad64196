//! The issuing question.

use axum::Json;
use axum::extract::State;
use model::hold::{Block, blocks};
use model::instant::{ValidAt, parse_millis};
use model::name::Name;
use model::role::Permission;
use serde::Deserialize;
use utoipa::IntoParams;

use super::holds::name;
use crate::access::Sighted;
use crate::body::{Parameters, Place};
use crate::problem::Problem;
use crate::state::Shared;
use crate::view::block::DispatchView;

/// Where a unit is to go, and when.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DispatchParams {
    /// Where to. What stands against issuing a unit does not depend on it.
    to: Option<String>,
    /// When, RFC 3339 or milliseconds; now, when absent.
    at: Option<String>,
}

/// Whether a unit may be issued at an instant, and everything that stands against it.
///
/// Holds and reviews are those open when asked; expiry and remaining days are judged at `at`.
#[utoipa::path(get, path = "/v1/units/{id}/dispatch-check", tag = "holds", security(("bearer" = [])),
    params(("id" = String, Path, description = "The unit, or what holds units"), DispatchParams), responses(
    (status = 200, body = DispatchView),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn check(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    Place(id): Place<String>,
    Parameters(params): Parameters<DispatchParams>,
) -> Result<Json<DispatchView>, Problem> {
    caller.must_have(Permission::Read)?;
    params.to.as_deref().map(name).transpose()?;
    let at = instant("at", params.at.as_deref())?;
    let id = name(&id)?;
    let mut units = shared.given.ledger.registry().units_in(&id, shared.now());
    let sight = caller.sight(&shared);
    units.retain(|unit| sight.unit(unit));
    if units.is_empty() {
        return Err(Problem::not_found(format!("there is no unit `{id}`")));
    }
    let mut blocks = Vec::new();
    for unit in &units {
        blocks.extend(against(&shared, unit, at).await?);
    }
    Ok(Json(DispatchView::of(&blocks)))
}

/// Everything that stands against issuing `unit` at `at`, or now.
pub(crate) async fn against(shared: &Shared, unit: &Name, at: Option<ValidAt>) -> Result<Vec<Block>, Problem> {
    let assessment = shared.assess(unit, None).await?;
    let assessment = assessment.ok_or_else(|| Problem::not_found(format!("nothing is known of unit `{unit}` yet")))?;
    // holds as they are after the assessment, so that one it led to meanwhile counts
    let (now, snapshot) = (shared.now(), shared.given.ledger.snapshot());
    Ok(blocks(&snapshot.registry, &snapshot.holds, &assessment, now, at.unwrap_or(now)))
}

/// The instant a parameter or a field spells.
pub(crate) fn instant(field: &str, text: Option<&str>) -> Result<Option<ValidAt>, Problem> {
    let Some(text) = text else { return Ok(None) };
    // a `+` that was not escaped arrives as a space
    let millis = parse_millis(&text.replace(' ', "+"));
    millis.map(|millis| Some(ValidAt::from_millis(millis))).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        Problem::bad_request(
            "parameter",
            format!("`{field}` is `{shown}`: use RFC 3339 or milliseconds since the epoch"),
        )
    })
}
