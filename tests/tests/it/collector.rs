//! The collector against real brokers and broken connections: what a broker acknowledged to its publisher and still
//! held arrives in the journal, and no acknowledgement leaves before that, or on another connection.

mod audit;
mod broker;
mod faults;
mod plain;
mod restarts;
mod taken;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ingest::clock::Clock;
use ingest::collector::{Collector, CollectorHandle, CollectorOptions, CollectorState};
use ingest::sink::Sink;
use model::name::Name;
use tests::publisher::Outgoing;

use self::taken::Taken;

/// How long anything here may take before it counts as never.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where the messages of these tests go.
const TOPIC: &str = "coldtrail/v1/WH1/gw1/readings";

/// Rounds of the tests that repeat themselves, from `COLDTRAIL_ROUNDS`.
fn rounds(fewest: usize) -> usize {
    std::env::var("COLDTRAIL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(fewest)
}

/// Options with short waits for the broker at `address`.
fn options(address: SocketAddr, client_id: &str) -> CollectorOptions {
    let name = Name::parse("plant").unwrap();
    CollectorOptions {
        backoff_first: Duration::from_millis(20),
        backoff_max: Duration::from_millis(200),
        contested_backoff: Duration::from_secs(2),
        silence_margin: Duration::from_millis(300),
        keep_alive: Duration::from_secs(5),
        ..CollectorOptions::new(name, "127.0.0.1", address.port(), client_id, &["coldtrail/v1/+/+/readings"])
    }
}

/// Starts a collector into the journal of `taken`.
fn start(options: CollectorOptions, taken: &Taken) -> CollectorHandle {
    Collector::start(options, Sink::Journal(taken.journal()), Clock::system()).unwrap()
}

/// Starts a collector and waits until it is subscribed: until then a broker keeps nothing for it.
async fn start_subscribed(options: CollectorOptions, taken: &Taken, log: impl Fn() -> String) -> CollectorHandle {
    let before = log().matches("Sending SUBACK").count();
    let collector = start(options, taken);
    until("subscribed", || log().matches("Sending SUBACK").count() > before).await;
    collector
}

/// Waits until `holds`, or fails naming `what`.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until the state of `collector` is as `holds` says.
async fn until_state(what: &str, collector: &CollectorHandle, holds: impl Fn(&CollectorState) -> bool) {
    until(what, || holds(&collector.state())).await;
}

/// `count` messages of QoS 1 with payloads of their own, beginning with `label`.
fn messages(label: &str, count: usize) -> Vec<Outgoing> {
    let message = |nth| Outgoing {
        topic: TOPIC.to_owned(),
        qos: 1,
        retain: false,
        payload: format!("{label}-{nth:06}").into_bytes(),
    };
    (0..count).map(message).collect()
}
