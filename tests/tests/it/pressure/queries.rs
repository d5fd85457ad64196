//! More heavy questions than there are turns, while messages come as fast as they can (fault 40).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use serde_json::Value;
use tests::memory;

use super::*;

/// Memory small enough to be told from what the machine happens to have.
const CONFIG: &str = "[sql]\ntimeout_s = 2.0\nmax_memory_bytes = 67108864\n\
                      [ingest]\nflush_bytes = 16777216\ntail_max_bytes = 67108864\n";

const QUESTIONS: usize = 200;

/// How long a gateway may wait for an acknowledgement (docs/operations.md).
const ACKNOWLEDGED_IN: Duration = Duration::from_secs(2);

/// Readings in a message.
const EACH: i64 = 20;

/// What costs time, memory, or both.
const HEAVY: [&str; 4] = [
    "SELECT sum(a.temperature_c * b.temperature_c) FROM readings a CROSS JOIN readings b CROSS JOIN readings c",
    "SELECT a.sensor FROM readings a, readings b ORDER BY a.measured_at, b.measured_at",
    "SELECT DISTINCT concat(a.measured_at, b.measured_at) FROM readings a, readings b",
    "SELECT count(*) FROM readings a JOIN readings b ON a.temperature_c = b.temperature_c JOIN readings c ON true",
];

/// Publishes without pause until `done`, `window` messages in flight; how many were acknowledged, and how long a round took at most.
async fn gateway(site: &Site, name: String, window: usize, done: &AtomicBool, acknowledged: &AtomicU64) -> Duration {
    let mut publisher = tests::publisher::Publisher::new(site.mqtt(), &name, window);
    let (mut next, mut longest) = (0, Duration::ZERO);
    while !done.load(Ordering::Relaxed) {
        let messages = (0..window as i64).map(|n| message(&name, (next + n) * EACH, EACH)).collect();
        let begun = Instant::now();
        publisher.publish(messages, PATIENCE).await.unwrap();
        longest = longest.max(begun.elapsed());
        next += window as i64;
        acknowledged.fetch_add(window as u64, Ordering::Relaxed);
    }
    longest
}

/// Asks; status, code and `Retry-After` of the answer.
async fn ask(site: &Site, client: &reqwest::Client, sql: &str) -> (u16, String, Option<String>) {
    let request = client.post(format!("{}/v1/sql", site.url())).bearer_auth(TOKEN).json(&json!({ "sql": sql }));
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (kind, retry_after) = (header("content-type"), header("retry-after"));
    let body: Value = answer.json().await.unwrap();
    if status != 200 {
        assert_eq!(kind.as_deref(), Some("application/problem+json"), "{status}: {body}");
    }
    (status, body["code"].as_str().unwrap_or("answered").to_owned(), retry_after)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_heavy_questions_hold_up_no_acknowledgement() {
    let site = Site::start(CONFIG).await.unwrap();
    let crowd = (0..10).map(|part| message(&format!("crowd{part}"), 0, 2_000)).collect();
    site.publisher("crowd").publish(crowd, PATIENCE).await.unwrap();
    let before = memory::resident_bytes(site.pid().unwrap()).unwrap();
    let (done, acknowledged) = (AtomicBool::new(false), AtomicU64::new(0));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();

    let questions = async {
        let asked = (0..QUESTIONS).map(|turn| ask(&site, &client, HEAVY[turn % HEAVY.len()]));
        let answers = futures::future::join_all(asked).await;
        done.store(true, Ordering::Relaxed);
        answers
    };
    let many = (0..4).map(|turn| gateway(&site, format!("many{turn}"), 100, &done, &acknowledged));
    let probe = gateway(&site, "probe".into(), 1, &done, &acknowledged);
    let (answers, _, delay) = tokio::join!(questions, futures::future::join_all(many), probe);

    let mut ends: BTreeMap<(u16, String), usize> = BTreeMap::new();
    for (status, code, retry_after) in answers {
        assert_eq!(status == 503, retry_after.is_some(), "{status} {code}: {retry_after:?}");
        *ends.entry((status, code)).or_default() += 1;
    }
    let (acknowledged, peak) = (acknowledged.load(Ordering::Relaxed), memory::peak_bytes(site.pid().unwrap()).unwrap());
    println!(
        "{ends:?}; {acknowledged} messages, the probe waited {delay:?} at most; {} MiB before, {} MiB at most",
        before / MIB,
        peak / MIB
    );
    let documented = [(200, "answered"), (422, "sql_limit"), (503, "sql_limit"), (504, "sql_limit")];
    for (status, code) in ends.keys() {
        assert!(documented.contains(&(*status, code.as_str())), "{ends:?}");
    }
    let turned_away = ends.get(&(503, "sql_limit".to_owned())).copied().unwrap_or_default();
    assert!(turned_away >= QUESTIONS / 2, "questions were not turned away: {ends:?}");
    assert!(delay < ACKNOWLEDGED_IN, "an acknowledgement took {delay:?}");
    // four questions with 64 MiB each and a copy of the tail (64 MiB, and more as columns), the tail itself, what is not decoded yet
    // (64 MiB), what a flush writes; and as much again, since allocators keep some
    assert!(peak < before + 1536 * MIB, "{} MiB", peak / MIB);
    let readings = 20_000 + acknowledged * EACH as u64;
    assert_eq!(counted(&site).await, readings, "what was acknowledged is there, once");
    all_turns_are_given_back(&site).await;
}

/// Waits until no question runs: one that was cut off ends when its threads look up.
async fn all_turns_are_given_back(site: &Site) {
    let begun = Instant::now();
    loop {
        let running = metric(site, "coldtrail_sql_queries_running").await;
        if running == 0.0 {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{running} questions still run");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How many readings there are; asked again while the server decodes what it has just acknowledged.
async fn counted(site: &Site) -> u64 {
    let begun = Instant::now();
    loop {
        match site.count("SELECT count(*) FROM readings").await {
            Ok(count) => return count,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error:#}"),
        }
    }
}
