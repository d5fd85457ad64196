//! The appender: prepares what to write against the newest state, seals it to the chain, makes it durable.

use std::sync::Arc;

use model::hold::Holds;
use model::instant::RecordedAt;
use model::registry::Registry;

use super::backend::{Commit, Outcome};
use super::event::{Draft, seal};
use super::holds::rows::HoldRows;
use super::projection::{StateChange, project};
use super::{Inner, Ledger, Snapshot};
use crate::Error;
use crate::journal::Position;

/// How often a write is prepared again because another process was faster.
const ATTEMPTS: usize = 10;

/// What a write comes to, once the newest state is known.
pub(super) enum Prepared<T> {
    /// There is nothing to write.
    Nothing(T),
    /// This is to be written; then the answer holds.
    Write(Writing, T),
}

/// What is to be written.
pub(super) struct Writing {
    /// The events.
    pub(super) drafts: Vec<Draft>,
    /// The registry afterwards, if it changes.
    pub(super) registry: Option<Registry>,
    /// Password hashes the events refer to: (account, Argon2id string).
    pub(super) passwords: Vec<(String, String)>,
    /// How far the evaluator has looked, if it is the evaluator who writes.
    pub(super) position: Option<Position>,
}

impl Writing {
    /// Events that do not change the registry.
    pub(super) const fn of(drafts: Vec<Draft>) -> Self {
        Self { drafts, registry: None, passwords: Vec::new(), position: None }
    }
}

impl Ledger {
    /// Writes what `prepare` makes of the newest state and the time it is.
    ///
    /// It runs in a task of its own: a caller that goes away in the middle must not leave memory behind the disk.
    pub(super) async fn append<T, F>(&self, prepare: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&Snapshot, RecordedAt) -> Prepared<T> + Send + Sync + 'static,
    {
        let inner = self.0.clone();
        let task = tokio::spawn(async move { inner.append(Arc::new(prepare)).await });
        task.await.map_err(|source| Error::LedgerTask { source })?
    }
}

impl Inner {
    async fn append<T, F>(&self, prepare: Arc<F>) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Fn(&Snapshot, RecordedAt) -> Prepared<T> + Send + Sync + 'static,
    {
        let _appending = self.appending.lock().await;
        for _ in 0..ATTEMPTS {
            let snapshot = self.current.borrow().clone();
            let recorded_at = (self.clock)();
            let (prepare, before) = (prepare.clone(), snapshot.clone());
            let work = move || -> Result<_, Error> {
                Ok(match prepare(&before, recorded_at) {
                    Prepared::Nothing(answer) => (None, answer),
                    Prepared::Write(writing, answer) => (Some(sealed(writing, &before, recorded_at)?), answer),
                })
            };
            let prepared = tokio::task::spawn_blocking(work).await.map_err(|source| Error::LedgerTask { source })??;
            let (Some(sealed), answer) = prepared else { return Ok(prepared.1) };
            match self.backend.commit(&sealed.commit).await {
                Ok(Outcome::Done) => {
                    self.publish(&snapshot, sealed).await?;
                    return Ok(answer);
                }
                Ok(Outcome::Moved) => self.reload().await?,
                Err(cause) => {
                    // Whether it was written is not known: memory follows the database, as far as that answers.
                    if let Err(again) = self.reload().await {
                        tracing::warn!(error = %again, "the ledger could not be read after a failed write");
                    }
                    return Err(cause);
                }
            }
        }
        Err(Error::LedgerBusy)
    }

    /// Shows everybody what was made durable.
    async fn publish(&self, before: &Snapshot, sealed: Sealed) -> Result<(), Error> {
        let Sealed { commit, registry, holds } = sealed;
        let head = commit.events.last().map_or(before.head, |(event, _)| event.checkpoint());
        let registry = registry.map_or_else(|| before.registry.clone(), Arc::new);
        let silent = |change: &StateChange| {
            matches!(change, StateChange::RegistryPut(_) | StateChange::Held { .. } | StateChange::Nothing)
        };
        let access = if commit.events.iter().all(|(_, change)| silent(change)) {
            before.access.clone()
        } else {
            Arc::new(self.load_access().await?)
        };
        self.current.send_replace(Snapshot { head, registry, holds, access });
        Ok(())
    }
}

/// What is to be made durable, and the state afterwards.
struct Sealed {
    commit: Commit,
    registry: Option<Registry>,
    holds: Holds,
}

/// Chains what is to be written to the end of `before`.
fn sealed(writing: Writing, before: &Snapshot, recorded_at: RecordedAt) -> Result<Sealed, Error> {
    let damaged = |what| Error::LedgerDamaged { what };
    let mut events = Vec::with_capacity(writing.drafts.len());
    let (mut holds, mut rows) = (before.holds.clone(), HoldRows::default());
    for event in seal(writing.drafts, before.head, recorded_at) {
        let change = project(&event).map_err(damaged)?;
        if let StateChange::Held { event, seq, at } = &change {
            for touched in event.clone().apply(&mut holds, *at).map_err(damaged)? {
                rows.add(&touched, &holds, *seq);
            }
        }
        events.push((event, change));
    }
    let Writing { registry, passwords, position, .. } = writing;
    Ok(Sealed { commit: Commit { head: before.head, events, passwords, rows, position }, registry, holds })
}
