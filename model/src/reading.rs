//! A reading: what one sensor measured at one instant.

use crate::instant::MeasuredAt;
use crate::name::Name;
use crate::quantity::{Humidity, Temperature};

/// What one sensor measured at one instant, with its values checked and rounded.
///
/// Text is borrowed from the message it came in; whoever keeps a reading interns the names. At least one of
/// `temperature` and `humidity` is present. A reading's identity is (`sensor`, `measured_at`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading<'a> {
    /// The sensor's name, already checked to be one.
    pub sensor: &'a str,
    /// When it measured, by its own clock.
    pub measured_at: MeasuredAt,
    /// The temperature, if it measured one.
    pub temperature: Option<Temperature>,
    /// The relative humidity, if it measured one.
    pub humidity: Option<Humidity>,
    /// The logistic unit the logger travels with, already checked to be a name.
    pub unit: Option<&'a str>,
    /// The device's own counter.
    pub seq: Option<i64>,
    /// Battery voltage, in volts.
    pub battery_v: Option<f32>,
    /// Radio signal strength, in dBm.
    pub rssi_dbm: Option<f32>,
}

/// A reading on its own: what somebody who watches admissions is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The sensor.
    pub sensor: Name,
    /// When it measured, by its own clock.
    pub measured_at: MeasuredAt,
    /// The temperature, if it measured one.
    pub temperature: Option<Temperature>,
    /// The relative humidity, if it measured one.
    pub humidity: Option<Humidity>,
    /// The logistic unit the logger travels with.
    pub unit: Option<Name>,
}

impl Observation {
    /// The reading on its own; `None` when one of its names is none.
    #[must_use]
    pub fn of(reading: &Reading<'_>) -> Option<Self> {
        Some(Self {
            sensor: Name::parse(reading.sensor).ok()?,
            measured_at: reading.measured_at,
            temperature: reading.temperature,
            humidity: reading.humidity,
            unit: reading.unit.and_then(|unit| Name::parse(unit).ok()),
        })
    }
}

/// How a reading relates to others of the same identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quality {
    /// No other reading of this identity says otherwise.
    Good,
    /// Another reading of the same sensor and instant has another value; both are kept.
    Conflict,
}

impl Quality {
    /// The word in the column `quality`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Conflict => "conflict",
        }
    }
}
