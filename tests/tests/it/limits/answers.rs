//! What is read within a limit: by id, by lot, by search, by list, by cursor, by report, by the issuing question, and from
//! a cache.

use super::*;

/// Every reader's role; `gateway` reads nothing.
const READERS: [&str; 5] = ["viewer", "logistics", "quality", "auditor", "admin"];

/// What may be asked with nothing of the other site in the request.
fn paths(world: &World) -> Vec<String> {
    let mut paths: Vec<String> = [
        "/v1/session",
        "/v1/products",
        "/v1/places",
        "/v1/sensors",
        "/v1/associations",
        "/v1/moves",
        "/v1/units",
        "/v1/units?place=EU",
        "/v1/units?verdict=hold",
        "/v1/units?lot=LOT-SHARED",
        "/v1/lots",
        "/v1/lots?order=effective_expiry",
        "/v1/lots?in_stock=false",
        "/v1/lots/09506000134352/LOT-SHARED",
        "/v1/lots/09506000134352/LOT-ALFA",
        "/v1/sites",
        "/v1/excursions",
        "/v1/excursions?open=true",
        "/v1/alarms",
        "/v1/holds",
        "/v1/holds?place=EU",
        "/v1/holds?lot=LOT-SHARED",
        "/v1/sensors/ROVER/readings",
        "/v1/sensors/ROVER/readings?max_points=50",
        "/v1/sensors/ALFA-T/readings",
        "/v1/scan?code=S-ALFA",
        "/v1/scan?code=WANDER",
        "/v1/scan?code=09506000134352",
        "/v1/scan?code=09506000134352/LOT-SHARED",
        "/v1/report?place=ALFA&format=json",
        "/v1/report?place=ALFA-D&format=json",
        "/v1/report?lot=09506000134352/LOT-SHARED&format=json",
        "/v1/report?lot=09506000134352/LOT-ALFA&format=json",
    ]
    .map(str::to_owned)
    .to_vec();
    for unit in ["U-ALFA", "S-ALFA", "WANDER", "CHILD"] {
        for behind in ["", "/assessment", "/readings", "/readings?max_points=50", "/dispatch-check"] {
            paths.push(format!("/v1/units/{unit}{behind}"));
        }
        paths.push(format!("/v1/holds?unit={unit}"));
        paths.push(format!("/v1/alarms?unit={unit}"));
        paths.push(format!("/v1/report?unit={unit}&format=json"));
        paths.push(format!("/v1/report?unit={unit}&format=json&as_of={}", world.at(3)));
    }
    paths
}

/// What names something of the other site, in the place of `{}`, and what is there instead when nothing is.
fn named(world: &World) -> Vec<(&'static str, &str)> {
    let mut named: Vec<(&'static str, &str)> = Vec::new();
    for unit in ["U-BRAVO", "S-BRAVO", "GONE-BRAVO", "P-BRAVO"] {
        for path in [
            "/v1/units/{}",
            "/v1/units/{}/assessment",
            "/v1/units/{}/readings",
            "/v1/units/{}/readings?max_points=9",
            "/v1/units/{}/dispatch-check",
            "/v1/units/{}/dispatch-check?to=ALFA",
            "/v1/scan?code={}",
            "/v1/holds?unit={}",
            "/v1/alarms?unit={}",
            "/v1/excursions?unit={}",
            "/v1/report?unit={}",
            "/v1/report?unit={}&format=json",
        ] {
            named.push((path, unit));
        }
    }
    for place in ["BRAVO", "BRAVO-CR"] {
        for path in
            ["/v1/units?place={}", "/v1/holds?place={}", "/v1/report?place={}", "/v1/report?place={}&format=json"]
        {
            named.push((path, place));
        }
    }
    for lot in ["LOT-BRAVO"] {
        for path in
            ["/v1/units?lot={}", "/v1/holds?lot={}", "/v1/lots/09506000134352/{}", "/v1/report?lot=09506000134352/{}"]
        {
            named.push((path, lot));
        }
    }
    for path in [
        "/v1/units?gtin={}",
        "/v1/lots?gtin={}",
        "/v1/holds?gtin={}",
        "/v1/lots/{}/LOT-BRAVO",
        "/v1/lots/{}/LOT-ALFA",
        "/v1/scan?code={}",
        "/v1/scan?code={}/LOT-BRAVO",
        "/v1/report?lot={}/LOT-BRAVO",
    ] {
        named.push((path, OTHER_GTIN));
    }
    for path in ["/v1/scan?code={}", "/v1/units/{}/dispatch-check"] {
        named.push((path, OTHER_PALLET));
    }
    named.push(("/v1/sensors/{}/readings", "BRAVO-T"));
    named.push(("/v1/sensors/{}/readings?max_points=9", "BRAVO-T"));
    named.push(("/v1/alarms?sensor={}", "BRAVO-T"));
    named.push(("/v1/holds/{}", &world.other_hold.0));
    named.push(("/v1/holds?incident={}", &world.other_hold.1));
    named
}

/// Something as well formed as `name` that is registered nowhere.
fn nothing(name: &str) -> String {
    match name {
        OTHER_GTIN => "09506000134376".to_owned(),
        OTHER_PALLET => "106141411234567927".to_owned(),
        name if name.starts_with('h') => "h999999".to_owned(),
        name if name.starts_with('i') => "i999999".to_owned(),
        name => name.replace("BRAVO", "NOWHERE"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_other_site_is_in_any_byte() {
    let world = World::new().await;
    for role in READERS {
        let token = world.token(role).await;
        for path in paths(&world) {
            let got = world.get(&path, &token).await;
            assert_eq!(got.status, 200, "{role} {path}: {}", got.body);
            got.tells_nothing("", &format!("{role} {path}"));
        }
    }
    // neither within a limit to a room, which lies in a site and a region
    let room = world.named_token("viewer", "t.room", json!(["ALFA-CR"])).await;
    for path in paths(&world)
        .iter()
        .filter(|path| !["WANDER", "place=ALFA&", "place=ALFA-D"].iter().any(|not| path.contains(not)))
    {
        let got = world.get(path, &room).await;
        assert_eq!(got.status, 200, "{path}: {}", got.body);
        got.tells_nothing("", path);
        assert!(!got.body.contains("ALFA-D") && !got.body.contains("WANDER"), "{path}: {}", got.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_elsewhere_is_answered_like_what_is_nowhere() {
    let world = World::new().await;
    for role in READERS {
        let token = world.token(role).await;
        for (path, name) in named(&world) {
            let (there, nowhere) = (path.replace("{}", name), path.replace("{}", &nothing(name)));
            let told = format!("{role} {there}");
            let (mut there, mut nowhere) = (world.get(&there, &token).await, world.get(&nowhere, &token).await);
            for (answer, asked) in [(&mut there, name), (&mut nowhere, nothing(name).as_str())] {
                answer.body = answer.body.replace(asked, "?").replace("LOT-BRAVO", "?");
                // an instant that was not asked for is that of the answer
                if let Some((before, _)) = answer.body.split_once(" known at ") {
                    answer.body = before.to_owned();
                }
            }
            assert_eq!(there, nowhere, "{told}");
            there.tells_nothing("", &told);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_count_and_page_over_what_is_seen_only() {
    let world = World::new().await;
    let token = world.token("viewer").await;
    let units = world.get("/v1/units", &token).await.json();
    assert_eq!(ids(&units), ["CHILD", "S-ALFA", "U-ALFA", "WANDER"]);
    let (child, wander) = (&units["items"][0], &units["items"][3]);
    assert_eq!((&child["split_from"], &child["registered_place"]), (&Value::Null, &Value::Null));
    assert_eq!((&wander["place"], &wander["site"]), (&json!("ALFA-D"), &json!("ALFA")));
    assert_eq!(wander["registered_place"], Value::Null);
    let shared = world.get(&format!("/v1/lots/{GTIN}/LOT-SHARED"), &token).await.json();
    assert_eq!(ids(&shared["units"]), ["CHILD", "S-ALFA", "WANDER"]);
    assert_eq!((&shared["unit_counts"]["open"], &shared["quantity"]["open"]), (&json!(3), &json!(14)));
    let lots = world.get("/v1/lots", &token).await.json();
    let lots: Vec<&str> = lots["items"].as_array().unwrap().iter().map(|lot| lot["lot"].as_str().unwrap()).collect();
    assert_eq!(lots, ["LOT-ALFA", "LOT-SHARED"]);
    let sites = world.get("/v1/sites", &token).await.json();
    assert_eq!(ids(&sites), ["ALFA", "ALFA-CR", "ALFA-D"]);
    assert_eq!(
        (&sites["items"][0]["parent"], &sites["items"][0]["inside"]["units"]["open"]),
        (&json!("EU"), &json!(4))
    );
    assert_eq!(ids(&world.get("/v1/sensors", &token).await.json()), ["ALFA-T", "ROVER"]);

    let scanned = world.get(&format!("/v1/scan?code={GTIN}/LOT-SHARED"), &token).await.json();
    assert_eq!((&scanned["unit_count"], scanned["fefo"].as_array().unwrap().len()), (&json!(3), 0), "{scanned}");
    for (of, there_are) in
        [(format!("lot={GTIN}/LOT-SHARED"), 3), (format!("lot={GTIN}/LOT-ALFA"), 1), ("place=ALFA".into(), 4)]
    {
        let report = world.get(&format!("/v1/report?{of}&format=json"), &token).await.json();
        let told = (&report["units_there_are"], report["units"].as_array().unwrap().len());
        assert_eq!(told, (&json!(there_are), there_are), "{of}");
    }

    // page by page it is the same, and a cursor nobody gave out is none, whatever there is by that name
    let first = world.get("/v1/units?limit=2", &token).await.json();
    let next = first["next_cursor"].as_str().unwrap();
    let second = world.get(&format!("/v1/units?limit=2&cursor={next}"), &token).await.json();
    assert_eq!(ids(&second), ["U-ALFA", "WANDER"]);
    assert_eq!(second["next_cursor"], Value::Null);
    let cursor = |key: &str| key.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    for (list, there, nowhere) in [
        ("/v1/units", "U-BRAVO", "U-NOWHERE"),
        ("/v1/places", "BRAVO", "NOWHERE"),
        ("/v1/sites", "BRAVO-CR", "NOWHERE"),
        ("/v1/sensors", "BRAVO-T", "NOWHERE"),
        ("/v1/products", OTHER_GTIN, "09506000134376"),
        ("/v1/lots/09506000134352/LOT-SHARED", "S-BRAVO", "S-NOWHERE"),
    ] {
        let [there, nowhere] = [there, nowhere].map(|key| format!("{list}?cursor={}", cursor(key)));
        let there = world.get(&there, &token).await;
        assert_eq!(there, world.get(&nowhere, &token).await, "{list}");
        assert_eq!((there.status, &there.json()["code"]), (400, &json!("cursor")), "{list}");
    }

    // a sensor that came over has said nothing before
    let rover = world.get("/v1/sensors/ROVER/readings", &token).await.json();
    assert_eq!(rover["items"].as_array().unwrap().len(), 4);
    assert_eq!(rover["items"][0]["measured_at"], json!(world.at(4)));
    // the unit's own record has all of its past, without saying where
    let readings = world.get("/v1/units/WANDER/readings", &token).await.json();
    assert!(
        readings["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["measured_at"].as_str().unwrap() >= world.at(5).as_str())
    );
    let assessment = world.get("/v1/units/WANDER/assessment", &token).await.json();
    assert_eq!((&assessment["window"]["from"], &assessment["verdict"]), (&json!(world.at(0)), &json!("hold")));
    let report = world.get("/v1/report?unit=WANDER&format=json", &token).await.json();
    let stays = &report["units"][0]["custody"];
    assert_eq!((&stays[0]["place"], &stays[0]["sensors"]), (&Value::Null, &json!([])));
    assert_eq!(stays[1]["place"], "ALFA-CR");
    // of the region around there is the name, and no record
    let places: Vec<&Value> = report["places"].as_array().unwrap().iter().map(|place| &place["id"]).collect();
    assert_eq!(places, ["ALFA", "ALFA-CR", "ALFA-D"]);
    // where goods are kept apart elsewhere is not told, that they are held is
    let held = world.get("/v1/holds?unit=S-ALFA&cause=manual", &token).await.json();
    let held = held["items"].as_array().unwrap();
    assert_eq!(held.len(), 3, "its own, its lot's, and that of the region: {held:?}");
    assert!(held.iter().all(|hold| hold["quarantine"].is_null()), "{held:?}");
    // a place could be tried against the digest of a record that has it
    for hold in held {
        assert_eq!(hold["record_sha256"].is_string(), hold["reason"] != "odd label", "{hold}");
    }
    let check = world.get("/v1/units/S-ALFA/dispatch-check", &token).await.json();
    assert!(check["blocks"].as_array().unwrap().len() >= 3 && check["allowed"] == false, "{check}");
}

/// What stands for the ticket of a door that has such: somebody's place in a list.
#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_was_given_to_somebody_else_opens_nothing() {
    let world = World::new().await;
    let token = world.token("viewer").await;
    for (list, least) in [
        ("/v1/products", 1),
        ("/v1/places", 7),
        ("/v1/sensors", 3),
        ("/v1/associations", 4),
        ("/v1/moves", 4),
        ("/v1/units", 7),
        ("/v1/lots", 2),
        ("/v1/lots?order=effective_expiry", 2),
        ("/v1/lots/09506000134352/LOT-SHARED", 4),
        ("/v1/sites", 7),
        ("/v1/excursions", 5),
        ("/v1/alarms", 3),
        ("/v1/holds", 5),
        ("/v1/units/WANDER/readings", 5),
        ("/v1/sensors/ROVER/readings", 5),
    ] {
        let behind = if list.contains('?') { '&' } else { '?' };
        let (mut next, mut replayed) = (String::new(), 0);
        loop {
            let page = world.get(&format!("{list}{behind}limit=1{next}"), TOKEN).await.json();
            let units = if page["units"].is_object() { &page["units"] } else { &page };
            let Some(cursor) = units["next_cursor"].as_str() else { break };
            next = format!("&cursor={cursor}");
            let got = world.get(&format!("{list}{behind}limit=1000{next}"), &token).await;
            let told = format!("{list} behind {page}");
            assert!(got.status == 200 || got.json()["code"] == "cursor", "{told}: {}", got.body);
            got.tells_nothing("", &told);
            replayed += 1;
        }
        assert!(replayed >= least, "{list} has {replayed} pages more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_divided_is_told_without_the_part_elsewhere() {
    let world = World::new().await;
    let now = Utc::now().timestamp_millis();
    world.until("/v1/holds?state=open&unit=P-BRAVO", |page| !page["items"][0].is_null()).await;
    // a part of held goods comes over with their hold, a part of ours goes there
    let split = |unit: &str, child: &str| json!({ "unit": unit, "into": [{ "id": child, "quantity": 3 }], "at": now });
    let document = json!({
        "splits": [split("P-BRAVO", "HEIR"), split("U-ALFA", "PART-BRAVO")],
        "moves": [{ "unit": "HEIR", "to": "ALFA-D", "at": now + 1 }, { "unit": "PART-BRAVO", "to": "BRAVO-CR", "at": now + 1 }],
    });
    let (status, answer) = world.site.post("/v1/registry", TOKEN, &document).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    for unit in ["HEIR", "U-ALFA"] {
        world.until(&format!("/v1/units/{unit}"), |unit| unit["verdict"].is_string()).await;
    }
    let all = world.get("/v1/holds?unit=HEIR", TOKEN).await.json();
    let came = |hold: &&Value| hold["inherited_from"].is_string();
    let came = all["items"].as_array().unwrap().iter().find(came).unwrap_or_else(|| panic!("{all}"));
    let token = world.token("quality").await;
    for unit in ["HEIR", "U-ALFA"] {
        for path in [
            format!("/v1/units/{unit}"),
            format!("/v1/units/{unit}/assessment"),
            format!("/v1/units/{unit}/readings"),
            format!("/v1/units/{unit}/dispatch-check"),
            format!("/v1/holds?unit={unit}"),
            format!("/v1/alarms?unit={unit}"),
            format!("/v1/scan?code={unit}"),
            format!("/v1/report?unit={unit}&format=json"),
        ] {
            let mut got = world.get(&path, &token).await;
            assert_eq!(got.status, 200, "{path}: {}", got.body);
            // how warm it was before is in its own record, curve and all, and in no single reading
            let mut own = "";
            if unit == "HEIR" && !path.ends_with("readings") {
                let mut told = got.json();
                if let Some(chart) = told.pointer_mut("/units/0/chart") {
                    chart.take();
                }
                (own, got.body) = ("61.375", told.to_string());
            }
            got.tells_nothing(own, &path);
        }
    }
    let told = world.get(&format!("/v1/holds/{}", came["id"].as_str().unwrap()), &token).await;
    assert_eq!(told.status, 200, "{}", told.body);
    let told = told.json();
    assert_eq!((&told["inherited_from"], &told["record_sha256"]), (&Value::Null, &Value::Null), "{told}");
    let ours = world.get("/v1/units/U-ALFA", &token).await.json();
    assert_eq!((&ours["quantity"], &ours["remaining_quantity"]), (&json!(40), &json!(37)), "{ours}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cache_brings_an_answer_to_somebody_else() {
    let world = World::new().await;
    let token = world.token("viewer").await;
    for path in ["/v1/units", "/v1/sites", "/v1/lots", "/v1/holds", "/v1/alarms", "/v1/places", "/v1/units/S-BRAVO"] {
        let all = world.client.get(format!("{}{path}", world.site.url())).bearer_auth(TOKEN);
        let all = all.send().await.unwrap();
        assert_eq!(
            (all.status().as_u16(), &all.headers()["cache-control"]),
            (200, &"no-store".parse().unwrap()),
            "{path}"
        );
        let tag = all.headers().get("etag").cloned();
        let since = all.headers().get("last-modified").cloned();
        assert!(all.text().await.unwrap().contains("BRAVO"), "{path}");
        let fresh = world.get(path, &token).await;
        for tag in [tag, Some("*".parse().unwrap()), Some("\"1\"".parse().unwrap())].into_iter().flatten() {
            let request = world.client.get(format!("{}{path}", world.site.url())).bearer_auth(&token);
            let mut request = request.header("if-none-match", tag);
            if let Some(since) = &since {
                request = request.header("if-modified-since", since);
            }
            let got = answered(request.send().await.unwrap()).await;
            assert_ne!(got.status, 304, "{path}");
            assert!(got.headers.contains("cache-control: no-store"), "{path}: {}", got.headers);
            got.tells_nothing("S-BRAVO", path);
            assert_eq!((got.status, got.headers), (fresh.status, fresh.headers.clone()), "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_is_closed_whatever_is_asked() {
    let world = World::new().await;
    for role in READERS {
        let token = world.token(role).await;
        let mut answers = Vec::new();
        for sql in [
            "SELECT 1",
            "SELECT * FROM units",
            "SELECT count(*) FROM units WHERE unit LIKE 'U-B%'",
            "SELECT r.* FROM unit_readings r JOIN units u ON r.unit = u.unit",
            "SELECT CAST(lot AS INTEGER) FROM units",
            "SELECT * FROM audit",
            "SELEKT",
        ] {
            for format in ["json", "csv", "csv-exact", "parquet", "arrow"] {
                let body = json!({ "sql": sql, "format": format });
                answers.push(world.send(Method::POST, "/v1/sql", &token, Some(&body)).await);
            }
        }
        assert_eq!((answers[0].status, &answers[0].json()["code"]), (403, &json!("site_limited")));
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_limit_everything_is_there_as_before() {
    let world = World::new().await;
    let viewer = json!({ "name": "all", "role": "viewer" });
    let (status, made) = world.site.post("/v1/tokens", TOKEN, &viewer).await.unwrap();
    assert_eq!((status, made.get("sites")), (201, None), "{made}");
    let token = made["token"].as_str().unwrap();
    let units = world.get("/v1/units", token).await.json();
    assert_eq!(ids(&units), ["CHILD", "GONE-BRAVO", "P-BRAVO", "S-ALFA", "S-BRAVO", "U-ALFA", "U-BRAVO", "WANDER"]);
    assert_eq!(
        (&units["items"][0]["split_from"], &units["items"][7]["registered_place"]),
        (&json!("P-BRAVO"), &json!("BRAVO-CR"))
    );
    for (path, name) in named(&world).into_iter().filter(|(path, _)| !path.contains("scan") && !path.contains('?')) {
        if path.contains("LOT-ALFA") || path.contains("09506000134352/{}") {
            continue;
        }
        let path = path.replace("{}", name);
        assert_eq!(world.get(&path, token).await.status, 200, "{path}");
    }
    let report = world.get("/v1/report?unit=WANDER&format=json", token).await.json();
    assert_eq!(report["units"][0]["custody"][0]["place"], "BRAVO-CR");
    let held = world.get("/v1/holds?unit=S-ALFA&cause=manual", token).await.json();
    assert!(held["items"].as_array().unwrap().iter().any(|hold| hold["quarantine"]["place"] == "BRAVO-CR"), "{held}");
    assert!(world.get("/v1/sensors/ROVER/readings", token).await.body.contains("60.25"));
    assert_eq!(world.site.count("SELECT count(*) FROM units").await.unwrap(), 7, "all but the split one");
}
