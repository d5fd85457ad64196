//! Who is asking, and whether they may.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use model::name::Name;
use model::role::Permission;
use store::ledger::Principal;

use crate::problem::Problem;
use crate::state::Shared;

/// The longest token looked at, in bytes.
const MAX_TOKEN_BYTES: usize = 512;

/// Whoever sent the request, known by a token, or the anonymous caller where the server allows one.
pub(crate) struct Caller(pub(crate) Principal);

impl Caller {
    /// Fails unless the caller may do `permission`.
    pub(crate) fn must_have(&self, permission: Permission) -> Result<(), Problem> {
        if self.0.role.may(permission) {
            return Ok(());
        }
        Err(Problem::forbidden(format!("the role `{}` may not do this: ask with a token of another role", self.0.role)))
    }

    /// The name that goes into the audit trail.
    pub(crate) fn name(&self) -> &Name {
        &self.0.name
    }
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let Some(header) = parts.headers.get(AUTHORIZATION) else {
            let anonymous = shared.options.anonymous.zip(Name::parse("anonymous").ok());
            let (role, name) = anonymous.ok_or_else(Problem::unauthorized)?;
            return Ok(Self(Principal { name, role, gateway: None }));
        };
        let token = header
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && token.len() <= MAX_TOKEN_BYTES)
            .map(|(_, token)| token.trim());
        let Some(token) = token else { return Err(Problem::unauthorized()) };
        match shared.given.ledger.authenticate(token).await? {
            Some(principal) => Ok(Self(principal)),
            None => {
                metrics::counter!("coldtrail_http_unauthorized_total").increment(1);
                Err(Problem::unauthorized())
            }
        }
    }
}
