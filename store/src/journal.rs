//! The journal: a write-ahead log of raw messages. What it calls durable has been fsynced (invariant D1).
//!
//! Appends go into a buffer in memory. One thread writes all that came as one commit, fsyncs it, publishes how far
//! the journal is durable, and hands the commit to the [`Feed`]. A message is acknowledged when [`Durable::covers`] says
//! so, and not before. After a failed write or fsync nothing of that commit is acknowledged, the file is not touched
//! again, the epoch rises, and a new segment is tried until the disk takes it.
//!
//! What is on disk is described byte for byte in `docs/formats.md`. Everything read back is checked (invariant D5).

mod copy;
mod delivery;
mod disk;
mod durable;
mod feed;
mod frame;
mod group;
mod inspect;
mod intake;
mod options;
mod queue;
mod recovery;
mod resume;
mod segment;
mod segments;
mod set_aside;
mod survey;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::watch;

pub use copy::copy;
pub use delivery::{Delivery, Entry, Gap, Journaled, Position, Source};
pub use disk::{Disk, Output, RealDisk};
pub use durable::{Durable, NotDurable, Refused, Settled, Ticket};
pub use feed::{Fed, Feed};
pub use group::{Entries, Group};
pub use options::JournalOptions;
pub use recovery::{Recovery, check};
pub use set_aside::{SetAside, set_aside};

use crate::Error;
use group::Pool;
use intake::Intake;
use queue::Queue;
use recovery::{Recovered, recover};
use segments::Segments;
use writer::{Shared, Writer};

/// The write-ahead log. Cheap to clone; closes when the last clone is dropped.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
    thread: Arc<WriterThread>,
}

impl Journal {
    /// Opens the journal in `dir`, creating the directory when missing, and repairs a torn end.
    ///
    /// When the disk has no room for the first segment the journal opens all the same, stalled, and goes on by itself.
    ///
    /// # Errors
    /// Damage and breaks in the chain of segments, with file, offset and remedy; the disk's own failures.
    pub fn open(dir: &Path, options: JournalOptions) -> Result<(Self, Recovery), Error> {
        Self::open_on(Arc::new(RealDisk), dir, options)
    }

    /// As [`Journal::open`], on a disk of the caller's.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn open_on(disk: Arc<dyn Disk>, dir: &Path, options: JournalOptions) -> Result<(Self, Recovery), Error> {
        options.check()?;
        std::fs::create_dir_all(dir).map_err(|source| Error::Io { action: "create", path: dir.to_owned(), source })?;
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            disk.sync_dir(parent).map_err(|source| Error::Io { action: "fsync", path: parent.to_owned(), source })?;
        }
        let Recovered { recovery, segments, mark, current } = recover(dir, disk.as_ref(), options.first)?;
        let position = recovery.last;
        let shared = Arc::new(Shared {
            dir: dir.to_owned(),
            disk,
            mark,
            intake: Intake::new(&options, mark, position.next(), recovery.bytes),
            segments: Segments::new(segments),
            queue: Queue::new(options.feed_bytes),
            pool: Arc::new(Pool::new(options.buffer_bytes)),
            durable: watch::Sender::new(Durable { position, epoch: 1, rose_at: position }),
        });
        let writer = Writer::new(Arc::clone(&shared), current, options.segment_bytes);
        let thread = std::thread::Builder::new()
            .name("journal-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|source| Error::Io { action: "start the writer of", path: dir.to_owned(), source })?;
        let thread = WriterThread { shared: Arc::clone(&shared), handle: Mutex::new(Some(thread)) };
        Ok((Self { shared, thread: Arc::new(thread) }, recovery))
    }

    /// Takes a message into the next commit. Copies it; never waits.
    ///
    /// # Errors
    /// [`Refused`] when it cannot be taken now; nothing of it is kept.
    pub fn append(&self, delivery: &Delivery<'_>) -> Result<Ticket, Refused> {
        self.shared.intake.append(delivery)
    }

    /// How far the journal is durable, to be watched.
    #[must_use]
    pub fn durable(&self) -> watch::Receiver<Durable> {
        self.shared.durable.subscribe()
    }

    /// Whether appends are accepted now. Cheap: to be asked before reading more from a socket.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.shared.intake.is_open()
    }

    /// Whether [`Journal::close`] was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.intake.is_closed()
    }

    /// Waits until appends are accepted (again). Returns at once when the journal is closed.
    pub async fn room(&self) {
        self.shared.intake.room().await;
    }

    /// Appends and waits until the message is durable. When the journal is full it waits for room; when it is
    /// stalled it does not.
    ///
    /// # Errors
    /// [`NotDurable`] when the message is not on disk and will not be.
    pub async fn durably(&self, delivery: &Delivery<'_>) -> Result<Position, NotDurable> {
        let mut durable = self.durable();
        let ticket = loop {
            match self.append(delivery) {
                Ok(ticket) => break ticket,
                Err(Refused::Full) => self.room().await,
                Err(refused) => return Err(refused.into()),
            }
        };
        let settled = durable.wait_for(|durable| durable.covers(ticket) != Settled::Pending).await;
        match settled.map(|durable| durable.covers(ticket)) {
            Ok(Settled::Durable) => Ok(ticket.position),
            _ => Err(NotDurable::Lost),
        }
    }

    /// Everything from `from` on: first from disk, then as it is committed. One at a time: while it lives, the
    /// writer waits when the feed is [`JournalOptions::feed_bytes`] behind.
    ///
    /// # Errors
    /// When `from` is not in the journal any more, or beyond the next position, or another feed is alive.
    pub fn feed(&self, from: Position) -> Result<Feed, Error> {
        let durable = self.shared.durable.borrow().position;
        let first = self.shared.segments.first().unwrap_or(durable.next());
        if from < first || from > durable.next() {
            return Err(Error::JournalPosition { wanted: from.get(), first: first.get(), last: durable.get() });
        }
        if !self.shared.queue.claim() {
            return Err(Error::JournalFed);
        }
        Ok(Feed::new(Arc::clone(&self.shared), from))
    }

    /// Removes the segments whose last position is `up_to` or before, oldest first; never the one being written.
    /// Gives the bytes it freed.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn prune(&self, up_to: Position) -> Result<u64, Error> {
        let mut freed = 0;
        for gone in self.shared.segments.prunable(up_to) {
            let path = segment::path(&self.shared.dir, gone.first);
            self.shared.disk.remove(&path).map_err(|source| Error::Io { action: "remove", path, source })?;
            self.shared.segments.remove(gone);
            self.shared.intake.freed(gone.end);
            freed += gone.end;
        }
        if freed > 0 {
            let dir = &self.shared.dir;
            self.shared.disk.sync_dir(dir).map_err(|source| Error::Io {
                action: "fsync",
                path: dir.clone(),
                source,
            })?;
        }
        Ok(freed)
    }

    /// Bytes of all segments.
    #[must_use]
    pub fn bytes_on_disk(&self) -> u64 {
        self.shared.intake.on_disk()
    }

    /// Refuses appends from now on, commits what was taken, and ends the writer. Blocks for that long.
    pub fn close(&self) {
        self.thread.end();
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("dir", &self.shared.dir).finish_non_exhaustive()
    }
}

/// Ends the writer when the last clone of the journal goes.
struct WriterThread {
    shared: Arc<Shared>,
    handle: Mutex<Option<JoinHandle<()>>>,
}

impl WriterThread {
    fn end(&self) {
        self.shared.intake.close();
        self.shared.queue.close();
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if handle.is_some_and(|handle| handle.join().is_err()) {
            tracing::error!("the journal's writer had panicked: what it had not made durable is not acknowledged");
        }
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.end();
    }
}
