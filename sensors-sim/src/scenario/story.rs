//! What goes wrong, where, from when and for how long.

use serde::Deserialize;

use crate::span::Span;

/// One thing that goes wrong.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct StorySpec {
    /// The room, vehicle, box, gateway or sensor it happens to; a `*` at the end takes all that begin so.
    pub(crate) target: String,
    /// When, from the start.
    #[serde(default)]
    pub(crate) at: Span,
    /// For how long; without it, to the end.
    #[serde(rename = "for")]
    pub(crate) lasts: Option<Span>,
    #[serde(flatten)]
    pub(crate) what: What,
}

/// Kinds of things that go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum What {
    /// A room's or vehicle's cooling does nothing.
    CompressorFailure,
    /// A room's heating does nothing.
    HeaterFailure,
    /// A room's or vehicle's door stands open.
    DoorLeftOpen,
    /// A vehicle stands with everything off, in the sun.
    EngineOff,
    /// A box is packed with this share of its packs.
    PacksMissing {
        /// From 0 to 1.
        share: f64,
    },
    /// It gets colder (or, negative, hotter) outside; the target is `weather`.
    ColdSnap {
        /// By how much, °C.
        by_c: f64,
    },
    /// A gateway has no network: it keeps its messages and sends them afterwards.
    GatewayOffline,
    /// A gateway restarts and sends its last messages again.
    GatewayRestart,
    /// A gateway's clock is off.
    ClockOff {
        /// Ahead (negative: behind) by this.
        by: Span,
    },
    /// A gateway has lost its clock, which starts again in 1970.
    ClockLost,
    /// This share of a gateway's messages is damaged on the way.
    Garbled {
        /// From 0 to 1.
        share: f64,
    },
    /// A sensor says nothing.
    SensorSilent,
    /// A sensor repeats its last value.
    SensorStuck,
}
