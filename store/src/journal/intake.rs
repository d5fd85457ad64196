//! Where appends go: the buffer that becomes the next commit, and the limits that guard it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::{Delivery, JournalOptions, Position, Refused, Ticket, frame};

/// The shared end of the journal: many append, one writer takes.
pub(super) struct Intake {
    inner: Mutex<Inner>,
    /// Wakes the writer.
    work: Condvar,
    /// Wakes those who wait for room.
    room: Notify,
    /// A copy of "would take a message now" that needs no lock.
    open: AtomicBool,
    mark: u32,
    buffer_bytes: usize,
    message_bytes: usize,
    max_bytes: u64,
}

struct Inner {
    phase: Phase,
    epoch: u64,
    /// The frames of the next commit.
    bytes: Vec<u8>,
    /// The first position of the next commit.
    commit: Position,
    /// The position the next message gets.
    next: Position,
    /// Bytes taken by the writer and not yet fsynced.
    in_flight: usize,
    /// Bytes of all segments.
    on_disk: u64,
    /// Whether the writer sleeps, and must be woken by the next append.
    idle: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    Stalled,
    Closed,
}

/// What the writer has to do.
pub(super) enum Work {
    /// Commit these frames.
    Commit { bytes: Vec<u8>, first: Position, last: Position },
    /// End: everything taken has been committed.
    End,
}

impl Intake {
    /// An intake that stands still until [`Intake::resume`].
    pub(super) fn new(options: &JournalOptions, mark: u32, next: Position, on_disk: u64) -> Self {
        let inner = Inner {
            phase: Phase::Stalled,
            epoch: 1,
            bytes: Vec::new(),
            commit: next,
            next,
            in_flight: 0,
            on_disk,
            idle: false,
        };
        Self {
            inner: Mutex::new(inner),
            work: Condvar::new(),
            room: Notify::new(),
            open: AtomicBool::new(false),
            mark,
            buffer_bytes: options.buffer_bytes,
            message_bytes: options.message_bytes,
            max_bytes: options.max_bytes,
        }
    }

    /// Takes a message into the next commit.
    pub(super) fn append(&self, delivery: &Delivery<'_>) -> Result<Ticket, Refused> {
        let longest = usize::from(u16::MAX);
        let len = delivery.client.len() + delivery.topic.len() + delivery.payload.len();
        if len > self.message_bytes || delivery.client.len() > longest || delivery.topic.len() > longest {
            return Err(Refused::TooLarge);
        }
        let mut inner = self.lock();
        match inner.phase {
            Phase::Running => {}
            Phase::Stalled => return Err(Refused::Stalled),
            Phase::Closed => return Err(Refused::Closed),
        }
        if !self.has_room(&inner) {
            return Err(Refused::Full);
        }
        let Inner { bytes, commit, next, .. } = &mut *inner;
        let position = *next;
        frame::encode(bytes, self.mark, position, *commit, delivery);
        *next = position.next();
        let ticket = Ticket { position, epoch: inner.epoch };
        if !self.has_room(&inner) {
            self.open.store(false, Ordering::Release);
        }
        let wake = std::mem::take(&mut inner.idle);
        drop(inner);
        if wake {
            self.work.notify_one();
        }
        Ok(ticket)
    }

    /// Whether an append would be taken now.
    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Waits until an append would be taken, or never again.
    pub(super) async fn room(&self) {
        loop {
            let notified = self.room.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if self.is_open() || self.is_closed() {
                return;
            }
            notified.await;
        }
    }

    /// Waits for the frames of the next commit, and puts `spare` in their place.
    pub(super) fn take(&self, mut spare: Vec<u8>) -> Work {
        spare.clear();
        let mut inner = self.lock();
        while inner.bytes.is_empty() {
            if inner.phase == Phase::Closed {
                return Work::End;
            }
            inner.idle = true;
            inner = self.work.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        inner.idle = false;
        let bytes = std::mem::replace(&mut inner.bytes, spare);
        let first = inner.commit;
        let last = Position::new(inner.next.get() - 1);
        inner.commit = inner.next;
        inner.in_flight = bytes.len();
        Work::Commit { bytes, first, last }
    }

    /// The frames taken last are on disk, `grown` bytes of it.
    pub(super) fn committed(&self, grown: u64) {
        let mut inner = self.lock();
        inner.in_flight = 0;
        inner.on_disk += grown;
        self.reopen(&inner);
    }

    /// A segment was created, with a header of `bytes` bytes.
    pub(super) fn grew(&self, bytes: u64) {
        self.lock().on_disk += bytes;
    }

    /// The frames taken last, and those that came meanwhile, will never be on disk: positions go on from `next`.
    /// Gives the new epoch.
    pub(super) fn fail(&self, next: Position) -> u64 {
        let mut inner = self.lock();
        if inner.phase == Phase::Running {
            inner.phase = Phase::Stalled;
        }
        inner.epoch += 1;
        inner.bytes.clear();
        inner.in_flight = 0;
        inner.commit = next;
        inner.next = next;
        self.reopen(&inner);
        inner.epoch
    }

    /// A segment is there to be written: appends are taken (again).
    pub(super) fn resume(&self) {
        let mut inner = self.lock();
        if inner.phase == Phase::Stalled {
            inner.phase = Phase::Running;
        }
        self.reopen(&inner);
    }

    /// Segments of `bytes` bytes were removed.
    pub(super) fn freed(&self, bytes: u64) {
        let mut inner = self.lock();
        inner.on_disk = inner.on_disk.saturating_sub(bytes);
        self.reopen(&inner);
    }

    /// Bytes of all segments.
    pub(super) fn on_disk(&self) -> u64 {
        self.lock().on_disk
    }

    /// Takes no message from now on.
    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.phase = Phase::Closed;
        self.reopen(&inner);
        drop(inner);
        self.room.notify_waiters();
        self.work.notify_all();
    }

    /// Whether [`Intake::close`] was called.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().phase == Phase::Closed
    }

    /// Sleeps for `pause`, or until the intake is closed.
    pub(super) fn pause(&self, pause: Duration) {
        let inner = self.lock();
        let closed = self.work.wait_timeout_while(inner, pause, |inner| inner.phase != Phase::Closed);
        drop(closed.unwrap_or_else(PoisonError::into_inner));
    }

    fn has_room(&self, inner: &Inner) -> bool {
        let unsynced = inner.bytes.len() + inner.in_flight;
        unsynced < self.buffer_bytes && inner.on_disk + (unsynced as u64) < self.max_bytes
    }

    fn reopen(&self, inner: &Inner) {
        let open = inner.phase == Phase::Running && self.has_room(inner);
        if self.open.swap(open, Ordering::AcqRel) != open && open {
            self.room.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No code under the lock stops half-way, so what a panicking thread left behind is whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
