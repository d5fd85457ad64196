//! The tables of tokens and accounts.

use model::registry::to_canonical;
use model::sight::Sites;
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Row, Sqlite, Transaction};

use super::{WITH_SESSIONS, WITH_SITES};
use crate::ledger::projection::{StateChange, TokenRow, UserRow};

/// All tokens, by creation. Before format 5 none was limited.
pub(super) async fn tokens(pool: &SqlitePool, format: i64) -> Result<Vec<TokenRow>, sqlx::Error> {
    let query = if format < WITH_SITES {
        "SELECT id, name, role, hash, gateway, created_at, revoked_at, NULL FROM tokens ORDER BY created_at, id"
    } else {
        "SELECT id, name, role, hash, gateway, created_at, revoked_at, sites FROM tokens ORDER BY created_at, id"
    };
    let rows = sqlx::query(query).fetch_all(pool).await?;
    let row = |row: &SqliteRow| {
        Ok(TokenRow {
            id: row.try_get(0)?,
            name: row.try_get(1)?,
            role: row.try_get(2)?,
            hash: row.try_get(3)?,
            gateway: row.try_get(4)?,
            created_at_ms: row.try_get(5)?,
            revoked_at_ms: row.try_get(6)?,
            sites: sites(row, 7)?,
        })
    };
    rows.iter().map(row).collect()
}

/// The limit in a column. What is none is damage: nobody must be without a limit because of it.
fn sites(row: &SqliteRow, column: usize) -> Result<Option<Sites>, sqlx::Error> {
    let Some(text) = row.try_get::<Option<String>, _>(column)? else { return Ok(None) };
    let read = serde_json::from_str(&text).ok().and_then(|value| Sites::read(&value));
    read.map(Some).ok_or_else(|| sqlx::Error::Decode(format!("`{text}` in the column `sites` are no places").into()))
}

/// A limit as a column has it.
fn column(sites: Option<&Sites>) -> Option<String> {
    sites.map(|sites| to_canonical(&sites.to_json()))
}

/// All accounts with their password hashes, by name. Before format 3 none was disabled or somebody else's, before
/// format 5 none limited.
pub(super) async fn users(pool: &SqlitePool, format: i64) -> Result<Vec<(UserRow, String)>, sqlx::Error> {
    let query = if format < WITH_SESSIONS {
        "SELECT name, role, password_digest, one_time, created_at, password_hash, 0, NULL, NULL FROM users \
         ORDER BY name"
    } else if format < WITH_SITES {
        "SELECT name, role, password_digest, one_time, created_at, password_hash, disabled, external, NULL FROM users \
         ORDER BY name"
    } else {
        "SELECT name, role, password_digest, one_time, created_at, password_hash, disabled, external, sites FROM users \
         ORDER BY name"
    };
    let rows = sqlx::query(query).fetch_all(pool).await?;
    let row = |row: &SqliteRow| {
        let user = UserRow {
            name: row.try_get(0)?,
            role: row.try_get(1)?,
            password_digest: row.try_get(2)?,
            one_time: row.try_get::<i64, _>(3)? == 1,
            created_at_ms: row.try_get(4)?,
            disabled: row.try_get::<i64, _>(6)? == 1,
            external: row.try_get(7)?,
            sites: sites(row, 8)?,
        };
        Ok((user, row.try_get(5)?))
    };
    rows.iter().map(row).collect()
}

/// When tokens were last used.
pub(super) async fn token_uses(pool: &SqlitePool) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let rows = sqlx::query("SELECT id, last_used_at FROM token_uses").fetch_all(pool).await?;
    rows.iter().map(|row: &SqliteRow| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Notes when tokens were last used.
pub(super) async fn save_uses(
    transaction: &mut Transaction<'_, Sqlite>,
    uses: &[(String, i64)],
) -> Result<(), sqlx::Error> {
    for (id, last_used_at_ms) in uses {
        sqlx::query(
            "INSERT INTO token_uses (id, last_used_at) VALUES (?, ?) \
             ON CONFLICT (id) DO UPDATE SET last_used_at = excluded.last_used_at",
        )
        .bind(id)
        .bind(last_used_at_ms)
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}

/// Makes what an event changes. `passwords` are the Argon2id strings of the accounts it is about.
pub(super) async fn change(
    transaction: &mut Transaction<'_, Sqlite>,
    change: &StateChange,
    passwords: &[(String, String)],
) -> Result<(), sqlx::Error> {
    let password = |name: &str| passwords.iter().find(|(of, _)| of == name).map_or("", |(_, hash)| hash.as_str());
    match change {
        StateChange::Nothing | StateChange::RegistryPut(_) | StateChange::Held { .. } => return Ok(()),
        StateChange::TokenCreated(row) => sqlx::query(
            "INSERT INTO tokens (id, name, role, hash, gateway, sites, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&row.id)
        .bind(&row.name)
        .bind(&row.role)
        .bind(&row.hash)
        .bind(&row.gateway)
        .bind(column(row.sites.as_ref()))
        .bind(row.created_at_ms),
        StateChange::TokenRevoked { id, at_ms } => {
            sqlx::query("UPDATE tokens SET revoked_at = ? WHERE id = ?").bind(at_ms).bind(id)
        }
        StateChange::UserCreated(row) => sqlx::query(
            "INSERT INTO users (name, role, password_digest, one_time, created_at, password_hash, external, sites) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&row.name)
        .bind(&row.role)
        .bind(&row.password_digest)
        .bind(i64::from(row.one_time))
        .bind(row.created_at_ms)
        .bind(password(&row.name))
        .bind(&row.external)
        .bind(column(row.sites.as_ref())),
        StateChange::UserChanged { name, role, disabled, sites } => {
            // what a session is bound to may be so again one day: what ended stays ended
            let ended = sqlx::query("DELETE FROM sessions WHERE account = ?").bind(name);
            ended.execute(&mut **transaction).await?;
            sqlx::query("UPDATE users SET role = ?, disabled = ?, sites = ? WHERE name = ?")
                .bind(role)
                .bind(i64::from(*disabled))
                .bind(column(sites.as_ref()))
                .bind(name)
        }
        StateChange::UserLocked { name, until_ms } => sqlx::query(
            "INSERT INTO user_locks (name, locked_until) VALUES (?, ?) \
             ON CONFLICT (name) DO UPDATE SET locked_until = excluded.locked_until",
        )
        .bind(name)
        .bind(until_ms),
        StateChange::UserPassword { name, password_digest, one_time } => {
            let unlock = sqlx::query("DELETE FROM user_locks WHERE name = ?").bind(name);
            unlock.execute(&mut **transaction).await?;
            sqlx::query("UPDATE users SET password_digest = ?, one_time = ?, password_hash = ? WHERE name = ?")
                .bind(password_digest)
                .bind(i64::from(*one_time))
                .bind(password(name))
                .bind(name)
        }
    }
    .execute(&mut **transaction)
    .await
    .map(|_| ())
}
