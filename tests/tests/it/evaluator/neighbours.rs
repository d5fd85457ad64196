//! Units that came one by one under one sensor: one warm spell is one event for all of them, and so is its end.

use super::*;

const UNITS: usize = 30;

fn unit(number: usize) -> String {
    format!("U{number:02}")
}

/// So many events of a kind.
async fn events(site: &Site, kind: &str) -> u64 {
    site.count(&format!("SELECT count(*) FROM audit WHERE kind = '{kind}'")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn units_that_came_one_by_one_are_held_by_one_event_for_what_they_share() {
    let mut site = Site::start("").await.unwrap();
    let now = chrono::Utc::now().timestamp_millis();
    let begins = now / STEP_MS * STEP_MS - 36 * STEP_MS;
    let mut document = registry(begins);
    let units = (0..UNITS).map(|number| {
        let at = begins + i64::try_from(number).unwrap() * 3 * 60_000;
        json!({ "id": unit(number), "gtin": "09506000134352", "lot": "LOT42", "quantity": 1, "place": "CR2", "at": at })
    });
    document["units"] = units.collect();
    let (status, answer) = site.post("/v1/registry", TOKEN, &document).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    // A short spell that only the first few know of, and a long one that all do but one that comes in the middle of it.
    let cool: Vec<(usize, f64)> = (0..16).map(|step| (step, if step == 1 { 9.0 } else { 5.0 })).collect();
    site.publish("G", readings(begins, &cool)).await.unwrap();
    let at = begins + 17 * STEP_MS;
    let late_comer = json!({ "units": [
        { "id": "LATE", "gtin": "09506000134352", "lot": "LOT42", "quantity": 1, "place": "CR2", "at": at }] });
    let (status, answer) = site.post("/v1/registry", TOKEN, &late_comer).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    site.publish("G", readings(begins, &[(16, 9.0), (17, 9.0), (18, 9.0), (19, 9.0)])).await.unwrap();
    until(&site, "SELECT count(DISTINCT unit) FROM holds WHERE unit <> 'LATE'", UNITS as u64).await;
    assert_eq!(events(&site, "hold.placed_together").await, 1);
    assert_eq!(events(&site, "alarm.raised_together").await, 1);
    let sql = format!("SELECT document FROM holds WHERE unit = '{}'", unit(UNITS - 1));
    let rows = site.sql(&sql).await.unwrap();
    let hold: Value = serde_json::from_str(rows[0]["document"].as_str().unwrap()).unwrap();
    let evidence = &hold["evidence"][0];
    assert_eq!(evidence["shared_from"], json!(model::instant::to_rfc3339(begins + 15 * STEP_MS)), "{evidence}");
    assert_eq!(evidence["excursions"][0]["peak"], 9.0, "{evidence}");

    // It ends for all at once; the one that came in the middle of it has been warm for 30 minutes as well, for itself.
    site.publish("G", readings(begins, &[(20, 9.0), (21, 5.0), (22, 5.0)])).await.unwrap();
    until(&site, "SELECT count(*) FROM audit WHERE kind = 'hold.evidence_together'", 1).await;
    until(&site, "SELECT count(*) FROM holds WHERE unit = 'LATE'", 1).await;
    // A late reading that makes it worse is one version as well.
    let worse =
        json!({ "readings": [{ "sensor": "CR2-A", "at": begins + 18 * STEP_MS + 60_000, "temperature_c": 11.5 }] });
    site.publish("G", worse.to_string()).await.unwrap();
    until(&site, "SELECT count(*) FROM audit WHERE kind = 'hold.evidence_together'", 2).await;
    let alone = "SELECT count(*) FROM audit WHERE kind IN ('hold.placed', 'hold.evidence')";
    // The late comer's hold, placed when its spell was over, and what came late.
    until(&site, alone, 2).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(site.count(alone).await.unwrap(), 2, "nobody else has evidence of its own: {}", site.log_end());

    site.kill9().await.unwrap();
    site.restart().await.unwrap();
    until(&site, "SELECT count(*) FROM holds", UNITS as u64 + 1).await;
    assert_eq!(events(&site, "hold.evidence_together").await, 2);
    site.sigterm().await.unwrap();
    site.verify(site.data()).await.unwrap();
}
