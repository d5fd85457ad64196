//! What people declare.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::registry::{Problem as Wrong, RegistryDocument};
use model::role::Permission;
use serde::Serialize;
use store::ledger::Outcome;
use utoipa::ToSchema;

use super::moves::judge;
use crate::access::Caller;
use crate::body::{Parameters, Raw};
use crate::person::Because;
use crate::problem::{Fault, Problem};
use crate::state::Shared;

/// What an applied document did.
#[derive(Serialize, ToSchema)]
pub(crate) struct Applied {
    /// Records that are new.
    created: usize,
    /// Records that got another version.
    updated: usize,
    /// Records that were registered just so already.
    unchanged: usize,
    /// What was applied, but somebody may want to know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notices: Vec<Fault>,
}

/// Applies a registry document, whole or not at all. Applying it again changes nothing. `recipients` are for the role
/// `admin`.
#[utoipa::path(post, path = "/v1/registry", tag = "registry", params(Because), security(("bearer" = [])),
    request_body(content = Object, description = "A registry document", content_type = "application/json"), responses(
    (status = 200, body = Applied),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`blocked`: it plans to take out what is blocked", body = Problem,
     content_type = "application/problem+json"),
    (status = 422, description = "`registry_refused`: every reason with its JSON pointer", body = Problem,
     content_type = "application/problem+json"),
))]
pub(crate) async fn apply(
    caller: Caller,
    State(shared): State<Shared>,
    Parameters(because): Parameters<Because>,
    Raw(text): Raw,
) -> Result<Json<Applied>, Problem> {
    caller.must_have(Permission::WriteRegistry)?;
    let reason = because.said()?;
    // a large document takes longer to read than a runtime's thread should be held
    let document = match tokio::task::spawn_blocking(move || RegistryDocument::parse(&text)).await {
        Ok(Ok(document)) => document,
        Ok(Err(wrongs)) => return Err(refused(wrongs)),
        Err(panicked) => return Err(Problem::internal(&panicked)),
    };
    if !document.recipients.is_empty() {
        caller.must_have(Permission::ManageUsers)?;
    }
    let judged = judge(&shared, &document, false).await?;
    match shared.given.ledger.apply_judged(document, caller.name(), reason.as_deref(), judged).await? {
        Outcome::Applied(applied) => Ok(Json(Applied {
            created: applied.created,
            updated: applied.updated,
            unchanged: applied.unchanged,
            notices: faults(applied.notices),
        })),
        Outcome::Refused(wrongs) => Err(refused(wrongs)),
        Outcome::Blocked(moves) => Err(Problem::blocked(&moves)),
    }
}

pub(crate) fn refused(wrongs: Vec<Wrong>) -> Problem {
    let detail = match wrongs.first() {
        Some(first) => format!("nothing was applied: {first}"),
        None => "nothing was applied".to_owned(),
    };
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "registry_refused", detail).with_errors(faults(wrongs))
}

fn faults(wrongs: Vec<Wrong>) -> Vec<Fault> {
    wrongs.into_iter().map(|wrong| Fault { pointer: wrong.pointer, message: wrong.message }).collect()
}
