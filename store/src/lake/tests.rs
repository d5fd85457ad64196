use std::collections::HashSet;
use std::sync::Mutex;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, TimestampMillisecondType};
use model::instant::{MeasuredAt, ReceivedAt};
use model::quantity::{Humidity, Temperature};
use model::reading::Reading;
use model::rejection::Reason;

use super::loaded::Loaded;
use super::*;
use crate::tail::{Admission, Origin, Tail};
use crate::view::Unflushed;

const NOON: i64 = 1_795_348_800_000; // 2026-11-22T12:00:00Z

async fn lake(dir: &std::path::Path) -> Lake {
    Lake::open(Objects::local(&dir.join("lake")).unwrap(), "node").await.unwrap()
}

struct Writer {
    tail: Mutex<Tail>,
    position: u64,
}

impl Writer {
    fn over(lake: &Lake) -> Self {
        let position = lake.flushed_to().map_or(0, Position::get);
        Self { tail: Mutex::new(Tail::new(lake.newest())), position }
    }

    fn admit(&mut self, sensor: &str, at: i64, celsius: f64, percent: Option<f64>) -> Admission {
        self.position += 1;
        let mut tail = self.tail.lock().unwrap();
        let origin = Origin { site: tail.intern("WH1"), gateway: tail.intern("GW1") };
        let reading = Reading {
            sensor,
            measured_at: MeasuredAt::from_millis(at),
            temperature: Temperature::from_celsius(celsius),
            humidity: percent.and_then(Humidity::from_percent),
            unit: None,
            seq: None,
            battery_v: None,
            rssi_dbm: None,
        };
        let sensor = tail.intern(sensor);
        tail.admit(&reading, sensor, origin, ReceivedAt::from_millis(at + 1000), Position::new(self.position))
    }
}

/// Every row of lake and tail as text, sorted: what any query would see.
async fn rows(lake: &Lake, tail: &Mutex<Tail>) -> Vec<String> {
    let mut batches = {
        let all: Vec<usize> = (0..schema::READINGS.fields().len()).collect();
        tail.lock().unwrap().batches().batches(&all, None).unwrap()
    };
    let marked = tail.lock().unwrap().conflicts_in_lake();
    for file in lake.readings().files().iter() {
        let loaded = Loaded::of(lake.objects(), lake.readings(), file).await.unwrap();
        batches.extend(loaded.batches(&schema::READINGS).unwrap().map(Result::unwrap));
    }
    assert!(marked.is_empty() || !batches.is_empty());
    let mut rows: Vec<String> = batches.iter().flat_map(text).collect();
    rows.sort();
    rows
}

fn text(batch: &RecordBatch) -> Vec<String> {
    let sensor = batch.column(0).as_string::<i32>();
    let at = batch.column(1).as_primitive::<TimestampMillisecondType>();
    let temperature = batch.column(3).as_primitive::<Float64Type>();
    let quality = batch.column(9).as_string::<i32>();
    (0..batch.num_rows())
        .map(|row| {
            let celsius = temperature.is_valid(row).then(|| temperature.value(row));
            format!("{} {} {celsius:?} {}", sensor.value(row), at.value(row) - NOON, quality.value(row))
        })
        .collect()
}

#[tokio::test]
async fn a_reading_is_there_once_before_and_after_flush_and_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let first = lake(dir.path()).await;
    let mut writer = Writer::over(&first);
    assert_eq!(writer.admit("B", NOON, 5.0, Some(50.0)), Admission::New);
    assert_eq!(writer.admit("A", NOON + 60_000, 4.25, None), Admission::New);
    assert_eq!(writer.admit("A", NOON, 4.0, None), Admission::New);
    assert_eq!(writer.admit("A", NOON, 4.0, None), Admission::Duplicate);
    assert_eq!(writer.admit("A", NOON - 86_400_000, 3.0, None), Admission::New);
    let before = rows(&first, &writer.tail).await;
    assert_eq!(before.len(), 4);

    let flushed = flush_tail(&first, &writer.tail).await.unwrap().unwrap();
    assert_eq!((flushed.readings, flushed.files), (4, 2));
    assert_eq!(rows(&first, &writer.tail).await, before);
    assert_eq!(flush_tail(&first, &writer.tail).await.unwrap(), None);

    let again = lake(dir.path()).await;
    assert_eq!(again.flushed_to(), Some(Position::new(5)));
    assert_eq!(again.newest(), NOON + 60_000);
    let mut writer = Writer::over(&again);
    assert_eq!(rows(&again, &writer.tail).await, before);
    assert_eq!(writer.admit("A", NOON, 4.0, None), Admission::Late);
    assert_eq!(writer.admit("A", NOON + 1, 4.0, None), Admission::Late);
    assert_eq!(rows(&again, &writer.tail).await, before);
    assert_eq!(again.settle_late(&writer.tail).await.unwrap(), 1);
    assert_eq!(rows(&again, &writer.tail).await.len(), 5);
    assert_eq!(flush_tail(&again, &writer.tail).await.unwrap().unwrap().readings, 1);
    assert_eq!(rows(&again, &writer.tail).await.len(), 5);
    assert_eq!(again.check(|_, _| {}).await.unwrap(), 3);
}

/// Whatever the order of arrival and wherever flushes fall, the rows are the same (invariants A1 and D2).
#[tokio::test]
async fn conflicts_are_marked_on_both_sides_whatever_arrived_first() {
    let readings = [("A", 0, 4.0), ("A", 0, 5.0), ("A", 60_000, 4.5), ("A", 0, 4.0)];
    let mut outcomes = HashSet::new();
    for order in [[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 1, 0], [3, 2, 1, 0]] {
        for flush_after in 0..8u8 {
            let dir = tempfile::tempdir().unwrap();
            let lake = lake(dir.path()).await;
            let mut writer = Writer::over(&lake);
            for (step, reading) in order.iter().enumerate() {
                let (sensor, at, celsius) = readings[*reading];
                writer.admit(sensor, NOON + at, celsius, None);
                if flush_after & (1 << step) != 0 {
                    flush_tail(&lake, &writer.tail).await.unwrap();
                }
            }
            flush_tail(&lake, &writer.tail).await.unwrap();
            outcomes.insert(rows(&lake, &writer.tail).await);
        }
    }
    let expected = ["A 0 Some(4.0) conflict", "A 0 Some(5.0) conflict", "A 60000 Some(4.5) good"];
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [expected.map(str::to_owned).to_vec()]);
}

#[tokio::test]
async fn compaction_keeps_every_row_and_vacuum_only_what_is_old_and_unnamed() {
    let dir = tempfile::tempdir().unwrap();
    let lake = lake(dir.path()).await;
    let mut writer = Writer::over(&lake);
    for minute in 0..6 {
        writer.admit("A", NOON + minute * 60_000, 4.0, None);
        writer.admit("B", NOON - minute * 60_000, 5.0, Some(40.0));
        let position = Position::new(writer.position);
        let received_at = ReceivedAt::from_millis(NOON + minute);
        writer.tail.lock().unwrap().reject(received_at, "t", b"\xff{", Reason::Json, position);
        flush_tail(&lake, &writer.tail).await.unwrap();
    }
    let before = rows(&lake, &writer.tail).await;
    let today = MeasuredAt::from_millis(NOON).day() + 1;
    let compacted = lake.compact(today, 100, || false).await.unwrap();
    assert_eq!((compacted.removed, compacted.added), (12, 2));
    assert_eq!(rows(&lake, &writer.tail).await, before);
    assert_eq!(lake.compact(today, 100, || false).await.unwrap(), Compacted::default());
    let now = chrono::Utc::now().timestamp_millis();
    assert_eq!(lake.vacuum(now).await.unwrap(), 0);
    // Seen from 25 hours on, what compaction took out is old enough; what is named stays.
    assert_eq!(lake.vacuum(now + 25 * 3600 * 1000).await.unwrap(), 12);
    assert_eq!(rows(&lake, &writer.tail).await, before);
    assert_eq!(lake.check(|_, _| {}).await.unwrap(), 2);
}

#[tokio::test]
async fn a_flush_repeated_after_its_commit_does_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let lake = lake(dir.path()).await;
    let mut writer = Writer::over(&lake);
    writer.admit("A", NOON, 4.0, None);
    let generation = writer.tail.lock().unwrap().freeze().unwrap();
    let names = writer.tail.lock().unwrap().names().list();
    for _ in 0..2 {
        lake.flush(&generation, &names, &HashSet::new()).await.unwrap();
        lake.show();
    }
    assert_eq!(lake.readings().files().len(), 1);
}

#[tokio::test]
async fn a_changed_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let lake = lake(dir.path()).await;
    let mut writer = Writer::over(&lake);
    writer.admit("A", NOON, 4.0, None);
    flush_tail(&lake, &writer.tail).await.unwrap();
    let path = lake.readings().files()[0].path.clone();
    let file = dir.path().join("lake/readings").join(&path);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let error = lake.check(|_, _| {}).await.unwrap_err().to_string();
    assert!(error.contains(&path), "{error}");
}

mod while_compacting;
