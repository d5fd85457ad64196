//! A journal and everything that can be read back from it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use store::journal::{Disk, Entry, Fed, Feed, Journal, JournalOptions, Position, RealDisk, Source};

use super::PATIENCE;

/// A message as it was read back.
pub(super) type Row = (String, Vec<u8>);

/// A journal of its own, and the messages found in it.
pub(super) struct Taken {
    journal: Journal,
    feed: Feed,
    rows: BTreeSet<Row>,
    last: Position,
    dir: tempfile::TempDir,
}

impl Taken {
    pub(super) fn new() -> Self {
        Self::with(Arc::new(RealDisk), JournalOptions::default())
    }

    pub(super) fn with(disk: Arc<dyn Disk>, options: JournalOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (journal, _) = Journal::open_on(disk, dir.path(), options).unwrap();
        let feed = journal.feed(Position::new(1)).unwrap();
        Self { journal, feed, rows: BTreeSet::new(), last: Position::ZERO, dir }
    }

    pub(super) fn journal(&self) -> Journal {
        self.journal.clone()
    }

    /// The directory of the journal.
    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Reads what became durable since the last time; gives the last position.
    pub(super) fn refresh(&mut self) -> Position {
        while let Fed::Group(group) = self.feed.next_within(Duration::from_millis(1)).unwrap() {
            for entry in group.entries() {
                let Entry::Message(message) = entry else { panic!("a gap in a journal nobody damaged") };
                assert_eq!(message.delivery.source, Source::Collector);
                assert_eq!(message.delivery.client, "plant");
                let row = (message.delivery.topic.to_owned(), message.delivery.payload.to_vec());
                self.rows.insert(row);
            }
            self.last = group.last();
        }
        self.last
    }

    /// All messages read so far, without repetitions.
    pub(super) fn rows(&mut self) -> BTreeSet<Row> {
        self.refresh();
        self.rows.clone()
    }

    /// Waits until every message of `ledger` is in the journal; the oracle of all loss tests.
    pub(super) async fn holds_all(&mut self, ledger: &[Row]) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.refresh();
            let missing: Vec<_> = ledger.iter().filter(|row| !self.rows.contains(*row)).collect();
            if missing.is_empty() {
                break;
            }
            let first = missing.first().map(|(_, payload)| String::from_utf8_lossy(payload).into_owned());
            assert!(Instant::now() < deadline, "{} of {} missing, first {first:?}", missing.len(), ledger.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let sent: BTreeSet<_> = ledger.iter().collect();
        let invented: Vec<_> = self.rows.iter().filter(|row| !sent.contains(row)).collect();
        assert!(invented.is_empty(), "never published: {invented:?}");
    }
}
