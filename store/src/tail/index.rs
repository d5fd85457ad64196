//! Which rows of one generation have a given identity.
//!
//! Readings of a sensor come in order of time nearly always. So a sensor starts with nothing but a link from each
//! of its rows to the one before; only when one arrives out of order does that sensor get a table by instant.

use std::collections::HashMap;

use super::rows::Rows;
use crate::names::{ByName, NameId};

/// No row.
const NO_ROW: u32 = u32::MAX;
/// Stands in `last` for a sensor that has a table.
const TABLED: u32 = u32::MAX - 1;
/// How far a duplicate is looked for along the links before a table is made.
const LONGEST_WALK: usize = 64;

/// Rows by (sensor, instant).
#[derive(Clone, Debug)]
pub(super) struct Index {
    /// Per sensor, its newest row, `NO_ROW` or `TABLED`.
    last: ByName<u32>,
    /// Per row, the row of the same sensor before it.
    before: Vec<u32>,
    tables: HashMap<NameId, HashMap<i64, Vec<u32>>>,
    tabled_rows: usize,
}

impl Default for Index {
    fn default() -> Self {
        Self { last: ByName::new(NO_ROW), before: Vec::new(), tables: HashMap::new(), tabled_rows: 0 }
    }
}

impl Index {
    /// Calls `found` with each row of this identity. Makes a table when the walk is long.
    pub(super) fn find_or_learn(&mut self, rows: &Rows, sensor: NameId, at: i64, mut found: impl FnMut(u32)) {
        match self.walk(rows, sensor, at) {
            Walk::Row(row) => found(row),
            Walk::Nothing => {}
            Walk::Tabled => self.tabled(sensor, at).iter().copied().for_each(found),
            Walk::TooLong => {
                self.make_table(rows, sensor);
                self.tabled(sensor, at).iter().copied().for_each(found);
            }
        }
    }

    /// Calls `found` with each row of this identity, however long the walk.
    pub(super) fn find(&self, rows: &Rows, sensor: NameId, at: i64, mut found: impl FnMut(u32)) {
        match self.last.get(sensor) {
            TABLED => self.tabled(sensor, at).iter().copied().for_each(found),
            mut row => {
                while row != NO_ROW && rows.measured_at(row) > at {
                    row = self.before[row as usize];
                }
                if row != NO_ROW && rows.measured_at(row) == at {
                    found(row);
                }
            }
        }
    }

    /// Notes that `row`, the newest of all rows, is of `sensor` at `at`. It is in `rows` already.
    pub(super) fn insert(&mut self, rows: &Rows, row: u32, sensor: NameId, at: i64) {
        let last = self.last.get(sensor);
        let in_order = last == NO_ROW || (last != TABLED && rows.measured_at(last) < at);
        if !in_order && last != TABLED {
            self.make_table(rows, sensor);
        }
        if in_order {
            self.before.push(last);
            self.last.set(sensor, row);
        } else {
            self.before.push(NO_ROW);
            self.tables.entry(sensor).or_default().entry(at).or_default().push(row);
            self.tabled_rows += 1;
        }
    }

    /// Bytes the tables take, roughly.
    pub(super) fn table_bytes(&self) -> usize {
        self.tabled_rows * 64
    }

    fn walk(&self, rows: &Rows, sensor: NameId, at: i64) -> Walk {
        let mut row = self.last.get(sensor);
        if row == TABLED {
            return Walk::Tabled;
        }
        for _ in 0..LONGEST_WALK {
            if row == NO_ROW {
                return Walk::Nothing;
            }
            match rows.measured_at(row).cmp(&at) {
                std::cmp::Ordering::Less => return Walk::Nothing,
                std::cmp::Ordering::Equal => return Walk::Row(row),
                std::cmp::Ordering::Greater => row = self.before[row as usize],
            }
        }
        Walk::TooLong
    }

    fn make_table(&mut self, rows: &Rows, sensor: NameId) {
        let mut table: HashMap<i64, Vec<u32>> = HashMap::new();
        let mut row = self.last.set(sensor, TABLED);
        while row != NO_ROW {
            table.entry(rows.measured_at(row)).or_default().push(row);
            self.tabled_rows += 1;
            row = self.before[row as usize];
        }
        self.tables.insert(sensor, table);
    }

    fn tabled(&self, sensor: NameId, at: i64) -> &[u32] {
        self.tables.get(&sensor).and_then(|table| table.get(&at)).map_or(&[], Vec::as_slice)
    }
}

/// Where a walk along the links ended.
enum Walk {
    Row(u32),
    Nothing,
    Tabled,
    TooLong,
}
