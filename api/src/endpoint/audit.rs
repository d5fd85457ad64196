//! The audit trail.

use axum::Json;
use axum::extract::State;
use model::hold::{AlarmId, HoldId, Subject};
use model::instant::RecordedAt;
use model::name::Name;
use model::role::Permission;
use serde::Deserialize;
use store::ledger::{AuditFilter, Order, Sequence, Snapshot, Where};
use utoipa::IntoParams;

use super::dispatch::instant;
use super::holds::name;
use crate::access::Caller;
use crate::body::Parameters;
use crate::page::{Page, PageParams, bad_cursor};
use crate::problem::Problem;
use crate::state::Shared;
use crate::view::event::EventView;

/// The longest text that is looked for in entries, in bytes.
const MAX_SUBJECT_BYTES: usize = 200;

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditParams {
    /// Only what this person, program or `system` did.
    who: Option<String>,
    /// Only this kind (`hold.released`), or kinds of this family (`hold`).
    kind: Option<String>,
    /// Only what concerns this unit: itself, its holds, its alarms.
    unit: Option<String>,
    /// Only what names this: the id of a unit (as `unit`), a place, a sensor, a hold, a token, the name of an account, a lot, a GTIN.
    subject: Option<String>,
    /// Only what was recorded at this instant or later.
    from: Option<String>,
    /// Only what was recorded before this instant.
    to: Option<String>,
    /// `oldest`: the first entry first; `newest`: the last one first.
    #[param(default = "oldest")]
    order: Option<String>,
    /// `next_cursor` of the page before; absent for the first page.
    cursor: Option<String>,
    /// Items on the page, 1 to 1000; 100 when absent.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

impl AuditParams {
    fn filter(&self, snapshot: &Snapshot) -> Result<AuditFilter, Problem> {
        let recorded = |member: &str, given: &Option<String>| {
            let at = instant(member, given.as_deref())?;
            Ok::<_, Problem>(at.map(|at| RecordedAt::from_millis(at.millis())))
        };
        let kind = self.kind.clone();
        if kind.as_deref().is_some_and(|kind| kind.is_empty() || kind.len() > MAX_SUBJECT_BYTES) {
            return Err(Problem::bad_request("parameter", "`kind` is no kind of entry: `hold.released`, or `hold`"));
        }
        let wanted = Where {
            actor: self.who.as_deref().map(name).transpose()?.map(|who| who.to_string()),
            kind,
            from: recorded("from", &self.from)?,
            to: recorded("to", &self.to)?,
        };
        let about = match (&self.unit, &self.subject) {
            (None, None) => None,
            (Some(unit), None) => Some(concerning(snapshot, &name(unit)?)),
            (None, Some(subject)) if (1..=MAX_SUBJECT_BYTES).contains(&subject.len()) => {
                Some(naming(snapshot, subject))
            }
            (None, Some(_)) => {
                let detail = format!("`subject` must have 1 to {MAX_SUBJECT_BYTES} bytes");
                return Err(Problem::bad_request("parameter", detail));
            }
            (Some(_), Some(_)) => {
                return Err(Problem::bad_request("parameter", "give `unit` or `subject`, not both"));
            }
        };
        let order = match self.order.as_deref() {
            None | Some("oldest") => Order::OldestFirst,
            Some("newest") => Order::NewestFirst,
            Some(_) => return Err(Problem::bad_request("parameter", "`order` must be `oldest` or `newest`")),
        };
        Ok(AuditFilter { wanted, about, order })
    }
}

/// Under which names entries tell of `subject`, whatever it is.
fn naming(snapshot: &Snapshot, subject: &str) -> Vec<String> {
    if let Some(unit) = Name::parse(subject).ok().filter(|name| snapshot.registry.origin(name).is_some()) {
        return concerning(snapshot, &unit);
    }
    // what was done together with others is told under the event's number alone
    let hold = HoldId::parse(subject).map(|id| HoldId::new(id.get()).to_string());
    let alarm = AlarmId::parse(subject).map(|id| AlarmId::new(id.get()).to_string());
    std::iter::once(subject.to_owned()).chain(hold).chain(alarm).collect()
}

/// Under which names entries tell of `unit`: its own, and those of its holds and alarms.
fn concerning(snapshot: &Snapshot, unit: &Name) -> Vec<String> {
    let holds = snapshot.holds.of_unit(unit).map(|hold| hold.id);
    let subject = Subject::Unit(unit.clone());
    let alarms = snapshot.holds.alarms_about(&subject).map(|alarm| alarm.id);
    // what was done together with others is told under the event's number alone
    let holds = holds.flat_map(|id| [id, HoldId::new(id.get())]).map(|id| id.to_string());
    let alarms = alarms.flat_map(|id| [id, AlarmId::new(id.get())]).map(|id| id.to_string());
    std::iter::once(unit.to_string()).chain(holds).chain(alarms).collect()
}

/// What was done, by whom, when, what before, what after, and why: from the first entry on, or from the last one back. A page may be shorter than
/// `limit` though there is a next one, when few of very many entries are asked for.
#[utoipa::path(get, path = "/v1/audit", tag = "audit", params(AuditParams), security(("bearer" = [])), responses(
    (status = 200, body = Page<EventView>),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    caller: Caller,
    State(shared): State<Shared>,
    Parameters(params): Parameters<AuditParams>,
) -> Result<Json<Page<EventView>>, Problem> {
    caller.must_have(Permission::ReadAudit)?;
    let page = PageParams { cursor: params.cursor.clone(), limit: params.limit };
    let limit = page.limit()?;
    let after = match page.after()? {
        Some(text) => Some(Sequence::new(text.parse().map_err(|_| bad_cursor())?)),
        None => None,
    };
    let ledger = &shared.given.ledger;
    let found = ledger.audit_page(&params.filter(&ledger.snapshot())?, after, limit).await?;
    let mut entries = Vec::with_capacity(found.events.len());
    for event in found.events {
        let before = ledger.registry_before(&event).await?;
        entries.push(EventView::of(event, before.as_deref()));
    }
    Ok(Json(Page::of(entries, found.more_after.map(|seq| seq.to_string()))))
}
