//! Verifying: every hash, no gap, state rebuilt from the events and compared, and nothing taken back.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::backend::{Backend, Unreadable};
use super::event::{Checkpoint, Event, Hash, Sequence};
use super::holds::rows::{HoldEventRow, HoldRows};
use super::projection::{Tables, project};
use super::sqlite::SqliteBackend;
use super::{FILE, Ledger};
use crate::Error;

/// How many events are read at once.
const PAGE: u32 = 500;

/// What verifying found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// How many events were found in order.
    pub events: u64,
    /// The last of them: worth keeping somewhere else.
    pub head: Checkpoint,
    /// The first bad thing, if there is one.
    pub wrong: Option<Wrong>,
}

/// The first bad thing in a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// An event is not what was written, or not where it was written.
    Event {
        /// Its place.
        seq: Sequence,
        /// What is wrong.
        what: String,
    },
    /// The events end elsewhere than the ledger's own record of its end: some were cut off or put on.
    End {
        /// Where they should end.
        recorded: Checkpoint,
        /// Where they end.
        found: Checkpoint,
    },
    /// The ledger does not contain a checkpoint that was kept outside: it was taken back, or is another.
    Checkpoint {
        /// What was kept outside.
        kept: Checkpoint,
        /// The hash of that event here; `None` when the ledger ends before it.
        found: Option<Hash>,
    },
    /// A row of the tables of state is not what the events say.
    State {
        /// The table.
        table: &'static str,
        /// The row's key.
        row: String,
        /// What is wrong.
        what: &'static str,
    },
    /// The database's own check fails, or it cannot be read.
    Database {
        /// What it says.
        what: String,
    },
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event { seq, what } => write!(f, "ledger event {seq}: {what}"),
            Self::End { recorded, found } if found.seq < recorded.seq => {
                write!(f, "ledger event {}: it is missing, and so is all up to {}", found.seq.next(), recorded.seq)
            }
            Self::End { recorded, found } if found.seq > recorded.seq => {
                let seq = recorded.seq.next();
                write!(f, "ledger event {seq}: the ledger ended before it when it was last written")
            }
            Self::End { recorded, found } => {
                write!(
                    f,
                    "ledger event {}: its hash is {}, it was written with {}",
                    found.seq, found.hash, recorded.hash
                )
            }
            Self::Checkpoint { kept, found: None } => {
                write!(
                    f,
                    "ledger event {}: it was here when the checkpoint was taken, the ledger was rolled back",
                    kept.seq
                )
            }
            Self::Checkpoint { kept, found: Some(found) } => {
                write!(f, "ledger event {}: its hash is {found}, the checkpoint says {}", kept.seq, kept.hash)
            }
            Self::State { table, row, what } => write!(f, "ledger table `{table}`, row `{row}`: {what}"),
            Self::Database { what } => write!(f, "ledger database: {what}"),
        }
    }
}

impl Ledger {
    /// Verifies the ledger while it is in use; with `kept`, also that it still contains that checkpoint.
    ///
    /// # Errors
    /// Only when the machine refuses; whatever is wrong with the ledger is in the report.
    pub async fn verify(&self, kept: Option<Checkpoint>) -> Result<VerifyReport, Error> {
        // Most of the way nobody has to wait; the end and the tables are compared while nobody appends.
        let walk = Walk::start(kept).advance(self.0.backend.as_ref()).await?;
        let appending = self.0.appending.lock().await;
        let walk = walk.advance(self.0.backend.as_ref()).await?;
        let report = walk.finish(self.0.backend.as_ref()).await;
        drop(appending);
        Ok(with_own_check(report, self.0.backend.as_ref()).await)
    }

    /// Verifies the ledger in `directory`, which may be damaged too far to be opened otherwise.
    ///
    /// # Errors
    /// When there is no ledger, or it was written by a newer program.
    pub async fn verify_directory(directory: &Path, kept: Option<Checkpoint>) -> Result<VerifyReport, Error> {
        let backend = match SqliteBackend::open(&directory.join(FILE), false).await {
            Ok(backend) => backend,
            Err(Error::Ledger { source: sqlx::Error::Database(cause), .. }) if directory.join(FILE).exists() => {
                let wrong = Some(Wrong::Database { what: cause.to_string() });
                return Ok(VerifyReport { events: 0, head: Checkpoint::genesis(), wrong });
            }
            Err(cause) => return Err(cause),
        };
        let walk = Walk::start(kept).advance(&backend).await?;
        let report = with_own_check(walk.finish(&backend).await, &backend).await;
        backend.close().await;
        Ok(report)
    }
}

/// A walk along the chain.
struct Walk {
    kept: Option<Checkpoint>,
    end: Checkpoint,
    tables: Tables,
    wrong: Option<Wrong>,
}

impl Walk {
    fn start(kept: Option<Checkpoint>) -> Self {
        Self { kept, end: Checkpoint::genesis(), tables: Tables::default(), wrong: None }
    }

    /// Goes on until the events end or one is wrong.
    async fn advance(mut self, backend: &dyn Backend) -> Result<Self, Error> {
        while self.wrong.is_none() {
            // The first page begins before 1, in case somebody put an event there.
            let from = if self.end.seq == Sequence::ZERO { Sequence::ZERO } else { self.end.seq.next() };
            let page = match backend.events(from, PAGE).await {
                Ok(page) => page,
                Err(cause) => {
                    self.wrong = Some(unreadable(&cause));
                    break;
                }
            };
            if page.is_empty() {
                break;
            }
            let work = move || {
                self.take(page);
                self
            };
            self = tokio::task::spawn_blocking(work).await.map_err(|source| Error::LedgerTask { source })?;
        }
        Ok(self)
    }

    fn take(&mut self, page: Vec<Result<Event, Unreadable>>) {
        for row in page {
            if let Err((seq, what)) = self.step(row) {
                self.wrong = Some(Wrong::Event { seq, what });
                return;
            }
            if let Some(kept) = self.kept.filter(|kept| kept.seq == self.end.seq && kept.hash != self.end.hash) {
                self.wrong = Some(Wrong::Checkpoint { kept, found: Some(self.end.hash) });
                return;
            }
        }
    }

    fn step(&mut self, row: Result<Event, Unreadable>) -> Result<(), (Sequence, String)> {
        let expected = self.end.seq.next();
        let seq = row.as_ref().map_or_else(|row| row.seq, |event| event.seq);
        if seq > expected {
            return Err((expected, format!("it is missing; the next one is {seq}")));
        }
        if seq < expected {
            return Err((seq, "it stands before the first".into()));
        }
        let event = row.map_err(|row| (seq, row.what))?;
        if event.previous_hash != self.end.hash {
            return Err((seq, "it does not follow the event before it".into()));
        }
        if event.hash != event.expected_hash() {
            return Err((seq, "its content is not what was hashed when it was written".into()));
        }
        project(&event).and_then(|change| self.tables.apply(change)).map_err(|what| (seq, what))?;
        self.end = event.checkpoint();
        Ok(())
    }

    /// Compares the end, the checkpoint and the tables.
    async fn finish(mut self, backend: &dyn Backend) -> VerifyReport {
        if self.wrong.is_none() {
            self.wrong = match self.compare(backend).await {
                Ok(wrong) => wrong,
                Err(cause) => Some(unreadable(&cause)),
            };
        }
        VerifyReport { events: self.end.seq.get(), head: self.end, wrong: self.wrong }
    }

    async fn compare(&self, backend: &dyn Backend) -> Result<Option<Wrong>, Error> {
        let recorded = backend.head().await?;
        if recorded != self.end {
            return Ok(Some(Wrong::End { recorded, found: self.end }));
        }
        let genesis = |kept: &Checkpoint| *kept == Checkpoint::genesis();
        if let Some(kept) =
            self.kept.filter(|kept| kept.seq > self.end.seq || (kept.seq == Sequence::ZERO && !genesis(kept)))
        {
            return Ok(Some(Wrong::Checkpoint { kept, found: None }));
        }
        self.compare_tables(backend).await
    }

    async fn compare_tables(&self, backend: &dyn Backend) -> Result<Option<Wrong>, Error> {
        let rows = backend.registry_rows(Sequence::ZERO).await?;
        let keyed = rows.into_iter().map(|row| ((row.kind.clone(), row.key.clone(), row.version), row));
        let told = |key: &(String, String, i64)| format!("{} {} version {}", key.0, key.1, key.2);
        if let Some(wrong) = difference("registry", &self.tables.registry, keyed.collect(), told) {
            return Ok(Some(wrong));
        }
        let tokens = backend.tokens().await?.into_iter().map(|row| (row.id.clone(), row)).collect();
        if let Some(wrong) = difference("tokens", &self.tables.tokens, tokens, String::clone) {
            return Ok(Some(wrong));
        }
        let users = backend.users().await?;
        for (user, password_hash) in &users {
            if Hash::of(password_hash.as_bytes()).to_string() != user.password_digest {
                let what = "its password was not set through the ledger";
                return Ok(Some(Wrong::State { table: "users", row: user.name.clone(), what }));
            }
        }
        let users = users.into_iter().map(|(row, _)| (row.name.clone(), row)).collect();
        if let Some(wrong) = difference("users", &self.tables.users, users, String::clone) {
            return Ok(Some(wrong));
        }
        let locks = backend.locks().await?.into_iter().collect();
        if let Some(wrong) = difference("user_locks", &self.tables.locks, locks, String::clone) {
            return Ok(Some(wrong));
        }
        if let Some(rows) = backend.hold_events().await? {
            let rows = rows.into_iter().map(|row| (row, ())).collect();
            let told = |(hold, member, seq): &HoldEventRow| format!("{}, event {seq}", numbered('h', *hold, *member));
            if let Some(wrong) = difference("hold_events", &self.tables.hold_events, rows, told) {
                return Ok(Some(wrong));
            }
        }
        Ok(self.compare_holds(backend.hold_rows(Sequence::ZERO).await?))
    }

    fn compare_holds(&self, rows: HoldRows) -> Option<Wrong> {
        // Those that stand apart from what they were placed together with are in a table of their own.
        let tables = ["holds", "joint_members"];
        let kept = rows.holds.into_iter().map(|row| ((row.id, row.member), row)).collect();
        if let Some(wrong) = apart(tables, 'h', &self.tables.held, kept) {
            return Some(wrong);
        }
        let kept = rows.joint_holds.into_iter().map(|row| (row.id, row)).collect();
        if let Some(wrong) = difference("joint_holds", &self.tables.joint_holds, kept, i64::to_string) {
            return Some(wrong);
        }
        let acceptances = rows.acceptances.into_iter().map(|row| (row.unit.clone(), row)).collect();
        if let Some(wrong) = difference("review_acceptances", &self.tables.acceptances, acceptances, String::clone) {
            return Some(wrong);
        }
        let kept = rows.alarms.into_iter().map(|row| ((row.id, row.member), row)).collect();
        if let Some(wrong) = apart(["alarms", "joint_alarm_members"], 'a', &self.tables.alarms, kept) {
            return Some(wrong);
        }
        let kept = rows.joint_alarms.into_iter().map(|row| (row.id, row)).collect();
        difference("joint_alarms", &self.tables.joint_alarms, kept, i64::to_string)
    }
}

/// Compares rows by (number, member); those with a member are in the second table.
fn apart<V: PartialEq + Clone>(
    tables: [&'static str; 2],
    letter: char,
    rebuilt: &BTreeMap<(i64, i64), V>,
    kept: BTreeMap<(i64, i64), V>,
) -> Option<Wrong> {
    let (members, alone): (BTreeMap<_, _>, BTreeMap<_, _>) = kept.into_iter().partition(|((_, member), _)| *member > 0);
    let of = |wanted: bool| {
        let rows = rebuilt.iter().filter(|((_, member), _)| (*member > 0) == wanted);
        rows.map(|(key, row)| (*key, row.clone())).collect::<BTreeMap<_, _>>()
    };
    let told = |(id, _): &(i64, i64)| id.to_string();
    let of_member = |(id, member): &(i64, i64)| numbered(letter, *id, *member);
    difference(tables[0], &of(false), alone, told).or_else(|| difference(tables[1], &of(true), members, of_member))
}

/// The id of a hold or an alarm.
fn numbered(letter: char, id: i64, member: i64) -> String {
    if member == 0 { format!("{letter}{id}") } else { format!("{letter}{id}.{member}") }
}

/// Adds what the database's own check of its file finds, when nothing else is wrong.
async fn with_own_check(mut report: VerifyReport, backend: &dyn Backend) -> VerifyReport {
    if report.wrong.is_none() {
        report.wrong = match backend.check().await {
            Ok(lines) => lines.into_iter().next().map(|what| Wrong::Database { what }),
            Err(cause) => Some(unreadable(&cause)),
        };
    }
    report
}

/// The first row, by key, in which what is kept differs from what the events say.
fn difference<K: Ord, V: PartialEq>(
    table: &'static str,
    rebuilt: &BTreeMap<K, V>,
    kept: BTreeMap<K, V>,
    told: impl Fn(&K) -> String,
) -> Option<Wrong> {
    let wrong = |key: &K, what| Wrong::State { table, row: told(key), what };
    for (key, row) in rebuilt {
        match kept.get(key) {
            None => return Some(wrong(key, "it is missing")),
            Some(kept) if kept != row => return Some(wrong(key, "it is not what the events say")),
            Some(_) => {}
        }
    }
    let extra = kept.keys().find(|key| !rebuilt.contains_key(key));
    extra.map(|key| wrong(key, "no event made it"))
}

fn unreadable(cause: &Error) -> Wrong {
    let what = match cause {
        Error::Ledger { source, .. } => source.to_string(),
        Error::LedgerDamaged { what } => what.clone(),
        other => other.to_string(),
    };
    Wrong::Database { what }
}
