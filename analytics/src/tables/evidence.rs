//! What tables about units are made from: registry and readings of one moment.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::logical_expr::{Expr, col};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::StreamExt;
use model::instant::ValidAt;
use model::name::Name;
use model::registry::Registry;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use super::lake::LakeTable;
use super::ranges::Ranges;
use crate::custody::Index;
use crate::fleet::Profiles;
use crate::logs::{Gather, Logs};

/// Later than anything is measured or declared: the end of the year 9999.
pub(super) const FAR_MS: i64 = 253_402_300_799_999;
/// Memory a reading takes while units are assessed: as it came, corrected, and room to grow, bytes.
const READING_BYTES: usize = 56;

/// What assessments need of a reading.
const NEEDED: [&str; 5] = ["sensor", "measured_at", "temperature_c", "humidity_pct", "unit"];

/// Registry and readings of one moment.
#[derive(Debug)]
pub(crate) struct Evidence {
    pub(super) registry: Arc<Registry>,
    pub(super) readings: Arc<LakeTable>,
    pub(super) profiles: Arc<Profiles>,
    /// The readings of sensors whose readings name units, and the memory they are counted with.
    naming: OnceCell<(Logs, Vec<MemoryReservation>)>,
}

impl Evidence {
    pub(crate) fn new(registry: Arc<Registry>, readings: Arc<LakeTable>, profiles: Arc<Profiles>) -> Self {
        Self { registry, readings, profiles, naming: OnceCell::new() }
    }

    /// Which sensors are with which place or unit, by associations and by what readings up to `as_of` name.
    pub(super) async fn index(&self, state: &dyn Session, as_of: ValidAt) -> Result<Index> {
        let (naming, _) = self.naming.get_or_try_init(|| self.read_naming(state)).await?;
        let mut index = Index::new(&self.registry);
        naming.tell(&mut index, as_of);
        Ok(index)
    }

    /// A plan that reads what [`logs`] takes: readings within `ranges`, and perhaps others.
    pub(super) async fn plan(&self, state: &dyn Session, ranges: &Ranges) -> Result<Arc<dyn ExecutionPlan>> {
        let condition: Vec<Expr> = ranges.condition().into_iter().collect();
        let columns = self.columns(&NEEDED)?;
        self.readings.scan(state, Some(&columns), &condition, None).await
    }

    /// The columns of a plan of [`Self::plan`].
    pub(super) fn readings_schema(&self) -> Result<SchemaRef> {
        let columns = self.columns(&NEEDED)?;
        Ok(Arc::new(self.readings.schema().project(&columns)?))
    }

    /// Where columns of `readings` are.
    pub(super) fn columns(&self, names: &[&str]) -> Result<Vec<usize>> {
        let schema = self.readings.schema();
        names.iter().map(|name| Ok(schema.index_of(name)?)).collect()
    }

    async fn read_naming(&self, state: &dyn Session) -> Result<(Logs, Vec<MemoryReservation>)> {
        let names_unit = [col("unit").is_not_null()];
        let columns = self.columns(&["sensor", "unit"])?;
        let plan = self.readings.scan(state, Some(&columns), &names_unit, None).await?;
        let context = state.task_ctx();
        let mut sensors: BTreeSet<Name> = BTreeSet::new();
        for partition in 0..plan.output_partitioning().partition_count() {
            let mut batches = plan.execute(partition, Arc::clone(&context))?;
            while let Some(batch) = batches.next().await {
                let batch = batch?;
                let (sensor, unit) = (batch.column(0).as_string_view(), batch.column(1));
                let mut last = "";
                for row in (0..batch.num_rows()).filter(|row| unit.is_valid(*row)) {
                    if sensor.value(row) != last {
                        last = sensor.value(row);
                        sensors.extend(Name::parse(last));
                    }
                }
            }
        }
        if sensors.is_empty() {
            return Ok((Logs::default(), Vec::new()));
        }
        let ranges = Ranges::of(sensors.into_iter().map(|sensor| (sensor, 0, FAR_MS)));
        let plan = self.plan(state, &ranges).await?;
        logs(&plan, &Arc::new(ranges.sensors()), &context).await
    }
}

/// The readings of `sensors` that a plan of [`Evidence::plan`] gives, all its partitions at once, and the memory they
/// are counted with.
pub(super) async fn logs(
    plan: &Arc<dyn ExecutionPlan>,
    sensors: &Arc<HashSet<Name>>,
    context: &Arc<TaskContext>,
) -> Result<(Logs, Vec<MemoryReservation>)> {
    let mut tasks = JoinSet::new();
    for partition in 0..plan.output_partitioning().partition_count() {
        let (plan, sensors, context) = (Arc::clone(plan), Arc::clone(sensors), Arc::clone(context));
        tasks.spawn(async move {
            let reserved = MemoryConsumer::new("readings of units").register(context.memory_pool());
            let mut gather = Gather::only(sensors);
            let mut batches = plan.execute(partition, context)?;
            while let Some(batch) = batches.next().await {
                let before = gather.len();
                gather.take_batch(&batch?).map_err(|error| DataFusionError::External(Box::new(error)))?;
                reserved.try_grow((gather.len() - before) * READING_BYTES)?;
            }
            Ok::<_, DataFusionError>((gather.into_logs(), reserved))
        });
    }
    let (mut all, mut reserved) = (Logs::default(), Vec::new());
    while let Some(gathered) = tasks.join_next().await {
        let gathered = gathered.map_err(|error| DataFusionError::External(Box::new(error)))?;
        let (logs, memory) = gathered?;
        all.merge(logs);
        reserved.push(memory);
    }
    Ok((all, reserved))
}
