//! What an event does to the tables of state. The same function writes them and, in `verify`, rebuilds them.

use std::collections::BTreeMap;

use model::hold::Holds;
use model::instant::{RecordedAt, parse_millis};
use model::registry::{Change, from_canonical, to_canonical};
use model::sight::Sites;
use serde_json::{Value, json};

use super::SYSTEM;
use super::event::{Draft, Event, Sequence};
use super::holds::event::HoldEvent;
use super::holds::rows::{AcceptanceRow, AlarmRow, HoldEventRow, HoldRow, HoldRows, JointRow};
use super::people::Rights;

/// Kinds of events.
pub(crate) mod kind {
    /// A record of the registry got a version.
    pub(crate) const REGISTRY: &str = "registry";
    /// An API token was created.
    pub(crate) const TOKEN_CREATED: &str = "token.created";
    /// An API token was revoked.
    pub(crate) const TOKEN_REVOKED: &str = "token.revoked";
    /// A person got an account.
    pub(crate) const USER_CREATED: &str = "user.created";
    /// A person got another password.
    pub(crate) const USER_PASSWORD: &str = "user.password";
    /// A person's account got another role, was disabled, or let in again.
    pub(crate) const USER_CHANGED: &str = "user.changed";
    /// An account was locked.
    pub(crate) const USER_LOCKED: &str = "user.locked";
    /// Somebody gave a wrong password for an account; no state of the chain changes.
    pub(crate) const SIGN_IN_FAILED: &str = "sign_in.failed";
    /// Somebody signed in; no state of the chain changes.
    pub(crate) const SESSION_BEGAN: &str = "session.began";
    /// Somebody signed out; no state of the chain changes.
    pub(crate) const SESSION_ENDED: &str = "session.ended";
    /// The system noted something about itself; no state changes.
    pub(crate) const SYSTEM: &str = "system";
}

/// A row of the table `registry`: one version of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RegistryRow {
    /// The kind of record.
    pub(crate) kind: String,
    /// Its key as text.
    pub(crate) key: String,
    /// The version, from 1.
    pub(crate) version: i64,
    /// The record: canonical JSON.
    pub(crate) body: String,
    /// The event that wrote it.
    pub(crate) seq: i64,
    /// When that was, milliseconds since the epoch.
    pub(crate) recorded_at_ms: i64,
    /// Whether it is the newest version.
    pub(crate) current: bool,
}

/// A row of the table `tokens`. The token itself is kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenRow {
    /// Its id.
    pub(crate) id: String,
    /// What it was named.
    pub(crate) name: String,
    /// Its role's word.
    pub(crate) role: String,
    /// The SHA-256 of the token, in hexadecimal.
    pub(crate) hash: String,
    /// The only gateway it may publish as, if it is bound to one.
    pub(crate) gateway: Option<String>,
    /// The sites it is limited to, if it is.
    pub(crate) sites: Option<Sites>,
    /// When it was created, milliseconds since the epoch.
    pub(crate) created_at_ms: i64,
    /// When it was revoked, milliseconds since the epoch.
    pub(crate) revoked_at_ms: Option<i64>,
}

/// A row of the table `users`. The password's hash is in the table only: an event, which many may read, holds no
/// more than that hash's own SHA-256, so that a hash put there by somebody else is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserRow {
    /// The account's name.
    pub(crate) name: String,
    /// Its role's word.
    pub(crate) role: String,
    /// The SHA-256 of the password's Argon2id string, in hexadecimal.
    pub(crate) password_digest: String,
    /// Whether the password is to be replaced at the first sign-in.
    pub(crate) one_time: bool,
    /// When the account was created, milliseconds since the epoch.
    pub(crate) created_at_ms: i64,
    /// Whether nobody comes in with it.
    pub(crate) disabled: bool,
    /// The identity provider's word for the person: issuer, a space, subject.
    pub(crate) external: Option<String>,
    /// The sites the person is limited to, if they are.
    pub(crate) sites: Option<Sites>,
}

/// How somebody showed who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By name and password.
    Password,
    /// An identity provider said so (OpenID Connect).
    Oidc,
}

impl Way {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Oidc => "oidc",
        }
    }
}

/// What one event changes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StateChange {
    RegistryPut(RegistryRow),
    TokenCreated(TokenRow),
    TokenRevoked { id: String, at_ms: i64 },
    UserCreated(UserRow),
    UserPassword { name: String, password_digest: String, one_time: bool },
    UserChanged { name: String, role: String, disabled: bool, sites: Option<Sites> },
    UserLocked { name: String, until_ms: i64 },
    Held { event: HoldEvent, seq: i64, at: RecordedAt },
    Nothing,
}

/// The event that gives a record its next version. `call` is the first event of the same call.
pub(crate) fn registry_draft(change: Change, actor: &str, reason: Option<&str>, call: Sequence) -> Draft {
    // The record is canonical already: it is set into the body as it is, the fields around it in their order.
    let text = |text: &str| to_canonical(&Value::from(text));
    let before = change.before.map_or_else(|| "null".to_owned(), |version| version.to_string());
    let body = format!(
        r#"{{"after":{},"before":{before},"call":{call},"key":{},"kind":{},"reason":{},"version":{}}}"#,
        change.after,
        text(&change.key),
        text(change.kind.as_str()),
        reason.map_or_else(|| "null".to_owned(), text),
        change.version,
    );
    Draft { actor: actor.to_owned(), kind: kind::REGISTRY, body }
}

/// Says the limit where there is one; where there is none, nothing is said of it.
fn limit(body: &mut Value, sites: Option<&Sites>) {
    if let Some(sites) = sites {
        body["sites"] = sites.to_json();
    }
}

/// The limit that `body` says, if it says one.
fn limited(body: &Value) -> Result<Option<Sites>, String> {
    let read = |sites| Sites::read(sites).ok_or_else(|| "its `sites` are no places".to_owned());
    body.get("sites").map(read).transpose()
}

pub(crate) fn token_created_draft(token: &TokenRow, actor: &str) -> Draft {
    let mut body = json!({
        "id": token.id, "name": token.name, "role": token.role, "hash": token.hash, "gateway": token.gateway,
    });
    limit(&mut body, token.sites.as_ref());
    Draft { actor: actor.to_owned(), kind: kind::TOKEN_CREATED, body: to_canonical(&body) }
}

pub(crate) fn token_revoked_draft(id: &str, actor: &str, reason: Option<&str>) -> Draft {
    let body = json!({ "id": id, "reason": reason });
    Draft { actor: actor.to_owned(), kind: kind::TOKEN_REVOKED, body: to_canonical(&body) }
}

pub(crate) fn user_draft(created: bool, user: &UserRow, actor: &str) -> Draft {
    let mut body = json!({ "name": user.name, "one_time": user.one_time, "password_digest": user.password_digest });
    if created {
        body["role"] = json!(user.role);
        if let Some(external) = &user.external {
            body["external"] = json!(external);
        }
        limit(&mut body, user.sites.as_ref());
    }
    let kind = if created { kind::USER_CREATED } else { kind::USER_PASSWORD };
    Draft { actor: actor.to_owned(), kind, body: to_canonical(&body) }
}

pub(crate) fn user_changed_draft(
    name: &str,
    before: &Rights,
    after: &Rights,
    reason: Option<&str>,
    actor: &str,
) -> Draft {
    let told = |rights: &Rights| {
        let mut told = json!({ "role": rights.role.as_str(), "disabled": rights.disabled });
        limit(&mut told, rights.sites.as_ref());
        told
    };
    let body = json!({ "name": name, "before": told(before), "after": told(after), "reason": reason });
    Draft { actor: actor.to_owned(), kind: kind::USER_CHANGED, body: to_canonical(&body) }
}

/// Somebody gave a wrong password for `account`, so many in a row.
pub(crate) fn sign_in_failed_draft(account: &str, in_a_row: u32) -> Draft {
    let body = json!({ "account": account, "in_a_row": in_a_row });
    Draft { actor: SYSTEM.to_owned(), kind: kind::SIGN_IN_FAILED, body: to_canonical(&body) }
}

/// Somebody signed in. `session` tells it from others of theirs.
pub(crate) fn session_began_draft(account: &str, session: &str, way: Way) -> Draft {
    let body = json!({ "account": account, "session": session, "way": way.as_str() });
    Draft { actor: account.to_owned(), kind: kind::SESSION_BEGAN, body: to_canonical(&body) }
}

/// Somebody signed out.
pub(crate) fn session_ended_draft(account: &str, session: &str) -> Draft {
    let body = json!({ "account": account, "session": session });
    Draft { actor: account.to_owned(), kind: kind::SESSION_ENDED, body: to_canonical(&body) }
}

pub(crate) fn user_locked_draft(name: &str, until: RecordedAt) -> Draft {
    let body = json!({ "name": name, "until": until.to_string() });
    Draft { actor: SYSTEM.to_owned(), kind: kind::USER_LOCKED, body: to_canonical(&body) }
}

pub(crate) fn system_draft(what: &str, detail: &Value, actor: &str) -> Draft {
    let body = to_canonical(&json!({ "what": what, "detail": detail }));
    Draft { actor: actor.to_owned(), kind: kind::SYSTEM, body }
}

/// What `event` changes, or what about its body cannot be.
pub(crate) fn project(event: &Event) -> Result<StateChange, String> {
    let body = from_canonical(&event.body).map_err(|cause| format!("its body is not JSON: {cause}"))?;
    if let Some(held) = HoldEvent::read(event, &body)? {
        return Ok(StateChange::Held { event: held, seq: event.seq.to_sql(), at: event.recorded_at });
    }
    let text = |field: &str| {
        let value = body.get(field).and_then(Value::as_str).map(str::to_owned);
        value.ok_or_else(|| format!("its body has no text `{field}`"))
    };
    let flag = |field: &str| body.get(field).and_then(Value::as_bool).ok_or(format!("its body has no flag `{field}`"));
    let at_ms = event.recorded_at.millis();
    Ok(match event.kind.as_str() {
        kind::REGISTRY => StateChange::RegistryPut(RegistryRow {
            kind: text("kind")?,
            key: text("key")?,
            version: body.get("version").and_then(Value::as_i64).ok_or("its body has no number `version`")?,
            body: to_canonical(body.get("after").ok_or("its body has no `after`")?),
            seq: event.seq.to_sql(),
            recorded_at_ms: at_ms,
            current: true,
        }),
        kind::TOKEN_CREATED => StateChange::TokenCreated(TokenRow {
            id: text("id")?,
            name: text("name")?,
            role: text("role")?,
            hash: text("hash")?,
            gateway: text("gateway").ok(),
            sites: limited(&body)?,
            created_at_ms: at_ms,
            revoked_at_ms: None,
        }),
        kind::TOKEN_REVOKED => StateChange::TokenRevoked { id: text("id")?, at_ms },
        kind::USER_CREATED => StateChange::UserCreated(UserRow {
            name: text("name")?,
            role: text("role")?,
            password_digest: text("password_digest")?,
            one_time: flag("one_time")?,
            created_at_ms: at_ms,
            disabled: false,
            external: text("external").ok(),
            sites: limited(&body)?,
        }),
        kind::USER_PASSWORD => StateChange::UserPassword {
            name: text("name")?,
            password_digest: text("password_digest")?,
            one_time: flag("one_time")?,
        },
        kind::USER_CHANGED => {
            let after = body.get("after").ok_or("its body has no `after`")?;
            StateChange::UserChanged {
                name: text("name")?,
                role: after.get("role").and_then(Value::as_str).ok_or("its body has no `role` after")?.to_owned(),
                disabled: after.get("disabled").and_then(Value::as_bool).ok_or("its body has no `disabled` after")?,
                sites: limited(after)?,
            }
        }
        kind::USER_LOCKED => StateChange::UserLocked {
            name: text("name")?,
            until_ms: parse_millis(&text("until")?).ok_or("its body has no instant `until`")?,
        },
        kind::SYSTEM | kind::SIGN_IN_FAILED | kind::SESSION_BEGAN | kind::SESSION_ENDED => StateChange::Nothing,
        other => return Err(format!("its kind `{other}` is not known to this program")),
    })
}

/// The tables of state, in memory, for comparing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tables {
    pub(crate) registry: BTreeMap<(String, String, i64), RegistryRow>,
    pub(crate) tokens: BTreeMap<String, TokenRow>,
    pub(crate) users: BTreeMap<String, UserRow>,
    pub(crate) locks: BTreeMap<String, i64>,
    pub(crate) held: BTreeMap<(i64, i64), HoldRow>,
    pub(crate) joint_holds: BTreeMap<i64, JointRow>,
    pub(crate) hold_events: BTreeMap<HoldEventRow, ()>,
    pub(crate) acceptances: BTreeMap<String, AcceptanceRow>,
    pub(crate) alarms: BTreeMap<(i64, i64), AlarmRow>,
    pub(crate) joint_alarms: BTreeMap<i64, JointRow>,
    /// What the rows about holds say together.
    holds: Holds,
}

impl Tables {
    /// Makes `change`, or says why it cannot follow what came before.
    pub(crate) fn apply(&mut self, change: StateChange) -> Result<(), String> {
        match change {
            StateChange::RegistryPut(row) => {
                let before = (row.kind.clone(), row.key.clone(), row.version - 1);
                match self.registry.get_mut(&before) {
                    Some(before) => before.current = false,
                    None if row.version == 1 => {}
                    None => return Err(format!("{} `{}` has no version {}", row.kind, row.key, row.version - 1)),
                }
                let key = (row.kind.clone(), row.key.clone(), row.version);
                if self.registry.insert(key, row).is_some() {
                    return Err("the version it writes was there already".into());
                }
            }
            StateChange::TokenCreated(row) => {
                if self.tokens.insert(row.id.clone(), row).is_some() {
                    return Err("the token it creates was there already".into());
                }
            }
            StateChange::TokenRevoked { id, at_ms } => {
                let token = self.tokens.get_mut(&id).ok_or("it revokes a token that never was")?;
                token.revoked_at_ms = Some(at_ms);
            }
            StateChange::UserCreated(row) => {
                if self.users.insert(row.name.clone(), row).is_some() {
                    return Err("the account it creates was there already".into());
                }
            }
            StateChange::UserPassword { name, password_digest, one_time } => {
                let user = self.users.get_mut(&name).ok_or("it changes an account that never was")?;
                user.password_digest = password_digest;
                user.one_time = one_time;
                self.locks.remove(&name);
            }
            StateChange::UserChanged { name, role, disabled, sites } => {
                let user = self.users.get_mut(&name).ok_or("it changes an account that never was")?;
                (user.role, user.disabled, user.sites) = (role, disabled, sites);
            }
            StateChange::UserLocked { name, until_ms } => {
                if !self.users.contains_key(&name) {
                    return Err("it locks an account that never was".into());
                }
                self.locks.insert(name, until_ms);
            }
            StateChange::Held { event, seq, at } => {
                let mut rows = HoldRows::default();
                for touched in event.apply(&mut self.holds, at)? {
                    rows.add(&touched, &self.holds, seq);
                }
                self.hold_events.extend(rows.events.into_iter().map(|row| (row, ())));
                self.held.extend(rows.holds.into_iter().map(|row| ((row.id, row.member), row)));
                self.joint_holds.extend(rows.joint_holds.into_iter().map(|row| (row.id, row)));
                self.joint_alarms.extend(rows.joint_alarms.into_iter().map(|row| (row.id, row)));
                self.acceptances.extend(rows.acceptances.into_iter().map(|row| (row.unit.clone(), row)));
                self.alarms.extend(rows.alarms.into_iter().map(|row| ((row.id, row.member), row)));
            }
            StateChange::Nothing => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use model::registry::Kind;

    use super::*;

    #[test]
    fn the_body_of_a_registry_event_is_canonical() {
        let change = Change {
            kind: Kind::Lot,
            key: "09506000134352/A\"B".into(),
            version: 2,
            before: Some(1),
            after: r#"{"expires_on":"2028-04-30"}"#.into(),
        };
        let draft = registry_draft(change, "m.lin", Some("corrected"), Sequence::new(7));
        let value: Value = serde_json::from_str(&draft.body).unwrap();
        assert_eq!(to_canonical(&value), draft.body);
        assert_eq!(value["key"], "09506000134352/A\"B");
        assert_eq!(value["call"], 7);
    }
}
