//! Signing in and out: a session is what a browser is known by.

use axum::Json;
use axum::extract::State;
use axum::http::header::{HeaderMap, SET_COOKIE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use model::instant::to_rfc3339;
use serde::{Deserialize, Serialize};
use store::ledger::{Attempt, Principal, Session, Way};
use utoipa::ToSchema;

use crate::access::Sighted;
use crate::body;
use crate::problem::Problem;
use crate::session;
use crate::state::Shared;
use crate::view;

/// The longest name and password looked at, in bytes.
const MAX_CREDENTIAL_BYTES: usize = 4096;

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    /// The account's name.
    name: String,
    /// Its password.
    password: String,
}

/// Who is asking.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionView {
    /// The name that stands in the audit trail.
    name: String,
    /// The role.
    role: &'static str,
    /// What `X-CSRF-Token` has to be in every request of this session that is no GET; null for a token.
    csrf: Option<String>,
    /// Whether the password was meant for once: nothing else is answered until another is set.
    one_time: bool,
    /// Whether the person comes in from the identity provider: they have no password here.
    external: bool,
    /// When the session ends if nothing is asked meanwhile; null for a token.
    expires_at: Option<String>,
    /// The sites the person or the token is limited to; absent without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    sites: Option<Vec<String>>,
}

impl SessionView {
    fn of(session: &Session) -> Self {
        Self {
            name: session.principal.name.to_string(),
            role: session.principal.role.as_str(),
            csrf: Some(session.csrf.clone()),
            one_time: session.one_time,
            external: session.external,
            expires_at: Some(to_rfc3339(session.expires_at.millis())),
            sites: session.principal.sites.as_ref().map(view::sites),
        }
    }

    fn without_session(who: &Principal) -> Self {
        let (name, role, sites) = (who.name.to_string(), who.role.as_str(), who.sites.as_ref().map(view::sites));
        Self { name, role, csrf: None, one_time: false, external: false, expires_at: None, sites }
    }
}

/// Signs in: the answer's cookie is the session. One that the request came with ends.
#[utoipa::path(post, path = "/v1/session", tag = "access", request_body = Credentials, responses(
    (status = 200, body = SessionView, headers(("Set-Cookie" = String, description = "The session's cookie"))),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, description = "`wrong_credentials`", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "`locked_out`", body = Problem, content_type = "application/problem+json"),
    (status = 500, description = "`internal`", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn begin(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body::Short(credentials): body::Short<Credentials>,
) -> Result<Response, Problem> {
    let Credentials { name, password } = credentials;
    if name.len() > MAX_CREDENTIAL_BYTES || password.len() > MAX_CREDENTIAL_BYTES {
        return Err(Problem::wrong_credentials());
    }
    let ledger = &shared.given.ledger;
    let sign_in = match ledger.sign_in(&name, &password).await? {
        Attempt::Passed(sign_in) => sign_in,
        Attempt::Wrong => return Err(Problem::wrong_credentials()),
        Attempt::Locked { until } => return Err(Problem::locked_out(until, ledger.now())),
    };
    if let Some(earlier) = session::id(&headers) {
        ledger.end_session(earlier).await?;
    }
    let limits = shared.options.sessions;
    let (id, session) = ledger.begin_session(sign_in.principal.name.as_str(), Way::Password, limits).await?;
    let cookie = session::cookie(&id, shared.options.is_secure());
    Ok(with_cookie(cookie, Json(SessionView::of(&session))))
}

/// Who is asking: the session's person, or whom a token is for.
#[utoipa::path(get, path = "/v1/session", tag = "access", security(("bearer" = [])), responses(
    (status = 200, body = SessionView),
    (status = 401, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn show(Sighted(caller): Sighted) -> Json<SessionView> {
    let told = caller.session().map(SessionView::of);
    Json(told.unwrap_or_else(|| SessionView::without_session(&caller.0)))
}

/// Signs out.
#[utoipa::path(delete, path = "/v1/session", tag = "access", security(("bearer" = [])), responses(
    (status = 204),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "A token has no session", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn end(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = session::id(&headers).filter(|_| caller.session().is_some());
    let id = id.ok_or_else(|| Problem::not_found("there is no session to end: a token is revoked instead"))?;
    shared.given.ledger.end_session(id).await?;
    Ok(with_cookie(session::no_cookie(shared.options.is_secure()), StatusCode::NO_CONTENT))
}

fn with_cookie(cookie: Option<HeaderValue>, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
    response
}
