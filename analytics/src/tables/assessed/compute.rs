//! Computing assessments within a query: whose readings are needed, and what is known of each unit by them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use datafusion::catalog::Session;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use model::assessment::Assessment;
use model::instant::ValidAt;
use model::name::Name;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use super::super::chosen::Unit;
use super::super::evidence::{self, Evidence};
use super::super::ranges::Ranges;
use crate::custody::{Custody, Index};
use crate::fleet::{Fleet, Heard};
use crate::logs::Log;

/// What a query computes.
#[derive(Debug)]
pub(super) struct Computation {
    evidence: Arc<Evidence>,
    index: Arc<Index>,
    as_of: ValidAt,
    /// Units with the same past, each group in order.
    groups: Vec<Vec<Name>>,
    sensors: Arc<HashSet<Name>>,
    ready: OnceCell<Ready>,
}

/// What sensors said, ready to be cut into traces.
#[derive(Debug)]
struct Ready {
    heard: HashMap<Name, Arc<Heard>>,
    _reserved: Vec<MemoryReservation>,
}

impl Computation {
    /// The computation of `units` at `as_of`, and the plan that reads what it needs.
    pub(super) async fn plan(
        evidence: &Arc<Evidence>,
        units: Vec<Unit>,
        as_of: ValidAt,
        state: &dyn Session,
    ) -> Result<(Self, Arc<dyn ExecutionPlan>)> {
        let index = evidence.index(state, as_of).await?;
        let mut sensors = HashSet::new();
        let mut alike: BTreeMap<String, Vec<Name>> = BTreeMap::new();
        for unit in units {
            let Some(custody) = Custody::of(&evidence.registry, &index, &unit.id, as_of) else { continue };
            let past = format!("{} {} {custody:?}", unit.gtin, unit.lot);
            sensors.extend(custody.pieces.into_iter().flat_map(|piece| piece.sensors));
            alike.entry(past).or_default().push(unit.id);
        }
        // A trace is built from all readings up to as-of, and then cut.
        let ranges = Ranges::of(sensors.iter().map(|sensor| (sensor.clone(), 0, as_of.millis())));
        let input = match ranges.is_empty() {
            true => Arc::new(EmptyExec::new(evidence.readings_schema()?)) as Arc<dyn ExecutionPlan>,
            false => evidence.plan(state, &ranges).await?,
        };
        let mut groups: Vec<Vec<Name>> = alike.into_values().collect();
        groups.sort();
        let computation = Self {
            evidence: Arc::clone(evidence),
            index: Arc::new(index),
            as_of,
            groups,
            sensors: Arc::new(sensors),
            ready: OnceCell::new(),
        };
        Ok((computation, input))
    }

    /// Units with the same past, group by group.
    pub(super) fn groups(&self) -> &[Vec<Name>] {
        &self.groups
    }

    /// All units, ready to be assessed. The first to ask reads what is needed with `input`.
    pub(super) async fn fleet(
        self: &Arc<Self>,
        input: &Arc<dyn ExecutionPlan>,
        context: &Arc<TaskContext>,
    ) -> Result<Fleet<'_>> {
        let ready = self.ready.get_or_try_init(|| self.read(input, context)).await?;
        let (registry, profiles) = (&self.evidence.registry, &self.evidence.profiles);
        Ok(Fleet::over(registry, Arc::clone(&self.index), ready.heard.clone(), profiles, self.as_of))
    }

    async fn read(self: &Arc<Self>, input: &Arc<dyn ExecutionPlan>, context: &Arc<TaskContext>) -> Result<Ready> {
        let (logs, reserved) = evidence::logs(input, &self.sensors, context).await?;
        let logs = Arc::new(logs);
        let sensors: Vec<Name> = self.sensors.iter().cloned().collect();
        let threads = context.session_config().target_partitions().max(1);
        let mut tasks = JoinSet::new();
        for some in sensors.chunks(sensors.len().div_ceil(threads).max(1)) {
            let (some, logs, this) = (some.to_vec(), Arc::clone(&logs), Arc::clone(self));
            tasks.spawn(async move {
                let mut heard = Vec::with_capacity(some.len());
                for sensor in some {
                    // A sensor that was never heard is silent, each for itself.
                    let nothing = Log::default();
                    let log = logs.get(&sensor).unwrap_or(&nothing);
                    let said = Heard::new(log, &this.evidence.registry, &sensor, this.as_of);
                    heard.push((sensor, Arc::new(said)));
                    tokio::task::yield_now().await;
                }
                heard
            });
        }
        let mut heard = HashMap::with_capacity(sensors.len());
        while let Some(some) = tasks.join_next().await {
            heard.extend(some.map_err(|error| DataFusionError::External(Box::new(error)))?);
        }
        Ok(Ready { heard, _reserved: reserved })
    }
}

/// The assessments of a group of units with the same past.
pub(super) fn assess(fleet: &Fleet<'_>, group: &[Name]) -> Vec<Arc<Assessment>> {
    let Some(first) = group.first().and_then(|unit| fleet.assess(unit)) else { return Vec::new() };
    let others = group[1..].iter().map(|unit| Assessment { unit: unit.clone(), ..first.clone() });
    let mut all: Vec<Arc<Assessment>> = others.map(Arc::new).collect();
    all.push(Arc::new(first));
    all
}
