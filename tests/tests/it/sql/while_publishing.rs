//! The abusive statements over HTTP, at a server that goes on taking messages (faults 37, 38 and 40).

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use serde_json::json;
use tests::publisher::Outgoing;
use tests::site::{Site, TOKEN};

use super::*;

/// Limits small enough for a test to meet.
const CONFIG: &str = "[sql]\ntimeout_s = 0.5\nmax_memory_bytes = 33554432\nmax_rows = 10000\n\
                      max_result_bytes = 1048576\n[ingest]\nflush_after_s = 0.5\n";

/// How long anything here may take before it counts as never.
const PATIENCE: Duration = Duration::from_secs(60);

const A_MESSAGE: i64 = 10;

/// A gateway that publishes without pause until it is told to stop.
struct Publishing {
    acknowledged: AtomicI64,
    stop: AtomicBool,
}

impl Publishing {
    async fn run(self: Arc<Self>, mut publisher: tests::publisher::Publisher) {
        while !self.stop.load(Ordering::Relaxed) {
            let first = self.acknowledged.load(Ordering::Relaxed) * A_MESSAGE;
            publisher.publish(vec![message("steady", first, A_MESSAGE)], PATIENCE).await.unwrap();
            self.acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until messages that were published after this call are acknowledged.
    async fn goes_on(&self, sql: &str) {
        // One may be under way already.
        let wanted = self.acknowledged.load(Ordering::Relaxed) + 2;
        let waiting = async {
            while self.acknowledged.load(Ordering::Relaxed) < wanted {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let went_on = tokio::time::timeout(PATIENCE, waiting).await.is_ok();
        assert!(went_on, "no message is acknowledged after `{}`", &sql[..60.min(sql.len())]);
    }
}

fn message(sensor: &str, first: i64, count: i64) -> Outgoing {
    let reading = |n| json!({ "sensor": sensor, "at": TEN - n * 1000, "temperature_c": 5.0, "seq": n });
    let readings: Vec<_> = (first..first + count).map(reading).collect();
    let payload = json!({ "readings": readings }).to_string().into_bytes();
    Outgoing { topic: "coldtrail/v1/S/G/readings".into(), qos: 1, retain: false, payload }
}

/// Status and code of the refusal.
async fn refusal(site: &Site, sql: &str) -> (u16, String) {
    let (status, answer) = site.post("/v1/sql", TOKEN, &json!({ "sql": sql })).await.unwrap();
    assert_ne!(status, 200, "`{}` is answered", &sql[..60.min(sql.len())]);
    (status, answer["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn abuse_over_http_holds_up_no_message_and_hides_no_reading() {
    let site = Site::start(CONFIG).await.unwrap();
    let crowd = (0..10).map(|part| message(&format!("crowd{part}"), 0, 2_000)).collect();
    site.publisher("crowd").publish(crowd, PATIENCE).await.unwrap();
    let publishing = Arc::new(Publishing { acknowledged: AtomicI64::new(0), stop: AtomicBool::new(false) });
    let running = tokio::spawn(Arc::clone(&publishing).run(site.publisher("steady")));

    for sql in super::abuse::REFUSED {
        assert_eq!(refusal(&site, sql).await, (400, "sql_refused".to_owned()), "`{sql}`");
        publishing.goes_on(sql).await;
    }
    for sql in super::abuse::too_large() {
        let (status, code) = refusal(&site, &sql).await;
        assert!(matches!(code.as_str(), "sql_limit" | "sql_invalid"), "{status} {code}: `{}`", &sql[..60]);
        publishing.goes_on(&sql).await;
    }
    let growing = super::abuse::growing();
    for sql in super::abuse::ENDLESS.iter().copied().chain(growing.iter().map(String::as_str)) {
        let (status, code) = refusal(&site, sql).await;
        assert!(matches!(status, 422 | 503 | 504) && code == "sql_limit", "{status} {code}: `{sql}`");
        publishing.goes_on(sql).await;
    }
    // More at once than there are turns.
    let sql = super::abuse::ENDLESS[0];
    for (status, code) in futures::future::join_all((0..20).map(|_| refusal(&site, sql))).await {
        assert!(matches!(status, 422 | 503 | 504) && code == "sql_limit", "{status} {code}");
    }
    publishing.goes_on(sql).await;

    publishing.stop.store(true, Ordering::Relaxed);
    running.await.unwrap();
    let readable = "SELECT count(*) AS n, count(DISTINCT measured_at) AS d FROM readings WHERE sensor = 'steady'";
    let all = publishing.acknowledged.load(Ordering::Relaxed) * A_MESSAGE;
    assert_eq!(site.sql(readable).await.unwrap(), [json!({ "n": all, "d": all })]);
    assert_eq!(site.count("SELECT count(*) AS n FROM rejected").await.unwrap(), 0);
}
