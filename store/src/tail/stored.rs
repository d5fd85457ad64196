//! What a flush reads of a frozen generation, row by row.

use std::collections::HashSet;

use super::generation::{Generation, Refused};
use super::rows::{Chunk, NO_NAME, NONE};

/// One row with names as numbers and absent values as `None`.
#[derive(Debug)]
pub(crate) struct StoredRow {
    pub(crate) sensor: u32,
    pub(crate) measured_at: i64,
    pub(crate) received_at: i64,
    pub(crate) temperature_c: Option<f64>,
    pub(crate) humidity_pct: Option<f64>,
    pub(crate) site: u32,
    pub(crate) gateway: u32,
    pub(crate) unit: Option<u32>,
    pub(crate) seq: Option<i64>,
    pub(crate) battery_v: Option<f32>,
    pub(crate) rssi_dbm: Option<f32>,
}

impl Generation {
    /// Calls `visit` with the number and sensor of each row that is not a duplicate, in order of arrival.
    pub(crate) fn for_each_shown(&self, mut visit: impl FnMut(u32, u32)) {
        let overlay = self.overlay();
        let mut number = 0;
        for chunk in self.chunks() {
            for &sensor in &chunk.sensor {
                if overlay.is_empty() || !overlay.hides(number) {
                    visit(number, sensor);
                }
                number += 1;
            }
        }
    }

    pub(crate) fn measured_at(&self, row: u32) -> i64 {
        self.rows.measured_at(row)
    }

    /// Orders rows of one sensor: by instant, then values, then arrival.
    pub(crate) fn order_key(&self, row: u32) -> impl Ord + use<> {
        (self.rows.measured_at(row), self.rows.values(row), row)
    }

    /// The rows marked as conflicts.
    pub(crate) fn conflicts(&self) -> HashSet<u32> {
        self.overlay().conflicts.clone()
    }

    pub(crate) fn stored_row(&self, row: u32) -> StoredRow {
        let (chunk, at): (&Chunk, usize) = self.rows.chunk(row);
        let value = |thousandths: i32| (thousandths != NONE).then(|| f64::from(thousandths) / 1000.0);
        StoredRow {
            sensor: chunk.sensor[at],
            measured_at: chunk.measured_at[at],
            received_at: chunk.received_at[at],
            temperature_c: value(chunk.temperature[at]),
            humidity_pct: value(chunk.humidity[at]),
            site: chunk.site[at],
            gateway: chunk.gateway[at],
            unit: (chunk.unit[at] != NO_NAME).then_some(chunk.unit[at]),
            seq: chunk.seq.get(at),
            battery_v: chunk.battery_v.get(at),
            rssi_dbm: chunk.rssi_dbm.get(at),
        }
    }

    /// Whether a row names a unit.
    pub(crate) fn has_units(&self) -> bool {
        self.chunks().any(|chunk| chunk.unit.iter().any(|unit| *unit != NO_NAME))
    }

    /// The refusals, in order of arrival.
    pub(crate) fn refused(&self) -> impl Iterator<Item = &Refused> {
        self.rejected.iter().map(AsRef::as_ref)
    }
}
