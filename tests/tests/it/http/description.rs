//! The OpenAPI description equals the routes.

use std::collections::BTreeSet;

use super::*;

/// Every route, as a user of the contract knows it.
const ROUTES: &[&str] = &[
    "DELETE /v1/session",
    "DELETE /v1/tokens/{id}",
    "GET /healthz",
    "GET /metrics",
    "GET /readyz",
    "GET /v1/alarms",
    "GET /v1/associations",
    "GET /v1/audit",
    "GET /v1/events",
    "GET /v1/excursions",
    "GET /v1/holds",
    "GET /v1/holds/{id}",
    "GET /v1/lots",
    "GET /v1/lots/{gtin}/{lot}",
    "GET /v1/moves",
    "GET /v1/notifications",
    "GET /v1/notifications/state",
    "GET /v1/oidc",
    "GET /v1/oidc/callback",
    "GET /v1/places",
    "GET /v1/products",
    "GET /v1/recipients",
    "GET /v1/report",
    "GET /v1/scan",
    "GET /v1/sensors",
    "GET /v1/sensors/{id}/readings",
    "GET /v1/session",
    "GET /v1/sites",
    "GET /v1/tokens",
    "GET /v1/units",
    "GET /v1/units/{id}",
    "GET /v1/units/{id}/assessment",
    "GET /v1/units/{id}/dispatch-check",
    "GET /v1/units/{id}/readings",
    "GET /v1/users",
    "PATCH /v1/users/{id}",
    "POST /v1/alarms/{id}/acknowledge",
    "POST /v1/holds",
    "POST /v1/holds/{id}/reject",
    "POST /v1/holds/{id}/release",
    "POST /v1/holds/{id}/review",
    "POST /v1/incidents/{id}/reject",
    "POST /v1/incidents/{id}/release",
    "POST /v1/incidents/{id}/review",
    "POST /v1/moves",
    "POST /v1/oidc/sign-again",
    "POST /v1/oidc/sign-in",
    "POST /v1/readings",
    "POST /v1/recipients",
    "POST /v1/registry",
    "POST /v1/session",
    "POST /v1/sql",
    "POST /v1/tokens",
    "POST /v1/units/{id}/accept",
    "POST /v1/users",
    "POST /v1/users/{id}/password",
];

#[tokio::test]
async fn describes_every_route_and_no_other() {
    let edge = Edge::start().await;
    let document = edge.send("GET", "/openapi.json", None, None).await.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            described.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    assert_eq!(described.iter().map(String::as_str).collect::<Vec<_>>(), ROUTES);

    // each is really there: a route that is not answers 404 `not_found` for the path, or 405
    for route in ROUTES {
        let (method, path) = route.split_once(' ').unwrap();
        let got = edge
            .send(method, &path.replace("{id}", "x").replace("{gtin}", "x").replace("{lot}", "x"), None, None)
            .await;
        let missing = got.status == 405 || (got.status == 404 && !path.starts_with("/metrics"));
        assert!(!missing, "{route}: {}", got.status);
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = serde_json::to_value(api::openapi()).unwrap();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}
