//! `coldtrail bench`: what this machine moves, each rate beside a path that stores nothing, in one run.

mod broker;
mod disk;
mod fleet;
mod further;
mod holds;
mod memory;
mod page;
mod past;
mod python;
mod rates;
mod server;
mod world;

use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sensors_sim::load::{LoadOptions, LoadReport};
use sensors_sim::{Broker, Span};

use crate::arguments::Bench;
use crate::exit::Failure;

/// Runs all parts, or the one asked for, and prints a table as it goes.
pub(crate) async fn run(arguments: Bench) -> Result<ExitCode, Failure> {
    let wanted = |part: &str| arguments.only.as_deref().is_none_or(|only| only == part);
    println!("cores {}, {}", std::thread::available_parallelism()?, std::env::consts::ARCH);
    println!("client, broker and server share them; compare lines of one run only");
    if wanted("rates") {
        rates::run(arguments.lasts).await?;
    }
    if wanted("sustained") {
        rates::sustained(arguments.sustained).await?;
    }
    if wanted("latency") {
        rates::latency(arguments.lasts).await?;
    }
    if wanted("disk") {
        disk::run().await?;
    }
    if wanted("memory") {
        memory::run().await?;
    }
    if wanted("fleet") {
        fleet::run().await?;
    }
    if wanted("holds") {
        holds::run().await?;
    }
    if wanted("further") {
        past::run()?;
        further::run().await?;
    }
    if wanted("page") {
        page::run().await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A load with everything else as usual.
fn load(address: std::net::SocketAddr, readings_per_message: usize, lasts: Duration) -> LoadOptions {
    let start = Utc::now() - TimeDelta::days(30);
    LoadOptions {
        broker: Broker::at(address.to_string()),
        sensors: 1000,
        gateways: 4,
        readings_per_message,
        messages_per_s: 0,
        inflight: 1000,
        lasts,
        max_messages: None,
        start,
        not_after: DateTime::<Utc>::MAX_UTC,
        interval: Span::from_millis(1000),
        jitter: Span::from_millis(0),
        seed: 1,
    }
}

/// A load, which must come through whole.
async fn publish(options: LoadOptions) -> Result<LoadReport, Failure> {
    let report = sensors_sim::load::run(options, std::sync::Arc::default()).await?;
    if report.acknowledged_messages != report.messages {
        let (acknowledged, messages) = (report.acknowledged_messages, report.messages);
        return Err(Failure::Failed(anyhow::anyhow!(
            "{acknowledged} of {messages} messages were acknowledged: {:?}",
            report.errors
        )));
    }
    Ok(report)
}
