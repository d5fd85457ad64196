//! A file of the lake is not what was written (fault 18): the answer names it, and other days still answer.

use std::path::PathBuf;

use serde_json::{Value, json};
use tests::site::Site;

use super::AT;

const DAY: i64 = 86_400_000;
/// Reads a column of every file.
const ALL: &str = "SELECT count(temperature_c) AS n FROM readings";
/// Reads that of the last day alone.
const LAST: &str = "SELECT count(temperature_c) AS n FROM readings WHERE measured_at >= '2026-09-23'";

/// A stopped site with 200 readings on each of three days, and the lake's file of each.
async fn three_days() -> (Site, Vec<PathBuf>) {
    let mut site = Site::start("").await.unwrap();
    for day in 0..3 {
        let reading =
            |n: i64| json!({ "sensor": "A", "at": AT + day * DAY + n * 1000, "temperature_c": n as f64 / 8.0 });
        let readings: Vec<Value> = (0..200).map(reading).collect();
        site.publish("G", json!({ "readings": readings }).to_string()).await.unwrap();
    }
    site.sigterm().await.unwrap();
    let mut files = Vec::new();
    for day in ["2026-09-21", "2026-09-22", "2026-09-23"] {
        let entries = std::fs::read_dir(site.data().join(format!("lake/readings/day={day}"))).unwrap();
        files.extend(entries.map(|entry| entry.unwrap().path()));
    }
    assert_eq!(files.len(), 3);
    (site, files)
}

/// Exit code, standard output and standard error of `coldtrail sql`.
async fn asked(site: &Site, sql: &str) -> (Option<i32>, String, String) {
    let data = site.data().to_str().unwrap();
    let output = site.coldtrail(["sql", sql, "--data", data, "--format", "csv"]).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_named_and_the_other_days_answer() {
    let (mut site, files) = three_days().await;
    let file = &files[1];
    let (whole, another) = (std::fs::read(file).unwrap(), std::fs::read(&files[0]).unwrap());
    let name = file.file_name().unwrap().to_str().unwrap();
    assert_eq!(asked(&site, ALL).await.1, "n\n600\n");

    let mut flipped_footer = whole.clone();
    flipped_footer[whole.len() - 20] ^= 0x41;
    let mut zeroed = whole.clone();
    zeroed[4..whole.len() / 2].fill(0);
    let damages = [
        ("truncated", whole[..whole.len() / 2].to_vec()),
        ("empty", Vec::new()),
        ("a flipped byte in the footer", flipped_footer),
        ("zeros where columns were", zeroed),
        ("another day's file", another),
    ];
    for (what, bytes) in damages {
        std::fs::write(file, bytes).unwrap();
        let (code, _, stderr) = asked(&site, ALL).await;
        assert_eq!(code, Some(1), "{what}: {stderr}");
        assert!(stderr.contains(name) && stderr.contains("damaged"), "{what}: {stderr}");
        let (code, answer, _) = asked(&site, LAST).await;
        assert_eq!((code, answer.as_str()), (Some(0), "n\n200\n"), "{what}");
        let error = site.verify(site.data()).await.unwrap_err().to_string();
        assert!(error.contains(name), "{what}: {error}");
    }
    std::fs::remove_file(file).unwrap();
    let (code, _, stderr) = asked(&site, ALL).await;
    assert!(code == Some(1) && stderr.contains(name) && stderr.contains("missing"), "{stderr}");

    // A server goes on serving with it.
    site.restart().await.unwrap();
    assert!(site.sql(ALL).await.unwrap_err().to_string().starts_with("500"));
    assert!(site.log_end().contains(name), "{}", site.log_end());
    assert_eq!(site.count(LAST).await.unwrap(), 200);
    site.sigterm().await.unwrap();
    std::fs::write(file, whole).unwrap();
    site.verify(site.data()).await.unwrap();
}
