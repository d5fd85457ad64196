//! Questions that name a few sensors, which are answered round the query engine's reader of files.

use serde_json::json;

use super::units::{Asked, BEGIN};
use super::*;

/// Conditions that name sensors, and the same in words from which the engine takes no names.
const PAIRS: [(&str, &str); 8] = [
    ("sensor = 'CR2-A'", "concat(sensor, '') = 'CR2-A'"),
    ("sensor IN ('CR2-A', 'LOGGER')", "concat(sensor, '') IN ('CR2-A', 'LOGGER')"),
    ("sensor = 'LOGGER' AND unit IS NOT NULL", "concat(sensor, '') = 'LOGGER' AND unit IS NOT NULL"),
    ("sensor = 'TRK7-F' AND temperature_c > 8", "concat(sensor, '') = 'TRK7-F' AND temperature_c > 8"),
    (
        "sensor = 'TRK7-F' AND measured_at >= '2026-11-21T18:00:00Z'",
        "concat(sensor, '') = 'TRK7-F' AND measured_at >= '2026-11-21T18:00:00Z'",
    ),
    ("sensor = 'NOBODY'", "concat(sensor, '') = 'NOBODY'"),
    ("sensor = 'CR2-A' AND sensor = 'LOGGER'", "concat(sensor, '') = 'CR2-A' AND concat(sensor, '') = 'LOGGER'"),
    ("sensor = 'CR2-A' OR sensor = 'TRK7-F'", "concat(sensor, '') = 'CR2-A' OR concat(sensor, '') = 'TRK7-F'"),
];

/// Same rows, however often they are asked for and whichever columns come first.
async fn alike(engine: &Engine) {
    for (narrow, wide) in PAIRS {
        for columns in
            ["*", "temperature_c, measured_at", "count(*) AS n, max(measured_at) AS last, max(temperature_c) AS most"]
        {
            let order = if columns.starts_with("count") { "" } else { "ORDER BY measured_at, sensor, temperature_c" };
            let asked = |condition: &str| format!("SELECT {columns} FROM readings WHERE {condition} {order}");
            let wide = rows(engine, &asked(wide)).await;
            for _ in 0..2 {
                assert_eq!(rows(engine, &asked(narrow)).await, wide, "{columns} where {narrow}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readings_of_a_sensor_are_the_same_read_by_themselves() {
    let asked = Asked::start().await;
    alike(&asked.engine).await;
    let plan = rows(&asked.engine, "EXPLAIN SELECT * FROM readings WHERE sensor = 'CR2-A'").await.to_string();
    assert!(plan.contains("NarrowExec: sensors=[CR2-A]"), "{plan}");
    let plan = rows(&asked.engine, "EXPLAIN SELECT * FROM readings WHERE sensor LIKE 'CR2%'").await.to_string();
    assert!(!plan.contains("NarrowExec"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sensor_is_found_among_the_pages_of_a_large_file() {
    // Values that no dictionary shortens: the file is read in parts, and a sensor is in some of its pages.
    let value = |number: i64| (number.wrapping_mul(7_919) % 1_000_003) as f64 / 1e5;
    let of = |sensor: &'static str, salt: i64| {
        (0..40_000).map(move |minute: i64| row(sensor, BEGIN + minute * 1000, value(minute + salt)))
    };
    let file: Vec<Row> = of("CR2-A", 1).chain(of("LOGGER", 2)).chain(of("TRK7-F", 3)).collect();
    let shelf = Shelf::new(&[file], &[]).await;
    let engine = Engine::new(Arc::new(shelf), None, EngineOptions::default()).unwrap();
    alike(&engine).await;
    let counted =
        "SELECT sensor, count(*) AS n FROM readings WHERE sensor IN ('LOGGER', 'TRK7-F') GROUP BY 1 ORDER BY 1";
    let expected = json!([{"sensor": "LOGGER", "n": 40_000}, {"sensor": "TRK7-F", "n": 40_000}]);
    assert_eq!(rows(&engine, counted).await, expected);
}
