//! Why somebody does not come in from the provider.

use axum::http::StatusCode;

use crate::problem::Problem;

/// Why somebody does not come in from the provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// The provider can't be asked, or does not answer as one.
    #[error("the identity provider can't be asked: {why}")]
    Unreachable {
        /// Why.
        why: String,
    },
    /// What it gave does not hold.
    #[error("what the identity provider gave does not hold: {why}")]
    Invalid {
        /// What of it.
        why: String,
    },
    /// The person did not sign in again, though asked to.
    #[error("the sign-in at the identity provider is not new")]
    Stale,
    /// Nothing of what the person is there makes a role here.
    #[error("nothing of what the identity provider says makes a role")]
    NoRole,
    /// The person has no name that can stand here.
    #[error("the identity provider gives no name that can stand here: {why}")]
    NoName {
        /// What is wrong with it.
        why: String,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Failed,
}

impl Refused {
    /// What does not hold.
    pub(super) fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid { why: why.into() }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let forbidden = |code, detail: &str| Self::new(StatusCode::FORBIDDEN, code, detail);
        match &refused {
            Refused::Unreachable { why } => {
                tracing::warn!(%why, "the identity provider could not be asked");
                let detail =
                    "the identity provider can't be asked now: try again in a moment, or sign in with a local account";
                Self::unavailable("oidc_unavailable", detail)
            }
            Refused::Invalid { why } => {
                metrics::counter!("coldtrail_http_unauthorized_total").increment(1);
                tracing::warn!(%why, "a sign-in at the identity provider was refused");
                forbidden("oidc_refused", "what the identity provider gave does not hold: sign in again")
            }
            Refused::Stale => {
                let detail = "the identity provider did not ask who you are again: nothing was signed; sign out there, and try again";
                forbidden("oidc_stale", detail)
            }
            Refused::NoRole => {
                let detail = "the identity provider knows you, but nothing it says of you makes a role here: ask who manages its groups";
                forbidden("oidc_no_role", detail)
            }
            Refused::NoName { why } => forbidden("oidc_name", &format!("{why}: ask who manages the identity provider")),
            Refused::Failed => Self::internal(&refused),
        }
    }
}
