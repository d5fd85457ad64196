//! The tables about holds, and what goes with them.

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{QueryBuilder, Row, Sqlite, Transaction};

use super::joint;
use crate::journal::Position;
use crate::ledger::event::Sequence;
use crate::ledger::holds::rows::{AcceptanceRow, AlarmRow, HoldRow, HoldRows};

/// How many rows go into one statement: eleven values a row stay far below SQLite's limit of 32,766.
pub(super) const ROWS_PER_STATEMENT: usize = 500;

/// Writes `rows`, a later one over an earlier.
pub(super) async fn write(transaction: &mut Transaction<'_, Sqlite>, rows: &HoldRows) -> Result<(), sqlx::Error> {
    let (members, alone): (Vec<_>, Vec<_>) = rows.holds.iter().partition(|row| row.member > 0);
    for part in alone.chunks(ROWS_PER_STATEMENT) {
        let mut insert = QueryBuilder::new(
            "INSERT INTO holds (id, unit, gtin, lot, place, code, rule, state, incident, body, seq) ",
        );
        insert.push_values(part, |mut values, row| {
            values
                .push_bind(row.id)
                .push_bind(&row.unit)
                .push_bind(&row.gtin)
                .push_bind(&row.lot)
                .push_bind(&row.place)
                .push_bind(&row.code)
                .push_bind(&row.rule)
                .push_bind(&row.state)
                .push_bind(&row.incident)
                .push_bind(&row.body)
                .push_bind(row.seq);
        });
        insert.push(" ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body, seq = excluded.seq");
        insert.build().execute(&mut **transaction).await?;
    }
    joint::write(transaction, rows).await?;
    joint::write_members(transaction, &members).await?;
    let (of_members, of_all): (Vec<_>, Vec<_>) = rows.events.iter().partition(|(_, member, _)| *member > 0);
    joint::write_member_events(transaction, &of_members).await?;
    for part in of_all.chunks(ROWS_PER_STATEMENT) {
        let mut insert = QueryBuilder::new("INSERT INTO hold_events (hold, seq) ");
        insert.push_values(part, |mut values, (hold, _, seq)| {
            values.push_bind(hold).push_bind(seq);
        });
        insert.build().execute(&mut **transaction).await?;
    }
    for row in &rows.acceptances {
        sqlx::query(
            "INSERT INTO review_acceptances (unit, body, seq) VALUES (?, ?, ?) \
             ON CONFLICT (unit) DO UPDATE SET body = excluded.body, seq = excluded.seq",
        )
        .bind(&row.unit)
        .bind(&row.body)
        .bind(row.seq)
        .execute(&mut **transaction)
        .await?;
    }
    let (members, alone): (Vec<_>, Vec<_>) = rows.alarms.iter().partition(|row| row.member > 0);
    joint::write_alarm_members(transaction, &members).await?;
    for part in alone.chunks(ROWS_PER_STATEMENT) {
        let mut insert = QueryBuilder::new("INSERT INTO alarms (id, code, open, body, seq) ");
        insert.push_values(part, |mut values, row| {
            values
                .push_bind(row.id)
                .push_bind(&row.code)
                .push_bind(i64::from(row.open))
                .push_bind(&row.body)
                .push_bind(row.seq);
        });
        insert.push(" ON CONFLICT (id) DO UPDATE SET open = excluded.open, body = excluded.body, seq = excluded.seq");
        insert.build().execute(&mut **transaction).await?;
    }
    Ok(())
}

/// The rows that events after `after` wrote; `with_joint`: those about what was done together too.
pub(super) async fn read(pool: &SqlitePool, after: Sequence, with_joint: bool) -> Result<HoldRows, sqlx::Error> {
    let after = if after == Sequence::ZERO { i64::MIN } else { after.to_sql() };
    let holds = sqlx::query(
        "SELECT id, unit, gtin, lot, place, code, rule, state, incident, body, seq FROM holds WHERE seq > ? ORDER BY seq, id",
    );
    let hold = |row: &SqliteRow| {
        Ok(HoldRow {
            id: row.try_get(0)?,
            member: 0,
            unit: row.try_get(1)?,
            gtin: row.try_get(2)?,
            lot: row.try_get(3)?,
            place: row.try_get(4)?,
            code: row.try_get(5)?,
            rule: row.try_get(6)?,
            state: row.try_get(7)?,
            incident: row.try_get(8)?,
            body: row.try_get(9)?,
            seq: row.try_get(10)?,
        })
    };
    let acceptances = sqlx::query("SELECT unit, body, seq FROM review_acceptances WHERE seq > ? ORDER BY seq");
    let acceptance =
        |row: &SqliteRow| Ok(AcceptanceRow { unit: row.try_get(0)?, body: row.try_get(1)?, seq: row.try_get(2)? });
    let alarms = sqlx::query("SELECT id, code, open, body, seq FROM alarms WHERE seq > ? ORDER BY seq, id");
    let alarm = |row: &SqliteRow| {
        Ok(AlarmRow {
            id: row.try_get(0)?,
            member: 0,
            code: row.try_get(1)?,
            open: row.try_get::<i64, _>(2)? == 1,
            body: row.try_get(3)?,
            seq: row.try_get(4)?,
        })
    };
    let mut rows = HoldRows {
        holds: holds.bind(after).fetch_all(pool).await?.iter().map(hold).collect::<Result<_, sqlx::Error>>()?,
        acceptances: acceptances
            .bind(after)
            .fetch_all(pool)
            .await?
            .iter()
            .map(acceptance)
            .collect::<Result<_, sqlx::Error>>()?,
        alarms: alarms.bind(after).fetch_all(pool).await?.iter().map(alarm).collect::<Result<_, sqlx::Error>>()?,
        ..HoldRows::default()
    };
    if with_joint {
        joint::read(pool, after, &mut rows).await?;
    }
    Ok(rows)
}

/// Accounts that were locked, by name.
pub(super) async fn locks(pool: &SqlitePool) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let rows = sqlx::query("SELECT name, locked_until FROM user_locks ORDER BY name").fetch_all(pool).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// How far the evaluator has looked.
pub(super) async fn position(pool: &SqlitePool) -> Result<Position, sqlx::Error> {
    let row = sqlx::query("SELECT position FROM evaluator WHERE one = 1").fetch_optional(pool).await?;
    let number: i64 = row.map_or(Ok(0), |row| row.try_get(0))?;
    Ok(Position::new(u64::try_from(number).unwrap_or(0)))
}

/// Notes how far the evaluator has looked, unless it had looked further.
pub(super) async fn write_position(
    transaction: &mut Transaction<'_, Sqlite>,
    position: Position,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO evaluator (one, position) VALUES (1, ?) \
         ON CONFLICT (one) DO UPDATE SET position = max(position, excluded.position)",
    )
    .bind(i64::try_from(position.get()).unwrap_or(i64::MAX))
    .execute(&mut **transaction)
    .await
    .map(|_| ())
}
