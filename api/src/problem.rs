//! Errors as clients see them: RFC 9457 problem details with a stable `code`.

use analytics::SqlError;
use analytics::assess::AssessError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::hold::Block;
use model::instant::RecordedAt;
use serde::Serialize;
use store::ledger::{BlockedMove, HoldRefusal};
use utoipa::ToSchema;

use crate::door::DoorError;
use crate::view::block::DispatchView;

/// One value of a request that is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Fault {
    /// The JSON pointer of the value (RFC 6901).
    pub(crate) pointer: String,
    /// What is wrong and what to do.
    pub(crate) message: String,
}

/// Why a request was not answered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: the code tells the kind.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The name of the status.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What kind of problem it is: stable, for programs.
    pub(crate) code: &'static str,
    /// What happened and what to do, for people.
    detail: String,
    /// Every wrong value, where the request has a body with many.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
    /// Of a planned move that is refused: `allowed` and `blocks`, as the dispatch check answers.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    dispatch: Option<Box<DispatchView>>,
    /// Seconds after which it may be tried again.
    #[serde(skip)]
    retry_after_s: Option<u32>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self {
            kind: "about:blank",
            title,
            status: status.as_u16(),
            code,
            detail: detail.into(),
            errors: Vec::new(),
            dispatch: None,
            retry_after_s: (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1),
        }
    }

    pub(crate) fn with_errors(mut self, errors: Vec<Fault>) -> Self {
        self.errors = errors;
        self
    }

    pub(crate) fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    pub(crate) fn unauthorized() -> Self {
        let detail = "who is asking is not known: send `Authorization: Bearer TOKEN` with a valid token";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// Name and password do not go together; which of them is wrong is not told.
    pub(crate) fn wrong_credentials() -> Self {
        metrics::counter!("coldtrail_http_unauthorized_total").increment(1);
        let detail = "there is no account with this name and password";
        Self::new(StatusCode::UNAUTHORIZED, "wrong_credentials", detail)
    }

    /// The session is over.
    pub(crate) fn signed_out() -> Self {
        let detail = "the session is over, or never was: sign in again";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// What is asked for is closed to whoever is limited to sites, whatever there is.
    pub(crate) fn site_limited() -> Self {
        let detail = "you are limited to sites, and this is not answered within such a limit: ask somebody without one";
        Self::new(StatusCode::FORBIDDEN, "site_limited", detail)
    }

    pub(crate) fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
    }

    /// Not every unit has been assessed since the start.
    pub(crate) fn unassessed() -> Self {
        Self::unavailable("unavailable", "not every unit has been assessed yet: ask again in a moment")
    }

    /// Too many wrong passwords.
    pub(crate) fn locked_out(until: RecordedAt, now: RecordedAt) -> Self {
        let detail = format!("too many wrong passwords: the account is locked until {until}");
        let left_ms = until.millis().saturating_sub(now.millis()).max(0);
        let left_s = left_ms.saturating_add(999) / 1000;
        let retry_after_s = u32::try_from(left_s).ok();
        Self { retry_after_s, ..Self::new(StatusCode::TOO_MANY_REQUESTS, "locked_out", detail) }
    }

    /// There is nothing to act on.
    pub(crate) fn nothing_to_decide(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "nothing_to_decide", detail)
    }

    /// A planned move of what is blocked.
    pub(crate) fn blocked(moves: &[BlockedMove]) -> Self {
        let told = |planned: &BlockedMove| format!("`{}` to `{}`", planned.unit, planned.to);
        let moves_told: Vec<String> = moves.iter().take(10).map(told).collect();
        let detail = format!("nothing was recorded: blocked is the planned move of {}", moves_told.join(", "));
        let blocks: Vec<Block> = moves.iter().flat_map(|planned| planned.blocks.iter().cloned()).collect();
        Self {
            dispatch: Some(Box::new(DispatchView::of(&blocks))),
            ..Self::new(StatusCode::CONFLICT, "blocked", detail)
        }
    }

    /// Our fault. The cause goes to the log, not to the client.
    pub(crate) fn internal(cause: &dyn std::error::Error) -> Self {
        let mut chain = cause.to_string();
        let mut source = cause.source();
        while let Some(inner) = source {
            chain.push_str(": ");
            chain.push_str(&inner.to_string());
            source = inner.source();
        }
        tracing::error!(cause = %chain, "a request failed inside");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the request failed inside: the log tells why")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after_s = self.retry_after_s;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"coldtrail\""));
        }
        if let Some(retry_after_s) = retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
        }
        response
    }
}

impl From<SqlError> for Problem {
    fn from(error: SqlError) -> Self {
        let status = match &error {
            SqlError::Refused { .. } | SqlError::Invalid { .. } => StatusCode::BAD_REQUEST,
            SqlError::Limit { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            SqlError::Timeout { .. } => StatusCode::GATEWAY_TIMEOUT,
            SqlError::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            SqlError::Internal { .. } => return Self::internal(&error),
        };
        Self::new(status, error.code(), error.to_string())
    }
}

impl From<DoorError> for Problem {
    fn from(error: DoorError) -> Self {
        let detail = error.to_string();
        match error {
            DoorError::Malformed { reason, .. } => Self::bad_request(reason.as_str(), detail),
            DoorError::TooLarge => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail),
            DoorError::Unavailable => Self::unavailable("unavailable", detail),
        }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::AccessRefused { what } => Self::bad_request("refused", what),
            other => Self::internal(&other),
        }
    }
}

impl From<HoldRefusal> for Problem {
    fn from(refusal: HoldRefusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            HoldRefusal::Unknown(_) | HoldRefusal::NothingThere { .. } | HoldRefusal::UnknownAlarm(_) => {
                Self::not_found(detail)
            }
            HoldRefusal::Acknowledged { .. } => Self::new(StatusCode::CONFLICT, "acknowledged", detail),
            HoldRefusal::Held(_) => Self::new(StatusCode::CONFLICT, "already_held", detail),
            HoldRefusal::State { .. } => Self::new(StatusCode::CONFLICT, "hold_state", detail),
            HoldRefusal::Expired(_) => Self::new(StatusCode::CONFLICT, "cannot_release", detail),
            HoldRefusal::Nothing { .. } => Self::nothing_to_decide(detail),
        }
    }
}

impl From<AssessError> for Problem {
    fn from(error: AssessError) -> Self {
        match &error {
            AssessError::Behind | AssessError::NoPortraits => Self::unavailable("unavailable", error.to_string()),
            AssessError::TooMany { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "report_limit", error.to_string())
            }
            AssessError::Failed { .. } => Self::internal(&error),
        }
    }
}
