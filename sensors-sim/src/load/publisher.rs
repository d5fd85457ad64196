//! One connection under load.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bytes::BytesMut;
use chrono::{DateTime, Utc};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::fleet::Fleet;
use super::latency::Latencies;
use super::{LoadOptions, LoadProgress};
use crate::mqtt::wire::{self, Incoming};
use crate::mqtt::{self, Session};

/// Bytes that may wait for the socket before no further message is made.
const OUTBOX_BYTES: usize = 128 * 1024;
/// How long to wait for acknowledgements after the last message.
const DRAIN_LIMIT: Duration = Duration::from_secs(60);
/// How often a throttled connection looks whether it may send again.
const THROTTLE: Duration = Duration::from_millis(2);

/// What one connection did.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) published: u64,
    pub(super) acknowledged: u64,
    pub(super) refused: u64,
    pub(super) payload_bytes: u64,
    pub(super) last_ack: Duration,
    pub(super) last_stamp: DateTime<Utc>,
    pub(super) latencies: Latencies,
    pub(super) error: Option<String>,
}

/// A connection and its sensors.
pub(super) struct Publisher {
    session: Session,
    fleet: Fleet,
    progress: Arc<LoadProgress>,
    topic: String,
    readings_per_message: usize,
    window: u64,
    lasts: Duration,
    max_messages: u64,
    messages_per_s: f64,
    /// When each packet id was written, µs from the start.
    written_us: Vec<u64>,
    payload: Vec<u8>,
    exhausted: bool,
    tally: Tally,
}

impl Publisher {
    /// Connects gateway `index`.
    pub(super) async fn open(
        options: &LoadOptions,
        index: usize,
        fleet: Fleet,
        progress: Arc<LoadProgress>,
    ) -> anyhow::Result<Self> {
        let name = format!("LOAD-{:04}", index + 1);
        let session = mqtt::open(&options.broker, &name).await.with_context(|| format!("gateway `{name}`"))?;
        let gateways = options.gateways as u64;
        // The first few take what does not divide.
        let max_messages =
            options.max_messages.map_or(u64::MAX, |max| max / gateways + u64::from((index as u64) < max % gateways));
        #[expect(clippy::cast_precision_loss, reason = "a rate is far below 2^53")]
        let messages_per_s = options.messages_per_s as f64 / options.gateways as f64;
        Ok(Self {
            window: u64::from(options.inflight.min(session.receive_maximum).max(1)),
            session,
            progress,
            topic: format!("coldtrail/v1/LOAD/{name}/readings"),
            readings_per_message: options.readings_per_message,
            lasts: options.lasts,
            max_messages,
            messages_per_s,
            written_us: vec![0; 1 << 16],
            payload: Vec::with_capacity(options.readings_per_message * 72),
            exhausted: false,
            tally: Tally {
                published: 0,
                acknowledged: 0,
                refused: 0,
                payload_bytes: 0,
                last_ack: Duration::ZERO,
                last_stamp: fleet.round(),
                latencies: Latencies::default(),
                error: None,
            },
            fleet,
        })
    }

    /// Publishes for as long as asked, then waits for what is outstanding.
    pub(super) async fn run(mut self, began: Instant) -> Tally {
        if let Err(error) = self.publish(began).await {
            self.tally.error = Some(format!("{error:#}"));
        }
        self.tally.last_stamp = self.fleet.round();
        self.tally
    }

    async fn publish(&mut self, began: Instant) -> anyhow::Result<()> {
        let mut outbox = BytesMut::with_capacity(2 * OUTBOX_BYTES);
        let ends = began + self.lasts;
        loop {
            let throttled = self.fill(&mut outbox, began);
            let outstanding = self.outstanding();
            let ended = self.is_over(began.elapsed());
            if ended && outstanding == 0 && outbox.is_empty() {
                wire::put_disconnect(&mut outbox);
                self.session.writer.write_all(&outbox).await?;
                self.session.writer.shutdown().await?;
                return Ok(());
            }
            if Instant::now() > ends + DRAIN_LIMIT {
                bail!("`{outstanding}` messages were not acknowledged within {} s", DRAIN_LIMIT.as_secs());
            }
            let wake = if throttled { THROTTLE } else { Duration::from_secs(1) };
            let mut read_bytes = 0;
            tokio::select! {
                read = self.session.reader.read_buf(&mut self.session.inbox) => {
                    read_bytes = read?;
                    if read_bytes == 0 {
                        bail!("closed by the server with `{outstanding}` messages outstanding");
                    }
                }
                written = self.session.writer.write_buf(&mut outbox), if !outbox.is_empty() => {
                    written?;
                    // TLS keeps what the socket would not take.
                    self.session.writer.flush().await?;
                }
                () = tokio::time::sleep(wake) => {
                    if !throttled && outbox.is_empty() {
                        wire::put_ping(&mut outbox);
                    }
                }
            }
            if read_bytes > 0 {
                self.count(began.elapsed())?;
            }
        }
    }

    fn outstanding(&self) -> u64 {
        self.tally.published - self.tally.acknowledged - self.tally.refused
    }

    fn is_over(&self, elapsed: Duration) -> bool {
        self.exhausted || elapsed >= self.lasts || self.tally.published >= self.max_messages
    }

    /// Makes messages while there is room; `true` when only the rate forbids more.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of messages and a time in µs")]
    fn fill(&mut self, outbox: &mut BytesMut, began: Instant) -> bool {
        let elapsed = began.elapsed();
        if self.is_over(elapsed) {
            return false;
        }
        let due =
            if self.messages_per_s > 0.0 { (elapsed.as_secs_f64() * self.messages_per_s) as u64 + 1 } else { u64::MAX };
        let before = self.tally.published;
        let now_us = elapsed.as_micros() as u64;
        while outbox.len() < OUTBOX_BYTES
            && self.outstanding() < self.window
            && self.tally.published < due.min(self.max_messages)
        {
            self.payload.clear();
            if !self.fleet.write(self.readings_per_message, &mut self.payload) {
                self.exhausted = true;
                break;
            }
            // 1 to 65,535; in flight are fewer than that, so an id is free when its turn comes again.
            let id = (self.tally.published % 65_535) as u16 + 1;
            wire::put_publish_head(outbox, self.session.protocol, (&self.topic, id, false), self.payload.len());
            outbox.extend_from_slice(&self.payload);
            self.written_us[usize::from(id)] = now_us;
            self.tally.published += 1;
            self.tally.payload_bytes += self.payload.len() as u64;
        }
        self.progress.add(self.tally.published - before, 0);
        self.tally.published >= due && self.outstanding() < self.window
    }

    /// Counts what has been acknowledged.
    #[expect(clippy::cast_possible_truncation, reason = "a run is shorter than half a million years")]
    fn count(&mut self, elapsed: Duration) -> anyhow::Result<()> {
        let now_us = elapsed.as_micros() as u64;
        let before = self.tally.acknowledged;
        while let Some(packet) = wire::take(&mut self.session.inbox, self.session.protocol)? {
            match packet {
                Incoming::PubAck { id, code } if code < 0x80 => {
                    self.tally.acknowledged += 1;
                    self.tally.latencies.add(now_us.saturating_sub(self.written_us[usize::from(id)]));
                }
                Incoming::PubAck { .. } => self.tally.refused += 1,
                Incoming::Disconnect { code } => bail!("the server said goodbye with code `{code:#04x}`"),
                Incoming::Pong | Incoming::ConnAck { .. } => {}
            }
        }
        if self.tally.acknowledged > before {
            self.tally.last_ack = elapsed;
            self.progress.add(0, self.tally.acknowledged - before);
        }
        Ok(())
    }
}
