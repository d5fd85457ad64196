//! An API token as it is sent: never the token itself, but once.

use model::instant::to_rfc3339;
use serde::Serialize;
use store::ledger::TokenInfo;
use utoipa::ToSchema;

/// What may be told about a token.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenView {
    /// Its id, for revoking it.
    id: String,
    /// Its name, which stands in the audit trail.
    name: String,
    /// Its role.
    role: &'static str,
    /// The gateway it is bound to.
    gateway: Option<String>,
    /// When it was created.
    created_at: String,
    /// When it was revoked.
    revoked_at: Option<String>,
    /// When it was last used, as far as that is known.
    last_used_at: Option<String>,
    /// The sites it is limited to; absent without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    sites: Option<Vec<String>>,
}

impl From<TokenInfo> for TokenView {
    fn from(token: TokenInfo) -> Self {
        Self {
            id: token.id,
            name: token.name.to_string(),
            role: token.role.as_str(),
            gateway: token.gateway.map(|gateway| gateway.to_string()),
            created_at: to_rfc3339(token.created_at.millis()),
            revoked_at: token.revoked_at.map(|at| to_rfc3339(at.millis())),
            last_used_at: token.last_used_at.map(|at| to_rfc3339(at.millis())),
            sites: token.sites.as_ref().map(super::sites),
        }
    }
}
