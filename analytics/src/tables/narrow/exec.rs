//! The plan that reads file by file what is of a few sensors.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::StringViewArray;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, TryStreamExt};
use store::view::LakeFile;

use super::Narrow;

/// Files read ahead of the one that is passed on.
const AHEAD: usize = 3;

/// Reads the rows of `sensors` in `files`, each partition its share of these.
#[derive(Debug)]
pub(super) struct NarrowExec {
    narrow: Arc<Narrow>,
    files: Vec<Vec<LakeFile>>,
    sensors: Arc<[String]>,
    properties: Arc<PlanProperties>,
}

impl NarrowExec {
    pub(super) fn new(narrow: Narrow, files: Vec<Vec<LakeFile>>, sensors: Arc<[String]>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&narrow.schema)),
            Partitioning::UnknownPartitioning(files.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { narrow: Arc::new(narrow), files, sensors, properties: Arc::new(properties) }
    }
}

impl DisplayAs for NarrowExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let paths: Vec<&str> = self.files.iter().flatten().map(|file| file.path.as_str()).collect();
        write!(f, "NarrowExec: sensors=[{}], files=[{}]", self.sensors.join(", "), paths.join(", "))
    }
}

impl ExecutionPlan for NarrowExec {
    fn name(&self) -> &'static str {
        "NarrowExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let files = self.files.get(partition).cloned().unwrap_or_default();
        let sensors = Arc::clone(&self.sensors);
        let wanted: Vec<(LakeFile, String)> = files
            .into_iter()
            .flat_map(|file| sensors.iter().map(move |sensor| (file.clone(), sensor.clone())).collect::<Vec<_>>())
            .collect();
        let (narrow, reader) = (Arc::clone(&self.narrow), Arc::clone(&self.narrow));
        let pieces = futures::stream::iter(wanted).map(move |(file, sensor)| {
            let reader = Arc::clone(&reader);
            async move { reader.piece(file, &sensor).await.map(|piece| (piece, sensor)) }
        });
        let pieces = pieces.buffered(AHEAD).map_err(|error| DataFusionError::External(Box::new(error)));
        let mut names: BTreeMap<String, Option<StringViewArray>> = BTreeMap::new();
        let batches = pieces.map(move |piece| {
            let (piece, sensor) = piece?;
            let names = names.entry(sensor.clone()).or_default();
            narrow.named(&piece, &sensor, names)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }
}
