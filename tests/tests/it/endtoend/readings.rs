//! When a reading is in answers, what a receipt says, and what happens to a reading that comes again.

use std::time::Duration;

use serde_json::{Value, json};
use tests::publisher::Outgoing;
use tests::site::{HURRIED, Site, TOKEN};

use super::{AT, everything};

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_is_in_sql_when_its_puback_comes() {
    let site = Site::start(HURRIED).await.unwrap();
    let mut publisher = site.publisher("G");
    for number in 0..200_u64 {
        let at = AT + i64::try_from(number).unwrap() * 60_000;
        let payload =
            json!({ "readings": [{ "sensor": "A", "at": at, "temperature_c": 4.31, "unit": "U", "seq": number }] });
        let topic = "coldtrail/v1/S/G/readings".to_owned();
        let message = Outgoing { topic, qos: 1, retain: false, payload: payload.to_string().into() };
        publisher.publish(vec![message], Duration::from_secs(30)).await.unwrap();
        let found =
            site.sql(&format!("SELECT unit, seq, temperature_c FROM readings WHERE seq = {number}")).await.unwrap();
        assert_eq!(found, [json!({ "unit": "U", "seq": number, "temperature_c": 4.31 })]);
        assert_eq!(site.count("SELECT count(*) AS n FROM readings").await.unwrap(), number + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_accounts_for_every_reading_sent() {
    let mut site = Site::start("").await.unwrap();
    let readings = json!([
        { "sensor": "A", "at": AT, "temperature_c": 4.31 },
        { "sensor": "A", "at": AT, "temperature_c": -300 },
        { "sensor": "A", "at": AT, "temperature_c": 4.3100001 },
        { "sensor": "B/..", "at": AT, "temperature_c": 1 },
        { "sensor": "B", "at": "2026-09-21T13:46:40+00:00", "humidity_pct": 55.2 },
        { "sensor": "B", "at": 5, "humidity_pct": 55.2 },
        { "sensor": "B", "at": AT + 1 },
    ]);
    let body = json!({ "site": "S", "gateway": "G", "readings": readings });
    let rejected = json!([
        { "index": 1, "reason": "range" },
        { "index": 3, "reason": "name" },
        { "index": 5, "reason": "clock" },
        { "index": 6, "reason": "shape" },
    ]);
    let post = async |site: &Site, token: &str, body: &Value| site.post("/v1/readings", token, body).await.unwrap();
    let first = json!({ "accepted": 2, "duplicate": 1, "rejected": rejected });
    assert_eq!(post(&site, TOKEN, &body).await, (200, first));
    let again = json!({ "accepted": 0, "duplicate": 3, "rejected": rejected });
    assert_eq!(post(&site, TOKEN, &body).await, (200, again));
    assert_eq!(site.count("SELECT count(*) AS n FROM readings").await.unwrap(), 2);
    assert_eq!(site.count("SELECT count(*) AS n FROM rejected").await.unwrap(), 8);

    let new = json!({ "name": "G", "role": "gateway" });
    let (status, made) = post_token(&site, &new).await;
    assert!((200..300).contains(&status), "{made}");
    let own = made["token"].as_str().unwrap();
    assert_eq!(post(&site, own, &body).await.0, 200);
    let foreign = json!({ "site": "S", "gateway": "H", "readings": readings });
    assert_eq!(post(&site, own, &foreign).await.0, 403);
    assert_eq!(site.post("/v1/sql", own, &json!({ "sql": "SELECT 1" })).await.unwrap().0, 403);
    assert_eq!(post(&site, "wrong", &body).await.0, 401);
    assert_eq!(site.count("SELECT count(*) AS n FROM readings WHERE gateway = 'H'").await.unwrap(), 0);

    // The same through a kill and a flush.
    let before = everything(&site).await;
    site.kill9().await.unwrap();
    site.restart().await.unwrap();
    assert_eq!(everything(&site).await, before);
    site.sigterm().await.unwrap();
    site.restart().await.unwrap();
    assert_eq!(everything(&site).await, before);
    assert_eq!(site.post("/v1/readings", own, &body).await.unwrap().0, 200);
    assert_eq!(site.count("SELECT count(*) AS n FROM readings").await.unwrap(), 2);
}

async fn post_token(site: &Site, new: &Value) -> (u16, Value) {
    site.post("/v1/tokens", TOKEN, new).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn other_values_for_one_identity_are_kept_and_flagged_whatever_is_flushed_between() {
    let mut site = Site::start("").await.unwrap();
    let say = |sensor: &str, value: f64| {
        json!({ "readings": [{ "sensor": sensor, "at": AT, "temperature_c": value }] }).to_string()
    };
    let both = async |site: &Site, sensor: &str| {
        let query =
            format!("SELECT temperature_c, quality FROM readings WHERE sensor = '{sensor}' ORDER BY temperature_c");
        site.sql(&query).await.unwrap()
    };
    let conflict = |values: &[f64]| -> Vec<Value> {
        values.iter().map(|value| json!({ "temperature_c": value, "quality": "conflict" })).collect()
    };
    for sensor in ["same", "flushed", "killed", "once"] {
        site.publish("G", say(sensor, 4.0)).await.unwrap();
    }
    site.publish("G", say("same", 9.5)).await.unwrap();
    site.publish("G", say("same", 4.0)).await.unwrap();
    assert_eq!(both(&site, "same").await, conflict(&[4.0, 9.5]));

    site.kill9().await.unwrap();
    site.restart().await.unwrap();
    site.publish("G", say("killed", 9.5)).await.unwrap();
    assert_eq!(both(&site, "same").await, conflict(&[4.0, 9.5]));
    assert_eq!(both(&site, "killed").await, conflict(&[4.0, 9.5]));

    site.sigterm().await.unwrap();
    site.restart().await.unwrap();
    site.publish("G", say("flushed", 9.5)).await.unwrap();
    site.publish("H", say("same", 1.0)).await.unwrap();
    site.publish("H", say("once", 4.0)).await.unwrap();
    for round in 0..3 {
        assert_eq!(both(&site, "same").await, conflict(&[1.0, 4.0, 9.5]), "{round}");
        assert_eq!(both(&site, "flushed").await, conflict(&[4.0, 9.5]), "{round}");
        assert_eq!(both(&site, "killed").await, conflict(&[4.0, 9.5]), "{round}");
        assert_eq!(both(&site, "once").await, [json!({ "temperature_c": 4.0, "quality": "good" })], "{round}");
        match round {
            0 => site.kill9().await.unwrap(),
            _ => drop(site.sigterm().await.unwrap()),
        }
        site.restart().await.unwrap();
    }
}
