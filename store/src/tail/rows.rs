//! Rows by column, in chunks: sealed chunks are shared with queries, the open one grows.

use std::sync::Arc;

use model::instant::ReceivedAt;
use model::quantity::{Humidity, Temperature};
use model::reading::Reading;

use super::Origin;
use crate::names::{NameId, NameList};

/// Stands for "no value" in the columns of thousandths; no admitted value is near it.
pub(super) const NONE: i32 = i32::MIN;
/// Stands for "no unit".
pub(super) const NO_NAME: u32 = u32::MAX;
/// Stands for a unit that is not among the names.
const UNKNOWN_NAME: u32 = u32::MAX - 1;
/// Stands for "no counter". A device that really counts to it loses that one number.
const NO_SEQ: i64 = i64::MIN;

/// One reading with its names interned and its absent values as sentinels.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub(super) sensor: NameId,
    pub(super) measured_at: i64,
    pub(super) received_at: i64,
    pub(super) temperature: i32,
    pub(super) humidity: i32,
    pub(super) origin: Origin,
    pub(super) unit: u32,
    pub(super) seq: i64,
    pub(super) battery_v: f32,
    pub(super) rssi_dbm: f32,
}

/// How two readings of one identity, or a reading and all known ones of its identity, relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The same values: the reading again.
    Same,
    /// A quantity (or the unit) is present in both and differs.
    Conflict,
    /// No common quantity differs, as when temperature and humidity are sent apart; or another identity.
    Unrelated,
}

impl Row {
    pub(super) fn new(
        reading: &Reading<'_>,
        sensor: NameId,
        unit: Option<NameId>,
        origin: Origin,
        received_at: ReceivedAt,
    ) -> Self {
        Self {
            sensor,
            measured_at: reading.measured_at.millis(),
            received_at: received_at.millis(),
            temperature: reading.temperature.map_or(NONE, Temperature::millidegrees),
            humidity: reading.humidity.map_or(NONE, Humidity::thousandths),
            origin,
            unit: unit.map_or(NO_NAME, NameId::number),
            seq: reading.seq.unwrap_or(NO_SEQ),
            battery_v: reading.battery_v.unwrap_or(f32::NAN),
            rssi_dbm: reading.rssi_dbm.unwrap_or(f32::NAN),
        }
    }

    /// Bytes its values take in the columns that are mostly absent.
    pub(super) fn sparse_bytes(&self) -> usize {
        let (seq, float) = (std::mem::size_of::<Option<i64>>(), std::mem::size_of::<Option<f32>>());
        usize::from(self.seq != NO_SEQ) * seq
            + usize::from(!self.battery_v.is_nan()) * float
            + usize::from(!self.rssi_dbm.is_nan()) * float
    }

    /// The values that decide whether two readings of one identity are the same.
    pub(super) fn values(&self) -> Values {
        Values { temperature: self.temperature, humidity: self.humidity, unit: self.unit }
    }
}

/// The values of a reading that matter to answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Values {
    pub(super) temperature: i32,
    pub(super) humidity: i32,
    pub(super) unit: u32,
}

impl Values {
    /// The values of a row read back from the lake, to be compared with `late`.
    ///
    /// A unit nobody named since the process started cannot be the one of `late`; it stands as a number of its own.
    pub(crate) fn stored(
        temperature_c: Option<f64>,
        humidity_pct: Option<f64>,
        unit: Option<&str>,
        late: &Self,
        names: &NameList,
    ) -> Self {
        let late_unit = (late.unit != NO_NAME).then(|| names.text(NameId::of(late.unit))).flatten();
        let unit = match (unit, late_unit) {
            (None, _) => NO_NAME,
            (Some(stored), Some(named)) if stored == named => late.unit,
            (Some(_), _) => UNKNOWN_NAME,
        };
        let temperature = temperature_c.and_then(Temperature::from_celsius).map_or(NONE, Temperature::millidegrees);
        let humidity = humidity_pct.and_then(Humidity::from_percent).map_or(NONE, Humidity::thousandths);
        Self { temperature, humidity, unit }
    }

    /// How readings of one identity with these values relate.
    pub(crate) fn relate(self, other: Self) -> Relation {
        if self == other {
            return Relation::Same;
        }
        let differ = |a: i32, b: i32| a != NONE && b != NONE && a != b;
        let units_differ = self.unit != NO_NAME && other.unit != NO_NAME && self.unit != other.unit;
        if differ(self.temperature, other.temperature) || differ(self.humidity, other.humidity) || units_differ {
            Relation::Conflict
        } else {
            Relation::Unrelated
        }
    }
}

/// Columns of up to [`Chunk::ROWS`] rows. The last three stay empty until a row has such a value.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunk {
    pub(super) sensor: Vec<u32>,
    pub(super) measured_at: Vec<i64>,
    pub(super) received_at: Vec<i64>,
    pub(super) temperature: Vec<i32>,
    pub(super) humidity: Vec<i32>,
    pub(super) site: Vec<u32>,
    pub(super) gateway: Vec<u32>,
    pub(super) unit: Vec<u32>,
    pub(super) seq: Sparse<i64>,
    pub(super) battery_v: Sparse<f32>,
    pub(super) rssi_dbm: Sparse<f32>,
}

impl Chunk {
    /// Rows a chunk holds before it is sealed; a power of two.
    pub(super) const ROWS: usize = 1 << 14;
    /// Bytes a row takes in memory without the last three columns, its link in the index included.
    pub(super) const ROW_BYTES: usize = 4 + 8 + 8 + 4 + 4 + 4 + 4 + 4 + 4;

    pub(super) fn len(&self) -> usize {
        self.sensor.len()
    }

    /// An empty one that never grows: columns that do leave holes of all sizes behind in the heap.
    fn with_room() -> Self {
        Self {
            sensor: Vec::with_capacity(Self::ROWS),
            measured_at: Vec::with_capacity(Self::ROWS),
            received_at: Vec::with_capacity(Self::ROWS),
            temperature: Vec::with_capacity(Self::ROWS),
            humidity: Vec::with_capacity(Self::ROWS),
            site: Vec::with_capacity(Self::ROWS),
            gateway: Vec::with_capacity(Self::ROWS),
            unit: Vec::with_capacity(Self::ROWS),
            ..Self::default()
        }
    }

    fn push(&mut self, row: &Row) {
        let at = self.len();
        self.sensor.push(row.sensor.number());
        self.measured_at.push(row.measured_at);
        self.received_at.push(row.received_at);
        self.temperature.push(row.temperature);
        self.humidity.push(row.humidity);
        self.site.push(row.origin.site.number());
        self.gateway.push(row.origin.gateway.number());
        self.unit.push(row.unit);
        self.seq.push(at, (row.seq != NO_SEQ).then_some(row.seq));
        self.battery_v.push(at, (!row.battery_v.is_nan()).then_some(row.battery_v));
        self.rssi_dbm.push(at, (!row.rssi_dbm.is_nan()).then_some(row.rssi_dbm));
    }

    pub(super) fn values(&self, at: usize) -> Values {
        Values { temperature: self.temperature[at], humidity: self.humidity[at], unit: self.unit[at] }
    }
}

/// A column that is mostly absent: nothing is stored until the first value.
#[derive(Clone, Debug)]
pub(super) struct Sparse<T>(Vec<Option<T>>);

impl<T> Default for Sparse<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy> Sparse<T> {
    fn push(&mut self, at: usize, value: Option<T>) {
        if value.is_some() {
            self.0.resize(at, None);
            self.0.push(value);
        }
    }

    pub(super) fn get(&self, at: usize) -> Option<T> {
        self.0.get(at).copied().flatten()
    }

    pub(super) fn is_absent(&self) -> bool {
        self.0.is_empty()
    }
}

/// Rows in order of arrival.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub(super) sealed: Vec<Arc<Chunk>>,
    pub(super) open: Chunk,
}

impl Rows {
    pub(super) fn push(&mut self, row: &Row) {
        if self.open.len() == 0 {
            self.open = Chunk::with_room();
        }
        self.open.push(row);
        if self.open.len() == Chunk::ROWS {
            self.sealed.push(Arc::new(std::mem::take(&mut self.open)));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.sealed.len() * Chunk::ROWS + self.open.len()
    }

    /// The chunk that holds row `at`, and the row's place in it.
    pub(super) fn chunk(&self, at: u32) -> (&Chunk, usize) {
        let (chunk, row) = (at as usize / Chunk::ROWS, at as usize % Chunk::ROWS);
        (self.sealed.get(chunk).map_or(&self.open, |sealed| sealed), row)
    }

    pub(super) fn measured_at(&self, at: u32) -> i64 {
        let (chunk, row) = self.chunk(at);
        chunk.measured_at[row]
    }

    pub(super) fn values(&self, at: u32) -> Values {
        let (chunk, row) = self.chunk(at);
        chunk.values(row)
    }
}
