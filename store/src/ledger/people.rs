//! People's accounts.

use model::instant::RecordedAt;
use model::name::Name;
use model::role::Role;
use model::sight::Sites;

use super::access::Principal;
use super::append::{Prepared, Writing};
use super::event::Hash;
use super::projection::{self, UserRow};
use super::{Ledger, SYSTEM, Snapshot, secret};
use crate::Error;

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
    /// The sites they are limited to, if they are.
    pub sites: Option<Sites>,
}

/// What an administrator changes of an account. What is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// Another role.
    pub role: Option<Role>,
    /// Whether nobody comes in with it any more.
    pub disabled: Option<bool>,
    /// Another limit, or `None` within to lift it.
    pub sites: Option<Option<Sites>>,
}

/// What can change of an account, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rights {
    pub(super) role: Role,
    pub(super) disabled: bool,
    pub(super) sites: Option<Sites>,
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

impl Account {
    /// What can change of it, as it is.
    pub(super) fn rights(&self) -> Rights {
        let Principal { role, sites, .. } = &self.principal;
        Rights { role: *role, disabled: self.disabled, sites: sites.clone() }
    }
}

impl Ledger {
    /// Creates an account.
    ///
    /// # Errors
    /// When there is one of that name, the password is shorter than 12 characters, or the database refuses.
    pub async fn create_user(&self, name: &Name, role: Role, password: &str, actor: &Name) -> Result<(), Error> {
        self.create_limited_user(name, role, None, password, actor).await
    }

    /// Creates an account, limited to `sites` if there are any.
    ///
    /// # Errors
    /// As [`Ledger::create_user`], or when one of `sites` is no registered place.
    pub async fn create_limited_user(
        &self,
        name: &Name,
        role: Role,
        sites: Option<Sites>,
        password: &str,
        actor: &Name,
    ) -> Result<(), Error> {
        let hash = hash_chosen_password(password).await?;
        let (name, actor) = (name.to_string(), actor.to_string());
        let prepare = move |snapshot: &Snapshot, _| {
            if snapshot.access.users.contains_key(&name) || name == SYSTEM {
                let what = format!("there is an account `{name}` already: choose another name");
                return Prepared::Nothing(Err(Error::AccessRefused { what }));
            }
            if let Err(refused) = registered(snapshot, sites.as_ref()) {
                return Prepared::Nothing(Err(refused));
            }
            let row = UserRow { sites: sites.clone(), ..user_row(name.clone(), role, &hash, false) };
            let drafts = vec![projection::user_draft(true, &row, &actor)];
            Prepared::Write(Writing { passwords: vec![(row.name, hash.clone())], ..Writing::of(drafts) }, Ok(()))
        };
        self.append(prepare).await?
    }

    /// Gives an account another password; a lock on it ends.
    ///
    /// # Errors
    /// When there is no such account or its person comes in from an identity provider, the password is shorter than 12
    /// characters, or the database refuses.
    pub async fn set_password(&self, name: &Name, password: &str, actor: &Name) -> Result<(), Error> {
        let hash = hash_chosen_password(password).await?;
        let (name, actor) = (name.to_string(), actor.to_string());
        let whose = name.clone();
        let prepare = move |snapshot: &Snapshot, _| {
            let Some(account) = snapshot.access.users.get(&name) else {
                let what = format!("there is no account `{name}`");
                return Prepared::Nothing(Err(Error::AccessRefused { what }));
            };
            if account.external.is_some() {
                let what = format!("`{name}` signs in at the identity provider and has no password here");
                return Prepared::Nothing(Err(Error::AccessRefused { what }));
            }
            let row = user_row(name.clone(), account.principal.role, &hash, false);
            let drafts = vec![projection::user_draft(false, &row, &actor)];
            Prepared::Write(Writing { passwords: vec![(row.name, hash.clone())], ..Writing::of(drafts) }, Ok(()))
        };
        self.append(prepare).await??;
        self.0.guard.forget(&whose);
        Ok(())
    }

    /// Gives an account another role or another limit, disables it, or lets it in again. Its sessions end.
    ///
    /// # Errors
    /// When there is no such account, nothing would change, `actor` means themselves, a site is no registered place, or
    /// the database refuses.
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
            let before = account.rights();
            let after = Rights {
                role: change.role.unwrap_or(before.role),
                disabled: change.disabled.unwrap_or(before.disabled),
                sites: change.sites.clone().unwrap_or_else(|| before.sites.clone()),
            };
            if before.sites != after.sites
                && let Err(refused) = registered(snapshot, after.sites.as_ref())
            {
                return Prepared::Nothing(Err(refused));
            }
            if before == after {
                return refused(format!("the account `{name}` is just so already"));
            }
            let draft = projection::user_changed_draft(&name, &before, &after, reason.as_deref(), &actor);
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
            sites: account.principal.sites.clone(),
        };
        self.snapshot().access.users.values().map(told).collect()
    }
}

/// Fails unless `sites` are registered places.
pub(super) fn registered(snapshot: &Snapshot, sites: Option<&Sites>) -> Result<(), Error> {
    let mut places = sites.into_iter().flat_map(Sites::iter);
    match places.find(|place| !snapshot.registry.places.contains(place)) {
        Some(place) => {
            Err(Error::AccessRefused { what: format!("`sites`: there is no place `{place}`: register it first") })
        }
        None => Ok(()),
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
    UserRow { name, role, password_digest, one_time, created_at_ms: 0, disabled: false, external: None, sites: None }
}
