//! Moves: planned ones are judged, ones that happened are recorded.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::hold::{Block, Destination, life_blocks, review_block};
use model::registry::{Move, Registry, RegistryDocument};
use model::role::Permission;
use model::sight::Sight;
use serde::Serialize;
use serde_json::{Value, json};
use store::ledger::{Judged, Outcome};
use utoipa::ToSchema;

use super::registry::refused;
use crate::access::Sighted;
use crate::body::{self, Parameters};
use crate::person::Because;
use crate::problem::Problem;
use crate::state::Shared;

/// What became of a move.
#[derive(Serialize, ToSchema)]
pub(crate) struct MovedView {
    /// 1 when the move is new.
    created: usize,
    /// 1 when it replaces another of the unit at that instant.
    updated: usize,
    /// 1 when it was recorded just so already.
    unchanged: usize,
    /// Everything that stood against it: a move that happened is a fact, and raised an alarm then.
    #[schema(value_type = Vec<Object>)]
    alarms: Vec<Value>,
}

/// Records that a unit moved, or plans it.
///
/// A planned move of a blocked unit to a customer, a hospital or another site is refused with everything that stands
/// against it; one that happened is recorded, with an alarm `moved_while_blocked`.
#[utoipa::path(post, path = "/v1/moves", tag = "holds", params(Because), security(("bearer" = [])),
    request_body(content = Object, description = "A move as in a registry document: `unit`, `to`, `at`, `planned`",
                 content_type = "application/json"), responses(
    (status = 200, description = "It was recorded just so already", body = MovedView),
    (status = 201, body = MovedView),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "Of somebody limited to sites: the unit or the place is not there", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`blocked`: with `allowed` and `blocks` of the dispatch check", body = Problem,
     content_type = "application/problem+json"),
    (status = 422, description = "`registry_refused`", body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn record(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    Parameters(because): Parameters<Because>,
    body::Json(movement): body::Json<Value>,
) -> Result<(StatusCode, Json<MovedView>), Problem> {
    caller.must_have(Permission::Moves)?;
    let reason = because.said()?;
    let document = RegistryDocument::from_value(&json!({ "moves": [movement] })).map_err(refused)?;
    let ledger = &shared.given.ledger;
    let seen = || document.moves.iter().try_for_each(|record| within(&caller.sight(&shared), &shared, record));
    seen()?;
    let judged = judge(&shared, &document, true).await?;
    // that took its time, in which it may have gone
    seen()?;
    let unit = document.moves.first().map(|record| (record.unit.clone(), record.at));
    match ledger.apply_judged(document, caller.name(), reason.as_deref(), judged).await? {
        Outcome::Applied(applied) => {
            let status = if applied.unchanged == 0 { StatusCode::CREATED } else { StatusCode::OK };
            let holds = ledger.holds();
            let raised = unit.into_iter().flat_map(|(unit, at)| {
                let subject = model::hold::Subject::Unit(unit);
                let of_move = holds.alarms_about(&subject).filter(|alarm| alarm.at == at);
                of_move.map(|alarm| alarm.to_json()).collect::<Vec<_>>()
            });
            let alarms = raised.collect();
            let (created, updated, unchanged) = (applied.created, applied.updated, applied.unchanged);
            Ok((status, Json(MovedView { created, updated, unchanged, alarms })))
        }
        Outcome::Refused(wrongs) => Err(refused(wrongs)),
        Outcome::Blocked(moves) => Err(Problem::blocked(&moves)),
    }
}

/// How far a limited caller's clock may be ahead of ours.
const AHEAD_MS: i64 = 60_000;

/// Fails unless a move is of what is seen, from where it is seen to where it is: what is not seen is not there. Neither is
/// it said in advance to have happened, which would bring back what has gone by then, nor is what happened taken back.
fn within(sight: &Sight, shared: &Shared, record: &Move) -> Result<(), Problem> {
    if !sight.is_limited() {
        return Ok(());
    }
    let registry = shared.given.ledger.registry();
    let held = || registry.units_in(&record.unit, record.at);
    if !sight.unit(&record.unit)
        || !sight.unit_at(&record.unit, record.at)
        || !held().iter().all(|unit| sight.unit(unit))
    {
        return Err(Problem::not_found(format!("there is no unit `{}`", record.unit)));
    }
    if !sight.place(&record.to) {
        return Err(Problem::not_found(format!("there is no place `{}`", record.to)));
    }
    if !record.planned && record.at.millis() > shared.now().millis().saturating_add(AHEAD_MS) {
        return Err(Problem::bad_request("shape", "`at` is still to come: plan the move (`planned`), or wait for it"));
    }
    let known = registry.moves.get(&(record.unit.clone(), record.at));
    if record.planned && known.is_some_and(|known| !known.planned) {
        return Err(Problem::bad_request("shape", "the move has happened: it is no plan any more"));
    }
    Ok(())
}

/// What assessments say against the moves of `document` that take units out: against planned ones, and with `facts`
/// also against those that happened. A fact is recorded even when nothing can be said about it.
pub(crate) async fn judge(shared: &Shared, document: &RegistryDocument, facts: bool) -> Result<Judged, Problem> {
    let mut judged = Judged::new();
    if !document.moves.iter().any(|record| record.planned || facts) {
        return Ok(judged);
    }
    let ledger = &shared.given.ledger;
    // what does not fit is refused later, with its reasons
    let Ok(plan) = ledger.registry().plan(document, ledger.now()) else { return Ok(judged) };
    for record in document.moves.iter().filter(|record| record.planned || facts) {
        for unit in plan.after.units_in(&record.unit, record.at) {
            let out = Destination::of(&plan.after, &unit, &record.to, record.at) == Destination::Out;
            let known = ledger.registry().origin(&unit).is_some();
            if !out || !known {
                continue;
            }
            match said_against(shared, &plan.after, &unit, record).await {
                Ok(blocks) => {
                    judged.insert((unit, record.at), blocks);
                }
                Err(problem) if record.planned => return Err(problem),
                Err(_) => tracing::warn!(%unit, "a move is recorded without an assessment of its unit"),
            }
        }
    }
    Ok(judged)
}

async fn said_against(
    shared: &Shared,
    after: &Registry,
    unit: &model::name::Name,
    record: &Move,
) -> Result<Vec<Block>, Problem> {
    let Some(assessment) = shared.assess(unit, None).await? else { return Ok(Vec::new()) };
    let holds = shared.given.ledger.holds();
    let mut blocks: Vec<Block> = review_block(after, &holds, &assessment).into_iter().collect();
    // the unit's place is the one it leaves
    blocks.extend(life_blocks(&shared.given.ledger.registry(), &assessment, record.at));
    Ok(blocks)
}
