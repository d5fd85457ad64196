//! The feed gives every position once, from disk and live, however it is cut.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use store::Error;
use store::journal::{Fed, Journal, JournalOptions, Position};

use super::site::{DEADLINE, append, deliver, payload, read, settle, small, take};

#[test]
fn replay_and_live_groups_follow_each_other_under_load() {
    const BEFORE: u64 = 500;
    const EACH: u64 = 5000;
    let dir = tempfile::tempdir().unwrap();
    let options = JournalOptions { segment_bytes: 64 << 10, max_bytes: 64 << 20, ..small() };
    let (journal, _) = Journal::open(dir.path(), options).unwrap();
    for n in 1..=BEFORE {
        append(&journal, &payload(n));
    }
    let mut kept = Vec::new();
    let total = BEFORE + 4 * EACH;
    thread::scope(|scope| {
        for worker in 0..4 {
            let journal = &journal;
            scope.spawn(move || {
                for n in 0..EACH {
                    append(journal, format!("{worker} {n}").as_bytes());
                }
            });
        }
        let mut feed = journal.feed(Position::new(1)).unwrap();
        while (kept.len() as u64) < total {
            take(&mut feed, &mut kept);
        }
        assert!(feed.has_replayed());
    });
    for (index, (position, _)) in kept.iter().enumerate() {
        assert_eq!(*position, index as u64 + 1);
    }
    for worker in 0..4 {
        let begins = format!("{worker} ");
        let mine = kept[BEFORE as usize..].iter().filter_map(|(_, payload)| payload.as_deref());
        let mine: Vec<_> = mine.filter(|payload| payload.starts_with(begins.as_bytes())).collect();
        let wanted: Vec<_> = (0..EACH).map(|n| format!("{worker} {n}").into_bytes()).collect();
        assert_eq!(mine, wanted, "worker {worker}");
    }
    assert_eq!(read(&journal, Position::new(1)), kept, "from disk it is the same");
}

#[test]
fn a_feed_that_joins_between_any_two_steps_of_the_writer_misses_and_repeats_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let options = JournalOptions { segment_bytes: 1 << 20, max_bytes: 1 << 30, ..small() };
    let (journal, _) = Journal::open(dir.path(), options).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut n = 0;
            while !done.load(Ordering::Relaxed) {
                n += 1;
                // One commit after the other, so that feeds join at every point of one.
                deliver(&journal, &payload(n));
            }
        });
        let _ends_writer = EndsWriter(&done);
        for _ in 0..3000 {
            let from = journal.durable().borrow().position.next();
            let mut feed = journal.feed(from).unwrap();
            let mut kept = Vec::new();
            take(&mut feed, &mut kept);
            take(&mut feed, &mut kept);
            for (index, (position, found)) in kept.into_iter().enumerate() {
                let wanted = from.get() + index as u64;
                assert_eq!((position, found), (wanted, Some(payload(wanted))));
            }
        }
    });
}

/// Ends the appending thread, also when an assertion fails before it.
struct EndsWriter<'a>(&'a AtomicBool);

impl Drop for EndsWriter<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_feed_begins_anywhere_and_ends_with_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), small()).unwrap();
    for n in 1..=50 {
        deliver(&journal, &payload(n));
    }
    for from in 1..=51 {
        let wanted: Vec<_> = (from..=50).map(|n| (n, Some(payload(n)))).collect();
        assert_eq!(read(&journal, Position::new(from)), wanted, "from {from}");
    }
    let mut feed = journal.feed(Position::new(51)).unwrap();
    assert!(matches!(journal.feed(Position::new(51)), Err(Error::JournalFed)));
    append(&journal, &payload(51));
    journal.close();
    let mut kept = Vec::new();
    take(&mut feed, &mut kept);
    assert_eq!(kept, [(51, Some(payload(51)))]);
    assert!(matches!(feed.next_within(DEADLINE), Ok(Fed::Closed)));
    assert!(feed.next_group().unwrap().is_none());
}

#[test]
fn a_feed_refuses_positions_the_journal_does_not_hold() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), small()).unwrap();
    for n in 1..=50 {
        deliver(&journal, &payload(n));
    }
    journal.prune(Position::new(30)).unwrap();
    let Err(Error::JournalPosition { first, last: 50, .. }) = journal.feed(Position::new(1)) else {
        unreachable!("position 1 is gone");
    };
    assert!(first > 1 && first <= 31, "whole segments go, and only those covered: {first}");
    let wanted: Vec<_> = (first..=50).map(|n| (n, Some(payload(n)))).collect();
    assert_eq!(read(&journal, Position::new(first)), wanted);
    // A lake that is ahead of its journal would take new messages for old ones.
    assert!(matches!(journal.feed(Position::new(52)), Err(Error::JournalPosition { .. })));
}

#[test]
fn a_slow_feed_holds_the_writer_up_and_a_dropped_one_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), small()).unwrap();
    let mut feed = journal.feed(Position::new(1)).unwrap();
    append(&journal, &payload(1));
    let mut kept = Vec::new();
    take(&mut feed, &mut kept);
    // Far more than the queue takes: at some point the buffer is full, because the writer waits.
    while journal.append(&super::site::delivery(&payload(2))).is_ok() {}
    drop(feed);
    let ticket = append(&journal, &payload(3));
    settle(&journal, ticket);
    let all = read(&journal, Position::new(1));
    assert_eq!(all.len() as u64, ticket.position.get());
}
