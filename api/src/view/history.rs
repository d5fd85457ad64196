//! Histories as they are sent.

use analytics::history::{Bucket, Extremes, Reading};
use model::instant::to_rfc3339;
use serde::Serialize;
use utoipa::ToSchema;

/// One point of a history: a reading, or with `max_points` a bucket.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum PointView {
    /// A reading.
    Reading(ReadingView),
    /// What was read in a stretch of time.
    Bucket(BucketView),
}

/// A reading as it is stored.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReadingView {
    /// The sensor.
    sensor: String,
    /// When it measured.
    measured_at: String,
    /// When the message arrived.
    received_at: String,
    /// °C.
    temperature_c: Option<f64>,
    /// %RH.
    humidity_pct: Option<f64>,
    /// The unit it names.
    unit: Option<String>,
    /// The device's own counter.
    seq: Option<i64>,
    /// `good`, or `conflict`: another reading of this sensor and instant has other values.
    quality: String,
}

/// What one sensor read in a stretch of time; stretches without a reading are left out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BucketView {
    /// The sensor.
    sensor: String,
    /// The stretch's first instant.
    from: String,
    /// The instant it ends before.
    to: String,
    /// How many readings it has.
    readings: u64,
    /// When the first of them was measured.
    first_at: String,
    /// When the last of them was measured.
    last_at: String,
    /// °C.
    temperature_c: ExtremesView,
    /// %RH.
    humidity_pct: ExtremesView,
}

/// The extremes of a quantity and its last value; null when it was not read.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct ExtremesView {
    /// The lowest.
    min: Option<f64>,
    /// The highest.
    max: Option<f64>,
    /// The last.
    last: Option<f64>,
}

impl From<Reading> for PointView {
    fn from(reading: Reading) -> Self {
        Self::Reading(ReadingView {
            sensor: reading.sensor.into(),
            measured_at: reading.measured_at.to_string(),
            received_at: reading.received_at.to_string(),
            temperature_c: reading.temperature_c,
            humidity_pct: reading.humidity_pct,
            unit: reading.unit.map(Into::into),
            seq: reading.seq,
            quality: reading.quality.into(),
        })
    }
}

impl From<Bucket> for PointView {
    fn from(bucket: Bucket) -> Self {
        Self::Bucket(BucketView {
            sensor: bucket.sensor.into(),
            from: to_rfc3339(bucket.from),
            to: to_rfc3339(bucket.to),
            readings: bucket.readings,
            first_at: to_rfc3339(bucket.first_at),
            last_at: to_rfc3339(bucket.last_at),
            temperature_c: bucket.temperature_c.into(),
            humidity_pct: bucket.humidity_pct.into(),
        })
    }
}

impl From<Option<Extremes>> for ExtremesView {
    fn from(extremes: Option<Extremes>) -> Self {
        extremes.map_or_else(Self::default, |of| Self { min: Some(of.min), max: Some(of.max), last: Some(of.last) })
    }
}
