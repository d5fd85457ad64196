//! The n-th write, fsync or directory fsync fails, the disk is full, the power goes: nothing acknowledged is lost.

use std::sync::Arc;

use proptest::prelude::*;
use store::journal::{Journal, JournalOptions, NotDurable, Position, Refused, Settled, Ticket};

use super::disk::{Fault, FaultyDisk, Plan};
use super::site::{append, deliver, delivery, payload, read, reopen, settle, small, wait};

/// What was acknowledged, and under which position.
type Acked = Vec<(u64, Vec<u8>)>;

/// Everything acknowledged reads back at its place, and nothing else than what was sent.
fn assert_kept(acked: &Acked, kept: &[(u64, Option<Vec<u8>>)], sent: u64, what: &str) {
    for (position, payload) in acked {
        let found = kept.iter().filter(|(at, _)| at == position).map(|(_, payload)| payload.clone());
        assert_eq!(found.collect::<Vec<_>>(), [Some(payload.clone())], "position {position}, {what}");
    }
    let all: Vec<_> = (1..=sent).map(payload).collect();
    for (position, found) in kept {
        let known = found.as_ref().is_none_or(|found| all.contains(found));
        assert!(known, "position {position} holds what was never sent, {what}");
    }
}

/// Delivers `count` messages over a disk, each until it is acknowledged, in bursts of three.
fn deliver_all(disk: &FaultyDisk, dir: &std::path::Path, count: u64) -> (Acked, u64) {
    let (journal, _) = Journal::open_on(Arc::new(disk.clone()), dir, small()).unwrap();
    let mut acked = Acked::new();
    let mut waiting: Vec<u64> = (1..=count).collect();
    while !waiting.is_empty() {
        let burst: Vec<u64> = waiting.drain(..waiting.len().min(3)).collect();
        let tickets: Vec<(u64, Ticket)> = burst.into_iter().map(|n| (n, append(&journal, &payload(n)))).collect();
        for (n, ticket) in tickets {
            match settle(&journal, ticket) {
                Settled::Durable => acked.push((ticket.position.get(), payload(n))),
                _ => waiting.push(n),
            }
        }
    }
    let epoch = journal.durable().borrow().epoch;
    (acked, epoch)
}

/// Runs with the `n`-th call of a kind failing, for n = 1, 2, … until a run does not get so far.
fn for_every(plan: impl Fn(u64) -> Plan, fails: bool) {
    let mut reached = 0;
    for n in 1.. {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::new(plan(n));
        let (acked, epoch) = deliver_all(&disk, dir.path(), 24);
        assert_eq!(disk.violations(), Vec::<String>::new(), "n = {n}");
        let (_, recovery, kept) = reopen(dir.path());
        assert_kept(&acked, &kept, 24, &format!("n = {n}"));
        assert_eq!(acked.len(), 24);
        assert_eq!(recovery.gap_positions, 0, "n = {n}");
        if !disk.was_reached() {
            break;
        }
        assert!(epoch <= if fails { 2 } else { 1 }, "n = {n}: epoch {epoch}");
        reached = n;
    }
    assert!(reached > 8, "only {reached} calls were made to fail");
}

#[test]
fn a_failed_fsync_acknowledges_nothing_and_the_file_is_left_alone() {
    for_every(|n| Plan { sync: Some(n), ..Plan::default() }, true);
    // What the failed commit wrote reads well, and is no part of the journal all the same.
    for_every(|n| Plan { sync: Some(n), no_cuts: true, ..Plan::default() }, true);
}

#[test]
fn a_failed_write_acknowledges_nothing_and_the_file_is_left_alone() {
    for_every(|n| Plan { write: Some((n, Fault::Io)), ..Plan::default() }, true);
    for_every(|n| Plan { write: Some((n, Fault::NoSpace)), ..Plan::default() }, true);
}

#[test]
fn a_short_or_interrupted_write_is_continued() {
    for_every(|n| Plan { write: Some((n, Fault::Short)), ..Plan::default() }, false);
    for_every(|n| Plan { write: Some((n, Fault::Interrupted)), ..Plan::default() }, false);
}

#[test]
fn after_a_failed_directory_fsync_and_a_power_cut_nothing_acknowledged_is_gone() {
    for n in 2..12 {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::new(Plan { sync_dir: Some(n), ..Plan::default() });
        let (acked, _) = deliver_all(&disk, dir.path(), 24);
        for seed in 0..4 {
            let left = tempfile::tempdir().unwrap();
            disk.power_cut(left.path(), seed, 512);
            let (_, _, kept) = reopen(left.path());
            assert_kept(&acked, &kept, 24, &format!("n = {n}, seed {seed}"));
        }
    }
}

/// A run that ends in a power cut at the `power`-th sync; gives what had been acknowledged by then.
fn run_until_power_cut(disk: &FaultyDisk, dir: &std::path::Path) -> Acked {
    let mut acked = Acked::new();
    let Ok((journal, _)) = Journal::open_on(Arc::new(disk.clone()), dir, small()) else {
        return acked;
    };
    for first in (1..=20).step_by(4) {
        let mut tickets = Vec::new();
        for n in first..first + 4 {
            match journal.append(&delivery(&payload(n))) {
                Ok(ticket) => tickets.push((n, ticket)),
                Err(_) => return acked,
            }
        }
        for (n, ticket) in tickets {
            if settle(&journal, ticket) != Settled::Durable {
                return acked;
            }
            acked.push((ticket.position.get(), payload(n)));
        }
    }
    acked
}

#[test]
fn every_durable_message_survives_a_power_cut_at_every_sync() {
    for power in 1.. {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::new(Plan { power: Some(power), ..Plan::default() });
        let acked = run_until_power_cut(&disk, dir.path());
        for (seed, block) in [(1, 512), (2, 512), (3, 4096), (4, 64)] {
            let left = tempfile::tempdir().unwrap();
            disk.power_cut(left.path(), seed, block);
            let (journal, _, kept) = reopen(left.path());
            assert_kept(&acked, &kept, 20, &format!("sync {power}, seed {seed}, block {block}"));
            let position = deliver(&journal, b"after").position;
            drop(journal);
            let (_, recovery, kept) = reopen(left.path());
            assert_eq!(kept.last(), Some(&(position.get(), Some(b"after".to_vec()))));
            assert_eq!(recovery.torn_bytes, 0);
        }
        if !disk.was_reached() {
            assert_eq!(acked.len(), 20);
            assert!(power > 8, "only {power} syncs");
            break;
        }
    }
}

#[test]
fn what_a_killed_process_had_not_fsynced_is_fsynced_before_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), small()).unwrap();
    for n in 1..=3 {
        deliver(&journal, &payload(n));
    }
    drop(journal);
    let disk = FaultyDisk::new(Plan { unsynced: true, ..Plan::default() });
    let (journal, _) = Journal::open_on(Arc::new(disk.clone()), dir.path(), small()).unwrap();
    let given = read(&journal, Position::new(1));
    for seed in 0..4 {
        let left = tempfile::tempdir().unwrap();
        disk.power_cut(left.path(), seed, 512);
        assert_eq!(reopen(left.path()).2, given, "seed {seed}");
    }
}

#[test]
fn a_full_disk_stops_acknowledgements_and_going_on_needs_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let (journal, _) = Journal::open_on(Arc::new(disk.clone()), dir.path(), small()).unwrap();
    deliver(&journal, &payload(1));
    disk.fill_up();
    let lost = append(&journal, &payload(2));
    assert_eq!(settle(&journal, lost), Settled::Lost);
    assert!(!journal.is_open());
    assert_eq!(journal.append(&delivery(b"x")), Err(Refused::Stalled));
    assert_eq!(wait(journal.durably(&delivery(b"x"))), Err(NotDurable::Refused(Refused::Stalled)));
    assert_eq!(read(&journal, Position::new(1)).len(), 1, "what is durable can be read meanwhile");
    disk.free_space();
    wait(journal.room());
    assert_eq!(wait(journal.durably(&delivery(&payload(2)))), Ok(Position::new(2)));
    assert_eq!(settle(&journal, lost), Settled::Lost, "the same place, and not the same message");
    drop(journal);
    let kept: Vec<_> = (1..=2).map(|n| (n, Some(payload(n)))).collect();
    assert_eq!(reopen(dir.path()).2, kept);
}

#[test]
fn a_disk_that_is_full_at_the_start_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::new(Plan { full: true, ..Plan::default() });
    let (journal, _) = Journal::open_on(Arc::new(disk.clone()), dir.path(), small()).unwrap();
    assert_eq!(journal.append(&delivery(b"x")), Err(Refused::Stalled));
    disk.free_space();
    assert_eq!(deliver(&journal, b"x").position, Position::new(1));
}

#[test]
fn limits_refuse_and_room_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let options = JournalOptions { max_bytes: 256 << 10, ..small() };
    let (journal, _) = Journal::open_on(Arc::new(disk.clone()), dir.path(), options).unwrap();
    assert_eq!(journal.append(&delivery(&[0; (16 << 10) + 1])), Err(Refused::TooLarge));
    let large = vec![7; 8 << 10];
    let held = disk.hold();
    while journal.append(&delivery(&large)).is_ok() {}
    assert_eq!(journal.append(&delivery(b"x")), Err(Refused::Full));
    assert!(!journal.is_open());
    drop(held);
    // The buffer is committed by itself; the disk budget comes back with a prune only.
    while journal.bytes_on_disk() < 256 << 10 {
        let ticket = append(&journal, &large);
        assert_eq!(settle(&journal, ticket), Settled::Durable);
    }
    assert!(!journal.is_open());
    assert_eq!(journal.append(&delivery(b"x")), Err(Refused::Full));
    let durable = journal.durable().borrow().position;
    assert!(journal.prune(durable).unwrap() > 0);
    assert!(journal.is_open());
    deliver(&journal, b"x");
    journal.close();
    assert_eq!(journal.append(&delivery(b"x")), Err(Refused::Closed));
}

#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    Deliver,
    Prune(u64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1usize..12).prop_map(Step::Append),
        3 => Just(Step::Deliver),
        1 => (0u64..60).prop_map(Step::Prune),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_journal_is_a_list_that_is_cut_at_its_head(steps in proptest::collection::vec(step(), 1..40)) {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(dir.path(), small()).unwrap().0;
        let (mut count, mut pruned) = (0, 0);
        for step in steps {
            match step {
                Step::Append(messages) => for _ in 0..messages {
                    count += 1;
                    prop_assert_eq!(append(&journal, &payload(count)).position.get(), count);
                },
                Step::Deliver => {
                    count += 1;
                    prop_assert_eq!(deliver(&journal, &payload(count)).position.get(), count);
                }
                Step::Prune(up_to) => {
                    let durable = journal.durable().borrow().position.get();
                    pruned = pruned.max(up_to.min(durable));
                    journal.prune(Position::new(up_to.min(durable))).unwrap();
                }
                Step::Reopen => {
                    journal.close();
                    let (reopened, recovery, kept) = reopen(dir.path());
                    prop_assert!(recovery.first.get() <= pruned + 1);
                    prop_assert_eq!(recovery.last.get(), count);
                    prop_assert_eq!(recovery.torn_bytes, 0);
                    let wanted: Vec<_> = (recovery.first.get()..=count).map(|n| (n, Some(payload(n)))).collect();
                    prop_assert_eq!(kept, wanted);
                    journal = reopened;
                }
            }
        }
    }
}
