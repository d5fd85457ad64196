//! Roles and tokens.

use super::*;

fn signed() -> Option<Value> {
    Some(json!({"reason": "x", "password": "x"}))
}

/// Every route that asks who is there: method, path, body, and the roles that may.
fn guarded() -> Vec<(&'static str, &'static str, Option<Value>, &'static [Role])> {
    use Role::{Admin, Auditor, Gateway, Logistics, Quality, Viewer};
    const READERS: &[Role] = &[Viewer, Logistics, Quality, Auditor, Admin];
    vec![
        ("POST", "/v1/sql", Some(json!({"sql": "SELECT 1"})), READERS),
        ("POST", "/v1/readings", Some(json!({"site": "s", "gateway": "gateway", "readings": []})), &[Gateway, Admin]),
        ("POST", "/v1/registry", Some(json!({})), &[Logistics, Admin]),
        ("GET", "/v1/sensors/x/readings", None, READERS),
        ("GET", "/v1/products", None, READERS),
        ("GET", "/v1/places", None, READERS),
        ("GET", "/v1/sensors", None, READERS),
        ("GET", "/v1/associations", None, READERS),
        ("GET", "/v1/lots", None, READERS),
        ("GET", "/v1/lots/none/none", None, READERS),
        ("GET", "/v1/units", None, READERS),
        ("GET", "/v1/units/none/readings", None, READERS),
        ("GET", "/v1/scan?code=none", None, READERS),
        ("GET", "/v1/sites", None, READERS),
        ("GET", "/v1/events?types=none", None, READERS),
        ("GET", "/v1/units/none", None, READERS),
        ("GET", "/v1/units/none/assessment", None, READERS),
        ("GET", "/v1/excursions", None, READERS),
        ("GET", "/v1/report", None, READERS),
        ("GET", "/v1/moves", None, READERS),
        ("GET", "/v1/audit", None, &[Auditor, Admin]),
        ("GET", "/v1/tokens", None, &[Admin]),
        ("POST", "/v1/tokens", Some(json!({"name": "n", "role": "viewer"})), &[Admin]),
        ("DELETE", "/v1/tokens/none", None, &[Admin]),
        ("GET", "/v1/session", None, &Role::ALL),
        ("DELETE", "/v1/session", None, &Role::ALL),
        ("GET", "/v1/users", None, &[Admin]),
        ("PATCH", "/v1/users/none", Some(json!({})), &[Admin]),
        ("POST", "/v1/users", Some(json!({"name": "a b", "role": "viewer", "password": ""})), &[Admin]),
        ("POST", "/v1/users/none/password", Some(json!({"password": ""})), &[Admin]),
        ("GET", "/v1/alarms", None, READERS),
        ("POST", "/v1/alarms/none/acknowledge", Some(json!({})), &[Logistics, Quality, Admin]),
        ("GET", "/v1/notifications", None, READERS),
        ("GET", "/v1/notifications/state", None, READERS),
        ("GET", "/v1/recipients", None, &[Auditor, Admin]),
        ("POST", "/v1/recipients", Some(json!({})), &[Admin]),
        ("GET", "/v1/holds", None, READERS),
        ("GET", "/v1/holds/none", None, READERS),
        ("GET", "/v1/units/none/dispatch-check", None, READERS),
        ("POST", "/v1/holds", Some(json!({"unit": "none", "reason": "x"})), &[Logistics, Quality, Admin]),
        ("POST", "/v1/moves", Some(json!({"unit": "none", "to": "x", "at": 0})), &[Logistics, Admin]),
        ("POST", "/v1/holds/none/review", signed(), &[Quality]),
        ("POST", "/v1/holds/none/release", signed(), &[Quality]),
        ("POST", "/v1/holds/none/reject", signed(), &[Quality]),
        ("POST", "/v1/incidents/none/review", signed(), &[Quality]),
        ("POST", "/v1/incidents/none/release", signed(), &[Quality]),
        ("POST", "/v1/incidents/none/reject", signed(), &[Quality]),
        ("POST", "/v1/units/none/accept", signed(), &[Quality]),
    ]
}

#[tokio::test]
async fn every_route_knows_who_may() {
    let edge = Edge::start().await;
    for role in Role::ALL {
        let token = edge.token(role).await;
        for (method, path, body, roles) in guarded() {
            let got = edge.send(method, path, Some(&token), body.as_ref()).await;
            if roles.contains(&role) {
                assert!(!matches!(got.status, 401 | 403), "{role} {method} {path}: {}", got.status);
            } else {
                assert_eq!(got.problem(), (403, "forbidden".into()), "{role} {method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn strangers_are_asked_who_they_are() {
    let edge = Edge::start().await;
    let long = "x".repeat(10_000);
    for token in [None, Some("wrong"), Some(""), Some(long.as_str())] {
        for (method, path, body, _) in guarded() {
            let got = edge.send(method, path, token, body.as_ref()).await;
            assert_eq!(got.problem(), (401, "unauthorized".into()), "{method} {path} with {:?}", token.map(str::len));
        }
    }
    let basic = edge.client.get(format!("{}/v1/places", edge.base)).basic_auth("admin", Some("x"));
    assert_eq!(got(basic).await.status, 401);
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        assert_eq!(edge.send("GET", path, None, None).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn every_guarded_route_of_the_description_is_in_the_list() {
    let listed: std::collections::BTreeSet<_> =
        guarded().iter().map(|(method, path, ..)| format!("{method} {}", path.split('?').next().unwrap())).collect();
    let document = serde_json::to_value(api::openapi()).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if operation["security"].is_array() {
                let path = path
                    .replace("/sensors/{id}", "/sensors/x")
                    .replace("{id}", "none")
                    .replace("{gtin}/{lot}", "none/none");
                let route = format!("{} {path}", method.to_uppercase());
                assert!(listed.contains(&route), "`{route}` has no row in the test of roles");
            }
        }
    }
}

#[tokio::test]
async fn a_gateway_writes_only_its_own_readings() {
    let edge = Edge::start().await;
    let (bound, admin) = (Name::parse("gw7").unwrap(), Name::parse("admin").unwrap());
    let name = Name::parse("token-of-gw7").unwrap();
    let token = edge.ledger.create_token(Role::Gateway, &name, Some(&bound), &admin).await.unwrap();
    let own = json!({"site": "s", "gateway": "gw7", "readings": []});
    assert_eq!(edge.post("/v1/readings", &token, &own).await.status, 200);
    for foreign in [json!({"site": "s", "gateway": "gw8", "readings": []}), json!({"site": "s", "readings": []})] {
        assert_eq!(edge.post("/v1/readings", &token, &foreign).await.problem(), (403, "forbidden".into()));
    }
    let twice = r#"{"gateway":"gw7","site":"s","readings":[],"gateway":"gw8"}"#;
    let request = edge.client.post(format!("{}/v1/readings", edge.base)).bearer_auth(&token);
    assert_eq!(got(request.header("content-type", "application/json").body(twice)).await.problem().0, 400);
}

#[tokio::test]
async fn tokens_are_made_shown_once_and_revoked() {
    let edge = Edge::start().await;
    let admin = edge.token(Role::Admin).await;
    let made = edge.post("/v1/tokens", &admin, &json!({"name": "reporting", "role": "viewer"})).await;
    assert_eq!(made.status, 201);
    let token = made.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(edge.get("/v1/places", &token).await.status, 200);

    let listed = edge.get("/v1/tokens", &admin).await;
    assert!(!String::from_utf8_lossy(&listed.body).contains(&token));
    let items = listed.json()["items"].as_array().unwrap().clone();
    let id = items.iter().find(|item| item["name"] == "reporting").unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(edge.send("DELETE", &format!("/v1/tokens/{id}"), Some(&admin), None).await.status, 204);
    assert_eq!(edge.get("/v1/places", &token).await.status, 401);
    assert_eq!(
        edge.send("DELETE", &format!("/v1/tokens/{id}"), Some(&admin), None).await.problem(),
        (404, "not_found".into())
    );
    for body in [json!({"name": "a b", "role": "viewer"}), json!({"name": "a", "role": "root"})] {
        assert_eq!(edge.post("/v1/tokens", &admin, &body).await.problem().0, 400);
    }
}

#[tokio::test]
async fn the_audit_trail_is_only_asked_of_by_those_who_may_read_it() {
    let edge = Edge::start().await;
    let (viewer, auditor) = (edge.token(Role::Viewer).await, edge.token(Role::Auditor).await);
    for sql in ["SELECT count(*) FROM audit", "WITH a AS (SELECT * FROM audit) SELECT count(*) FROM a"] {
        assert_eq!(edge.ask(&viewer, sql).await.problem(), (400, "sql_refused".into()));
        assert_eq!(edge.ask(&auditor, sql).await.status, 200);
    }
}

#[tokio::test]
async fn nobody_is_anonymous_on_the_network() {
    let options = ApiOptions { anonymous: Some(Role::Viewer), ..ApiOptions::default() };
    let edge = Edge::with(options.clone(), Limits::default()).await;
    assert_eq!(edge.send("GET", "/v1/places", None, None).await.status, 200);
    assert_eq!(edge.send("POST", "/v1/registry", None, Some(&json!({}))).await.problem(), (403, "forbidden".into()));
    assert_eq!(edge.send("GET", "/v1/places", Some("wrong"), None).await.status, 401);
}
