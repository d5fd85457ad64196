//! The commands beside a server and without one: answers, files, exit codes.

use serde_json::{Value, json};
use tests::site::{Site, TOKEN};

use super::AT;

#[tokio::test(flavor = "multi_thread")]
async fn sql_answers_the_same_from_a_server_and_from_its_directory_in_every_format() {
    let mut site = Site::start("").await.unwrap();
    let readings = json!([
        { "sensor": "A", "at": AT, "temperature_c": 4.31, "humidity_pct": 55.2, "unit": "U", "seq": 1 },
        { "sensor": "B", "at": AT + 1, "temperature_c": -0.5 },
    ]);
    site.publish("G", json!({ "readings": readings }).to_string()).await.unwrap();
    let query = "SELECT sensor, measured_at, temperature_c, humidity_pct, unit, seq FROM readings ORDER BY sensor";
    let formats = ["table", "csv", "json", "parquet"];
    let mut served = Vec::new();
    for format in formats {
        let url = site.url();
        served.push(done(&site, &["sql", query, "--url", &url, "--token", TOKEN, "--format", format]).await);
    }
    let csv = "sensor,measured_at,temperature_c,humidity_pct,unit,seq\n\
               A,2026-09-21T14:13:20.000Z,4.31,55.2,U,1\n\
               B,2026-09-21T14:13:20.001Z,-0.5,,,\n";
    assert_eq!(String::from_utf8(served[1].clone()).unwrap().replace("\r\n", "\n"), csv);
    let answer: Value = serde_json::from_slice(&served[2]).unwrap();
    assert_eq!(answer["columns"][1]["name"], "measured_at");
    assert_eq!(
        answer["rows"][1],
        json!({
            "sensor": "B", "measured_at": "2026-09-21T14:13:20.001Z", "temperature_c": -0.5, "humidity_pct": null,
            "unit": null, "seq": null,
        })
    );
    assert!(served[3].starts_with(b"PAR1") && served[3].ends_with(b"PAR1"));

    let data = site.data().to_str().unwrap().to_owned();
    let locked = site.coldtrail(["sql", query, "--data", &data]).await.unwrap();
    assert_eq!(locked.status.code(), Some(1), "the directory is served");
    assert!(String::from_utf8_lossy(&locked.stderr).contains("--url"), "the message says what to do");
    site.kill9().await.unwrap();
    for (format, served) in formats.into_iter().zip(&served) {
        let own = done(&site, &["sql", query, "--data", &data, "--format", format]).await;
        assert_eq!(&own, served, "{format}");
    }
    let file = site.dir().join("answer.csv");
    done(&site, &["sql", query, "--data", &data, "--format", "csv", "--output", file.to_str().unwrap()]).await;
    assert_eq!(std::fs::read(file).unwrap(), served[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_is_applied_through_the_directory_and_through_the_server() {
    let mut site = Site::start("").await.unwrap();
    let file = site.dir().join("registry.json");
    let file = file.to_str().unwrap();
    let place = |name: &str| json!({ "places": [{ "id": "WH1", "name": name, "kind": "site" }] }).to_string();
    let (url, data) = (site.url(), site.data().to_str().unwrap().to_owned());
    let told = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).unwrap();

    std::fs::write(file, place("Warehouse")).unwrap();
    let through_server = ["apply", file, "--url", &url, "--token", TOKEN];
    assert_eq!(told(done(&site, &through_server).await), json!({ "created": 1, "updated": 0, "unchanged": 0 }));
    assert_eq!(told(done(&site, &through_server).await), json!({ "created": 0, "updated": 0, "unchanged": 1 }));
    let beside_server = site.coldtrail(["apply", file, "--data", &data]).await.unwrap();
    assert_eq!(beside_server.status.code(), Some(1), "the directory is served");

    site.sigterm().await.unwrap();
    std::fs::write(file, place("Warehouse 1")).unwrap();
    let through_directory = ["apply", file, "--data", &data];
    assert_eq!(told(done(&site, &through_directory).await), json!({ "created": 0, "updated": 1, "unchanged": 0 }));
    assert_eq!(told(done(&site, &through_directory).await), json!({ "created": 0, "updated": 0, "unchanged": 1 }));
    std::fs::write(file, json!({ "places": [{ "id": "a b", "name": "", "kind": "palace" }] }).to_string()).unwrap();
    let refused = site.coldtrail(through_directory).await.unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("/places/0"), "the message has the JSON pointer");
    site.restart().await.unwrap();
    assert_eq!(site.sql("SELECT id, name FROM places").await.unwrap(), [json!({ "id": "WH1", "name": "Warehouse 1" })]);
    site.sigterm().await.unwrap();
    site.verify(site.data()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_tell_wrong_usage_from_failure() {
    let mut site = Site::start("").await.unwrap();
    let (url, data) = (site.url(), site.data().to_str().unwrap().to_owned());
    let missing = site.dir().join("missing");
    let missing = missing.to_str().unwrap();
    let token =
        String::from_utf8(done(&site, &["token", "create", "--role", "viewer", "--name", "V", "--data", &data]).await);
    let token = token.unwrap().trim().to_owned();
    let served: [(&[&str], i32); 6] = [
        (&["sql", "SELECT 1", "--url", &url, "--token", &token], 0),
        (&["sql", "SELECT 1", "--url", &url, "--token", "wrong"], 1),
        (&["sql", "SELECT 1", "--url", "http://127.0.0.1:1"], 1),
        (&["sql", "DROP TABLE readings", "--url", &url, "--token", &token], 2),
        (&["sql", "SELEC", "--url", &url, "--token", &token], 2),
        (&["apply", missing, "--url", &url, "--token", &token], 2),
    ];
    for (arguments, code) in served {
        expect_code(&site, arguments, code).await;
    }
    site.sigterm().await.unwrap();
    std::fs::write(site.dir().join("wrong.toml"), "[ingest]\nflush_after = 3\n").unwrap();
    let wrong = site.dir().join("wrong.toml");
    let directory: [(&[&str], i32); 14] = [
        (&[], 2),
        (&["--version"], 0),
        (&["--help"], 0),
        (&["freeze"], 2),
        (&["serve", "--data", &data, "--verbose-please"], 2),
        (&["serve"], 2),
        (&["serve", "--data", &data, "--http", "nowhere"], 2),
        (&["serve", "--data", &data, "--config", wrong.to_str().unwrap()], 2),
        (&["sql", "SELECT 1"], 2),
        (&["sql", "SELECT 1", "--data", missing], 2),
        (&["sql", "SELECT 1", "--data", &data, "--format", "xml"], 2),
        (&["sql", "DELETE FROM readings", "--data", &data], 2),
        (&["verify", "--data", missing], 2),
        (&["verify", "--data", &data], 0),
    ];
    for (arguments, code) in directory {
        expect_code(&site, arguments, code).await;
    }
    assert!(!std::path::Path::new(missing).exists(), "a question makes no directory");
}

async fn expect_code(site: &Site, arguments: &[&str], code: i32) {
    let output = site.coldtrail(arguments).await.unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
    assert!(matches!(code, 0) || !told.trim().is_empty(), "{arguments:?} says why it fails");
}

/// Standard output of a command that succeeds.
async fn done(site: &Site, arguments: &[&str]) -> Vec<u8> {
    let output = site.coldtrail(arguments).await.unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
