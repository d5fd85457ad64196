//! Excursions as they happen.

use std::sync::Arc;

use analytics::assessment_json;
use axum::Json;
use axum::extract::State;
use model::assessment::{Assessment, EndKind, Excursion};
use model::instant::ValidAt;
use model::registry::{Mode, Registry};
use model::role::Permission;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use crate::access::Sighted;
use crate::body::Parameters;
use crate::page::{Page, PageParams};
use crate::problem::Problem;
use crate::state::Shared;

/// Which excursions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExcursionParams {
    /// Only those under way, or only those that ended.
    open: Option<bool>,
    /// Only those of this unit.
    unit: Option<String>,
    /// `next_cursor` of the page before; absent for the first page.
    cursor: Option<String>,
    /// Items on the page, 1 to 1000; 100 when absent.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

/// Excursions of the latest assessments, by start, unit and rule.
///
/// One under way that has not fired yet carries `fires_at`: when it will, unless it recovers.
#[utoipa::path(get, path = "/v1/excursions", tag = "assessments", params(ExcursionParams), security(("bearer" = [])),
    responses(
    (status = 200, body = Page<crate::view::assessment::ExcursionListed>),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    Parameters(params): Parameters<ExcursionParams>,
) -> Result<Json<Page<Value>>, Problem> {
    caller.must_have(Permission::Read)?;
    let page = PageParams { cursor: params.cursor.clone(), limit: params.limit };
    let (limit, after) = (page.limit()?, page.after()?);
    let Some(latest) = shared.latest() else {
        return Err(Problem::unassessed());
    };
    let (registry, sight) = (shared.given.ledger.registry(), caller.sight(&shared));
    let mut found: Vec<(String, &Arc<Assessment>, &Excursion)> = latest
        .iter()
        .filter(|assessment| params.unit.as_deref().is_none_or(|unit| assessment.unit.as_str() == unit))
        .filter(|assessment| sight.unit(&assessment.unit))
        .flat_map(|assessment| assessment.excursions.iter().map(move |excursion| (assessment, excursion)))
        .filter(|(_, excursion)| params.open.is_none_or(|open| open == (excursion.end_kind == EndKind::Open)))
        .map(|(assessment, excursion)| (key(assessment, excursion), assessment, excursion))
        .filter(|(key, ..)| after.as_ref().is_none_or(|after| key > after))
        .collect();
    found.sort_by(|(left, ..), (right, ..)| left.cmp(right));
    found.truncate(limit + 1);
    let page = Page::cut(found, limit, |(key, ..)| key.clone());
    Ok(Json(page.map(|(_, assessment, excursion)| view(&registry, assessment, excursion))))
}

/// What the list is ordered by.
fn key(assessment: &Assessment, excursion: &Excursion) -> String {
    format!("{:020} {} {}", excursion.start.millis(), assessment.unit, excursion.rule)
}

fn view(registry: &Registry, assessment: &Assessment, excursion: &Excursion) -> Value {
    let mut view = json!({
        "unit": assessment.unit.as_str(),
        "gtin": assessment.gtin.as_str(),
        "lot": assessment.lot.as_str(),
    });
    if let (Value::Object(view), Value::Object(fields)) = (&mut view, assessment_json::excursion(excursion)) {
        view.extend(fields);
    }
    view["fires_at"] = json!(fires_at(registry, assessment, excursion).map(|at| at.to_string()));
    view["as_of"] = json!(assessment.as_of.to_string());
    view
}

/// When an excursion under way will fire unless it recovers; `None` when it has, or cannot.
pub(crate) fn fires_at(registry: &Registry, assessment: &Assessment, excursion: &Excursion) -> Option<ValidAt> {
    if excursion.end_kind != EndKind::Open {
        return None;
    }
    let product = registry.products.get(&assessment.gtin)?;
    let rule = product.rules.iter().find(|rule| rule.id == excursion.rule);
    let delay_s = match rule {
        Some(rule) => rule.delay.as_secs_f64(),
        None if excursion.rule.as_str() == "freeze" => product.freeze?.delay.as_secs_f64(),
        None => 0.0,
    };
    let before_s: f64 = match rule.map(|rule| rule.mode) {
        Some(Mode::Cumulative { .. }) => {
            let same = assessment.excursions.iter().filter(|other| other.rule == excursion.rule);
            same.filter(|other| other.start < excursion.start).map(|other| other.duration_s).sum()
        }
        _ => 0.0,
    };
    let left_s = (delay_s - before_s).max(0.0);
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a rule")]
    let at = ValidAt::from_millis(excursion.start.millis().saturating_add((left_s * 1000.0) as i64));
    (excursion.duration_s < left_s).then_some(at)
}
