//! The simulator: it says the truth about what it sends, and counts what is acknowledged.

mod ack_server;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use model::instant::RecordedAt;
use model::registry::{Registry, RegistryDocument};
use sensors_sim::load::{self, LoadOptions, LoadProgress};
use sensors_sim::{Broker, Clock, Emission, Pace, Protocol, Runner, RunnerOptions, Scenario, Span, Summary, World};
use serde_json::Value;

use ack_server::AckServer;

const SEED: u64 = 20_261_122;

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_795_341_600_000).unwrap()
}

/// Runs `scenario` for `hours` against `server`, as fast as it acknowledges, with the truth in `truth`.
async fn publish(server: &AckServer, scenario: &str, hours: i64, protocol: Protocol, truth: &Path) -> Summary {
    println!("seed {SEED}");
    let world = World::new(&Scenario::load(scenario).unwrap(), SEED, start()).unwrap();
    let options = RunnerOptions {
        broker: Broker { protocol, ..Broker::at(server.address()) },
        pace: Pace::Unpaced,
        until: Some(start() + TimeDelta::hours(hours)),
        truth: Some(truth.to_owned()),
        inflight: 20,
    };
    let mut runner = Runner::start(world, options).unwrap();
    runner.finished().await;
    runner.stop(Duration::from_secs(60)).await.unwrap()
}

/// A reading as text: sensor, stamp in ms, temperature, humidity.
type Row = (String, i64, String, String);

/// What the payloads say, every readable reading of each, repetitions included.
fn read_payloads(payloads: &[(String, Vec<u8>)]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (_, payload) in payloads {
        let Ok(json) = serde_json::from_slice::<Value>(payload) else { continue };
        for reading in json["readings"].as_array().into_iter().flatten() {
            let at = match &reading["at"] {
                Value::String(text) => DateTime::parse_from_rfc3339(text).map(|at| at.timestamp_millis()).ok(),
                number => number.as_i64(),
            };
            let sensor = reading["sensor"].as_str().unwrap().to_owned();
            let celsius = reading["temperature_c"].as_f64().unwrap();
            let Some(at) = at.filter(|_| !sensor.contains(' ') && celsius < 200.0) else { continue };
            let humidity = reading["humidity_pct"].as_f64().map(|pct| pct.to_string()).unwrap_or_default();
            rows.push((sensor, at, celsius.to_string(), humidity));
        }
    }
    rows
}

/// The truth's `readings.csv`.
fn read_truth(dir: &Path) -> BTreeSet<Row> {
    let text = std::fs::read_to_string(dir.join("readings.csv")).unwrap();
    let rows = text.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let at = DateTime::parse_from_rfc3339(cells[1]).unwrap().timestamp_millis();
        (cells[0].to_owned(), at, cells[2].to_owned(), cells[3].to_owned())
    });
    rows.collect()
}

#[test]
fn the_same_seed_makes_the_same_day_byte_by_byte() {
    let day = |seed| {
        let mut world = World::new(&Scenario::load("demo").unwrap(), seed, start()).unwrap();
        let mut out = Vec::new();
        world.advance_to(start() + TimeDelta::days(1), &mut out);
        let messages: Vec<(u64, Vec<u8>)> = out
            .into_iter()
            .filter_map(|emission| match emission {
                Emission::Message(message) => Some((message.seq, message.payload.to_vec())),
                Emission::LinkDown { .. } | Emission::LinkUp { .. } => None,
            })
            .collect();
        (messages, world.registry())
    };
    let (first, registry) = day(SEED);
    assert!(first.len() > 20_000, "{}", first.len());
    assert!(day(SEED) == (first.clone(), registry), "seed {SEED} does not repeat itself");
    assert!(day(SEED + 1).0 != first, "another seed makes the same day");
}

#[test]
fn the_registry_of_every_scenario_applies() {
    for name in Scenario::builtin_names() {
        let world = World::new(&Scenario::load(name).unwrap(), SEED, start()).unwrap();
        let document =
            RegistryDocument::from_value(&world.registry()).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        let plan = Registry::default().plan(&document, RecordedAt::from_millis(0));
        let plan = plan.unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        assert!(plan.created() > 2 * world.sensors(), "{name}");
        assert!(plan.notices.is_empty(), "{name}: {:?}", plan.notices);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_truth_is_what_was_published_whatever_the_network_did() {
    for (scenario, protocol) in [("noisy-network", Protocol::V5), ("gateway-offline", Protocol::V311)] {
        let server = AckServer::start(None).await;
        let dir = tempfile::tempdir().unwrap();
        let summary = publish(&server, scenario, 12, protocol, dir.path()).await;
        assert_eq!(summary.published_messages, summary.acknowledged_messages, "{scenario}");
        assert_eq!(summary.published_readings, summary.acknowledged_readings, "{scenario}");
        let published = read_payloads(&server.published());
        let distinct: BTreeSet<Row> = published.iter().cloned().collect();
        assert_eq!(distinct.len() as u64, summary.published_readings, "{scenario}");
        assert_eq!(distinct, read_truth(dir.path()), "{scenario}");
        assert!(published.len() > distinct.len(), "{scenario} should repeat itself");
        let messages = std::fs::read_to_string(dir.path().join("messages.csv")).unwrap();
        assert_eq!(messages.lines().count() as u64, 1 + summary.published_messages);
        assert!(messages.lines().all(|line| !line.ends_with(',')), "everything was acknowledged");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_be_rejected_is_counted_apart() {
    for scenario in ["garbled", "clock-drift"] {
        let server = AckServer::start(None).await;
        let dir = tempfile::tempdir().unwrap();
        let summary = publish(&server, scenario, 24, Protocol::V5, dir.path()).await;
        let refused = std::fs::read_to_string(dir.path().join("refused.csv")).unwrap();
        let rows = refused.lines().count() as u64 - 1;
        assert!(rows > 10, "{scenario}: {rows}");
        assert_eq!(rows, summary.must_reject_messages + summary.must_reject_readings, "{scenario}");
        assert_eq!(rows, summary.acknowledged_must_reject, "{scenario}");
        assert_eq!(read_truth(dir.path()).len() as u64, summary.acknowledged_readings, "{scenario}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_drops_connections_gets_everything_in_the_end() {
    // Each connection is dropped after 40 messages, the last of them without an acknowledgement.
    let server = AckServer::start(Some(40)).await;
    let dir = tempfile::tempdir().unwrap();
    let summary = publish(&server, "quiet-week", 12, Protocol::V5, dir.path()).await;
    assert_eq!(summary.published_messages, summary.acknowledged_messages);
    assert!(summary.reconnects > 0 && summary.resent_messages > 0, "{summary:?}");
    let distinct: BTreeSet<Row> = read_payloads(&server.published()).into_iter().collect();
    assert_eq!(distinct, read_truth(dir.path()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paced_world_is_never_ahead_of_its_clock_and_stops_when_told() {
    let server = AckServer::start(None).await;
    let clock = Clock::starting_at(start(), 20_000.0);
    let world = World::new(&Scenario::load("quiet-week").unwrap(), SEED, start()).unwrap();
    let options = RunnerOptions {
        broker: Broker::at(server.address()),
        pace: Pace::Clock(clock.shared()),
        until: None,
        truth: None,
        inflight: 100,
    };
    let runner = Runner::start(world, options).unwrap();
    let progress = runner.progress();
    let enough = async {
        while progress.summary().acknowledged_readings < 500 {
            assert!(progress.simulated_at() <= clock.now());
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), enough).await.unwrap();
    let summary = runner.stop(Duration::from_secs(60)).await.unwrap();
    assert_eq!(summary.published_readings, summary.acknowledged_readings);
    assert_eq!(summary.connected, 0);
    let distinct: BTreeSet<Row> = read_payloads(&server.published()).into_iter().collect();
    assert_eq!(distinct.len() as u64, summary.published_readings);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_is_reported_and_not_waited_for() {
    let gone = AckServer::start(None).await.address();
    let world = World::new(&Scenario::load("quiet-week").unwrap(), SEED, start()).unwrap();
    let options = RunnerOptions {
        // The port was free a moment ago and nobody listens on it now.
        broker: Broker::at(gone),
        pace: Pace::Unpaced,
        until: None,
        truth: None,
        inflight: 100,
    };
    let summary = Runner::start(world, options).unwrap().stop(Duration::from_millis(300)).await.unwrap();
    assert_eq!((summary.published_messages, summary.acknowledged_messages), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_load_generator_counts_what_the_server_got() {
    for (protocol, readings_per_message, jitter_ms) in [(Protocol::V5, 50, 0), (Protocol::V311, 1, 2_000)] {
        let server = AckServer::start(None).await;
        let options = LoadOptions {
            broker: Broker { protocol, ..Broker::at(server.address()) },
            sensors: 1_000,
            gateways: 4,
            readings_per_message,
            messages_per_s: 0,
            inflight: 100,
            lasts: Duration::from_secs(60),
            max_messages: Some(2_001),
            start: start(),
            not_after: start() + TimeDelta::days(365),
            interval: Span::from_millis(60_000),
            jitter: Span::from_millis(jitter_ms),
            seed: SEED,
        };
        let progress = Arc::new(LoadProgress::default());
        let report = load::run(options, progress.clone()).await.unwrap();
        assert_eq!((report.messages, report.acknowledged_messages), (2_001, 2_001));
        assert_eq!(progress.messages(), (2_001, 2_001));
        assert_eq!(report.acknowledged_readings, 2_001 * readings_per_message as u64);
        assert_eq!(report.errors, Vec::<String>::new());
        assert!(report.ack_p50_ms <= report.ack_p99_ms && report.ack_p99_ms <= report.ack_max_ms);
        let published = server.published();
        assert_eq!(published.len(), 2_001);
        let mut topics = BTreeMap::new();
        published.iter().for_each(|(topic, _)| *topics.entry(topic.as_str()).or_insert(0) += 1);
        assert_eq!(topics.len(), 4);
        assert_eq!(topics["coldtrail/v1/LOAD/LOAD-0001/readings"], 501);
        let rows = read_payloads(&published);
        let distinct: BTreeSet<(&str, i64)> = rows.iter().map(|row| (row.0.as_str(), row.1)).collect();
        assert_eq!((rows.len(), distinct.len()), (2_001 * readings_per_message, 2_001 * readings_per_message));
    }
}
