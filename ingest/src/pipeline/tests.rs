use std::path::Path;

use model::instant::ReceivedAt;
use store::journal::{Delivery, Source};
use store::objects::Objects;

use super::*;

const NOON: i64 = 1_795_348_800_000; // 2026-11-22T12:00:00Z

async fn start(dir: &Path) -> Pipeline {
    let lake = Lake::open(Objects::local(&dir.join("lake")).unwrap(), "node").await.unwrap();
    let options = PipelineOptions { names_per_gateway: 3, ..PipelineOptions::default() };
    let journal = JournalOptions { segment_bytes: 64 << 10, ..JournalOptions::default() };
    let clock = Clock::from_fn(|| ReceivedAt::from_millis(NOON));
    Pipeline::start(dir.join("journal"), journal, lake, options, clock).unwrap().0
}

async fn send(pipeline: &Pipeline, topic: &str, payload: &str) {
    let delivery = Delivery {
        received_at: ReceivedAt::from_millis(NOON),
        source: Source::Listener,
        client: "GW1",
        topic,
        payload: payload.as_bytes(),
    };
    pipeline.journal().durably(&delivery).await.unwrap();
}

const TOPIC: &str = "coldtrail/v1/WH1/GW1/readings";

fn reading(sensor: &str, at: i64, celsius: &str) -> String {
    format!(r#"{{"readings":[{{"sensor":"{sensor}","at":{at},"temperature_c":{celsius}}}]}}"#)
}

async fn rows(pipeline: &Pipeline) -> (u64, u64) {
    let view = pipeline.view().await.unwrap();
    let count = |table: &store::view::TableView| {
        let files: u64 = table.files.iter().map(|file| file.rows).sum();
        files + table.tail.batches(&[0], None).unwrap().iter().map(|batch| batch.num_rows() as u64).sum::<u64>()
    };
    (count(&view.readings), count(&view.rejected))
}

/// D4: what was received is admitted, a duplicate or rejected, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn every_reading_is_admitted_or_a_duplicate_or_rejected() {
    let dir = tempfile::tempdir().unwrap();
    let pipeline = start(dir.path()).await;
    send(&pipeline, TOPIC, &reading("A", NOON, "4.0")).await;
    send(&pipeline, TOPIC, &reading("A", NOON, "4.0")).await;
    send(&pipeline, TOPIC, &reading("A", NOON, "-300.0")).await;
    send(&pipeline, TOPIC, &reading("A", NOON + 300_001, "4.0")).await;
    send(&pipeline, TOPIC, &reading("A/B", NOON, "4.0")).await;
    send(&pipeline, TOPIC, "not json").await;
    send(&pipeline, "coldtrail/v1/../x", &reading("A", NOON, "4.0")).await;
    for sensor in ["B", "C", "D"] {
        send(&pipeline, TOPIC, &reading(sensor, NOON, "4.0")).await;
    }
    pipeline.caught_up().await.unwrap();
    let counts = pipeline.counts();
    assert_eq!((counts.admitted, counts.duplicate, counts.rejected), (3, 1, 6));
    assert_eq!(counts.received, counts.admitted + counts.duplicate + counts.rejected);
    assert_eq!(rows(&pipeline).await, (3, 6));
}

/// D3: a segment of the journal goes only after a commit covers it; D2: a reading is there once all the while.
#[tokio::test(flavor = "multi_thread")]
async fn the_journal_is_pruned_behind_the_lake_and_replayed_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let pipeline = start(dir.path()).await;
    for minute in 0..2000 {
        send(&pipeline, TOPIC, &reading("A", NOON - minute * 60_000, "4.125")).await;
    }
    let full = pipeline.journal().bytes_on_disk();
    assert_eq!(rows(&pipeline).await, (2000, 0));
    pipeline.flush().await.unwrap();
    assert!(pipeline.journal().bytes_on_disk() < full);
    send(&pipeline, TOPIC, &reading("A", NOON + 1, "4.5")).await;
    send(&pipeline, TOPIC, &reading("A", NOON, "4.125")).await;
    assert_eq!(rows(&pipeline).await, (2001, 0));
    pipeline.journal().close();
    drop(pipeline);

    let again = start(dir.path()).await;
    assert_eq!(rows(&again).await, (2001, 0));
}

/// A journal that was lost or restored from before the lake's last flush must not give positions twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_behind_the_lake_begins_anew_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let pipeline = start(dir.path()).await;
    for minute in 0..5 {
        send(&pipeline, TOPIC, &reading("A", NOON - minute * 60_000, "4.0")).await;
    }
    pipeline.caught_up().await.unwrap();
    pipeline.flush().await.unwrap();
    pipeline.journal().close();
    drop(pipeline);
    std::fs::remove_dir_all(dir.path().join("journal")).unwrap();

    let again = start(dir.path()).await;
    send(&again, TOPIC, &reading("B", NOON, "5.0")).await;
    assert_eq!(rows(&again).await, (6, 0));
    again.journal().close();
    drop(again);
    assert_eq!(rows(&start(dir.path()).await).await, (6, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_over_http_adds_up() {
    use crate::http_door::{DoorError, HttpDoor, HttpLimits, Receipt};
    use model::rejection::Reason;
    let dir = tempfile::tempdir().unwrap();
    let door = HttpDoor::new(start(dir.path()).await, HttpLimits::default());
    let body = format!(
        r#"{{"site":"WH1","gateway":"GW1","readings":[{{"sensor":"A","at":{NOON},"temperature_c":4}},{{"sensor":"A","at":{NOON},"temperature_c":999}}]}}"#
    );
    let receipt = door.post("t", body.as_bytes()).await.unwrap();
    assert_eq!(receipt, Receipt { accepted: 1, duplicate: 0, rejected: vec![(1, Reason::Range)] });
    let receipt = door.post("t", body.as_bytes()).await.unwrap();
    assert_eq!(receipt, Receipt { accepted: 0, duplicate: 1, rejected: vec![(1, Reason::Range)] });
    let refused = door.post("t", br#"{"site":"../x","gateway":"GW1","readings":[]}"#).await;
    assert!(matches!(refused, Err(DoorError::Malformed { reason: Reason::Name, .. })), "{refused:?}");
}
