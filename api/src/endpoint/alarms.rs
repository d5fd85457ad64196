//! Alarms, silence included.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::hold::{AlarmCode, AlarmId, RaisedAlarm, Subject};
use model::role::Permission;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::access::Sighted;
use crate::body::{self, Parameters, Place};
use crate::page::{Page, PageParams, bad_cursor};
use crate::person::said;
use crate::problem::Problem;
use crate::state::Shared;
use crate::view::alarm::AlarmView;

/// Which alarms.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AlarmParams {
    /// `rule_fired`, `sensor_silent`, `moved_while_blocked`, `evaluation_differs`, `notification_undelivered` or
    /// `account_locked`.
    code: Option<String>,
    /// Only alarms about this unit.
    unit: Option<String>,
    /// Only alarms about this sensor.
    sensor: Option<String>,
    /// Only alarms that last, or only those that ended.
    open: Option<bool>,
    /// `next_cursor` of the page before; absent for the first page.
    cursor: Option<String>,
    /// Items on the page, 1 to 1000; 100 when absent.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

impl AlarmParams {
    fn wants(&self, alarm: &RaisedAlarm) -> bool {
        let about = |wanted: &Option<String>, of: Option<&str>| wanted.as_deref().is_none_or(|name| of == Some(name));
        let (unit, sensor) = match &alarm.subject {
            Subject::Unit(name) => (Some(name.as_str()), None),
            Subject::Sensor(name) => (None, Some(name.as_str())),
            Subject::Place(_) | Subject::Channel(_) | Subject::Account(_) => (None, None),
        };
        about(&self.code, Some(alarm.code.as_str()))
            && about(&self.unit, unit)
            && about(&self.sensor, sensor)
            && self.open.is_none_or(|open| open == alarm.cleared_at.is_none())
    }
}

/// Alarms, in the order they were raised.
#[utoipa::path(get, path = "/v1/alarms", tag = "holds", params(AlarmParams), security(("bearer" = [])), responses(
    (status = 200, body = Page<AlarmView>),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    Parameters(params): Parameters<AlarmParams>,
) -> Result<Json<Page<AlarmView>>, Problem> {
    caller.must_have(Permission::Read)?;
    if let Some(code) = params.code.as_deref().filter(|code| AlarmCode::parse(code).is_none()) {
        return Err(Problem::bad_request("parameter", format!("`code` is `{code}`: there is no such alarm")));
    }
    let page = PageParams { cursor: params.cursor.clone(), limit: params.limit };
    let limit = page.limit()?;
    let after = match page.after()? {
        Some(text) => Some(AlarmId::parse(&text).ok_or_else(bad_cursor)?),
        None => None,
    };
    let (holds, sight) = (shared.given.ledger.holds(), caller.sight(&shared));
    let wanted = |alarm: &Arc<RaisedAlarm>| params.wants(alarm) && sight.alarm(alarm);
    let found: Vec<_> = holds.alarms_after(after).filter(wanted).take(limit + 1).collect();
    Ok(Json(Page::cut(found, limit, |alarm| alarm.id.to_string()).map(|alarm| AlarmView::from(alarm.as_ref()))))
}

/// What a person says when they take note of an alarm.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Note {
    /// What they have seen or will do; may be absent.
    reason: Option<String>,
}

/// Takes note of an alarm, as a named person: nobody else is told of it any more. It ends nothing.
#[utoipa::path(post, path = "/v1/alarms/{id}/acknowledge", tag = "holds", request_body = Note,
    params(("id" = String, Path, description = "The alarm")), security(("bearer" = [])), responses(
    (status = 200, body = AlarmView),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "`forbidden`, `no_account`", body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`acknowledged`: somebody has", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn acknowledge(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    Place(id): Place<String>,
    body::Json(note): body::Json<Note>,
) -> Result<Json<AlarmView>, Problem> {
    caller.must_have(Permission::AcknowledgeAlarm)?;
    let (ledger, sight) = (&shared.given.ledger, caller.sight(&shared));
    let is_seen = |id: &AlarmId| ledger.holds().alarm(*id).is_some_and(|alarm| sight.alarm(&alarm));
    let alarm = AlarmId::parse(&id).filter(is_seen);
    let alarm = alarm.ok_or_else(|| Problem::not_found("there is no such alarm"))?;
    let reason = note.reason.as_deref().map(said).transpose()?;
    if !ledger.users().iter().any(|user| user.name == *caller.name() && !user.disabled) {
        let detail =
            format!("`{}` is no person: acknowledge with the token of somebody who has an account", caller.name());
        return Err(Problem::new(StatusCode::FORBIDDEN, "no_account", detail));
    }
    let alarm = ledger.acknowledge_alarm(alarm, caller.name(), reason).await??;
    Ok(Json(AlarmView::from(alarm.as_ref())))
}
