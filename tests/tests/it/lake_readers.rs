//! Engines that know nothing of Coldtrail read the lake's files and get the rows that SQL tells.

use serde_json::json;
use tests::site::{HURRIED, Site};

use crate::rows;

#[tokio::test(flavor = "multi_thread")]
async fn delta_rs_and_duckdb_read_the_rows_that_sql_tells() {
    let Some(python) = tests::python() else { return };
    let mut site = Site::start(HURRIED).await.unwrap();
    for hour in 0..60 {
        // Over three days, with every optional member there and not there, and a conflict every ten messages.
        let at = 1_790_000_000_000_i64 + hour * 3_600_000;
        let first =
            json!({ "sensor": "A", "at": at, "temperature_c": 4.31, "humidity_pct": 55.2, "unit": "U", "seq": hour });
        let second = json!({ "sensor": "Bä", "at": at, "temperature_c": 1 });
        let third = json!({ "sensor": "C", "at": at + 1, "humidity_pct": 0.001 });
        let mut readings = vec![first, second, third];
        if hour % 10 == 0 {
            readings.push(json!({ "sensor": "A", "at": at, "temperature_c": -0.5 }));
        }
        site.publish("G", json!({ "readings": readings }).to_string()).await.unwrap();
    }
    let answer = rows::of_sql(&site).await;
    assert_eq!(answer.values().map(Vec::len).sum::<usize>(), 60 * 2 + 6, "a sensor's name has only ASCII letters");
    let (status, _) = site.sigterm().await.unwrap();
    assert!(status.success());
    assert_eq!(rows::of_lake(python, site.data()).await, answer);
}
