//! The tables about holds placed together and alarms raised together.

use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{QueryBuilder, Row, Sqlite, Transaction};

use super::holds::ROWS_PER_STATEMENT;
use crate::ledger::holds::rows::{AlarmRow, HoldEventRow, HoldRow, HoldRows, JointRow};

/// Writes the joint rows of `rows`, a later one over an earlier.
pub(super) async fn write(transaction: &mut Transaction<'_, Sqlite>, rows: &HoldRows) -> Result<(), sqlx::Error> {
    let holds = ("INSERT INTO joint_holds (id, listed_in, body, seq) ", &rows.joint_holds);
    let alarms = ("INSERT INTO joint_alarms (id, listed_in, body, seq) ", &rows.joint_alarms);
    for (into, joint) in [holds, alarms] {
        for part in joint.chunks(ROWS_PER_STATEMENT) {
            let mut insert = QueryBuilder::new(into);
            insert.push_values(part, |mut values, row| {
                values.push_bind(row.id).push_bind(row.listed_in).push_bind(&row.body).push_bind(row.seq);
            });
            insert.push(" ON CONFLICT (id) DO UPDATE SET body = excluded.body, seq = excluded.seq");
            insert.build().execute(&mut **transaction).await?;
        }
    }
    Ok(())
}

/// Writes holds that stand apart.
pub(super) async fn write_members(
    transaction: &mut Transaction<'_, Sqlite>,
    rows: &[&HoldRow],
) -> Result<(), sqlx::Error> {
    for part in rows.chunks(ROWS_PER_STATEMENT) {
        let mut insert =
            QueryBuilder::new("INSERT INTO joint_members (id, member, unit, code, rule, state, incident, body, seq) ");
        insert.push_values(part, |mut values, row| {
            values
                .push_bind(row.id)
                .push_bind(row.member)
                .push_bind(&row.unit)
                .push_bind(&row.code)
                .push_bind(&row.rule)
                .push_bind(&row.state)
                .push_bind(&row.incident)
                .push_bind(&row.body)
                .push_bind(row.seq);
        });
        insert.push(
            " ON CONFLICT (id, member) DO UPDATE SET state = excluded.state, body = excluded.body, seq = excluded.seq",
        );
        insert.build().execute(&mut **transaction).await?;
    }
    Ok(())
}

/// Writes which events changed holds that stand apart.
pub(super) async fn write_member_events(
    transaction: &mut Transaction<'_, Sqlite>,
    rows: &[&HoldEventRow],
) -> Result<(), sqlx::Error> {
    for part in rows.chunks(ROWS_PER_STATEMENT) {
        let mut insert = QueryBuilder::new("INSERT INTO joint_member_events (hold, member, seq) ");
        insert.push_values(part, |mut values, (hold, member, seq)| {
            values.push_bind(hold).push_bind(member).push_bind(seq);
        });
        insert.build().execute(&mut **transaction).await?;
    }
    Ok(())
}

/// Writes alarms that stand apart.
pub(super) async fn write_alarm_members(
    transaction: &mut Transaction<'_, Sqlite>,
    rows: &[&AlarmRow],
) -> Result<(), sqlx::Error> {
    for part in rows.chunks(ROWS_PER_STATEMENT) {
        let mut insert = QueryBuilder::new("INSERT INTO joint_alarm_members (id, member, code, open, body, seq) ");
        insert.push_values(part, |mut values, row| {
            values
                .push_bind(row.id)
                .push_bind(row.member)
                .push_bind(&row.code)
                .push_bind(i64::from(row.open))
                .push_bind(&row.body)
                .push_bind(row.seq);
        });
        insert.push(
            " ON CONFLICT (id, member) DO UPDATE SET open = excluded.open, body = excluded.body, seq = excluded.seq",
        );
        insert.build().execute(&mut **transaction).await?;
    }
    Ok(())
}

/// Adds to `rows` those that events after `after` wrote.
pub(super) async fn read(pool: &SqlitePool, after: i64, rows: &mut HoldRows) -> Result<(), sqlx::Error> {
    let joint = |row: &SqliteRow| {
        Ok(JointRow { id: row.try_get(0)?, listed_in: row.try_get(1)?, body: row.try_get(2)?, seq: row.try_get(3)? })
    };
    let sql = "SELECT id, listed_in, body, seq FROM joint_holds WHERE seq > ? ORDER BY id";
    let found = sqlx::query(sql).bind(after).fetch_all(pool).await?;
    rows.joint_holds = found.iter().map(joint).collect::<Result<_, sqlx::Error>>()?;
    let sql = "SELECT id, listed_in, body, seq FROM joint_alarms WHERE seq > ? ORDER BY id";
    let found = sqlx::query(sql).bind(after).fetch_all(pool).await?;
    rows.joint_alarms = found.iter().map(joint).collect::<Result<_, sqlx::Error>>()?;
    let sql = "SELECT seq, body FROM events WHERE seq > ? AND seq IN \
               (SELECT listed_in FROM joint_holds UNION SELECT listed_in FROM joint_alarms) ORDER BY seq";
    let found = sqlx::query(sql).bind(after).fetch_all(pool).await?;
    let list = |row: &SqliteRow| Ok((row.try_get(0)?, row.try_get(1)?));
    rows.lists = found.iter().map(list).collect::<Result<_, sqlx::Error>>()?;
    let sql = "SELECT id, member, unit, code, rule, state, incident, body, seq FROM joint_members WHERE seq > ? \
               ORDER BY seq, id, member";
    let member = |row: &SqliteRow| {
        Ok::<_, sqlx::Error>(HoldRow {
            id: row.try_get(0)?,
            member: row.try_get(1)?,
            unit: row.try_get(2)?,
            gtin: None,
            lot: None,
            place: None,
            code: row.try_get(3)?,
            rule: row.try_get(4)?,
            state: row.try_get(5)?,
            incident: row.try_get(6)?,
            body: row.try_get(7)?,
            seq: row.try_get(8)?,
        })
    };
    for row in sqlx::query(sql).bind(after).fetch_all(pool).await? {
        rows.holds.push(member(&row)?);
    }
    let sql =
        "SELECT id, member, code, open, body, seq FROM joint_alarm_members WHERE seq > ? ORDER BY seq, id, member";
    let member = |row: &SqliteRow| {
        Ok::<_, sqlx::Error>(AlarmRow {
            id: row.try_get(0)?,
            member: row.try_get(1)?,
            code: row.try_get(2)?,
            open: row.try_get::<i64, _>(3)? == 1,
            body: row.try_get(4)?,
            seq: row.try_get(5)?,
        })
    };
    for row in sqlx::query(sql).bind(after).fetch_all(pool).await? {
        rows.alarms.push(member(&row)?);
    }
    Ok(())
}
