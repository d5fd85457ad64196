//! Readings counted into buckets as they stream by.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::columns::Columns;
use super::scan::Taker;
use crate::tables::{Spans, has};

/// What one sensor said in one stretch of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    /// The sensor.
    pub sensor: Box<str>,
    /// Its first instant, ms.
    pub from: i64,
    /// The instant it ends before, ms.
    pub to: i64,
    /// How many readings it has.
    pub readings: u64,
    /// The instant of its first reading, ms.
    pub first_at: i64,
    /// The instant of its last reading, ms.
    pub last_at: i64,
    /// The temperatures, °C.
    pub temperature_c: Option<Extremes>,
    /// The humidities, %RH.
    pub humidity_pct: Option<Extremes>,
}

/// The extremes of a quantity and its last value. Of two values at the last instant the higher is the last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extremes {
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
    /// The last.
    pub last: f64,
    /// When that was, ms.
    last_at: i64,
}

impl Extremes {
    fn of(value: f64, at: i64) -> Self {
        Self { min: value, max: value, last: value, last_at: at }
    }

    fn take(&mut self, value: f64, at: i64) {
        self.merge(&Self::of(value, at));
    }

    fn merge(&mut self, other: &Self) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        if other.last_at > self.last_at || (other.last_at == self.last_at && other.last > self.last) {
            (self.last, self.last_at) = (other.last, other.last_at);
        }
    }
}

impl Bucket {
    /// Adds what the same bucket got elsewhere.
    fn merge(&mut self, other: &Self) {
        self.readings += other.readings;
        (self.first_at, self.last_at) = (self.first_at.min(other.first_at), self.last_at.max(other.last_at));
        for (own, other) in
            [(&mut self.temperature_c, &other.temperature_c), (&mut self.humidity_pct, &other.humidity_pct)]
        {
            match (own, other) {
                (_, None) => {}
                (Some(own), Some(other)) => own.merge(other),
                (own @ None, Some(other)) => *own = Some(*other),
            }
        }
    }
}

/// Takes readings in any order.
pub(super) struct Gather {
    from: i64,
    to: i64,
    width: i64,
    /// Of each sensor the buckets by their number.
    sensors: HashMap<Box<str>, Vec<Option<Bucket>>>,
}

impl Gather {
    /// Empty buckets of `width` from `from` on.
    pub(super) fn new(from: i64, to: i64, width: i64) -> Self {
        Self { from, to, width: width.max(1), sensors: HashMap::new() }
    }

    /// What all of `gathered` took, by time and sensor.
    pub(super) fn merged(gathered: Vec<Self>) -> Vec<Bucket> {
        let mut filled: HashMap<(i64, Box<str>), Bucket> = HashMap::new();
        for bucket in gathered.into_iter().flat_map(|one| one.sensors.into_values()).flatten().flatten() {
            match filled.entry((bucket.from, bucket.sensor.clone())) {
                Entry::Occupied(mut known) => known.get_mut().merge(&bucket),
                Entry::Vacant(free) => {
                    free.insert(bucket);
                }
            }
        }
        let mut filled: Vec<Bucket> = filled.into_values().collect();
        filled.sort_by(|one, other| (one.from, &one.sensor).cmp(&(other.from, &other.sensor)));
        filled
    }
}

impl Taker for Gather {
    fn take(&mut self, columns: &Columns, spans: &Spans) {
        let (from, to, width) = (self.from, self.to, self.width);
        columns.runs(spans, |spans, name, rows| {
            if !self.sensors.contains_key(name) {
                self.sensors.insert(name.into(), Vec::new());
            }
            let Some(buckets) = self.sensors.get_mut(name) else { return };
            for row in rows {
                let at = columns.at(row);
                if !has(spans, at) {
                    continue;
                }
                let number = usize::try_from((at - from) / width).unwrap_or(0);
                if buckets.len() <= number {
                    buckets.resize(number + 1, None);
                }
                let bucket = buckets[number].get_or_insert_with(|| {
                    let start = from + (at - from).max(0) / width * width;
                    Bucket {
                        sensor: name.into(),
                        from: start,
                        to: start.saturating_add(width).min(to),
                        readings: 0,
                        first_at: at,
                        last_at: at,
                        temperature_c: None,
                        humidity_pct: None,
                    }
                });
                bucket.readings += 1;
                (bucket.first_at, bucket.last_at) = (bucket.first_at.min(at), bucket.last_at.max(at));
                for (extremes, value) in [
                    (&mut bucket.temperature_c, columns.temperature(row)),
                    (&mut bucket.humidity_pct, columns.humidity(row)),
                ] {
                    match (extremes, value) {
                        (_, None) => {}
                        (Some(extremes), Some(value)) => extremes.take(value, at),
                        (extremes @ None, Some(value)) => *extremes = Some(Extremes::of(value, at)),
                    }
                }
            }
        });
    }
}
