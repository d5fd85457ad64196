//! What is done within a limit: to what is seen, and to nothing else, which is not even there.

use super::*;

impl World {
    /// How many entries the audit trail has.
    async fn entries(&self) -> u64 {
        self.site.count("SELECT count(*) FROM audit").await.unwrap()
    }

    async fn act(&self, token: &str, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, token, Some(body)).await
    }

    /// The token of a person of the role `quality`, who is limited, too.
    async fn person(&self) -> String {
        let person = json!({ "name": "m.lin", "role": "quality", "password": PASSWORD, "sites": ["ALFA"] });
        let (status, made) = self.site.post("/v1/users", TOKEN, &person).await.unwrap();
        assert_eq!((status, &made["sites"]), (201, &json!(["ALFA"])), "{made}");
        self.named_token("quality", "m.lin", json!(["ALFA"])).await
    }
}

fn signed() -> Value {
    json!({ "reason": "looked at", "password": PASSWORD })
}

fn rejected() -> Value {
    json!({ "reason": "looked at", "password": PASSWORD, "disposition": "destroy" })
}

#[tokio::test(flavor = "multi_thread")]
async fn acts_upon_the_other_site_find_nothing_and_change_nothing() {
    let world = World::new().await;
    let (logistics, quality) = (world.token("logistics").await, world.person().await);
    let (hold, incident) = (&world.other_hold.0, &world.other_hold.1);
    let entries = world.entries().await;
    let now = Utc::now().timestamp_millis();
    let pairs: Vec<(&str, String, String, Value, Value)> = {
        let mut pairs = Vec::new();
        for (verb, body) in [("review", signed()), ("release", signed()), ("reject", rejected())] {
            pairs.push((
                quality.as_str(),
                format!("/v1/holds/{hold}/{verb}"),
                format!("/v1/holds/h999999/{verb}"),
                body.clone(),
                body.clone(),
            ));
            pairs.push((
                quality.as_str(),
                format!("/v1/incidents/{incident}/{verb}"),
                format!("/v1/incidents/i999999/{verb}"),
                body.clone(),
                body,
            ));
        }
        let accept = |unit: &str| format!("/v1/units/{unit}/accept");
        pairs.push((&quality, accept("U-BRAVO"), accept("U-NOWHERE"), signed(), signed()));
        let acknowledge = |alarm: &str| format!("/v1/alarms/{alarm}/acknowledge");
        pairs.push((&quality, acknowledge(&world.other_alarm), acknowledge("a999999"), json!({}), json!({})));
        for (token, key) in [(&logistics, "unit"), (&quality, "unit"), (&logistics, "place")] {
            let wanted = |name: &str| json!({ (key): name, "reason": "x" });
            let (there, nowhere) = if key == "unit" { ("U-BRAVO", "U-NOWHERE") } else { ("BRAVO-CR", "NOWHERE-CR") };
            pairs.push((token, "/v1/holds".into(), "/v1/holds".into(), wanted(there), wanted(nowhere)));
        }
        let apart = |place: &str| json!({ "unit": "WANDER", "reason": "x", "quarantine_place": place });
        pairs.push((&logistics, "/v1/holds".into(), "/v1/holds".into(), apart("BRAVO-CR"), apart("NOWHERE-CR")));
        let mut moves = |there: (&str, &str), nowhere: (&str, &str), at: i64, planned: bool| {
            let body = |(unit, to): (&str, &str)| json!({ "unit": unit, "to": to, "at": at, "planned": planned });
            pairs.push((&logistics, "/v1/moves".into(), "/v1/moves".into(), body(there), body(nowhere)));
        };
        for planned in [false, true] {
            moves(("U-BRAVO", "ALFA-CR"), ("U-NOWHERE", "ALFA-CR"), now, planned);
            moves((OTHER_PALLET, "ALFA-CR"), ("106141411234567927", "ALFA-CR"), now, planned);
            moves(("U-ALFA", "BRAVO-CR"), ("U-ALFA", "NOWHERE-CR"), now, planned);
            // its past elsewhere is not theirs to write
            moves(("WANDER", "ALFA-CR"), ("WANDER", "ALFA-CR"), world.begins + 2 * STEP_MS, planned);
        }
        pairs
    };
    for (token, there, nowhere, body, other) in pairs {
        let told = format!("{there} {body}");
        let (mut got, mut missing) = (world.act(token, &there, &body).await, world.act(token, &nowhere, &other).await);
        for answer in [&mut got, &mut missing] {
            for name in ["BRAVO", "NOWHERE", OTHER_PALLET, "106141411234567927", hold.as_str(), "h999999"] {
                answer.body = answer.body.replace(name, "?");
            }
        }
        assert_eq!(got, missing, "{told}");
        assert_eq!((got.status, &got.json()["code"]), (404, &json!("not_found")), "{told}: {}", got.body);
        got.tells_nothing("", &told);
    }
    // what reaches beyond, whether there is something or not, is not theirs: a lot, and the region around
    let wide = world.get("/v1/holds?cause=manual&state=open", &quality).await.json();
    let wide: Vec<&str> = wide["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|hold| hold["unit"].is_null())
        .map(|hold| hold["id"].as_str().unwrap())
        .collect();
    assert_eq!(wide.len(), 2, "of the lot and of the region");
    for hold in wide {
        for (verb, body) in [("review", signed()), ("release", signed()), ("reject", rejected())] {
            let got = world.act(&quality, &format!("/v1/holds/{hold}/{verb}"), &body).await;
            assert_eq!((got.status, &got.json()["code"]), (403, &json!("site_limited")), "{}", got.body);
        }
    }
    let mut answers = Vec::new();
    for lot in ["LOT-SHARED", "LOT-ALFA", "LOT-BRAVO", "NONE"] {
        let wanted = json!({ "lot": { "gtin": GTIN, "lot": lot }, "reason": "x" });
        answers.push(world.act(&logistics, "/v1/holds", &wanted).await);
    }
    assert_eq!((answers[0].status, &answers[0].json()["code"]), (403, &json!("site_limited")));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    // what they say of a time to come would bring goods back that have gone by then; what brought them stays said
    for (unit, to, at, planned) in
        [("U-ALFA", "ALFA-D", now + 3_600_000, false), ("WANDER", "ALFA-CR", world.begins + 5 * STEP_MS, true)]
    {
        let got =
            world.act(&logistics, "/v1/moves", &json!({ "unit": unit, "to": to, "at": at, "planned": planned })).await;
        assert_eq!((got.status, &got.json()["code"]), (400, &json!("shape")), "{unit}: {}", got.body);
    }
    // where their goods are kept apart elsewhere they cannot confirm, and are not told by trying
    let held = world.get("/v1/holds?unit=S-ALFA&cause=manual", &quality).await.json();
    let own = held["items"].as_array().unwrap().iter().find(|hold| hold["unit"] == "S-ALFA").unwrap();
    for of in
        [format!("holds/{}", own["id"].as_str().unwrap()), format!("incidents/{}", own["incident"].as_str().unwrap())]
    {
        let body = json!({ "reason": "x", "password": PASSWORD, "quarantine_confirmed": true });
        let got = world.act(&quality, &format!("/v1/{of}/review"), &body).await;
        assert_eq!((got.status, &got.json()["code"]), (400, &json!("quarantine")), "{of}: {}", got.body);
        got.tells_nothing("", &of);
    }
    let region = world.act(&logistics, "/v1/holds", &json!({ "place": "EU", "reason": "x" })).await;
    assert_eq!(region.json()["code"], "not_found");
    assert_eq!(world.entries().await, entries, "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn acts_upon_ones_own_site_are_done() {
    let world = World::new().await;
    let (logistics, quality) = (world.token("logistics").await, world.person().await);
    let placed = world.act(&logistics, "/v1/holds", &json!({ "place": "ALFA-D", "reason": "the door" })).await;
    assert_eq!(placed.status, 201, "{}", placed.body);
    let path = format!("/v1/holds/{}/release", placed.json()["id"].as_str().unwrap());
    let released = world.act(&quality, &path, &signed()).await;
    assert_eq!((released.status, &released.json()["state"]), (200, &json!("released")), "{}", released.body);
    let moved = json!({ "unit": "CHILD", "to": "ALFA-D", "at": Utc::now().timestamp_millis() });
    let moved = world.act(&logistics, "/v1/moves", &moved).await;
    assert_eq!(moved.status, 201, "{}", moved.body);
    moved.tells_nothing("", "a move");
    let plan =
        json!({ "unit": "CHILD", "to": "ALFA-CR", "at": Utc::now().timestamp_millis() + 3_600_000, "planned": true });
    assert_eq!(world.act(&logistics, "/v1/moves", &plan).await.status, 201);
    let alarms = world.get("/v1/alarms?unit=U-ALFA", &quality).await.json();
    let alarm = alarms["items"][0]["id"].as_str().unwrap();
    let noted = world.act(&quality, &format!("/v1/alarms/{alarm}/acknowledge"), &json!({ "reason": "seen" })).await;
    assert_eq!((noted.status, &noted.json()["acknowledged_by"]), (200, &json!("m.lin")), "{}", noted.body);
    // an incident's holds: those that are seen
    let held = world.get("/v1/holds?unit=U-ALFA&state=open&cause=excursion", &quality).await.json();
    let incident = held["items"][0]["incident"].as_str().unwrap();
    let done = world.act(&quality, &format!("/v1/incidents/{incident}/reject"), &rejected()).await;
    assert_eq!((done.status, &done.json()["state"]), (200, &json!("rejected")), "{}", done.body);
    done.tells_nothing("", "an incident");
    let there = world.get("/v1/holds?unit=GONE-BRAVO&cause=excursion", TOKEN).await.json();
    assert!(there["items"].as_array().unwrap().iter().all(|hold| hold["state"] == "open"), "{there}");
}
