//! Ways to find events.

use sqlx::sqlite::SqlitePool;
use sqlx::{QueryBuilder, Row, Sqlite};

use super::read_event;
use crate::ledger::audit::{Order, Where};
use crate::ledger::backend::{HoldHistory, Unreadable};
use crate::ledger::event::{Event, Sequence};
use crate::ledger::holds::rows::HoldEventRow;

/// Events that are as `wanted`, in an order, behind the one named with it, at most `limit`.
pub(super) async fn find(
    pool: &SqlitePool,
    wanted: &Where,
    (order, behind): (Order, Sequence),
    limit: u32,
) -> Result<Vec<Result<Event, Unreadable>>, sqlx::Error> {
    let mut query: QueryBuilder<Sqlite> =
        QueryBuilder::new("SELECT seq, recorded_at, actor, kind, body, previous_hash, hash FROM events WHERE seq ");
    let (sign, direction) = match order {
        Order::OldestFirst => ("> ", ""),
        Order::NewestFirst => ("< ", " DESC"),
    };
    query.push(sign).push_bind(behind.to_sql());
    if let Some(actor) = &wanted.actor {
        query.push(" AND actor = ").push_bind(actor);
    }
    if let Some(kind) = &wanted.kind {
        // a kind, or the family of kinds that begin with it
        query.push(" AND (kind = ").push_bind(kind).push(" OR substr(kind, 1, length(").push_bind(kind);
        query.push(") + 1) = ").push_bind(format!("{kind}.")).push(")");
    }
    if let Some(from) = wanted.from {
        query.push(" AND recorded_at >= ").push_bind(from.millis());
    }
    if let Some(to) = wanted.to {
        query.push(" AND recorded_at < ").push_bind(to.millis());
    }
    query.push(" ORDER BY seq").push(direction).push(" LIMIT ").push_bind(i64::from(limit));
    let rows = query.build().fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            let seq = Sequence::from_sql(row.try_get(0)?);
            Ok(read_event(row, seq).map_err(|what| Unreadable { seq, what }))
        })
        .collect()
}

/// What the tables and the chain have of one hold: of one that was placed together with others the event that lists
/// them, what was done to all while it was one of them, and what was done to it.
pub(super) async fn of_hold(pool: &SqlitePool, hold: i64, member: i64) -> Result<HoldHistory, sqlx::Error> {
    // one look at both: what is added in between must not pass for something that was changed
    let mut look = pool.begin().await?;
    let record = match member {
        0 => sqlx::query("SELECT body FROM holds WHERE id = ?").bind(hold),
        _ => sqlx::query("SELECT body FROM joint_members WHERE id = ? AND member = ?").bind(hold).bind(member),
    };
    let record = record.fetch_optional(&mut *look).await?.map(|row| row.try_get(0)).transpose()?;
    let rows = sqlx::query(
        "SELECT seq, recorded_at, actor, kind, body, previous_hash, hash, \
         coalesce((SELECT next.previous_hash FROM events AS next WHERE next.seq = events.seq + 1), \
                  (SELECT hash FROM ledger_head)) \
         FROM events WHERE seq IN ( \
             SELECT seq FROM hold_events WHERE hold = ?1 AND ?2 = 0 \
             UNION SELECT listed_in FROM joint_holds WHERE id = ?1 AND ?2 > 0 \
             UNION SELECT seq FROM joint_member_events WHERE hold = ?1 AND member = ?2 \
             UNION SELECT seq FROM hold_events WHERE hold = ?1 AND ?2 > 0 AND seq < \
                 (SELECT min(seq) FROM joint_member_events WHERE hold = ?1 AND member = ?2)) \
         ORDER BY seq",
    )
    .bind(hold)
    .bind(member)
    .fetch_all(&mut *look)
    .await?;
    let event = |row: &sqlx::sqlite::SqliteRow| {
        let seq = Sequence::from_sql(row.try_get(0)?);
        let event = read_event(row, seq).map_err(|what| Unreadable { seq, what });
        Ok((event, row.try_get(7)?))
    };
    Ok(HoldHistory { record, events: rows.iter().map(event).collect::<Result<_, sqlx::Error>>()? })
}

/// Which events made which hold what it is; `with_joint`: those that stand apart too.
pub(super) async fn of_holds(pool: &SqlitePool, with_joint: bool) -> Result<Vec<HoldEventRow>, sqlx::Error> {
    let rows = sqlx::query("SELECT hold, 0, seq FROM hold_events").fetch_all(pool).await?;
    let row = |row: &sqlx::sqlite::SqliteRow| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
    let mut found: Vec<HoldEventRow> = rows.iter().map(row).collect::<Result<_, sqlx::Error>>()?;
    if with_joint {
        let rows = sqlx::query("SELECT hold, member, seq FROM joint_member_events").fetch_all(pool).await?;
        found.extend(rows.iter().map(row).collect::<Result<Vec<_>, sqlx::Error>>()?);
    }
    Ok(found)
}

/// One version of one record of the registry: canonical JSON.
pub(super) async fn record(
    pool: &SqlitePool,
    (kind, key, version): (&str, &str, i64),
) -> Result<Option<String>, sqlx::Error> {
    let row = sqlx::query("SELECT body FROM registry WHERE kind = ? AND key = ? AND version = ?")
        .bind(kind)
        .bind(key)
        .bind(version)
        .fetch_optional(pool)
        .await?;
    row.map(|row| row.try_get(0)).transpose()
}
