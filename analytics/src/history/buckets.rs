//! Readings counted into buckets as they stream by.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, PrimitiveArray, RecordBatch};
use arrow::datatypes::{Float64Type, SchemaRef, TimestampMillisecondType};

use crate::error::SqlError;
use crate::sql::{Measured, Sink};

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
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        if at > self.last_at || (at == self.last_at && value > self.last) {
            (self.last, self.last_at) = (value, at);
        }
    }
}

/// The filled buckets, by sensor and time.
pub(super) struct Filled(pub(super) Vec<Bucket>);

impl Measured for Filled {
    fn size(&self) -> usize {
        0
    }
}

/// Takes rows of `sensor, measured_at, temperature_c, humidity_pct` in any order.
pub(super) struct Gather {
    from: i64,
    to: i64,
    width: i64,
    sensors: HashMap<Box<str>, usize>,
    /// By sensor, then by number of the bucket.
    buckets: Vec<Vec<Option<Bucket>>>,
}

impl Gather {
    pub(super) fn sink(
        schema: &SchemaRef,
        from: i64,
        to: i64,
        width: i64,
    ) -> Result<Box<dyn Sink<Answer = Filled>>, SqlError> {
        schema.index_of("humidity_pct").map_err(SqlError::internal)?;
        let width = width.max(1);
        Ok(Box::new(Self { from, to, width, sensors: HashMap::new(), buckets: Vec::new() }))
    }

    fn row_of(&mut self, sensor: &str) -> usize {
        if let Some(row) = self.sensors.get(sensor) {
            return *row;
        }
        self.sensors.insert(sensor.into(), self.buckets.len());
        self.buckets.push(Vec::new());
        self.buckets.len() - 1
    }
}

impl Sink for Gather {
    type Answer = Filled;

    fn take(&mut self, batch: &RecordBatch) -> Result<(), SqlError> {
        let wrong = || SqlError::internal(arrow::error::ArrowError::SchemaError("readings have other columns".into()));
        let sensor = batch.column(0).as_string_opt::<i32>().ok_or_else(wrong)?;
        let instants = batch.column(1).as_primitive_opt::<TimestampMillisecondType>().ok_or_else(wrong)?;
        let temperature = batch.column(2).as_primitive_opt::<Float64Type>().ok_or_else(wrong)?;
        let humidity = batch.column(3).as_primitive_opt::<Float64Type>().ok_or_else(wrong)?;
        let value = |column: &PrimitiveArray<Float64Type>, row: usize| column.is_valid(row).then(|| column.value(row));
        let mut row = 0;
        while row < batch.num_rows() {
            // rows of a sensor stand together
            let name = sensor.value(row);
            let (of, from, to, width) = (self.row_of(name), self.from, self.to, self.width);
            let buckets = &mut self.buckets[of];
            while row < batch.num_rows() && sensor.value(row) == name {
                let at = instants.value(row);
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
                    (&mut bucket.temperature_c, value(temperature, row)),
                    (&mut bucket.humidity_pct, value(humidity, row)),
                ] {
                    match (extremes, value) {
                        (_, None) => {}
                        (Some(extremes), Some(value)) => extremes.take(value, at),
                        (extremes @ None, Some(value)) => *extremes = Some(Extremes::of(value, at)),
                    }
                }
                row += 1;
            }
        }
        Ok(())
    }

    fn size(&self) -> usize {
        0
    }

    fn finish(self: Box<Self>) -> Result<Filled, SqlError> {
        let mut filled: Vec<Bucket> = self.buckets.into_iter().flatten().flatten().collect();
        filled.sort_by(|one, other| (one.from, &one.sensor).cmp(&(other.from, &other.sensor)));
        Ok(Filled(filled))
    }
}
