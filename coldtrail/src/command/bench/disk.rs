//! Bytes a reading takes in the lake.

use std::path::Path;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use sensors_sim::{Broker, Pace, Runner, RunnerOptions, Scenario, Span, World};

use super::server::Server;
use super::{load, publish};
use crate::exit::Failure;

/// A day of 1,000 sensors a minute apart, on the grid and off it, and a day of the simulated world.
pub(crate) async fn run() -> Result<(), Failure> {
    println!("\nbytes a reading in the lake, all columns and the footer included");
    for (name, jitter) in [("temperature, regular ticks", 0), ("temperature, ticks late by up to 500 ms", 500)] {
        let server = Server::start("")?;
        let mut options = load(server.mqtt, 50, Duration::from_secs(600));
        options.interval = Span::from_millis(60_000);
        options.jitter = Span::from_millis(jitter);
        options.max_messages = Some(1000 * 1440 / 50);
        let report = publish(options).await?;
        tell(name, server, report.readings)?;
    }
    let server = Server::start("")?;
    let start = Utc::now() - TimeDelta::days(2);
    let world = World::new(&Scenario::load("demo")?, 1, start)?;
    let options = RunnerOptions {
        broker: Broker::at(server.mqtt.to_string()),
        pace: Pace::Unpaced,
        until: Some(start + TimeDelta::days(1)),
        truth: None,
        inflight: 100,
    };
    let mut runner = Runner::start(world, options)?;
    runner.finished().await;
    let summary = runner.stop(Duration::from_secs(60)).await?;
    tell("simulated world, temperature and humidity", server, summary.acknowledged_readings)
}

fn tell(name: &str, server: Server, readings: u64) -> Result<(), Failure> {
    let (lake, _data) = server.stop()?;
    let bytes = parquet_bytes(&lake)?;
    println!("{name:<52}{:>14.2}   ({readings} readings)", bytes as f64 / readings as f64);
    Ok(())
}

fn parquet_bytes(dir: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            bytes += parquet_bytes(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            bytes += path.metadata()?.len();
        }
    }
    Ok(bytes)
}
