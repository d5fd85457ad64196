//! Stretches of time under some sensors, and the conditions that find their readings.
//!
//! Conditions are only ever built from checked names and whole numbers (invariant S1).

use model::name::Name;

use crate::custody::Custody;
use crate::tables::Spans;

/// Later than any reading, ms: 2200-01-01. Further on an instant has no nanoseconds, which the engine compares by.
const LATEST_MS: i64 = 7_258_118_400_000;
/// Earlier than any reading, ms: the epoch.
const EARLIEST_MS: i64 = 0;

/// What some sensors said during [from, to).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The sensors.
    pub sensors: Vec<Name>,
    /// From this instant on, ms; from the first reading on, when absent.
    pub from: Option<i64>,
    /// Before this instant, ms; up to the last reading, when absent.
    pub to: Option<i64>,
}

impl Stretch {
    /// The part of it that lies in [from, to); `None` when there is none.
    #[must_use]
    pub fn within(&self, from: Option<i64>, to: Option<i64>) -> Option<Self> {
        let from = self.from.max(from);
        let to = match (self.to, to) {
            (Some(own), Some(to)) => Some(own.min(to)),
            (own, to) => own.or(to),
        };
        let is_empty = from.zip(to).is_some_and(|(from, to)| from >= to);
        (!is_empty).then(|| Self { sensors: self.sensors.clone(), from, to })
    }

    fn condition(&self) -> Option<String> {
        if self.sensors.is_empty() {
            return None;
        }
        let mut condition = one_of(&self.sensors);
        if let Some(from) = self.from {
            condition.push_str(&format!(" AND measured_at >= {}", instant(from)));
        }
        if let Some(to) = self.to {
            condition.push_str(&format!(" AND measured_at < {}", instant(to)));
        }
        Some(condition)
    }
}

/// The stretches of a unit's trace: its sensors, each while it made it. The window's last instant belongs to it.
#[must_use]
pub fn of_custody(custody: &Custody) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let last = custody.pieces.len().saturating_sub(1);
    for (number, piece) in custody.pieces.iter().enumerate() {
        let end = piece.to.millis();
        let to = if number == last { end.saturating_add(1) } else { end };
        match stretches.last_mut() {
            // where only the place changes, the same sensors go on
            Some(before) if before.sensors == piece.sensors => before.to = Some(to),
            _ => stretches.push(Stretch {
                sensors: piece.sensors.clone(),
                from: Some(piece.from.millis()),
                to: Some(to),
            }),
        }
    }
    stretches
}

/// The condition that holds for the readings of `stretches`; `None` when no sensor is in them.
pub(super) fn condition(stretches: &[Stretch]) -> Option<String> {
    let conditions: Vec<String> = stretches.iter().filter_map(Stretch::condition).collect();
    match conditions.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(format!("(({}))", many.join(") OR ("))),
    }
}

/// The condition that holds for readings of these sensors, of which there is at least one.
pub(super) fn one_of(sensors: &[Name]) -> String {
    match sensors {
        [sensor] => format!("sensor = '{sensor}'"),
        sensors => {
            let names: Vec<String> = sensors.iter().map(|sensor| format!("'{sensor}'")).collect();
            format!("sensor IN ({})", names.join(", "))
        }
    }
}

/// Which instants of which sensors `stretches` are about.
pub(super) fn spans(stretches: &[Stretch]) -> Spans {
    Spans::of(stretches.iter().flat_map(|stretch| {
        let span = (stretch.from.unwrap_or(i64::MIN), stretch.to.unwrap_or(i64::MAX));
        stretch.sensors.iter().map(move |sensor| (sensor.as_str(), span))
    }))
}

/// The most sensors that one of the stretches has.
pub(super) fn most_at_once(stretches: &[Stretch]) -> usize {
    stretches.iter().map(|stretch| stretch.sensors.len()).max().unwrap_or(1).max(1)
}

fn instant(millis: i64) -> String {
    format!("to_timestamp_millis({})", millis.clamp(EARLIEST_MS, LATEST_MS))
}
