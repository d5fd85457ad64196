//! The table of sessions.

use sqlx::sqlite::SqlitePool;
use sqlx::{Row, Sqlite, Transaction};

use crate::ledger::sessions::{Gone, SessionRow};

/// The session whose id has the SHA-256 `hash`.
pub(super) async fn find(pool: &SqlitePool, hash: &str) -> Result<Option<SessionRow>, sqlx::Error> {
    let found = sqlx::query("SELECT hash, account, csrf, bound, created_at, last_seen_at FROM sessions WHERE hash = ?")
        .bind(hash)
        .fetch_optional(pool)
        .await?;
    let Some(row) = found else { return Ok(None) };
    Ok(Some(SessionRow {
        hash: row.try_get(0)?,
        account: row.try_get(1)?,
        csrf: row.try_get(2)?,
        bound: row.try_get(3)?,
        created_at_ms: row.try_get(4)?,
        last_seen_at_ms: row.try_get(5)?,
    }))
}

/// Keeps a new session and takes away what is over, and of its account the oldest above the limit.
pub(super) async fn put(
    transaction: &mut Transaction<'_, Sqlite>,
    row: &SessionRow,
    gone: &Gone,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM sessions WHERE created_at <= ? OR last_seen_at <= ?")
        .bind(gone.created_ms)
        .bind(gone.seen_ms)
        .execute(&mut **transaction)
        .await?;
    sqlx::query(
        "DELETE FROM sessions WHERE account = ?1 AND hash NOT IN \
         (SELECT hash FROM sessions WHERE account = ?1 ORDER BY created_at DESC, hash LIMIT ?2)",
    )
    .bind(&row.account)
    .bind(gone.others_kept)
    .execute(&mut **transaction)
    .await?;
    sqlx::query("INSERT INTO sessions (hash, account, csrf, bound, created_at, last_seen_at) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(&row.hash)
        .bind(&row.account)
        .bind(&row.csrf)
        .bind(&row.bound)
        .bind(row.created_at_ms)
        .bind(row.last_seen_at_ms)
        .execute(&mut **transaction)
        .await
        .map(|_| ())
}

/// Takes a session away; whether it was there.
pub(super) async fn end(pool: &SqlitePool, hash: &str) -> Result<bool, sqlx::Error> {
    let done = sqlx::query("DELETE FROM sessions WHERE hash = ?").bind(hash).execute(pool).await?;
    Ok(done.rows_affected() == 1)
}

/// Notes when sessions were last used.
pub(super) async fn save_uses(
    transaction: &mut Transaction<'_, Sqlite>,
    uses: &[(String, i64)],
) -> Result<(), sqlx::Error> {
    for (hash, last_seen_at_ms) in uses {
        sqlx::query("UPDATE sessions SET last_seen_at = max(last_seen_at, ?) WHERE hash = ?")
            .bind(last_seen_at_ms)
            .bind(hash)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}
