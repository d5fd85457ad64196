//! Names that would lead somewhere, or end a header (fault 43): refused at the edge, and again at the store.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// A product that has lots; [`GTIN`] has none.
const OTHER: &str = "09506000134376";

/// What makes a path lead elsewhere, a header end, or a partition another one, and what does not.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "..",
        "/",
        "\\",
        "%2e%2e",
        "%2f",
        "%00",
        "\0",
        "\r\n",
        "\n",
        "\"",
        ";",
        "'",
        "filename=",
        "etc/passwd",
        "day=2026-01-01",
        "=",
        "lot",
        " ",
        "\u{202e}",
        "é",
        "L",
        "7",
        ".",
        "~",
        ":",
        "file://",
    ]);
    prop::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat())
}

/// `text` as a part of a path or a value of a query.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// Every file below `dir`.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Whether a header may tell a browser to keep something under this name.
fn is_plain(disposition: &str) -> bool {
    let name =
        disposition.strip_prefix("attachment; filename=\"").and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
    let plain = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '_' | '-');
    name.starts_with("coldtrail-") && name.ends_with(".json") && name.len() <= 130 && name.chars().all(plain)
}

/// Status of a GET of exactly this path, and what the answer says of a name to keep it under.
async fn got(site: &Site, path: &str) -> (u16, Option<String>) {
    let mut stream = TcpStream::connect(site.url().trim_start_matches("http://")).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, _) = answer.split_once("\r\n\r\n").unwrap();
    let disposition = head.lines().find_map(|line| line.strip_prefix("content-disposition: ")).map(str::to_owned);
    (head[9..12].parse().unwrap(), disposition)
}

#[test]
fn no_name_leads_anywhere_or_ends_a_header() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let site = runtime.block_on(Site::start("")).unwrap();
    let product =
        |gtin| json!({ "gtin": gtin, "storage": { "temperature_c": [2.0, 8.0] }, "kinetics": { "model": "none" } });
    let products = json!({ "products": [product(GTIN), product(OTHER)] });
    let (status, answer) = runtime.block_on(site.post("/v1/registry", TOKEN, &products)).unwrap();
    assert_eq!(status, 200, "{answer}");
    let before = files(site.dir());
    proptest!(ProptestConfig::with_cases(150), |(name in hostile())| {
        let part = escaped(&name);
        for path in [
            format!("/v1/lots/{GTIN}/{part}"), format!("/v1/lots/{part}/L"), format!("/v1/units/{part}"), format!("/v1/units/{part}/assessment"),
            format!("/v1/units/{part}/dispatch-check?to={part}"), format!("/v1/sensors/{part}/readings"), format!("/v1/holds/{part}"),
            format!("/v1/report?unit={part}"), format!("/v1/report?place={part}"), format!("/v1/report?lot={part}"), format!("/v1/report?lot={GTIN}/{part}"),
            format!("/v1/readings?{part}"), format!("/web/{part}"), format!("/{part}"),
        ] {
            let (status, disposition) = runtime.block_on(got(&site, &path));
            // a name that may be one is a name of nothing, and a list is asked for, not a file
            let is_list = path.starts_with("/v1/sensors/") && model::name::Name::is_valid(&name);
            prop_assert!((400..500).contains(&status) || (is_list && status == 200), "{path}: {status}");
            prop_assert_eq!(disposition, None);
        }
        let reading = json!({ "sensor": name, "at": "2026-01-03T00:00:00Z", "temperature_c": 5.0 });
        let sent = json!({ "site": "S", "gateway": "G", "readings": [reading] });
        let (status, answer) = runtime.block_on(site.post("/v1/readings", TOKEN, &sent)).unwrap();
        let accepted = u64::from(model::name::Name::is_valid(&name));
        prop_assert!(status == 200 && answer["accepted"].as_u64().unwrap() <= accepted, "{status}: {answer}");

        // a lot number may have quotes, slashes and dots in it: as a name of a file it has not
        let lot: String = name.chars().take(20).collect();
        let unit = json!({ "id": format!("U-{}", escaped(&lot).replace('%', "-")), "gtin": OTHER, "lot": lot, "quantity": 1, "at": 0 });
        let lots = json!([{ "gtin": OTHER, "lot": lot, "expires_on": "2099-01-01" }]);
        let document = json!({ "lots": lots, "units": [unit] });
        let (status, answer) = runtime.block_on(site.post("/v1/registry", TOKEN, &document)).unwrap();
        let is_lot = model::gs1::LotText::parse(&lot).is_ok();
        prop_assert_eq!(status, if is_lot { 200 } else { 422 }, "{}", answer);
        if is_lot {
            let (status, disposition) = runtime.block_on(got(&site, &format!("/v1/report?lot={OTHER}/{}&format=json", escaped(&lot))));
            prop_assert_eq!(status, 200, "{}", lot);
            prop_assert!(disposition.as_deref().is_some_and(is_plain), "{:?}", disposition);
        }
    });
    // these have files that come and go, under names of their own
    let own = ["journal", "lake", "ledger"].map(|part| site.data().join(part));
    let elsewhere = |paths: Vec<PathBuf>| -> Vec<PathBuf> {
        paths.into_iter().filter(|path| !own.iter().any(|part| path.starts_with(part))).collect()
    };
    assert_eq!(elsewhere(before), elsewhere(files(site.dir())), "a name became a file");
    assert!(!Path::new("/etc/passwd/x").exists() && site.data().join("lake/readings").is_dir());
}

#[test]
fn whatever_a_report_is_about_it_is_kept_under_a_plain_name() {
    let any = ("\\PC*", hostile(), hostile());
    proptest!(|((kind, lot, as_of) in any)| {
        let report = json!({ "subject": { "kind": kind, "gtin": GTIN, "lot": lot, "unit": lot, "place": lot }, "as_of": as_of });
        let name = api::report::file_name(&report, "json");
        let disposition = format!("attachment; filename=\"{name}\"");
        prop_assert!(is_plain(&disposition), "{}", name);
    });
}

/// The newest commit of a table's log, and what the next one is called.
fn newest_commit(table: &Path) -> (Value, PathBuf) {
    let logs = table.join("_delta_log");
    let commits: Vec<PathBuf> =
        files(&logs).into_iter().filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    let text = std::fs::read_to_string(commits.last().unwrap()).unwrap();
    let added =
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).find(|line| line["add"].is_object());
    (added.unwrap(), logs.join(format!("{:020}.json", commits.len())))
}

/// Whoever can write into the lake's log writes a path that leads out of it: nothing is read there.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_leads_out_of_the_lake_is_not_followed() {
    let mut site = Site::start("").await.unwrap();
    let reading = r#"{"readings":[{"sensor":"A","at":"2026-01-03T00:00:00Z","temperature_c":5.0}]}"#;
    site.publish("G", reading).await.unwrap();
    site.sigterm().await.unwrap();
    let table = site.data().join("lake/readings");
    let (added, next) = newest_commit(&table);
    let stored = table.join(added["add"]["path"].as_str().unwrap());
    let outside = site.dir().join("outside.parquet");
    std::fs::copy(&stored, &outside).unwrap();
    let data = site.data().to_str().unwrap().to_owned();
    for path in [
        "../../../outside.parquet".to_owned(),
        "day=2026-01-03/../../../../outside.parquet".to_owned(),
        "%2e%2e/%2e%2e/%2e%2e/outside.parquet".to_owned(),
        outside.to_str().unwrap().to_owned(),
    ] {
        let mut line = added.clone();
        line["add"]["path"] = json!(path);
        std::fs::write(&next, format!("{line}\n")).unwrap();
        let asked = site
            .coldtrail(["sql", "SELECT count(*) AS n FROM readings", "--format", "csv", "--data", &data])
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&asked.stderr).into_owned();
        assert_eq!(asked.status.code(), Some(1), "{path}: {said}{}", String::from_utf8_lossy(&asked.stdout));
        assert!(said.contains("leads out of its table") && said.contains("outside.parquet"), "{path}: {said}");
        std::fs::remove_file(&next).unwrap();
    }
    site.restart().await.unwrap();
    assert_eq!(site.count("SELECT count(*) FROM readings").await.unwrap(), 1);
}
