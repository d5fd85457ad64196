//! A person's account as it is sent.

use model::instant::to_rfc3339;
use serde::Serialize;
use store::ledger::UserInfo;
use utoipa::ToSchema;

/// What may be told about an account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserView {
    /// Its name, which stands in the audit trail and in signatures.
    name: String,
    /// Its role.
    role: &'static str,
    /// Whether its password was meant for once.
    one_time: bool,
    /// When it was created.
    created_at: String,
    /// Until when it is locked, if it was.
    locked_until: Option<String>,
    /// Whether nobody comes in with it.
    disabled: bool,
    /// Whether it has a password of its own, to sign in and to sign with.
    has_password: bool,
    /// The identity provider's word for the person, if they come in from there: issuer, a space, subject.
    external: Option<String>,
    /// The sites the person is limited to; absent without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    sites: Option<Vec<String>>,
}

impl From<UserInfo> for UserView {
    fn from(user: UserInfo) -> Self {
        Self {
            name: user.name.to_string(),
            role: user.role.as_str(),
            one_time: user.one_time,
            created_at: to_rfc3339(user.created_at.millis()),
            locked_until: user.locked_until.map(|at| to_rfc3339(at.millis())),
            disabled: user.disabled,
            has_password: user.has_password,
            external: user.external,
            sites: user.sites.as_ref().map(super::sites),
        }
    }
}
