//! Somebody limited x every route: closed, but for those that are written down here.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Routes that show what is seen, and no more.
const AWARE: [&str; 31] = [
    "GET /v1/alarms",
    "GET /v1/associations",
    "GET /v1/events",
    "GET /v1/excursions",
    "GET /v1/holds",
    "GET /v1/holds/{id}",
    "GET /v1/lots",
    "GET /v1/lots/{gtin}/{lot}",
    "GET /v1/moves",
    "GET /v1/places",
    "GET /v1/products",
    "GET /v1/report",
    "GET /v1/scan",
    "GET /v1/sensors",
    "GET /v1/sensors/{id}/readings",
    "GET /v1/sites",
    "GET /v1/units",
    "GET /v1/units/{id}",
    "GET /v1/units/{id}/assessment",
    "GET /v1/units/{id}/dispatch-check",
    "GET /v1/units/{id}/readings",
    "POST /v1/alarms/{id}/acknowledge",
    "POST /v1/holds",
    "POST /v1/holds/{id}/reject",
    "POST /v1/holds/{id}/release",
    "POST /v1/holds/{id}/review",
    "POST /v1/incidents/{id}/reject",
    "POST /v1/incidents/{id}/release",
    "POST /v1/incidents/{id}/review",
    "POST /v1/moves",
    "POST /v1/units/{id}/accept",
];

/// Routes about nobody but oneself.
const OWN: [&str; 3] = ["GET /v1/session", "DELETE /v1/session", "POST /v1/oidc/sign-again"];

/// Which roles may do what an open route does, by the permission it takes.
fn allowed(route: &str, role: &str) -> bool {
    let deciding = ["review", "release", "reject", "accept"].iter().any(|verb| route.ends_with(verb));
    match route {
        "POST /v1/moves" => matches!(role, "logistics" | "admin"),
        "POST /v1/holds" | "POST /v1/alarms/{id}/acknowledge" => matches!(role, "logistics" | "quality" | "admin"),
        _ if deciding => role == "quality",
        _ => true,
    }
}

/// How somebody shows who they are.
enum Way {
    Token(String),
    /// Cookie and secret.
    Session(String, String),
    /// The account's name; few routes take a password.
    Password(String),
}

impl Way {
    fn shown(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match self {
            Self::Token(token) => request.bearer_auth(token),
            Self::Session(cookie, secret) => request.header("cookie", cookie).header("x-csrf-token", secret),
            Self::Password(name) => request.basic_auth(name, Some(PASSWORD)),
        }
    }
}

impl World {
    /// The ways in of a person of `role` who is limited to our site.
    async fn ways(&self, role: &str) -> Vec<Way> {
        let name = format!("p.{role}");
        let person = json!({ "name": name, "role": role, "password": PASSWORD, "sites": ["ALFA"] });
        assert_eq!(self.site.post("/v1/users", TOKEN, &person).await.unwrap().0, 201);
        let credentials = json!({ "name": name, "password": PASSWORD });
        let request = self.client.post(format!("{}/v1/session", self.site.url())).json(&credentials);
        let response = request.send().await.unwrap();
        let cookie = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let secret = response.json::<Value>().await.unwrap()["csrf"].as_str().unwrap().to_owned();
        let mut ways = vec![Way::Token(self.token(role).await), Way::Session(cookie, secret)];
        if role == "admin" {
            ways.push(Way::Password(name));
        }
        ways
    }

    async fn ask(&self, route: &str, way: &Way) -> Answer {
        let (method, path) = route.split_once(' ').unwrap();
        let path = path.replace("{id}", "none").replace("{gtin}/{lot}", "09506000134352/none");
        // somebody else's password is not one's own
        let body = (!matches!(method, "GET" | "HEAD" | "DELETE")).then(|| match route {
            "POST /v1/holds" => json!({ "unit": "none", "reason": "x" }),
            "POST /v1/moves" => json!({ "unit": "none", "to": "x", "at": 0 }),
            "POST /v1/users/{id}/password" => json!({ "password": PASSWORD }),
            _ => json!({ "reason": "x" }),
        });
        let query = if path == "/v1/events" { "?types=none" } else { "" };
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.client.request(method, format!("{}{path}{query}", self.site.url()));
        let request = body.iter().fold(way.shown(request), |request, body| request.json(body));
        answered(request.send().await.unwrap()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_closed_within_a_limit_but_those_that_are_opened() {
    let world = World::new().await;
    let described = world.get("/openapi.json", TOKEN).await.json();
    let mut routes: BTreeMap<String, bool> = BTreeMap::new();
    for (path, methods) in described["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            routes.insert(format!("{} {path}", method.to_uppercase()), operation["security"].is_array());
        }
    }
    let open: BTreeSet<&str> = AWARE.into_iter().chain(OWN).collect();
    assert!(open.iter().all(|route| routes.contains_key(*route)), "an open route is not described");
    let (mut cells, mut closed_to_passwords) = (0, 0);
    for role in ["viewer", "logistics", "quality", "auditor", "admin"] {
        for way in world.ways(role).await {
            let (by_session, by_password) = (matches!(way, Way::Session(..)), matches!(way, Way::Password(_)));
            // that one is its session's last
            for (route, asks_who) in routes.iter().filter(|(route, _)| !by_session || *route != "DELETE /v1/session") {
                let got = world.ask(route, &way).await;
                let told = format!("{role}: {route}: {} {}", got.status, got.body);
                let code = || got.json()["code"].as_str().unwrap_or_default().to_owned();
                if !asks_who {
                    assert!(!matches!(got.status, 401 | 403), "{told}");
                } else if by_password && got.status == 401 {
                    assert_eq!(code(), "unauthorized", "{told}");
                } else if !by_password && open.contains(route.as_str()) && allowed(route, role) {
                    assert!(got.status != 403 || code() == "no_account", "{told}");
                } else if !by_password && open.contains(route.as_str()) {
                    assert_eq!((got.status, code()), (403, "forbidden".to_owned()), "{told}");
                } else {
                    assert_eq!((got.status, code()), (403, "site_limited".to_owned()), "{told}");
                    assert!(got.headers.contains("application/problem+json"), "{told}");
                    closed_to_passwords += usize::from(by_password);
                }
                cells += 1;
            }
            if by_password {
                continue;
            }
            // what has no body of its own is asked for as its head
            assert_eq!(world.ask("HEAD /v1/audit", &way).await.status, 403);
            assert_eq!(world.ask("HEAD /v1/units", &way).await.status, 200);
            if by_session {
                assert_eq!(world.ask("DELETE /v1/session", &way).await.status, 204);
                assert_eq!(world.ask("GET /v1/units", &way).await.status, 401);
                cells += 1;
            }
        }
    }
    assert_eq!(cells, 11 * routes.len());
    assert_eq!(closed_to_passwords, 5, "accounts listed, made, changed and given a password; tokens made");
}
