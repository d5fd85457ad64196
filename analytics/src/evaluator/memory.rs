//! What the sensors of tracked units said: read from the store as far back as it is needed, packed, and taken in reading
//! by reading.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, TimestampMillisecondType};
use model::instant::ValidAt;
use model::name::Name;
use model::reading::Observation;
use model::registry::Registry;
use store::view::Readable;

use super::checkpoint::Facts;
use super::told::{Lates, Told};
use crate::assess::AssessError;
use crate::custody::{Index, Tag};
use crate::error::SqlError;
use crate::fleet::{Heard, Kept, Push};
use crate::logs::{self, Journey, Log, Logs, Wanted};
use crate::sql::{Engine, EngineOptions, Limits, Reach};

/// Later than anything is measured or declared: the end of the year 9999.
pub(super) const FAR: ValidAt = ValidAt::from_millis(253_402_300_799_999);
/// How long before an instant the last reading before it is looked for, ms.
const LEAD_MS: i64 = 2 * DAY_MS;
const DAY_MS: i64 = 86_400_000;
/// How much further is read when it is not known how far, ms, at the least.
const FURTHER_MS: i64 = 32 * DAY_MS;
/// So many values more are looked through for such as nobody needs any more.
const GROWN: usize = 4096;
/// Sensors read with one question.
const SENSORS_AT_ONCE: usize = 64;

/// What the sensors of tracked units said.
pub(super) struct Memory {
    engine: Engine,
    sensors: HashMap<Name, Remembered>,
    /// To be read from the store anew.
    stale: BTreeSet<Name>,
    /// Since when more is needed of what is here, ms.
    wanted: HashMap<Name, i64>,
    /// Groups of readings that were taken in.
    groups: u64,
    /// Sensors that were read, of which what was told meanwhile is still to come …
    read: BTreeSet<Name>,
    /// … or comes with the groups up to this one: a reading that is known then may be one nobody was told of yet.
    doubted: HashMap<Name, u64>,
}

#[derive(Default)]
struct Remembered {
    told: Arc<Told>,
    journeys: Vec<Journey>,
    /// How many values there were when somebody looked last which of them are needed.
    trimmed: usize,
}

/// What came of a sensor that a checkpoint does not know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unseen {
    /// When the first of it was measured, ms.
    pub(super) first: i64,
    /// Some of it names units.
    pub(super) names_units: bool,
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
            wanted: HashMap::new(),
            groups: 0,
            read: BTreeSet::new(),
            doubted: HashMap::new(),
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

    /// What came that is not in `files` of a checkpoint, by sensor.
    pub(super) async fn unseen(&self, store: Arc<dyn Readable>) -> Result<HashMap<Name, Unseen>, AssessError> {
        let options = EngineOptions { limits: Limits::own(), ..EngineOptions::default() };
        let engine = Engine::new(store, None, options).map_err(failed)?;
        let sql = "SELECT sensor, min(measured_at) AS earliest, count(*) AS n, count(unit) AS named FROM readings \
                   GROUP BY sensor";
        let answer = engine.answer(sql, Reach::NoAudit).await.map_err(failed)?;
        let mut unseen = HashMap::new();
        for batch in &answer.batches {
            let sensors = batch.column(0).as_string::<i32>();
            let first = batch.column(1).as_primitive::<TimestampMillisecondType>();
            let (readings, named) =
                (batch.column(2).as_primitive::<Int64Type>(), batch.column(3).as_primitive::<Int64Type>());
            for row in 0..batch.num_rows() {
                let Ok(sensor) = Name::parse(sensors.value(row)) else { continue };
                metrics::counter!("coldtrail_evaluator_readings_read_total")
                    .increment(readings.value(row).unsigned_abs());
                unseen.insert(sensor, Unseen { first: first.value(row), names_units: named.value(row) > 0 });
            }
        }
        Ok(unseen)
    }

    /// Takes up what was known of sensors before the start, each with the instant since when its readings are needed, ms.
    pub(super) async fn resume(
        &mut self,
        registry: &Registry,
        mut known: Vec<(Name, Facts, i64)>,
        unseen: &HashMap<Name, Unseen>,
    ) -> Result<(), AssessError> {
        // Those that are needed from about the same instant on are read together.
        known.sort_by(|left, right| (left.2, &left.0).cmp(&(right.2, &right.0)));
        let days = known.chunk_by(|one, next| one.2.div_euclid(DAY_MS) == next.2.div_euclid(DAY_MS));
        for some in days.flat_map(|day| day.chunks(SENSORS_AT_ONCE)) {
            let sensors: Vec<Name> = some.iter().map(|(sensor, ..)| sensor.clone()).collect();
            let since = some.iter().map(|(.., since)| ValidAt::from_millis((*since).max(0))).min();
            let logs = self.logs(&Wanted { sensors: Some(&sensors), from: since, as_of: FAR, known_at: None }).await?;
            for (sensor, facts, _) in some {
                let log = logs.get(sensor).cloned().unwrap_or_default();
                let kept = Kept::new(&log, registry, sensor, since).after(facts.last_at, facts.first);
                let told = Arc::new(Told { kept, lates: Lates::default() });
                let mut remembered = Remembered { told, journeys: facts.journeys.clone(), trimmed: 0 };
                if let Some(unseen) = unseen.get(sensor) {
                    remembered.travel_again(unseen.first, &log);
                }
                self.sensors.insert(sensor.clone(), remembered);
                self.read.insert(sensor.clone());
            }
        }
        Ok(())
    }

    /// What is known of every sensor without its readings.
    pub(super) fn facts(&self) -> Vec<(Name, Facts)> {
        let facts = |known: &Remembered| Facts {
            last_at: known.told.kept.last_at(),
            first: known.told.kept.first_of_each(),
            journeys: known.journeys.clone(),
        };
        self.sensors.iter().map(|(sensor, known)| (sensor.clone(), facts(known))).collect()
    }

    /// How many groups of readings were taken in.
    pub(super) fn groups(&self) -> u64 {
        self.groups
    }

    /// Sensors that are followed, or will be.
    pub(super) fn sensors(&self) -> impl Iterator<Item = &Name> {
        self.sensors.keys().chain(&self.stale)
    }

    /// Reads from the store what of `needed` is not here: of each sensor that is not followed yet what it said from an
    /// instant on, and the last before it; and of the others what is wanted of earlier times. What arrives meanwhile is
    /// told as well; twice is once.
    pub(super) async fn learn(
        &mut self,
        registry: &Registry,
        needed: &HashMap<Name, Option<i64>>,
    ) -> Result<(), AssessError> {
        let stale = std::mem::take(&mut self.stale);
        let missing = |sensor: &Name| stale.contains(sensor) || !self.sensors.contains_key(sensor);
        let mut missing: Vec<(Name, Option<i64>)> =
            needed.iter().filter(|(sensor, _)| missing(sensor)).map(|(sensor, from)| (sensor.clone(), *from)).collect();
        missing
            .extend(stale.iter().filter(|sensor| !needed.contains_key(*sensor)).map(|sensor| (sensor.clone(), None)));
        // Those that are needed from about the same instant on are read together.
        missing.sort_by(|left, right| (left.1, &left.0).cmp(&(right.1, &right.0)));
        let mut whole = Vec::new();
        for some in missing.chunks(SENSORS_AT_ONCE) {
            let from = some.iter().map(|(_, from)| *from).min().flatten();
            let sensors: Vec<Name> = some.iter().map(|(sensor, _)| sensor.clone()).collect();
            whole.extend(self.begin(registry, &sensors, from).await?);
        }
        for some in whole.chunks(SENSORS_AT_ONCE) {
            self.begin(registry, some, None).await?;
        }
        self.reach_back().await
    }

    /// Reads `sensors` from a while before `from` on; gives back those that must be read whole: they said nothing in
    /// that while, or they travel.
    async fn begin(
        &mut self,
        registry: &Registry,
        sensors: &[Name],
        from: Option<i64>,
    ) -> Result<Vec<Name>, AssessError> {
        let since = from.map(|from| ValidAt::from_millis(from.saturating_sub(LEAD_MS)));
        let logs = self.logs(&Wanted { sensors: Some(sensors), from: since, as_of: FAR, known_at: None }).await?;
        let mut again = Vec::new();
        for sensor in sensors {
            let log = logs.get(sensor).cloned().unwrap_or_default();
            let first = log.temperature.iter().chain(&log.humidity).map(|sample| sample.at).min();
            let is_led = first.is_some_and(|first| from.is_some_and(|from| first <= from));
            if from.is_some() && (!is_led || !log.units.is_empty()) {
                again.push(sensor.clone());
                continue;
            }
            let kept = Kept::new(&log, registry, sensor, since);
            let lates = self.sensors.get(sensor).map(|known| known.told.lates.clone()).unwrap_or_default();
            let told = Arc::new(Told { kept, lates });
            self.sensors.insert(sensor.clone(), Remembered { told, journeys: log.journeys(FAR), trimmed: 0 });
            self.read.insert(sensor.clone());
        }
        Ok(again)
    }

    /// Has what a sensor said from `from` on, ms, and a while before it, read as well; of `i64::MIN` a good part of what
    /// it said before.
    pub(super) fn want(&mut self, sensor: &Name, from: i64) {
        let Some(since) = self.told(sensor).and_then(|told| told.kept.since()) else { return };
        if from >= since {
            return;
        }
        let known = self.last_at(sensor).map_or(0, |last| last.saturating_sub(since));
        let from = if from == i64::MIN { since.saturating_sub(FURTHER_MS.max(2 * known)) } else { from };
        let wanted = self.wanted.entry(sensor.clone()).or_insert(from);
        *wanted = from.min(*wanted);
    }

    /// Reads what is wanted of earlier times than are here.
    async fn reach_back(&mut self) -> Result<(), AssessError> {
        let mut further: HashMap<(i64, i64), Vec<Name>> = HashMap::new();
        for (sensor, from) in std::mem::take(&mut self.wanted) {
            let since = self.sensors.get(&sensor).and_then(|known| known.told.kept.since());
            if let Some(since) = since.filter(|since| *since > from) {
                further.entry((from.saturating_sub(LEAD_MS), since)).or_default().push(sensor);
            }
        }
        for ((from, until), sensors) in further {
            for some in sensors.chunks(SENSORS_AT_ONCE) {
                let (begin, end) = (ValidAt::from_millis(from), ValidAt::from_millis(until - 1));
                let begin = Some(begin).filter(|_| from > 0);
                let logs = self.logs(&Wanted { sensors: Some(some), from: begin, as_of: end, known_at: None }).await?;
                for sensor in some {
                    let Some(known) = self.sensors.get_mut(sensor) else { continue };
                    let before = logs.get(sensor).cloned().unwrap_or_default();
                    Arc::make_mut(&mut known.told).kept.prepend(before, begin);
                    self.read.insert(sensor.clone());
                }
            }
        }
        Ok(())
    }

    async fn logs(&self, wanted: &Wanted<'_>) -> Result<Logs, AssessError> {
        let logs = logs::from_engine(&self.engine, wanted).await.map_err(failed)?;
        metrics::counter!("coldtrail_evaluator_readings_read_total").increment(logs.len() as u64);
        Ok(logs)
    }

    /// Sensors of which many more values are kept than when they were trimmed last.
    pub(super) fn grown(&self) -> Vec<Name> {
        let values: usize = self.sensors.values().map(|known| known.told.kept.len()).sum();
        metrics::gauge!("coldtrail_evaluator_values").set(values as f64);
        let grown = self.sensors.iter().filter(|(_, known)| known.told.kept.len() >= known.trimmed + GROWN);
        grown.map(|(sensor, _)| sensor.clone()).collect()
    }

    /// Lets go of what a sensor said before `at`, ms.
    pub(super) fn trim(&mut self, sensor: &Name, at: i64) {
        if let Some(known) = self.sensors.get_mut(sensor) {
            Arc::make_mut(&mut known.told).kept.trim(at);
            known.trimmed = known.told.kept.len();
        }
    }

    /// Whether something must be read before what sensors said can be relied on.
    pub(super) fn is_lacking(&self) -> bool {
        !self.stale.is_empty() || !self.wanted.is_empty()
    }

    /// Takes up what another registry says of a sensor.
    pub(super) fn correct(&mut self, registry: &Registry, sensor: &Name) -> bool {
        self.sensors.get_mut(sensor).is_some_and(|known| {
            Arc::make_mut(&mut known.told).kept.correct(registry, sensor);
            true
        })
    }

    /// Takes one reading in.
    pub(super) fn take(&mut self, reading: &Observation) -> Taken {
        let at = reading.measured_at.millis();
        let Some(known) = self.sensors.get_mut(&reading.sensor) else {
            // What it said before is in the store.
            self.stale.insert(reading.sensor.clone());
            return Taken { push: Push::Late, travelled: true };
        };
        let told = Arc::make_mut(&mut known.told);
        let last_at = told.kept.last_at();
        let is_out_of_reach = told.kept.since().is_some_and(|since| at < since);
        let is_doubted = || self.doubted.get(&reading.sensor).is_some_and(|until| self.groups <= *until);
        let push = match told.kept.push(reading) {
            Push::Known if is_out_of_reach || is_doubted() => Push::Late,
            push => push,
        };
        // One quantity may be told after the other.
        if push == Push::Late || push != Push::Known && last_at.is_some_and(|last| at <= last) {
            told.lates.push(at);
        }
        let at = ValidAt::from_millis(at);
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
        Taken { push, travelled }
    }

    /// Notes that a group of readings was taken in whole.
    pub(super) fn took(&mut self) {
        self.groups += 1;
    }

    /// Notes that so many groups of readings wait: what was read may hold theirs, and those of one more that was admitted
    /// and not told yet.
    pub(super) fn waiting(&mut self, groups: usize) {
        let until = self.groups + groups as u64 + 1;
        self.doubted.retain(|_, until| *until >= self.groups);
        self.doubted.extend(std::mem::take(&mut self.read).into_iter().map(|sensor| (sensor, until)));
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

    /// What a sensor has told; `None` when it is not followed.
    pub(super) fn told(&self, sensor: &Name) -> Option<&Arc<Told>> {
        self.sensors.get(sensor).map(|known| &known.told)
    }

    /// The newest readings of a sensor.
    pub(super) fn newest(&self, sensor: &Name) -> Option<&Heard> {
        self.told(sensor).map(|told| told.kept.newest())
    }

    /// When a sensor was last heard of, ms.
    pub(super) fn last_at(&self, sensor: &Name) -> Option<i64> {
        self.told(sensor)?.kept.last_at()
    }

    /// How many values are kept of a sensor.
    pub(super) fn values(&self, sensor: &Name) -> usize {
        self.told(sensor).map_or(0, |told| told.kept.len())
    }
}

impl Remembered {
    /// The unit that the sensor is with at `at`.
    fn unit_at(&self, at: ValidAt) -> Option<&Name> {
        let journey = self.journeys.iter().rev().find(|journey| journey.from <= at)?;
        journey.to.is_none_or(|to| at < to).then_some(&journey.unit)
    }

    /// Finds anew from `since` on, ms, which units the sensor was with: `log` has everything from then on.
    fn travel_again(&mut self, since: i64, log: &Log) {
        self.journeys.retain(|journey| journey.from.millis() < since);
        for journey in &mut self.journeys {
            journey.to = journey.to.filter(|to| to.millis() < since);
        }
        let instants: BTreeSet<i64> = log.temperature.iter().chain(&log.humidity).map(|sample| sample.at).collect();
        for at in instants.range(since..) {
            self.follow(log.units.get(at), ValidAt::from_millis(*at));
        }
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
