//! Signing in at an identity provider: there, and back again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{ACCEPT, HeaderMap, LOCATION, SET_COOKIE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use store::ledger::{External, Way};
use utoipa::{IntoParams, ToSchema};

use crate::access::Sighted;
use crate::body::{self, Parameters};
use crate::oidc::{Flow, Oidc, Purpose};
use crate::problem::Problem;
use crate::session;
use crate::state::Shared;

/// The longest address of a view, in bytes.
const MAX_VIEW_BYTES: usize = 512;

/// Where people sign in besides.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProviderView {
    /// What people call the identity provider; null when none is configured.
    name: Option<String>,
}

/// Where somebody goes after they have signed in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Leaving {
    /// The address of a view of the page, `#/unit/…`; the first view when absent.
    to: Option<String>,
}

/// Somebody who has signed in shows once more who they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Again {}

/// Where to go now.
#[derive(Serialize, ToSchema)]
pub(crate) struct DepartureView {
    /// The identity provider's address, for the browser that got this answer's cookie.
    location: String,
}

/// What the provider sends a browser back with (OpenID Connect Core 1.0, section 3.1.2.5). What it adds is not looked at.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Return {
    /// As it was given to the provider.
    state: Option<String>,
    /// What tokens are had for, once.
    code: Option<String>,
    /// Why there is none.
    error: Option<String>,
    /// Whose answer it is (RFC 9207).
    iss: Option<String>,
}

/// Whether people can sign in at an identity provider, and what it is called.
#[utoipa::path(get, path = "/v1/oidc", tag = "access", responses((status = 200, body = ProviderView)))]
pub(crate) async fn provider(State(shared): State<Shared>) -> Json<ProviderView> {
    Json(ProviderView { name: shared.given.oidc.as_ref().map(|oidc| oidc.name().to_owned()) })
}

/// Begins a sign-in at the identity provider: the browser goes to `location`, and comes back to `/v1/oidc/callback`.
#[utoipa::path(post, path = "/v1/oidc/sign-in", tag = "access", request_body = Leaving, responses(
    (status = 200, body = DepartureView, headers(("Set-Cookie" = String, description = "What the browser has to bring back"))),
    (status = 400, description = "`shape`: `to` is no view of the page", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`oidc_off`", body = Problem, content_type = "application/problem+json"),
    (status = 500, description = "`internal`", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "`oidc_unavailable`", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn sign_in(
    State(shared): State<Shared>,
    body::Short(leaving): body::Short<Leaving>,
) -> Result<Response, Problem> {
    let oidc = configured(&shared)?;
    let to = view(leaving.to.as_deref())?;
    depart(&shared, &oidc, Purpose::SignIn, to).await
}

/// Begins to show once more, at the identity provider, who the session's person is. What they sign within two minutes of their
/// return, once, needs no password.
#[utoipa::path(post, path = "/v1/oidc/sign-again", tag = "access", request_body = Again, security(("bearer" = [])), responses(
    (status = 200, body = DepartureView, headers(("Set-Cookie" = String, description = "What the browser has to bring back"))),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`oidc_off`; `no_session`, or one of a person with a password", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "`oidc_unavailable`", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn sign_again(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    body::Json(Again {}): body::Json<Again>,
) -> Result<Response, Problem> {
    let oidc = configured(&shared)?;
    let account = shared.given.ledger.users().into_iter().find(|user| user.name == *caller.name());
    let Some((session, external)) = caller.session().zip(account.and_then(|account| account.external)) else {
        let detail = "only somebody who has signed in at the identity provider can do so again: sign in there";
        return Err(Problem::new(StatusCode::CONFLICT, "no_session", detail));
    };
    let purpose = Purpose::Sign { session: session.hash.clone(), account: caller.name().to_string(), external };
    depart(&shared, &oidc, purpose, String::new()).await
}

/// Where the identity provider sends people back to. A browser (`Accept: text/html`) is sent on to the page, whatever became of it:
/// `/#refused=CODE` or `/#again=CODE` when somebody does not come in.
#[utoipa::path(get, path = "/v1/oidc/callback", tag = "access", params(Return), responses(
    (status = 303, description = "To the page", headers(
        ("Location" = String, description = "A view of the page"),
        ("Set-Cookie" = String, description = "The session's cookie"),
    )),
    (status = 400, description = "`oidc_state`: no sign-in that began in this browser", body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "`oidc_denied`, `oidc_refused`, `oidc_no_role`, `oidc_name`, `oidc_disabled`, `oidc_stale`, `oidc_other_person`", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`oidc_off`, `oidc_name_taken`", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "`locked_out`", body = Problem, content_type = "application/problem+json"),
    (status = 500, description = "`internal`", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "`oidc_unavailable`", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn callback(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Parameters(answer): Parameters<Return>,
) -> Result<Response, Problem> {
    let oidc = configured(&shared)?;
    let flow = oidc.opened(session::flow(&headers), shared.given.ledger.now());
    let state = answer.state.as_deref().unwrap_or_default();
    let Some(flow) = flow.filter(|flow| Oidc::is_answer(flow, state)) else {
        let detail = "no sign-in began in this browser, or too long ago: sign in again";
        return told(&headers, "refused", Problem::bad_request("oidc_state", detail));
    };
    let is_secure = shared.options.is_secure();
    let done = match &flow.purpose {
        Purpose::SignIn => comes_in(&shared, &oidc, &flow, answer, &headers).await,
        Purpose::Sign { session, account, external } => {
            let whose = (session.as_str(), account.as_str(), external.as_str());
            shows_again(&shared, &oidc, &flow, answer, whose).await
        }
    };
    let mut response = match done {
        Ok(response) => response,
        Err(problem) => {
            let way = if flow.purpose == Purpose::SignIn { "refused" } else { "again" };
            told(&headers, way, problem).unwrap_or_else(IntoResponse::into_response)
        }
    };
    if let Some(cookie) = session::no_flow_cookie(is_secure) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Begins a session of whoever comes back.
async fn comes_in(
    shared: &Shared,
    oidc: &Oidc,
    flow: &Flow,
    answer: Return,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let ledger = &shared.given.ledger;
    let arrival = oidc.arrive(flow, &code(oidc, answer)?, ledger.now()).await?;
    let person = match ledger.admit_external(&arrival.external, &arrival.name?, arrival.role?).await? {
        External::Passed(person) => person,
        External::Disabled => {
            let detail = "your account here is disabled: ask an administrator";
            return Err(Problem::new(StatusCode::FORBIDDEN, "oidc_disabled", detail));
        }
        External::Locked { until } => return Err(Problem::locked_out(until, ledger.now())),
        External::NameTaken => {
            let detail = "another account here has the name the identity provider gives you: ask an administrator";
            return Err(Problem::new(StatusCode::CONFLICT, "oidc_name_taken", detail));
        }
    };
    if let Some(earlier) = session::id(headers) {
        ledger.end_session(earlier).await?;
    }
    let (id, _) = ledger.begin_session(person.name.as_str(), Way::Oidc, shared.options.sessions).await?;
    let mut response = sent_on(&flow.to)?;
    if let Some(cookie) = session::cookie(&id, shared.options.is_secure()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Notes that the person of a session has signed in again: they may sign now. Another one's sign-in counts as a wrong password.
async fn shows_again(
    shared: &Shared,
    oidc: &Oidc,
    flow: &Flow,
    answer: Return,
    (session, account, external): (&str, &str, &str),
) -> Result<Response, Problem> {
    let ledger = &shared.given.ledger;
    let account = super::holds::name(account)?;
    if let Some(until) = ledger.locked_now(&account) {
        return Err(Problem::locked_out(until, ledger.now()));
    }
    let arrival = oidc.arrive(flow, &code(oidc, answer)?, ledger.now()).await?;
    if arrival.external != external {
        ledger.count_failure(&account);
        let detail = format!("somebody else than `{account}` signed in at the identity provider: nothing was signed");
        return Err(Problem::new(StatusCode::FORBIDDEN, "oidc_other_person", detail));
    }
    oidc.refreshed(session.to_owned(), ledger.now());
    sent_on("#again=done")
}

/// The code of an answer that is the provider's and has one.
fn code(oidc: &Oidc, answer: Return) -> Result<String, Problem> {
    let denied = |detail: String| Problem::new(StatusCode::FORBIDDEN, "oidc_denied", detail);
    if !oidc.is_from(answer.iss.as_deref()) {
        return Err(denied("another issuer than the configured one answered".to_owned()));
    }
    if let Some(error) = answer.error {
        // a short word of the standard, or none at all
        let word: String =
            error.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_').take(40).collect();
        return Err(denied(format!("the identity provider did not let you in: `{word}`")));
    }
    answer.code.ok_or_else(|| denied("the identity provider sent no code".to_owned()))
}

/// The identity provider, if one is configured.
fn configured(shared: &Shared) -> Result<Arc<Oidc>, Problem> {
    shared.given.oidc.clone().ok_or_else(|| {
        let detail = "no identity provider is configured: sign in with a local account";
        Problem::new(StatusCode::CONFLICT, "oidc_off", detail)
    })
}

async fn depart(shared: &Shared, oidc: &Oidc, purpose: Purpose, to: String) -> Result<Response, Problem> {
    let departure = oidc.depart(purpose, to, shared.given.ledger.now()).await?;
    let cookie = session::flow_cookie(&departure.sealed, shared.options.is_secure());
    let mut response = Json(DepartureView { location: departure.location }).into_response();
    response.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
    Ok(response)
}

/// The address of a view: what stands behind our own `/#`, so that it leads nowhere else.
fn view(to: Option<&str>) -> Result<String, Problem> {
    let to = to.unwrap_or("#/now");
    let is_view = to.starts_with("#/") && to.len() <= MAX_VIEW_BYTES && to.bytes().all(|byte| byte.is_ascii_graphic());
    if is_view {
        return Ok(to.to_owned());
    }
    Err(Problem::bad_request(
        "shape",
        format!("`to` is no view of the page: give `#/…`, at most {MAX_VIEW_BYTES} bytes"),
    ))
}

/// Sends a browser on to the page, with `fragment` behind its address.
fn sent_on(fragment: &str) -> Result<Response, Problem> {
    let location = HeaderValue::try_from(format!("/{fragment}")).map_err(|error| Problem::internal(&error))?;
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

/// What became of it: for a browser a word behind the page's address, for a program the problem.
fn told(headers: &HeaderMap, way: &str, problem: Problem) -> Result<Response, Problem> {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepted.split(',').any(|kind| kind.trim().starts_with("text/html")) {
        return sent_on(&format!("#{way}={}", problem.code));
    }
    Err(problem)
}

#[cfg(test)]
mod tests {
    use super::view;

    #[test]
    fn leads_to_views_of_the_page_and_nowhere_else() {
        assert_eq!(view(None).unwrap(), "#/now");
        assert_eq!(view(Some("#/lot/09506000134352/L%2042?x=1")).unwrap(), "#/lot/09506000134352/L%2042?x=1");
        let long = format!("#/{}", "x".repeat(511));
        for to in [
            "",
            "/",
            "//evil.example",
            "https://evil.example",
            "#",
            "#token=x",
            "#/a b",
            "#/a\r\nb",
            "/\\evil",
            "#/é",
            &long,
        ] {
            assert!(view(Some(to)).is_err(), "{to}");
        }
    }
}
