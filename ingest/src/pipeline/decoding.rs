//! The thread that reads the journal and fills the tail.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use model::reading::Reading;
use store::journal::{Entry, Fed, Feed, Group, Position, Source};
use store::names::NameId;

use super::Shared;
use super::observer::Observer;
use crate::Error;
use crate::admit::{Admitter, Outcome};
use crate::decode::Dialects;

/// How long the thread sleeps between looks while there is nothing to do.
const IDLE: Duration = Duration::from_millis(100);

/// How long it sleeps between looks while it waits for room in the tail.
const FULL: Duration = Duration::from_millis(5);

/// Starts the thread. It ends when the journal is closed and read to its end, or with an error that stops decoding.
pub(super) fn start(shared: Arc<Shared>, feed: Feed) -> Result<(), Error> {
    let thread = std::thread::Builder::new().name("decode".to_owned());
    let run = move || {
        if let Err(error) = run(&shared, feed) {
            tracing::error!(error = %crate::error::chain(&error), "decoding has stopped");
            shared.stopped.send_replace(true);
        }
    };
    thread.spawn(run).map_err(|source| Error::Thread { source })?;
    Ok(())
}

fn run(shared: &Shared, mut feed: Feed) -> Result<(), store::Error> {
    let mut admitter = Admitter::new(Dialects::default(), shared.options.names_per_gateway);
    let began = Instant::now();
    let mut replaying = true;
    loop {
        if replaying && feed.has_replayed() {
            replaying = false;
            let seconds = began.elapsed().as_secs_f64();
            tracing::info!(position = shared.decoded.borrow().get(), seconds, "the journal is replayed");
        }
        match feed.next_within(IDLE)? {
            Fed::Group(group) => take(shared, &mut admitter, &group),
            Fed::Nothing => {}
            Fed::Closed => return Ok(()),
        }
        match wait_for_room(shared, true) {
            Room::Made => continue,
            Room::Never => return Ok(()),
            Room::Failing => {}
        }
        tracing::warn!("the tail is full because flushes fail: decoding pauses, messages are still journaled");
        metrics::counter!("coldtrail_decoding_pauses_total").increment(1);
        let next = shared.decoded.borrow().next();
        // Without a feed the journal's writer waits for nobody: messages go on being acknowledged.
        drop(feed);
        if wait_for_room(shared, false) == Room::Never {
            return Ok(());
        }
        feed = shared.journal.feed(next)?;
    }
}

/// Takes one group into the tail and says so.
fn take(shared: &Shared, admitter: &mut Admitter, group: &Group) {
    let counts = &shared.counts;
    let (mut received, mut admitted, mut duplicate, mut rejected) = (0, 0, 0, 0);
    let observer = shared.observer();
    let mut seen = Vec::new();
    for entry in group.entries() {
        let outcome = match &entry {
            Entry::Message(message) => {
                let watching = observer.as_ref().map(Observer::watching);
                let mut observe = |sensor: NameId, reading: &Reading<'_>| {
                    shared.newest.note(sensor, reading);
                    if let Some(watching) = &watching {
                        seen.extend(watching.observe(reading));
                    }
                };
                let outcome = admitter.admit(message, &mut shared.tail(), &mut observe);
                if message.delivery.source == Source::Http {
                    shared.receipts.put(message.position, outcome.clone());
                }
                outcome
            }
            Entry::Gap(gap) => {
                tracing::error!(
                    first = gap.first.get(),
                    last = gap.last.get(),
                    file = gap.file,
                    "messages of the journal were damaged and set aside"
                );
                shared.tail().advance(gap.last);
                Outcome::default()
            }
        };
        received += outcome.accepted + outcome.duplicate + outcome.rejected.len() as u64;
        admitted += outcome.accepted;
        duplicate += outcome.duplicate;
        rejected += outcome.rejected.len() as u64;
        for (_, reason) in &outcome.rejected {
            metrics::counter!("coldtrail_rejected_total", "reason" => reason.as_str()).increment(1);
        }
    }
    counts.received.fetch_add(received, Ordering::Relaxed);
    counts.admitted.fetch_add(admitted, Ordering::Relaxed);
    counts.duplicate.fetch_add(duplicate, Ordering::Relaxed);
    counts.rejected.fetch_add(rejected, Ordering::Relaxed);
    metrics::counter!("coldtrail_readings_received_total").increment(received);
    metrics::counter!("coldtrail_readings_admitted_total").increment(admitted);
    metrics::counter!("coldtrail_readings_duplicate_total").increment(duplicate);
    reached(shared, group.last());
    if let Some(observer) = observer {
        observer.tell(seen);
    }
    shared.told.store(group.last().get(), Ordering::Release);
}

fn reached(shared: &Shared, position: Position) {
    let (waiting, bytes, readings, names) = {
        let tail = shared.tail();
        (tail.waiting_bytes(), tail.bytes(), tail.len(), tail.names().len())
    };
    metrics::gauge!("coldtrail_names").set(names as f64);
    metrics::gauge!("coldtrail_tail_bytes").set(bytes as f64);
    metrics::gauge!("coldtrail_tail_readings").set(readings as f64);
    shared.decoded.send_replace(position);
    let durable = shared.journal.durable().borrow().position;
    metrics::gauge!("coldtrail_decode_lag_messages").set(durable.get().saturating_sub(position.get()) as f64);
    if waiting >= shared.options.flush_bytes {
        shared.flush_wanted.notify_one();
    }
}

/// How a wait for room in the tail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    /// There is room.
    Made,
    /// There is none, and flushes fail.
    Failing,
    /// There will be none: nobody flushes any more.
    Never,
}

/// Waits until there is room in the tail; gives up when flushes fail if `while_they_work`.
///
/// The journal's writer waits too as long as the thread has its feed, and so do the senders: a flush that is slow
/// holds them back, one that fails must not.
fn wait_for_room(shared: &Shared, while_they_work: bool) -> Room {
    let has_room = || shared.tail().bytes() < shared.options.tail_bytes;
    if has_room() {
        return Room::Made;
    }
    let full = metrics::gauge!("coldtrail_tail_full");
    full.set(1.0);
    let room = loop {
        let ends = shared.journal.is_closed() && !shared.is_flushed.load(Ordering::Acquire);
        if ends || *shared.stopped.borrow() {
            break Room::Never;
        }
        if while_they_work && shared.attempts.are_failing(Instant::now(), shared.options.flush_patience) {
            break Room::Failing;
        }
        shared.flush_wanted.notify_one();
        std::thread::sleep(FULL);
        if has_room() {
            break Room::Made;
        }
    };
    if room == Room::Made {
        full.set(0.0);
    }
    room
}
