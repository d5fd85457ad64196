//! All units assessed at once, beside DuckDB and Polars finding only the excursions in the same files.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use sensors_sim::Span;
use serde_json::Value;

use super::server::Server;
use super::{load, publish, python, world};
use crate::exit::Failure;

/// Sensors, each with one unit under it.
const SENSORS: usize = 1000;
/// Readings of each: a minute apart.
const MINUTES: u64 = 30 * 24 * 60;
/// How often each side is run; the fastest counts.
const ROUNDS: usize = 3;
/// The sensor that is asked about again and again.
const ASKED: usize = 500;

/// What the three must agree on.
#[derive(Clone, Copy, Debug)]
struct Found {
    excursions: u64,
    fired: u64,
    seconds_out: f64,
}

/// Whole assessments (excursions, life with bounds, mean kinetic temperature over all windows, coverage, budget, digest)
/// of every unit over a month, from the files; the others do the excursions alone.
pub(crate) async fn run() -> Result<(), Failure> {
    let readings = SENSORS as u64 * MINUTES;
    println!("\n{SENSORS} units assessed over {readings} readings in the lake, fastest of {ROUNDS}, s");
    let start = midnight(Utc::now() - TimeDelta::days(32));
    let (data, hourly) = stored(start).await?;
    let lake = data.path().join("data/lake/readings");
    let as_of = world::text(start + TimeDelta::minutes(i64::try_from(MINUTES).unwrap_or(i64::MAX) - 1));
    let (ours, found) = assessed(&data.path().join("data"), &as_of)?;
    println!("{:<52}{:>14.2}", "coldtrail assess, everything", ours.as_secs_f64());
    println!("{:<52}{:>14}", "excursions / fired / hours out", found.told());
    for other in ["polars", "duckdb"] {
        let Some((seconds, theirs)) = foreign(other, &lake)? else { continue };
        println!("{:<52}{seconds:>14.2}", format!("{other}, excursions alone"));
        println!("{:<52}{:>14.2}", format!("ratio coldtrail / {other}"), ours.as_secs_f64() / seconds);
        found.must_equal(theirs, other)?;
    }
    println!("\none sensor's month as lowest, highest and mean by the hour, fastest of {}, ms", ROUNDS * 5);
    println!("{:<52}{:>14.1}", "coldtrail over HTTP, the newest second included", hourly.again * 1000.0);
    println!("{:<52}{:>14.1}", "coldtrail, a sensor that was not asked about before", hourly.first * 1000.0);
    let rounds = [(ROUNDS * 5).to_string()];
    if let Some(answer) = python::run("duckdb", include_str!("fleet/duckdb_hourly.py"), &lake, &rounds)? {
        let seconds = answer["seconds"].as_f64().context("no time in the answer")?;
        println!("{:<52}{:>14.1}", "duckdb over the same files", seconds * 1000.0);
        println!("{:<52}{:>14.2}", "ratio coldtrail / duckdb", hourly.again / seconds);
    }
    Ok(())
}

/// How long a question about a sensor's month by the hour took, the fastest of its kind, s.
struct Hourly {
    /// Another sensor each time.
    first: f64,
    /// One sensor again and again, as the other program is asked.
    again: f64,
}

/// A sensor's month by the hour.
fn by_the_hour(sensor: usize) -> String {
    format!(
        "SELECT count(*) FROM (SELECT date_trunc('hour', measured_at) AS hour, min(temperature_c) AS lowest, \
         max(temperature_c) AS highest, avg(temperature_c) AS mean FROM readings WHERE sensor = 'S{sensor:06}' GROUP BY 1)"
    )
}

/// A directory with the readings and the registry, no longer served, and how long the hourly question took.
async fn stored(start: DateTime<Utc>) -> Result<(tempfile::TempDir, Hourly), Failure> {
    let server = Server::start("")?;
    let hot = world::rule("hot", world::HOT_C, world::HOT_DELAY_S);
    server.post("/v1/registry", &world::registry(SENSORS, SENSORS, &world::text(start), &[hot])).await?;
    let mut options = load(server.mqtt, 50, Duration::from_secs(3600));
    (options.sensors, options.start) = (SENSORS, start);
    options.interval = Span::from_millis(60_000);
    options.max_messages = Some(SENSORS as u64 * MINUTES / 50);
    publish(options).await?;
    let mut hourly = Hourly { first: f64::INFINITY, again: f64::INFINITY };
    for round in 1..=ROUNDS * 5 {
        for (sensor, fastest) in [(ASKED + round, &mut hourly.first), (ASKED, &mut hourly.again)] {
            let sql = by_the_hour(sensor);
            let began = Instant::now();
            server.number(&sql).await?;
            *fastest = fastest.min(began.elapsed().as_secs_f64());
        }
    }
    Ok((server.stop()?.1, hourly))
}

fn assessed(data: &Path, as_of: &str) -> Result<(Duration, Found), Failure> {
    let mut fastest: Option<(Duration, Found)> = None;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let output = Command::new(std::env::current_exe()?)
            .args(["assess", "--json", "--as-of", as_of, "--data"])
            .arg(data)
            .stderr(Stdio::null())
            .output()?;
        let took = began.elapsed();
        if !output.status.success() {
            return Err(Failure::Failed(anyhow::anyhow!("`coldtrail assess` ended with {}", output.status)));
        }
        if fastest.as_ref().is_none_or(|(before, _)| took < *before) {
            fastest = Some((took, Found::of_assessments(&serde_json::from_slice(&output.stdout)?)));
        }
    }
    Ok(fastest.context("nothing was run")?)
}

/// Seconds and findings of one of the Python scripts; `None`, with a word about it, when its package is not there.
fn foreign(name: &str, lake: &Path) -> Result<Option<(f64, Found)>, Failure> {
    let script = match name {
        "polars" => include_str!("fleet/polars_excursions.py"),
        _ => include_str!("fleet/duckdb_excursions.py"),
    };
    let limits = [world::HOT_C.to_string(), world::HOT_DELAY_S.to_string(), ROUNDS.to_string()];
    let Some(answer) = python::run(name, script, lake, &limits)? else { return Ok(None) };
    let number = |member: &str| answer[member].as_f64().context("a script's answer lacks a member");
    let found = Found {
        excursions: answer["excursions"].as_u64().context("no number of excursions")?,
        fired: answer["fired"].as_u64().context("no number of firing excursions")?,
        seconds_out: number("seconds_out")?,
    };
    Ok(Some((number("seconds")?, found)))
}

impl Found {
    fn of_assessments(assessments: &Value) -> Self {
        let units = assessments.as_array().map(Vec::as_slice).unwrap_or_default();
        let hot = units.iter().flat_map(|unit| unit["excursions"].as_array().into_iter().flatten());
        let durations: Vec<f64> = hot
            .filter(|excursion| excursion["rule"] == "hot")
            .filter_map(|excursion| excursion["duration_s"].as_f64())
            .collect();
        Self {
            excursions: durations.len() as u64,
            fired: durations.iter().filter(|duration| **duration >= world::HOT_DELAY_S).count() as u64,
            seconds_out: durations.iter().sum(),
        }
    }

    fn told(self) -> String {
        format!("{} / {} / {:.0}", self.excursions, self.fired, self.seconds_out / 3600.0)
    }

    fn must_equal(self, other: Self, name: &str) -> Result<(), Failure> {
        let close = (self.seconds_out - other.seconds_out).abs() <= self.seconds_out * 1e-9;
        if self.excursions == other.excursions && self.fired == other.fired && close {
            return Ok(());
        }
        Err(Failure::Failed(anyhow::anyhow!("{name} found something else: {self:?} here, {other:?} there")))
    }
}

fn midnight(at: DateTime<Utc>) -> DateTime<Utc> {
    at.date_naive().and_time(chrono::NaiveTime::MIN).and_utc()
}
