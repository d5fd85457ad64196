//! What stands in the outbox: notices, where they go, and what became of it.

use model::hold::AlarmId;
use model::instant::RecordedAt;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};

use crate::ledger::Sequence;

/// Something to be told, made of events of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its id: the same for everybody who is told, and whenever it is told again.
    pub id: String,
    /// The word for what happened, for instance `hold.placed`.
    pub kind: String,
    /// What it is about: an incident, or an alarm.
    pub subject: String,
    /// The incident, when holds are concerned.
    pub incident: Option<String>,
    /// The alarms it tells of.
    pub alarms: Vec<AlarmId>,
    /// The first event it is made of.
    pub seq: Sequence,
    /// When that was recorded.
    pub created_at: RecordedAt,
    /// What is told: a JSON object.
    pub body: String,
    /// Whether somebody has to acknowledge it.
    pub wants_answer: bool,
    /// Whether it tells that another channel does not deliver: then it raises no such alarm itself.
    pub quiet: bool,
}

/// Where a notice goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// The channel.
    pub channel: String,
    /// The person; empty for a channel that tells no person in particular.
    pub recipient: String,
}

/// A delivery that may be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The delivery.
    pub delivery: i64,
    /// The person; empty for a channel that tells no person in particular.
    pub recipient: String,
    /// Attempts that failed so far.
    pub attempts: u32,
    /// The level of escalation it belongs to, from 1.
    pub level: u32,
    /// The notice's id.
    pub id: String,
    /// The notice's kind.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// When it came about.
    pub created_at: RecordedAt,
    /// What is told: a JSON object.
    pub body: String,
}

/// One attempt at a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When.
    pub at: RecordedAt,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The other side has it.
    Delivered,
    /// It has not, and is tried again.
    Failed {
        /// What went wrong.
        why: String,
        /// When it is tried again, at the earliest.
        retry_at: RecordedAt,
    },
    /// Nobody is there any more to whom it could go.
    Withdrawn {
        /// Why.
        why: String,
    },
}

/// What a channel still has to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// The channel.
    pub channel: String,
    /// How many deliveries.
    pub pending: u64,
    /// Since when the oldest of them waits.
    pub oldest: RecordedAt,
    /// Attempts that failed so far.
    pub failed: u64,
}

/// A notice that nobody has acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// The notice's id.
    pub id: String,
    /// The notice's kind.
    pub kind: String,
    /// The incident, when holds are concerned.
    pub incident: Option<String>,
    /// The alarms it tells of.
    pub alarms: Vec<AlarmId>,
    /// When it came about.
    pub created_at: RecordedAt,
    /// Whether it tells that another channel does not deliver.
    pub quiet: bool,
    /// The level that was told last, from 1.
    pub level: u32,
}

fn whole(row: &SqliteRow, column: usize) -> Result<u32, sqlx::Error> {
    Ok(u32::try_from(row.try_get::<i64, _>(column)?).unwrap_or(u32::MAX))
}

fn count(row: &SqliteRow, column: usize) -> Result<u64, sqlx::Error> {
    Ok(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or_default())
}

pub(super) fn instant(row: &SqliteRow, column: usize) -> Result<RecordedAt, sqlx::Error> {
    row.try_get(column).map(RecordedAt::from_millis)
}

impl Due {
    pub(super) fn read(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            delivery: row.try_get(0)?,
            recipient: row.try_get(1)?,
            attempts: whole(row, 2)?,
            level: whole(row, 3)?,
            id: row.try_get(4)?,
            kind: row.try_get(5)?,
            subject: row.try_get(6)?,
            created_at: instant(row, 7)?,
            body: row.try_get(8)?,
        })
    }
}

impl Backlog {
    pub(super) fn read(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self { channel: row.try_get(0)?, pending: count(row, 1)?, oldest: instant(row, 2)?, failed: count(row, 3)? })
    }
}

impl Unanswered {
    pub(super) fn read(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let alarms: String = row.try_get(3)?;
        Ok(Self {
            id: row.try_get(0)?,
            kind: row.try_get(1)?,
            incident: row.try_get(2)?,
            alarms: alarms.split_whitespace().filter_map(AlarmId::parse).collect(),
            created_at: instant(row, 4)?,
            quiet: row.try_get::<i64, _>(5)? == 1,
            level: whole(row, 6)?,
        })
    }
}

/// Puts `notice`, unless it is there; whether it was not.
pub(super) async fn insert_notice(
    transaction: &mut Transaction<'_, Sqlite>,
    notice: &Notice,
) -> Result<bool, sqlx::Error> {
    let insert = sqlx::query(
        "INSERT INTO notifications (id, kind, subject, incident, alarms, seq, created_at, body, quiet) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(&notice.id)
    .bind(&notice.kind)
    .bind(&notice.subject)
    .bind(&notice.incident)
    .bind(notice.alarms.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    .bind(notice.seq.to_sql())
    .bind(notice.created_at.millis())
    .bind(&notice.body)
    .bind(i64::from(notice.quiet));
    Ok(insert.execute(&mut **transaction).await?.rows_affected() == 1)
}

/// Puts one delivery of the notice `id` for each of `addresses` that has none yet, due at once.
pub(super) async fn insert_deliveries(
    transaction: &mut Transaction<'_, Sqlite>,
    (id, quiet): (&str, bool),
    (level, at): (u32, RecordedAt),
    addresses: &[Address],
) -> Result<(), sqlx::Error> {
    for address in addresses {
        let delivery = sqlx::query(
            "INSERT INTO deliveries (notification, channel, recipient, level, created_at) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT (notification, channel, recipient) DO NOTHING RETURNING id",
        )
        .bind(id)
        .bind(&address.channel)
        .bind(&address.recipient)
        .bind(i64::from(level))
        .bind(at.millis())
        .fetch_optional(&mut **transaction)
        .await?;
        let Some(delivery) = delivery else { continue };
        sqlx::query(
            "INSERT INTO pending (delivery, channel, recipient, created_at, quiet, attempts, retry_at) \
             VALUES (?, ?, ?, ?, ?, 0, ?)",
        )
        .bind(delivery.try_get::<i64, _>(0)?)
        .bind(&address.channel)
        .bind(&address.recipient)
        .bind(at.millis())
        .bind(i64::from(quiet))
        .bind(at.millis())
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}
