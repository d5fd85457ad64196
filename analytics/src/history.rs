//! Histories: what sensors said over a stretch of time, reading by reading or in buckets that keep every extreme.
//!
//! A unit's history is that of the sensors that made its trace, each while it did. Nothing is corrected here: these
//! are the readings as they are stored, calibrations and exclusions not applied.

mod buckets;
mod columns;
mod ends;
mod rows;
mod scan;
mod stretch;
mod whose;

use std::sync::Arc;

use arrow::array::AsArray;
use model::instant::{MeasuredAt, ReceivedAt};
use model::name::Name;

use crate::error::SqlError;
use crate::sql::{Engine, Reach};
use buckets::Gather;
use rows::Rows;
use scan::Scan;

pub use buckets::{Bucket, Extremes};
pub use stretch::{Stretch, of_custody};
pub use whose::{custody, index};

/// One stored reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The sensor.
    pub sensor: Box<str>,
    /// When it measured.
    pub measured_at: MeasuredAt,
    /// When the message arrived.
    pub received_at: ReceivedAt,
    /// °C.
    pub temperature_c: Option<f64>,
    /// %RH.
    pub humidity_pct: Option<f64>,
    /// The unit it names.
    pub unit: Option<Box<str>>,
    /// The device's own counter.
    pub seq: Option<i64>,
    /// `good` or `conflict`.
    pub quality: Box<str>,
}

/// Where a page of readings begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    /// The instant of the last reading of the page before, ms.
    pub at: i64,
    /// How many readings of that instant were given out.
    pub skip: u32,
}

/// At most `limit` readings of `stretches`, by instant, sensor and arrival, from `after` on.
///
/// # Errors
/// Any [`SqlError`].
pub async fn readings(
    engine: &Engine,
    stretches: &[Stretch],
    after: Option<After>,
    limit: usize,
) -> Result<Vec<Reading>, SqlError> {
    let stretches: Vec<Stretch> = match after {
        Some(after) => stretches.iter().filter_map(|stretch| stretch.within(Some(after.at), None)).collect(),
        None => stretches.to_vec(),
    };
    let Some(condition) = stretch::condition(&stretches) else { return Ok(Vec::new()) };
    let skip = after.map_or(0, |after| after.skip);
    let sql = format!(
        "SELECT sensor, measured_at, received_at, temperature_c, humidity_pct, unit, seq, quality FROM readings \
         WHERE {condition} ORDER BY measured_at, sensor, received_at, temperature_c, humidity_pct \
         LIMIT {limit} OFFSET {skip}"
    );
    let rows = engine.pour(&sql, Reach::NoAudit, Rows::sink).await?;
    Ok(rows.0)
}

/// The readings of `stretches` in buckets of equal length from the first instant to the last, at most `points` in
/// all: by sensor and time, those without a reading left out.
///
/// Where `stretches` have no beginning or no end, the first and the last reading are.
///
/// # Errors
/// Any [`SqlError`].
pub async fn buckets(engine: &Engine, stretches: &[Stretch], points: u32) -> Result<Vec<Bucket>, SqlError> {
    let spans = stretch::spans(stretches);
    if spans.is_empty() {
        return Ok(Vec::new());
    }
    let (first, last) =
        (stretches.iter().map(|stretch| stretch.from).min(), stretches.iter().map(|stretch| stretch.to));
    let from = first.flatten();
    let to = last.reduce(|one, other| one.zip(other).map(|(one, other)| one.max(other))).flatten();
    let sensors = stretch::most_at_once(stretches);
    let points = i64::from(points).checked_div(i64::try_from(sensors).unwrap_or(i64::MAX)).unwrap_or(1).max(1);
    let gathered = engine.look(async move |look| {
        let scan = Arc::new(Scan::new(look, spans));
        let (from, to) = match (from, to) {
            (Some(from), Some(to)) => (from, to),
            (from, to) => {
                let Some((low, high)) = ends::of(&scan).await? else { return Ok(Vec::new()) };
                (from.unwrap_or(low), to.unwrap_or(high.saturating_add(1)))
            }
        };
        let length = to.saturating_sub(from).max(1);
        let width = length.saturating_add(points - 1) / points;
        scan.all(|| Gather::new(from, to, width)).await
    });
    Ok(Gather::merged(gathered.await?))
}

/// The newest reading of every sensor that measured at `from` or later and, when `sensors` are named, is one of them.
///
/// # Errors
/// Any [`SqlError`].
pub async fn newest(engine: &Engine, from: i64, sensors: Option<&[Name]>) -> Result<Vec<Reading>, SqlError> {
    let mut condition = format!("measured_at >= to_timestamp_millis({from})");
    if let Some(sensors) = sensors {
        if sensors.is_empty() {
            return Ok(Vec::new());
        }
        condition = format!("{condition} AND {}", stretch::one_of(sensors));
    }
    let last = |column: &str| format!("last_value({column} ORDER BY measured_at, received_at) AS {column}");
    let sql = format!(
        "SELECT sensor, max(measured_at) AS measured_at, {}, {}, {}, {}, {}, {} FROM readings WHERE {condition} \
         GROUP BY sensor",
        last("received_at"),
        last("temperature_c"),
        last("humidity_pct"),
        last("unit"),
        last("seq"),
        last("quality"),
    );
    let rows = engine.pour(&sql, Reach::NoAudit, Rows::sink).await?;
    Ok(rows.0)
}

/// Every unit that a reading names, with the sensors that named it.
///
/// # Errors
/// Any [`SqlError`].
pub async fn named(engine: &Engine) -> Result<Vec<(Name, Name)>, SqlError> {
    let sql = "SELECT DISTINCT unit, sensor FROM readings WHERE unit IS NOT NULL";
    let answer = engine.answer(sql, Reach::NoAudit).await?;
    let mut named = Vec::new();
    for batch in &answer.batches {
        let (units, sensors) = (batch.column(0).as_string_opt::<i32>(), batch.column(1).as_string_opt::<i32>());
        let Some((units, sensors)) = units.zip(sensors) else { continue };
        let pairs = units.iter().flatten().zip(sensors.iter().flatten());
        named.extend(pairs.filter_map(|(unit, sensor)| Some((Name::parse(unit).ok()?, Name::parse(sensor).ok()?))));
    }
    Ok(named)
}

#[cfg(test)]
mod tests;
