//! People who are told of holds and alarms.

use axum::Json;
use axum::extract::State;
use model::registry::{Recipient, Recorded, RegistryDocument};
use model::role::Permission;
use serde_json::{Value, json};
use store::ledger::Outcome;

use super::registry::refused;
use crate::access::Caller;
use crate::body::{self, Parameters};
use crate::page::{Page, PageParams, bad_cursor};
use crate::person::Because;
use crate::problem::Problem;
use crate::state::Shared;
use crate::view::record::RecordView;

/// Everybody who is or was told of holds and alarms, by id, with their addresses.
#[utoipa::path(get, path = "/v1/recipients", tag = "notifications", params(PageParams), security(("bearer" = [])),
    responses(
    (status = 200, body = Page<RecordView>),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    caller: Caller,
    State(shared): State<Shared>,
    Parameters(page): Parameters<PageParams>,
) -> Result<Json<Page<RecordView>>, Problem> {
    caller.must_have(Permission::ReadAudit)?;
    let limit = page.limit()?;
    let registry = shared.given.ledger.registry();
    let mut recipients = registry.recipients.iter();
    if let Some(after) = page.after()? {
        recipients.find(|recipient| recipient.id.as_str() == after).ok_or_else(bad_cursor)?;
    }
    let found: Vec<&Recorded<Recipient>> = recipients.take(limit + 1).collect();
    Ok(Json(Page::cut(found, limit, |recipient| recipient.id.to_string()).map(RecordView::of)))
}

/// Registers somebody who is to be told of holds and alarms, or gives them another version: `id`, `email`, `phone`,
/// `name`, `language` (`en`, `zh`), `level` (1 to 9), `active`.
#[utoipa::path(post, path = "/v1/recipients", tag = "notifications", params(Because), request_body(content = Object),
    security(("bearer" = [])), responses(
    (status = 200, body = RecordView),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`registry_refused`: every reason with its JSON pointer", body = Problem,
     content_type = "application/problem+json"),
))]
pub(crate) async fn register(
    caller: Caller,
    State(shared): State<Shared>,
    Parameters(because): Parameters<Because>,
    body::Json(recipient): body::Json<Value>,
) -> Result<Json<RecordView>, Problem> {
    caller.must_have(Permission::ManageUsers)?;
    let reason = because.said()?;
    let document = RegistryDocument::from_value(&json!({ "recipients": [recipient] })).map_err(refused)?;
    let id = document.recipients.first().map(|recipient| recipient.id.clone());
    let ledger = &shared.given.ledger;
    match ledger.apply(document, caller.name(), reason.as_deref()).await? {
        Outcome::Applied(_) => {
            let registry = ledger.registry();
            let recorded = id.and_then(|id| registry.recipients.get(&id));
            let recorded = recorded.ok_or_else(|| Problem::not_found("there is no such recipient"))?;
            Ok(Json(RecordView::of(recorded)))
        }
        Outcome::Refused(wrongs) => Err(refused(wrongs)),
        Outcome::Blocked(moves) => Err(Problem::blocked(&moves)),
    }
}
