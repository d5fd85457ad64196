//! Who sets a limit, and what is written down of it.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_set_shown_changed_lifted_and_written_down() {
    let mut world = World::new().await;
    let create =
        |name: &str, sites: Value| json!({ "name": name, "role": "viewer", "password": PASSWORD, "sites": sites });
    for (wrong, code) in [
        (json!([]), "sites"),
        (json!(["a b"]), "name"),
        (json!(["NOWHERE"]), "refused"),
        (json!("ALFA"), "json"),
        ((0..101).map(|nth| json!(format!("P{nth}"))).collect(), "sites"),
    ] {
        for (path, body) in [
            ("/v1/users", create("x", wrong.clone())),
            ("/v1/tokens", json!({ "name": "x", "role": "viewer", "sites": wrong })),
        ] {
            let (status, answer) = world.site.post(path, TOKEN, &body).await.unwrap();
            assert_eq!((status, &answer["code"]), (400, &json!(code)), "{path} {body}: {answer}");
        }
    }
    let gateway = json!({ "name": "gw", "role": "gateway", "sites": ["ALFA"] });
    assert_eq!(world.site.post("/v1/tokens", TOKEN, &gateway).await.unwrap().1["code"], "sites");
    let (status, made) =
        world.site.post("/v1/users", TOKEN, &create("v.iew", json!(["ALFA", "TRK7", "ALFA"]))).await.unwrap();
    assert_eq!((status, &made["sites"]), (201, &json!(["ALFA", "TRK7"])), "{made}");
    let (_, free) = world.site.post("/v1/users", TOKEN, &create("f.ree", Value::Null)).await.unwrap();
    assert_eq!(free.get("sites"), None, "{free}");
    let token = world.token("viewer").await;

    let sign_in = || async {
        let credentials = json!({ "name": "v.iew", "password": PASSWORD });
        let response =
            world.client.post(format!("{}/v1/session", world.site.url())).json(&credentials).send().await.unwrap();
        let cookie = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        (cookie, response.json::<Value>().await.unwrap())
    };
    let with = |cookie: &str, path: &str| {
        world.client.get(format!("{}{path}", world.site.url())).header("cookie", cookie).send()
    };
    let patch = |body: Value| {
        let world = &world;
        async move {
            let got = world.send(Method::PATCH, "/v1/users/v.iew", TOKEN, Some(&body)).await;
            (got.status, got.json())
        }
    };
    let (cookie, session) = sign_in().await;
    assert_eq!(session["sites"], json!(["ALFA", "TRK7"]));
    let got = answered(with(&cookie, "/v1/units").await.unwrap()).await;
    assert_eq!(ids(&got.json()), ["CHILD", "S-ALFA", "U-ALFA", "WANDER"]);
    got.tells_nothing("", "a session");
    assert_eq!(with(&cookie, "/v1/notifications").await.unwrap().status(), 403);

    // another limit ends the sessions; another role keeps it; null lifts it
    let (status, changed) = patch(json!({ "sites": ["BRAVO"], "reason": "moved" })).await;
    assert_eq!((status, &changed["sites"]), (200, &json!(["BRAVO"])), "{changed}");
    assert_eq!(with(&cookie, "/v1/units").await.unwrap().status(), 401);
    let (cookie, _) = sign_in().await;
    let got = answered(with(&cookie, "/v1/units").await.unwrap()).await;
    assert_eq!(ids(&got.json()), ["GONE-BRAVO", "P-BRAVO", "S-BRAVO", "U-BRAVO"]);
    let (_, changed) = patch(json!({ "role": "logistics" })).await;
    assert_eq!((&changed["sites"], &changed["role"]), (&json!(["BRAVO"]), &json!("logistics")));
    assert_eq!(patch(json!({ "sites": [] })).await.1["code"], "sites");
    assert_eq!(patch(json!({ "sites": ["NOWHERE"] })).await.1["code"], "refused");
    assert_eq!(patch(json!({ "sites": ["BRAVO"] })).await.0, 400, "it is just so already");
    let (status, changed) = patch(json!({ "sites": null })).await;
    assert_eq!((status, changed.get("sites")), (200, None), "{changed}");
    let (cookie, session) = sign_in().await;
    assert_eq!(session.get("sites"), None);
    assert_eq!(with(&cookie, "/v1/notifications/state").await.unwrap().status(), 200);

    let audit = world.get("/v1/audit?kind=user.changed", TOKEN).await.json();
    let told: Vec<(&Value, &Value)> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (&entry["before"]["sites"], &entry["after"]["sites"]))
        .collect();
    let (first, second, none) = (json!(["ALFA", "TRK7"]), json!(["BRAVO"]), Value::Null);
    for change in [(&first, &second), (&second, &second), (&second, &none)] {
        assert!(told.contains(&change), "{change:?} in {told:?}");
    }
    let audit = world.get("/v1/audit?kind=token.created", TOKEN).await.json();
    assert!(
        audit["items"].as_array().unwrap().iter().any(|entry| entry["after"]["sites"] == json!(["ALFA"])),
        "{audit}"
    );

    // it outlives a kill, and the record verifies
    patch(json!({ "sites": ["ALFA"] })).await;
    world.site.kill9().await.unwrap();
    world.site.restart().await.unwrap();
    let users = world.get("/v1/users", TOKEN).await.json();
    let of = |name: &str| users["items"].as_array().unwrap().iter().find(|user| user["name"] == name).unwrap().clone();
    assert_eq!((of("v.iew").get("sites"), of("f.ree").get("sites")), (Some(&json!(["ALFA"])), None));
    assert_eq!(world.get("/v1/session", &token).await.json()["sites"], json!(["ALFA"]));
    let got = world.get("/v1/users", &token).await;
    assert_eq!(got.json()["code"], "site_limited");
    world.site.sigterm().await.unwrap();
    world.site.verify(world.site.data()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn people_within_a_limit_change_their_own_password_and_no_other() {
    let world = World::new().await;
    for (name, role) in [("v.iew", "viewer"), ("a.dmin", "admin")] {
        let person = json!({ "name": name, "role": role, "password": PASSWORD, "sites": ["ALFA"] });
        assert_eq!(world.site.post("/v1/users", TOKEN, &person).await.unwrap().0, 201);
    }
    let change = |who: &'static str, whose: &'static str| {
        let request = world.client.post(format!("{}/v1/users/{whose}/password", world.site.url()));
        request.basic_auth(who, Some(PASSWORD)).json(&json!({ "password": "another long password" })).send()
    };
    for whose in ["admin", "v.iew", "nobody"] {
        let got = answered(change("a.dmin", whose).await.unwrap()).await;
        assert_eq!((got.status, &got.json()["code"]), (403, &json!("site_limited")), "{whose}");
    }
    assert_eq!(change("v.iew", "v.iew").await.unwrap().status(), 204);
    assert_eq!(change("v.iew", "v.iew").await.unwrap().status(), 401, "it is another one now");
}
