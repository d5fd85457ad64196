//! Cuts and flipped bits at every byte.

use std::path::Path;
use std::sync::Arc;

use store::Error;
use store::journal::{Journal, Position, check, set_aside};

use super::disk::FaultyDisk;
use super::site::{append, copy, deliver, delivery, payload, read, reopen, segment, settle, small};

const HEADER: usize = 64;
const FRAME: usize = 32;

fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// Where the frames of a segment begin and end, and how far back their commit began, by the documented format.
fn frames(bytes: &[u8]) -> Vec<(usize, usize, usize)> {
    let mut at = HEADER;
    let mut frames = Vec::new();
    while at < bytes.len() {
        let end = at + FRAME + number(bytes, at + 8);
        frames.push((at, end, number(bytes, at + 20)));
        at = end;
    }
    frames
}

/// A journal of messages 1 to 4 in one segment, of which 2, 3 and 4 are one commit.
fn one_commit_of_three() -> tempfile::TempDir {
    loop {
        let dir = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::default();
        let (journal, _) = Journal::open_on(Arc::new(disk.clone()), dir.path(), small()).unwrap();
        // While the writer is held with message 1, the others gather.
        let held = disk.hold();
        let tickets: Vec<_> = (1..=4).map(|n| append(&journal, &payload(n))).collect();
        drop(held);
        settle(&journal, tickets[3]);
        drop(journal);
        let frames = frames(&std::fs::read(segment(dir.path(), 1)).unwrap());
        if frames.iter().map(|frame| frame.2).eq([0, 0, 1, 2]) {
            return dir;
        }
    }
}

/// A journal of messages 1 to `count` in commits of one.
fn commits_of_one(count: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), small()).unwrap();
    for n in 1..=count {
        assert_eq!(deliver(&journal, &payload(n)).position, Position::new(n));
    }
    dir
}

fn messages(numbers: impl IntoIterator<Item = u64>) -> Vec<(u64, Option<Vec<u8>>)> {
    numbers.into_iter().map(|n| (n, Some(payload(n)))).collect()
}

/// Names of files in `dir` that begin with `kind`.
fn kept_files(dir: &Path, kind: &str) -> Vec<String> {
    let names = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(kind)).collect()
}

#[test]
fn a_commit_cut_at_any_byte_loses_only_what_was_cut_and_says_so() {
    let dir = one_commit_of_three();
    let whole = std::fs::read(segment(dir.path(), 1)).unwrap();
    let frames = frames(&whole);
    for cut in frames[1].0..whole.len() {
        let copy = copy(dir.path());
        std::fs::write(segment(copy.path(), 1), &whole[..cut]).unwrap();
        let left = frames.iter().filter(|frame| frame.1 <= cut);
        let (last, end) = left.enumerate().map(|(n, frame)| (n as u64 + 1, frame.1)).last().unwrap();
        let (journal, recovery, kept) = reopen(copy.path());
        assert_eq!(kept, messages(1..=last), "cut at {cut}");
        assert_eq!(recovery.torn_bytes, (cut - end) as u64, "cut at {cut}");
        let torn: Vec<_> = recovery.torn_files.iter().map(|file| std::fs::read(file).unwrap()).collect();
        assert_eq!(torn.concat(), whole[end..cut], "cut at {cut}");
        assert_eq!(deliver(&journal, b"after").position, Position::new(last + 1));
        drop(journal);
        let (_, recovery, kept) = reopen(copy.path());
        assert_eq!((recovery.torn_bytes, kept.len() as u64), (0, last + 1), "cut at {cut}");
    }
}

#[test]
fn a_flipped_bit_before_a_later_commit_stops_the_start_until_it_is_set_aside() {
    let dir = commits_of_one(3);
    let whole = std::fs::read(segment(dir.path(), 1)).unwrap();
    let (start, end, _) = frames(&whole)[1];
    for at in start..end {
        let copy = copy(dir.path());
        let path = segment(copy.path(), 1);
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(&path, &bytes).unwrap();
        match Journal::open(copy.path(), small()) {
            Err(Error::JournalDamaged { file, offset, .. }) => assert_eq!((file, offset), (path.clone(), start as u64)),
            other => panic!("byte {at}: {other:?}"),
        }
        check(copy.path()).unwrap_err();
        let done = set_aside(copy.path()).unwrap();
        assert_eq!(done.len(), 1, "byte {at}");
        assert_eq!((done[0].first, done[0].last), (Position::new(2), Position::new(2)));
        assert_eq!(std::fs::read(&done[0].file).unwrap(), bytes[start..end]);
        let (journal, recovery, kept) = reopen(copy.path());
        assert_eq!(kept, [messages([1]), vec![(2, None)], messages([3])].concat(), "byte {at}");
        assert_eq!((recovery.gap_positions, recovery.torn_bytes), (1, 0));
        assert_eq!(deliver(&journal, b"after").position, Position::new(4));
    }
}

#[test]
fn a_flipped_bit_inside_the_last_commit_is_set_aside_by_name_and_what_follows_is_kept() {
    let dir = one_commit_of_three();
    let whole = std::fs::read(segment(dir.path(), 1)).unwrap();
    let (start, end, _) = frames(&whole)[2];
    for at in start..end {
        let copy = copy(dir.path());
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(segment(copy.path(), 1), &bytes).unwrap();
        let (journal, recovery, kept) = reopen(copy.path());
        assert_eq!(kept, [messages([1, 2]), vec![(3, None)], messages([4])].concat(), "byte {at}");
        assert_eq!(recovery.torn_bytes, (end - start) as u64);
        assert_eq!(recovery.gap_positions, 1);
        let name = format!("damaged-1-{start}.bin");
        assert_eq!(kept_files(copy.path(), "damaged"), std::slice::from_ref(&name), "byte {at}");
        assert_eq!(std::fs::read(copy.path().join(name)).unwrap(), bytes[start..end]);
        drop(journal);
        assert_eq!(reopen(copy.path()).1.torn_bytes, 0, "a second start has nothing left to do");
    }
}

#[test]
fn a_damaged_header_stops_the_start_and_is_written_anew() {
    let dir = commits_of_one(40);
    let segments = kept_files(dir.path(), "0");
    assert!(segments.len() > 2, "{segments:?}");
    for (index, name) in segments.iter().enumerate() {
        let copy = copy(dir.path());
        let path = copy.path().join(name);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[20 + index] ^= 0x10;
        std::fs::write(&path, &bytes).unwrap();
        let error = Journal::open(copy.path(), small()).unwrap_err();
        assert!(matches!(&error, Error::JournalDamaged { file, offset: 0, .. } if *file == path), "{error}");
        set_aside(copy.path()).unwrap();
        assert_eq!(reopen(copy.path()).2, messages(1..=40));
    }
}

#[test]
fn damage_in_an_older_segment_keeps_all_others() {
    let dir = commits_of_one(40);
    let path = segment(dir.path(), 1);
    let mut bytes = std::fs::read(&path).unwrap();
    let last = frames(&bytes).len() as u64;
    // The last frame of a segment that others follow is damage, never a torn end.
    let (start, end, _) = *frames(&bytes).last().unwrap();
    bytes[end - 1] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let error = Journal::open(dir.path(), small()).unwrap_err();
    assert!(error.to_string().contains(&format!("at byte `{start}`")), "{error}");
    set_aside(dir.path()).unwrap();
    assert_eq!(reopen(dir.path()).2, [messages(1..last), vec![(last, None)], messages(last + 1..=40)].concat());
    // So is a file that lost its end.
    let path = segment(dir.path(), last + 1);
    let bytes = std::fs::read(&path).unwrap();
    let lost = last + frames(&bytes).len() as u64;
    std::fs::write(&path, &bytes[..bytes.len() - 7]).unwrap();
    Journal::open(dir.path(), small()).unwrap_err();
    set_aside(dir.path()).unwrap();
    let (_, recovery, kept) = reopen(dir.path());
    assert_eq!((kept.len(), recovery.gap_positions), (40, 2));
    assert_eq!(kept[lost as usize - 1], (lost, None));
}

#[test]
fn a_message_cannot_pass_for_a_frame() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), small()).unwrap();
    deliver(&journal, b"first");
    // What another journal wrote at a later position, in a message.
    let other = commits_of_one(4);
    let bytes = std::fs::read(segment(other.path(), 1)).unwrap();
    let (start, end, _) = frames(&bytes)[3];
    journal.append(&delivery(&bytes[start..end])).unwrap();
    drop(journal);
    let path = segment(dir.path(), 1);
    let mut bytes = std::fs::read(&path).unwrap();
    let (torn, _, _) = frames(&bytes)[1];
    bytes[torn] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let (journal, recovery) = Journal::open(dir.path(), small()).unwrap();
    assert_eq!(recovery.torn_bytes, (bytes.len() - torn) as u64);
    assert_eq!(read(&journal, Position::new(1)), [(1, Some(b"first".to_vec()))]);
}
