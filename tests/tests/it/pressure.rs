//! The real binary under what is large, slow or too much: its memory is bounded, and messages are acknowledged all the while.

mod answers;
mod bodies;
mod queries;

use std::time::Duration;

use serde_json::json;
use tests::publisher::Outgoing;
use tests::site::{Site, TOKEN};

/// How long anything here may take before it counts as never.
const PATIENCE: Duration = Duration::from_secs(60);

/// 2026-11-22T10:00:00Z.
const TEN: i64 = 1_795_341_600_000;

const MIB: u64 = 1 << 20;

/// A message with `count` readings of `sensor`, the oldest of them number `first`.
fn message(sensor: &str, first: i64, count: i64) -> Outgoing {
    let reading = |n| json!({ "sensor": sensor, "at": TEN - n * 1000, "temperature_c": 5.0, "seq": n });
    let readings: Vec<_> = (first..first + count).map(reading).collect();
    let payload = json!({ "readings": readings }).to_string().into_bytes();
    Outgoing { topic: "coldtrail/v1/S/G/readings".into(), qos: 1, retain: false, payload }
}

/// The head of a request with the administrator's token; what is said of the body comes last.
fn head(path: &str, of_body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n{of_body}\r\n\r\n"
    )
}

/// A question as it goes over a connection.
fn question(sql: &str, format: &str) -> String {
    let body = json!({ "sql": sql, "format": format }).to_string();
    head("/v1/sql", &format!("Content-Length: {}", body.len())) + &body
}

/// What the metric `name` is at now; 0 before it first was.
async fn metric(site: &Site, name: &str) -> f64 {
    let text = reqwest::get(format!("{}/metrics", site.url())).await.unwrap().text().await.unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.map_or(0.0, |value| value.parse().unwrap())
}

/// How many answers were the server's fault, or told a client to come later.
async fn faults(site: &Site) -> f64 {
    metric(site, "coldtrail_http_requests_total{status=\"5xx\"}").await
}

/// Waits until the metric `name` is at `wanted`.
async fn until(site: &Site, name: &str, wanted: f64) {
    let begun = std::time::Instant::now();
    while metric(site, name).await != wanted {
        assert!(begun.elapsed() < PATIENCE, "`{name}` is at {}, not {wanted}", metric(site, name).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
