//! The join of readings with the stays of units: each reading once for every unit whose trace it is part of.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringViewArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{SchemaRef, TimestampMillisecondType};
use datafusion::common::internal_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning, PlanProperties,
};
use futures::{StreamExt, TryStreamExt, stream};
use model::name::Name;

use super::super::chosen::Unit;

/// Rows of one batch.
const ROWS: usize = 8192;

/// A sensor makes a unit's trace during [from, until), ms.
#[derive(Clone, Debug)]
pub(super) struct Stay {
    pub(super) unit: Arc<Unit>,
    pub(super) place: Option<Arc<Name>>,
    pub(super) sensor: Name,
    pub(super) from: i64,
    pub(super) until: i64,
}

/// The stays of a query, by sensor and then by time.
#[derive(Debug)]
pub(super) struct Stays {
    all: Vec<Stay>,
    by_sensor: HashMap<Name, std::ops::Range<usize>>,
    /// Of each stay, the latest end of those of its sensor up to it: where to begin, after all that have ended.
    latest: Vec<i64>,
    /// Unit, product, lot and place of each stay.
    columns: [ArrayRef; 4],
}

impl Stays {
    pub(super) fn new(mut all: Vec<Stay>) -> Self {
        all.sort_by(|left, right| (&left.sensor, left.from).cmp(&(&right.sensor, right.from)));
        let mut by_sensor: HashMap<Name, std::ops::Range<usize>> = HashMap::new();
        let mut latest: Vec<i64> = Vec::with_capacity(all.len());
        for (index, stay) in all.iter().enumerate() {
            let of_sensor = by_sensor.entry(stay.sensor.clone()).or_insert(index..index);
            let before = if of_sensor.start < index { latest[index - 1] } else { i64::MIN };
            latest.push(before.max(stay.until));
            of_sensor.end = index + 1;
        }
        let column =
            |of: fn(&Stay) -> Option<&str>| -> ArrayRef { Arc::new(StringViewArray::from_iter(all.iter().map(of))) };
        let columns = [
            column(|stay| Some(stay.unit.id.as_str())),
            column(|stay| Some(stay.unit.gtin.as_str())),
            column(|stay| Some(stay.unit.lot.as_str())),
            column(|stay| stay.place.as_deref().map(Name::as_str)),
        ];
        Self { all, by_sensor, latest, columns }
    }

    fn of(&self, sensor: &str) -> std::ops::Range<usize> {
        let name = Name::parse(sensor).ok();
        name.and_then(|name| self.by_sensor.get(&name)).cloned().unwrap_or(0..0)
    }
}

/// Where a column of the answer comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// From the stay: unit, product, lot, place.
    OfUnit(usize),
    /// From the reading: a column of the input.
    OfReading(usize),
}

/// Joins its input, whose first two columns are sensor and instant, with the stays of units.
#[derive(Debug)]
pub(super) struct CustodyJoinExec {
    input: Arc<dyn ExecutionPlan>,
    stays: Arc<Stays>,
    sources: Vec<Source>,
    properties: Arc<PlanProperties>,
}

impl CustodyJoinExec {
    pub(super) fn new(
        input: Arc<dyn ExecutionPlan>,
        stays: Arc<Stays>,
        sources: Vec<Source>,
        schema: SchemaRef,
    ) -> Self {
        let partitions = input.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { input, stays, sources, properties: Arc::new(properties) }
    }
}

impl DisplayAs for CustodyJoinExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CustodyJoinExec: sensors={}, stays={}", self.stays.by_sensor.len(), self.stays.all.len())
    }
}

impl ExecutionPlan for CustodyJoinExec {
    fn name(&self) -> &'static str {
        "CustodyJoinExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.into_iter().next() else {
            return internal_err!("a join with custody needs its readings");
        };
        Ok(Arc::new(Self::new(input, Arc::clone(&self.stays), self.sources.clone(), self.schema())))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let (stays, sources, schema) = (Arc::clone(&self.stays), self.sources.clone(), self.schema());
        let joined = input.map_ok(move |readings| {
            let pairs = Pairs { readings, stays: Arc::clone(&stays), row: 0, next: None };
            let (sources, schema) = (sources.clone(), Arc::clone(&schema));
            // One batch of readings may become many: each is made when it is asked for.
            stream::iter(pairs.map(move |chunk| chunk.and_then(|chunk| chunk.batch(&sources, &schema))))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), joined.try_flatten().boxed())))
    }
}

/// Goes through the pairs of a batch's readings and their stays.
struct Pairs {
    readings: RecordBatch,
    stays: Arc<Stays>,
    row: usize,
    /// The next stay of this row; `None`: none was looked at.
    next: Option<usize>,
}

/// Some pairs: rows of the readings, and stays.
struct Chunk {
    readings: RecordBatch,
    stays: Arc<Stays>,
    rows: Vec<u32>,
    staying: Vec<u32>,
}

impl Iterator for Pairs {
    type Item = Result<Chunk>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut rows, mut staying) = (Vec::new(), Vec::new());
        let sensor = self.readings.column(0).as_string_view_opt();
        let at = self.readings.column(1).as_primitive_opt::<TimestampMillisecondType>();
        let (Some(sensor), Some(at)) = (sensor, at) else {
            return Some(internal_err!("readings come without sensor or instant"));
        };
        let (mut current, mut of_sensor) = ("", 0..0);
        while self.row < self.readings.num_rows() && rows.len() < ROWS {
            let (name, at) = (sensor.value(self.row), at.value(self.row));
            if name != current {
                (current, of_sensor) = (name, self.stays.of(name));
            }
            let begun = of_sensor.start + self.stays.all[of_sensor.clone()].partition_point(|stay| stay.from <= at);
            let ended = || self.stays.latest[of_sensor.clone()].partition_point(|until| *until <= at);
            let from = self.next.take().unwrap_or_else(|| of_sensor.start + ended());
            for index in from..begun {
                if rows.len() >= ROWS {
                    self.next = Some(index);
                    break;
                }
                if at < self.stays.all[index].until {
                    #[expect(clippy::cast_possible_truncation, reason = "a batch and a registry are far smaller")]
                    let (row, stay) = (self.row as u32, index as u32);
                    rows.push(row);
                    staying.push(stay);
                }
            }
            self.row += usize::from(self.next.is_none());
        }
        let (readings, stays) = (self.readings.clone(), Arc::clone(&self.stays));
        (!rows.is_empty()).then_some(Ok(Chunk { readings, stays, rows, staying }))
    }
}

impl Chunk {
    fn batch(self, sources: &[Source], schema: &SchemaRef) -> Result<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows.len()));
        let (rows, staying) = (UInt32Array::from(self.rows), UInt32Array::from(self.staying));
        let column = |source: &Source| match source {
            Source::OfUnit(column) => take(&self.stays.columns[*column], &staying, None),
            Source::OfReading(column) => take(self.readings.column(*column), &rows, None),
        };
        let columns = sources.iter().map(column).collect::<Result<Vec<_>, _>>()?;
        Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
    }
}
