//! Payload dialects: from the bytes of one message to candidate readings. One file each, one line in [`Dialects`].
//!
//! A decoder only reads; whether a candidate is believable is for the admission to say. A decoder never sees a
//! message before it is on disk, and one that panics costs nothing but that message, which becomes a row of
//! `rejected` with reason `decoder`.

mod native;

use std::panic::{AssertUnwindSafe, catch_unwind};

use model::rejection::Reason;

pub use native::Native;

/// Where a message says it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The site, a name.
    pub site: &'a str,
    /// The gateway, a name.
    pub gateway: &'a str,
}

/// What a message says one sensor measured, before anything of it was believed.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate<'a> {
    /// The sensor's name as sent.
    pub sensor: std::borrow::Cow<'a, str>,
    /// The device's instant, in ms since the epoch.
    pub at: i64,
    /// Degrees Celsius as sent.
    pub temperature_c: Option<f64>,
    /// Percent of relative humidity as sent.
    pub humidity_pct: Option<f64>,
    /// The logistic unit's name as sent.
    pub unit: Option<std::borrow::Cow<'a, str>>,
    /// The device's counter.
    pub seq: Option<i64>,
    /// Battery voltage, V.
    pub battery_v: Option<f32>,
    /// Signal strength, dBm.
    pub rssi_dbm: Option<f32>,
}

/// The readings of one message in their order, each by itself readable or not.
pub type Decoded<'a> = Vec<Result<Candidate<'a>, Reason>>;

/// A payload dialect.
pub trait Decoder: Send + Sync {
    /// The dialect's name, for metrics and logs.
    fn name(&self) -> &'static str;

    /// Where a message on `topic` comes from, if the topic is one of this dialect's.
    fn origin<'t>(&self, topic: &'t str) -> Option<Origin<'t>>;

    /// Reads a message.
    ///
    /// # Errors
    /// The reason why nothing of it can be read; the whole message is refused then.
    fn decode<'a>(&self, payload: &'a [u8]) -> Result<Decoded<'a>, Reason>;

    /// The bytes of the reading at `index` alone, for the record of what was refused.
    fn part<'a>(&self, payload: &'a [u8], index: usize) -> &'a [u8];
}

/// All dialects, asked in order whose topic a message's is.
pub struct Dialects(Vec<Box<dyn Decoder>>);

impl Default for Dialects {
    fn default() -> Self {
        Self(vec![Box::new(Native)])
    }
}

impl Dialects {
    /// The given dialects, asked in this order.
    #[must_use]
    pub fn new(decoders: Vec<Box<dyn Decoder>>) -> Self {
        Self(decoders)
    }

    /// The dialect of `topic` and where the message comes from.
    #[must_use]
    pub fn of_topic<'t>(&self, topic: &'t str) -> Option<(&dyn Decoder, Origin<'t>)> {
        self.0.iter().find_map(|decoder| Some((decoder.as_ref(), decoder.origin(topic)?)))
    }
}

/// Decodes; a panic of the decoder is reason [`Reason::Decoder`].
///
/// # Errors
/// As [`Decoder::decode`].
pub fn decode<'a>(decoder: &dyn Decoder, payload: &'a [u8]) -> Result<Decoded<'a>, Reason> {
    // A decoder keeps no state, so there is nothing a panic could leave half changed.
    catch_unwind(AssertUnwindSafe(|| decoder.decode(payload))).unwrap_or_else(|_| {
        tracing::error!(dialect = decoder.name(), "a decoder panicked; the message is among the rejected");
        Err(Reason::Decoder)
    })
}

#[cfg(test)]
mod tests;
