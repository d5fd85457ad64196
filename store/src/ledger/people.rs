//! People's accounts: passwords, and what happens when somebody guesses at one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::instant::RecordedAt;
use model::name::Name;
use model::role::Role;
use tokio::sync::Semaphore;

use super::access::Principal;
use super::append::{Prepared, Writing};
use super::event::Hash;
use super::projection::{self, UserRow};
use super::{Ledger, SYSTEM, Snapshot, secret};
use crate::Error;

/// Wrong passwords in a row that lock an account.
pub const MAX_FAILURES: u32 = 5;

/// How long an account stays locked, and how long a wrong password is remembered.
pub const LOCKED_FOR: Duration = Duration::from_secs(15 * 60);

/// Passwords looked at at once: each takes tens of milliseconds of a processor and 19 MiB.
const LOOKS_AT_ONCE: usize = 2;

/// Somebody who has shown their password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Who it is.
    pub principal: Principal,
    /// Whether the password was meant for once and is to be replaced.
    pub one_time: bool,
}

/// What became of a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Name and password go together.
    Passed(SignIn),
    /// They do not, or there is no such account.
    Wrong,
    /// Too many were wrong: no password is looked at until then.
    Locked {
        /// Until when.
        until: RecordedAt,
    },
}

impl Attempt {
    /// Who signed in, if somebody did.
    #[must_use]
    pub fn passed(self) -> Option<SignIn> {
        match self {
            Self::Passed(sign_in) => Some(sign_in),
            Self::Wrong | Self::Locked { .. } => None,
        }
    }
}

/// What may be told about an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserInfo {
    /// Its name.
    pub name: Name,
    /// Its role.
    pub role: Role,
    /// Whether its password was meant for once.
    pub one_time: bool,
    /// When it was created.
    pub created_at: RecordedAt,
    /// Until when it is locked, if it was.
    pub locked_until: Option<RecordedAt>,
    /// Whether nobody comes in with it.
    pub disabled: bool,
    /// Whether it has a password of its own, to sign in and to sign with.
    pub has_password: bool,
    /// The identity provider's word for the person, if they come in from there: issuer, a space, subject.
    pub external: Option<String>,
}

/// What an administrator changes of an account. What is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// Another role.
    pub role: Option<Role>,
    /// Whether nobody comes in with it any more.
    pub disabled: Option<bool>,
}

/// An account, as it is looked up.
#[derive(Clone)]
pub(super) struct Account {
    pub(super) principal: Principal,
    pub(super) one_time: bool,
    pub(super) created_at: RecordedAt,
    pub(super) password_hash: String,
    pub(super) locked_until: Option<RecordedAt>,
    pub(super) disabled: bool,
    pub(super) external: Option<String>,
}

/// What bounds guessing.
pub(super) struct Guard {
    /// By account: wrong passwords in a row, and when the last one was.
    failures: Mutex<HashMap<String, (u32, RecordedAt)>>,
    looking: Semaphore,
}

impl Default for Guard {
    fn default() -> Self {
        Self { failures: Mutex::default(), looking: Semaphore::new(LOOKS_AT_ONCE) }
    }
}

impl Guard {
    /// Counts a wrong password; whether it was one too many.
    fn failed(&self, name: &str, now: RecordedAt) -> bool {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, last) = failures.entry(name.to_owned()).or_insert((0, now));
        *count = if now > later(*last) { 1 } else { *count + 1 };
        *last = now;
        let too_many = *count >= MAX_FAILURES;
        if too_many {
            failures.remove(name);
        }
        too_many
    }

    fn passed(&self, name: &str) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

/// When what began at `at` is over.
fn later(at: RecordedAt) -> RecordedAt {
    let ms = i64::try_from(LOCKED_FOR.as_millis()).unwrap_or(i64::MAX);
    RecordedAt::from_millis(at.millis().saturating_add(ms))
}

impl Ledger {
    /// Creates an account.
    ///
    /// # Errors
    /// When there is one of that name, the password is shorter than 12 characters, or the database refuses.
    pub async fn create_user(&self, name: &Name, role: Role, password: &str, actor: &Name) -> Result<(), Error> {
        let hash = hash_chosen_password(password).await?;
        let (name, actor) = (name.to_string(), actor.to_string());
        let prepare = move |snapshot: &Snapshot, _| {
            if snapshot.access.users.contains_key(&name) || name == SYSTEM {
                let what = format!("there is an account `{name}` already: choose another name");
                return Prepared::Nothing(Err(Error::AccessRefused { what }));
            }
            let row = user_row(name.clone(), role, &hash, false);
            let drafts = vec![projection::user_draft(true, &row, &actor)];
            Prepared::Write(Writing { passwords: vec![(row.name, hash.clone())], ..Writing::of(drafts) }, Ok(()))
        };
        self.append(prepare).await?
    }

    /// Gives an account another password; a lock on it ends.
    ///
    /// # Errors
    /// When there is no such account, the password is shorter than 12 characters, or the database refuses.
    pub async fn set_password(&self, name: &Name, password: &str, actor: &Name) -> Result<(), Error> {
        let hash = hash_chosen_password(password).await?;
        let (name, actor) = (name.to_string(), actor.to_string());
        let prepare = move |snapshot: &Snapshot, _| {
            let Some(account) = snapshot.access.users.get(&name) else {
                let what = format!("there is no account `{name}`");
                return Prepared::Nothing(Err(Error::AccessRefused { what }));
            };
            let row = user_row(name.clone(), account.principal.role, &hash, false);
            let drafts = vec![projection::user_draft(false, &row, &actor)];
            Prepared::Write(Writing { passwords: vec![(row.name, hash.clone())], ..Writing::of(drafts) }, Ok(()))
        };
        self.append(prepare).await?
    }

    /// Gives an account another role, disables it, or lets it in again. Its sessions end.
    ///
    /// # Errors
    /// When there is no such account, nothing would change, `actor` means themselves, or the database refuses.
    pub async fn change_user(
        &self,
        name: &Name,
        change: UserChange,
        reason: Option<&str>,
        actor: &Name,
    ) -> Result<(), Error> {
        let (name, actor, reason) = (name.to_string(), actor.to_string(), reason.map(str::to_owned));
        let prepare = move |snapshot: &Snapshot, _| {
            let refused = |what: String| Prepared::Nothing(Err(Error::AccessRefused { what }));
            let Some(account) = snapshot.access.users.get(&name) else {
                return refused(format!("there is no account `{name}`"));
            };
            if name == actor {
                return refused("nobody changes their own account: ask another administrator".into());
            }
            let before = (account.principal.role, account.disabled);
            let after = (change.role.unwrap_or(before.0), change.disabled.unwrap_or(before.1));
            if before == after {
                return refused(format!("the account `{name}` is just so already"));
            }
            let draft = projection::user_changed_draft(&name, before, after, reason.as_deref(), &actor);
            Prepared::Write(Writing::of(vec![draft]), Ok(()))
        };
        self.append(prepare).await?
    }

    /// All accounts, by name.
    #[must_use]
    pub fn users(&self) -> Vec<UserInfo> {
        let told = |account: &Account| UserInfo {
            name: account.principal.name.clone(),
            role: account.principal.role,
            one_time: account.one_time,
            created_at: account.created_at,
            locked_until: account.locked_until,
            disabled: account.disabled,
            has_password: !account.password_hash.is_empty(),
            external: account.external.clone(),
        };
        self.snapshot().access.users.values().map(told).collect()
    }

    /// Whether `name` and `password` go together. An unknown name takes as long as a wrong password.
    ///
    /// After [`MAX_FAILURES`] wrong passwords in a row, none more than [`LOCKED_FOR`] after the one before, the account
    /// is locked for [`LOCKED_FOR`], which stands in the ledger; a new password set by an administrator ends it. A
    /// one-time password is no good any more once another administrator has a password of their own.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sign_in(&self, name: &str, password: &str) -> Result<Attempt, Error> {
        let Ok(_looking) = self.0.guard.looking.acquire().await else { return Ok(Attempt::Wrong) };
        self.catch_up().await?;
        let found = self.snapshot().access.users.get(name).filter(|account| !account.disabled).cloned();
        let now = (self.0.clock)();
        if let Some(until) = found.as_ref().and_then(|account| account.locked_until).filter(|until| now < *until) {
            return Ok(Attempt::Locked { until });
        }
        let kept = found.as_ref().map(|account| account.password_hash.clone()).filter(|kept| !kept.is_empty());
        let password = password.to_owned();
        let work = move || match kept {
            Some(kept) => secret::is_password(&password, &kept),
            None => {
                let _same_time = secret::hash_password(&password);
                false
            }
        };
        let right = tokio::task::spawn_blocking(work).await.map_err(|source| Error::LedgerTask { source })?;
        let Some(account) = found else { return Ok(Attempt::Wrong) };
        if !right {
            metrics::counter!("coldtrail_sign_in_failures_total").increment(1);
            if self.0.guard.failed(name, now) {
                self.lock(&account.principal.name, later(now)).await?;
            }
            return Ok(Attempt::Wrong);
        }
        self.0.guard.passed(name);
        if account.one_time && self.has_other_administrator(name) {
            return Ok(Attempt::Wrong);
        }
        Ok(Attempt::Passed(SignIn { principal: account.principal, one_time: account.one_time }))
    }

    fn has_other_administrator(&self, name: &str) -> bool {
        let access = self.snapshot().access;
        let other = |(of, account): (&String, &Account)| {
            of != name && account.principal.role == Role::Admin && !account.one_time && !account.disabled
        };
        access.users.iter().any(other)
    }

    async fn lock(&self, name: &Name, until: RecordedAt) -> Result<(), Error> {
        tracing::warn!(account = %name, %until, "an account is locked: too many wrong passwords in a row");
        let name = name.to_string();
        let prepare =
            move |_: &Snapshot, _| Prepared::Write(Writing::of(vec![projection::user_locked_draft(&name, until)]), ());
        self.append(prepare).await
    }
}

async fn hash_chosen_password(password: &str) -> Result<String, Error> {
    if !(12..=1024).contains(&password.chars().count()) {
        return Err(Error::AccessRefused { what: "a password must have 12 to 1024 characters".into() });
    }
    let password = password.to_owned();
    let work = move || secret::hash_password(&password);
    tokio::task::spawn_blocking(work).await.map_err(|source| Error::LedgerTask { source })?
}

/// An account's row; the event's time is filled in when the event is.
pub(super) fn user_row(name: String, role: Role, password_hash: &str, one_time: bool) -> UserRow {
    let password_digest = Hash::of(password_hash.as_bytes()).to_string();
    let role = role.to_string();
    UserRow { name, role, password_digest, one_time, created_at_ms: 0, disabled: false, external: None }
}
