//! Memory of the server as sensors grow in number.

use std::time::Duration;

use super::server::Server;
use super::{load, publish};
use crate::exit::Failure;

/// Servers measured at each number of sensors: what one of them happens to have taken from the system differs by more
/// than ten thousand sensors cost.
const SERVERS: usize = 5;

/// Resident memory after the same number of readings from 1,000, 10,000 and 100,000 sensors.
///
/// The readings are the same in number, so that what differs between the lines is what a sensor costs.
pub(crate) async fn run() -> Result<(), Failure> {
    println!("\nresident memory after 300,000 readings in the tail, median of {SERVERS} servers (least, most)");
    println!("{:<32}{:>12}{:>24}{:>18}", "sensors", "MiB", "", "bytes a sensor");
    let mut base: Option<(usize, u64)> = None;
    for sensors in [1_000, 10_000, 100_000] {
        let mut taken = Vec::with_capacity(SERVERS);
        for _ in 0..SERVERS {
            taken.push(resident(sensors).await?);
        }
        taken.sort_unstable();
        let bytes = taken[SERVERS / 2];
        let (first, least) = *base.get_or_insert((sensors, bytes));
        let each = (sensors > first).then(|| (bytes as f64 - least as f64) / (sensors - first) as f64);
        let each = each.map_or_else(String::new, |each| format!("{each:.0}"));
        let mib = |bytes: u64| bytes as f64 / 1_048_576.0;
        let range = format!("({:.1}, {:.1})", mib(taken[0]), mib(taken[SERVERS - 1]));
        println!("{sensors:<32}{:>12.1}{range:>24}{each:>18}", mib(bytes));
    }
    Ok(())
}

/// What a server has in memory after 300,000 readings of `sensors` sensors.
async fn resident(sensors: usize) -> Result<u64, Failure> {
    let server = Server::start("")?;
    let mut options = load(server.mqtt, 50, Duration::from_secs(600));
    (options.sensors, options.gateways) = (sensors, 20);
    options.max_messages = Some(300_000 / 50);
    options.messages_per_s = 2_000;
    publish(options).await?;
    server.metric("coldtrail_tail_readings").await?;
    let bytes = server.resident_bytes()?;
    server.stop()?;
    Ok(bytes)
}
