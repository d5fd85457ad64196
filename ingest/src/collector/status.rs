//! What is known of one broker's collector at any time, for health, metrics and alarms.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use metrics::{Counter, Gauge, counter, gauge};
use model::instant::ReceivedAt;

/// How a collector stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollectorState {
    /// Whether a connection to the broker stands.
    pub connected: bool,
    /// How many connections have stood since the start.
    pub connections: u64,
    /// Messages taken since the start, repeated deliveries included.
    pub messages: u64,
    /// When the last message came.
    pub last_message: Option<ReceivedAt>,
    /// Messages of this connection that are taken and whose acknowledgement is not yet sent.
    pub unacknowledged: u64,
    /// Filters the broker refuses.
    pub refused_filters: u64,
    /// Why the last connection ended, or the last attempt failed: the `reason` of the metric.
    pub last_disconnect: Option<&'static str>,
    /// Whether another client was found using our client id; until a connection stands for a minute.
    pub contested: bool,
}

/// [`CollectorState`] as it is kept, and the metrics beside it.
pub(super) struct Status {
    broker: String,
    connected: AtomicBool,
    connections: AtomicU64,
    messages: AtomicU64,
    last_message: AtomicI64,
    unacknowledged: AtomicU64,
    refused_filters: AtomicU64,
    last_disconnect: Mutex<Option<&'static str>>,
    contested: AtomicBool,
    connected_gauge: Gauge,
    unacknowledged_gauge: Gauge,
    refused_gauge: Gauge,
    contested_gauge: Gauge,
    messages_counter: Counter,
    bytes_counter: Counter,
    stale_acks_counter: Counter,
    refusals_counter: Counter,
    sessions_lost_counter: Counter,
    too_large_counter: Counter,
}

/// Stands for "no message yet"; no clock shows it.
const NEVER: i64 = i64::MIN;

impl Status {
    pub(super) fn new(broker: &str) -> Self {
        let gauge = |name: &'static str| gauge!(name, "broker" => broker.to_owned());
        let counter = |name: &'static str| counter!(name, "broker" => broker.to_owned());
        let status = Self {
            broker: broker.to_owned(),
            connected: AtomicBool::new(false),
            connections: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            last_message: AtomicI64::new(NEVER),
            unacknowledged: AtomicU64::new(0),
            refused_filters: AtomicU64::new(0),
            last_disconnect: Mutex::new(None),
            contested: AtomicBool::new(false),
            connected_gauge: gauge("coldtrail_collector_connected"),
            unacknowledged_gauge: gauge("coldtrail_collector_unacknowledged"),
            refused_gauge: gauge("coldtrail_collector_filters_refused"),
            contested_gauge: gauge("coldtrail_collector_contested"),
            messages_counter: counter("coldtrail_collector_messages_total"),
            bytes_counter: counter("coldtrail_collector_payload_bytes_total"),
            stale_acks_counter: counter("coldtrail_collector_stale_acks_dropped_total"),
            refusals_counter: counter("coldtrail_collector_subscribe_refusals_total"),
            sessions_lost_counter: counter("coldtrail_collector_sessions_lost_total"),
            too_large_counter: counter("coldtrail_collector_too_large_total"),
        };
        status.connected_gauge.set(0.0);
        status.contested_gauge.set(0.0);
        status
    }

    pub(super) fn snapshot(&self) -> CollectorState {
        let last_message = self.last_message.load(Ordering::Relaxed);
        CollectorState {
            connected: self.connected.load(Ordering::Relaxed),
            connections: self.connections.load(Ordering::Relaxed),
            messages: self.messages.load(Ordering::Relaxed),
            last_message: (last_message != NEVER).then(|| ReceivedAt::from_millis(last_message)),
            unacknowledged: self.unacknowledged.load(Ordering::Relaxed),
            refused_filters: self.refused_filters.load(Ordering::Relaxed),
            last_disconnect: *self.last_disconnect.lock().unwrap_or_else(PoisonError::into_inner),
            contested: self.contested.load(Ordering::Relaxed),
        }
    }

    pub(super) fn connected(&self) {
        self.connected.store(true, Ordering::Relaxed);
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.connected_gauge.set(1.0);
    }

    /// The connection is over; gives how many acknowledgements it still owed, which nobody will send.
    pub(super) fn disconnected(&self, reason: &'static str) -> u64 {
        self.connected.store(false, Ordering::Relaxed);
        *self.last_disconnect.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
        self.connected_gauge.set(0.0);
        let stale = self.unacknowledged.swap(0, Ordering::Relaxed);
        self.unacknowledged_gauge.set(0.0);
        self.stale_acks_counter.increment(stale);
        counter!("coldtrail_collector_disconnects_total", "broker" => self.broker.clone(), "reason" => reason)
            .increment(1);
        stale
    }

    pub(super) fn took(&self, bytes: usize, at: ReceivedAt, owes: bool) {
        self.messages.fetch_add(1, Ordering::Relaxed);
        self.last_message.store(at.millis(), Ordering::Relaxed);
        self.messages_counter.increment(1);
        self.bytes_counter.increment(bytes as u64);
        if owes {
            self.unacknowledged.fetch_add(1, Ordering::Relaxed);
            self.unacknowledged_gauge.increment(1.0);
        }
    }

    pub(super) fn acknowledged(&self) {
        self.unacknowledged.fetch_sub(1, Ordering::Relaxed);
        self.unacknowledged_gauge.decrement(1.0);
    }

    pub(super) fn session_lost(&self) {
        self.sessions_lost_counter.increment(1);
    }

    pub(super) fn too_large(&self) {
        self.too_large_counter.increment(1);
    }

    /// `now_refused` filters stand refused, `newly` of them by the last answer.
    pub(super) fn refused(&self, newly: usize, now_refused: usize) {
        self.refusals_counter.increment(newly as u64);
        self.refused_filters.store(now_refused as u64, Ordering::Relaxed);
        self.refused_gauge.set(now_refused as f64);
    }

    pub(super) fn contested(&self, contested: bool) {
        self.contested.store(contested, Ordering::Relaxed);
        self.contested_gauge.set(if contested { 1.0 } else { 0.0 });
    }
}
