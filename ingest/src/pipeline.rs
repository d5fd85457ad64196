//! From the journal to the lake: decode, admit, keep in the tail, flush, prune.
//!
//! Order of durable steps for one message: 1. its frame is fsynced in the journal; 2. its acknowledgement goes out;
//! 3. its rows are in the tail and in answers; 4. a flush writes and commits them (see `store::lake`); 5. only then its
//! journal segment may go (invariant D3). After a crash everything from the last committed position is decoded again.

mod attempts;
mod decoding;
mod flushing;
mod observer;
mod receipts;
mod upkeep;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use model::reading::Observation;
use store::journal::{Journal, JournalOptions, Position};
use store::lake::Lake;
use store::newest::Newest;
use store::tail::Tail;
use store::view::{Readable, View};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

pub use observer::Watched;
pub use receipts::Receipts;

use crate::Error;
use crate::clock::Clock;
use attempts::Attempts;
use observer::Observer;

/// Limits and rhythms of a pipeline. All have a default.
#[derive(Clone, Debug)]
pub struct PipelineOptions {
    /// The tail is flushed when it has grown to this, bytes.
    pub flush_bytes: usize,
    /// The tail is flushed when it has waited this long.
    pub flush_after: Duration,
    /// The tail holds about this at most, bytes, the part being flushed included. Decoding then waits for a flush.
    ///
    /// While flushes are merely slow the journal waits with it, once [`JournalOptions::feed_bytes`] are not decoded:
    /// senders wait for their acknowledgements. When flushes fail nobody waits but decoding: messages go on being
    /// acknowledged and journaled, up to [`JournalOptions::max_bytes`], and are decoded from disk later.
    pub tail_bytes: usize,
    /// A flush that has been under way for longer than this counts as failing, as when an object store hangs.
    pub flush_patience: Duration,
    /// How many sensor names one gateway may use.
    pub names_per_gateway: usize,
    /// How long a query waits for decoding to catch up before it is told to come again.
    pub view_wait: Duration,
    /// How often closed days are compacted and old files removed.
    pub maintain_every: Duration,
    /// The day still being written is compacted when it has over so many small files.
    pub busy_day_files: usize,
}

impl Default for PipelineOptions {
    fn default() -> Self {
        Self {
            flush_bytes: 64 << 20,
            flush_after: Duration::from_secs(60),
            tail_bytes: 256 << 20,
            flush_patience: Duration::from_secs(60),
            names_per_gateway: 10_000,
            view_wait: Duration::from_secs(20),
            maintain_every: Duration::from_secs(60),
            busy_day_files: 16,
        }
    }
}

/// The running pipeline. Cheap to clone.
#[derive(Clone)]
pub struct Pipeline {
    shared: Arc<Shared>,
}

/// Counts since the start, of readings (a message refused whole counts as one rejection).
#[derive(Debug, Default)]
pub struct Counts {
    received: AtomicU64,
    admitted: AtomicU64,
    duplicate: AtomicU64,
    rejected: AtomicU64,
    flushes: AtomicU64,
}

/// A moment of [`Counts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CountsNow {
    /// Taken from the journal.
    pub received: u64,
    /// Kept, late ones that turned out to be duplicates later included.
    pub admitted: u64,
    /// Dropped because known already.
    pub duplicate: u64,
    /// Refused.
    pub rejected: u64,
    /// Flushes committed.
    pub flushes: u64,
}

struct Shared {
    options: PipelineOptions,
    journal: Journal,
    lake: Lake,
    tail: Mutex<Tail>,
    /// Everything up to here is in the tail or the lake.
    decoded: watch::Sender<Position>,
    /// Everything up to here has been told to whoever observes.
    told: AtomicU64,
    /// Set when decoding ended with an error.
    stopped: watch::Sender<bool>,
    counts: Counts,
    receipts: Receipts,
    newest: Newest,
    clock: Clock,
    flush_wanted: Notify,
    observer: RwLock<Option<Observer>>,
    /// One flush at a time.
    writing: tokio::sync::Mutex<()>,
    attempts: Attempts,
    /// Whether [`Pipeline::run`] runs: a full tail gets room some time.
    is_flushed: AtomicBool,
    runtime: tokio::runtime::Handle,
}

impl Pipeline {
    /// Opens the journal in `journal_dir` over an open lake and starts decoding and flushing on this runtime.
    ///
    /// Replays what is not in the lake yet; answers are complete once [`Pipeline::caught_up`] returns.
    ///
    /// # Errors
    /// When the journal is damaged or does not belong to this lake.
    pub fn start(
        journal_dir: PathBuf,
        journal: JournalOptions,
        lake: Lake,
        options: PipelineOptions,
        clock: Clock,
    ) -> Result<(Self, store::journal::Recovery), Error> {
        let flushed = lake.flushed_to().unwrap_or(Position::ZERO);
        let (journal, recovery) = Journal::resume(&journal_dir, journal, flushed)?;
        let feed = journal.feed(flushed.next())?;
        let tail = Tail::new(lake.newest());
        let shared = Arc::new(Shared {
            newest: Newest::over(tail.names().clone()),
            tail: Mutex::new(tail),
            decoded: watch::Sender::new(flushed),
            told: AtomicU64::new(flushed.get()),
            stopped: watch::Sender::new(false),
            counts: Counts::default(),
            receipts: Receipts::default(),
            flush_wanted: Notify::new(),
            observer: RwLock::default(),
            writing: tokio::sync::Mutex::new(()),
            attempts: Attempts::default(),
            is_flushed: AtomicBool::new(false),
            runtime: tokio::runtime::Handle::current(),
            options,
            journal,
            lake,
            clock,
        });
        decoding::start(Arc::clone(&shared), feed)?;
        Ok((Self { shared }, recovery))
    }

    /// Flushes and maintains the lake until `stop`, then flushes what is left.
    ///
    /// # Errors
    /// When the last flush fails: the readings are in the journal and the next start takes them up.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), Error> {
        flushing::run(&self.shared, stop).await
    }

    /// The journal the doors append to.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.shared.journal
    }

    /// The lake.
    #[must_use]
    pub fn lake(&self) -> &Lake {
        &self.shared.lake
    }

    /// Tells `watched` readings from now on, group by group as they are decoded; decoding waits when they are not
    /// taken. The last to ask is told.
    #[must_use]
    pub fn observe(&self, watched: Watched) -> mpsc::Receiver<Vec<Observation>> {
        let (observer, told) = Observer::new(watched);
        *self.shared.observer.write().unwrap_or_else(PoisonError::into_inner) = Some(observer);
        told
    }

    /// Everything up to this position has been told to whoever observes.
    #[must_use]
    pub fn told(&self) -> Position {
        Position::new(self.shared.told.load(Ordering::Acquire))
    }

    /// Waits until everything that was durable when asked has been decoded.
    ///
    /// # Errors
    /// When decoding has stopped, or does not get there in [`PipelineOptions::view_wait`].
    pub async fn caught_up(&self) -> Result<Position, store::Error> {
        let asked = self.shared.journal.durable().borrow().position;
        let mut decoded = self.shared.decoded.subscribe();
        let mut stopped = self.shared.stopped.subscribe();
        let reached = tokio::time::timeout(self.shared.options.view_wait, async {
            tokio::select! {
                _ = decoded.wait_for(|decoded| *decoded >= asked) => Ok(asked),
                _ = stopped.wait_for(|stopped| *stopped) => Err(store::Error::DecodingStopped),
            }
        });
        reached.await.unwrap_or(Err(store::Error::DecodingBehind))
    }

    /// Flushes now and waits for it.
    ///
    /// # Errors
    /// When the flush fails; it is tried again by itself.
    pub async fn flush(&self) -> Result<(), Error> {
        // In a task of its own, and not on threads for questions: one that is given up, or has to be polite, must not
        // leave a flush half done.
        let shared = Arc::clone(&self.shared);
        match self.shared.runtime.spawn(async move { flushing::flush(&shared).await }).await {
            Ok(flushed) => flushed,
            Err(join) => std::panic::resume_unwind(join.into_panic()),
        }
    }

    /// What has been counted so far.
    #[must_use]
    pub fn counts(&self) -> CountsNow {
        let counts = &self.shared.counts;
        let now = |count: &AtomicU64| count.load(Ordering::Relaxed);
        CountsNow {
            received: now(&counts.received),
            admitted: now(&counts.admitted),
            duplicate: now(&counts.duplicate),
            rejected: now(&counts.rejected),
            flushes: now(&counts.flushes),
        }
    }

    /// How many messages are durable and not decoded yet.
    #[must_use]
    pub fn lag(&self) -> u64 {
        let durable = self.shared.journal.durable().borrow().position;
        durable.get().saturating_sub(self.shared.decoded.borrow().get())
    }

    /// Whether messages are decoded: `false` after decoding ended with an error.
    #[must_use]
    pub fn is_decoding(&self) -> bool {
        !*self.shared.stopped.borrow()
    }

    /// The clock of this pipeline's doors.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// The newest reading of every sensor, as far as it was decoded since the start.
    #[must_use]
    pub fn newest(&self) -> &Newest {
        &self.shared.newest
    }

    /// What became of messages that came over HTTP.
    #[must_use]
    pub fn receipts(&self) -> &Receipts {
        &self.shared.receipts
    }
}

#[async_trait]
impl Readable for Pipeline {
    async fn view(&self) -> Result<View, store::Error> {
        self.caught_up().await?;
        self.shared.lake.settle_late(&self.shared.tail).await?;
        let unmarked = !self.shared.tail().conflicts_in_lake().is_empty();
        if unmarked {
            // Rows of the lake are to be shown as conflicts; the next flush marks them. It is rare, and quick.
            if let Err(error) = self.flush().await {
                tracing::warn!(%error, "a flush failed; rows of the lake that are in conflict are not marked yet");
            }
        }
        let (mut view, batches) = {
            let tail = self.shared.tail();
            (self.shared.lake.view(), tail.batches())
        };
        let made = tokio::task::spawn_blocking(move || Ok::<_, store::Error>((batches.rejected()?, batches)));
        let (rejected, readings) = match made.await {
            Ok(made) => made?,
            Err(join) => std::panic::resume_unwind(join.into_panic()),
        };
        view.readings.tail = Arc::new(readings);
        view.rejected.tail = Arc::new(vec![rejected]);
        Ok(view)
    }
}

impl Shared {
    fn observer(&self) -> Option<Observer> {
        self.observer.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tail(&self) -> std::sync::MutexGuard<'_, Tail> {
        // The tail is only changed by calls that leave it whole.
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
