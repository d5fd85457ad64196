//! Bytes in and out of one connected client: the loop that reads, writes, and waits for the disk, all at once.
//!
//! One `select!` does everything that waits, so nothing can starve anything: a client that writes without reading,
//! a journal without room, a takeover, a silent peer.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use store::journal::{Durable, Position};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{oneshot, watch};
use tokio::time::{Duration, Instant, sleep_until};

use super::ended::Ended;
use super::session::{Session, Taken};
use super::stream::Stream;
use super::{Limits, Shared};

/// The read buffer of an idle connection, bytes: thousands of them are idle at any time.
pub(super) const READ_MIN_BYTES: usize = 1024;

/// How far the read buffer grows under load, bytes, before a single packet makes it grow further.
const READ_MAX_BYTES: usize = 32 * 1024;

/// How long a connection must be quiet before the memory of its last burst is given back.
const QUIET: Duration = Duration::from_secs(5);

/// How long owed acknowledgements are waited for after the client said goodbye or closed its side.
const SETTLE_WITHIN: Duration = Duration::from_secs(5);

/// The same when we stop.
const SETTLE_AT_STOP_WITHIN: Duration = Duration::from_secs(1);

/// The socket of a connected client and what is on its way through it.
#[derive(Debug)]
pub(super) struct Traffic {
    pub(super) stream: Stream,
    pub(super) out: BytesMut,
    pub(super) session: Session,
    input: BytesMut,
    keep_alive: Duration,
    read_bytes: usize,
    /// When bytes last came, or reading was last not ours to do.
    last_heard: Instant,
    /// Since when bytes to be written make no progress.
    unread_since: Option<Instant>,
    needs_flush: bool,
    /// When to see whether the memory of a burst can be given back.
    shrink_at: Option<Instant>,
    /// The journal has no room; nothing is taken nor read until it has.
    waits_for_room: bool,
    /// Why the connection ends, and until when owed acknowledgements are waited for.
    ending: Option<(Ended, Instant)>,
}

/// The watch of the null path, on which nobody ever waits: what is owed there is owed at once.
fn nothing_to_wait_for() -> watch::Receiver<Durable> {
    watch::channel(Durable { position: Position::ZERO, epoch: 0, rose_at: Position::ZERO }).1
}

/// What the socket did.
enum Moved {
    Read(usize),
    Wrote,
}

impl Traffic {
    pub(super) fn new(stream: Stream, input: BytesMut, out: BytesMut, session: Session, keep_alive: Duration) -> Self {
        Self {
            stream,
            out,
            session,
            input,
            keep_alive,
            read_bytes: READ_MIN_BYTES,
            last_heard: Instant::now(),
            unread_since: None,
            needs_flush: false,
            shrink_at: None,
            waits_for_room: false,
            ending: None,
        }
    }

    /// Runs until the connection ends; what is left to say is in `out`.
    pub(super) async fn run(&mut self, shared: &Shared, mut told_to_end: oneshot::Receiver<Ended>) -> Ended {
        let mut durable = shared.sink.durable().unwrap_or_else(nothing_to_wait_for);
        let mut timer = pin!(sleep_until(self.next_deadline(&shared.limits)));
        let mut was_given_room = false;
        loop {
            let is_held = self.take(shared) == Taken::Enough;
            if self.session.owes() {
                let state = *durable.borrow_and_update();
                if let Err(ended) = self.session.settle(&state, &mut self.out) {
                    return ended;
                }
            }
            if let Some(ended) = self.finished() {
                return ended;
            }
            if is_held && self.session.may_take(&self.out) {
                continue;
            }
            // A closed journal gives room at once and never opens: then the next append ends the connection.
            if !was_given_room && !shared.sink.is_open() {
                self.waits_for_room = true;
            }
            was_given_room = false;
            let is_ending = self.ending.is_some();
            let may_read = !is_ending && !is_held && !self.waits_for_room;
            let deadline = self.next_deadline(&shared.limits);
            if deadline < timer.deadline() {
                timer.as_mut().reset(deadline);
            }
            tokio::select! {
                biased;
                told = &mut told_to_end, if !is_ending => self.end(told.unwrap_or(Ended::Shutdown)),
                () = &mut timer => {
                    self.on_timer(&shared.limits, may_read);
                    timer.as_mut().reset(self.next_deadline(&shared.limits));
                }
                moved = self.moved(may_read) => self.on_moved(moved),
                changed = durable.changed(), if self.session.owes() => {
                    if changed.is_err() {
                        return Ended::Lost;
                    }
                }
                () = shared.sink.room(), if self.waits_for_room && !is_ending => {
                    self.waits_for_room = false;
                    was_given_room = true;
                }
            }
        }
    }

    /// Takes what is buffered.
    fn take(&mut self, shared: &Shared) -> Taken {
        if self.ending.is_some() || self.waits_for_room || self.input.is_empty() {
            return Taken::All;
        }
        match self.session.take(&mut self.input, &mut self.out, shared.clock.now()) {
            Ok(taken) => {
                self.waits_for_room = taken == Taken::NoRoom;
                taken
            }
            Err(ended) => {
                self.end(ended);
                Taken::All
            }
        }
    }

    fn end(&mut self, ended: Ended) {
        let within = if ended == Ended::Shutdown { SETTLE_AT_STOP_WITHIN } else { SETTLE_WITHIN };
        self.ending.get_or_insert((ended, Instant::now() + within));
    }

    /// Why the connection is over, once everything that was to be waited for is there.
    fn finished(&self) -> Option<Ended> {
        let (ended, until) = self.ending?;
        let is_over = !ended.settles_first() || !self.session.owes() || until <= Instant::now();
        is_over.then_some(ended)
    }

    /// The next instant at which something has to be looked at.
    fn next_deadline(&self, limits: &Limits) -> Instant {
        let silent = self.last_heard + self.keep_alive * 3 / 2;
        let first = self.ending.map_or(silent, |(_, until)| until);
        let unread = self.unread_since.map(|since| since + limits.write_within);
        [unread, self.shrink_at].into_iter().flatten().fold(first, Instant::min)
    }

    fn on_timer(&mut self, limits: &Limits, may_read: bool) {
        let now = Instant::now();
        if self.unread_since.is_some_and(|since| since + limits.write_within <= now) {
            self.ending = Some((Ended::Unread, now));
        }
        if !may_read {
            // The client may well have sent its pings: it is we who do not read.
            self.last_heard = now;
        } else if self.last_heard + self.keep_alive * 3 / 2 <= now {
            self.end(Ended::Silent);
        }
        if self.shrink_at.is_some_and(|at| at <= now) {
            if self.last_heard + QUIET <= now && self.input.is_empty() && self.out.is_empty() {
                self.shrink_at = None;
                self.read_bytes = READ_MIN_BYTES;
                self.input = BytesMut::with_capacity(READ_MIN_BYTES);
                self.out = BytesMut::new();
                self.session.shrink();
            } else {
                self.shrink_at = Some(now + QUIET);
            }
        }
    }

    /// Writes if there is something to write, otherwise reads if that is allowed. Loses nothing when dropped.
    async fn moved(&mut self, may_read: bool) -> io::Result<Moved> {
        poll_fn(|cx| {
            if let Poll::Ready(wrote) = self.poll_write(cx) {
                return Poll::Ready(wrote);
            }
            if may_read { self.poll_read(cx) } else { Poll::Pending }
        })
        .await
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Moved>> {
        if !self.out.is_empty() {
            let wrote = ready!(pin!(self.stream.write_buf(&mut self.out)).poll(cx))?;
            self.needs_flush = true;
            return Poll::Ready(if wrote == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(Moved::Wrote) });
        }
        if self.needs_flush {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.needs_flush = false;
            return Poll::Ready(Ok(Moved::Wrote));
        }
        Poll::Pending
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Moved>> {
        if self.input.capacity() - self.input.len() < self.read_bytes / 2 {
            self.input.reserve(self.read_bytes);
        }
        let count = ready!(pin!(self.stream.read_buf(&mut self.input)).poll(cx))?;
        if count >= self.read_bytes / 2 && self.read_bytes < READ_MAX_BYTES {
            self.read_bytes *= 2;
            self.shrink_at.get_or_insert_with(|| Instant::now() + QUIET);
        }
        Poll::Ready(Ok(Moved::Read(count)))
    }

    fn on_moved(&mut self, moved: io::Result<Moved>) {
        let now = Instant::now();
        match moved {
            // The client has closed its side. It may still read: what it is owed is sent.
            Ok(Moved::Read(0)) => self.end(Ended::Vanished),
            Ok(Moved::Read(_)) => self.last_heard = now,
            Ok(Moved::Wrote) => self.unread_since = None,
            Err(_) => self.ending = Some((Ended::Vanished, now)),
        }
        let is_writing = !self.out.is_empty() || self.needs_flush;
        self.unread_since = if is_writing { self.unread_since.or(Some(now)) } else { None };
    }
}
