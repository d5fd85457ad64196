//! One unit, and what is known of it.

use analytics::assessment_json;
use axum::Json;
use axum::extract::State;
use model::hold::blocks;
use model::instant::RecordedAt;
use model::registry::{Origin, Record};
use model::role::Permission;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::dispatch::instant;
use crate::access::Caller;
use crate::body::{Parameters, Place};
use crate::problem::Problem;
use crate::state::Shared;
use crate::view::block::DispatchView;

/// A unit as it was registered, with its verdict, its undecided holds, and whether it may be issued now.
#[utoipa::path(get, path = "/v1/units/{id}", tag = "assessments", security(("bearer" = [])),
    params(("id" = String, Path, description = "The unit")), responses(
    (status = 200, body = Object),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn one(
    caller: Caller,
    State(shared): State<Shared>,
    Place(id): Place<String>,
) -> Result<Json<Value>, Problem> {
    caller.must_have(Permission::Read)?;
    let unit = shared.known_unit(&id)?;
    let assessment = shared.assess(&unit, None).await?;
    // holds as they are after the assessment, so that one it led to meanwhile counts
    let (now, snapshot) = (shared.now(), shared.given.ledger.snapshot());
    let registry = &snapshot.registry;
    let mut view = match registry.origin(&unit) {
        Some(Origin::Registered(recorded)) => recorded.record.to_json(),
        Some(Origin::Split(split)) => {
            let child = split.into.iter().find(|child| child.id == unit);
            json!({ "id": unit.as_str(), "split_from": split.unit.as_str(), "quantity": child.map(|child| child.quantity) })
        }
        None => return Err(Problem::not_found(format!("there is no unit `{unit}`"))),
    };
    let holds = snapshot.holds.concerning(registry, &unit, now);
    view["holds"] =
        holds.iter().filter(|hold| hold.state.is_undecided()).map(|hold| json!(hold.id.to_string())).collect();
    match assessment {
        Some(assessment) => {
            let blocks = blocks(registry, &snapshot.holds, &assessment, now, now);
            view["gtin"] = json!(assessment.gtin.as_str());
            view["lot"] = json!(assessment.lot.as_str());
            view["as_of"] = json!(assessment.as_of.to_string());
            view["verdict"] = json!(assessment.verdict.as_str());
            view["reasons"] = assessment.reasons.iter().map(assessment_json::reason).collect();
            view["labelled_expiry"] = json!(assessment.labelled_expiry.to_string());
            view["effective_expiry"] = json!(assessment.effective_expiry.to_string());
            view["issuable"] = json!(blocks.is_empty());
            view["blocks"] =
                serde_json::to_value(DispatchView::of(&blocks)).map(|view| view["blocks"].clone()).unwrap_or_default();
        }
        None => {
            view["verdict"] = Value::Null;
            view["issuable"] = json!(false);
        }
    }
    Ok(Json(view))
}

/// Which state of knowledge.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AssessmentParams {
    /// The instant asked about, RFC 3339 or milliseconds: readings measured later do not count. Now, when absent.
    as_of: Option<String>,
    /// What was recorded later, readings and registry alike, does not count. Everything does, when absent.
    known_at: Option<String>,
}

/// What is known of a unit at one instant.
#[utoipa::path(get, path = "/v1/units/{id}/assessment", tag = "assessments", security(("bearer" = [])),
    params(("id" = String, Path, description = "The unit"), AssessmentParams), responses(
    (status = 200, body = Object),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn assessment(
    caller: Caller,
    State(shared): State<Shared>,
    Place(id): Place<String>,
    Parameters(params): Parameters<AssessmentParams>,
) -> Result<Json<Value>, Problem> {
    caller.must_have(Permission::Read)?;
    let unit = shared.known_unit(&id)?;
    let as_of = instant("as_of", params.as_of.as_deref())?;
    let known_at = instant("known_at", params.known_at.as_deref())?;
    let known_at = known_at.map(|at| RecordedAt::from_millis(at.millis()));
    let Some(assess) = &shared.given.assess else {
        return Err(Problem::unavailable("unavailable", "nothing computes assessments here"));
    };
    match assess.assess(&unit, as_of, known_at).await? {
        Some(assessment) => Ok(Json(assessment_json::assessment(&assessment))),
        None => Err(Problem::not_found(format!("nothing was known of unit `{unit}` then"))),
    }
}
