//! People who come in from an identity provider: an account without a password of its own.

use model::instant::RecordedAt;
use model::name::Name;
use model::role::Role;

use super::access::Principal;
use super::append::{Prepared, Writing};
use super::people::{Account, Rights, user_row};
use super::projection::{self, UserRow};
use super::{Ledger, SYSTEM, Snapshot};
use crate::Error;

/// Why an account's role changed when its person signed in.
const MAPPED: &str = "the role the identity provider's claims are mapped to";

/// What became of somebody an identity provider vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum External {
    /// They may come in.
    Passed(Principal),
    /// Their account is disabled.
    Disabled,
    /// Their account is locked: too many wrong attempts.
    Locked {
        /// Until when.
        until: RecordedAt,
    },
    /// They have no account yet, and another one has the name.
    NameTaken,
}

impl Ledger {
    /// Lets in the person that an identity provider calls `external` (issuer, a space, subject). The first time, an account is
    /// made with `name`, without a password; later the account is found by `external` alone, and gets `role` if it had another.
    /// A limit to sites stays as an administrator set it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn admit_external(&self, external: &str, name: &Name, role: Role) -> Result<External, Error> {
        self.catch_up().await?;
        let (external, name) = (external.to_owned(), name.clone());
        let noted = self.snapshot().access.users.values().find(|account| is_of(account, &external)).cloned();
        let guarded = noted.as_ref().and_then(|account| self.guarded_until(account));
        if let Some(until) = guarded.filter(|until| self.now() < *until) {
            return Ok(External::Locked { until });
        }
        let prepare = move |snapshot: &Snapshot, _: RecordedAt| {
            let users = &snapshot.access.users;
            let Some(account) = users.values().find(|account| is_of(account, &external)) else {
                if users.contains_key(name.as_str()) || name.as_str() == SYSTEM {
                    return Prepared::Nothing(External::NameTaken);
                }
                let row = UserRow { external: Some(external.clone()), ..user_row(name.to_string(), role, "", false) };
                let passed = External::Passed(Principal { name: name.clone(), role, gateway: None, sites: None });
                return Prepared::Write(Writing::of(vec![projection::user_draft(true, &row, SYSTEM)]), passed);
            };
            if account.disabled {
                return Prepared::Nothing(External::Disabled);
            }
            let passed = External::Passed(Principal { role, ..account.principal.clone() });
            let before = account.rights();
            if before.role == role {
                return Prepared::Nothing(passed);
            }
            let after = Rights { role, ..before.clone() };
            let name = account.principal.name.as_str();
            let draft = projection::user_changed_draft(name, &before, &after, Some(MAPPED), SYSTEM);
            Prepared::Write(Writing::of(vec![draft]), passed)
        };
        self.append(prepare).await
    }

    /// Until when `account` is locked, if it was.
    fn guarded_until(&self, account: &Account) -> Option<RecordedAt> {
        account.locked_until.max(self.locked_until(account.principal.name.as_str()))
    }

    /// Until when the account `name` is locked, if it is now.
    #[must_use]
    pub fn locked_now(&self, name: &Name) -> Option<RecordedAt> {
        let account = self.snapshot().access.users.get(name.as_str()).cloned();
        account.and_then(|account| self.guarded_until(&account)).filter(|until| self.now() < *until)
    }
}

fn is_of(account: &Account, external: &str) -> bool {
    account.external.as_deref() == Some(external)
}
