//! What the sensors of tracked units said: read from the store once, packed, and taken in reading by reading.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::AsArray;
use model::instant::ValidAt;
use model::name::Name;
use model::reading::Observation;
use model::registry::Registry;

use crate::assess::AssessError;
use crate::custody::{Index, Tag};
use crate::error::SqlError;
use crate::fleet::{Heard, Kept, Push};
use crate::logs::{self, Journey, Wanted};
use crate::sql::{Engine, Reach};

/// Later than anything is measured or declared: the end of the year 9999.
pub(super) const FAR: ValidAt = ValidAt::from_millis(253_402_300_799_999);
/// How long before a unit's first instant the last reading before it is looked for, ms.
const LEAD_MS: i64 = 2 * 86_400_000;
/// Sensors read with one question.
const SENSORS_AT_ONCE: usize = 64;
/// Values of both quantities that stay unpacked, for traces that are asked for again and again.
const UNPACKED_MAX: usize = 6_000_000;

/// What the sensors of tracked units said.
pub(super) struct Memory {
    engine: Engine,
    sensors: HashMap<Name, Remembered>,
    /// To be read from the store anew.
    stale: BTreeSet<Name>,
    unpacked: HashMap<Name, Unpacked>,
    unpacked_values: usize,
    turn: u64,
}

#[derive(Default)]
struct Remembered {
    kept: Kept,
    journeys: Vec<Journey>,
}

struct Unpacked {
    used: u64,
    heard: Arc<Heard>,
    /// Readings that came while somebody was at work with it.
    behind: Vec<Observation>,
    values: usize,
}

impl Unpacked {
    /// Takes a reading in, at once or as soon as nobody is at work with what is unpacked.
    fn push(&mut self, reading: &Observation) {
        if self.behind.is_empty()
            && let Some(heard) = Arc::get_mut(&mut self.heard)
        {
            heard.push(reading);
        } else {
            self.behind.push(reading.clone());
        }
    }

    /// All of it.
    fn whole(&mut self) -> Arc<Heard> {
        if !self.behind.is_empty() {
            let heard = Arc::make_mut(&mut self.heard);
            for reading in self.behind.drain(..) {
                heard.push(&reading);
            }
        }
        Arc::clone(&self.heard)
    }
}

/// What became of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) push: Push,
    /// Which unit the sensor is with has changed, now or then.
    pub(super) travelled: bool,
}

impl Memory {
    pub(super) fn new(engine: Engine) -> Self {
        Self {
            engine,
            sensors: HashMap::new(),
            stale: BTreeSet::new(),
            unpacked: HashMap::new(),
            unpacked_values: 0,
            turn: 0,
        }
    }

    /// Sensors whose readings in the store name a unit.
    pub(super) async fn travellers(&self) -> Result<Vec<Name>, AssessError> {
        let sql = "SELECT DISTINCT sensor FROM readings WHERE unit IS NOT NULL";
        let answer = self.engine.answer(sql, Reach::NoAudit).await.map_err(failed)?;
        let column = |batch: &arrow::array::RecordBatch| -> Vec<Name> {
            let sensors = batch.column(0).as_string::<i32>();
            sensors.iter().flatten().filter_map(|sensor| Name::parse(sensor).ok()).collect()
        };
        Ok(answer.batches.iter().flat_map(column).collect())
    }

    /// Reads from the store what of `needed` is not here: of each sensor what it said from an instant on, and the last
    /// before it. What arrives meanwhile is told as well; twice is once.
    pub(super) async fn learn(
        &mut self,
        registry: &Registry,
        needed: &HashMap<Name, Option<i64>>,
    ) -> Result<(), AssessError> {
        let stale = std::mem::take(&mut self.stale);
        let missing = |(sensor, from): &(&Name, &Option<i64>)| {
            stale.contains(*sensor) || self.sensors.get(*sensor).is_none_or(|known| !known.kept.reaches(**from))
        };
        let mut missing: Vec<(Name, Option<i64>)> =
            needed.iter().filter(missing).map(|(sensor, from)| (sensor.clone(), *from)).collect();
        missing
            .extend(stale.iter().filter(|sensor| !needed.contains_key(*sensor)).map(|sensor| (sensor.clone(), None)));
        // Those that are needed from about the same instant on are read together.
        missing.sort_by(|left, right| (left.1, &left.0).cmp(&(right.1, &right.0)));
        let mut whole = Vec::new();
        for some in missing.chunks(SENSORS_AT_ONCE) {
            let from = some.iter().map(|(_, from)| *from).min().flatten();
            let sensors: Vec<Name> = some.iter().map(|(sensor, _)| sensor.clone()).collect();
            whole.extend(self.read(registry, &sensors, from).await?);
        }
        for some in whole.chunks(SENSORS_AT_ONCE) {
            self.read(registry, some, None).await?;
        }
        Ok(())
    }

    /// Reads `sensors` from a while before `from` on; gives back those that must be read whole: they said nothing in
    /// that while, or they travel.
    async fn read(
        &mut self,
        registry: &Registry,
        sensors: &[Name],
        from: Option<i64>,
    ) -> Result<Vec<Name>, AssessError> {
        let since = from.map(|from| ValidAt::from_millis(from.saturating_sub(LEAD_MS)));
        let wanted = Wanted { sensors: Some(sensors), from: since, as_of: FAR, known_at: None };
        let logs = logs::from_engine(&self.engine, &wanted).await.map_err(failed)?;
        let mut again = Vec::new();
        for sensor in sensors {
            let log = logs.get(sensor).cloned().unwrap_or_default();
            let first = log.temperature.iter().chain(&log.humidity).map(|sample| sample.at).min();
            let is_led = first.is_some_and(|first| from.is_some_and(|from| first <= from));
            if from.is_some() && (!is_led || !log.units.is_empty()) {
                again.push(sensor.clone());
                continue;
            }
            let (kept, journeys) = (Kept::new(&log, registry, sensor, since), log.journeys(FAR));
            self.forget_unpacked(sensor);
            self.sensors.insert(sensor.clone(), Remembered { kept, journeys });
        }
        Ok(again)
    }

    /// Whether a sensor must be read anew before what it said can be relied on.
    pub(super) fn is_stale(&self) -> bool {
        !self.stale.is_empty()
    }

    /// Takes up what another registry says of a sensor.
    pub(super) fn correct(&mut self, registry: &Registry, sensor: &Name) -> bool {
        self.forget_unpacked(sensor);
        self.sensors.get_mut(sensor).is_some_and(|known| {
            known.kept.correct(registry, sensor);
            true
        })
    }

    /// Takes one reading in.
    pub(super) fn take(&mut self, reading: &Observation) -> Taken {
        let Some(known) = self.sensors.get_mut(&reading.sensor) else {
            // What it said before is in the store.
            self.stale.insert(reading.sensor.clone());
            return Taken { push: Push::Late, travelled: true };
        };
        let at = ValidAt::from_millis(reading.measured_at.millis());
        let push = known.kept.push(reading);
        let travelled = match push {
            Push::Known => false,
            Push::Next(_) => known.follow(reading.unit.as_ref(), at),
            Push::Late => {
                let differs = known.unit_at(at) != reading.unit.as_ref();
                if differs {
                    self.stale.insert(reading.sensor.clone());
                }
                differs
            }
        };
        match push {
            Push::Known => {}
            Push::Late => self.forget_unpacked(&reading.sensor),
            Push::Next(_) => {
                if let Some(unpacked) = self.unpacked.get_mut(&reading.sensor) {
                    unpacked.push(reading);
                }
            }
        }
        Taken { push, travelled }
    }

    /// The associations of `registry`, and who travelled with what.
    pub(super) fn index(&self, registry: &Registry) -> Index {
        let mut index = Index::new(registry);
        for (sensor, known) in &self.sensors {
            for Journey { unit, from, to } in &known.journeys {
                index.travels(unit.clone(), Tag { sensor: sensor.clone(), from: *from, to: *to });
            }
        }
        index
    }

    /// The newest readings of a sensor.
    pub(super) fn newest(&self, sensor: &Name) -> Option<&Heard> {
        self.sensors.get(sensor).map(|known| known.kept.newest())
    }

    /// When a sensor was last heard of, ms.
    pub(super) fn last_at(&self, sensor: &Name) -> Option<i64> {
        self.newest(sensor)?.last_at()
    }

    /// How many values are kept of a sensor.
    pub(super) fn values(&self, sensor: &Name) -> usize {
        self.sensors.get(sensor).map_or(0, |known| known.kept.len())
    }

    /// What a sensor said up to `as_of`; `None` when it is not followed.
    pub(super) fn whole(&mut self, sensor: &Name, as_of: ValidAt) -> Option<Arc<Heard>> {
        let known = self.sensors.get(sensor)?;
        if known.kept.last_at().is_some_and(|last| last > as_of.millis()) {
            return Some(Arc::new(known.kept.whole(as_of)));
        }
        self.turn += 1;
        if let Some(unpacked) = self.unpacked.get_mut(sensor) {
            unpacked.used = self.turn;
            return Some(unpacked.whole());
        }
        let values = known.kept.len();
        let heard = Arc::new(known.kept.whole(as_of));
        self.unpacked.insert(
            sensor.clone(),
            Unpacked { used: self.turn, heard: Arc::clone(&heard), behind: Vec::new(), values },
        );
        self.unpacked_values += values;
        while self.unpacked_values > UNPACKED_MAX && self.unpacked.len() > 1 {
            let oldest = self.unpacked.iter().min_by_key(|(_, unpacked)| unpacked.used).map(|(name, _)| name.clone());
            let Some(oldest) = oldest else { break };
            self.forget_unpacked(&oldest);
        }
        Some(heard)
    }

    fn forget_unpacked(&mut self, sensor: &Name) {
        if let Some(unpacked) = self.unpacked.remove(sensor) {
            self.unpacked_values -= unpacked.values;
        }
    }
}

impl Remembered {
    /// The unit that the sensor is with at `at`.
    fn unit_at(&self, at: ValidAt) -> Option<&Name> {
        let journey = self.journeys.iter().rev().find(|journey| journey.from <= at)?;
        journey.to.is_none_or(|to| at < to).then_some(&journey.unit)
    }

    /// Notes the unit that a reading later than all before names; whether it is another than before.
    fn follow(&mut self, unit: Option<&Name>, at: ValidAt) -> bool {
        let current = self.journeys.last_mut().filter(|journey| journey.to.is_none());
        if current.as_ref().map(|journey| &journey.unit) == unit {
            return false;
        }
        if let Some(current) = current {
            current.to = Some(at);
        }
        self.journeys.extend(unit.map(|unit| Journey { unit: unit.clone(), from: at, to: None }));
        true
    }
}

fn failed(error: SqlError) -> AssessError {
    AssessError::Failed { source: Box::new(error) }
}
