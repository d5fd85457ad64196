//! What people and devices write is never markup on the page, never a formula in a file (fault 44), and never a path (fault 43).

mod paths;

use serde_json::json;
use tests::python::python;
use tests::site::{Site, TOKEN};

use crate::page::{GTIN, browse, warm_site};

/// Stands wherever a text is free.
const MARK: &str = "<hostile-x onclick=ran=1>\"'&amp;<img src=x onerror=ran=1><script>window.ran=1</script>";

/// Only what a lot number may be made of.
const LOT: &str = "<svg/onload=ran=1>\"'";

const PASSWORD: &str = "a long password for tests";

/// Payloads that are no readings, each of them a formula in a spreadsheet, but for the quotes.
const FORMULAS: [&str; 6] = ["=1+1", "+1", "-1+x", "@SUM(A1)", "\t=1", "\r=1"];

/// The token of somebody called `-hold`, or of a person of this role.
async fn token(site: &Site, name: &str, role: &str) -> String {
    let (status, made) = site.post("/v1/tokens", TOKEN, &json!({ "name": name, "role": role })).await.unwrap();
    assert_eq!(status, 201, "{made}");
    made["token"].as_str().unwrap().to_owned()
}

/// The warm site with [`MARK`] in everything that can be called, commented on or given a reason for, and the hold with it.
async fn marked_site() -> (Site, String) {
    let site = warm_site().await;
    let at = chrono::Utc::now().timestamp_millis() - 7 * 86_400_000;
    let registry = json!({
        "products": [{
            "gtin": GTIN, "name": MARK, "storage": { "temperature_c": [2.0, 8.0] }, "kinetics": { "model": "none" },
            "rules": [{ "id": "hot", "quantity": "temperature", "side": "high", "limit": 8.0, "comparator": "gt",
                        "mode": "single", "delay_s": 1800, "severity": "hold" }],
            "max_gap_s": 3600, "max_unmonitored_s": 7200,
        }],
        "places": [{ "id": "WH1", "kind": "site", "name": MARK }, { "id": "CR1", "kind": "cold_room", "name": MARK, "parent": "WH1" },
                   { "id": "CR2", "kind": "cold_room", "name": MARK, "parent": "WH1" },
                   { "id": "-P", "kind": "cold_room", "name": MARK, "parent": "WH1" }],
        "sensors": [{ "id": "-A", "interval_s": 600, "calibrations": [{ "from": at, "offset_c": 0.0, "uncertainty_c": 0.1, "certificate": MARK }] }],
        "associations": [{ "sensor": "-A", "place": "-P", "from": at }],
        "lots": [{ "gtin": GTIN, "lot": LOT, "manufactured_on": "2026-01-01", "expires_on": "2099-04-30" }],
        "units": [{ "id": "-U", "gtin": GTIN, "lot": LOT, "quantity": 7, "place": "CR2", "at": at }],
        "exclusions": [{ "sensor": "-A", "from": at, "to": at + 60_000, "reason": MARK, "by": "m.lin" }],
    });
    let (status, answer) = site.post("/v1/registry", TOKEN, &registry).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    let recipient = json!({ "id": "o.n-call", "name": MARK, "email": "on.call@wh.example" });
    let (status, answer) = site.post("/v1/recipients", TOKEN, &recipient).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    for payload in FORMULAS.into_iter().chain([MARK]) {
        site.publish("G", payload).await.unwrap();
    }
    for (name, role) in [("m.lin", "quality"), ("r.oot", "admin")] {
        let account = json!({ "name": name, "role": role, "password": PASSWORD });
        assert_eq!(site.post("/v1/users", TOKEN, &account).await.unwrap().0, 201);
    }
    let by_hand = json!({ "unit": "-U", "reason": MARK });
    let (status, hold) = site.post("/v1/holds", &token(&site, "-hold", "logistics").await, &by_hand).await.unwrap();
    assert_eq!(status, 201, "{hold}");
    let hold = hold["id"].as_str().unwrap().to_owned();
    let signed = json!({ "reason": MARK, "password": PASSWORD });
    let quality = token(&site, "m.lin", "quality").await;
    let (status, answer) = site.post(&format!("/v1/holds/{hold}/review"), &quality, &signed).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    (site, hold)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_written_comes_to_life_on_the_page() {
    let Some(python) = python() else { return };
    let (site, hold) = marked_site().await;
    let said = browse(python, "hostile.py", &site, &[MARK, &format!("{GTIN}/{LOT}"), "-U", &hold, PASSWORD]).await;
    assert_eq!(said.lines().count(), 6, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_names_and_no_markup() {
    let site = Site::start("").await.unwrap();
    let product =
        json!([{ "gtin": GTIN, "storage": { "temperature_c": [2.0, 8.0] }, "kinetics": { "model": "none" } }]);
    let lot = json!([{ "gtin": GTIN, "lot": "L", "expires_on": "2099-01-01" }]);
    for (document, pointer) in [
        (json!({ "sensors": [{ "id": MARK }] }), "/sensors/0/id"),
        (json!({ "places": [{ "id": MARK, "kind": "site" }] }), "/places/0/id"),
        (
            json!({ "products": product, "lots": lot, "units": [{ "id": MARK, "gtin": GTIN, "lot": "L", "quantity": 1, "at": 0 }] }),
            "/units/0/id",
        ),
        (
            json!({ "products": product, "lots": [{ "gtin": GTIN, "lot": MARK, "expires_on": "2099-01-01" }] }),
            "/lots/0/lot",
        ),
        (json!({ "places": [{ "id": "P", "kind": "site", "name": "a\tb" }] }), "/places/0/name"),
    ] {
        let (status, answer) = site.post("/v1/registry", TOKEN, &document).await.unwrap();
        assert_eq!((status, answer["errors"][0]["pointer"].as_str()), (422, Some(pointer)), "{answer}");
    }
    for body in
        [json!({ "name": MARK, "role": "viewer" }), json!({ "name": MARK, "role": "viewer", "password": PASSWORD })]
    {
        for path in ["/v1/tokens", "/v1/users"] {
            assert_eq!(site.post(path, TOKEN, &body).await.unwrap().0, 400, "{path}");
        }
    }
}

/// The cells of CSV text.
fn cells(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// The answer to `sql` in `format`, and what it says of its texts.
async fn asked(site: &Site, sql: &str, format: &str) -> (String, String) {
    let request = reqwest::Client::new().post(format!("{}/v1/sql", site.url())).bearer_auth(TOKEN);
    let answer = request.json(&json!({ "sql": sql, "format": format })).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let told = answer.headers()["coldtrail-csv-texts"].to_str().unwrap().to_owned();
    (answer.text().await.unwrap(), told)
}

async fn commanded(site: &Site, sql: &str, format: &str, from: &[&str]) -> String {
    let output = site.coldtrail([&["sql", sql, "--format", format], from].concat()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_is_a_formula_in_a_spreadsheet_by_any_door() {
    let mut site = Site::start("").await.unwrap();
    for payload in FORMULAS {
        site.publish("G", payload).await.unwrap();
    }
    site.publish("G", r#"{"readings":[{"sensor":"-A","at":"2026-01-03T00:00:00Z","temperature_c":-5.2}]}"#)
        .await
        .unwrap();
    let sql = "SELECT payload AS \"=text\", r.sensor, r.temperature_c, r.measured_at, -7 AS \"-number\" \
               FROM rejected CROSS JOIN readings r ORDER BY payload";
    let rest = ["-5.2", "2026-01-03T00:00:00.000Z", "-7"];
    let mut sorted = FORMULAS;
    sorted.sort_unstable();
    let table = |mark: &str| {
        let head = ["=text", "sensor", "temperature_c", "measured_at", "-number"];
        let head = head
            .map(|name| if ["=text", "-number"].contains(&name) { format!("{mark}{name}") } else { name.to_owned() });
        let rows = sorted.map(|payload| {
            let texts = [format!("{mark}{payload}"), format!("{mark}-A")];
            texts.into_iter().chain(rest.map(str::to_owned)).collect()
        });
        [head.to_vec()].into_iter().chain(rows).collect::<Vec<Vec<String>>>()
    };
    let (guarded, exact) = (table("'"), table(""));
    let (url, data) = (site.url(), site.data().to_str().unwrap().to_owned());
    let remote = ["--url", &url, "--token", TOKEN];
    for (format, expected, told) in [("csv", &guarded, "guarded"), ("csv-exact", &exact, "exact")] {
        let (text, texts) = asked(&site, sql, format).await;
        assert_eq!((&cells(&text), texts.as_str()), (expected, told), "{format} over HTTP");
        assert_eq!(&cells(&commanded(&site, sql, format, &remote).await), expected, "{format} of a server");
    }
    site.sigterm().await.unwrap();
    for (format, expected) in [("csv", &guarded), ("csv-exact", &exact)] {
        let text = commanded(&site, sql, format, &["--data", &data]).await;
        assert_eq!(&cells(&text), expected, "{format} of a directory");
    }
    let file = site.dir().join("answer.csv");
    let to = ["--data", &data, "--output", file.to_str().unwrap()];
    commanded(&site, sql, "csv", &to).await;
    assert_eq!(cells(&std::fs::read_to_string(file).unwrap()), guarded, "into a file");
}
