//! The audit trail.

use axum::Json;
use axum::extract::State;
use model::role::Permission;
use store::ledger::Sequence;

use crate::access::Caller;
use crate::body::Parameters;
use crate::page::{Page, PageParams, bad_cursor};
use crate::problem::Problem;
use crate::state::Shared;
use crate::view::event::EventView;

/// Every event, from the first on.
#[utoipa::path(get, path = "/v1/audit", tag = "audit", params(PageParams), security(("bearer" = [])), responses(
    (status = 200, body = Page<EventView>),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    caller: Caller,
    State(shared): State<Shared>,
    Parameters(page): Parameters<PageParams>,
) -> Result<Json<Page<EventView>>, Problem> {
    caller.must_have(Permission::ReadAudit)?;
    let limit = page.limit()?;
    let after = match page.after()? {
        Some(text) => Sequence::new(text.parse().map_err(|_| bad_cursor())?),
        None => Sequence::ZERO,
    };
    let wanted = u32::try_from(limit + 1).unwrap_or(u32::MAX);
    let events = shared.given.ledger.audit(after.next(), wanted).await?;
    Ok(Json(Page::cut(events, limit, |event| event.seq.to_string()).map(EventView::from)))
}
