//! The plan that gives rows of assessments, on all threads of a query.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::internal_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use model::assessment::Assessment;
use tokio::sync::mpsc::Sender;

use super::Shape;
use super::compute::{self, Computation};

/// Assessments of one batch.
const AT_ONCE: usize = 256;

/// Where a query's assessments come from.
#[derive(Debug)]
pub(super) enum Work {
    /// They are there.
    Shown(Vec<Arc<Assessment>>),
    /// They are computed.
    Computed(Arc<Computation>),
}

/// Gives assessments, or their excursions, as rows. Each thread takes the next ones that nobody took.
#[derive(Debug)]
pub(super) struct AssessExec {
    rows: Arc<Rows>,
    work: Arc<Shared>,
    /// Reads what a computation needs.
    input: Option<Arc<dyn ExecutionPlan>>,
    properties: Arc<PlanProperties>,
}

/// How assessments become rows.
#[derive(Debug)]
struct Rows {
    shape: Shape,
    projection: Vec<usize>,
    schema: SchemaRef,
}

/// The work the threads of one query share.
#[derive(Debug)]
enum Shared {
    Shown(Vec<Arc<Assessment>>, AtomicUsize),
    Computed(Arc<Computation>, AtomicUsize),
}

impl AssessExec {
    pub(super) fn new(
        shape: Shape,
        projection: Vec<usize>,
        schema: SchemaRef,
        work: Work,
        input: Option<Arc<dyn ExecutionPlan>>,
        partitions: usize,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(partitions.max(1)),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let work = match work {
            Work::Shown(shown) => Shared::Shown(shown, AtomicUsize::new(0)),
            Work::Computed(computation) => Shared::Computed(computation, AtomicUsize::new(0)),
        };
        let rows = Rows { shape, projection, schema };
        Self { rows: Arc::new(rows), work: Arc::new(work), input, properties: Arc::new(properties) }
    }
}

impl DisplayAs for AssessExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &*self.work {
            Shared::Shown(shown, _) => write!(f, "AssessExec: latest={}", shown.len()),
            Shared::Computed(computation, _) => write!(f, "AssessExec: pasts={}", computation.groups().len()),
        }
    }
}

impl ExecutionPlan for AssessExec {
    fn name(&self) -> &'static str {
        "AssessExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.input.iter().collect()
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false; self.children().len()]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        if children.len() != self.children().len() {
            return internal_err!("assessments need their readings");
        }
        Ok(Arc::new(Self {
            rows: Arc::clone(&self.rows),
            work: Arc::clone(&self.work),
            input: children.into_iter().next(),
            properties: Arc::clone(&self.properties),
        }))
    }

    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (rows, work, input) = (Arc::clone(&self.rows), Arc::clone(&self.work), self.input.clone());
        let mut builder = RecordBatchReceiverStream::builder(self.schema(), 2);
        let sender = builder.tx();
        builder.spawn(async move {
            match (&*work, input) {
                (Shared::Shown(shown, next), _) => rows.show(shown, next, &sender).await,
                (Shared::Computed(computation, next), Some(input)) => {
                    rows.compute(computation, next, &input, &context, &sender).await
                }
                (Shared::Computed(..), None) => internal_err!("a computation needs its readings"),
            }
        });
        Ok(builder.build())
    }
}

impl Rows {
    async fn show(
        &self,
        shown: &[Arc<Assessment>],
        next: &AtomicUsize,
        sender: &Sender<Result<RecordBatch>>,
    ) -> Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(some) = shown.chunks(AT_ONCE).nth(number) else { return Ok(()) };
            self.send(some, sender).await?;
        }
    }

    async fn compute(
        &self,
        computation: &Arc<Computation>,
        next: &AtomicUsize,
        input: &Arc<dyn ExecutionPlan>,
        context: &Arc<TaskContext>,
        sender: &Sender<Result<RecordBatch>>,
    ) -> Result<()> {
        let fleet = computation.fleet(input, context).await?;
        let mut found: Vec<Arc<Assessment>> = Vec::new();
        while let Some(group) = computation.groups().get(next.fetch_add(1, Ordering::Relaxed)) {
            found.extend(compute::assess(&fleet, group));
            while found.len() >= AT_ONCE {
                let rest = found.split_off(AT_ONCE);
                self.send(&found, sender).await?;
                found = rest;
            }
            // So that a query that met its time is ended between two units.
            tokio::task::yield_now().await;
        }
        self.send(&found, sender).await
    }

    async fn send(&self, assessments: &[Arc<Assessment>], sender: &Sender<Result<RecordBatch>>) -> Result<()> {
        if assessments.is_empty() {
            return Ok(());
        }
        let batch = self.shape.rows(assessments, &self.projection, &self.schema)?;
        let gone = |_| DataFusionError::Execution("nobody takes the answer any more".to_owned());
        sender.send(Ok(batch)).await.map_err(gone)
    }
}
