//! What the listener counts.
//!
//! The recorder must be installed before the listener is bound: counters are looked up once.

use metrics::{Counter, Gauge, counter, gauge};

/// Handles to the counters that move with every message, and the names of the others.
#[derive(Clone, Debug)]
pub(super) struct Meters {
    connections: Gauge,
    messages: Counter,
    bytes: Counter,
    acknowledged: Counter,
}

impl Meters {
    pub(super) fn new() -> Self {
        Self {
            connections: gauge!("coldtrail_mqtt_connections"),
            messages: counter!("coldtrail_mqtt_messages_total"),
            bytes: counter!("coldtrail_mqtt_bytes_total"),
            acknowledged: counter!("coldtrail_mqtt_acknowledged_total"),
        }
    }

    /// A client was let in; it is counted until the value is dropped.
    pub(super) fn connected(&self) -> Connected {
        self.connections.increment(1.0);
        Connected(self.connections.clone())
    }

    /// Messages were taken; `bytes` with their topics.
    pub(super) fn received(&self, messages: u64, bytes: u64) {
        if messages > 0 {
            self.messages.increment(messages);
            self.bytes.increment(bytes);
        }
    }

    /// Successful acknowledgements were handed to the socket.
    pub(super) fn acknowledged(&self, acknowledgements: u64) {
        if acknowledgements > 0 {
            self.acknowledged.increment(acknowledgements);
        }
    }

    /// A publish, will or subscription was refused.
    pub(super) fn refused(&self, reason: &'static str) {
        counter!("coldtrail_mqtt_refused_total", "reason" => reason).increment(1);
    }

    /// A connection was not let in.
    pub(super) fn connect_failed(&self, reason: &'static str) {
        counter!("coldtrail_mqtt_connect_failures_total", "reason" => reason).increment(1);
    }

    /// A client's connection ended.
    pub(super) fn ended(&self, reason: &'static str) {
        counter!("coldtrail_mqtt_disconnects_total", "reason" => reason).increment(1);
    }
}

/// A client that is counted as connected.
#[derive(Debug)]
pub(super) struct Connected(Gauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
