//! The MQTT door from outside: raw sockets, rumqttc and paho against a listener over a journal whose disk can be
//! held and broken. Invariant D1, faults 21, 23, 25, 28 to 31.

mod client;
mod limits;
mod meaning;
mod others;
mod promise;
mod protocol;
mod rights;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ingest::credentials::{Credentials, NoUsers};
use ingest::listener::{Listener, ListenerOptions};
use store::journal::{Entry, Fed, Journal, JournalOptions, Position};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::client::{Client, Version};
use crate::held_disk::HeldDisk;

/// How long anything here may take before it counts as never.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where the gateway `gw1` writes.
const TOPIC: &str = "coldtrail/v1/WH1/gw1/readings";

/// A listener over a journal of its own.
struct Door {
    disk: HeldDisk,
    journal: Journal,
    address: SocketAddr,
    stop: CancellationToken,
    running: JoinHandle<()>,
    _dir: TempDir,
}

/// A message as the journal holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    client: String,
    topic: String,
    payload: Vec<u8>,
}

impl Door {
    /// Anonymous clients over loopback, default limits.
    fn open() -> Self {
        Self::open_with(|_| {}, Arc::new(NoUsers), JournalOptions::default())
    }

    fn open_with(
        change: impl FnOnce(&mut ListenerOptions),
        credentials: Arc<dyn Credentials>,
        journal: JournalOptions,
    ) -> Self {
        let dir = TempDir::new().unwrap();
        let disk = HeldDisk::default();
        let (journal, _) = Journal::open_on(Arc::new(disk.clone()), dir.path(), journal).unwrap();
        let mut options = ListenerOptions::at(SocketAddr::from(([127, 0, 0, 1], 0)));
        change(&mut options);
        let listener = Listener::bind(options, journal.clone(), credentials).unwrap();
        let address = listener.local_addrs()[0];
        let stop = CancellationToken::new();
        let running = tokio::spawn(listener.run(stop.clone()));
        Self { disk, journal, address, stop, running, _dir: dir }
    }

    /// Everything durable in the journal.
    async fn kept(&self) -> Vec<Kept> {
        let journal = self.journal.clone();
        let reading = move || {
            let last = journal.durable().borrow().position;
            let mut kept = Vec::new();
            let mut at = Position::ZERO;
            let mut feed = journal.feed(Position::new(1)).unwrap();
            while at < last {
                let Fed::Group(group) = feed.next_within(PATIENCE).unwrap() else { panic!("the journal ends early") };
                at = group.last();
                for entry in group.entries() {
                    let Entry::Message(message) = entry else { panic!("a gap in a healthy journal") };
                    let delivery = message.delivery;
                    kept.push(Kept {
                        client: delivery.client.to_owned(),
                        topic: delivery.topic.to_owned(),
                        payload: delivery.payload.to_vec(),
                    });
                }
            }
            kept
        };
        tokio::task::spawn_blocking(reading).await.unwrap()
    }

    /// The payloads of [`Door::kept`], as text, once there are `count` of them: a publish at most once is not
    /// acknowledged, so its arrival has to be waited for.
    async fn payloads(&self, count: u64) -> Vec<String> {
        let mut durable = self.journal.durable();
        let arrived = durable.wait_for(|durable| durable.position.get() >= count);
        tokio::time::timeout(PATIENCE, arrived).await.expect("the messages arrive").unwrap();
        self.kept().await.into_iter().map(|kept| String::from_utf8(kept.payload).unwrap()).collect()
    }

    async fn client(&self, version: Version) -> Client {
        Client::connect(self.address, version, "c1").await
    }
}

/// Polls until `done`, with a deadline.
async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done().await {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
