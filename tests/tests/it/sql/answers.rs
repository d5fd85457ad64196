//! Questions people ask, over files and tail alike.

use serde_json::json;

use super::*;

#[tokio::test]
async fn sees_files_and_tail_as_one_table() {
    let engine = small().await;
    assert_eq!(rows(&engine, "SELECT count(*) AS n FROM readings").await, json!([{"n": 5}]));
    assert_eq!(
        rows(
            &engine,
            "SELECT sensor, count(*) AS n, max(temperature_c) AS hot FROM readings GROUP BY sensor ORDER BY sensor"
        )
        .await,
        json!([
            {"sensor": "a", "n": 3, "hot": 8.125},
            {"sensor": "b", "n": 1, "hot": -0.5},
            {"sensor": "c", "n": 1, "hot": 0.001},
        ])
    );
}

#[tokio::test]
async fn compares_times_written_as_text() {
    let engine = small().await;
    for condition in [
        "measured_at >= '2026-11-22T10:00:00Z'",
        "measured_at >= '2026-11-22T11:00:00+01:00'",
        "measured_at >= TIMESTAMP '2026-11-22 10:00:00'",
        "measured_at > now() - INTERVAL '1 second'",
        "date_trunc('day', measured_at) = '2026-11-22'",
        "measured_at BETWEEN '2026-11-22' AND '2026-11-23'",
    ] {
        let options = EngineOptions {
            clock: Arc::new(|| chrono::DateTime::from_timestamp_millis(TEN).unwrap()),
            ..EngineOptions::default()
        };
        let (files, tail) = small_files();
        let engine_at_ten = Engine::new(Arc::new(Shelf::new(&files, &tail).await), None, options).unwrap();
        let answer = rows(&engine_at_ten, &format!("SELECT count(*) AS n FROM readings WHERE {condition}")).await;
        assert_eq!(answer, json!([{"n": 3}]), "{condition}");
    }
    assert_eq!(rows(&engine, "SELECT 1 AS one").await, json!([{"one": 1}]));
}

#[tokio::test]
async fn answers_joins_windows_and_subqueries() {
    let engine = small().await;
    let last = "SELECT sensor, temperature_c FROM (
                  SELECT *, row_number() OVER (PARTITION BY sensor ORDER BY measured_at DESC) AS turn FROM readings)
                WHERE turn = 1 ORDER BY sensor LIMIT 2";
    assert_eq!(
        rows(&engine, last).await,
        json!([{"sensor": "a", "temperature_c": 8.125}, {"sensor": "b", "temperature_c": -0.5}])
    );
    let both = "WITH hot AS (SELECT DISTINCT sensor FROM readings WHERE temperature_c > 4)
                SELECT r.sensor, min(r.temperature_c) AS low FROM readings r JOIN hot h ON r.sensor = h.sensor
                GROUP BY r.sensor UNION ALL VALUES ('z', 1.0) ORDER BY 1";
    assert_eq!(rows(&engine, both).await, json!([{"sensor": "a", "low": 4.31}, {"sensor": "z", "low": 1.0}]));
    let plan = rows(&engine, "EXPLAIN SELECT count(*) FROM readings WHERE sensor = 'a'").await;
    assert!(plan.as_array().is_some_and(|rows| !rows.is_empty()));
}

#[tokio::test]
async fn answers_an_empty_store() {
    let engine = engine_over(Shelf::new(&[], &[]).await, Limits::default());
    assert_eq!(rows(&engine, "SELECT count(*) AS n FROM readings").await, json!([{"n": 0}]));
    assert_eq!(rows(&engine, "SELECT sensor, measured_at FROM readings WHERE sensor = 'a'").await, json!([]));
}
