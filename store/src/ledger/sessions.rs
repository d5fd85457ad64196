//! Sessions: somebody who has signed in is known by a secret that their browser keeps.
//!
//! They stand beside the chain, and survive a restart. That somebody signed in or out stands in it.

use std::sync::PoisonError;
use std::time::Duration;

use model::instant::RecordedAt;
use subtle::ConstantTimeEq;

use super::access::Principal;
use super::append::{Prepared, Writing};
use super::event::Hash;
use super::people::Account;
use super::projection::{self, Way};
use super::{Ledger, Snapshot, secret};
use crate::Error;

/// Sessions an account may have at once; the oldest ends when there is one more.
const SESSIONS_PER_ACCOUNT: i64 = 32;

/// Characters of a session's id.
const ID_LENGTH: usize = 64;

/// How long a session lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without a request.
    pub idle: Duration,
    /// With however many.
    pub total: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self { idle: Duration::from_secs(12 * 3600), total: Duration::from_secs(7 * 24 * 3600) }
    }
}

/// Somebody who has signed in.
#[derive(Clone, Debug)]
pub struct Session {
    /// The SHA-256 of its id, in hexadecimal: tells it from others, and opens nothing.
    pub hash: String,
    /// Who it is.
    pub principal: Principal,
    /// Whether they came in with a password that was meant for once and is to be replaced.
    pub one_time: bool,
    /// Whether they come in from an identity provider.
    pub external: bool,
    /// What their page shows with everything that changes something: no other page can know it.
    pub csrf: String,
    /// When it ends if nothing is asked meanwhile.
    pub expires_at: RecordedAt,
}

impl Session {
    /// Whether `shown` is the secret of this session's page. Takes the same time wherever they differ.
    #[must_use]
    pub fn has_csrf(&self, shown: &str) -> bool {
        self.csrf.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

/// A row of the table `sessions`. The id itself is kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionRow {
    /// The SHA-256 of its id, in hexadecimal.
    pub(crate) hash: String,
    /// Whose it is.
    pub(crate) account: String,
    /// The secret of its page.
    pub(crate) csrf: String,
    /// The SHA-256 of the account's role and password when it began.
    pub(crate) bound: String,
    /// When it began, milliseconds since the epoch.
    pub(crate) created_at_ms: i64,
    /// When it was last used, milliseconds since the epoch.
    pub(crate) last_seen_at_ms: i64,
}

/// Which sessions are over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone {
    /// Those that began at or before this.
    pub(crate) created_ms: i64,
    /// Those last used at or before this.
    pub(crate) seen_ms: i64,
    /// Of an account that begins one more: all but so many others.
    pub(crate) others_kept: i64,
}

impl SessionRow {
    /// When it is over, seen last at `seen_ms`.
    fn expires_at(&self, seen_ms: i64, limits: SessionLimits) -> RecordedAt {
        let idle = seen_ms.saturating_add(millis(limits.idle));
        RecordedAt::from_millis(idle.min(self.created_at_ms.saturating_add(millis(limits.total))))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// What a session of `account` is bound to.
fn bound(account: &Account) -> String {
    let bound = format!("coldtrail session 1\n{}\n{}", account.principal.role, account.password_hash);
    Hash::of(bound.as_bytes()).to_string()
}

/// The session of `row`, which is `account`'s.
fn shown(row: SessionRow, account: Account, expires_at: RecordedAt) -> Session {
    Session {
        hash: row.hash,
        principal: account.principal,
        one_time: account.one_time,
        external: account.external.is_some(),
        csrf: row.csrf,
        expires_at,
    }
}

/// What of a session is told in the audit trail: enough to tell it from others.
fn told(hash: &str) -> String {
    hash.chars().take(16).collect()
}

impl Ledger {
    /// Begins a session of the account `name`, which has just shown who it is. Gives its id, this once.
    ///
    /// # Errors
    /// When there is no such account, or the database refuses.
    pub async fn begin_session(&self, name: &str, way: Way, limits: SessionLimits) -> Result<(String, Session), Error> {
        let account = self.snapshot().access.users.get(name).filter(|account| !account.disabled).cloned();
        let account = account.ok_or_else(|| Error::AccessRefused { what: format!("there is no account `{name}`") })?;
        let (id, now) = (secret::random_text(), self.now());
        let row = SessionRow {
            hash: secret::token_hash(&id),
            account: name.to_owned(),
            csrf: secret::random_text(),
            bound: bound(&account),
            created_at_ms: now.millis(),
            last_seen_at_ms: now.millis(),
        };
        let gone = Gone {
            created_ms: now.millis().saturating_sub(millis(limits.total)),
            seen_ms: now.millis().saturating_sub(millis(limits.idle)),
            others_kept: SESSIONS_PER_ACCOUNT - 1,
        };
        // what was used since is written first, so that no session in use is taken for one that is not
        self.0.save_uses().await?;
        self.0.backend.put_session(&row, &gone).await?;
        let (account_name, session) = (row.account.clone(), told(&row.hash));
        let prepare = move |_: &Snapshot, _| {
            let draft = projection::session_began_draft(&account_name, &session, way);
            Prepared::Write(Writing::of(vec![draft]), ())
        };
        if let Err(cause) = self.append(prepare).await {
            self.0.backend.end_session(&row.hash).await?;
            return Err(cause);
        }
        let expires_at = row.expires_at(row.last_seen_at_ms, limits);
        Ok((id, shown(row, account, expires_at)))
    }

    /// The session with this id, if it is not over: by time, or because its account was disabled or has another role
    /// or password.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn session(&self, id: &str, limits: SessionLimits) -> Result<Option<Session>, Error> {
        let Some((row, account)) = self.going_on(id, limits).await? else { return Ok(None) };
        let now = self.now();
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(row.hash.clone(), now.millis());
        let expires_at = row.expires_at(now.millis(), limits);
        Ok(Some(shown(row, account, expires_at)))
    }

    /// Whose session this is, if it is not over. It does not count as a use of it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn whose_session(&self, id: &str, limits: SessionLimits) -> Result<Option<Principal>, Error> {
        Ok(self.going_on(id, limits).await?.map(|(_, account)| account.principal))
    }

    async fn going_on(&self, id: &str, limits: SessionLimits) -> Result<Option<(SessionRow, Account)>, Error> {
        if id.len() != ID_LENGTH {
            return Ok(None);
        }
        let hash = secret::token_hash(id);
        let Some(row) = self.0.backend.session(&hash).await? else { return Ok(None) };
        let seen_ms = {
            let seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.get(&hash).map_or(row.last_seen_at_ms, |seen_ms| row.last_seen_at_ms.max(*seen_ms))
        };
        if self.now() >= row.expires_at(seen_ms, limits) {
            return Ok(None);
        }
        let account = self.snapshot().access.users.get(&row.account).cloned();
        let is_good = |account: &Account| {
            let is_over = account.one_time && self.has_other_administrator(&row.account);
            !account.disabled && !is_over && bound(account) == row.bound
        };
        Ok(account.filter(is_good).map(|account| (row, account)))
    }

    /// Ends the session with this id; whether there was one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn end_session(&self, id: &str) -> Result<bool, Error> {
        let hash = secret::token_hash(id);
        let Some(row) = self.0.backend.session(&hash).await? else { return Ok(false) };
        let ended = self.0.backend.end_session(&hash).await?;
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash);
        if ended {
            let prepare = move |_: &Snapshot, _| {
                let draft = projection::session_ended_draft(&row.account, &told(&row.hash));
                Prepared::Write(Writing::of(vec![draft]), ())
            };
            self.append(prepare).await?;
        }
        Ok(ended)
    }
}
