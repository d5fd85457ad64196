//! The tail: every reading and rejection that is acknowledged and not yet in the lake, held in memory.
//!
//! One thread admits, a flush takes the whole of it up to one journal position, and any query sees it. A reading's
//! identity is (sensor, measured_at): the same reading again is dropped here, another value of the same identity is
//! kept and both are marked. What may also lie in the lake (a reading no newer than what was flushed of its sensor)
//! is *late*: it stays out of answers until it has been compared with the lake.

mod batches;
mod generation;
mod index;
mod rows;
mod stored;

use std::collections::HashSet;
use std::sync::Arc;

use model::instant::ReceivedAt;
use model::reading::Reading;
use model::rejection::Reason;

pub use batches::TailBatches;
pub(crate) use batches::rejected_batch;
pub(crate) use generation::Refused;
pub use generation::{Generation, LateRow, Verdict};
pub use rows::{Relation, Row, Values};

use crate::journal::Position;
use crate::names::{ByName, NameId, Names};

/// What became of one reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Kept; nothing else of this identity is known.
    New,
    /// Kept; another reading of this identity has another value, and both are marked.
    Conflict,
    /// Kept, and to be compared with the lake before it is shown.
    Late,
    /// Known already, dropped.
    Duplicate,
}

/// Where a message came from, as interned names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The site of the topic.
    pub site: NameId,
    /// The gateway of the topic.
    pub gateway: NameId,
}

/// Readings and rejections not yet in the lake. Single writer; see the module's text.
#[derive(Debug)]
pub struct Tail {
    names: Names,
    active: Generation,
    frozen: Option<Arc<Generation>>,
    /// Per sensor: the newest instant in the lake, as far as this process flushed it; for others the newest instant of
    /// all when it started.
    flushed_to: ByName<i64>,
    /// Identities whose row in the lake (or on its way there) has to be marked as a conflict by the next flush.
    conflicts_in_lake: HashSet<(NameId, i64)>,
}

impl Tail {
    /// An empty tail over a lake in which nothing is newer than `lake_end` (ms; `i64::MIN` for an empty lake).
    #[must_use]
    pub fn new(lake_end: i64) -> Self {
        Self {
            names: Names::default(),
            active: Generation::default(),
            frozen: None,
            flushed_to: ByName::new(lake_end),
            conflicts_in_lake: HashSet::new(),
        }
    }

    /// The number for `name`, given on first sight and kept for the life of the process.
    pub fn intern(&mut self, name: &str) -> NameId {
        self.names.intern(name)
    }

    /// The names of sensors, gateways, sites and units.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Takes in one reading of `sensor`, of a message that was journaled at `position`.
    pub fn admit(
        &mut self,
        reading: &Reading<'_>,
        sensor: NameId,
        origin: Origin,
        received_at: ReceivedAt,
        position: Position,
    ) -> Admission {
        let unit = reading.unit.map(|unit| self.names.intern(unit));
        let row = Row::new(reading, sensor, unit, origin, received_at);
        let kin = self.active.kin(&row);
        let frozen_kin = self.frozen.as_ref().map(|frozen| frozen.kin(&row)).unwrap_or_default();
        if kin.same || frozen_kin.same {
            return Admission::Duplicate;
        }
        let conflict = kin.conflict || frozen_kin.conflict;
        if conflict {
            self.active.mark_conflicts(&kin.rows);
            if !frozen_kin.rows.is_empty() {
                self.conflicts_in_lake.insert((sensor, row.measured_at));
            }
        }
        let late = row.measured_at <= self.flushed_to.get(sensor);
        self.active.push(&row, position, late, conflict);
        match (late, conflict) {
            (true, _) => Admission::Late,
            (false, true) => Admission::Conflict,
            (false, false) => Admission::New,
        }
    }

    /// Takes in what was refused of a message that was journaled at `position`.
    pub fn reject(&mut self, received_at: ReceivedAt, topic: &str, payload: &[u8], reason: Reason, position: Position) {
        self.active.reject(received_at, topic, payload, reason, position);
    }

    /// Notes that the message at `position` has been taken in whole.
    pub fn advance(&mut self, position: Position) {
        self.active.advance(position);
    }

    /// Bytes held by the part that no flush has taken yet.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.active.bytes()
    }

    /// Bytes held, those of the part being flushed included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.active.bytes() + self.frozen.as_ref().map_or(0, |frozen| frozen.bytes())
    }

    /// Readings held and not yet in the lake.
    #[must_use]
    pub fn len(&self) -> usize {
        self.active.len() + self.frozen.as_ref().map_or(0, |frozen| frozen.len())
    }

    /// Whether nothing waits for a flush.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The last position taken in since the previous freeze, if any was.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.active.last_position()
    }

    /// Sets aside all that was taken in so far, for a flush; a flush that failed gets the same part again.
    ///
    /// `None` when there is nothing to flush.
    pub fn freeze(&mut self) -> Option<Arc<Generation>> {
        if self.frozen.is_none() {
            self.active.last_position()?;
            self.frozen = Some(Arc::new(std::mem::take(&mut self.active)));
        }
        self.frozen.clone()
    }

    /// The identities whose rows in the lake a flush must mark as conflicts.
    #[must_use]
    pub fn conflicts_in_lake(&self) -> HashSet<(NameId, i64)> {
        self.conflicts_in_lake.clone()
    }

    /// Notes identities that turned out to lie in the lake with another value.
    pub fn mark_conflicts_in_lake(&mut self, identities: impl IntoIterator<Item = (NameId, i64)>) {
        self.conflicts_in_lake.extend(identities);
    }

    /// Lets go of the frozen part, which is in the lake now, and of the conflict marks `marked` that went with it.
    ///
    /// `newest` is what [`Generation::newest_by_sensor`] says of that part.
    pub fn flushed(&mut self, newest: &[(NameId, i64)], marked: &HashSet<(NameId, i64)>) {
        self.frozen = None;
        for &(sensor, newest) in newest {
            self.flushed_to.set(sensor, newest.max(self.flushed_to.get(sensor)));
        }
        self.conflicts_in_lake.retain(|identity| !marked.contains(identity));
    }

    /// Rows that wait to be compared with the lake, with the generation each belongs to.
    #[must_use]
    pub fn late_rows(&self) -> Vec<LateRow> {
        let mut rows = self.active.late_rows();
        rows.extend(self.frozen.iter().flat_map(|frozen| frozen.late_rows()));
        rows
    }

    /// Records what the lake had to say about rows of `generation`, and returns how many were dropped.
    pub fn settle(&self, generation: u64, verdicts: &[(u32, Verdict)]) -> usize {
        match &self.frozen {
            _ if self.active.id() == generation => self.active.settle(verdicts),
            Some(frozen) if frozen.id() == generation => frozen.settle(verdicts),
            _ => 0,
        }
    }

    /// Everything a query may see of the tail at this moment, cheap to take.
    #[must_use]
    pub fn batches(&self) -> TailBatches {
        TailBatches::new(self.names.list(), self.frozen.clone(), self.active.share(), &self.conflicts_in_lake)
    }
}
