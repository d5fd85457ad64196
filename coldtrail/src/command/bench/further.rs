//! What further readings cost the server, and what a restart reads, for a unit with no history and for one with five years
//! of it.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use sensors_sim::Span;

use super::server::Server;
use super::{load, publish, world};
use crate::exit::Failure;

/// Minutes in five years.
const HISTORY: u64 = 5 * 365 * 24 * 60;
/// Readings that are measured.
const FURTHER: u64 = 200_000;

/// A server that took less processor time than this in two seconds has nothing left to do.
const QUIET: Duration = Duration::from_millis(60);
/// It is waited for that no longer than this.
const SETTLE: Duration = Duration::from_secs(90);

/// Messages of 50 readings a second while it is measured.
const MESSAGES_PER_S: u64 = 400;

/// Processor time of the server while nothing arrives, when units take turns to be looked at again, and while readings
/// are taken in, evaluated and flushed.
pub(crate) async fn run() -> Result<(), Failure> {
    println!("\nprocessor time of the server, ms a second, one unit under one sensor");
    let with = format!("{} readings/s", MESSAGES_PER_S * 50);
    let (idle, resident, restart, read, then) = ("idle", "MiB resident", "s to restart", "readings read", "MiB then");
    println!("{:<26}{idle:>8}{with:>20}{resident:>16}{restart:>16}{read:>16}{then:>12}", "readings the unit has");
    for history in [1000, HISTORY / 5, HISTORY] {
        let server = Server::start("")?;
        let start = Utc::now() - TimeDelta::minutes(i64::try_from(history + FURTHER / 60 + 1440).unwrap_or(0));
        let hot = world::rule("hot", world::HOT_C, world::HOT_DELAY_S);
        server.post("/v1/registry", &world::registry(1, 1, &world::text(start), &[hot])).await?;
        let mut options = load(server.mqtt, 50, Duration::from_secs(3600));
        (options.sensors, options.gateways, options.start) = (1, 1, start);
        options.interval = Span::from_millis(60_000);
        options.max_messages = Some(history / 50);
        publish(options.clone()).await?;
        // Every second from then on; it is measured when everything before was evaluated.
        server.number("SELECT count(*) FROM readings").await?;
        quiet(&server).await?;
        let idle = server.processor_time()?;
        let seconds = FURTHER / 50 / MESSAGES_PER_S;
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let before = server.processor_time()?;
        options.start = start + TimeDelta::minutes(i64::try_from(history + 1).unwrap_or(0));
        options.interval = Span::from_millis(1000);
        options.messages_per_s = MESSAGES_PER_S;
        options.max_messages = Some(FURTHER / 50);
        publish(options).await?;
        let rate = |spent: Duration| spent.as_secs_f64() * 1000.0 / seconds as f64;
        let (quiet, busy) = (rate(before - idle), rate(server.processor_time()? - before));
        let resident = server.resident_bytes()? as f64 / 1048576.0;
        let (took, read, then) = restarted(server).await?;
        println!("{history:<26}{quiet:>8.0}{busy:>20.0}{resident:>16.0}{took:>16.1}{read:>16.0}{then:>12.0}");
    }
    Ok(())
}

/// Waits until nothing is left to do of what was sent: flushes and merges go on for a while.
async fn quiet(server: &Server) -> Result<(), Failure> {
    let began = Instant::now();
    let mut before = server.processor_time()?;
    while began.elapsed() < SETTLE {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let now = server.processor_time()?;
        if now - before < QUIET {
            break;
        }
        before = now;
    }
    Ok(())
}

/// How long it takes a server from its end until its unit has been looked at again, s, how many readings the evaluator read
/// from the store for that, and what is resident then, MiB.
async fn restarted(server: Server) -> Result<(f64, f64, f64), Failure> {
    let began = Instant::now();
    let server = server.again()?;
    while server.metric("coldtrail_assessments_total").await?.is_none_or(|assessments| assessments < 1.0) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = began.elapsed().as_secs_f64();
    let read = server.metric("coldtrail_evaluator_readings_read_total").await?.unwrap_or(0.0);
    let resident = server.resident_bytes()? as f64 / 1048576.0;
    server.stop()?;
    Ok((took, read, resident))
}
