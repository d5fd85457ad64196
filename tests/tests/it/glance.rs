//! What the page looks at: units, lots, sites, histories, scans and events, on the real binary.

mod events;

use std::time::Duration;

use serde_json::{Value, json};
use tests::site::{Site, TOKEN};

const GTIN: &str = "09506000134352";
const PALLET: &str = "106141411234567910";
const STEP_MS: i64 = 600_000;

/// Two rooms on a site and a truck; one lot in the cold room, an older one in the other, a unit on the truck whose
/// logger travels with it.
fn registry(begins: i64) -> Value {
    let unit = |id: &str, lot: &str, place: &str, quantity: u64| json!({ "id": id, "gtin": GTIN, "lot": lot, "quantity": quantity, "place": place, "at": begins });
    json!({
        "products": [{
            "gtin": GTIN, "name": "Insulin pen 3 ml",
            "storage": { "temperature_c": [2.0, 8.0] },
            "rules": [{ "id": "hot", "quantity": "temperature", "side": "high", "limit": 8.0, "comparator": "gt",
                        "mode": "single", "delay_s": 1800, "severity": "hold" }],
            "kinetics": { "model": "none" }, "max_gap_s": 3600,
        }],
        "places": [{ "id": "WH1", "kind": "site", "timezone": "Europe/Berlin" },
                   { "id": "CR1", "kind": "cold_room", "parent": "WH1", "name": "Cold room 1" },
                   { "id": "CR2", "kind": "cold_room", "parent": "WH1" }, { "id": "TRK7", "kind": "vehicle" }],
        "sensors": [{ "id": "CR1-A", "interval_s": 600 }, { "id": "CR2-A", "interval_s": 600 },
                    { "id": "CR2-B", "interval_s": 600 }],
        "associations": [{ "sensor": "CR1-A", "place": "CR1", "from": begins },
                         { "sensor": "CR2-A", "place": "CR2", "from": begins },
                         { "sensor": "CR2-B", "place": "CR2", "from": begins }],
        "lots": [{ "gtin": GTIN, "lot": "LOT42", "expires_on": "2099-04-30" },
                 { "gtin": GTIN, "lot": "LOT7", "expires_on": "2098-04-30" },
                 { "gtin": GTIN, "lot": "NONE", "expires_on": "2097-04-30" }],
        "units": [unit("106141411234567897", "LOT42", "CR2", 480), unit("B", "LOT7", "CR1", 20), unit("C", "LOT7", "CR1", 30),
                  unit("D", "LOT42", "CR1", 5)],
        "splits": [{ "unit": "B", "into": [{ "id": "B1", "quantity": 8 }], "at": begins + STEP_MS }],
        "aggregations": [{ "parent": PALLET, "children": ["C"], "from": begins, "to": null }],
        "moves": [{ "unit": "D", "to": "TRK7", "at": begins + 2 * STEP_MS }],
        "closures": [{ "unit": "B1", "at": begins + 2 * STEP_MS, "kind": "delivered" }],
    })
}

/// A site with all of it, warm in cold room 2 and fine elsewhere, and when it began.
async fn warm_site() -> (Site, i64) {
    let site = Site::start("").await.unwrap();
    let begins = chrono::Utc::now().timestamp_millis() / STEP_MS * STEP_MS - 8 * STEP_MS;
    let (status, answer) = site.post("/v1/registry", TOKEN, &registry(begins)).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    let mut readings = Vec::new();
    for step in 0..8_i64 {
        let at = begins + step * STEP_MS;
        let warm = if (2..=6).contains(&step) { 9.5 } else { 5.0 };
        readings.push(json!({ "sensor": "CR1-A", "at": at, "temperature_c": 5.0, "humidity_pct": 40 + step }));
        readings.push(json!({ "sensor": "CR2-A", "at": at, "temperature_c": warm }));
        readings.push(json!({ "sensor": "CR2-B", "at": at, "temperature_c": 4.5 }));
        readings.push(json!({ "sensor": "LOGGER", "at": at, "temperature_c": 6.0 + step as f64 / 10.0,
                              "unit": if step >= 3 { json!("D") } else { Value::Null } }));
    }
    let readings: Vec<Value> = readings.into_iter().map(without_nulls).collect();
    site.publish("G", json!({ "readings": readings }).to_string()).await.unwrap();
    (site, begins)
}

fn without_nulls(mut reading: Value) -> Value {
    if let Value::Object(fields) = &mut reading {
        fields.retain(|_, value| !value.is_null());
    }
    reading
}

async fn get(site: &Site, path: &str) -> (u16, Value) {
    let request = reqwest::Client::new().get(format!("{}{path}", site.url())).bearer_auth(TOKEN);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn fetched(site: &Site, path: &str) -> Value {
    let (status, answer) = get(site, path).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

/// What `path` answers once `wanted` holds of it, however long the machine takes for it.
async fn until(site: &Site, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..600 {
        let (status, answer) = get(site, path).await;
        if status == 200 && wanted(&answer) {
            return answer;
        }
        last = answer;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("`{path}` answers {last}: {}", site.log_end());
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn units_lots_and_sites_tell_how_things_stand() {
    let (site, begins) = warm_site().await;
    let held = until(&site, "/v1/units?verdict=hold", |page| ids(page) == ["106141411234567897"]).await;
    let unit = &held["items"][0];
    assert_eq!((&unit["issuable"], &unit["place"], &unit["site"]), (&json!(false), &json!("CR2"), &json!("WH1")));
    assert_eq!(unit["holds"].as_array().unwrap().len(), 1);
    assert_eq!(unit["reasons"][0]["code"], "excursion");
    assert_eq!((&unit["labelled_expiry"], &unit["quantity"]), (&json!("2099-04-30"), &json!(480)));
    let last = model::instant::to_rfc3339(begins + 7 * STEP_MS);
    assert_eq!(unit["last_reading_at"], json!(last));
    let single = fetched(&site, "/v1/units/106141411234567897").await;
    assert_eq!((&single["verdict"], &single["blocks"][0]["code"]), (&json!("hold"), &json!("hold")));

    // filters and pages; a split child is a unit, one that was delivered has ended
    let all = until(&site, "/v1/units", |page| {
        page["items"].as_array().unwrap().iter().all(|unit| unit["verdict"] != Value::Null)
    })
    .await;
    assert_eq!(ids(&all), ["106141411234567897", "B", "B1", "C", "D"]);
    let first = fetched(&site, "/v1/units?limit=2").await;
    let rest = fetched(&site, &format!("/v1/units?cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!([ids(&first), ids(&rest)].concat(), ids(&all));
    assert_eq!(ids(&fetched(&site, "/v1/units?open=false").await), ["B1"]);
    assert_eq!(ids(&fetched(&site, "/v1/units?place=WH1").await), ["106141411234567897", "B", "B1", "C"]);
    assert_eq!(ids(&fetched(&site, "/v1/units?place=TRK7").await), ["D"]);
    assert_eq!(ids(&fetched(&site, "/v1/units?lot=LOT7&verdict=pass").await), ["B", "B1", "C"]);
    let b = &all["items"][1];
    assert_eq!((&b["quantity"], &b["remaining_quantity"], &b["issuable"]), (&json!(20), &json!(12), &json!(true)));
    assert_eq!((&all["items"][2]["split_from"], &all["items"][2]["closed_as"]), (&json!("B"), &json!("delivered")));
    for bad in ["verdict=fine", "place=a%20b", "cursor=61", "what=1", "limit=0"] {
        assert_eq!(get(&site, &format!("/v1/units?{bad}")).await.0, 400, "{bad}");
    }

    // lots: what to take first comes first, and how much of it may go
    let lots = fetched(&site, "/v1/lots?order=effective_expiry").await;
    let numbers: Vec<&str> = lots["items"].as_array().unwrap().iter().map(|lot| lot["lot"].as_str().unwrap()).collect();
    assert_eq!(numbers, ["NONE", "LOT7", "LOT42"]);
    let lot = &lots["items"][1];
    assert_eq!(lot["quantity"], json!({ "open": 42, "issuable": 42, "held": 0 }));
    assert_eq!((&lot["unit_counts"]["open"], &lot["unit_counts"]["closed"]), (&json!(2), &json!(1)));
    assert_eq!((&lot["effective_expiry"], &lot["product"]), (&json!("2098-04-30"), &json!("Insulin pen 3 ml")));
    let older = &lots["items"][2];
    assert_eq!(older["quantity"]["held"], json!(480));
    assert_eq!((&older["unit_counts"]["hold"], &older["unit_counts"]["held"]), (&json!(1), &json!(1)));
    let stocked = fetched(&site, "/v1/lots?order=effective_expiry&in_stock=true&limit=1").await;
    assert_eq!(stocked["items"][0]["lot"], "LOT7");
    let next =
        format!("/v1/lots?order=effective_expiry&in_stock=true&cursor={}", stocked["next_cursor"].as_str().unwrap());
    assert_eq!(fetched(&site, &next).await["items"][0]["lot"], "LOT42");
    assert_eq!(get(&site, "/v1/lots?order=age").await.0, 400);
    let one = fetched(&site, &format!("/v1/lots/{GTIN}/LOT42?limit=1")).await;
    assert_eq!(one["units"]["items"][0]["id"], "106141411234567897");
    assert_eq!(
        one["places"],
        json!([{ "place": "CR2", "site": "WH1", "units": 1, "quantity": 480 },
                                     { "place": "TRK7", "site": null, "units": 1, "quantity": 5 }])
    );
    assert_eq!(get(&site, &format!("/v1/lots/{GTIN}/LOT43")).await.0, 404);
    assert_eq!(get(&site, "/v1/lots/123/LOT43").await.0, 400);

    // places at a glance
    let sites = fetched(&site, "/v1/sites").await;
    assert_eq!(ids(&sites), ["CR1", "CR2", "TRK7", "WH1"]);
    let room = &sites["items"][1];
    assert_eq!((&room["here"]["units"]["hold"], &room["here"]["open_holds"]), (&json!(1), &json!(1)));
    assert_eq!(
        room["sensors"][0],
        json!({ "id": "CR2-A", "silent_since": null,
        "last": { "measured_at": last, "temperature_c": 5.0, "humidity_pct": null } })
    );
    let whole = &sites["items"][3];
    assert_eq!((&whole["here"]["units"]["open"], &whole["inside"]["units"]["open"]), (&json!(0), &json!(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_s_history_is_that_of_the_sensors_that_were_with_it() {
    let (mut site, begins) = warm_site().await;
    for restarted in [false, true] {
        if restarted {
            site.sigterm().await.unwrap();
            site.restart().await.unwrap();
        }
        let told = |page: &Value| -> Vec<(i64, String)> {
            let items = page["items"].as_array().unwrap().iter();
            let at = |item: &Value| model::instant::parse_millis(item["measured_at"].as_str().unwrap()).unwrap();
            items.map(|item| ((at(item) - begins) / STEP_MS, item["sensor"].as_str().unwrap().to_owned())).collect()
        };
        // in the cold room two sensors, then on the truck none, then the logger that names it
        let page = until(&site, "/v1/units/D/readings", |page| page["items"].as_array().unwrap().len() == 7).await;
        let mut expected = vec![(0, "CR1-A".to_owned()), (1, "CR1-A".to_owned())];
        expected.extend((3..8).map(|step| (step, "LOGGER".to_owned())));
        assert_eq!(told(&page), expected);
        let page = fetched(&site, "/v1/units/106141411234567897/readings?limit=3").await;
        let rest = fetched(
            &site,
            &format!("/v1/units/106141411234567897/readings?cursor={}", page["next_cursor"].as_str().unwrap()),
        )
        .await;
        let both: Vec<(i64, String)> =
            (0..8).flat_map(|step| ["CR2-A", "CR2-B"].map(|sensor| (step, sensor.to_owned()))).collect();
        assert_eq!([told(&page), told(&rest)].concat(), both);
        // a part of it, in buckets of ten minutes: each sensor has its own
        let (from, to) = (begins + STEP_MS, begins + 3 * STEP_MS);
        let path = format!("/v1/units/106141411234567897/readings?from={from}&to={to}&max_points=4");
        let buckets = fetched(&site, &path).await;
        let hot: Vec<&Value> =
            buckets["items"].as_array().unwrap().iter().filter(|bucket| bucket["sensor"] == "CR2-A").collect();
        assert_eq!(buckets["items"].as_array().unwrap().len(), 4, "{buckets}");
        assert_eq!(hot[1]["temperature_c"], json!({ "min": 9.5, "max": 9.5, "last": 9.5 }));
        assert_eq!((&hot[1]["readings"], &hot[1]["from"]), (&json!(1), &hot[1]["first_at"]));
    }
    assert_eq!(get(&site, "/v1/units/X/readings").await.0, 404);
    assert_eq!(get(&site, "/v1/units/D/readings?max_points=0").await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_leads_to_units_and_says_what_is_wrong() {
    let (site, _) = warm_site().await;
    until(&site, "/v1/units?verdict=hold", |page| ids(page).len() == 1).await;
    let scan = |code: &str| {
        let code: String = code.bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("/v1/scan?code={code}")
    };
    // however a unit is scanned, it is that unit
    for code in [
        "106141411234567897",
        "]C100106141411234567897",
        "00106141411234567897",
        "(00)106141411234567897",
        "https://id.gs1.org/00/106141411234567897",
        "]d2\u{1d}00106141411234567897\r\n",
    ] {
        let found = fetched(&site, &scan(code)).await;
        assert_eq!(found["keys"]["sscc"], "106141411234567897", "{code}");
        assert_eq!(found["units"][0]["verdict"], "hold", "{code}");
        // what may go out of the product instead, older first
        let first: Vec<&str> =
            found["fefo"].as_array().unwrap().iter().map(|unit| unit["id"].as_str().unwrap()).collect();
        assert_eq!(first, ["B", "C", "D"], "{code}");
    }
    // a pallet leads to what is on it, a lot to its units that have not ended
    let pallet = fetched(&site, &scan(PALLET)).await;
    assert_eq!((&pallet["units"][0]["id"], &pallet["unit_count"]), (&json!("C"), &json!(1)));
    for code in
        ["0109506000134352\u{1d}10LOT7\u{1d}17980430", "(01)09506000134352(17)980430(10)LOT7", "9506000134352 LOT7"]
    {
        let lot = fetched(&site, &scan(code)).await;
        assert_eq!(lot["keys"]["lot"], "LOT7");
        assert_eq!(lot["units"].as_array().unwrap().len(), 2, "{code}");
    }
    let product = fetched(&site, &scan("9506000134352")).await;
    assert_eq!((&product["keys"]["gtin"], &product["units"]), (&json!(GTIN), &json!([])));
    let warned = |answer: &Value| answer["warnings"][0]["code"].clone();
    assert_eq!(warned(&fetched(&site, &scan("(01)09506000134352(10)LOT42")).await), "not_first");
    assert_eq!(warned(&fetched(&site, &scan("(01)09506000134352(17)270430(10)LOT7")).await), "expiry_differs");
    assert_eq!(warned(&fetched(&site, &scan("(01)09506000134352(10)LOT8")).await), "unknown_lot");
    assert_eq!(warned(&fetched(&site, &scan("123456789012345675")).await), "unknown_unit");
    // what is wrong is said
    for (code, what) in [
        ("", "empty"),
        ("]E09506000134352", "not_gs1_carrier"),
        ("106141411234567898", "check_digit"),
        ("hello", "unknown_identifier"),
        ("(17)271130(10)X", "requisite_missing"),
        ("9506000134353", "check_digit"),
        ("HtTps://a/01/09506000134352", "not_a_dl_uri"),
        // the separator after the lot is missing: the lot has swallowed the expiry
        ("010950600013435210LOT717980430", "expiry_missing"),
    ] {
        let (status, problem) = get(&site, &scan(code)).await;
        assert_eq!((status, &problem["code"]), (400, &json!(what)), "{code}: {problem}");
    }
    let without = format!("{}&expect_expiry=true", scan("(01)09506000134352(10)LOT7"));
    assert_eq!(get(&site, &without).await.1["code"], "expiry_missing");
}
