//! The ledger: everything people and systems declared or decided, written down once and never changed.
//!
//! One append-only chain of events, and tables of state that are changed in the event's own transaction. Whoever
//! asks reads a [`Snapshot`] in memory; whoever writes goes through one appender, which seals events to the chain
//! and makes them durable before anybody sees them (invariant H1: the ledger only grows and its chain verifies).

mod access;
mod append;
mod audit;
mod backend;
mod event;
mod external;
mod files;
mod holds;
mod people;
mod projection;
mod secret;
mod sessions;
mod sign_in;
mod sqlite;
mod verify;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use model::hold::Holds;
use model::instant::RecordedAt;
use model::name::Name;
use model::registry::{Kind, Problem, Registry, RegistryDocument};
use serde_json::{Value, json};
use tokio::sync::watch;

use self::access::Access;
use self::append::{Prepared, Writing};
use self::backend::{Backend, Uses};
use self::holds::Drafting;
use self::projection::RegistryRow;
use self::sign_in::Guard;
use self::sqlite::SqliteBackend;
use crate::Error;

pub use self::access::{Bootstrap, People, Principal, TokenInfo};
pub use self::audit::{AuditFilter, AuditPage, Order, Where};
pub use self::event::{Checkpoint, Event, Hash, Sequence};
pub use self::external::External;
pub use self::holds::event::record_hash;
pub use self::holds::{
    AlikeLazily, BlockedMove, Checked, Decision, Finding, Findings, Fired, Found, HoldRefusal, Judged, Neighbours,
    NewAlarm, NewHold,
};
pub use self::people::{UserChange, UserInfo};
pub use self::projection::Way;
pub use self::sessions::{Session, SessionLimits};
pub use self::sign_in::{Attempt, LOCKED_FOR, MAX_FAILURES, SignIn};
pub use self::verify::{VerifyReport, Wrong};

/// Says what time it is, for recorded times. Read here and nowhere deeper; a simulation brings its own.
pub type LedgerClock = Arc<dyn Fn() -> RecordedAt + Send + Sync>;

/// The name the system itself acts under.
pub const SYSTEM: &str = "system";

/// The ledger's file in its directory.
pub const FILE: &str = "ledger.sqlite";

/// An open ledger. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Ledger(Arc<Inner>);

struct Inner {
    backend: Box<dyn Backend>,
    clock: LedgerClock,
    /// Held while events are sealed and written: there is one appender.
    appending: tokio::sync::Mutex<()>,
    current: watch::Sender<Snapshot>,
    /// When tokens were used, not yet written: (id, milliseconds since the epoch).
    uses: Mutex<HashMap<String, i64>>,
    /// When sessions were used, not yet written: (SHA-256 of the id, milliseconds since the epoch).
    seen: Mutex<HashMap<String, i64>>,
    guard: Guard,
}

/// The ledger's state right after one event. Cheap to clone, never changes.
#[derive(Clone)]
pub struct Snapshot {
    /// The event it is the state after.
    pub head: Checkpoint,
    /// Everything registered.
    pub registry: Arc<Registry>,
    /// Every hold, acceptance and alarm.
    pub holds: Holds,
    access: Arc<Access>,
}

/// What became of a registry document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds, and is durable.
    Applied(Applied),
    /// Nothing of it was applied: every reason, each with its JSON pointer.
    Refused(Vec<Problem>),
    /// Nothing of it was applied: it plans to take out what is blocked.
    Blocked(Vec<BlockedMove>),
}

/// What an applied document did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Records that are new.
    pub created: usize,
    /// Records that got another version.
    pub updated: usize,
    /// Records that were registered just so already.
    pub unchanged: usize,
    /// What was applied, but somebody may want to know.
    pub notices: Vec<Problem>,
}

impl Ledger {
    /// Opens the ledger in `directory` (`DIR/ledger`), making both when they are not there.
    ///
    /// # Errors
    /// When the file cannot be opened or made, was written by a newer program, or holds a state that no ledger
    /// writes; the last is for [`Ledger::verify_directory`] to look into.
    pub async fn open(directory: &Path, clock: LedgerClock) -> Result<Self, Error> {
        files::create_directory(directory)?;
        let backend = SqliteBackend::open(&directory.join(FILE), true).await?;
        files::sync(&directory.join(FILE))?;
        let empty = Snapshot {
            head: Checkpoint::genesis(),
            registry: Arc::default(),
            holds: Holds::default(),
            access: Arc::default(),
        };
        let ledger = Self(Arc::new(Inner {
            backend: Box::new(backend),
            clock,
            appending: tokio::sync::Mutex::new(()),
            current: watch::Sender::new(empty),
            uses: Mutex::default(),
            seen: Mutex::default(),
            guard: Guard::default(),
        }));
        ledger.0.check_end().await?;
        ledger.0.reload().await?;
        let detail = json!({ "ledger": uuid::Uuid::new_v4().to_string(), "program": env!("CARGO_PKG_VERSION") });
        let created = move |snapshot: &Snapshot, _| {
            if snapshot.head.seq > Sequence::ZERO {
                return Prepared::Nothing(());
            }
            Prepared::Write(Writing::of(vec![projection::system_draft("created", &detail, SYSTEM)]), ())
        };
        ledger.append(created).await?;
        Ok(ledger)
    }

    /// The state right now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.0.current.borrow().clone()
    }

    /// What time it is, by the clock that events are recorded with.
    #[must_use]
    pub fn now(&self) -> RecordedAt {
        (self.0.clock)()
    }

    /// Everything registered right now.
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        self.snapshot().registry
    }

    /// Tells of every new state.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Snapshot> {
        self.0.current.subscribe()
    }

    /// The end of the chain: keep it somewhere else, and [`Ledger::verify`] finds a ledger that was taken back.
    #[must_use]
    pub fn head(&self) -> Checkpoint {
        self.snapshot().head
    }

    /// Applies `document`, whole or not at all. Applying it again changes nothing and writes no event.
    ///
    /// Children of a split start with the holds of the unit they come from. A planned move of what is held to a
    /// customer, a hospital or another site is refused; one that happened is recorded and raises an alarm.
    ///
    /// # Errors
    /// When the database refuses; then nothing of it was applied, or all of it (the next call sees which). A
    /// document that does not fit is no error but [`Outcome::Refused`] or [`Outcome::Blocked`].
    pub async fn apply(
        &self,
        document: RegistryDocument,
        actor: &Name,
        reason: Option<&str>,
    ) -> Result<Outcome, Error> {
        self.apply_judged(document, actor, reason, Judged::new()).await
    }

    /// Applies `document` like [`Ledger::apply`]; `judged` is what assessments say against its moves, besides holds.
    ///
    /// # Errors
    /// As [`Ledger::apply`].
    pub async fn apply_judged(
        &self,
        document: RegistryDocument,
        actor: &Name,
        reason: Option<&str>,
        judged: Judged,
    ) -> Result<Outcome, Error> {
        let (actor, reason) = (actor.to_string(), reason.map(str::to_owned));
        let prepare = move |snapshot: &Snapshot, recorded_at: RecordedAt| {
            let plan = match snapshot.registry.plan(&document, recorded_at) {
                Ok(plan) => plan,
                Err(problems) => return Prepared::Nothing(Ok(Outcome::Refused(problems))),
            };
            let (created, updated, unchanged) = (plan.created(), plan.updated(), plan.unchanged);
            let outcome = Outcome::Applied(Applied { created, updated, unchanged, notices: plan.notices });
            if plan.changes.is_empty() {
                return Prepared::Nothing(Ok(outcome));
            }
            let mut held = Drafting::after(snapshot, plan.changes.len(), recorded_at);
            let blocked = held
                .inherit(&snapshot.registry, &document)
                .and_then(|()| held.judge((&snapshot.registry, &plan.after), &document, &judged));
            match blocked {
                Err(what) => return Prepared::Nothing(Err(holds::misfit(what))),
                Ok(blocked) if !blocked.is_empty() => return Prepared::Nothing(Ok(Outcome::Blocked(blocked))),
                Ok(_) => {}
            }
            let call = snapshot.head.seq.next();
            let draft = |change| projection::registry_draft(change, &actor, reason.as_deref(), call);
            let drafts = plan.changes.into_iter().map(draft).chain(held.drafts).collect();
            Prepared::Write(Writing { registry: Some(plan.after), ..Writing::of(drafts) }, Ok(outcome))
        };
        self.append(prepare).await?
    }

    /// Writes down something about the system itself, for instance that damage was set aside. It changes no state.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn note(&self, actor: &Name, what: &str, detail: &Value) -> Result<(), Error> {
        let (actor, what, detail) = (actor.to_string(), what.to_owned(), detail.clone());
        let prepare = move |_: &Snapshot, _| {
            Prepared::Write(Writing::of(vec![projection::system_draft(&what, &detail, &actor)]), ())
        };
        self.append(prepare).await
    }

    /// Events from `from` on, in order, at most `limit`: the audit trail.
    ///
    /// # Errors
    /// When the database refuses, or a row is not an event.
    pub async fn audit(&self, from: Sequence, limit: u32) -> Result<Vec<Event>, Error> {
        let rows = self.0.backend.events(from, limit).await?;
        let damaged =
            |row: backend::Unreadable| Error::LedgerDamaged { what: format!("event {}: {}", row.seq, row.what) };
        rows.into_iter().map(|row| row.map_err(damaged)).collect()
    }

    /// Everything registered as it was known at `known_at`: of each record the latest version recorded by then.
    ///
    /// # Errors
    /// When the database refuses, or holds a state that no ledger writes.
    pub async fn registry_known_at(&self, known_at: RecordedAt) -> Result<Registry, Error> {
        let mut rows = self.0.backend.registry_rows(Sequence::ZERO).await?;
        rows.retain(|row| row.recorded_at_ms <= known_at.millis());
        restore(Registry::default(), rows).await
    }

    /// Takes up what another process appended meanwhile, and writes down when tokens were used. Cheap when nothing
    /// happened: to be called every few seconds while the ledger is open.
    ///
    /// # Errors
    /// When the database refuses, or holds a state that no ledger writes.
    pub async fn refresh(&self) -> Result<(), Error> {
        self.0.save_uses().await?;
        self.catch_up().await
    }

    /// Takes up what another process appended meanwhile.
    async fn catch_up(&self) -> Result<(), Error> {
        if self.0.backend.head().await? != self.head() {
            let _appending = self.0.appending.lock().await;
            self.0.reload().await?;
        }
        Ok(())
    }

    /// Writes a consistent copy of the whole ledger to the file `path`, which must not exist, while it is in use.
    ///
    /// # Errors
    /// When `path` exists, or the copy cannot be written.
    pub async fn backup_to(&self, path: &Path) -> Result<(), Error> {
        self.0.save_uses().await?;
        self.0.backend.backup_to(path).await
    }

    /// Lets go of the file, once what is being written is written.
    ///
    /// # Errors
    /// When the last notes about the use of tokens cannot be written.
    pub async fn close(&self) -> Result<(), Error> {
        let _appending = self.0.appending.lock().await;
        let saved = self.0.save_uses().await;
        self.0.backend.close().await;
        saved
    }
}

impl Inner {
    /// The head kept beside the events must be the last event's: the cheap part of `verify`, at every start.
    async fn check_end(&self) -> Result<(), Error> {
        let head = self.backend.head().await?;
        let last = match head.seq {
            Sequence::ZERO => Some(Checkpoint::genesis()),
            seq => match self.backend.events(seq, 2).await?.as_slice() {
                [Ok(event)] if event.hash == event.expected_hash() => Some(event.checkpoint()),
                _ => None,
            },
        };
        if last == Some(head) {
            return Ok(());
        }
        Err(Error::LedgerDamaged { what: format!("its end, event {}, is not what was written", head.seq) })
    }

    /// Takes up what the database has beyond the current snapshot. The appender's lock is held, or nobody else is
    /// there yet.
    async fn reload(&self) -> Result<(), Error> {
        let known = self.current.borrow().clone();
        let head = self.backend.head().await?;
        let rows = self.backend.registry_rows(known.head.seq).await?;
        let registry = Arc::new(restore((*known.registry).clone(), rows).await?);
        let holds = holds::restore(known.holds, self.backend.hold_rows(known.head.seq).await?).await?;
        let access = Arc::new(self.load_access().await?);
        self.current.send_replace(Snapshot { head, registry, holds, access });
        Ok(())
    }

    async fn load_access(&self) -> Result<Access, Error> {
        Access::new(self.backend.tokens().await?, self.backend.users().await?, self.backend.locks().await?)
    }

    async fn save_uses(&self) -> Result<(), Error> {
        let drained = |noted: &Mutex<HashMap<String, i64>>| {
            noted.lock().unwrap_or_else(PoisonError::into_inner).drain().collect::<Vec<_>>()
        };
        let uses = Uses { tokens: drained(&self.uses), sessions: drained(&self.seen) };
        if uses.tokens.is_empty() && uses.sessions.is_empty() { Ok(()) } else { self.backend.save_uses(&uses).await }
    }
}

/// Puts `rows` into `registry`, off the runtime's threads.
async fn restore(mut registry: Registry, rows: Vec<RegistryRow>) -> Result<Registry, Error> {
    if rows.is_empty() {
        return Ok(registry);
    }
    let work = move || {
        for row in rows {
            let damaged = |what: String| Error::LedgerDamaged {
                what: format!("{} `{}` version {}: {what}", row.kind, row.key, row.version),
            };
            let kind = Kind::parse(&row.kind).ok_or_else(|| damaged("its kind is unknown".into()))?;
            let body: Value = serde_json::from_str(&row.body).map_err(|cause| damaged(cause.to_string()))?;
            let version = u32::try_from(row.version).map_err(|cause| damaged(cause.to_string()))?;
            let told = |problems: Vec<Problem>| damaged(problems.first().map(ToString::to_string).unwrap_or_default());
            registry.restore(kind, &body, version, RecordedAt::from_millis(row.recorded_at_ms)).map_err(told)?;
        }
        Ok(registry)
    };
    tokio::task::spawn_blocking(work).await.map_err(|source| Error::LedgerTask { source })?
}
