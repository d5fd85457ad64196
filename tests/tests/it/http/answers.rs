//! What the endpoints answer.

use super::*;

fn document() -> Value {
    json!({
        "products": [{"gtin": "09506000134352", "name": "Insulin pen 3 ml", "storage": {"temperature_c": [2.0, 8.0]}}],
        "places": [{"id": "WH1", "kind": "site"}, {"id": "WH1-CR2", "kind": "cold_room", "parent": "WH1"}],
        "sensors": [{"id": "WH1-CR2-A", "interval_s": 60, "accuracy_c": 0.5, "calibration_due": "2027-03-01"}],
        "associations": [{"sensor": "WH1-CR2-A", "place": "WH1-CR2", "from": "2026-01-01T00:00:00Z"}],
        "lots": [{"gtin": "09506000134352", "lot": "LOT42", "expires_on": "2028-04-30"}],
        "units": [{"id": "U1", "gtin": "09506000134352", "lot": "LOT42", "quantity": 480, "place": "WH1-CR2",
                   "at": "2026-06-01T08:00:00Z"}],
        "moves": [{"unit": "U1", "to": "WH1", "at": "2026-06-02T08:00:00Z"}],
    })
}

#[tokio::test]
async fn applies_a_registry_document_and_lists_it() {
    let edge = Edge::start().await;
    let token = edge.token(Role::Logistics).await;
    let applied = edge.post("/v1/registry", &token, &document()).await;
    assert_eq!(applied.json(), json!({"created": 8, "updated": 0, "unchanged": 0}));
    let again = edge.post("/v1/registry", &token, &document()).await;
    assert_eq!(again.json(), json!({"created": 0, "updated": 0, "unchanged": 8}));

    for (list, key, value) in [
        ("products", "gtin", "09506000134352"),
        ("sensors", "id", "WH1-CR2-A"),
        ("associations", "sensor", "WH1-CR2-A"),
        ("lots", "lot", "LOT42"),
        ("units", "id", "U1"),
        ("moves", "unit", "U1"),
    ] {
        let page = edge.get(&format!("/v1/{list}"), &token).await.json();
        assert_eq!(page["items"][0][key], value, "{page}");
        assert_eq!(page["items"][0]["version"], 1);
        assert_eq!(page["items"][0]["recorded_at"], "2026-11-22T10:00:00.000Z");
        assert_eq!(page["next_cursor"], Value::Null);
    }
    assert_eq!(edge.get("/v1/units?lot=LOT42", &token).await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(edge.get("/v1/units?lot=LOT43", &token).await.json()["items"], json!([]));
}

#[tokio::test]
async fn refuses_a_wrong_document_with_pointers() {
    let edge = Edge::start().await;
    let token = edge.token(Role::Logistics).await;
    let wrong = json!({"places": [{"id": "a b", "kind": "site"}, {"id": "x", "kind": "castle"}]});
    let got = edge.post("/v1/registry", &token, &wrong).await;
    assert_eq!(got.problem(), (422, "registry_refused".into()));
    let pointers: Vec<_> =
        got.json()["errors"].as_array().unwrap().iter().map(|error| error["pointer"].clone()).collect();
    assert_eq!(pointers, ["/places/0/id", "/places/1/kind"]);
    assert_eq!(edge.get("/v1/places", &token).await.json()["items"], json!([]));
}

#[tokio::test]
async fn asks_the_registry_in_sql() {
    let edge = Edge::start().await;
    let token = edge.token(Role::Logistics).await;
    edge.post("/v1/registry", &token, &document()).await;
    let sql = "SELECT u.id, u.quantity, p.name, p.storage_high_c, l.expires_on, s.id AS sensor, s.calibration_due, \
                      a.from_at, m.place AS moved_to, u.version, max(r.temperature_c) AS hot \
               FROM units u JOIN products p ON p.gtin = u.gtin JOIN lots l ON l.lot = u.lot \
               JOIN associations a ON a.place = u.place JOIN sensors s ON s.id = a.sensor \
               JOIN moves m ON m.unit = u.id JOIN places pl ON pl.id = m.place \
               JOIN readings r ON r.sensor = s.id GROUP BY ALL";
    let plain = sql.replace("GROUP BY ALL", "GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10");
    assert_eq!(
        edge.ask(&token, &plain).await.json()["rows"],
        json!([{"id": "U1", "quantity": 480, "name": "Insulin pen 3 ml", "storage_high_c": 8.0, "expires_on": "2028-04-30",
                "sensor": "WH1-CR2-A", "calibration_due": "2027-03-01", "from_at": "2026-01-01T00:00:00.000Z",
                "moved_to": "WH1", "version": 1, "hot": 13.0}])
    );
    let auditor = edge.token(Role::Auditor).await;
    let audit =
        edge.ask(&auditor, "SELECT count(*) AS n, min(seq) AS first FROM audit WHERE actor = 'logistics'").await.json();
    assert!(audit["rows"][0]["n"].as_i64().unwrap() >= 8, "{audit}");
}

#[tokio::test]
async fn answers_sql_in_every_format() {
    let edge = Edge::start().await;
    let token = edge.token(Role::Viewer).await;
    let sql = "SELECT sensor, measured_at, temperature_c FROM readings ORDER BY measured_at LIMIT 1";
    let json = edge.ask(&token, sql).await;
    assert_eq!((json.status, json.media_type.as_str()), (200, "application/json"));
    assert_eq!(
        json.json(),
        json!({"columns": [{"name": "sensor", "type": "VARCHAR"}, {"name": "measured_at", "type": "TIMESTAMP"},
                           {"name": "temperature_c", "type": "DOUBLE"}],
               "rows": [{"sensor": "WH1-CR2-A", "measured_at": "2026-11-22T10:00:00.000Z", "temperature_c": 4.0}]})
    );
    for (format, start) in [("csv", &b"sensor,"[..]), ("parquet", b"PAR1"), ("arrow", b"\xff\xff\xff\xff")] {
        let got = edge.post("/v1/sql", &token, &json!({"sql": sql, "format": format})).await;
        assert_eq!(got.status, 200);
        assert!(got.body.starts_with(start), "{format}");
    }
    let unknown = edge.post("/v1/sql", &token, &json!({"sql": sql, "format": "xml"})).await;
    assert_eq!(unknown.problem(), (400, "format".into()));
    assert_eq!(edge.ask(&token, "DROP TABLE readings").await.problem(), (400, "sql_refused".into()));
    assert_eq!(edge.ask(&token, "SELECT nothing FROM readings").await.problem(), (400, "sql_invalid".into()));
}

#[tokio::test]
async fn limits_have_their_own_statuses() {
    let limits = Limits { max_rows: 5, timeout: std::time::Duration::from_millis(200), ..Limits::default() };
    let edge = Edge::with(ApiOptions::default(), limits).await;
    let token = edge.token(Role::Viewer).await;
    assert_eq!(edge.ask(&token, "SELECT * FROM readings").await.problem(), (422, "sql_limit".into()));
    let crossed = (b'a'..=b'l').map(|name| format!("readings {}", char::from(name))).collect::<Vec<_>>().join(", ");
    let endless = format!("SELECT sum(a.temperature_c + b.temperature_c) FROM {crossed}");
    assert_eq!(edge.ask(&token, &endless).await.problem(), (504, "sql_limit".into()));
}

#[tokio::test]
async fn receipts_and_refusals_of_the_door() {
    let edge = Edge::start().await;
    let token = edge.token(Role::Admin).await;
    let send = |site: &'static str| json!({"site": site, "gateway": "g", "readings": []});
    assert_eq!(
        edge.post("/v1/readings", &token, &send("s")).await.json(),
        json!({"accepted": 1, "duplicate": 2, "rejected": [{"index": 3, "reason": "range"}]})
    );
    assert_eq!(edge.post("/v1/readings", &token, &send("full")).await.problem(), (503, "unavailable".into()));
    assert_eq!(edge.post("/v1/readings", &token, &send("large")).await.problem(), (413, "too_large".into()));
    assert_eq!(edge.post("/v1/readings", &token, &send("shape")).await.problem(), (400, "shape".into()));
}

#[tokio::test]
async fn tells_the_history_of_a_sensor() {
    let edge = Edge::start().await;
    let token = edge.token(Role::Viewer).await;
    // page by page
    let mut seen = Vec::new();
    let mut path = "/v1/sensors/WH1-CR2-A/readings?limit=3".to_owned();
    loop {
        let page = edge.get(&path, &token).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["temperature_c"].as_f64().unwrap()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/sensors/WH1-CR2-A/readings?limit=3&cursor={cursor}");
    }
    assert_eq!(seen, (4..14).map(f64::from).collect::<Vec<_>>());
    // in two buckets
    let page = edge.get("/v1/sensors/WH1-CR2-A/readings?max_points=2", &token).await.json();
    let items = page["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(items[0]["temperature_c"], json!({"min": 4.0, "max": 8.0, "last": 8.0}));
    assert_eq!(items[1]["temperature_c"], json!({"min": 9.0, "max": 13.0, "last": 13.0}));
    assert_eq!(items[0]["humidity_pct"], json!({"min": null, "max": null, "last": null}));
    // a part of it
    let part = "/v1/sensors/WH1-CR2-A/readings?from=2026-11-22T11:01:00%2B01:00&to=1795341720000";
    assert_eq!(edge.get(part, &token).await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(edge.get("/v1/sensors/unknown/readings", &token).await.json()["items"], json!([]));
    assert_eq!(edge.get("/v1/sensors/unknown/readings?max_points=5", &token).await.json()["items"], json!([]));
    for bad in ["from=yesterday", "max_points=0", "limit=0", "limit=1001", "cursor=zz", "cursor=61", "what=1"] {
        assert_eq!(edge.get(&format!("/v1/sensors/x/readings?{bad}"), &token).await.problem().0, 400, "{bad}");
    }
    for bad in ["..%2f..%2fetc", "a'%20OR%20'1'='1", "%00", "a%20b"] {
        assert_eq!(
            edge.get(&format!("/v1/sensors/{bad}/readings"), &token).await.problem(),
            (400, "name".into()),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn pages_through_lists_and_the_audit_trail() {
    let edge = Edge::start().await;
    let token = edge.token(Role::Admin).await;
    let places: Vec<Value> = (0..25).map(|n| json!({"id": format!("P{n:02}"), "kind": "site"})).collect();
    edge.post("/v1/registry", &token, &json!({"places": places})).await;
    for (list, key) in [("places", "id"), ("audit", "seq")] {
        let mut seen = Vec::new();
        let mut path = format!("/v1/{list}?limit=10");
        loop {
            let page = edge.get(&path, &token).await.json();
            seen.extend(page["items"].as_array().unwrap().iter().map(|item| item[key].to_string()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/{list}?limit=10&cursor={cursor}");
        }
        let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len());
        assert!(seen.len() >= 25, "{list}: {}", seen.len());
    }
    assert_eq!(edge.get("/v1/places?cursor=61", &token).await.problem(), (400, "cursor".into()));
}
