//! What a gateway hands to the network, and what must become of it.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use model::instant::MeasuredAt;
use model::rejection::Reason;

use crate::probe::Measurement;

/// One reading inside a [`Message`].
#[derive(Clone, Copy, Debug)]
pub struct SentReading {
    /// The sensor, by its index in [`crate::World::sensor_name`].
    pub sensor: usize,
    /// The stamp it carries: the device's clock, right or wrong.
    pub measured_at: MeasuredAt,
    /// When it was really measured.
    pub true_at: DateTime<Utc>,
    /// Why the server must refuse it; `None` when it must be readable afterwards.
    pub refusal: Option<Reason>,
    /// Whether no earlier reading of this sensor said the same thing with the same stamp.
    pub fresh: bool,
    pub(crate) measurement: Measurement,
}

/// One MQTT message of a gateway.
#[derive(Clone, Debug)]
pub struct Message {
    /// The gateway, by its index in [`crate::World::gateway_name`].
    pub gateway: usize,
    /// Its number at that gateway, from 1.
    pub seq: u64,
    /// The number of the message it repeats byte by byte.
    pub copy_of: Option<u64>,
    /// When the gateway handed it over, in true simulated time.
    pub published_at: DateTime<Utc>,
    /// `coldtrail/v1/{site}/{gateway}/readings`.
    pub topic: Arc<str>,
    /// The JSON, possibly damaged.
    pub payload: Bytes,
    /// What is in it, or was before it was damaged.
    pub readings: Arc<[SentReading]>,
    /// Why the server must refuse the message as a whole.
    pub refusal: Option<Reason>,
}

impl Message {
    /// The number under which its readings count: its own, or that of the message it repeats.
    #[must_use]
    pub fn origin(&self) -> u64 {
        self.copy_of.unwrap_or(self.seq)
    }

    /// How many distinct readings it adds that must be readable afterwards.
    #[must_use]
    pub fn readable(&self) -> u64 {
        self.count(|reading| reading.refusal.is_none() && reading.fresh)
    }

    /// How many of its readings repeat one that an earlier message carried.
    #[must_use]
    pub fn repeated(&self) -> u64 {
        self.count(|reading| reading.refusal.is_none() && !reading.fresh)
    }

    /// How many of its readings must be refused one by one; none when the whole message must be.
    #[must_use]
    pub fn refused_readings(&self) -> u64 {
        self.count(|reading| reading.refusal.is_some())
    }

    fn count(&self, wanted: impl Fn(&SentReading) -> bool) -> u64 {
        if self.refusal.is_some() {
            return 0;
        }
        self.readings.iter().map(|reading| u64::from(wanted(reading))).sum()
    }
}

/// What a world brings forth, in order.
#[derive(Clone, Debug)]
pub enum Emission {
    /// A gateway sends a message.
    Message(Message),
    /// A gateway's network is cut; what is unacknowledged stays so until it is back.
    LinkDown {
        /// The gateway's index.
        gateway: usize,
    },
    /// A gateway's network is back.
    LinkUp {
        /// The gateway's index.
        gateway: usize,
    },
}
