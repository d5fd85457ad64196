//! The load generator: no physics, as many readings a second as one machine can write.
//!
//! Each gateway is one connection and one task that owns its share of the sensors. Names are prebuilt, numbers are
//! written digit by digit into a buffer that is used again, and acknowledgements are counted as they come.

mod fleet;
mod latency;
mod publisher;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::task::JoinSet;

use crate::mqtt::Broker;
use crate::span::Span;
use fleet::Fleet;
use latency::Latencies;
use publisher::Publisher;

/// What load to make.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Where to publish.
    pub broker: Broker,
    /// Sensors, shared out among the gateways; names `S000000` and up.
    pub sensors: usize,
    /// Gateways `LOAD-0001` and up: one connection each.
    pub gateways: usize,
    /// Readings in each message.
    pub readings_per_message: usize,
    /// Messages a second over all gateways; 0 is as fast as they are acknowledged.
    pub messages_per_s: u64,
    /// Unacknowledged messages per connection, at most.
    pub inflight: u16,
    /// How long to publish, of the wall clock.
    pub lasts: Duration,
    /// Stop after so many messages over all gateways, when that is sooner.
    pub max_messages: Option<u64>,
    /// Stamp of the first reading of each sensor.
    pub start: DateTime<Utc>,
    /// Readings are not stamped later than this: the load ends when it is reached.
    pub not_after: DateTime<Utc>,
    /// From one reading of a sensor to the next, in stamps.
    pub interval: Span,
    /// Each stamp is late by up to this; none keeps to the grid.
    pub jitter: Span,
    /// What all random numbers come from.
    pub seed: u64,
}

/// Live counters of a load.
#[derive(Debug, Default)]
pub struct LoadProgress {
    published_messages: AtomicU64,
    acknowledged_messages: AtomicU64,
}

impl LoadProgress {
    /// Messages handed to the sockets so far, and those acknowledged.
    #[must_use]
    pub fn messages(&self) -> (u64, u64) {
        (self.published_messages.load(Ordering::Relaxed), self.acknowledged_messages.load(Ordering::Relaxed))
    }

    fn add(&self, published: u64, acknowledged: u64) {
        if published > 0 {
            self.published_messages.fetch_add(published, Ordering::Relaxed);
        }
        if acknowledged > 0 {
            self.acknowledged_messages.fetch_add(acknowledged, Ordering::Relaxed);
        }
    }
}

/// What a load did. Every reading in it was distinct.
#[derive(Clone, Debug, Serialize)]
pub struct LoadReport {
    /// Sensors.
    pub sensors: usize,
    /// Connections.
    pub gateways: usize,
    /// Readings in each message.
    pub readings_per_message: usize,
    /// Messages published.
    pub messages: u64,
    /// Messages acknowledged.
    pub acknowledged_messages: u64,
    /// Messages answered with a refusal.
    pub refused_messages: u64,
    /// Readings published.
    pub readings: u64,
    /// Readings in acknowledged messages.
    pub acknowledged_readings: u64,
    /// Bytes of payload published.
    pub payload_bytes: u64,
    /// From the first message to the last acknowledgement, of the wall clock.
    pub seconds: f64,
    /// Messages acknowledged per second.
    pub messages_per_s: f64,
    /// Readings acknowledged per second.
    pub readings_per_s: f64,
    /// From a message being written to its acknowledgement, ms.
    pub ack_p50_ms: f64,
    /// The same, 99 %.
    pub ack_p99_ms: f64,
    /// The same, 99.9 %.
    pub ack_p999_ms: f64,
    /// The same, the longest.
    pub ack_max_ms: f64,
    /// The latest stamp of any reading.
    pub last_stamp: DateTime<Utc>,
    /// Why connections ended early; empty when all went well.
    pub errors: Vec<String>,
}

/// Makes the load and waits for its acknowledgements.
///
/// # Errors
/// When the options make no sense or no connection can be opened; what happens to single connections later is in
/// the report.
pub async fn run(options: LoadOptions, progress: Arc<LoadProgress>) -> anyhow::Result<LoadReport> {
    ensure!(options.sensors > 0 && options.gateways > 0, "a load needs at least one sensor and one gateway");
    ensure!(options.sensors >= options.gateways, "with `{}` gateways there must be as many sensors", options.gateways);
    ensure!(options.readings_per_message > 0, "a message needs at least one reading");
    ensure!(options.interval.millis() > options.jitter.millis(), "the jitter must be shorter than the interval");
    let mut publishers = Vec::with_capacity(options.gateways);
    for index in 0..options.gateways {
        publishers.push(Publisher::open(&options, index, Fleet::share(&options, index), progress.clone()).await?);
    }
    let began = Instant::now();
    let mut running = JoinSet::new();
    for publisher in publishers {
        running.spawn(publisher.run(began));
    }
    let mut latencies = Latencies::default();
    let mut report = LoadReport::of(&options);
    let mut last_ack = Duration::ZERO;
    while let Some(outcome) = running.join_next().await {
        let tally = outcome?;
        report.messages += tally.published;
        report.acknowledged_messages += tally.acknowledged;
        report.refused_messages += tally.refused;
        report.payload_bytes += tally.payload_bytes;
        report.last_stamp = report.last_stamp.max(tally.last_stamp);
        report.errors.extend(tally.error);
        latencies.merge(&tally.latencies);
        last_ack = last_ack.max(tally.last_ack);
    }
    report.conclude(last_ack, &latencies);
    Ok(report)
}

impl LoadReport {
    fn of(options: &LoadOptions) -> Self {
        Self {
            sensors: options.sensors,
            gateways: options.gateways,
            readings_per_message: options.readings_per_message,
            messages: 0,
            acknowledged_messages: 0,
            refused_messages: 0,
            readings: 0,
            acknowledged_readings: 0,
            payload_bytes: 0,
            seconds: 0.0,
            messages_per_s: 0.0,
            readings_per_s: 0.0,
            ack_p50_ms: 0.0,
            ack_p99_ms: 0.0,
            ack_p999_ms: 0.0,
            ack_max_ms: 0.0,
            last_stamp: options.start,
            errors: Vec::new(),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of a run, for people")]
    fn conclude(&mut self, last_ack: Duration, latencies: &Latencies) {
        let per_message = self.readings_per_message as u64;
        self.readings = self.messages * per_message;
        self.acknowledged_readings = self.acknowledged_messages * per_message;
        self.seconds = last_ack.as_secs_f64();
        if self.seconds > 0.0 {
            self.messages_per_s = (self.acknowledged_messages as f64 / self.seconds).round();
            self.readings_per_s = (self.acknowledged_readings as f64 / self.seconds).round();
        }
        self.ack_p50_ms = latencies.quantile_ms(0.5);
        self.ack_p99_ms = latencies.quantile_ms(0.99);
        self.ack_p999_ms = latencies.quantile_ms(0.999);
        self.ack_max_ms = latencies.quantile_ms(1.0);
    }
}
