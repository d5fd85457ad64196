//! The description against the server, by a program nobody here wrote: schemathesis makes requests out of
//! `/openapi.json`, right and wrong ones, and compares every answer with what is described.

use std::path::Path;
use std::process::Stdio;

use serde_json::json;
use tests::python::python;
use tests::site::{Site, TOKEN};
use tokio::process::Command;

/// Requests for each operation, unless `COLDTRAIL_FUZZ_EXAMPLES` says otherwise.
const EXAMPLES: &str = "12";

/// What is never asked: a stream has no end, and who revokes the token or the password used here ends the test.
const LEFT_OUT: [&str; 3] = ["/v1/events", "/v1/tokens/{id}", "/v1/users/{id}/password"];

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_described() {
    let Some(python) = python() else { return };
    let site = Site::start("").await.unwrap();
    let at = "2026-01-01T00:00:00Z";
    let document = json!({
        "products": [{ "gtin": "09506000134352", "storage": { "temperature_c": [2.0, 8.0] }, "kinetics": { "model": "none" } }],
        "places": [{ "id": "CR", "kind": "cold_room" }], "sensors": [{ "id": "A", "interval_s": 60 }],
        "associations": [{ "sensor": "A", "place": "CR", "from": at }],
        "lots": [{ "gtin": "09506000134352", "lot": "L", "expires_on": "2099-01-01" }],
        "units": [{ "id": "U", "gtin": "09506000134352", "lot": "L", "quantity": 9, "place": "CR", "at": at }],
        "moves": [{ "unit": "U", "to": "CR", "at": "2026-01-02T00:00:00Z" }],
    });
    assert_eq!(site.post("/v1/registry", TOKEN, &document).await.unwrap().0, 200);
    let warm = r#"{"readings":[{"sensor":"A","at":"2026-01-03T00:00:00Z","temperature_c":9.5},
                               {"sensor":"A","at":"2026-01-03T00:10:00Z","temperature_c":9.5}]}"#;
    site.publish("G", warm).await.unwrap();
    let by_hand = json!({ "unit": "U", "reason": "a dent" });
    assert_eq!(site.post("/v1/holds", TOKEN, &by_hand).await.unwrap().0, 201);

    let examples = std::env::var("COLDTRAIL_FUZZ_EXAMPLES").unwrap_or_else(|_| EXAMPLES.to_owned());
    compared(python, &site, &examples).await;
}

/// A site nobody has told anything yet: nothing of it waits for what will never come.
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_an_empty_site_is_described() {
    let Some(python) = python() else { return };
    compared(python, &Site::start("").await.unwrap(), "2").await;
}

/// Compares the answers of `site` to many requests with its description.
async fn compared(python: &Path, site: &Site, examples: &str) {
    let mut command = Command::new(python.with_file_name("schemathesis"));
    command.arg("run").arg(format!("{}/openapi.json", site.url()));
    command.args(["--header", &format!("Authorization:Bearer {TOKEN}"), "--max-examples", examples, "--seed", "1"]);
    command.args(["--phases", "examples,coverage,fuzzing", "--generation-deterministic", "--no-shrink", "--no-color"]);
    command.args(["--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off"]);
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
    command.args(["--checks", checks]);
    for path in LEFT_OUT {
        command.args(["--exclude-path", path]);
    }
    let output = command.current_dir(site.dir()).stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let cases =
        said.lines().find(|line| line.contains(" generated")).unwrap_or("it is not told how many cases there were");
    println!("{}", cases.trim());
}
