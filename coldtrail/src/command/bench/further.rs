//! What one more reading costs the server, for a unit with no history and for one with five years of it.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use sensors_sim::Span;

use super::server::Server;
use super::{load, publish, world};
use crate::exit::Failure;

/// Minutes in five years.
const HISTORY: u64 = 5 * 365 * 24 * 60;
/// Readings that are measured.
const FURTHER: u64 = 200_000;

/// Processor time of the server per reading: taken in, evaluated, flushed.
pub(crate) async fn run() -> Result<(), Failure> {
    println!("\nprocessor time of the server for one more reading of a unit, µs");
    println!("{:<52}{:>14}{:>14}", "readings the unit has", "µs", "MiB resident");
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
        tokio::time::sleep(Duration::from_secs(5)).await;
        let idle = server.processor_time()?;
        let seconds = FURTHER / 50 / 400;
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let before = server.processor_time()?;
        options.start = start + TimeDelta::minutes(i64::try_from(history + 1).unwrap_or(0));
        options.interval = Span::from_millis(1000);
        options.messages_per_s = 400;
        options.max_messages = Some(FURTHER / 50);
        publish(options).await?;
        let spent = (server.processor_time()? - before).saturating_sub(before - idle);
        let each = spent.as_secs_f64() * 1e6 / FURTHER as f64;
        println!("{history:<52}{each:>14.2}{:>14.0}", server.resident_bytes()? as f64 / 1048576.0);
        server.stop()?;
    }
    Ok(())
}
