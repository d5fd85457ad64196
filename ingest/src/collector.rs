//! The collector: takes messages from an existing MQTT broker and acknowledges each once it is durable.
//!
//! The broker keeps what we have not acknowledged, so nothing is lost as long as an acknowledgement is sent only
//! for what is on disk, and only on the connection the message came on: after a reconnect the broker delivers
//! again, and packet ids mean other messages. Hence one [`Link`](link::Link), one queue of owed acknowledgements
//! and one watchdog for each connection, all dropped together; only the subscriptions and the backoff live longer.
//!
//! What is delivered twice is journaled twice; a reading's identity makes it one again.
//!
//! Metrics, labelled with the broker's name (install the recorder before the start):
//! `coldtrail_collector_connected`, `_unacknowledged`, `_filters_refused`, `_contested` (gauges),
//! `_messages_total`, `_payload_bytes_total`, `_disconnects_total` (with `reason`), `_stale_acks_dropped_total`,
//! `_subscribe_refusals_total`, `_sessions_lost_total`, `_too_large_total` (counters).

mod backoff;
mod connection;
mod link;
mod options;
mod owed;
mod status;
mod subscriptions;

use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio::time::{self, Instant};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{error, info, warn};

pub use self::options::{CollectorOptions, Credentials, Protocol};
pub use self::status::CollectorState;

use self::backoff::Backoff;
use self::connection::{Connection, End};
use self::status::Status;
use self::subscriptions::Subscriptions;
use crate::Error;
use crate::clock::Clock;
use crate::sink::Sink;

/// Takes messages from one broker for as long as its handle lives.
pub struct Collector {
    options: CollectorOptions,
    sink: Sink,
    clock: Clock,
    status: Arc<Status>,
    stop: CancellationToken,
}

/// A running collector. Dropping it stops the collector without waiting for it.
pub struct CollectorHandle {
    status: Arc<Status>,
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Collector {
    /// Starts collecting into `sink`, every message stamped by `clock`. The broker need not be there yet.
    ///
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Collector`] when an option is outside its limits.
    pub fn start(options: CollectorOptions, sink: Sink, clock: Clock) -> Result<CollectorHandle, Error> {
        options.check()?;
        let status = Arc::new(Status::new(options.name.as_str()));
        let stop = CancellationToken::new();
        let collector = Self { options, sink, clock, status: Arc::clone(&status), stop: stop.clone() };
        Ok(CollectorHandle { status, stop: stop.drop_guard(), task: tokio::spawn(collector.run()) })
    }

    /// One connection after the other, with a pause between them.
    async fn run(self) {
        let mut subscriptions = Subscriptions::new(&self.options.filters);
        let mut backoff = Backoff::new(&self.options);
        let mut epoch = 0_u64;
        while self.wait_for_room().await {
            epoch += 1;
            let connection = Connection::new(&self.options, &self.sink, &self.clock, &self.status);
            let end = connection.run(&mut subscriptions, &self.stop).await;
            let now = Instant::now();
            let stood = connection.stood_at().map(|stood_at| now.duration_since(stood_at));
            drop(connection);
            let stale_acks = self.status.disconnected(end.reason());
            self.report(&end, epoch, stale_acks);
            if matches!(end, End::Stopped | End::StoppedLate | End::JournalClosed) {
                return;
            }
            let pause = backoff.after(end.ended(), stood, now);
            self.status.contested(pause.contested);
            if pause.contested {
                error!(
                    broker = %self.options.name, client_id = self.options.client_id, wait_ms = pause.wait.as_millis(),
                    "another client uses our client id: give each collector its own"
                );
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = time::sleep(pause.wait) => {}
            }
        }
    }

    /// Messages wait at the broker while the journal takes nothing. `false` when we are to stop.
    async fn wait_for_room(&self) -> bool {
        tokio::select! {
            () = self.stop.cancelled() => false,
            () = self.sink.room() => true,
        }
    }

    fn report(&self, end: &End, epoch: u64, stale_acks: u64) {
        let broker = &self.options.name;
        let reason = end.reason();
        match end {
            End::Stopped => info!(%broker, epoch, "stopped collecting"),
            End::Broken(broken) if broken.reason == "packet_too_large" => error!(
                %broker, epoch, stale_acks, detail = broken.detail,
                "the broker sends a packet larger than `max_packet_size`, and will again: raise it"
            ),
            End::Broken(broken) => warn!(%broker, epoch, reason, stale_acks, detail = broken.detail, "lost the broker"),
            _ => warn!(%broker, epoch, reason, stale_acks, "gave up the connection to the broker"),
        }
    }
}

impl CollectorHandle {
    /// How the collector stands.
    #[must_use]
    pub fn state(&self) -> CollectorState {
        self.status.snapshot()
    }

    /// Stops taking messages, acknowledges what becomes durable within the grace, and disconnects. The broker keeps
    /// the session and everything that was not acknowledged.
    pub async fn stop(self) {
        drop(self.stop);
        if let Err(failed) = self.task.await {
            error!(error = %failed, "the collector ended by itself");
        }
    }
}
