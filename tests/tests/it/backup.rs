//! Backup while serving, restore, and what `verify` says of a copy that was changed.

use std::path::{Path, PathBuf};

use serde_json::json;
use tests::site::{HURRIED, Site};

use crate::gateways::{self, Gateways};
use crate::rows;

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_taken_while_publishing_answers_for_everything_acknowledged_before_it() {
    let Some(python) = tests::python() else { return };
    let mut site = Site::start(HURRIED).await.unwrap();
    let registry = json!({ "places": [{ "id": "WH1", "name": "Warehouse", "kind": "site" }] });
    assert_eq!(site.post("/v1/registry", tests::site::TOKEN, &registry).await.unwrap().0, 200);
    let gateways = Gateways::start(python, &site, 1);
    gateways::until_acknowledged(&site, 3_000).await;

    let before = gateways::acknowledged(&site);
    let backup = site.dir().join("backup");
    run(&site, &["backup", text(&backup), "--data", text(site.data())]).await;
    let sent = gateways::sent(&site);
    gateways.finish(&site).await;
    site.verify(&backup).await.unwrap();
    site.sigterm().await.unwrap();

    // `restore` over something that is there is refused; then the copy is served in the place of the lost original.
    let refused = site.coldtrail(["restore", text(&backup), "--data", text(site.data())]).await.unwrap();
    assert_eq!(refused.status.code(), Some(2));
    std::fs::remove_dir_all(site.data()).unwrap();
    run(&site, &["restore", text(&backup), "--data", text(site.data())]).await;
    site.verify(site.data()).await.unwrap();
    site.restart().await.unwrap();
    rows::check(&rows::of_sql(&site).await, &before, &sent);
    assert_eq!(site.count("SELECT count(*) AS n FROM places").await.unwrap(), 1);

    // What comes after the restore is kept like anything else, through a flush, a kill and a restart.
    let restored = site.count("SELECT count(*) AS n FROM readings").await.unwrap();
    for number in 0..300 {
        let reading = json!({ "sensor": "NEW", "at": 1_790_000_000_000_i64 + number, "temperature_c": 5.0 });
        site.publish("NEW", json!({ "readings": [reading] }).to_string()).await.unwrap();
    }
    let new = "SELECT count(*) AS n FROM readings WHERE sensor = 'NEW'";
    assert_eq!(site.count(new).await.unwrap(), 300);
    site.kill9().await.unwrap();
    site.restart().await.unwrap();
    assert_eq!(site.count(new).await.unwrap(), 300);
    site.sigterm().await.unwrap();
    site.verify(site.data()).await.unwrap();
    site.restart().await.unwrap();
    assert_eq!(site.count(new).await.unwrap(), 300);
    assert_eq!(site.count("SELECT count(*) AS n FROM readings").await.unwrap(), restored + 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_names_the_file_that_was_changed_and_exits_3() {
    // Nothing is flushed before the end, so that the journal has records; SIGTERM then makes the lake.
    let mut site = Site::start("").await.unwrap();
    for number in 0..20 {
        let reading = json!({ "sensor": "A", "at": 1_790_000_000_000_i64 + number, "temperature_c": 5.0 });
        site.publish("G", json!({ "readings": [reading] }).to_string()).await.unwrap();
    }
    let copy = site.dir().join("copy");
    run(&site, &["backup", text(&copy), "--data", text(site.data())]).await;
    site.verify(&copy).await.unwrap();
    let segment = largest(&copy.join("journal"), "");
    flip_in_the_middle(&segment);
    assert_names(&site, &copy, &segment).await;

    site.sigterm().await.unwrap();
    site.verify(site.data()).await.unwrap();
    let parquet = largest(&site.data().join("lake/readings"), ".parquet");
    flip_in_the_middle(&parquet);
    assert_names(&site, site.data(), &parquet).await;
    flip_in_the_middle(&parquet);
    site.verify(site.data()).await.unwrap();
    std::fs::write(&parquet, &std::fs::read(&parquet).unwrap()[1..]).unwrap();
    assert_names(&site, site.data(), &parquet).await;
    std::fs::remove_file(&parquet).unwrap();
    assert_names(&site, site.data(), &parquet).await;
}

async fn run(site: &Site, arguments: &[&str]) {
    let output = site.coldtrail(arguments).await.unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// `verify` on `data` exits 3 and its output has the name of `file`.
async fn assert_names(site: &Site, data: &Path, file: &Path) {
    let output = site.coldtrail(["verify", "--data", text(data)]).await.unwrap();
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains(file.file_name().unwrap().to_str().unwrap()), "{told}");
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The largest file below `dir` with a name that ends in `end`.
fn largest(dir: &Path, end: &str) -> PathBuf {
    let (mut folders, mut files) = (vec![dir.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if text(&path).ends_with(end) => files.push((path.metadata().unwrap().len(), path)),
                false => {}
            }
        }
    }
    files.into_iter().max().unwrap().1
}

/// Flips a bit; done twice it changes nothing.
fn flip_in_the_middle(file: &Path) {
    let mut bytes = std::fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(file, bytes).unwrap();
}
