//! Signing in by name and password, and what bounds guessing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::hold::{AlarmCode, Subject};
use model::instant::{RecordedAt, ValidAt};
use model::name::Name;
use model::role::Role;
use tokio::sync::Semaphore;

use super::access::Principal;
use super::append::{Prepared, Writing};
use super::holds::{Drafting, NewAlarm, misfit};
use super::people::Account;
use super::projection;
use super::{Ledger, Snapshot, secret};
use crate::Error;

/// Wrong passwords in a row that lock an account.
pub const MAX_FAILURES: u32 = 5;

/// How long an account stays locked, and how long a wrong password is remembered.
pub const LOCKED_FOR: Duration = Duration::from_secs(15 * 60);

/// Passwords looked at at once: each takes tens of milliseconds of a processor and 19 MiB.
const LOOKS_AT_ONCE: usize = 2;

/// Names that wrong passwords are remembered of, those of no account too.
const MAX_NAMES: usize = 10_000;

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

/// Wrong passwords given for one name.
#[derive(Clone, Copy, Debug)]
struct Tries {
    in_a_row: u32,
    last: RecordedAt,
    locked_until: Option<RecordedAt>,
}

/// What bounds guessing. It treats every name alike, so that nobody learns from it which accounts there are.
pub(super) struct Guard {
    tries: Mutex<HashMap<String, Tries>>,
    looking: Semaphore,
}

impl Default for Guard {
    fn default() -> Self {
        Self { tries: Mutex::default(), looking: Semaphore::new(LOOKS_AT_ONCE) }
    }
}

impl Guard {
    fn locked_until(&self, name: &str) -> Option<RecordedAt> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).get(name).and_then(|tries| tries.locked_until)
    }

    /// Counts a wrong password. Gives how many there were in a row, and until when the name is locked if that is one
    /// too many.
    fn failed(&self, name: &str, now: RecordedAt) -> (u32, Option<RecordedAt>) {
        let mut all = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_NAMES && !all.contains_key(name) {
            all.retain(|_, tries| now <= later(tries.last));
            let oldest = all.iter().min_by_key(|(_, tries)| tries.last).map(|(name, _)| name.clone());
            if let Some(oldest) = oldest.filter(|_| all.len() >= MAX_NAMES) {
                all.remove(&oldest);
            }
        }
        let tries = all.entry(name.to_owned()).or_insert(Tries { in_a_row: 0, last: now, locked_until: None });
        let begins_again = now > later(tries.last) || tries.locked_until.is_some();
        tries.in_a_row = if begins_again { 1 } else { tries.in_a_row + 1 };
        tries.last = now;
        tries.locked_until = (tries.in_a_row >= MAX_FAILURES).then(|| later(now));
        (tries.in_a_row, tries.locked_until)
    }

    /// Wrong passwords count no more.
    pub(super) fn forget(&self, name: &str) {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

/// When what began at `at` is over.
fn later(at: RecordedAt) -> RecordedAt {
    let ms = i64::try_from(LOCKED_FOR.as_millis()).unwrap_or(i64::MAX);
    RecordedAt::from_millis(at.millis().saturating_add(ms))
}

impl Ledger {
    /// Whether `name` and `password` go together. An unknown name takes as long as a wrong password, and comes to the
    /// same.
    ///
    /// After [`MAX_FAILURES`] wrong passwords in a row, none more than [`LOCKED_FOR`] after the one before, the name
    /// is locked for [`LOCKED_FOR`]. Of an account each wrong password stands in the ledger, and the lock, with an
    /// alarm; a new password set by an administrator ends it. A one-time password is no good any more once another
    /// administrator has a password of their own.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sign_in(&self, name: &str, password: &str) -> Result<Attempt, Error> {
        let Ok(_looking) = self.0.guard.looking.acquire().await else { return Ok(Attempt::Wrong) };
        self.catch_up().await?;
        let found = self.snapshot().access.users.get(name).filter(|account| !account.disabled).cloned();
        let now = self.now();
        let noted = found.as_ref().and_then(|account| account.locked_until);
        if let Some(until) = noted.max(self.0.guard.locked_until(name)).filter(|until| now < *until) {
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
        let is_right = tokio::task::spawn_blocking(work).await.map_err(|source| Error::LedgerTask { source })?;
        match found {
            Some(account) if is_right => {
                self.0.guard.forget(name);
                if account.one_time && self.has_other_administrator(name) {
                    return Ok(Attempt::Wrong);
                }
                Ok(Attempt::Passed(SignIn { principal: account.principal, one_time: account.one_time }))
            }
            found => {
                self.failed(name, found, now);
                Ok(Attempt::Wrong)
            }
        }
    }

    /// Until when `name` is locked for wrong passwords, as far as this process has seen them.
    pub(super) fn locked_until(&self, name: &str) -> Option<RecordedAt> {
        self.0.guard.locked_until(name)
    }

    /// Counts an attempt to sign as `name` that was not theirs, like a wrong password.
    pub fn count_failure(&self, name: &Name) {
        let account = self.snapshot().access.users.get(name.as_str()).filter(|account| !account.disabled).cloned();
        self.failed(name.as_str(), account, self.now());
    }

    /// Counts a wrong password for `name`.
    fn failed(&self, name: &str, account: Option<Account>, now: RecordedAt) {
        metrics::counter!("coldtrail_sign_in_failures_total").increment(1);
        let Ok(name) = Name::parse(name) else { return };
        let (in_a_row, locked_until) = self.0.guard.failed(name.as_str(), now);
        // A name of no account is not written down: it may be a password, typed into the wrong field.
        if account.is_none() {
            return;
        }
        if let Some(until) = locked_until {
            tracing::warn!(account = %name, %until, "an account is locked: too many wrong passwords in a row");
        }
        // Nobody waits for the ledger here: how long it takes would tell that there is such an account.
        let ledger = self.clone();
        tokio::spawn(async move {
            if let Err(error) = ledger.note_failure(name.clone(), in_a_row, locked_until).await {
                tracing::error!(account = %name, %error, "a wrong password could not be noted in the ledger");
            }
        });
    }

    /// Writes down a wrong password, and the lock and its alarm if it was one too many.
    async fn note_failure(&self, name: Name, in_a_row: u32, locked_until: Option<RecordedAt>) -> Result<(), Error> {
        let prepare = move |before: &Snapshot, at: RecordedAt| {
            let mut drafts = vec![projection::sign_in_failed_draft(name.as_str(), in_a_row)];
            if let Some(until) = locked_until {
                drafts.push(projection::user_locked_draft(name.as_str(), until));
                let mut held = Drafting::after(before, drafts.len(), at);
                let alarm = NewAlarm {
                    code: AlarmCode::AccountLocked,
                    subject: Subject::Account(name.clone()),
                    rule: None,
                    at: ValidAt::from_millis(at.millis()),
                    detail: format!("{in_a_row} wrong passwords in a row: locked until {until}").into(),
                };
                if let Err(what) = held.raise(alarm) {
                    return Prepared::Nothing(Err(misfit(what)));
                }
                drafts.append(&mut held.drafts);
            }
            Prepared::Write(Writing::of(drafts), Ok(()))
        };
        self.append(prepare).await?
    }

    /// Whether somebody else may make accounts: a one-time password lets nobody in then.
    pub(super) fn has_other_administrator(&self, name: &str) -> bool {
        let access = self.snapshot().access;
        let other = |(of, account): (&String, &Account)| {
            let Principal { role, sites, .. } = &account.principal;
            of != name && *role == Role::Admin && sites.is_none() && !account.one_time && !account.disabled
        };
        access.users.iter().any(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_no_account_are_remembered_within_bounds() {
        let guard = Guard::default();
        let at = |second: i64| RecordedAt::from_millis(second * 1000);
        for turn in 1..MAX_FAILURES {
            assert_eq!(guard.failed("root", at(0)), (turn, None));
        }
        assert_eq!(guard.failed("root", at(1)).1, Some(later(at(1))));
        assert_eq!(guard.locked_until("root"), Some(later(at(1))));
        for nth in 0..MAX_NAMES {
            guard.failed(&format!("n{nth}"), at(2));
        }
        assert_eq!(guard.tries.lock().unwrap().len(), MAX_NAMES);
        assert_eq!(guard.locked_until("root"), None, "the oldest went");
        guard.failed("late", later(at(3)));
        assert_eq!(guard.tries.lock().unwrap().len(), 1, "what is over went");
    }
}
