//! Files that are empty, missing, copied or from the future.

use std::path::{Path, PathBuf};

use store::journal::{Journal, JournalOptions, Position, check};

use super::site::{copy, deliver, payload, reopen, small};

/// A journal of several segments, and their paths.
fn several_segments() -> (tempfile::TempDir, Vec<PathBuf>) {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(dir.path(), small()).unwrap();
    for n in 1..=40 {
        deliver(&journal, &payload(n));
    }
    drop(journal);
    let paths = segments(dir.path());
    assert!(paths.len() >= 4, "{paths:?}");
    (dir, paths)
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "wal"));
    paths.sort();
    paths
}

/// After `change` the journal does not open, and the message names the file and holds `words`.
fn assert_stops(change: impl Fn(&Path, &[PathBuf]) -> PathBuf, words: &str) {
    let (dir, _) = several_segments();
    let copy = copy(dir.path());
    let named = change(copy.path(), &segments(copy.path()));
    let name = named.file_name().unwrap().to_str().unwrap().to_owned();
    let before = segments(copy.path()).len();
    for error in [Journal::open(copy.path(), small()).unwrap_err(), check(copy.path()).unwrap_err()] {
        let error = error.to_string();
        assert!(error.contains(&name) && error.contains(words), "`{error}` should name `{name}` and say `{words}`");
    }
    assert_eq!(segments(copy.path()).len(), before, "a refused start changes nothing");
}

#[test]
fn an_empty_or_headless_last_segment_starts() {
    let (dir, paths) = several_segments();
    for bytes in [&b""[..], &b"CTRLWAL\n\x01\0"[..], &[0; 512][..]] {
        let copy = copy(dir.path());
        std::fs::write(copy.path().join("00000000000000000041.wal"), bytes).unwrap();
        let (journal, recovery, kept) = reopen(copy.path());
        assert_eq!((kept.len(), recovery.segments), (40, paths.len()));
        assert_eq!(recovery.torn_bytes, bytes.len() as u64);
        assert_eq!(deliver(&journal, b"after").position, Position::new(41));
    }
}

#[test]
fn a_lone_empty_segment_keeps_its_position() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("00000000000000000041.wal"), b"").unwrap();
    let (journal, recovery) = Journal::open(dir.path(), small()).unwrap();
    assert_eq!((recovery.first, recovery.last), (Position::new(41), Position::new(40)));
    assert_eq!(deliver(&journal, b"after").position, Position::new(41));
}

#[test]
fn a_new_journal_begins_where_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let options = JournalOptions { first: Position::new(1000), ..small() };
    let (journal, recovery) = Journal::open(&dir.path().join("journal"), options).unwrap();
    assert_eq!((recovery.first, recovery.last), (Position::new(1000), Position::new(999)));
    assert_eq!(deliver(&journal, b"first").position, Position::new(1000));
}

#[test]
fn an_empty_segment_in_the_middle_stops() {
    let empty = |_: &Path, paths: &[PathBuf]| {
        std::fs::write(&paths[1], b"").unwrap();
        paths[1].clone()
    };
    assert_stops(empty, "it is empty");
}

#[test]
fn a_missing_segment_stops() {
    let remove = |_: &Path, paths: &[PathBuf]| {
        std::fs::remove_file(&paths[2]).unwrap();
        paths[2].clone()
    };
    assert_stops(remove, "it is missing");
}

#[test]
fn a_copied_segment_stops() {
    let copied = |dir: &Path, paths: &[PathBuf]| {
        let to = dir.join("00000000000000000003.wal");
        std::fs::copy(&paths[0], &to).unwrap();
        to
    };
    assert_stops(copied, "it is a copy");
    let renamed = |dir: &Path, paths: &[PathBuf]| {
        let to = dir.join("00000000000000000001 (copy).wal");
        std::fs::copy(&paths[0], &to).unwrap();
        to
    };
    assert_stops(renamed, "move the file out");
}

#[test]
fn a_segment_of_another_journal_stops() {
    let foreign = |_: &Path, paths: &[PathBuf]| {
        let (_other, others) = several_segments();
        std::fs::copy(&others[1], &paths[1]).unwrap();
        paths[1].clone()
    };
    assert_stops(foreign, "another journal");
}

#[test]
fn a_segment_of_a_newer_version_stops() {
    for index in [1, 3] {
        let newer = |_: &Path, paths: &[PathBuf]| {
            let mut bytes = std::fs::read(&paths[index]).unwrap();
            bytes[8] = 2;
            std::fs::write(&paths[index], bytes).unwrap();
            paths[index].clone()
        };
        assert_stops(newer, "format version `2`");
    }
}

#[test]
fn check_reads_an_intact_journal_and_changes_nothing() {
    let (dir, paths) = several_segments();
    let last = paths.last().unwrap();
    let whole = std::fs::read(last).unwrap();
    std::fs::write(last, &whole[..whole.len() - 3]).unwrap();
    let found = check(dir.path()).unwrap();
    assert_eq!((found.first, found.last, found.segments), (Position::new(1), Position::new(39), paths.len()));
    assert!(found.torn_bytes > 0);
    assert_eq!(std::fs::read(last).unwrap().len(), whole.len() - 3);
}
