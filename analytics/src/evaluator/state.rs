//! What the evaluator knows, and how it comes to know it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::assessment::Assessment;
use model::hold::{AlarmCode, Subject};
use model::instant::ValidAt;
use model::name::Name;
use model::reading::Observation;
use model::registry::{Registry, Severity};
use store::ledger::{Finding, Findings, Ledger, NewAlarm};

use super::board::Board;
use super::groups::Groups;
use super::memory::{FAR, Memory, Taken};
use super::rounds::{Rounds, next_instant};
use super::selfcheck::SelfCheck;
use super::{Now, Watch, silence};
use crate::assess::{AssessError, StoreAssess};
use crate::custody::{self, Custody, Index};
use crate::fleet::{Fleet, Heard, Profiles, Push};
use crate::sql::Engine;

/// How much of a tick goes to units whose turn it is, at most.
const TURN_TIME: Duration = Duration::from_millis(20);

/// Values of sensors that are unpacked at once, about; of one trace all are.
const VALUES_AT_ONCE: usize = 4_000_000;

/// Everything the evaluator knows.
pub(super) struct State {
    ledger: Ledger,
    now: Now,
    watch: Watch,
    board: Board,
    registry: Arc<Registry>,
    index: Index,
    profiles: Arc<Profiles>,
    memory: Memory,
    /// Since when the readings of each sensor are needed, ms; `None`: all of them.
    needed: HashMap<Name, Option<i64>>,
    knows_travellers: bool,
    /// Readings said that a sensor came to a unit or left it.
    travelled: bool,
    units: BTreeMap<Name, Custody>,
    /// Units each sensor ever stood for.
    ever: HashMap<Name, Vec<Name>>,
    groups: Groups,
    rounds: Rounds,
    dirty: BTreeSet<Name>,
    /// Sensors heard again after a silence.
    back: Vec<(Subject, ValidAt)>,
    silent: HashSet<Name>,
    alarms: Vec<NewAlarm>,
    self_check: SelfCheck,
    /// How many units a turn takes.
    turn_size: usize,
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
            index: Index::default(),
            profiles: Arc::default(),
            units: BTreeMap::new(),
            ever: HashMap::new(),
            groups: Groups::default(),
            rounds: Rounds::default(),
            dirty: BTreeSet::new(),
            back: Vec::new(),
            silent: HashSet::new(),
            alarms: Vec::new(),
            self_check: SelfCheck::default(),
            turn_size: 16,
        }
    }

    pub(super) fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Takes up the newest registry: whose units are touched is looked at again, new sensors are read from the store.
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
        (self.watch)(wanted.clone());
        if !self.knows_travellers {
            for sensor in self.memory.travellers().await? {
                self.needed.insert(sensor, None);
            }
            self.knows_travellers = true;
        }
        let was = self.regroup();
        self.need(&wanted);
        self.memory.learn(&registry, &self.needed).await?;
        self.regroup();
        for (unit, custody) in &self.units {
            let product = |registry: &Registry| {
                let gtin = custody::registered(registry, unit)?.gtin;
                registry.products.get(&gtin).map(|product| product.version)
            };
            let lot = |registry: &Registry| {
                let unit = custody::registered(registry, unit)?;
                registry.lots.get(&unit.lot_key()).map(|lot| lot.version)
            };
            let touched = was.get(unit) != Some(custody)
                || product(&before) != product(&registry)
                || lot(&before) != lot(&registry)
                || custody.zone(&before) != custody.zone(&registry)
                || custody.pieces.iter().flat_map(|piece| &piece.sensors).any(|sensor| corrected.contains(sensor));
            if touched {
                self.dirty.insert(unit.clone());
            }
        }
        let units = &self.units;
        self.board.keep(&|unit| units.contains_key(unit));
        Ok(())
    }

    /// Notes since when the readings of each sensor are needed: since the earliest beginning of the units it stands or
    /// stood for, or right before now when there are none.
    fn need(&mut self, wanted: &HashSet<Name>) {
        let now = (self.now)().millis();
        for sensor in wanted {
            let units = self.ever.get(sensor).into_iter().flatten();
            let from = units.filter_map(|unit| Some(self.units.get(unit)?.window.from.millis())).min();
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

    /// Finds anew where every unit is and which sensors concern it; gives back what was known before.
    fn regroup(&mut self) -> BTreeMap<Name, Custody> {
        self.index = self.memory.index(&self.registry);
        // Custody reaches as far as anybody declared it, so that it changes only when something is declared.
        let units = Fleet::units(&self.registry);
        let custody = |unit: Name| Custody::of(&self.registry, &self.index, &unit, FAR).map(|custody| (unit, custody));
        let now: BTreeMap<Name, Custody> = units.into_iter().filter_map(custody).collect();
        let before = std::mem::replace(&mut self.units, now);
        let mut ever: HashMap<Name, BTreeSet<Name>> = HashMap::new();
        for (unit, custody) in &self.units {
            for sensor in custody.pieces.iter().flat_map(|piece| &piece.sensors) {
                ever.entry(sensor.clone()).or_default().insert(unit.clone());
            }
        }
        self.ever = ever.into_iter().map(|(sensor, units)| (sensor, units.into_iter().collect())).collect();
        let registry = &self.registry;
        let with_product = self
            .units
            .iter()
            .filter_map(|(unit, custody)| Some((unit, custody::registered(registry, unit)?.gtin, custody)));
        self.groups = Groups::new(with_product);
        before
    }

    /// Takes one reading in, and marks the units it may concern in kind.
    pub(super) fn take(&mut self, reading: &Observation) {
        let at = ValidAt::from_millis(reading.measured_at.millis());
        let Taken { push, travelled } = self.memory.take(reading);
        if self.silent.remove(&reading.sensor) {
            self.back.push((Subject::Sensor(reading.sensor.clone()), at));
        }
        self.travelled |= travelled;
        match push {
            Push::Known => {}
            Push::Late => self.dirty.extend(self.ever.get(&reading.sensor).into_iter().flatten().cloned()),
            Push::Next(since) => self.screen(&reading.sensor, at, since),
        }
    }

    /// Finds anew whose readings concern whom, when readings said that a sensor came to a unit or left it.
    pub(super) async fn follow(&mut self) -> Result<(), AssessError> {
        if !std::mem::take(&mut self.travelled) && !self.memory.is_stale() {
            return Ok(());
        }
        let registry = Arc::clone(&self.registry);
        self.memory.learn(&registry, &self.needed).await?;
        let was = self.regroup();
        let moved = self.units.iter().filter(|(unit, custody)| was.get(*unit) != Some(*custody));
        self.dirty.extend(moved.map(|(unit, _)| unit.clone()).collect::<Vec<_>>());
        Ok(())
    }

    /// Marks the groups for which the newest reading of `sensor` is more than one more of the same.
    fn screen(&mut self, sensor: &Name, at: ValidAt, since: i64) {
        let Some(heard) = self.memory.newest(sensor) else { return };
        for index in self.groups.of_sensor(sensor).to_vec() {
            let group = &mut self.groups.all[index];
            let Some(product) = self.registry.products.get(&group.gtin) else { continue };
            let profile = self.profiles.get(product);
            let beyond = profile.beyond(heard.temperature(), heard.humidity());
            let before = group.beyond.insert(sensor.clone(), beyond).unwrap_or(u64::MAX);
            let gap = product.max_gap.map_or(3_600_000, |gap| i64::try_from(gap.as_millis()).unwrap_or(i64::MAX));
            let may_fire = beyond != 0 && group.soonest.is_none_or(|soonest| soonest <= at);
            if beyond != before || since > gap || may_fire {
                self.dirty.extend(group.units.iter().cloned());
            }
        }
    }

    /// Marks what has become due by itself, and those whose turn it is.
    pub(super) fn pass_time(&mut self) {
        let now = (self.now)();
        self.dirty.extend(self.rounds.due(now));
        let turn = self.rounds.in_turn(self.units.keys(), self.turn_size);
        self.dirty.extend(turn);
        for alarm in silence::silent(&self.registry, &self.memory, now) {
            if let Subject::Sensor(sensor) = &alarm.subject
                && self.silent.insert(sensor.clone())
            {
                self.alarms.push(alarm);
            }
        }
    }

    /// Assesses what is marked and writes what follows from it.
    pub(super) async fn settle(&mut self) -> Result<(), AssessError> {
        if self.dirty.is_empty() && self.alarms.is_empty() && self.back.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        let dirty = std::mem::take(&mut self.dirty);
        let many = dirty.len();
        let assessed = self.assess(dirty).await;
        let findings = Findings {
            alarms: self.alarms_of(&assessed),
            heard: std::mem::take(&mut self.back),
            position: None,
            assessed,
        };
        let shown: Vec<Arc<Assessment>> = findings.assessed.iter().map(|found| Arc::clone(&found.assessment)).collect();
        let found = self.ledger.record_findings(findings).await;
        let found = found.map_err(|error| AssessError::Failed { source: Box::new(error) })?;
        metrics::counter!("coldtrail_holds_placed_total").increment(found.placed.len() as u64);
        for assessment in &shown {
            self.plan(assessment);
        }
        self.board.put(shown);
        self.board.is_whole();
        let spent = began.elapsed();
        metrics::histogram!("coldtrail_evaluation_seconds").record(spent);
        metrics::counter!("coldtrail_assessments_total").increment(many as u64);
        if many <= self.turn_size * 2 {
            self.turn_size =
                if spent < TURN_TIME { (self.turn_size * 2).min(4096) } else { (self.turn_size / 2).max(4) };
        }
        Ok(())
    }

    /// Assesses units, those with the same past only once, off the runtime's threads.
    async fn assess(&mut self, units: BTreeSet<Name>) -> Vec<Finding> {
        let now = (self.now)();
        // Units under the same sensors together, so that what these said is unpacked once.
        let mut by_trace: BTreeMap<Vec<&Name>, Vec<Name>> = BTreeMap::new();
        for unit in units {
            let Some(custody) = self.units.get(&unit) else { continue };
            let sensors: BTreeSet<&Name> = custody.pieces.iter().flat_map(|piece| &piece.sensors).collect();
            by_trace.entry(sensors.into_iter().collect()).or_default().push(unit);
        }
        let mut found = Vec::new();
        let (mut heard, mut units, mut values) = (HashMap::new(), Vec::new(), 0);
        for (sensors, together) in by_trace {
            for sensor in sensors {
                if !heard.contains_key(sensor)
                    && let Some(whole) = self.memory.whole(sensor, now)
                {
                    values += self.memory.values(sensor);
                    heard.insert(sensor.clone(), whole);
                }
            }
            units.extend(together);
            if values > VALUES_AT_ONCE {
                found.extend(self.assess_over(std::mem::take(&mut heard), std::mem::take(&mut units), now).await);
                values = 0;
            }
        }
        found.extend(self.assess_over(heard, units, now).await);
        found
    }

    /// Goes on checking that what is kept gives the assessments that `store` gives.
    pub(super) async fn check(&mut self, store: &StoreAssess) {
        let now = (self.now)();
        self.alarms.extend(self.self_check.finished(now).await);
        let Some((unit, as_of)) = self.self_check.due(self.units.keys(), now) else { return };
        let mut heard = HashMap::new();
        for sensor in self.units.get(&unit).iter().flat_map(|custody| &custody.pieces).flat_map(|piece| &piece.sensors)
        {
            heard.extend(self.memory.whole(sensor, as_of).map(|whole| (sensor.clone(), whole)));
        }
        let here = self.assess_over(heard, vec![unit.clone()], as_of).await.pop();
        let here = here.map(|finding| Assessment::clone(&finding.assessment));
        self.self_check.begin(unit, as_of, here, store);
    }

    async fn assess_over(&self, heard: HashMap<Name, Arc<Heard>>, units: Vec<Name>, now: ValidAt) -> Vec<Finding> {
        let (registry, index) = (Arc::clone(&self.registry), self.index.clone());
        let profiles = Arc::clone(&self.profiles);
        let work = move || {
            let fleet = Fleet::over(&registry, index, heard, &profiles, now);
            let mut known: HashMap<String, Assessment> = HashMap::new();
            let mut found = Vec::with_capacity(units.len());
            for unit in &units {
                let Some(custody) = fleet.custody(unit) else { continue };
                let Some(registered) = custody::registered(&registry, unit) else { continue };
                let trace = format!("{:?}", custody.pieces.iter().map(|piece| &piece.sensors).collect::<Vec<_>>());
                let past = format!("{} {} {:?}", registered.gtin, registered.lot.as_str(), custody);
                let assessment = match known.get(&past) {
                    Some(same) => Some(Assessment { unit: unit.clone(), ..same.clone() }),
                    None => fleet.assess(unit),
                };
                let Some(assessment) = assessment else { continue };
                known.entry(past).or_insert_with(|| assessment.clone());
                found.push(Finding { assessment: Arc::new(assessment), trace: trace.into() });
            }
            found
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(found) => found,
            Err(join) => std::panic::resume_unwind(join.into_panic()),
        }
    }

    /// The alarms that assessments and silence call for.
    fn alarms_of(&mut self, assessed: &[Finding]) -> Vec<NewAlarm> {
        let mut alarms = std::mem::take(&mut self.alarms);
        for finding in assessed {
            let assessment = &finding.assessment;
            let Some(product) = self.registry.products.get(&assessment.gtin) else { continue };
            let grave = |rule: &Name| {
                product
                    .rules
                    .iter()
                    .find(|known| known.id == *rule)
                    .is_none_or(|rule| rule.severity != Severity::Notify)
            };
            for alarm in &assessment.alarms {
                if let Some(at) = alarm.at {
                    let kind = if grave(&alarm.rule) { "fired" } else { "fired, to be noted" };
                    alarms.push(NewAlarm {
                        code: AlarmCode::RuleFired,
                        subject: Subject::Unit(assessment.unit.clone()),
                        rule: Some(alarm.rule.clone()),
                        at,
                        detail: format!("rule `{}` {kind}", alarm.rule).into(),
                    });
                }
            }
        }
        alarms
    }

    /// Plans when a unit is looked at again, and what its group waits for.
    fn plan(&mut self, assessment: &Assessment) {
        let Some(product) = self.registry.products.get(&assessment.gtin) else { return };
        let Some(custody) = self.units.get(&assessment.unit) else { return };
        let sensors = custody.pieces.last().map(|piece| piece.sensors.as_slice()).unwrap_or_default();
        let last = sensors.iter().filter_map(|sensor| self.memory.last_at(sensor)).max();
        let last = last.map(ValidAt::from_millis);
        let gap = product.max_gap.map_or(3_600_000, |gap| i64::try_from(gap.as_millis()).unwrap_or(i64::MAX));
        let next = (!custody.closed)
            .then(|| next_instant(assessment, product, custody.zone(&self.registry), last, gap))
            .flatten();
        let soonest = self.profiles.get(product).soonest(assessment, last.unwrap_or(assessment.as_of));
        self.rounds.plan(&assessment.unit, next);
        if let Some(group) = self.groups.of_unit(&assessment.unit) {
            let far = ValidAt::from_millis(i64::MAX);
            group.soonest =
                Some(soonest.unwrap_or(far).min(group.soonest.filter(|at| *at > assessment.as_of).unwrap_or(far)));
        }
    }
}
