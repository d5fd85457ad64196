//! What was taken in between two freezes: rows, their index, what is known about late ones, and refusals.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::instant::ReceivedAt;
use model::rejection::Reason;

use super::index::Index;
use super::rows::{Chunk, Relation, Row, Rows, Values};
use crate::journal::Position;
use crate::names::{ByName, NameId};

/// Rows and refusals of a stretch of the journal.
#[derive(Debug)]
pub struct Generation {
    id: u64,
    pub(super) rows: Rows,
    index: Mutex<Index>,
    overlay: Mutex<Overlay>,
    pub(super) rejected: Vec<Arc<Refused>>,
    rejected_bytes: usize,
    sparse_bytes: usize,
    last_position: Option<Position>,
}

/// What is known of single rows beyond their values.
#[derive(Clone, Debug, Default)]
pub(super) struct Overlay {
    /// Rows that may also lie in the lake: `None` until they were compared with it.
    late: HashMap<u32, Option<Verdict>>,
    /// Rows with another reading of the same identity and another value.
    pub(super) conflicts: HashSet<u32>,
}

impl Overlay {
    /// Whether a query must not see `row`: not compared yet, or found to be a duplicate.
    pub(super) fn hides(&self, row: u32) -> bool {
        matches!(self.late.get(&row), Some(None | Some(Verdict::Duplicate)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.late.is_empty() && self.conflicts.is_empty()
    }
}

/// What the lake says about a late row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not in the lake.
    New,
    /// In the lake with the same values.
    Duplicate,
    /// In the lake with other values.
    Conflict,
}

/// A row to compare with the lake.
#[derive(Clone, Copy, Debug)]
pub struct LateRow {
    /// The generation it belongs to.
    pub generation: u64,
    /// Its number there.
    pub row: u32,
    /// Its sensor.
    pub sensor: NameId,
    /// Its instant, in ms.
    pub measured_at: i64,
    /// Whether it is in conflict with a reading outside the lake already.
    pub conflict: bool,
    pub(crate) values: Values,
}

/// A refused message or reading.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) received_at: i64,
    pub(crate) topic: Box<str>,
    pub(crate) payload: Box<str>,
    pub(crate) reason: Reason,
}

impl Default for Generation {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            rows: Rows::default(),
            index: Mutex::default(),
            overlay: Mutex::default(),
            rejected: Vec::new(),
            rejected_bytes: 0,
            sparse_bytes: 0,
            last_position: None,
        }
    }
}

impl Generation {
    /// A number no other generation of this process has.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// How many readings it holds, hidden ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it holds no reading.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The last journal position taken in, if any.
    #[must_use]
    pub fn last_position(&self) -> Option<Position> {
        self.last_position
    }

    /// Bytes it holds in memory, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let tables = lock(&self.index).table_bytes();
        self.rows.len() * Chunk::ROW_BYTES + self.sparse_bytes + tables + self.rejected_bytes
    }

    /// The newest instant of each sensor, in ms.
    #[must_use]
    pub fn newest_by_sensor(&self) -> Vec<(NameId, i64)> {
        // nothing is as old as what stands for a name that is no sensor here
        let mut newest = ByName::new(i64::MIN);
        for chunk in self.chunks() {
            for (&sensor, &at) in chunk.sensor.iter().zip(&chunk.measured_at) {
                let sensor = NameId::of(sensor);
                if newest.get(sensor) < at {
                    newest.set(sensor, at);
                }
            }
        }
        newest.iter().filter(|(_, at)| **at > i64::MIN).map(|(sensor, &at)| (sensor, at)).collect()
    }

    /// The rows that have not been compared with the lake yet.
    #[must_use]
    pub fn late_rows(&self) -> Vec<LateRow> {
        let overlay = self.overlay();
        let waiting = overlay.late.iter().filter(|(_, verdict)| verdict.is_none());
        waiting
            .map(|(&row, _)| {
                let (chunk, at) = self.rows.chunk(row);
                LateRow {
                    generation: self.id,
                    row,
                    sensor: NameId::of(chunk.sensor[at]),
                    measured_at: chunk.measured_at[at],
                    conflict: overlay.conflicts.contains(&row),
                    values: chunk.values(at),
                }
            })
            .collect()
    }

    /// Records verdicts on late rows; returns how many rows were dropped as duplicates by it.
    pub fn settle(&self, verdicts: &[(u32, Verdict)]) -> usize {
        let mut overlay = self.overlay();
        let mut dropped = 0;
        for &(row, verdict) in verdicts {
            let Some(entry) = overlay.late.get_mut(&row) else { continue };
            if entry.replace(verdict).is_some() {
                continue;
            }
            match verdict {
                Verdict::New => {}
                Verdict::Duplicate => dropped += 1,
                Verdict::Conflict => {
                    overlay.conflicts.insert(row);
                }
            }
        }
        dropped
    }

    /// What is held here of the identity of `row`.
    pub(super) fn kin(&self, row: &Row) -> Kin {
        let mut kin = Kin::default();
        lock(&self.index).find_or_learn(&self.rows, row.sensor, row.measured_at, |known| {
            let relation = self.rows.values(known).relate(row.values());
            kin.same |= relation == Relation::Same;
            kin.conflict |= relation == Relation::Conflict || self.overlay().conflicts.contains(&known);
            kin.rows.push(known);
        });
        kin
    }

    /// Marks rows as having another reading of their identity with another value.
    pub(super) fn mark_conflicts(&self, rows: &[u32]) {
        self.overlay().conflicts.extend(rows);
    }

    pub(super) fn push(&mut self, row: &Row, position: Position, late: bool, conflict: bool) {
        #[expect(clippy::cast_possible_truncation, reason = "a generation is flushed long before 4 billion rows")]
        let number = self.rows.len() as u32;
        self.rows.push(row);
        self.sparse_bytes += row.sparse_bytes();
        let index = self.index.get_mut().unwrap_or_else(PoisonError::into_inner);
        index.insert(&self.rows, number, row.sensor, row.measured_at);
        let overlay = self.overlay.get_mut().unwrap_or_else(PoisonError::into_inner);
        if late {
            overlay.late.insert(number, None);
        }
        if conflict {
            overlay.conflicts.insert(number);
        }
        self.last_position = Some(position);
    }

    pub(super) fn reject(
        &mut self,
        received_at: ReceivedAt,
        topic: &str,
        payload: &[u8],
        reason: Reason,
        position: Position,
    ) {
        let refused = Refused {
            received_at: received_at.millis(),
            topic: topic.into(),
            payload: printable(payload).into(),
            reason,
        };
        self.rejected_bytes += std::mem::size_of::<Refused>() + refused.topic.len() + refused.payload.len();
        self.rejected.push(Arc::new(refused));
        self.last_position = Some(position);
    }

    pub(super) fn advance(&mut self, position: Position) {
        self.last_position = Some(position);
    }

    /// What a query needs of it, copied where it still grows.
    pub(super) fn share(&self) -> Shared {
        Shared { rows: self.rows.clone(), overlay: self.overlay().clone(), rejected: self.rejected.clone() }
    }

    pub(super) fn overlay(&self) -> MutexGuard<'_, Overlay> {
        lock(&self.overlay)
    }

    /// The rows with this identity.
    pub(super) fn rows_of(&self, sensor: NameId, at: i64) -> Vec<u32> {
        let mut found = Vec::new();
        lock(&self.index).find(&self.rows, sensor, at, |row| found.push(row));
        found
    }

    pub(super) fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        self.rows.sealed.iter().map(AsRef::as_ref).chain(std::iter::once(&self.rows.open))
    }
}

/// A moment of a generation that goes on growing.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) rows: Rows,
    pub(super) overlay: Overlay,
    pub(super) rejected: Vec<Arc<Refused>>,
}

/// The rows of a generation that share an identity with another reading.
#[derive(Debug, Default)]
pub(super) struct Kin {
    /// One of them has the same values.
    pub(super) same: bool,
    /// One of them differs, or is marked already.
    pub(super) conflict: bool,
    pub(super) rows: Vec<u32>,
}

/// `bytes` as text: what is UTF-8 as it is, any other byte as `\xNN`.
fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for part in bytes.utf8_chunks() {
        text.push_str(part.valid());
        for byte in part.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks leaves them whole, so a panic elsewhere does not spoil them.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
