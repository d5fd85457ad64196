//! Memory of the server as sensors grow in number.

use std::time::Duration;

use super::server::Server;
use super::{load, publish};
use crate::exit::Failure;

/// Resident memory after the same number of readings from 1,000, 10,000 and 100,000 sensors.
///
/// The readings are the same in number, so that what differs between the lines is what a sensor costs.
pub(crate) async fn run() -> Result<(), Failure> {
    println!("\nresident memory after 300,000 readings in the tail");
    println!("{:<52}{:>14}{:>18}", "sensors", "MiB", "bytes a sensor");
    let mut base: Option<(usize, u64)> = None;
    for sensors in [1_000, 10_000, 100_000] {
        let server = Server::start("")?;
        let mut options = load(server.mqtt, 50, Duration::from_secs(600));
        (options.sensors, options.gateways) = (sensors, 20);
        options.max_messages = Some(300_000 / 50);
        options.messages_per_s = 2_000;
        publish(options).await?;
        server.metric("coldtrail_tail_readings").await?;
        let bytes = server.resident_bytes()?;
        let (first, least) = *base.get_or_insert((sensors, bytes));
        let each = (sensors > first).then(|| (bytes as f64 - least as f64) / (sensors - first) as f64);
        let each = each.map_or_else(String::new, |each| format!("{each:.0}"));
        println!("{sensors:<52}{:>14.1}{each:>18}", bytes as f64 / 1048576.0);
        server.stop()?;
    }
    Ok(())
}
