//! What the evaluator knows, and how it comes to know it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use model::assessment::Assessment;
use model::hold::Subject;
use model::instant::ValidAt;
use model::name::Name;
use model::reading::Observation;
use model::registry::{Product, Registry};
use store::ledger::{Findings, Ledger, NewAlarm};

use super::board::Board;
use super::cohorts::{Cohort, CohortId, Cohorts, Regrouped};
use super::groups::Groups;
use super::memory::{FAR, Memory, Taken};
use super::rounds::{Rounds, next_instant};
use super::schedule::{Schedule, Urgency, Way};
use super::selfcheck::SelfCheck;
use super::traced::Traced;
use super::work::{self, Done, Outcome, Running, Sources, Task};
use super::{Now, Watch, silence};
use crate::assess::{AssessError, StoreAssess};
use crate::custody::{Custody, Index};
use crate::fleet::{Fleet, Profiles, Push};
use crate::kernel::Missing;
use crate::sql::Engine;

/// Values of sensors that are gone through for one piece of work, about, for cohorts that nobody looked at yet.
const VALUES_AT_ONCE: usize = 4_000_000;

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
}

impl State {
    pub(super) fn new(engine: Engine, ledger: Ledger, now: Now, watch: Watch, board: Board) -> Self {
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
            index: Arc::default(),
            profiles: Arc::default(),
            cohorts: Cohorts::default(),
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
        if !self.knows_travellers {
            for sensor in self.memory.travellers().await? {
                self.needed.insert(sensor, None);
            }
            self.knows_travellers = true;
        }
        self.regroup();
        self.need(&wanted);
        self.memory.learn(&registry, &self.needed).await?;
        self.regroup();
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

    /// Finds anew where every unit is and which sensors concern it; cohorts that are new are looked at.
    fn regroup(&mut self) {
        self.index = Arc::new(self.memory.index(&self.registry));
        // Custody reaches as far as anybody declared it, so that it changes only when something is declared.
        let units = Fleet::units(&self.registry);
        let custody = |unit: Name| Custody::of(&self.registry, &self.index, &unit, FAR).map(|custody| (unit, custody));
        let Regrouped { made, gone } = self.cohorts.regroup(&self.registry, units.into_iter().filter_map(custody));
        for id in gone {
            self.schedule.forget(id);
            self.rounds.plan(id, None);
        }
        let (now, clock) = ((self.now)(), Instant::now());
        for id in made {
            self.schedule.mark(id, Urgency::New, now, clock);
        }
        self.groups.regroup(&self.cohorts);
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
                    self.schedule.mark(*id, Urgency::Late, now, clock);
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
                self.groups.firing(index, at)
            } else {
                continue;
            };
            let (now, clock) = ((self.now)(), Instant::now());
            for id in marked {
                self.schedule.mark(id, Urgency::Urgent, now, clock);
            }
        }
    }

    /// Marks what has become due by itself.
    pub(super) fn pass_time(&mut self) {
        let (now, clock) = ((self.now)(), Instant::now());
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
            tasks.push(Task { id: turn.id, units, trace, noticed_at: turn.noticed_at, traced });
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

    /// Shows what came of a piece of work, and plans when its cohorts are looked at again.
    pub(super) fn finish(&mut self, outcome: Outcome) {
        let Outcome { urgency, as_of, done, took } = outcome;
        metrics::histogram!("coldtrail_evaluation_seconds").record(took);
        let units: usize = done.iter().map(|done| done.units.len()).sum();
        metrics::counter!("coldtrail_assessments_total").increment(units as u64);
        let each: Vec<(CohortId, std::time::Duration)> = done.iter().map(|done| (done.id, done.cost)).collect();
        self.schedule.took(urgency, &each, took, Instant::now());
        for Done { id, units, assessment, traced, noticed_at, cost } in done {
            let Some(cohort) = self.cohorts.get_mut(id) else { continue };
            let assessment = match assessment {
                Ok(assessment) => assessment,
                Err(missing) => {
                    for sensor in cohort.past.sensors() {
                        self.memory.want(sensor, missing.from);
                    }
                    let urgency = urgency.unwrap_or(Urgency::New);
                    self.schedule.mark(id, urgency, noticed_at, Instant::now());
                    continue;
                }
            };
            (cohort.cost, cohort.is_known) = (cost, true);
            // What was begun later knows better, on the other way.
            if cohort.looked_at.is_some_and(|later| later > as_of) {
                continue;
            }
            cohort.traced = traced;
            match assessment {
                Some(assessment) => {
                    self.plan(id, &assessment);
                    self.board.put(id, &units, assessment);
                }
                // They are looked at when they begin.
                None => {
                    let begins = units.first().and_then(|unit| self.registry.beginning(unit)).map(|(at, _)| at);
                    self.rounds.plan(id, begins.filter(|at| *at > as_of));
                }
            }
        }
        if !self.is_whole && self.cohorts.iter().all(|(_, cohort)| cohort.is_known) {
            self.is_whole = true;
            self.board.is_whole();
        }
    }

    /// Plans when a cohort is looked at again, and what its group waits for.
    fn plan(&mut self, id: CohortId, assessment: &Assessment) {
        let Some(product) = self.registry.products.get(&assessment.gtin) else { return };
        let Some(cohort) = self.cohorts.get(id) else { return };
        let custody = &cohort.past.custody;
        let last = cohort.past.sensors_now().iter().filter_map(|sensor| self.memory.last_at(sensor)).max();
        let last = last.map(ValidAt::from_millis);
        let zone = custody.zone(&self.registry);
        let next = (!custody.closed).then(|| next_instant(assessment, product, zone, last, longest_gap(product)));
        self.rounds.plan(id, next.flatten());
        let newest = assessment.provenance.watermark;
        let soonest = self.profiles.get(product).soonest(assessment, newest.unwrap_or(assessment.as_of));
        self.groups.plan(id, soonest);
        // Readings that came while it was worked on may have gone on until then.
        if last > newest && soonest.is_some_and(|soonest| Some(soonest) <= last) {
            self.schedule.mark(id, Urgency::Urgent, (self.now)(), Instant::now());
        }
    }

    /// Goes on checking that what is kept gives the assessments that `store` gives.
    pub(super) async fn check(&mut self, store: &StoreAssess) {
        let now = (self.now)();
        if let Some(compared) = self.self_check.finished().await {
            let here = match compared.is_equal() {
                true => Ok(None),
                false => self.assess_one(&compared.unit, compared.as_of).await,
            };
            match here {
                Ok(here) => self.alarms.extend(self.self_check.judge(compared, here.as_ref(), now)),
                Err(_) => self.self_check.lacking(),
            }
        }
        let units = self.cohorts.units();
        if let Some((unit, as_of)) = self.self_check.due(units.iter(), now) {
            let here = self.assess_one(&unit, as_of);
            self.self_check.begin(unit, as_of, here, store);
        }
    }

    /// What is kept of a unit now, as of an instant.
    fn assess_one(
        &self,
        unit: &Name,
        as_of: ValidAt,
    ) -> impl Future<Output = Result<Option<Assessment>, Missing>> + Send + use<> {
        let cohort = self.cohorts.of_unit(unit);
        let sensors: Vec<Name> =
            cohort.map(|cohort| cohort.past.sensors().into_iter().cloned().collect()).unwrap_or_default();
        let traced = cohort.map_or_else(Traced::default, |cohort| cohort.traced.clone());
        work::assess_one(self.sources(sensors, as_of), traced, unit.clone())
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
