//! From a reading over MQTT to a hold: on the real binary, over restarts, with late and repeated readings.

mod batch;
mod changes;
mod neighbours;
mod restart;

use std::time::Duration;

use serde_json::{Value, json};
use tests::site::{Site, TOKEN};

/// Readings are ten minutes apart and end two hours ago.
const STEP_MS: i64 = 600_000;
const UNIT: &str = "106141411234567897";

/// One unit in a cold room that must not be warmer than 8 °C for 30 minutes.
fn registry(begins: i64) -> Value {
    json!({
        "products": [{
            "gtin": "09506000134352",
            "storage": { "temperature_c": [2.0, 8.0] },
            "rules": [{ "id": "hot", "quantity": "temperature", "side": "high", "limit": 8.0, "comparator": "gt",
                        "mode": "single", "delay_s": 1800, "severity": "hold" }],
            "kinetics": { "model": "arrhenius", "ea_kj_per_mol": 83.144, "reference_c": 5.0 },
            "mkt": { "window_s": 86400 },
            "max_gap_s": 3600,
        }],
        "places": [{ "id": "WH1", "kind": "site", "timezone": "Europe/Berlin" },
                   { "id": "CR2", "kind": "cold_room", "parent": "WH1" }],
        "sensors": [{ "id": "CR2-A", "accuracy_c": 0.5, "interval_s": 600 }],
        "associations": [{ "sensor": "CR2-A", "place": "CR2", "from": begins }],
        "lots": [{ "gtin": "09506000134352", "lot": "LOT42", "expires_on": "2099-04-30" }],
        "units": [{ "id": UNIT, "gtin": "09506000134352", "lot": "LOT42", "quantity": 1, "place": "CR2", "at": begins }],
    })
}

fn readings(begins: i64, celsius: &[(usize, f64)]) -> String {
    let readings: Vec<Value> = celsius
        .iter()
        .map(|(step, celsius)| {
            let at = begins + i64::try_from(*step).unwrap() * STEP_MS;
            json!({ "sensor": "CR2-A", "at": at, "temperature_c": celsius })
        })
        .collect();
    json!({ "readings": readings }).to_string()
}

/// Waits until SQL counts so many, however long the machine takes for it.
async fn until(site: &Site, sql: &str, wanted: u64) {
    let mut last = 0;
    for _ in 0..600 {
        last = site.count(sql).await.unwrap();
        if last == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("`{sql}` counts {last}, not {wanted}: {}", site.log_end());
}

async fn assessment(site: &Site, source: [&str; 2], as_of: &str) -> Value {
    let mut arguments = vec!["assess", source[0], source[1], "--unit", UNIT, "--as-of", as_of, "--json"];
    if source[0] == "--url" {
        arguments.extend(["--token", TOKEN]);
    }
    let output = site.coldtrail(&arguments).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice::<Value>(&output.stdout).unwrap()[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_room_becomes_a_hold_that_survives_and_grows_with_late_readings() {
    let mut site = Site::start("").await.unwrap();
    let now = chrono::Utc::now().timestamp_millis();
    let begins = now / STEP_MS * STEP_MS - 24 * STEP_MS;
    let (status, answer) = site.post("/v1/registry", TOKEN, &registry(begins)).await.unwrap();
    assert_eq!(status, 200, "{answer}");

    // In range: nothing is held.
    site.publish("G", readings(begins, &[(0, 5.0), (1, 5.0)])).await.unwrap();
    assert_eq!(site.count("SELECT count(*) FROM holds").await.unwrap(), 0);
    // Warm for 45 minutes, the second message twice, the first of it late.
    let warm = readings(begins, &[(3, 9.0), (4, 9.0), (5, 9.0), (6, 9.0)]);
    site.publish("G", warm.clone()).await.unwrap();
    until(&site, "SELECT count(*) FROM holds", 1).await;
    site.publish("G", warm).await.unwrap();
    site.publish("G", readings(begins, &[(2, 9.0), (7, 5.0), (8, 5.0)])).await.unwrap();
    let check = site.coldtrail(["sql", "SELECT count(*) FROM alarms", "--url", &site.url(), "--token", TOKEN]).await;
    assert!(check.unwrap().status.success());

    let as_of = (begins + 9 * STEP_MS).to_string();
    let url = site.url();
    let served = assessment(&site, ["--url", &url], &as_of).await;
    assert_eq!(served["verdict"], "hold");
    assert_eq!(served["excursions"].as_array().unwrap().len(), 1);
    assert_eq!(served["excursions"][0]["rule"], "hot");
    // The crossing lies between the readings at 10 and at 20 minutes, the return between 60 and 70.
    assert_eq!(served["excursions"][0]["duration_s"], 2400.0 + 150.0 + 150.0);
    assert_eq!(served["reasons"][0]["code"], "excursion");

    // The hold outlives the process, is not placed again, and nothing that is known depends on where it is asked.
    site.kill9().await.unwrap();
    site.restart().await.unwrap();
    until(&site, "SELECT count(*) FROM holds", 1).await;
    let url = site.url();
    assert_eq!(assessment(&site, ["--url", &url], &as_of).await, served);
    site.sigterm().await.unwrap();
    let data = site.data().to_str().unwrap().to_owned();
    assert_eq!(assessment(&site, ["--data", &data], &as_of).await, served);
    site.verify(site.data()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_lot_is_held_without_any_reading() {
    let site = Site::start("").await.unwrap();
    let now = chrono::Utc::now().timestamp_millis();
    let mut document = registry(now - 3_600_000);
    document["lots"][0]["expires_on"] = json!("2020-01-31");
    let (status, answer) = site.post("/v1/registry", TOKEN, &document).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    until(&site, "SELECT count(DISTINCT cause) FROM holds WHERE unit = '106141411234567897'", 2).await;
}
