//! What the journal's tests share: small journals, messages that can be told apart, and waiting with a deadline.

use std::path::Path;
use std::time::Duration;

use model::instant::ReceivedAt;
use store::journal::{Delivery, Entry, Fed, Feed, Journal, JournalOptions, Position, Refused, Settled, Source, Ticket};

/// No wait of a test takes longer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A journal of which a few messages fill a segment.
pub(crate) fn small() -> JournalOptions {
    JournalOptions {
        segment_bytes: 2048,
        max_bytes: 1 << 20,
        buffer_bytes: 64 << 10,
        feed_bytes: 4096,
        message_bytes: 16 << 10,
        first: Position::new(1),
    }
}

pub(crate) fn delivery(payload: &[u8]) -> Delivery<'_> {
    Delivery {
        received_at: ReceivedAt::from_millis(1_795_341_600_000),
        source: Source::Listener,
        client: "gw-1",
        topic: "coldtrail/v1/depot/gw-1/readings",
        payload,
    }
}

/// The `n`-th message: no other is like it, and lengths vary.
pub(crate) fn payload(n: u64) -> Vec<u8> {
    let mut payload = format!("message {n} ").into_bytes();
    payload.resize(payload.len() + (n * 37 % 200) as usize, b'x');
    payload
}

/// Appends, and waits for room as long as there is none.
pub(crate) fn append(journal: &Journal, payload: &[u8]) -> Ticket {
    loop {
        match journal.append(&delivery(payload)) {
            Ok(ticket) => return ticket,
            Err(Refused::Full | Refused::Stalled) => wait(journal.room()),
            Err(refused) => panic!("{refused}"),
        }
    }
}

/// What becomes of the message of `ticket`.
pub(crate) fn settle(journal: &Journal, ticket: Ticket) -> Settled {
    let mut durable = journal.durable();
    let settled =
        wait(async { *durable.wait_for(|durable| durable.covers(ticket) != Settled::Pending).await.unwrap() });
    settled.covers(ticket)
}

/// Appends and waits until it is durable; sends again what was lost, as a gateway does. Gives what was durable, and where.
pub(crate) fn deliver(journal: &Journal, payload: &[u8]) -> Ticket {
    loop {
        let ticket = append(journal, payload);
        if settle(journal, ticket) == Settled::Durable {
            return ticket;
        }
    }
}

pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(DEADLINE, future).await.unwrap() })
}

/// An entry, owned: the payload, or `None` for a position in a gap.
pub(crate) type Kept = (u64, Option<Vec<u8>>);

/// Everything the journal holds from `from` on.
pub(crate) fn read(journal: &Journal, from: Position) -> Vec<Kept> {
    let until = journal.durable().borrow().position;
    let mut feed = journal.feed(from).unwrap();
    let mut kept = Vec::new();
    while kept.last().map_or(from.get() - 1, |(position, _)| *position) < until.get() {
        take(&mut feed, &mut kept);
    }
    kept
}

/// Takes one group of the feed.
pub(crate) fn take(feed: &mut Feed, kept: &mut Vec<Kept>) {
    let Fed::Group(group) = feed.next_within(DEADLINE).unwrap() else { panic!("no group came") };
    for entry in group.entries() {
        match entry {
            Entry::Message(message) => kept.push((message.position.get(), Some(message.delivery.payload.to_vec()))),
            Entry::Gap(gap) => kept.extend((gap.first.get()..=gap.last.get()).map(|position| (position, None))),
        }
    }
}

/// Opens the journal of `dir` and reads all of it.
pub(crate) fn reopen(dir: &Path) -> (Journal, store::journal::Recovery, Vec<Kept>) {
    let (journal, recovery) = Journal::open(dir, small()).unwrap();
    let kept = read(&journal, recovery.first);
    (journal, recovery, kept)
}

/// A copy of the files in `from`.
pub(crate) fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.path().join(path.file_name().unwrap())).unwrap();
    }
    to
}

/// The segment that begins with `first`.
pub(crate) fn segment(dir: &Path, first: u64) -> std::path::PathBuf {
    dir.join(format!("{first:020}.wal"))
}
