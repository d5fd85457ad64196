//! People who sign: known by their token or session, and by their password, or a sign-in at the identity provider, once more.

use axum::http::StatusCode;
use model::name::Name;
use model::role::Permission;
use serde::Deserialize;
use store::ledger::Attempt;
use utoipa::IntoParams;

use crate::access::Caller;
use crate::problem::Problem;
use crate::state::Shared;

/// The longest reason, in characters.
const MAX_REASON: usize = 2000;

impl Caller {
    /// The named person who signs: the account with the name of this token or session and the role for it, if `password` is its
    /// own (invariant H2). Wrong passwords count, and lock the account. Somebody who comes in from the identity provider has just
    /// signed in there again, in place of a password.
    pub(crate) async fn signs(&self, shared: &Shared, password: Option<&str>) -> Result<Name, Problem> {
        self.must_have(Permission::DecideHold)?;
        let name = self.name();
        let account = shared.given.ledger.users().into_iter().find(|user| user.name == *name && !user.disabled);
        let account = account.filter(|user| user.role.may(Permission::DecideHold)).ok_or_else(|| {
            let detail = format!(
                "`{name}` is not a person of the role `quality`: sign in, or use the token of somebody who has an account"
            );
            Problem::new(StatusCode::FORBIDDEN, "no_account", detail)
        })?;
        if account.external.is_some() {
            return self.has_signed_in_again(shared);
        }
        if !account.has_password {
            let detail = format!("`{name}` has no password to sign with: an administrator sets the first one");
            return Err(Problem::new(StatusCode::FORBIDDEN, "no_password", detail));
        }
        let password =
            password.ok_or_else(|| Problem::bad_request("json", "`password` is missing: enter it to sign"))?;
        match shared.given.ledger.sign_in(name.as_str(), password).await? {
            Attempt::Passed(_) => Ok(name.clone()),
            Attempt::Wrong => {
                let detail = format!("this is not the password of `{name}`: nothing was signed");
                Err(Problem::new(StatusCode::FORBIDDEN, "wrong_password", detail))
            }
            Attempt::Locked { until } => Err(Problem::locked_out(until, shared.given.ledger.now())),
        }
    }

    /// The person of this session, if they have just signed in at the identity provider again. That counts for one signature.
    fn has_signed_in_again(&self, shared: &Shared) -> Result<Name, Problem> {
        let name = self.name();
        let Some(session) = self.session() else {
            let detail = format!(
                "`{name}` comes in from the identity provider and has no password to sign with: sign at the page, in a session"
            );
            return Err(Problem::new(StatusCode::FORBIDDEN, "no_password", detail));
        };
        let now = shared.given.ledger.now();
        if let Some(until) = shared.given.ledger.locked_now(name) {
            return Err(Problem::locked_out(until, now));
        }
        if shared.given.oidc.as_ref().is_some_and(|oidc| oidc.is_fresh(&session.hash, now)) {
            return Ok(name.clone());
        }
        let detail = "sign in at the identity provider once more (`POST /v1/oidc/sign-again`) and send this again within two minutes";
        Err(Problem::new(StatusCode::FORBIDDEN, "sign_in_again", detail))
    }

    /// Fails unless `password` is the caller's own. Wrong ones count, and lock the account.
    pub(crate) async fn shows(&self, shared: &Shared, password: Option<&str>) -> Result<(), Problem> {
        let name = self.name();
        let wrong = || {
            let detail = format!("`current` is not the password of `{name}`: nothing was changed");
            Problem::new(StatusCode::FORBIDDEN, "wrong_password", detail)
        };
        match shared.given.ledger.sign_in(name.as_str(), password.ok_or_else(wrong)?).await? {
            Attempt::Passed(_) => Ok(()),
            Attempt::Wrong => Err(wrong()),
            Attempt::Locked { until } => Err(Problem::locked_out(until, shared.given.ledger.now())),
        }
    }
}

/// Why somebody does something that needs no signature.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Because {
    /// Why, for the audit trail: up to 2000 characters.
    reason: Option<String>,
}

impl Because {
    /// What was said, if something was.
    pub(crate) fn said(&self) -> Result<Option<Box<str>>, Problem> {
        self.reason.as_deref().map(said).transpose()
    }
}

/// A reason that somebody gave: 1 to 2000 characters that say something.
pub(crate) fn said(reason: &str) -> Result<Box<str>, Problem> {
    let reason = reason.trim();
    let odd = |character: char| character.is_control() && !matches!(character, '\n' | '\r' | '\t');
    if reason.is_empty() || reason.chars().count() > MAX_REASON || reason.chars().any(odd) {
        let detail = format!("`reason` must have 1 to {MAX_REASON} characters: say why");
        return Err(Problem::bad_request("reason", detail));
    }
    Ok(reason.into())
}
