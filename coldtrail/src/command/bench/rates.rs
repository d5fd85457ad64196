//! Readings a second: acknowledged after fsync, and all the way into Parquet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ingest::clock::Clock;
use ingest::collector::{Collector, CollectorOptions};
use ingest::credentials::NoUsers;
use ingest::listener::{Listener, ListenerOptions};
use ingest::sink::Sink;
use model::name::Name;
use store::journal::{Journal, JournalOptions, Position};
use tokio_util::sync::CancellationToken;

use super::broker::Mosquitto;
use super::server::Server;
use super::{load, publish};
use crate::exit::Failure;

/// Listener and collector, at 1 and 50 readings a message, each beside its null path.
pub(crate) async fn run(lasts: Duration) -> Result<(), Failure> {
    println!("\nreadings/s acknowledged ({} s each, 4 connections, 1,000 in flight each)", lasts.as_secs());
    println!("{:<52}{:>14}{:>14}", "", "1 a message", "50 a message");
    let mut rows: Vec<(&str, [f64; 2])> = Vec::new();
    for (column, readings) in [1, 50].into_iter().enumerate() {
        let mut row = 0;
        let mut put = |name, rate| {
            if column == 0 {
                rows.push((name, [rate, 0.0]));
            } else {
                rows[row].1[column] = rate;
            }
            row += 1;
        };
        put("listener, no journal (null path)", null_listener(readings, lasts).await?);
        put("listener, journal and everything after it", whole_listener(readings, lasts).await?);
        if let Some(broker) = Mosquitto::start()? {
            put("mosquitto, a subscriber that only acknowledges", collected(&broker, readings, lasts, None).await?);
            let dir = tempfile::tempdir_in(std::env::current_dir()?)?;
            put("mosquitto, collector with journal", collected(&broker, readings, lasts, Some(dir.path())).await?);
        }
    }
    for (name, rates) in &rows {
        println!("{name:<52}{:>14.0}{:>14.0}", rates[0], rates[1]);
    }
    let ratio = |name: &str, above: usize, below: usize| {
        if let (Some((_, a)), Some((_, b))) = (rows.get(above), rows.get(below)) {
            println!("{name:<52}{:>14.2}{:>14.2}", a[0] / b[0], a[1] / b[1]);
        }
    };
    ratio("ratio listener / its null path", 1, 0);
    ratio("ratio listener / mosquitto's null path", 1, 2);
    ratio("ratio collector / mosquitto's null path", 3, 2);
    Ok(())
}

async fn null_listener(readings: usize, lasts: Duration) -> Result<f64, Failure> {
    let listener = Listener::bind(ListenerOptions::at(([127, 0, 0, 1], 0).into()), Sink::Null, Arc::new(NoUsers))?;
    let address = listener.local_addrs()[0];
    let stop = CancellationToken::new();
    let serving = tokio::spawn(listener.run(stop.clone()));
    let report = publish(load(address, readings, lasts)).await?;
    stop.cancel();
    serving.await?;
    Ok(report.readings_per_s)
}

async fn whole_listener(readings: usize, lasts: Duration) -> Result<f64, Failure> {
    let server = Server::start("")?;
    let report = publish(load(server.mqtt, readings, lasts)).await?;
    let stored = server.number("SELECT count(*) FROM readings").await?;
    if stored != report.readings as f64 {
        return Err(Failure::Failed(anyhow::anyhow!(
            "{} were acknowledged and {stored} are readable",
            report.readings
        )));
    }
    server.stop()?;
    Ok(report.readings_per_s)
}

/// Readings a second from the first publish until the collector has acknowledged the last.
async fn collected(
    broker: &Mosquitto,
    readings: usize,
    lasts: Duration,
    journal: Option<&std::path::Path>,
) -> Result<f64, Failure> {
    let (sink, drain) = match journal {
        None => (Sink::Null, None),
        Some(dir) => {
            let (journal, _) = Journal::open(&dir.join("journal"), JournalOptions::default())?;
            let mut feed = journal.feed(Position::new(1))?;
            let drain = std::thread::spawn(move || {
                while let Ok(Some(group)) = feed.next_group() {
                    drop(group)
                }
            });
            (Sink::Journal(journal), Some(drain))
        }
    };
    let name = Name::parse("bench")?;
    let client_id = format!("bench-{readings}-{}", journal.is_some());
    let address = broker.address;
    let options = CollectorOptions::new(
        name,
        &address.ip().to_string(),
        address.port(),
        &client_id,
        &["coldtrail/v1/+/+/readings"],
    );
    let collector = Collector::start(options, sink.clone(), Clock::system())?;
    let until = Instant::now() + Duration::from_secs(10);
    while !collector.state().connected && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let began = Instant::now();
    let report = publish(load(address, readings, lasts)).await?;
    let patience = Instant::now() + Duration::from_secs(120);
    loop {
        let state = collector.state();
        if state.messages >= report.messages && state.unacknowledged == 0 {
            break;
        }
        if Instant::now() > patience {
            return Err(Failure::Failed(anyhow::anyhow!(
                "{} of {} messages were collected",
                state.messages,
                report.messages
            )));
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let rate = report.readings as f64 / began.elapsed().as_secs_f64();
    collector.stop().await;
    if let (Sink::Journal(journal), Some(drain)) = (&sink, drain) {
        journal.close();
        drain.join().map_err(|_| anyhow::anyhow!("the drain panicked"))?;
    }
    Ok(rate)
}

/// Readings a second into Parquet over minutes, flushes and compaction included: until the last one is in the lake.
///
/// That all are readable is counted by reading a column of each, and not in the time.
pub(crate) async fn sustained(lasts: Duration) -> Result<(), Failure> {
    let server = Server::start("[ingest]\nmaintain_every_s = 20.0\n[sql]\ntimeout_s = 300.0\n")?;
    let mut options = load(server.mqtt, 50, lasts);
    (options.sensors, options.gateways) = (10_000, 20);
    let began = Instant::now();
    let report = publish(options).await?;
    let resident = server.resident_bytes()?;
    let counted = Instant::now();
    let stored = server.number("SELECT count(temperature_c) FROM readings").await?;
    let counted = counted.elapsed();
    let flushes = server.metric("coldtrail_flush_seconds_count").await?.unwrap_or_default();
    let compacted = server.metric("coldtrail_compacted_files_total").await?.unwrap_or_default();
    let most = server.most_resident_bytes()?;
    let (_, _data) = server.stop()?;
    let seconds = (began.elapsed() - counted).as_secs_f64();
    println!("\nsustained into Parquet, 50 readings a message, 10,000 sensors, {seconds:.0} s until the last flush");
    println!("{:<52}{:>14.0}", "readings/s", report.readings as f64 / seconds);
    println!("{:<52}{:>14}", "readings acknowledged / readable", format!("{}/{stored}", report.readings));
    println!("{:<52}{:>14}", "flushes / files compacted", format!("{flushes}/{compacted}"));
    let mib = |bytes: u64| bytes as f64 / 1048576.0;
    println!(
        "{:<52}{:>14}",
        "ms to acknowledgement, p50 / p99",
        format!("{:.0}/{:.0}", report.ack_p50_ms, report.ack_p99_ms)
    );
    println!("{:<52}{:>14}", "resident MiB, after the load / most", format!("{:.0}/{:.0}", mib(resident), mib(most)));
    if stored != report.readings as f64 {
        let readings = report.readings;
        return Err(Failure::Failed(anyhow::anyhow!("{readings} were acknowledged and {stored} are readable")));
    }
    Ok(())
}

/// From publish to acknowledgement at a rate far below the limit: an fsync and a round trip.
pub(crate) async fn latency(lasts: Duration) -> Result<(), Failure> {
    println!("\npublish to acknowledgement, ms, 1 reading a message");
    println!("{:<52}{:>10}{:>10}{:>10}", "messages/s", "p50", "p99", "p99.9");
    for rate in [100, 10_000, 50_000] {
        let server = Server::start("")?;
        let mut options = load(server.mqtt, 1, lasts);
        options.messages_per_s = rate;
        let report = publish(options).await?;
        println!("{rate:<52}{:>10.2}{:>10.2}{:>10.2}", report.ack_p50_ms, report.ack_p99_ms, report.ack_p999_ms);
    }
    Ok(())
}
