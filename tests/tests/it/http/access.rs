//! Roles and tokens.

use store::ledger::{SessionLimits, Way};

use super::*;

/// Who may ask a route.
#[derive(Clone, Copy)]
enum Door {
    /// Anybody, a stranger too.
    Open,
    /// These roles; a stranger is asked who they are.
    For(&'static [Role]),
}

/// One row of the matrix: method, path as it is described, what stands in its place and behind it, body, and who may.
struct Row {
    method: &'static str,
    described: &'static str,
    query: &'static str,
    body: Option<Value>,
    door: Door,
}

impl Row {
    /// Where it is asked: for something that is not there, so that nothing changes.
    fn path(&self) -> String {
        let path = self.described.replace("{id}", "none").replace("{gtin}/{lot}", "none/none");
        path + self.query
    }

    /// Whether a session has to show its secret.
    fn changes(&self) -> bool {
        self.method != "GET"
    }
}

/// Every route of the description, and who may ask it.
fn matrix() -> Vec<Row> {
    use Role::{Admin, Auditor, Gateway, Logistics, Quality, Viewer};
    const READERS: Door = Door::For(&[Viewer, Logistics, Quality, Auditor, Admin]);
    const ALL: Door = Door::For(&Role::ALL);
    const ADMIN: Door = Door::For(&[Admin]);
    const REVISION: Door = Door::For(&[Auditor, Admin]);
    const KEEPERS: Door = Door::For(&[Logistics, Admin]);
    const HOLDERS: Door = Door::For(&[Logistics, Quality, Admin]);
    const QUALITY: Door = Door::For(&[Quality]);
    let mut rows = Vec::new();
    let mut get = |described, query, door| rows.push(Row { method: "GET", described, query, body: None, door });
    get("/healthz", "", Door::Open);
    get("/readyz", "", Door::Open);
    get("/metrics", "", Door::Open);
    get("/v1/oidc", "", Door::Open);
    get("/v1/oidc/callback", "", Door::Open);
    for described in [
        "/v1/products",
        "/v1/places",
        "/v1/sensors",
        "/v1/associations",
        "/v1/units",
        "/v1/lots",
        "/v1/sites",
        "/v1/excursions",
        "/v1/moves",
    ] {
        get(described, "", READERS);
    }
    get("/v1/sensors/{id}/readings", "", READERS);
    get("/v1/lots/{gtin}/{lot}", "", READERS);
    get("/v1/units/{id}", "", READERS);
    get("/v1/units/{id}/assessment", "", READERS);
    get("/v1/units/{id}/readings", "", READERS);
    get("/v1/units/{id}/dispatch-check", "", READERS);
    get("/v1/scan", "?code=none", READERS);
    get("/v1/report", "", READERS);
    get("/v1/events", "?types=none", READERS);
    get("/v1/alarms", "", READERS);
    get("/v1/notifications", "", READERS);
    get("/v1/notifications/state", "", READERS);
    get("/v1/holds", "", READERS);
    get("/v1/holds/{id}", "", READERS);
    get("/v1/recipients", "", REVISION);
    get("/v1/audit", "", REVISION);
    get("/v1/tokens", "", ADMIN);
    get("/v1/users", "", ADMIN);
    get("/v1/session", "", ALL);
    let mut change = |method, described, body, door| rows.push(Row { method, described, query: "", body, door });
    let signed = || Some(json!({"reason": "x", "password": "x"}));
    let gateway = json!({"site": "s", "gateway": "gateway", "readings": []});
    change("POST", "/v1/sql", Some(json!({"sql": "SELECT 1"})), READERS);
    change("POST", "/v1/readings", Some(gateway), Door::For(&[Gateway, Admin]));
    change("POST", "/v1/registry", Some(json!({})), KEEPERS);
    change("POST", "/v1/moves", Some(json!({"unit": "none", "to": "x", "at": 0})), KEEPERS);
    change("POST", "/v1/holds", Some(json!({"unit": "none", "reason": "x"})), HOLDERS);
    change("POST", "/v1/alarms/{id}/acknowledge", Some(json!({})), HOLDERS);
    change("POST", "/v1/holds/{id}/review", signed(), QUALITY);
    change("POST", "/v1/holds/{id}/release", signed(), QUALITY);
    change("POST", "/v1/holds/{id}/reject", signed(), QUALITY);
    change("POST", "/v1/incidents/{id}/review", signed(), QUALITY);
    change("POST", "/v1/incidents/{id}/release", signed(), QUALITY);
    change("POST", "/v1/incidents/{id}/reject", signed(), QUALITY);
    change("POST", "/v1/units/{id}/accept", signed(), QUALITY);
    change("POST", "/v1/recipients", Some(json!({})), ADMIN);
    change("POST", "/v1/tokens", Some(json!({"name": "n", "role": "viewer"})), ADMIN);
    change("DELETE", "/v1/tokens/{id}", None, ADMIN);
    change("POST", "/v1/users", Some(json!({"name": "a b", "role": "viewer", "password": ""})), ADMIN);
    change("PATCH", "/v1/users/{id}", Some(json!({})), ADMIN);
    change("POST", "/v1/users/{id}/password", Some(json!({"password": ""})), ADMIN);
    change("POST", "/v1/oidc/sign-in", Some(json!({})), Door::Open);
    change("POST", "/v1/oidc/sign-again", Some(json!({})), ALL);
    change("POST", "/v1/session", Some(json!({})), Door::Open);
    change("DELETE", "/v1/session", None, ALL);
    rows
}

/// Fails unless `got` is what `role` is to get at `row`.
fn judge(row: &Row, role: Role, way: &str, got: &Got) {
    let told = format!("{role} by {way}: {} {}: {}", row.method, row.path(), got.status);
    match row.door {
        Door::For(roles) if !roles.contains(&role) => assert_eq!(got.problem(), (403, "forbidden".into()), "{told}"),
        Door::Open | Door::For(_) => {
            assert!(!matches!(got.status, 401 | 403 | 405), "{told}: {}", String::from_utf8_lossy(&got.body));
        }
    }
}

#[tokio::test]
async fn every_route_knows_who_may_by_token() {
    let edge = Edge::start().await;
    for role in Role::ALL {
        let token = edge.token(role).await;
        for row in matrix() {
            let got = edge.send(row.method, &row.path(), Some(&token), row.body.as_ref()).await;
            judge(&row, role, "token", &got);
        }
    }
}

#[tokio::test]
async fn every_route_knows_who_may_by_session() {
    let edge = Edge::start().await;
    let admin = Name::parse("admin").unwrap();
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Gateway) {
        let person = Name::parse(&format!("p.{role}")).unwrap();
        edge.ledger.create_user(&person, role, "a password for tests", &admin).await.unwrap();
        let begin = || edge.ledger.begin_session(person.as_str(), Way::Password, SessionLimits::default());
        let (mut id, mut session) = begin().await.unwrap();
        for row in matrix() {
            let ask = |secret: Option<&str>| {
                let method = reqwest::Method::from_bytes(row.method.as_bytes()).unwrap();
                let request = edge.client.request(method, format!("{}{}", edge.base, row.path()));
                let request = request.header("cookie", format!("coldtrail_session={id}"));
                let request = match secret {
                    Some(secret) => request.header("x-csrf-token", secret),
                    None => request,
                };
                row.body.iter().fold(request, reqwest::RequestBuilder::json)
            };
            if row.changes() && matches!(row.door, Door::For(_)) {
                for secret in [None, Some("0000")] {
                    let refused = got(ask(secret)).await.problem();
                    assert_eq!(refused, (403, "csrf".into()), "{role} {} {}", row.method, row.path());
                }
            }
            judge(&row, role, "session", &got(ask(Some(&session.csrf))).await);
            if (row.method, row.described) == ("DELETE", "/v1/session") {
                (id, session) = begin().await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn strangers_are_asked_who_they_are() {
    let edge = Edge::start().await;
    let long = "x".repeat(10_000);
    for token in [None, Some("wrong"), Some(""), Some(long.as_str())] {
        for row in matrix() {
            let got = edge.send(row.method, &row.path(), token, row.body.as_ref()).await;
            let told = format!("{} {} with {:?}", row.method, row.path(), token.map(str::len));
            match row.door {
                Door::For(_) => assert_eq!(got.problem(), (401, "unauthorized".into()), "{told}"),
                Door::Open => assert!(!matches!(got.status, 401 | 403 | 405), "{told}: {}", got.status),
            }
        }
    }
    for row in matrix().iter().filter(|row| matches!(row.door, Door::For(_))) {
        let method = reqwest::Method::from_bytes(row.method.as_bytes()).unwrap();
        let request = edge.client.request(method, format!("{}{}", edge.base, row.path()));
        let request = row.body.iter().fold(request, reqwest::RequestBuilder::json);
        let cookie = request.header("cookie", format!("coldtrail_session={}", "0".repeat(64)));
        assert_eq!(got(cookie).await.problem(), (401, "unauthorized".into()), "{} {}", row.method, row.path());
    }
    let basic = edge.client.get(format!("{}/v1/places", edge.base)).basic_auth("admin", Some("x"));
    assert_eq!(got(basic).await.status, 401);
    assert_eq!(edge.send("GET", "/openapi.json", None, None).await.status, 200);
}

#[tokio::test]
async fn the_matrix_has_every_route_of_the_description_and_no_other() {
    use std::collections::BTreeMap;
    let listed: BTreeMap<String, bool> = matrix()
        .iter()
        .map(|row| (format!("{} {}", row.method, row.described), matches!(row.door, Door::For(_))))
        .collect();
    assert_eq!(listed.len(), matrix().len(), "a route stands there twice");
    let document = serde_json::to_value(api::openapi()).unwrap();
    let mut described = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            // whether a stranger is asked who they are is described as it is
            described.insert(format!("{} {path}", method.to_uppercase()), operation["security"].is_array());
        }
    }
    assert_eq!(listed, described);
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
