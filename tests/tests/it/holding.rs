//! Who waits for whom when the lake is slow, fails or hangs: senders for a slow flush, nobody for one that fails.

use std::fmt;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use ingest::clock::Clock;
use ingest::pipeline::{Pipeline, PipelineOptions};
use model::instant::ReceivedAt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};
use store::journal::{Delivery, Journal, JournalOptions, Refused, Source};
use store::lake::Lake;
use store::objects::Objects;
use store::view::Readable;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const NOON: i64 = 1_795_348_800_000; // 2026-11-22T12:00:00Z
const TOPIC: &str = "coldtrail/v1/WH1/GW1/readings";

/// How a store takes what is written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Willing,
    /// Not before it changes its mind.
    Hanging,
    Refusing,
}

/// A store in memory with moods.
#[derive(Debug)]
struct Moody {
    inner: InMemory,
    mood: watch::Sender<Mood>,
}

impl fmt::Display for Moody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Moody")
    }
}

#[async_trait]
impl ObjectStore for Moody {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let mood = *self.mood.subscribe().wait_for(|mood| *mood != Mood::Hanging).await.unwrap();
        if mood == Mood::Refusing {
            return Err(object_store::Error::Generic { store: "Moody", source: "not now".into() });
        }
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// A pipeline with room for little: in the tail, between journal and decoding, and before the fsync.
async fn start(dir: &FilePath, flush_patience: Duration) -> (Arc<Moody>, Pipeline) {
    let store = Arc::new(Moody { inner: InMemory::new(), mood: watch::Sender::new(Mood::Willing) });
    let lake = Lake::open(Objects::on(store.clone(), "lake"), "node").await.unwrap();
    let options =
        PipelineOptions { flush_bytes: 16 << 10, tail_bytes: 64 << 10, flush_patience, ..PipelineOptions::default() };
    let journal =
        JournalOptions { segment_bytes: 64 << 10, buffer_bytes: 64 << 10, feed_bytes: 64 << 10, ..Default::default() };
    let clock = Clock::from_fn(|| ReceivedAt::from_millis(NOON));
    (store, Pipeline::start(dir.to_owned(), journal, lake, options, clock).unwrap().0)
}

/// More than the tail and all that is before it can hold.
const MANY: i64 = 20_000;

fn payload(number: i64) -> String {
    let at = NOON - (MANY - number) * 1000;
    format!(r#"{{"readings":[{{"sensor":"A","at":{at},"temperature_c":4.125}}]}}"#)
}

fn delivery(payload: &str) -> Delivery<'_> {
    Delivery {
        received_at: ReceivedAt::from_millis(NOON),
        source: Source::Listener,
        client: "GW1",
        topic: TOPIC,
        payload: payload.as_bytes(),
    }
}

/// Publishes the readings with these numbers, waiting wherever the journal does; gives how many were acknowledged.
async fn publish(journal: Journal, numbers: std::ops::Range<i64>) -> i64 {
    let all = numbers.end - numbers.start;
    let mut durable = journal.durable();
    let mut last = None;
    for number in numbers {
        let payload = payload(number);
        last = Some(loop {
            match journal.append(&delivery(&payload)) {
                Ok(ticket) => break ticket,
                Err(Refused::Full) => journal.room().await,
                Err(refused) => panic!("{refused:?}"),
            }
        });
    }
    let last = last.unwrap().position;
    durable.wait_for(|durable| durable.position >= last).await.unwrap();
    all
}

async fn rows(pipeline: &Pipeline) -> u64 {
    let view = pipeline.view().await.unwrap();
    let files: u64 = view.readings.files.iter().map(|file| file.rows).sum();
    files + view.readings.tail.batches(&[0], None).unwrap().iter().map(|batch| batch.num_rows() as u64).sum::<u64>()
}

async fn stop(pipeline: &Pipeline, running: tokio::task::JoinHandle<()>, stopping: &CancellationToken) {
    stopping.cancel();
    running.await.unwrap();
    assert_eq!(pipeline.lake().readings().files().iter().map(|file| file.rows).sum::<u64>(), MANY as u64);
}

fn run(pipeline: &Pipeline) -> (tokio::task::JoinHandle<()>, CancellationToken) {
    let (pipeline, stopping) = (pipeline.clone(), CancellationToken::new());
    let token = stopping.clone();
    (tokio::spawn(async move { pipeline.run(token).await.unwrap() }), stopping)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_flush_holds_senders_back_and_nothing_runs_ahead() {
    let dir = tempfile::tempdir().unwrap();
    let (store, pipeline) = start(dir.path(), Duration::from_secs(3600)).await;
    let (running, stopping) = run(&pipeline);
    store.mood.send_replace(Mood::Hanging);
    let publishing = tokio::spawn(publish(pipeline.journal().clone(), 0..MANY));
    // All there is room for is taken; then the journal closes its door, and it stays closed.
    let mut seen = 0;
    for _ in 0..20 {
        while pipeline.journal().is_open() {
            assert!(!publishing.is_finished(), "everything was taken");
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        seen = pipeline.journal().durable().borrow().position.get();
    }
    assert!(seen < MANY as u64 / 2, "{seen} messages ran ahead of a tail that holds some hundred");
    store.mood.send_replace(Mood::Willing);
    assert_eq!(publishing.await.unwrap(), MANY);
    assert_eq!(rows(&pipeline).await, MANY as u64);
    stop(&pipeline, running, &stopping).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_that_fails_holds_nobody_back() {
    let dir = tempfile::tempdir().unwrap();
    let (store, pipeline) = start(dir.path(), Duration::from_secs(3600)).await;
    let (running, stopping) = run(&pipeline);
    store.mood.send_replace(Mood::Refusing);
    assert_eq!(publish(pipeline.journal().clone(), 0..MANY).await, MANY);
    store.mood.send_replace(Mood::Willing);
    assert_eq!(rows(&pipeline).await, MANY as u64);
    stop(&pipeline, running, &stopping).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_that_never_ends_counts_as_failing() {
    let dir = tempfile::tempdir().unwrap();
    let (store, pipeline) = start(dir.path(), Duration::from_millis(50)).await;
    let (running, stopping) = run(&pipeline);
    store.mood.send_replace(Mood::Hanging);
    assert_eq!(publish(pipeline.journal().clone(), 0..MANY).await, MANY);
    store.mood.send_replace(Mood::Willing);
    assert_eq!(rows(&pipeline).await, MANY as u64);
    stop(&pipeline, running, &stopping).await;
}
