//! Counters of a run, readable while it goes on, and their last state.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::message::Message;
use crate::world::World;

/// Live counters. Messages count once, however often a connection had to send them.
#[derive(Debug, Default)]
pub struct Progress {
    sensors: u64,
    gateways: u64,
    simulated_ms: AtomicI64,
    connected: AtomicU64,
    reconnects: AtomicU64,
    published_messages: AtomicU64,
    acknowledged_messages: AtomicU64,
    refused_messages: AtomicU64,
    resent_messages: AtomicU64,
    copied_messages: AtomicU64,
    published_readings: AtomicU64,
    acknowledged_readings: AtomicU64,
    repeated_readings: AtomicU64,
    must_reject_messages: AtomicU64,
    must_reject_readings: AtomicU64,
    acknowledged_must_reject: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Sensors in the world.
    pub sensors: u64,
    /// Gateways in the world.
    pub gateways: u64,
    /// Connections open now.
    pub connected: u64,
    /// Connections opened after the first of each gateway.
    pub reconnects: u64,
    /// Messages handed to the network, copies included.
    pub published_messages: u64,
    /// Messages acknowledged, copies included.
    pub acknowledged_messages: u64,
    /// Messages that the server answered with a refusal (MQTT 5).
    pub refused_messages: u64,
    /// Messages that a connection sent again after it broke.
    pub resent_messages: u64,
    /// Messages that repeat an earlier one by design.
    pub copied_messages: u64,
    /// Distinct readings (sensor, stamp, values) published that must be readable afterwards.
    pub published_readings: u64,
    /// Distinct readings that were in an acknowledged message and must be readable afterwards.
    pub acknowledged_readings: u64,
    /// Readings published again by design, in copies or with a stamp that came twice.
    pub repeated_readings: u64,
    /// Messages published that must be rejected as a whole.
    pub must_reject_messages: u64,
    /// Readings published in readable messages that must be rejected one by one.
    pub must_reject_readings: u64,
    /// Of both, those in acknowledged messages: the rows to expect among the rejected, save redeliveries.
    pub acknowledged_must_reject: u64,
    /// How far the world has come, ms since the epoch.
    pub simulated_ms: i64,
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

impl Progress {
    pub(super) fn of(world: &World) -> Self {
        Self {
            sensors: world.sensors() as u64,
            gateways: world.gateways() as u64,
            simulated_ms: AtomicI64::new(world.now().timestamp_millis()),
            ..Self::default()
        }
    }

    pub(super) fn at(&self, now: DateTime<Utc>) {
        self.simulated_ms.store(now.timestamp_millis(), Ordering::Relaxed);
    }

    /// How far the world has come.
    #[must_use]
    pub fn simulated_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.simulated_ms.load(Ordering::Relaxed)).unwrap_or_default()
    }

    pub(super) fn connected(&self, again: bool) {
        add(&self.connected, 1);
        add(&self.reconnects, u64::from(again));
    }

    pub(super) fn disconnected(&self) {
        self.connected.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts a message that leaves for the first time; `first` when no copy of it has left before.
    pub(super) fn published(&self, message: &Message, first: bool) {
        add(&self.published_messages, 1);
        add(&self.copied_messages, u64::from(message.copy_of.is_some()));
        let again = if first { 0 } else { message.readable() };
        add(&self.published_readings, message.readable() - again);
        add(&self.repeated_readings, message.repeated() + again);
        add(&self.must_reject_messages, u64::from(message.refusal.is_some()));
        add(&self.must_reject_readings, message.refused_readings());
    }

    pub(super) fn resent(&self) {
        add(&self.resent_messages, 1);
    }

    /// Counts an acknowledgement; `first` when no copy of the message has been acknowledged before.
    pub(super) fn acknowledged(&self, message: &Message, first: bool) {
        add(&self.acknowledged_messages, 1);
        add(&self.acknowledged_readings, if first { message.readable() } else { 0 });
        add(&self.acknowledged_must_reject, u64::from(message.refusal.is_some()) + message.refused_readings());
    }

    pub(super) fn refused(&self) {
        add(&self.refused_messages, 1);
    }

    /// The counters now.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Summary {
            sensors: self.sensors,
            gateways: self.gateways,
            connected: get(&self.connected),
            reconnects: get(&self.reconnects),
            published_messages: get(&self.published_messages),
            acknowledged_messages: get(&self.acknowledged_messages),
            refused_messages: get(&self.refused_messages),
            resent_messages: get(&self.resent_messages),
            copied_messages: get(&self.copied_messages),
            published_readings: get(&self.published_readings),
            acknowledged_readings: get(&self.acknowledged_readings),
            repeated_readings: get(&self.repeated_readings),
            must_reject_messages: get(&self.must_reject_messages),
            must_reject_readings: get(&self.must_reject_readings),
            acknowledged_must_reject: get(&self.acknowledged_must_reject),
            simulated_ms: self.simulated_ms.load(Ordering::Relaxed),
        }
    }
}
