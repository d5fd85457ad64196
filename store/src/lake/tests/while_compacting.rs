//! Flushes and conflicts while a compaction is under way: every row once, before and after (invariant D2).

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::super::compact::{Merged, groups};
use super::*;
use crate::view::LakeFile;

const NEXT_DAY: i64 = NOON + 86_400_000;

fn never() -> bool {
    false
}

async fn flushed(lake: &Lake, writer: &mut Writer, readings: &[(&str, i64, f64)]) {
    for &(sensor, minute, celsius) in readings {
        writer.admit(sensor, NOON + minute * 60_000, celsius, None);
    }
    flush_tail(lake, &writer.tail).await.unwrap();
}

/// A lake with six small files of one day.
async fn six_files(dir: &std::path::Path) -> (Lake, Writer) {
    let lake = lake(dir).await;
    let mut writer = Writer::over(&lake);
    for minute in 0..6 {
        flushed(&lake, &mut writer, &[("A", minute, 4.0), ("B", 10 - minute, 5.0)]).await;
    }
    (lake, writer)
}

/// Merges all small files of `readings`, which are one group, without committing.
async fn merged(lake: &Lake) -> Merged {
    let mut groups = groups(&lake.readings().files(), MeasuredAt::from_millis(NEXT_DAY).day(), 100);
    assert_eq!(groups.len(), 1);
    lake.merge(lake.readings(), groups.remove(0), never).await.unwrap().unwrap()
}

async fn compacted(lake: &Lake) -> Compacted {
    lake.compact(MeasuredAt::from_millis(NEXT_DAY).day(), 100, never).await.unwrap()
}

/// Whatever is in the log is what readers are shown.
async fn reopened(dir: &std::path::Path, expected: &[String]) {
    let again = lake(dir).await;
    assert_eq!(rows(&again, &Mutex::new(Tail::new(again.newest()))).await, expected);
    again.check(|_, _| {}).await.unwrap();
}

#[tokio::test]
async fn a_flush_in_the_middle_of_a_compaction_is_not_its_concern() {
    let dir = tempfile::tempdir().unwrap();
    let (lake, mut writer) = six_files(dir.path()).await;
    let merged = merged(&lake).await;
    flushed(&lake, &mut writer, &[("A", 20, 4.5), ("C", 0, 6.0)]).await;
    let before = rows(&lake, &writer.tail).await;
    let mut done = Compacted::default();
    lake.exchange(lake.readings(), merged, &mut done).await.unwrap();
    assert_eq!((done.removed, done.added, done.dropped), (6, 1, 0));
    assert_eq!(lake.readings().files().len(), 2);
    assert_eq!(rows(&lake, &writer.tail).await, before);
    reopened(dir.path(), &before).await;
}

#[tokio::test]
async fn a_compaction_of_a_file_that_was_marked_meanwhile_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let (lake, mut writer) = six_files(dir.path()).await;
    let merged = merged(&lake).await;
    flushed(&lake, &mut writer, &[("A", 3, 9.0)]).await;
    let before = rows(&lake, &writer.tail).await;
    assert_eq!(before.iter().filter(|row| row.ends_with("conflict")).count(), 2);
    let mut done = Compacted::default();
    lake.exchange(lake.readings(), merged, &mut done).await.unwrap();
    assert_eq!(done, Compacted { dropped: 1, ..Compacted::default() });
    assert_eq!(rows(&lake, &writer.tail).await, before);
    reopened(dir.path(), &before).await;

    assert_eq!(compacted(&lake).await.added, 1);
    assert_eq!(rows(&lake, &writer.tail).await, before);
    reopened(dir.path(), &before).await;
}

/// A flush is committed and its rows have not left the tail yet: readers must not see its files, and a compaction
/// must neither.
#[tokio::test]
async fn a_compaction_between_the_commit_of_a_flush_and_its_showing_changes_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    let (lake, mut writer) = six_files(dir.path()).await;
    for (minute, celsius) in [(3, 9.0), (30, 1.0)] {
        writer.admit("A", NOON + minute * 60_000, celsius, None);
    }
    lake.settle_late(&writer.tail).await.unwrap();
    let merged = merged(&lake).await;
    let files = lake.readings().files();
    let (generation, names, marked) = {
        let mut tail = writer.tail.lock().unwrap();
        (tail.freeze().unwrap(), tail.names().list(), tail.conflicts_in_lake())
    };
    assert_eq!(marked.len(), 1);
    let before = rows(&lake, &writer.tail).await;
    lake.flush(&generation, &names, &marked).await.unwrap();

    let mut done = Compacted::default();
    lake.exchange(lake.readings(), merged, &mut done).await.unwrap();
    assert_eq!(done, Compacted { dropped: 1, ..Compacted::default() });
    let paths = |files: &[LakeFile]| files.iter().map(|file| file.path.clone()).collect::<BTreeSet<_>>();
    assert_eq!(paths(&lake.readings().files()), paths(&files));
    assert_eq!(rows(&lake, &writer.tail).await, before);

    lake.show();
    writer.tail.lock().unwrap().flushed(&generation.newest_by_sensor(), &marked);
    let after = rows(&lake, &writer.tail).await;
    assert_eq!(after.len(), 14);
    assert_eq!(after.iter().filter(|row| row.ends_with("conflict")).count(), 2);
    reopened(dir.path(), &after).await;
}

#[tokio::test]
async fn a_compaction_that_is_stopped_leaves_everything_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (lake, writer) = six_files(dir.path()).await;
    let before = rows(&lake, &writer.tail).await;
    let today = MeasuredAt::from_millis(NEXT_DAY).day();
    assert_eq!(lake.compact(today, 100, || true).await.unwrap(), Compacted::default());
    assert_eq!(lake.readings().files().len(), 6);
    reopened(dir.path(), &before).await;
}

#[tokio::test]
async fn a_damaged_file_keeps_only_those_merged_with_it_from_being_compacted() {
    let dir = tempfile::tempdir().unwrap();
    let (lake, mut writer) = six_files(dir.path()).await;
    for minute in 2000..2004 {
        flushed(&lake, &mut writer, &[("A", minute, 4.0)]).await;
    }
    let first = lake.readings().files().iter().find(|file| file.max_measured_at < NEXT_DAY).unwrap().path.clone();
    let file = dir.path().join("lake/readings").join(&first);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let today = MeasuredAt::from_millis(NEXT_DAY).day() + 2;
    let error = lake.compact(today, 100, never).await.unwrap_err().to_string();
    assert!(error.contains(&first), "{error}");
    assert_eq!(lake.readings().files().len(), 6 + 1);
}

/// What any order of readings and flushes must lead to.
#[derive(Default)]
struct Expected(BTreeMap<(String, i64), BTreeSet<i64>>);

impl Expected {
    fn rows(&self) -> Vec<String> {
        let mut rows = Vec::new();
        for ((sensor, at), values) in &self.0 {
            let quality = if values.len() > 1 { "conflict" } else { "good" };
            let row = |value: &i64| format!("{sensor} {at} {:?} {quality}", Some(*value as f64 / 1000.0));
            rows.extend(values.iter().map(row));
        }
        rows.sort();
        rows
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compacting_all_the_while_changes_no_answer() {
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let dir = tempfile::tempdir().unwrap();
    let lake = std::sync::Arc::new(lake(dir.path()).await);
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let compacting = tokio::spawn({
        let (lake, stop) = (std::sync::Arc::clone(&lake), std::sync::Arc::clone(&stop));
        async move {
            let mut all = Compacted::default();
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let done = compacted(&lake).await;
                (all.removed, all.dropped) = (all.removed + done.removed, all.dropped + done.dropped);
                tokio::task::yield_now().await;
            }
            all
        }
    });
    let mut writer = Writer::over(&lake);
    let mut expected = Expected::default();
    for _ in 0..80 {
        for _ in 0..random.random_range(1..20) {
            let sensor = ["A", "B", "C"][random.random_range(0..3)];
            // Two days; now and then an identity comes again, with its value or another.
            let at = NOON + random.random_range(0..600) * 120_000;
            let celsius = if random.random_bool(0.1) { 9.0 } else { 4.0 };
            writer.admit(sensor, at, celsius, None);
            let identity = (sensor.to_owned(), at - NOON);
            expected.0.entry(identity).or_default().insert((celsius * 1000.0) as i64);
        }
        flush_tail(&lake, &writer.tail).await.unwrap();
        assert_eq!(rows(&lake, &writer.tail).await, expected.rows());
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let all = compacting.await.unwrap();
    assert!(all.removed > 0, "{all:?}");
    reopened(dir.path(), &expected.rows()).await;
}
