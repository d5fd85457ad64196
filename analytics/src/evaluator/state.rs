//! What the evaluator knows, and how it comes to know it.

mod check;
mod finish;
mod resume;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::hold::Subject;
use model::instant::ValidAt;
use model::name::Name;
use model::reading::Observation;
use model::registry::{Product, Registry};
use store::ledger::{Findings, Ledger, NewAlarm};

use super::board::Board;
use super::checkpoint::{Checkpoints, Restored};
use super::cohorts::{Cohort, Cohorts, Regrouped};
use super::groups::Groups;
use super::memory::{FAR, Memory, Taken};
use super::neighbours::Neighbourhood;
use super::rounds::Rounds;
use super::schedule::{Schedule, Urgency, Way};
use super::selfcheck::SelfCheck;
use super::touched;
use super::traced::LATE_MS;
use super::work::{self, Outcome, Running, Sources, Task};
use super::{Now, Watch, silence};
use crate::assess::AssessError;
use crate::custody::{Custody, Index};
use crate::fleet::{Fleet, Profiles, Push};
use crate::sql::Engine;
use resume::BeforeStart;

/// Values of sensors that are gone through for one piece of work, about, for cohorts that nobody looked at yet.
const VALUES_AT_ONCE: usize = 4_000_000;

/// How often readings that nobody needs are looked for.
const TRIM_EVERY: Duration = Duration::from_secs(1);

/// Everything the evaluator knows.
pub(super) struct State {
    ledger: Ledger,
    now: Now,
    watch: Watch,
    board: Board,
    registry: Arc<Registry>,
    index: Arc<Index>,
    profiles: Arc<Profiles>,
    memory: Memory,
    /// Since when the readings of each sensor are needed, ms; `None`: all of them.
    needed: HashMap<Name, Option<i64>>,
    knows_travellers: bool,
    /// Readings said that a sensor came to a unit or left it.
    travelled: bool,
    /// What units were put together by.
    grouped: Arc<Registry>,
    cohorts: Cohorts,
    groups: Groups,
    rounds: Rounds,
    schedule: Schedule,
    /// Work under way, at most one piece on each way.
    urgent: Option<Running>,
    other: Option<Running>,
    /// Sensors heard again after a silence.
    back: Vec<(Subject, ValidAt)>,
    silent: HashSet<Name>,
    alarms: Vec<NewAlarm>,
    self_check: SelfCheck,
    is_whole: bool,
    trimmed: Instant,
    /// What a checkpoint held, until it is taken up.
    before: Option<(Checkpoints, Restored)>,
}

impl State {
    pub(super) fn new(engine: Engine, ledger: Ledger, now: Now, watch: Watch, board: Board, grain: usize) -> Self {
        Self {
            memory: Memory::new(engine),
            needed: HashMap::new(),
            knows_travellers: false,
            travelled: false,
            ledger,
            now,
            watch,
            board,
            registry: Arc::default(),
            grouped: Arc::default(),
            index: Arc::default(),
            profiles: Arc::default(),
            cohorts: Cohorts::new(grain),
            groups: Groups::default(),
            rounds: Rounds::default(),
            schedule: Schedule::new(Instant::now()),
            urgent: None,
            other: None,
            back: Vec::new(),
            silent: HashSet::new(),
            alarms: Vec::new(),
            self_check: SelfCheck::default(),
            is_whole: false,
            trimmed: Instant::now(),
            before: None,
        }
    }

    pub(super) fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Takes up the newest registry: what is touched is looked at again, new sensors are read from the store.
    pub(super) async fn registry_changed(&mut self) -> Result<(), AssessError> {
        let registry = self.ledger.registry();
        let before = std::mem::replace(&mut self.registry, Arc::clone(&registry));
        let wanted: HashSet<Name> = registry
            .associations
            .iter()
            .map(|association| association.sensor.clone())
            .chain(registry.sensors.iter().map(|sensor| sensor.id.clone()))
            .collect();
        let mut corrected = HashSet::new();
        for sensor in &wanted {
            let same = before.sensors.get(sensor) == registry.sensors.get(sensor)
                && before.exclusions.of(sensor).eq(registry.exclusions.of(sensor));
            if !same && self.memory.correct(&registry, sensor) {
                corrected.insert(sensor.clone());
            }
        }
        // Told from now on, and then read: nothing falls between.
        (self.watch)(wanted.iter().chain(self.memory.sensors()).cloned().collect());
        let before_start = match self.before.take() {
            Some((checkpoints, restored)) => Some(self.inherit(&checkpoints, restored).await?),
            None => None,
        };
        if !self.knows_travellers {
            if before_start.is_none() {
                self.needed.extend(self.memory.travellers().await?.into_iter().map(|sensor| (sensor, None)));
            }
            self.knows_travellers = true;
        }
        self.regroup();
        if let Some(BeforeStart { facts, unseen }) = before_start {
            self.resume(&registry, facts, &unseen).await?;
        }
        self.need(&wanted);
        self.memory.learn(&registry, &self.needed).await?;
        self.regroup();
        self.cohorts.inherit(HashMap::new());
        let (now, clock) = ((self.now)(), Instant::now());
        let product = |registry: &Registry, cohort: &Cohort| {
            registry.products.get(&cohort.past.gtin).map(|product| product.version)
        };
        let lot =
            |registry: &Registry, cohort: &Cohort| registry.lots.get(&cohort.past.lot_key()).map(|lot| lot.version);
        for (id, cohort) in self.cohorts.iter() {
            let custody = &cohort.past.custody;
            let touched = product(&before, cohort) != product(&registry, cohort)
                || lot(&before, cohort) != lot(&registry, cohort)
                || custody.zone(&before) != custody.zone(&registry)
                || cohort.past.sensors().iter().any(|sensor| corrected.contains(*sensor));
            if touched {
                self.schedule.mark(id, Urgency::New, now, clock);
            }
        }
        let units = |unit: &Name| self.cohorts.of_unit(unit).is_some();
        self.board.keep(&units);
        Ok(())
    }

    /// How many groups of readings were taken in.
    pub(super) fn groups(&self) -> u64 {
        self.memory.groups()
    }

    /// Whether every cohort was looked at, and nothing is lacking.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole && !self.memory.is_lacking()
    }

    /// Notes since when the readings of each sensor are needed: since the earliest beginning of the units it stands or
    /// stood for, or right before now when there are none.
    fn need(&mut self, wanted: &HashSet<Name>) {
        let now = (self.now)().millis();
        for sensor in wanted {
            let cohorts = self.cohorts.of_sensor(sensor).iter().filter_map(|id| self.cohorts.get(*id));
            let from = cohorts.map(|cohort| cohort.past.custody.window.from.millis()).min();
            let from = from.unwrap_or(now).min(now);
            match self.needed.get_mut(sensor) {
                None => {
                    self.needed.insert(sensor.clone(), Some(from));
                }
                Some(Some(needed)) => *needed = from.min(*needed),
                Some(None) => {}
            }
        }
    }

    /// Finds anew where units are and which sensors concern them, as far as that may have changed; cohorts that are new are
    /// looked at.
    fn regroup(&mut self) {
        let index = Arc::new(self.memory.index(&self.registry));
        let touched = if *index == *self.index { touched::units(&self.grouped, &self.registry) } else { None };
        (self.index, self.grouped) = (index, Arc::clone(&self.registry));
        if touched.as_ref().is_some_and(BTreeSet::is_empty) {
            return;
        }
        // Custody reaches as far as anybody declared it, so that it changes only when something is declared.
        let (registry, index) = (&self.registry, &self.index);
        let custody = |unit: Name| (Custody::of(registry, index, &unit, FAR), unit);
        let few = touched.filter(|touched| touched.len() < registry.units.len() / 2);
        let Regrouped { made, gone } = match few {
            Some(few) => self.cohorts.regroup_few(registry, few.into_iter().map(custody)),
            None => self.cohorts.regroup(registry, Fleet::units(registry).into_iter().map(custody)),
        };
        for id in gone {
            self.schedule.forget(id);
            self.rounds.plan(id, None);
        }
        let (now, clock) = ((self.now)(), Instant::now());
        for id in made {
            self.schedule.mark(id, Urgency::New, now, clock);
        }
        self.groups.regroup(&self.cohorts, now);
    }

    /// Takes one reading in, and marks the cohorts it may concern in kind.
    pub(super) fn take(&mut self, reading: &Observation) {
        let at = ValidAt::from_millis(reading.measured_at.millis());
        let Taken { push, travelled } = self.memory.take(reading);
        if self.silent.remove(&reading.sensor) {
            self.back.push((Subject::Sensor(reading.sensor.clone()), at));
        }
        self.travelled |= travelled;
        match push {
            Push::Known => {}
            Push::Late => {
                let (now, clock) = ((self.now)(), Instant::now());
                for id in self.cohorts.of_sensor(&reading.sensor) {
                    let rests = self.cohorts.get(*id).and_then(|cohort| cohort.rests);
                    if rests.is_none_or(|until| at.millis() <= until) {
                        self.schedule.mark(*id, Urgency::Late, now, clock);
                    }
                }
            }
            Push::Next(since) => self.screen(&reading.sensor, at, since),
        }
    }

    /// Finds anew whose readings concern whom, when readings said that a sensor came to a unit or left it.
    pub(super) async fn follow(&mut self) -> Result<(), AssessError> {
        let travelled = std::mem::take(&mut self.travelled);
        if self.memory.is_lacking() {
            if travelled {
                let associated = self.registry.associations.iter().map(|association| &association.sensor);
                let registered = self.registry.sensors.iter().map(|sensor| &sensor.id);
                (self.watch)(associated.chain(registered).chain(self.memory.sensors()).cloned().collect());
            }
            let registry = Arc::clone(&self.registry);
            self.memory.learn(&registry, &self.needed).await?;
        }
        if travelled {
            self.regroup();
        }
        Ok(())
    }

    /// Lets go of readings that are folded and that nobody needs any more.
    pub(super) fn trim(&mut self) {
        if self.trimmed.elapsed() < TRIM_EVERY {
            return;
        }
        self.trimmed = Instant::now();
        let late = (self.now)().millis().saturating_sub(LATE_MS);
        for sensor in self.memory.grown() {
            let cohorts = self.cohorts.of_sensor(&sensor).iter().filter_map(|id| self.cohorts.get(*id));
            let needs = |cohort: &Cohort| match (cohort.rests, cohort.lacks) {
                (Some(_), _) => Some(i64::MAX),
                (None, Some(lacks)) => {
                    (lacks > i64::MIN).then_some(lacks)?.min(cohort.traced.needs(&sensor, late)?).into()
                }
                (None, None) => cohort.is_known.then(|| cohort.traced.needs(&sensor, late)).flatten(),
            };
            let needed = cohorts.map(needs).try_fold(late, |first, needed| Some(first.min(needed?)));
            if let Some(first) = needed {
                self.memory.trim(&sensor, first);
            }
        }
    }

    /// Notes that a group of readings was taken in whole.
    pub(super) fn took(&mut self) {
        self.memory.took();
    }

    /// Notes how many groups of readings wait to be taken in.
    pub(super) fn waiting(&mut self, groups: usize) {
        self.memory.waiting(groups);
    }

    /// Marks the cohorts for which the newest reading of `sensor` is more than one more of the same.
    fn screen(&mut self, sensor: &Name, at: ValidAt, since: i64) {
        for index in self.groups.of_sensor(sensor) {
            let Some(heard) = self.memory.newest(sensor) else { return };
            let Some(group) = self.groups.get_mut(index) else { continue };
            let Some(product) = self.registry.products.get(&group.gtin) else { continue };
            let beyond = self.profiles.get(product).beyond(heard.temperature(), heard.humidity());
            let before = group.beyond.insert(sensor.clone(), (product.version, beyond));
            let marked = if before != Some((product.version, beyond)) || since > longest_gap(product) {
                group.cohorts.clone()
            } else if beyond != 0 {
                self.groups.firing(index, at, &self.cohorts)
            } else {
                continue;
            };
            let (now, clock) = ((self.now)(), Instant::now());
            // What began while the one stood there that is there longest, most others have as well.
            for (number, id) in marked.into_iter().enumerate() {
                let urgency = if number == 0 { Urgency::Urgent } else { Urgency::Following };
                self.schedule.mark(id, urgency, now, clock);
            }
        }
    }

    /// Marks what has become due by itself.
    pub(super) fn pass_time(&mut self) {
        let (now, clock) = ((self.now)(), Instant::now());
        if self.groups.are_over(now) {
            self.groups.regroup(&self.cohorts, now);
        }
        for id in self.rounds.due(now) {
            self.schedule.mark(id, Urgency::Due, now, clock);
        }
        for alarm in silence::silent(&self.registry, &self.memory, now) {
            if let Subject::Sensor(sensor) = &alarm.subject
                && self.silent.insert(sensor.clone())
            {
                self.alarms.push(alarm);
            }
        }
    }

    /// Writes down which sensors fell silent, and which are heard again.
    pub(super) async fn tell(&mut self) -> Result<(), AssessError> {
        if self.alarms.is_empty() && self.back.is_empty() {
            return Ok(());
        }
        let alarms = std::mem::take(&mut self.alarms);
        let findings = Findings { alarms, heard: std::mem::take(&mut self.back), ..Findings::default() };
        let told = self.ledger.record_findings(findings).await;
        told.map(|_| ()).map_err(|error| AssessError::Failed { source: Box::new(error) })
    }

    /// Begins the next piece of work on each way on which there is none.
    pub(super) fn begin(&mut self) {
        if self.urgent.is_none() {
            self.urgent = self.begin_on(Way::Urgent);
        }
        if self.other.is_none() {
            self.other = self.begin_on(Way::Other);
        }
    }

    fn begin_on(&mut self, way: Way) -> Option<Running> {
        let now = (self.now)();
        let clock = Instant::now();
        let (urgency, turns) = self.schedule.turns(way, &self.cohorts, now, clock);
        let (mut tasks, mut sensors, mut values) = (Vec::with_capacity(turns.len()), HashSet::new(), 0);
        let mut turns = turns.into_iter();
        while values < VALUES_AT_ONCE
            && let Some(turn) = turns.next()
        {
            let Some(cohort) = self.cohorts.get_mut(turn.id) else { continue };
            cohort.looked_at = Some(now);
            for sensor in cohort.past.sensors() {
                if !cohort.is_known {
                    values += self.memory.values(sensor);
                }
                sensors.insert(sensor.clone());
            }
            let (units, trace, traced) = (Arc::clone(&cohort.units), cohort.trace.clone(), cohort.traced.clone());
            let past = Arc::clone(&cohort.past);
            let neighbours = self.groups.neighbours(turn.id, &self.cohorts, &self.registry);
            let around = neighbours.map(|neighbours| Neighbourhood { past, neighbours });
            tasks.push(Task { id: turn.id, units, trace, noticed_at: turn.noticed_at, traced, around });
        }
        if let Some(urgency) = urgency {
            self.schedule.put_back(turns.collect(), urgency, clock);
        }
        if tasks.is_empty() {
            return None;
        }
        let sources = self.sources(sensors, now);
        Some(work::begin(urgency, sources, tasks, self.ledger.clone()))
    }

    fn sources(&self, sensors: impl IntoIterator<Item = Name>, as_of: ValidAt) -> Sources {
        let told = sensors.into_iter().filter_map(|sensor| {
            let told = Arc::clone(self.memory.told(&sensor)?);
            Some((sensor, told))
        });
        Sources {
            sensors: told.collect(),
            registry: Arc::clone(&self.registry),
            index: Arc::clone(&self.index),
            profiles: Arc::clone(&self.profiles),
            as_of,
        }
    }

    /// Waits for a piece of work that is under way, for ever when there is none.
    pub(super) async fn finished(&mut self) -> Result<Outcome, AssessError> {
        let ended = tokio::select! {
            ended = ended(&mut self.urgent) => ended,
            ended = ended(&mut self.other) => ended,
        };
        ended.unwrap_or_else(|join| std::panic::resume_unwind(join.into_panic()))
    }
}

/// Waits for the work on one way, for ever when there is none.
async fn ended(running: &mut Option<Running>) -> Result<Result<Outcome, AssessError>, tokio::task::JoinError> {
    match running {
        Some(handle) => {
            let ended = handle.await;
            *running = None;
            ended
        }
        None => std::future::pending().await,
    }
}

/// How far apart readings of a product may be, ms.
fn longest_gap(product: &Product) -> i64 {
    product.max_gap.map_or(3_600_000, |gap| i64::try_from(gap.as_millis()).unwrap_or(i64::MAX))
}
