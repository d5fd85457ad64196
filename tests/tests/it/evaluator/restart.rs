//! What a start reads again: a unit of five years goes on from its checkpoint, and where there is none that can be used
//! everything is read and the answer is the same.

use std::path::PathBuf;

use super::*;

/// Flushes and checkpoints come quickly; no compaction gives files other names meanwhile.
const HASTY: &str = "[ingest]\nflush_after_s = 0.3\n";
/// One reading an hour.
const HOUR_MS: i64 = 3_600_000;
/// Readings of five years.
const YEARS: usize = 5 * 365 * 24;
/// Far fewer than in a year.
const FEW: u64 = 3000;

/// The hours of five years up to now.
fn begins() -> i64 {
    let now = chrono::Utc::now().timestamp_millis();
    now / HOUR_MS * HOUR_MS - i64::try_from(YEARS).unwrap() * HOUR_MS
}

fn five_years(begins: i64) -> Value {
    let mut document = registry(begins);
    document["products"][0]["max_gap_s"] = json!(2 * 3600);
    document["sensors"][0]["interval_s"] = json!(3600);
    document
}

/// What the sensor says at an hour: every other month the door is open for three hours.
fn celsius(hour: usize) -> f64 {
    let warm = if hour % 1440 < 3 { 4.0 } else { 0.0 };
    4.0 + (hour % 7) as f64 / 10.0 + warm
}

fn hours(begins: i64, hours: impl Iterator<Item = usize>) -> String {
    let reading = |hour: usize| {
        let at = begins + i64::try_from(hour).unwrap() * HOUR_MS;
        json!({ "sensor": "CR2-A", "at": at, "temperature_c": celsius(hour) })
    };
    json!({ "readings": hours.map(reading).collect::<Vec<_>>() }).to_string()
}

/// A server with a unit of five years that has been looked at; every hundredth hour is missing.
async fn settled() -> (Site, i64) {
    let site = Site::start(HASTY).await.unwrap();
    let begins = begins();
    let (status, answer) = site.post("/v1/registry", TOKEN, &five_years(begins)).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    let told: Vec<usize> = (0..YEARS).filter(|hour| hour % 100 != 50).collect();
    for some in told.chunks(2000) {
        site.publish("G", hours(begins, some.iter().copied())).await.unwrap();
    }
    shown(&site, told.len() as u64).await;
    (site, begins)
}

/// Waits until the evaluator has looked at the unit, and what it shows of it rests on so many readings.
async fn shown(site: &Site, readings: u64) {
    for _ in 0..1200 {
        if metric(site, "coldtrail_assessments_total").await > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    until(site, &format!("SELECT count(*) FROM assessments WHERE readings = {readings}"), 1).await;
}

/// What is shown must be what the batch says as of the same instant.
async fn is_the_batch(site: &Site) {
    let row = site.sql("SELECT as_of, document FROM assessments").await.unwrap().remove(0);
    let (as_of, document) = (row["as_of"].as_str().unwrap(), row["document"].as_str().unwrap());
    let url = site.url();
    let batch = assessment(site, ["--url", &url], as_of).await;
    assert_eq!(serde_json::from_str::<Value>(document).unwrap(), batch);
}

/// The value of a metric since the start of the server.
async fn metric(site: &Site, name: &str) -> u64 {
    let request = reqwest::Client::new().get(format!("{}/metrics", site.url())).bearer_auth(TOKEN);
    let text = request.send().await.unwrap().text().await.unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse::<f64>().ok());
    value.unwrap_or(0.0) as u64
}

async fn readings_read(site: &Site) -> u64 {
    metric(site, "coldtrail_evaluator_readings_read_total").await
}

fn checkpoint(site: &Site) -> PathBuf {
    site.data().join("checkpoints").join("pasts")
}

/// Waits until there is a checkpoint of which more than `bytes` are not those.
async fn another_checkpoint(site: &Site, before: &[u8]) -> Vec<u8> {
    for _ in 0..600 {
        match std::fs::read(checkpoint(site)) {
            Ok(bytes) if bytes != before => return bytes,
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("no checkpoint is written: {}", site.log_end());
}

/// Invariant A2 over restarts, and what a start costs: counted in readings, not in time.
#[tokio::test(flavor = "multi_thread")]
async fn a_unit_of_five_years_goes_on_from_its_checkpoint() {
    let (mut site, begins) = settled().await;
    let told = YEARS as u64 - YEARS.div_ceil(100) as u64;
    site.sigterm().await.unwrap();
    site.restart().await.unwrap();
    shown(&site, told).await;
    assert!(readings_read(&site).await < FEW, "{}", readings_read(&site).await);
    is_the_batch(&site).await;

    // A late reading of yesterday costs no look into the store, one of years ago its neighbourhood and what came after.
    site.publish("G", hours(begins, [YEARS - 50].into_iter())).await.unwrap();
    shown(&site, told + 1).await;
    assert!(readings_read(&site).await < FEW);
    is_the_batch(&site).await;

    // Late ones that came when there was no time left to write anything down, and then a crash.
    let before = another_checkpoint(&site, &[]).await;
    site.publish("G", hours(begins, [YEARS - 150, 20_050].into_iter())).await.unwrap();
    site.kill9().await.unwrap();
    std::fs::write(checkpoint(&site), &before).unwrap();
    site.restart().await.unwrap();
    shown(&site, told + 3).await;
    is_the_batch(&site).await;
    let read = readings_read(&site).await;
    assert!(read > FEW && read < YEARS as u64, "the years before the late one are not read: {read}");
    site.sigterm().await.unwrap();
    site.verify(site.data()).await.unwrap();
}

/// Why it is not used, the file with the name, and the one beside it.
type Case<'a> = (&'static str, Option<&'a [u8]>, Option<&'a [u8]>);

/// Between any two of the steps in which a checkpoint is made a crash leaves one of these on the disk.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_the_steps_of_a_checkpoint_or_damage_costs_time_and_no_answer() {
    let (mut site, begins) = settled().await;
    let mut told = YEARS as u64 - YEARS.div_ceil(100) as u64;
    let first = another_checkpoint(&site, &[]).await;
    site.sigterm().await.unwrap();
    let newest = std::fs::read(checkpoint(&site)).unwrap();
    let beside = checkpoint(&site).with_extension("new");
    let mut flipped = newest.clone();
    flipped[newest.len() / 2] ^= 1;
    let mut later = newest.clone();
    later[6] = 77;
    let cases: [Case<'_>; 8] = [
        // The readings are in the lake, and nothing was written of them.
        ("", Some(&first), None),
        // It was written in part, or whole, and has not taken the name.
        ("", Some(&first), Some(&newest[..newest.len() / 3])),
        ("", Some(&first), Some(&newest)),
        // It has the name, whole, or without what was not synced.
        ("", Some(&newest), None),
        ("damaged", Some(&newest[..newest.len() / 2]), None),
        ("damaged", Some(&flipped), None),
        ("version", Some(&later), None),
        ("foreign", Some(b"something else"), None),
    ];
    for (number, (reason, named, unnamed)) in cases.into_iter().enumerate() {
        let put = |path: &PathBuf, bytes: Option<&[u8]>| match bytes {
            Some(bytes) => std::fs::write(path, bytes).unwrap(),
            None => drop(std::fs::remove_file(path)),
        };
        put(&checkpoint(&site), named);
        put(&beside, unnamed);
        site.restart().await.unwrap();
        shown(&site, told).await;
        is_the_batch(&site).await;
        let refused = format!("coldtrail_evaluator_checkpoints_refused_total{{reason=\"{reason}\"}}");
        let read = readings_read(&site).await;
        if named == Some(&newest) {
            assert!(read < YEARS as u64 / 2, "case {number}: {read}");
        }
        if !reason.is_empty() {
            assert_eq!(metric(&site, &refused).await, 1, "case {number}");
            assert!(read >= told, "case {number}: {read}");
        }
        // What comes next is late, so that every start has something a checkpoint does not know.
        site.publish("G", hours(begins, [(YEARS / 100 - 1 - number) * 100 + 50].into_iter())).await.unwrap();
        told += 1;
        site.kill9().await.unwrap();
    }
    // A checkpoint of readings that this lake never had: its own, before it was lost and begun anew.
    std::fs::remove_dir_all(site.data().join("lake")).unwrap();
    std::fs::remove_dir_all(site.data().join("journal")).unwrap();
    std::fs::write(checkpoint(&site), &newest).unwrap();
    site.restart().await.unwrap();
    shown(&site, 0).await;
    is_the_batch(&site).await;
    assert_eq!(metric(&site, "coldtrail_evaluator_checkpoints_refused_total{reason=\"other_lake\"}").await, 1);
}
