//! Units, and what is known of them.

use std::sync::Arc;

use analytics::assessment_json;
use axum::Json;
use axum::extract::State;
use model::assessment::Verdict;
use model::instant::RecordedAt;
use model::name::Name;
use model::role::Permission;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::dispatch::instant;
use super::holds::name;
use crate::access::Sighted;
use crate::body::{Parameters, Place};
use crate::page::{Page, PageParams, bad_cursor};
use crate::problem::Problem;
use crate::state::Shared;
use crate::stock::Stock;
use crate::view::block::DispatchView;
use crate::view::unit::UnitView;

/// Which units.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UnitParams {
    /// Only units that are in this place now, or in a place inside of it.
    place: Option<String>,
    /// Only units of this product.
    gtin: Option<String>,
    /// Only units of this lot.
    lot: Option<String>,
    /// Only units with this verdict: `pass`, `review`, `indeterminate` or `hold`.
    verdict: Option<String>,
    /// Only units that have not ended, or only those that have.
    open: Option<bool>,
    /// `next_cursor` of the page before; absent for the first page.
    cursor: Option<String>,
    /// Items on the page, 1 to 1000; 100 when absent.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

/// Units by id, split children too: as registered, and how each stands by its latest assessment.
#[utoipa::path(get, path = "/v1/units", tag = "assessments", params(UnitParams), security(("bearer" = [])), responses(
    (status = 200, body = Page<UnitView>),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Asked by verdict, and not every unit has been assessed yet", body = Problem,
     content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    Parameters(params): Parameters<UnitParams>,
) -> Result<Json<Page<UnitView>>, Problem> {
    caller.must_have(Permission::Read)?;
    let page = PageParams { cursor: params.cursor.clone(), limit: params.limit };
    let (limit, after) = (page.limit()?, page.after()?);
    let after = after.map(|after| Name::parse(&after).map_err(|_| bad_cursor())).transpose()?;
    let place = params.place.as_deref().map(name).transpose()?;
    let verdict = params.verdict.as_deref().map(verdict).transpose()?;
    let look = move |stock: &Stock| {
        if verdict.is_some() && !stock.is_assessed() {
            return Err(Problem::unassessed());
        }
        let units = stock.units();
        let first = match &after {
            None => 0,
            Some(after) => units.binary_search(after).map_err(|_| bad_cursor())? + 1,
        };
        let wanted = units[first..].iter().filter(|unit| {
            verdict.is_none_or(|verdict| stock.assessment(unit).is_some_and(|known| known.verdict == verdict))
                && stock.is_of(unit, params.gtin.as_deref(), params.lot.as_deref())
                && place.as_ref().is_none_or(|place| stock.is_in(unit, place))
        });
        let standing = wanted.filter_map(|unit| stock.standing(unit));
        let found = standing.filter(|standing| params.open.is_none_or(|open| open == standing.is_open()));
        let page = Page::cut(found.take(limit + 1).collect(), limit, |standing| standing.unit.to_string());
        Ok(Json(page.map(|standing| UnitView::of(stock, &standing))))
    };
    Stock::look(&shared, &caller, look).await
}

fn verdict(word: &str) -> Result<Verdict, Problem> {
    Verdict::parse(word).ok_or_else(|| {
        let word: String = word.chars().take(40).collect();
        let detail = format!("`verdict` is `{word}`: use `pass`, `review`, `indeterminate` or `hold`");
        Problem::bad_request("parameter", detail)
    })
}

/// A unit with everything that stands against issuing it.
#[derive(Serialize, ToSchema)]
pub(crate) struct UnitInFull {
    #[serde(flatten)]
    unit: UnitView,
    #[serde(flatten)]
    dispatch: Against,
}

/// What stands against issuing a unit now.
#[derive(Serialize, ToSchema)]
pub(crate) struct Against {
    /// As the dispatch check answers; empty as long as the unit was not assessed.
    #[schema(value_type = Vec<crate::view::block::BlockView>)]
    blocks: Value,
}

/// A unit as it was registered, with its verdict, its undecided holds, and whether it may be issued now.
#[utoipa::path(get, path = "/v1/units/{id}", tag = "assessments", security(("bearer" = [])),
    params(("id" = String, Path, description = "The unit")), responses(
    (status = 200, body = UnitInFull),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn one(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    Place(id): Place<String>,
) -> Result<Json<UnitInFull>, Problem> {
    caller.must_have(Permission::Read)?;
    let unit = shared.known_unit(&caller.sight(&shared), &id)?;
    let assessment = shared.assess(&unit, None).await?.map(Arc::new);
    // holds as they are after the assessment, so that one it led to meanwhile counts
    let look = move |stock: &Stock| {
        let standing = stock.standing_by(&unit, assessment);
        let standing = standing.ok_or_else(|| Problem::not_found(format!("there is no unit `{unit}`")))?;
        let blocks = serde_json::to_value(DispatchView::of(&standing.blocks)).map(|mut view| view["blocks"].take());
        let dispatch = Against { blocks: blocks.unwrap_or_default() };
        Ok(Json(UnitInFull { unit: UnitView::of(stock, &standing), dispatch }))
    };
    Stock::look(&shared, &caller, look).await
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
    (status = 200, body = crate::view::assessment::AssessmentView),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn assessment(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    Place(id): Place<String>,
    Parameters(params): Parameters<AssessmentParams>,
) -> Result<Json<Value>, Problem> {
    caller.must_have(Permission::Read)?;
    let unit = shared.known_unit(&caller.sight(&shared), &id)?;
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
