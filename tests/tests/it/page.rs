//! The page, as a person meets it: read by role and accessible name in headless Chromium, on the real binary. And its
//! parts, as the server hands them out.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tests::python::{python, script};
use tests::site::{Site, TOKEN};

pub(crate) const GTIN: &str = "09506000134352";
pub(crate) const WARM: &str = "106141411234567897";
pub(crate) const FINE: &str = "106141411234567903";
const NAME: &str = "m.lin";
const PASSWORD: &str = "a long one of her own";
const STEP_MS: i64 = 600_000;

/// Two rooms, a unit of one lot in each, eight hours of readings; it got warm in one of them.
pub(crate) async fn warm_site() -> Site {
    warm_site_with("").await
}

/// The same with a configuration (TOML).
pub(crate) async fn warm_site_with(config: &str) -> Site {
    let site = Site::start(config).await.unwrap();
    let begins = chrono::Utc::now().timestamp_millis() / STEP_MS * STEP_MS - 48 * STEP_MS;
    let unit = |id: &str, place: &str| json!({ "id": id, "gtin": GTIN, "lot": "LOT42", "quantity": 120, "place": place, "at": begins });
    let place = |id: &str, name: &str| json!({ "id": id, "name": name, "kind": "cold_room", "parent": "WH1" });
    let sensor = |id: &str, place: &str| json!({ "sensor": id, "place": place, "from": begins });
    let registry = json!({
        "products": [{
            "gtin": GTIN, "name": "Insulin pen 3 ml",
            "storage": { "temperature_c": [2.0, 8.0], "humidity_pct": [null, 75.0] },
            "kinetics": { "model": "arrhenius", "ea_kj_per_mol": 83.144, "reference_c": 5.0, "valid_c": [-5.0, 40.0] },
            "rules": [{ "id": "hot", "quantity": "temperature", "side": "high", "limit": 8.0, "comparator": "gt",
                        "mode": "single", "delay_s": 1800, "severity": "hold" }],
            "freeze": { "limit_c": -0.5, "delay_s": 3600 },
            "budget": { "bands": [{ "above_c": 8.0, "to_c": 15.0, "allowed_s": 259_200 }], "combine": "sum" },
            "mkt": { "dh_kj_per_mol": 83.144, "window_s": 86_400, "limit_c": 8.0, "severity": "review" },
            "max_gap_s": 3600, "max_unmonitored_s": 7200,
        }],
        "places": [{ "id": "WH1", "kind": "site", "name": "Warehouse 1", "timezone": "Europe/Berlin" },
                   place("CR1", "Cold room 1"), place("CR2", "Cold room 2")],
        "sensors": [{ "id": "CR1-A", "accuracy_c": 0.3, "interval_s": 600 }, { "id": "CR2-A", "accuracy_c": 0.3, "interval_s": 600 }],
        "associations": [sensor("CR1-A", "CR1"), sensor("CR2-A", "CR2")],
        "lots": [{ "gtin": GTIN, "lot": "LOT42", "manufactured_on": "2026-01-01", "expires_on": "2099-04-30" }],
        "units": [unit(FINE, "CR1"), unit(WARM, "CR2")],
    });
    let (status, answer) = site.post("/v1/registry", TOKEN, &registry).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    let readings: Vec<Value> = (0..=48)
        .flat_map(|step| {
            let at = begins + step * STEP_MS;
            let warm = if (20..26).contains(&step) { 9.5 } else { 5.0 };
            [
                json!({ "sensor": "CR1-A", "at": at, "temperature_c": 4.5, "humidity_pct": 55 }),
                json!({ "sensor": "CR2-A", "at": at, "temperature_c": warm, "humidity_pct": 60 }),
            ]
        })
        .collect();
    site.publish("G", json!({ "readings": readings }).to_string()).await.unwrap();
    held(&site).await;
    site
}

/// Waits until the warm unit is held and the other was looked at.
async fn held(site: &Site) {
    let client = reqwest::Client::new();
    for _ in 0..600 {
        let request = client.get(format!("{}/v1/units?verdict=hold", site.url())).bearer_auth(TOKEN);
        let response = request.send().await.unwrap();
        let ready = response.status() == 200;
        let page: Value = response.json().await.unwrap();
        let unit = page["items"].as_array().and_then(|items| items.first()).cloned().unwrap_or_default();
        if ready && unit["id"] == WARM && unit["holds"].as_array().is_some_and(|holds| !holds.is_empty()) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the warm unit is not held: {}", site.log_end());
}

/// What a script found at the page of `site`; it stops at the first thing that is not as it should be.
pub(crate) async fn browse(python: &Path, name: &str, site: &Site, arguments: &[&str]) -> String {
    browse_with(python, name, site, arguments, "").await
}

/// The same with arguments for the browser, between spaces.
pub(crate) async fn browse_with(python: &Path, name: &str, site: &Site, arguments: &[&str], browser: &str) -> String {
    let mut command = tokio::process::Command::new(python);
    command.env("COLDTRAIL_BROWSER", browser);
    command.arg(script(name)).arg(format!("{}/", site.url())).args(arguments).stdin(Stdio::null());
    let output = command.output().await.unwrap();
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "after\n{said}\n{complained}\n{}", site.log_end());
    said.into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_finds_the_warm_unit_and_sees_why() {
    let Some(python) = python() else { return };
    let site = warm_site().await;
    let account = json!({ "name": NAME, "role": "quality", "password": PASSWORD });
    let (status, answer) = site.post("/v1/users", TOKEN, &account).await.unwrap();
    assert_eq!(status, 201, "{answer}");
    let said = browse(python, "page.py", &site, &[TOKEN, WARM, FINE, &format!("{GTIN}/LOT42"), NAME, PASSWORD]).await;
    assert_eq!(said.lines().count(), 10, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_the_page_are_kept_by_browsers_until_they_change() {
    let site = Site::start("").await.unwrap();
    let client = reqwest::Client::new();
    let get = |path: &str| client.get(format!("{}{path}", site.url()));
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/web/app.js", "text/javascript; charset=utf-8"),
        ("/web/style/base.css", "text/css; charset=utf-8"),
        ("/web/icon.svg", "image/svg+xml"),
        ("/web/vendor/uplot/LICENSE.txt", "text/plain; charset=utf-8"),
    ] {
        let response = get(path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), kind, "{path}");
        assert_eq!(header("cache-control"), "no-cache", "{path}");
        let policy = header("content-security-policy");
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
        let tag = header("etag");
        let again = get(path).header("if-none-match", &tag).send().await.unwrap();
        assert_eq!(again.status(), 304, "{path}");
        assert_eq!(again.headers()["etag"], tag.as_str());
        assert!(again.bytes().await.unwrap().is_empty());
        let other = get(path).header("if-none-match", "\"another\"").send().await.unwrap();
        assert_eq!(other.status(), 200, "{path}");
    }
    for path in ["/web/none.js", "/web/../Cargo.toml", "/web/%2e%2e/Cargo.toml", "/web/style"] {
        assert_eq!(get(path).send().await.unwrap().status(), 404, "{path}");
    }
    let zipped = get("/web/app.js").header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(zipped.headers()["content-encoding"], "gzip");
}
