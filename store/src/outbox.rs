//! The outbox: who is to be told of what in the ledger, and what became of telling them.
//!
//! It lies beside the ledger, in a file of its own, and follows from it: notifications are made of the events behind a
//! cursor, in the transaction that moves the cursor. What is told, to whom, and every attempt are rows that are never
//! changed (the triggers of `outbox/schema.sql`). A delivery is pending from that transaction on until an attempt is
//! recorded that made it: whatever happens in between, it is made again, under the same id, and never forgotten.

mod check;
mod list;
mod row;

use std::path::Path;
use std::time::Duration;

use model::instant::RecordedAt;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row, Sqlite, Transaction};

use crate::Error;
use crate::ledger::Sequence;

pub use self::check::Report;
pub use self::list::{Listed, ListedState, Wanted};
pub use self::row::{Address, Attempt, Backlog, Due, Notice, Outcome, Unanswered};

/// The outbox's file in the ledger's directory.
pub const FILE: &str = "outbox.sqlite";

/// How long a statement waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The tables. The format's number is `user_version`.
const SCHEMA: &str = include_str!("outbox/schema.sql");

/// The format this program writes.
const FORMAT: i64 = 1;

/// An open outbox. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Outbox {
    pool: SqlitePool,
}

/// Names what was tried when SQLite refuses.
fn failed(action: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |source| Error::Outbox { action, source }
}

impl Outbox {
    /// Opens the outbox in `directory`, the ledger's. A new one begins behind `head`, the ledger's last event: what
    /// happened before is not told any more.
    ///
    /// # Errors
    /// When the file cannot be opened or made, or was written by another version of the program.
    pub async fn open(directory: &Path, head: Sequence) -> Result<Self, Error> {
        let path = directory.join(FILE);
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let failed = failed("open");
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await.map_err(&failed)?;
        let outbox = Self { pool };
        let mut transaction = outbox.begin("open").await?;
        let version = sqlx::query("PRAGMA user_version").fetch_one(&mut *transaction).await.map_err(&failed)?;
        match version.try_get(0).map_err(&failed)? {
            FORMAT => {}
            0_i64 => {
                sqlx::raw_sql(SCHEMA).execute(&mut *transaction).await.map_err(&failed)?;
                let first = sqlx::query("INSERT INTO cursor (one, seq) VALUES (1, ?)").bind(head.to_sql());
                first.execute(&mut *transaction).await.map_err(&failed)?;
                transaction.commit().await.map_err(&failed)?;
            }
            found => return Err(Error::OutboxFormat { path, found, known: FORMAT }),
        }
        Ok(outbox)
    }

    async fn begin(&self, action: &'static str) -> Result<Transaction<'static, Sqlite>, Error> {
        self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed(action))
    }

    /// The last event that notifications were made of.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn cursor(&self) -> Result<Sequence, Error> {
        let row = sqlx::query("SELECT seq FROM cursor WHERE one = 1").fetch_one(&self.pool).await;
        let seq = row.and_then(|row| row.try_get(0)).map_err(failed("read"))?;
        Ok(Sequence::from_sql(seq))
    }

    /// Writes down `notices`, made of the events up to `seq`, and to whom each goes, in one transaction. One that is
    /// there already is left as it is.
    ///
    /// # Errors
    /// When the database refuses; then none was written.
    pub async fn add(&self, notices: &[(Notice, Vec<Address>)], seq: Sequence) -> Result<(), Error> {
        let failed = failed("write to");
        let mut transaction = self.begin("write to").await?;
        for (notice, addresses) in notices {
            let new = row::insert_notice(&mut transaction, notice).await.map_err(&failed)?;
            if new {
                row::insert_deliveries(&mut transaction, (&notice.id, notice.quiet), (1, notice.created_at), addresses)
                    .await
                    .map_err(&failed)?;
                if notice.wants_answer {
                    sqlx::query("INSERT INTO unanswered (notification, level) VALUES (?, 1)")
                        .bind(&notice.id)
                        .execute(&mut *transaction)
                        .await
                        .map_err(&failed)?;
                }
            }
        }
        sqlx::query("UPDATE cursor SET seq = max(seq, ?) WHERE one = 1")
            .bind(seq.to_sql())
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }

    /// Moves the cursor back to `seq`, the end of a ledger that is older than the outbox.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn rewind(&self, seq: Sequence) -> Result<(), Error> {
        let back = sqlx::query("UPDATE cursor SET seq = min(seq, ?) WHERE one = 1").bind(seq.to_sql());
        back.execute(&self.pool).await.map(|_| ()).map_err(failed("write to"))
    }

    /// What `channel` may try now, what was tried least first, at most `limit`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn due(&self, channel: &str, now: RecordedAt, limit: u32) -> Result<Vec<Due>, Error> {
        let rows = sqlx::query(
            "SELECT p.delivery, p.recipient, p.attempts, d.level, n.id, n.kind, n.subject, n.created_at, n.body \
             FROM pending p JOIN deliveries d ON d.id = p.delivery JOIN notifications n ON n.id = d.notification \
             WHERE p.channel = ? AND p.retry_at <= ? ORDER BY p.attempts, p.delivery LIMIT ?",
        )
        .bind(channel)
        .bind(now.millis())
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await
        .map_err(failed("read"))?;
        rows.iter().map(Due::read).collect::<Result<_, _>>().map_err(failed("read"))
    }

    /// Writes down what became of one attempt, in one transaction. After a failure the delivery stays pending, to be
    /// tried again at `retry_at`.
    ///
    /// # Errors
    /// When the database refuses; then the delivery is still pending.
    pub async fn record(&self, delivery: i64, attempt: &Attempt) -> Result<(), Error> {
        let failed = failed("write to");
        let (outcome, detail, retry_at) = match &attempt.outcome {
            Outcome::Delivered => ("delivered", None, None),
            Outcome::Withdrawn { why } => ("withdrawn", Some(why), None),
            Outcome::Failed { why, retry_at } => ("failed", Some(why), Some(retry_at.millis())),
        };
        let mut transaction = self.begin("write to").await?;
        sqlx::query("INSERT INTO attempts (delivery, at, outcome, detail) VALUES (?, ?, ?, ?)")
            .bind(delivery)
            .bind(attempt.at.millis())
            .bind(outcome)
            .bind(detail)
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
        let after = match retry_at {
            Some(retry_at) => {
                sqlx::query("UPDATE pending SET attempts = attempts + 1, retry_at = ? WHERE delivery = ?")
                    .bind(retry_at)
            }
            None => sqlx::query("DELETE FROM pending WHERE delivery = ?"),
        };
        after.bind(delivery).execute(&mut *transaction).await.map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }

    /// Deliveries that are still to be made, by channel. Those that tell of another channel's failure do not count.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn backlog(&self) -> Result<Vec<Backlog>, Error> {
        let rows = sqlx::query(
            "SELECT channel, count(*), min(created_at), sum(attempts) FROM pending WHERE quiet = 0 GROUP BY channel ORDER BY channel",
        );
        let rows = rows.fetch_all(&self.pool).await.map_err(failed("read"))?;
        rows.iter().map(Backlog::read).collect::<Result<_, _>>().map_err(failed("read"))
    }

    /// Notifications that nobody has acknowledged, oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn unanswered(&self) -> Result<Vec<Unanswered>, Error> {
        let rows = sqlx::query(
            "SELECT n.id, n.kind, n.incident, n.alarms, n.created_at, n.quiet, u.level \
             FROM unanswered u JOIN notifications n ON n.id = u.notification ORDER BY n.created_at, n.id",
        );
        let rows = rows.fetch_all(&self.pool).await.map_err(failed("read"))?;
        rows.iter().map(Unanswered::read).collect::<Result<_, _>>().map_err(failed("read"))
    }

    /// Tells the next level of a notification that nobody acknowledged, in one transaction.
    ///
    /// # Errors
    /// When the database refuses; then nobody was added.
    pub async fn escalate(
        &self,
        of: &Unanswered,
        level: u32,
        addresses: &[Address],
        at: RecordedAt,
    ) -> Result<(), Error> {
        let failed = failed("write to");
        let mut transaction = self.begin("write to").await?;
        row::insert_deliveries(&mut transaction, (&of.id, of.quiet), (level, at), addresses).await.map_err(&failed)?;
        sqlx::query("UPDATE unanswered SET level = max(level, ?) WHERE notification = ?")
            .bind(i64::from(level))
            .bind(&of.id)
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }

    /// Notes that a notification was acknowledged: no further level is told.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn answered(&self, id: &str) -> Result<(), Error> {
        let delete = sqlx::query("DELETE FROM unanswered WHERE notification = ?").bind(id);
        delete.execute(&self.pool).await.map(|_| ()).map_err(failed("write to"))
    }

    /// Writes a consistent copy to the file `path`, which must not exist, while it is in use.
    ///
    /// # Errors
    /// When the copy cannot be written.
    pub async fn backup_to(&self, path: &Path) -> Result<(), Error> {
        let target = path.to_str().ok_or_else(|| Error::Io {
            action: "back the outbox up to",
            path: path.to_owned(),
            source: std::io::Error::from(std::io::ErrorKind::InvalidFilename),
        })?;
        sqlx::query("VACUUM INTO ?").bind(target).execute(&self.pool).await.map(|_| ()).map_err(failed("back up"))
    }

    /// Lets go of the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
