//! Who may come in: API tokens, and the first door of all.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, PoisonError};

use model::instant::RecordedAt;
use model::name::Name;
use model::role::Role;
use model::sight::Sites;

use super::append::{Prepared, Writing};
use super::people::{Account, registered, user_row};
use super::projection::{self, TokenRow, UserRow};
use super::{Ledger, SYSTEM, Snapshot, files, secret};
use crate::Error;

/// Somebody who has shown who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The name that goes into the audit trail: a token's, or a person's.
    pub name: Name,
    /// What they may do.
    pub role: Role,
    /// The only gateway they may publish as, if the token is bound to one.
    pub gateway: Option<Name>,
    /// The sites they are limited to, if they are.
    pub sites: Option<Sites>,
}

/// Accounts and tokens as they are at one state of the ledger.
#[derive(Clone)]
pub struct People(Arc<Access>);

impl People {
    /// Whether no account and no token changed between both.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What may be told about a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// Its id, for revoking it.
    pub id: String,
    /// Its name.
    pub name: Name,
    /// Its role.
    pub role: Role,
    /// The gateway it is bound to.
    pub gateway: Option<Name>,
    /// The sites it is limited to, if it is.
    pub sites: Option<Sites>,
    /// When it was created.
    pub created_at: RecordedAt,
    /// When it was revoked.
    pub revoked_at: Option<RecordedAt>,
    /// When it was last used, as far as that is known.
    pub last_used_at: Option<RecordedAt>,
}

/// What the first start did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bootstrap {
    /// It was not the first start: somebody can come in already.
    NotFirst,
    /// The given text is an administrator's API token now.
    Token,
    /// The account `admin` has a one-time password, and the file holds it.
    Password,
}

/// Tokens and accounts, as they are looked up.
#[derive(Default)]
pub(super) struct Access {
    tokens: HashMap<String, TokenInfo>,
    /// By name.
    pub(super) users: BTreeMap<String, Account>,
}

impl Access {
    pub(super) fn new(
        tokens: Vec<TokenRow>,
        users: Vec<(UserRow, String)>,
        locks: Vec<(String, i64)>,
    ) -> Result<Self, Error> {
        let mut access = Self::default();
        for row in tokens {
            let hash = row.hash.clone();
            access.tokens.insert(hash, token_info(row)?);
        }
        for (row, password_hash) in users {
            let principal =
                Principal { name: name(&row.name)?, role: role(&row.role)?, gateway: None, sites: row.sites };
            let created_at = RecordedAt::from_millis(row.created_at_ms);
            let account = Account {
                principal,
                one_time: row.one_time,
                created_at,
                password_hash,
                locked_until: None,
                disabled: row.disabled,
                external: row.external,
            };
            access.users.insert(row.name, account);
        }
        for (name, until_ms) in locks {
            if let Some(account) = access.users.get_mut(&name) {
                account.locked_until = Some(RecordedAt::from_millis(until_ms));
            }
        }
        Ok(access)
    }

    fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.users.is_empty()
    }
}

fn name(text: &str) -> Result<Name, Error> {
    Name::parse(text).map_err(|cause| Error::LedgerDamaged { what: cause.to_string() })
}

fn role(text: &str) -> Result<Role, Error> {
    Role::parse(text).map_err(|cause| Error::LedgerDamaged { what: cause.to_string() })
}

fn token_info(row: TokenRow) -> Result<TokenInfo, Error> {
    Ok(TokenInfo {
        name: name(&row.name)?,
        role: role(&row.role)?,
        gateway: row.gateway.as_deref().map(name).transpose()?,
        sites: row.sites,
        id: row.id,
        created_at: RecordedAt::from_millis(row.created_at_ms),
        revoked_at: row.revoked_at_ms.map(RecordedAt::from_millis),
        last_used_at: None,
    })
}

impl Ledger {
    /// Opens the door at the first start, when there is neither token nor account: with `token` given, that is an
    /// administrator's API token named `bootstrap`; else the account `admin` gets a one-time password, which is
    /// written to `password_file` (mode 0600) first, so that a crash between the two leaves nobody locked out.
    ///
    /// # Errors
    /// When `token` is empty, or the file or the database refuses.
    pub async fn bootstrap(&self, token: Option<&str>, password_file: &Path) -> Result<Bootstrap, Error> {
        if !self.snapshot().access.is_empty() {
            return Ok(Bootstrap::NotFirst);
        }
        let first = |snapshot: &Snapshot| snapshot.access.is_empty();
        if let Some(token) = token {
            if token.trim().is_empty() {
                return Err(Error::AccessRefused { what: "the bootstrap token is empty".into() });
            }
            let hash = secret::token_hash(token);
            let row = token_row("bootstrap".into(), Role::Admin, None, hash);
            let prepare = move |snapshot: &Snapshot, _| match first(snapshot) {
                true => {
                    Prepared::Write(Writing::of(vec![projection::token_created_draft(&row, SYSTEM)]), Bootstrap::Token)
                }
                false => Prepared::Nothing(Bootstrap::NotFirst),
            };
            return self.append(prepare).await;
        }
        let file = password_file.to_owned();
        let work = move || {
            let password = secret::new_password();
            let hash = secret::hash_password(&password)?;
            files::write_secret(&file, &password)?;
            Ok::<_, Error>(hash)
        };
        let hash = tokio::task::spawn_blocking(work).await.map_err(|source| Error::LedgerTask { source })??;
        let prepare = move |snapshot: &Snapshot, _| {
            if !first(snapshot) {
                return Prepared::Nothing(Bootstrap::NotFirst);
            }
            let row = user_row("admin".into(), Role::Admin, &hash, true);
            let writing = Writing {
                passwords: vec![(row.name.clone(), hash.clone())],
                ..Writing::of(vec![projection::user_draft(true, &row, SYSTEM)])
            };
            Prepared::Write(writing, Bootstrap::Password)
        };
        self.append(prepare).await
    }

    /// Creates an API token and gives it out: this once, since only its hash is kept.
    ///
    /// # Errors
    /// When it would have the name the system acts under, or the database refuses.
    pub async fn create_token(
        &self,
        role: Role,
        name: &Name,
        gateway: Option<&Name>,
        actor: &Name,
    ) -> Result<String, Error> {
        self.create_limited_token(role, name, gateway, None, actor).await
    }

    /// Creates an API token, limited to `sites` if there are any.
    ///
    /// # Errors
    /// As [`Ledger::create_token`], or when one of `sites` is no registered place.
    pub async fn create_limited_token(
        &self,
        role: Role,
        name: &Name,
        gateway: Option<&Name>,
        sites: Option<Sites>,
        actor: &Name,
    ) -> Result<String, Error> {
        if name.as_str() == SYSTEM {
            let what = format!("what the system does stands under the name `{SYSTEM}`: choose another name");
            return Err(Error::AccessRefused { what });
        }
        let token = secret::new_token();
        let hash = secret::token_hash(&token);
        let row = TokenRow { sites, ..token_row(name.to_string(), role, gateway.map(ToString::to_string), hash) };
        let actor = actor.to_string();
        let prepare = move |snapshot: &Snapshot, _| match registered(snapshot, row.sites.as_ref()) {
            Ok(()) => Prepared::Write(Writing::of(vec![projection::token_created_draft(&row, &actor)]), Ok(())),
            Err(refused) => Prepared::Nothing(Err(refused)),
        };
        self.append(prepare).await??;
        Ok(token)
    }

    /// Revokes the token `id`; whoever shows it is a stranger from then on.
    ///
    /// # Errors
    /// When there is no such token, it is revoked already, or the database refuses.
    pub async fn revoke_token(&self, id: &str, actor: &Name, reason: Option<&str>) -> Result<(), Error> {
        let (id, actor, reason) = (id.to_owned(), actor.to_string(), reason.map(str::to_owned));
        let prepare = move |snapshot: &Snapshot, _| {
            let valid = |token: &TokenInfo| token.id == id && token.revoked_at.is_none();
            if !snapshot.access.tokens.values().any(valid) {
                let what = format!("there is no valid token with the id `{id}`: list the tokens to see theirs");
                return Prepared::Nothing(Err(Error::AccessRefused { what }));
            }
            let draft = projection::token_revoked_draft(&id, &actor, reason.as_deref());
            Prepared::Write(Writing::of(vec![draft]), Ok(()))
        };
        self.append(prepare).await?
    }

    /// All tokens ever created, by creation.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn tokens(&self) -> Result<Vec<TokenInfo>, Error> {
        let mut uses: HashMap<String, i64> = self.0.backend.token_uses().await?.into_iter().collect();
        uses.extend(self.0.uses.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let told = |row: TokenRow| {
            let last_used_at = uses.get(&row.id).copied().map(RecordedAt::from_millis);
            Ok(TokenInfo { last_used_at, ..token_info(row)? })
        };
        self.0.backend.tokens().await?.into_iter().map(told).collect()
    }

    /// Whom `token` is for, as far as is known here; `None` when it is none of ours, or revoked. It does not count as a
    /// use of it.
    #[must_use]
    pub fn whose_token(&self, token: &str) -> Option<Principal> {
        let access = self.people().0;
        access.tokens.get(&secret::token_hash(token)).filter(|info| info.revoked_at.is_none()).map(principal)
    }

    /// Accounts and tokens as they are now.
    #[must_use]
    pub fn people(&self) -> People {
        People(Arc::clone(&self.0.current.borrow().access))
    }

    /// Who shows `token`; `None` when it is none of ours, or revoked. Known tokens are found in memory; for an
    /// unknown one the database is asked whether another process has appended.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn authenticate(&self, token: &str) -> Result<Option<Principal>, Error> {
        let hash = secret::token_hash(token);
        if !self.snapshot().access.tokens.contains_key(&hash) {
            self.catch_up().await?;
        }
        let snapshot = self.snapshot();
        let Some(info) = snapshot.access.tokens.get(&hash).filter(|info| info.revoked_at.is_none()) else {
            return Ok(None);
        };
        let now_ms = (self.0.clock)().millis();
        self.0.uses.lock().unwrap_or_else(PoisonError::into_inner).insert(info.id.clone(), now_ms);
        Ok(Some(principal(info)))
    }
}

fn principal(token: &TokenInfo) -> Principal {
    let TokenInfo { name, role, gateway, sites, .. } = token.clone();
    Principal { name, role, gateway, sites }
}

/// A token's row; the event's time is filled in when the event is.
fn token_row(name: String, role: Role, gateway: Option<String>, hash: String) -> TokenRow {
    let id = uuid::Uuid::new_v4().to_string();
    TokenRow { id, name, role: role.to_string(), hash, gateway, sites: None, created_at_ms: 0, revoked_at_ms: None }
}
