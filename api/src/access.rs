//! Who is asking, and whether they may.
//!
//! A caller shows a token (`Authorization: Bearer`) or the cookie of a session; a few routes take name and password
//! besides. A token stands for itself. A cookie is sent by a browser whoever wrote the page, so that what changes
//! something shows the session's own secret too.
//!
//! Somebody who is limited to sites is let through by [`Sighted`] alone, and to the routes of the list `SITE_AWARE`
//! alone (`routes.rs`): a route that takes a [`Caller`], or is not on the list, is closed to them.

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, HeaderMap};
use axum::http::request::Parts;
use model::name::Name;
use model::role::Permission;
use model::sight::Sight;
use store::ledger::{Attempt, Principal, Session};

use crate::problem::Problem;
use crate::routes;
use crate::session;
use crate::state::Shared;

/// The longest token looked at, in bytes.
const MAX_TOKEN_BYTES: usize = 512;

/// The longest name and password looked at, in bytes of base 64.
const MAX_CREDENTIALS_BYTES: usize = 8192;

/// Whoever sent the request, known by a token or a session, or the anonymous caller where the server allows one. Nobody
/// who is limited to sites.
pub(crate) struct Caller(pub(crate) Principal, Proof);

/// How a caller showed who they are.
enum Proof {
    /// By a token, or not at all where the server allows that.
    Token,
    /// By name and password.
    Password,
    /// By the cookie of a session, and its secret where something changes.
    Session(Box<Session>),
}

impl Caller {
    /// Fails unless the caller may do `permission`. Whoever signed in with a one-time password sets another one first.
    pub(crate) fn must_have(&self, permission: Permission) -> Result<(), Problem> {
        if self.session().is_some_and(|session| session.one_time) {
            let detail = "your password was meant for once: set another one first";
            return Err(Problem::new(StatusCode::FORBIDDEN, "one_time_password", detail));
        }
        if self.0.role.may(permission) {
            return Ok(());
        }
        Err(Problem::forbidden(format!("the role `{}` may not do this: ask with a token of another role", self.0.role)))
    }

    /// Whether the caller came in by name and password.
    pub(crate) fn by_password(&self) -> bool {
        matches!(self.1, Proof::Password)
    }

    /// The session the caller came in by.
    pub(crate) fn session(&self) -> Option<&Session> {
        match &self.1 {
            Proof::Session(session) => Some(session),
            Proof::Token | Proof::Password => None,
        }
    }

    /// What they see of everything, as it is now.
    pub(crate) fn sight(&self, shared: &Shared) -> Sight {
        Sight::of(self.0.sites.as_ref(), &shared.given.ledger.registry(), shared.now())
    }

    /// The name that goes into the audit trail.
    pub(crate) fn name(&self) -> &Name {
        &self.0.name
    }
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let caller = known(parts, shared).await?;
        if caller.0.sites.is_some() { Err(Problem::site_limited()) } else { Ok(caller) }
    }
}

/// A caller who may be limited to sites, at a route that shows such a one no more than they see.
pub(crate) struct Sighted(pub(crate) Caller);

impl FromRequestParts<Shared> for Sighted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        opened(known(parts, shared).await?, parts).map(Self)
    }
}

/// `caller`, unless they are limited to sites and the route is closed to such.
fn opened(caller: Caller, parts: &Parts) -> Result<Caller, Problem> {
    let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    if caller.0.sites.is_none() || route.is_some_and(|route| routes::is_site_aware(&parts.method, route)) {
        return Ok(caller);
    }
    Err(Problem::site_limited())
}

/// What somebody shows to be known by.
pub(crate) enum Pass {
    /// A token.
    Token(String),
    /// The id of a session.
    Session(String),
    /// Nothing.
    Nothing,
}

impl Pass {
    /// What is shown in `headers`. When there is a token and a session, the token counts.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(header) = headers.get(AUTHORIZATION) else {
            return Ok(session::id(headers).map_or(Self::Nothing, |id| Self::Session(id.to_owned())));
        };
        let token = header
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && token.len() <= MAX_TOKEN_BYTES)
            .map(|(_, token)| token.trim());
        token.map(|token| Self::Token(token.to_owned())).ok_or_else(Problem::unauthorized)
    }

    /// Whether it still is `principal` who shows this, and they still are just so. It does not count as a use.
    pub(crate) async fn is_of(&self, principal: &Principal, shared: &Shared) -> Result<bool, store::Error> {
        let ledger = &shared.given.ledger;
        let now = match self {
            Self::Token(token) => ledger.whose_token(token),
            Self::Session(id) => ledger.whose_session(id, shared.options.sessions).await?,
            Self::Nothing => return Ok(true),
        };
        Ok(now.as_ref() == Some(principal))
    }
}

/// Whoever sent the request, limited or not.
async fn known(parts: &Parts, shared: &Shared) -> Result<Caller, Problem> {
    let token = match Pass::of(&parts.headers)? {
        Pass::Token(token) => token,
        Pass::Session(id) => return by_session(parts, shared, &id).await,
        Pass::Nothing => {
            let anonymous = shared.options.anonymous.zip(Name::parse("anonymous").ok());
            let (role, name) = anonymous.ok_or_else(Problem::unauthorized)?;
            return Ok(Caller(Principal { name, role, gateway: None, sites: None }, Proof::Token));
        }
    };
    match shared.given.ledger.authenticate(&token).await? {
        Some(principal) => Ok(Caller(principal, Proof::Token)),
        None => {
            metrics::counter!("coldtrail_http_unauthorized_total").increment(1);
            Err(Problem::unauthorized())
        }
    }
}

/// The caller whose session has this id.
async fn by_session(parts: &Parts, shared: &Shared, id: &str) -> Result<Caller, Problem> {
    let found = shared.given.ledger.session(id, shared.options.sessions).await?;
    let session = found.ok_or_else(Problem::signed_out)?;
    let shown = parts.headers.get(session::CSRF).and_then(|value| value.to_str().ok());
    if !parts.method.is_safe() && !shown.is_some_and(|shown| session.has_csrf(shown)) {
        metrics::counter!("coldtrail_http_csrf_refused_total").increment(1);
        let detail =
            "with a session, what changes something needs the header `X-CSRF-Token` as `GET /v1/session` tells it";
        return Err(Problem::new(StatusCode::FORBIDDEN, "csrf", detail));
    }
    Ok(Caller(session.principal.clone(), Proof::Session(Box::new(session))))
}

/// A caller, limited to sites or not, known by a token or a session, or by name and password (`Authorization: Basic`, RFC 7617): for the few routes people
/// need before they have a token.
pub(crate) struct TokenOrPassword(pub(crate) Caller);

impl FromRequestParts<Shared> for TokenOrPassword {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
        let basic = header
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
            .map(|(_, credentials)| credentials.trim());
        let Some(credentials) = basic else { return opened(known(parts, shared).await?, parts).map(Self) };
        let pair = Some(credentials).filter(|text| text.len() <= MAX_CREDENTIALS_BYTES).and_then(base64);
        let pair = pair.and_then(|bytes| String::from_utf8(bytes).ok());
        let Some((name, password)) = pair.as_deref().and_then(|pair| pair.split_once(':')) else {
            return Err(Problem::unauthorized());
        };
        match shared.given.ledger.sign_in(name, password).await? {
            Attempt::Passed(sign_in) => opened(Caller(sign_in.principal, Proof::Password), parts).map(Self),
            Attempt::Wrong => {
                metrics::counter!("coldtrail_http_unauthorized_total").increment(1);
                Err(Problem::unauthorized())
            }
            Attempt::Locked { until } => Err(Problem::locked_out(until, shared.given.ledger.now())),
        }
    }
}

/// The bytes that `text` spells in base 64 (RFC 4648, section 4), padded or not.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits: Option<Vec<u8>> = text.trim_end_matches('=').bytes().map(digit).collect();
    let mut bytes = Vec::new();
    for group in digits?.chunks(4) {
        let bits = group.iter().fold(0_u32, |bits, digit| bits << 6 | u32::from(*digit)) << (6 * (4 - group.len()));
        let whole = bits.to_be_bytes();
        bytes.extend(whole.get(1..group.len())?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn reads_base_64() {
        // RFC 4648, section 10
        for (text, bytes) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg", "foob"), ("Zm9vYmFy", "foobar")]
        {
            assert_eq!(base64(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        assert_eq!(base64("Zm9v!"), None);
        assert_eq!(base64("Zm=9v"), None);
    }
}
