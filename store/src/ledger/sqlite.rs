//! The ledger in SQLite: one file, write-ahead logging, every commit synced.

mod access;
mod events;
mod holds;
mod joint;
mod sessions;

use std::path::{Path, PathBuf};
use std::time::Duration;

use model::instant::RecordedAt;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{QueryBuilder, Row, Sqlite, Transaction};

use super::audit::{Order, Where};
use super::backend::{Backend, Commit, HoldHistory, Outcome, Unreadable, Uses};
use super::event::{Checkpoint, Event, Hash, Sequence};
use super::holds::rows::{HoldEventRow, HoldRows};
use super::projection::{RegistryRow, StateChange, TokenRow, UserRow};
use super::sessions::{Gone, SessionRow};
use crate::Error;
use crate::journal::Position;

/// How long a statement waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The tables of format 1. Written once, when the file is made; the format's number is `user_version`.
const SCHEMA: &str = include_str!("sqlite/schema.sql");

/// What format 2 adds.
const HOLDS: &str = include_str!("sqlite/holds.sql");

/// What format 3 adds.
const ACCESS: &str = include_str!("sqlite/access.sql");

/// What format 4 adds.
const JOINT: &str = include_str!("sqlite/joint.sql");

/// What format 5 adds.
const SITES: &str = include_str!("sqlite/sites.sql");

/// What format 6 adds.
const SHARED: &str = include_str!("sqlite/shared.sql");

/// The format this program writes; older ones are brought up to it when they are opened.
const FORMAT: i64 = 6;

/// The first format with holds, alarms and locks.
const WITH_HOLDS: i64 = 2;

/// The first format with sessions, and accounts that can be disabled.
const WITH_SESSIONS: i64 = 3;

/// The first format with holds placed together.
const WITH_JOINT: i64 = 4;

/// The first format with accounts and tokens that are limited to sites.
const WITH_SITES: i64 = 5;

/// The first format with evidence that many units share.
const WITH_SHARED: i64 = 6;

/// How many rows go into one statement: a document of many records is written in few steps, and seven values a row
/// stay far below SQLite's limit of 32,766.
const ROWS_PER_STATEMENT: usize = 500;

/// A ledger in one SQLite file.
pub(crate) struct SqliteBackend {
    pool: SqlitePool,
    path: PathBuf,
    /// The format of the file. Only opened to look at, an older one is left as it is.
    format: i64,
}

/// Names what was tried when SQLite refuses.
fn failed(action: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |source| Error::Ledger { action, source }
}

impl SqliteBackend {
    /// Opens the file at `path`; makes it and its tables when `create` says so.
    pub(crate) async fn open(path: &Path, create: bool) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(create)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await.map_err(failed("open"))?;
        let mut backend = Self { pool, path: path.to_owned(), format: FORMAT };
        backend.format = backend.prepare(create).await?;
        Ok(backend)
    }

    /// Makes the tables that are missing, if it may, and tells the format.
    async fn prepare(&self, create: bool) -> Result<i64, Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed("open"))?;
        let version = sqlx::query("PRAGMA user_version").fetch_one(&mut *transaction).await.map_err(failed("open"))?;
        let version: i64 = version.try_get(0).map_err(failed("open"))?;
        match version {
            FORMAT => return Ok(FORMAT),
            1..FORMAT if !create => return Ok(version),
            1..FORMAT => {
                let added = [
                    (WITH_HOLDS, HOLDS),
                    (WITH_SESSIONS, ACCESS),
                    (WITH_JOINT, JOINT),
                    (WITH_SITES, SITES),
                    (WITH_SHARED, SHARED),
                ];
                for (added_with, tables) in added {
                    if version < added_with {
                        sqlx::raw_sql(tables).execute(&mut *transaction).await.map_err(failed("upgrade"))?;
                    }
                }
            }
            0 if create => {
                for tables in [SCHEMA, HOLDS, ACCESS, JOINT, SITES, SHARED] {
                    sqlx::raw_sql(tables).execute(&mut *transaction).await.map_err(failed("create"))?;
                }
                let genesis = Checkpoint::genesis();
                sqlx::query("INSERT INTO ledger_head (one, seq, hash) VALUES (1, ?, ?)")
                    .bind(genesis.seq.to_sql())
                    .bind(genesis.hash.to_string())
                    .execute(&mut *transaction)
                    .await
                    .map_err(failed("create"))?;
            }
            found => return Err(Error::LedgerFormat { path: self.path.clone(), found, known: FORMAT }),
        }
        transaction.commit().await.map_err(failed("prepare"))?;
        Ok(FORMAT)
    }
}

#[async_trait::async_trait]
impl Backend for SqliteBackend {
    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        let Some((last, _)) = commit.events.last() else { return Ok(Outcome::Done) };
        let failed = failed("append to");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        let moved = sqlx::query("UPDATE ledger_head SET seq = ?, hash = ? WHERE one = 1 AND seq = ? AND hash = ?")
            .bind(last.seq.to_sql())
            .bind(last.hash.to_string())
            .bind(commit.head.seq.to_sql())
            .bind(commit.head.hash.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?
            .rows_affected()
            != 1;
        if moved {
            transaction.rollback().await.map_err(&failed)?;
            return Ok(Outcome::Moved);
        }
        for part in commit.events.chunks(ROWS_PER_STATEMENT) {
            insert_events(&mut transaction, part).await.map_err(&failed)?;
            insert_records(&mut transaction, part).await.map_err(&failed)?;
            for (_, change) in part {
                access::change(&mut transaction, change, &commit.passwords).await.map_err(&failed)?;
            }
        }
        holds::write(&mut transaction, &commit.rows).await.map_err(&failed)?;
        if let Some(position) = commit.position {
            holds::write_position(&mut transaction, position).await.map_err(&failed)?;
        }
        transaction.commit().await.map_err(&failed)?;
        Ok(Outcome::Done)
    }

    async fn head(&self) -> Result<Checkpoint, Error> {
        let row = sqlx::query("SELECT seq, hash FROM ledger_head WHERE one = 1").fetch_optional(&self.pool).await;
        let damaged = |what: &str| Error::LedgerDamaged { what: what.to_owned() };
        let row = row.map_err(failed("read"))?.ok_or_else(|| damaged("the row of `ledger_head` is missing"))?;
        let seq: i64 = row.try_get(0).map_err(failed("read"))?;
        let hash: String = row.try_get(1).map_err(failed("read"))?;
        let hash = Hash::parse(&hash).ok_or_else(|| damaged("the hash in `ledger_head` is not one"))?;
        Ok(Checkpoint { seq: Sequence::from_sql(seq), hash })
    }

    async fn events(&self, from: Sequence, limit: u32) -> Result<Vec<Result<Event, Unreadable>>, Error> {
        let rows = sqlx::query(
            "SELECT seq, recorded_at, actor, kind, body, previous_hash, hash FROM events WHERE seq >= ? ORDER BY seq LIMIT ?",
        )
        .bind(if from == Sequence::ZERO { i64::MIN } else { from.to_sql() })
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await
        .map_err(failed("read"))?;
        rows.iter()
            .map(|row| {
                let seq = Sequence::from_sql(row.try_get(0).map_err(failed("read"))?);
                Ok(read_event(row, seq).map_err(|what| Unreadable { seq, what }))
            })
            .collect()
    }

    async fn find_events(
        &self,
        wanted: &Where,
        behind: (Order, Sequence),
        limit: u32,
    ) -> Result<Vec<Result<Event, Unreadable>>, Error> {
        events::find(&self.pool, wanted, behind, limit).await.map_err(failed("read"))
    }

    async fn hold_history(&self, hold: i64, member: i64) -> Result<HoldHistory, Error> {
        events::of_hold(&self.pool, hold, member).await.map_err(failed("read"))
    }

    async fn hold_events(&self) -> Result<Option<Vec<HoldEventRow>>, Error> {
        if self.format < WITH_SESSIONS {
            return Ok(None);
        }
        events::of_holds(&self.pool, self.format >= WITH_JOINT).await.map(Some).map_err(failed("read"))
    }

    async fn registry_record(&self, kind: &str, key: &str, version: i64) -> Result<Option<String>, Error> {
        events::record(&self.pool, (kind, key, version)).await.map_err(failed("read"))
    }

    async fn registry_rows(&self, after: Sequence) -> Result<Vec<RegistryRow>, Error> {
        let rows = sqlx::query(
            "SELECT kind, key, version, body, seq, recorded_at, current FROM registry WHERE seq > ? ORDER BY seq",
        )
        .bind(if after == Sequence::ZERO { i64::MIN } else { after.to_sql() })
        .fetch_all(&self.pool)
        .await
        .map_err(failed("read"))?;
        let row = |row: &SqliteRow| {
            Ok(RegistryRow {
                kind: row.try_get(0)?,
                key: row.try_get(1)?,
                version: row.try_get(2)?,
                body: row.try_get(3)?,
                seq: row.try_get(4)?,
                recorded_at_ms: row.try_get(5)?,
                current: row.try_get::<i64, _>(6)? == 1,
            })
        };
        rows.iter().map(row).collect::<Result<_, _>>().map_err(failed("read"))
    }

    async fn tokens(&self) -> Result<Vec<TokenRow>, Error> {
        access::tokens(&self.pool, self.format).await.map_err(failed("read"))
    }

    async fn users(&self) -> Result<Vec<(UserRow, String)>, Error> {
        access::users(&self.pool, self.format).await.map_err(failed("read"))
    }

    async fn locks(&self) -> Result<Vec<(String, i64)>, Error> {
        if self.format < WITH_HOLDS { Ok(Vec::new()) } else { holds::locks(&self.pool).await.map_err(failed("read")) }
    }

    async fn hold_rows(&self, after: Sequence) -> Result<HoldRows, Error> {
        if self.format < WITH_HOLDS {
            return Ok(HoldRows::default());
        }
        holds::read(&self.pool, after, self.format >= WITH_JOINT).await.map_err(failed("read"))
    }

    async fn position(&self) -> Result<Position, Error> {
        if self.format < WITH_HOLDS {
            Ok(Position::ZERO)
        } else {
            holds::position(&self.pool).await.map_err(failed("read"))
        }
    }

    async fn save_position(&self, position: Position) -> Result<(), Error> {
        let failed = failed("note the evaluator's position in");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        holds::write_position(&mut transaction, position).await.map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }

    async fn token_uses(&self) -> Result<Vec<(String, i64)>, Error> {
        access::token_uses(&self.pool).await.map_err(failed("read"))
    }

    async fn save_uses(&self, uses: &Uses) -> Result<(), Error> {
        let failed = failed("note the use of a token or a session in");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        access::save_uses(&mut transaction, &uses.tokens).await.map_err(&failed)?;
        sessions::save_uses(&mut transaction, &uses.sessions).await.map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }

    async fn session(&self, hash: &str) -> Result<Option<SessionRow>, Error> {
        sessions::find(&self.pool, hash).await.map_err(failed("read"))
    }

    async fn put_session(&self, row: &SessionRow, gone: &Gone) -> Result<(), Error> {
        let failed = failed("write a session to");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        sessions::put(&mut transaction, row, gone).await.map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }

    async fn end_session(&self, hash: &str) -> Result<bool, Error> {
        sessions::end(&self.pool, hash).await.map_err(failed("end a session in"))
    }

    async fn check(&self) -> Result<Vec<String>, Error> {
        let rows = sqlx::query("PRAGMA integrity_check").fetch_all(&self.pool).await.map_err(failed("check"))?;
        let lines: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get(0)).collect();
        let mut lines = lines.map_err(failed("check"))?;
        lines.retain(|line| line != "ok");
        Ok(lines)
    }

    async fn backup_to(&self, path: &Path) -> Result<(), Error> {
        if path.exists() {
            let source = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
            return Err(Error::Io { action: "back the ledger up to", path: path.to_owned(), source });
        }
        let target = path.to_str().ok_or_else(|| Error::Io {
            action: "back the ledger up to",
            path: path.to_owned(),
            source: std::io::Error::from(std::io::ErrorKind::InvalidFilename),
        })?;
        sqlx::query("VACUUM INTO ?").bind(target).execute(&self.pool).await.map_err(failed("back up"))?;
        super::files::sync(path)
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

async fn insert_events(
    transaction: &mut Transaction<'_, Sqlite>,
    events: &[(Event, StateChange)],
) -> Result<(), sqlx::Error> {
    let mut insert =
        QueryBuilder::new("INSERT INTO events (seq, recorded_at, actor, kind, body, previous_hash, hash) ");
    insert.push_values(events, |mut row, (event, _)| {
        row.push_bind(event.seq.to_sql())
            .push_bind(event.recorded_at.millis())
            .push_bind(&event.actor)
            .push_bind(&event.kind)
            .push_bind(&event.body)
            .push_bind(event.previous_hash.to_string())
            .push_bind(event.hash.to_string());
    });
    insert.build().execute(&mut **transaction).await.map(|_| ())
}

/// Puts the records among the changes. One commit writes a record once, so their order means nothing.
async fn insert_records(
    transaction: &mut Transaction<'_, Sqlite>,
    changes: &[(Event, StateChange)],
) -> Result<(), sqlx::Error> {
    let record = |change: &'_ (Event, StateChange)| match &change.1 {
        StateChange::RegistryPut(row) => Some(row.clone()),
        _ => None,
    };
    let rows: Vec<RegistryRow> = changes.iter().filter_map(record).collect();
    if rows.is_empty() {
        return Ok(());
    }
    for row in rows.iter().filter(|row| row.version > 1) {
        sqlx::query("UPDATE registry SET current = 0 WHERE kind = ? AND key = ? AND version = ?")
            .bind(&row.kind)
            .bind(&row.key)
            .bind(row.version - 1)
            .execute(&mut **transaction)
            .await?;
    }
    let mut insert = QueryBuilder::new("INSERT INTO registry (kind, key, version, body, seq, recorded_at, current) ");
    insert.push_values(rows, |mut values, row| {
        values
            .push_bind(row.kind)
            .push_bind(row.key)
            .push_bind(row.version)
            .push_bind(row.body)
            .push_bind(row.seq)
            .push_bind(row.recorded_at_ms)
            .push_bind(i64::from(row.current));
    });
    insert.build().execute(&mut **transaction).await.map(|_| ())
}

fn read_event(row: &SqliteRow, seq: Sequence) -> Result<Event, String> {
    let unreadable = |cause: sqlx::Error| cause.to_string();
    let hash = |column: usize, name: &str| {
        let text: String = row.try_get(column).map_err(unreadable)?;
        Hash::parse(&text).ok_or_else(|| format!("its `{name}` is not a hash"))
    };
    Ok(Event {
        seq,
        recorded_at: RecordedAt::from_millis(row.try_get(1).map_err(unreadable)?),
        actor: row.try_get(2).map_err(unreadable)?,
        kind: row.try_get(3).map_err(unreadable)?,
        body: row.try_get(4).map_err(unreadable)?,
        previous_hash: hash(5, "previous_hash")?,
        hash: hash(6, "hash")?,
    })
}
