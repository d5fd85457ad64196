//! Assessments and their excursions as tables: the latest ones, or computed as of an instant.
//!
//! As with the registry, an assessment's JSON is the one source and a column names a pointer into it.

mod compute;
mod exec;
mod function;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use model::assessment::Assessment;
use model::instant::ValidAt;
use serde_json::Value;

use super::chosen;
use super::evidence::Evidence;
use super::registry::{Column, Kind, of_json};
use crate::assessment_json;
use compute::Computation;
use exec::{AssessExec, Work};

pub(crate) use function::AssessAt;

/// The tables about assessments.
pub(crate) const ASSESSED: [&str; 2] = ["assessments", "excursions"];
/// The table function that computes assessments.
pub(crate) const ASSESS_AT: &str = "assess_at";

const ASSESSMENT: &[Column] = &[
    ("unit", "/unit", Kind::Text),
    ("gtin", "/gtin", Kind::Text),
    ("lot", "/lot", Kind::Text),
    ("as_of", "/as_of", Kind::Instant),
    ("verdict", "/verdict", Kind::Text),
    ("reasons", "/reasons", Kind::Json),
    ("window_from", "/window/from", Kind::Instant),
    ("window_to", "/window/to", Kind::Instant),
    ("known_s", "/coverage/known_s", Kind::Number),
    ("unknown_s", "/coverage/unknown_s", Kind::Number),
    ("partial_s", "/coverage/partial_s", Kind::Number),
    ("coverage_fraction", "/coverage/fraction", Kind::Number),
    ("min_c", "/temperature/min_c", Kind::Number),
    ("max_c", "/temperature/max_c", Kind::Number),
    ("mean_c", "/temperature/mean_c", Kind::Number),
    ("min_pct", "/humidity/min_pct", Kind::Number),
    ("max_pct", "/humidity/max_pct", Kind::Number),
    ("mean_pct", "/humidity/mean_pct", Kind::Number),
    ("mkt_c", "/mkt/value_c", Kind::Number),
    ("mkt_max_window_c", "/mkt/max_window_c", Kind::Number),
    ("mkt_max_window_to", "/mkt/max_window_to", Kind::Instant),
    ("elapsed_s", "/life/elapsed_s", Kind::Number),
    ("equivalent_low_s", "/life/equivalent_s/low", Kind::Number),
    ("equivalent_nominal_s", "/life/equivalent_s/nominal", Kind::Number),
    ("equivalent_upper_s", "/life/equivalent_s/upper", Kind::Number),
    ("extra_s", "/life/extra_s", Kind::Number),
    ("budget_used_fraction", "/budget/used_fraction", Kind::Number),
    ("frozen", "/frozen", Kind::Flag),
    ("labelled_expiry", "/labelled_expiry", Kind::Date),
    ("effective_expiry", "/effective_expiry", Kind::Date),
    ("effective_expiry_nominal", "/effective_expiry_nominal", Kind::Date),
    ("watermark", "/provenance/watermark", Kind::Instant),
    ("readings", "/provenance/readings", Kind::Whole),
    ("conflicts", "/provenance/conflicts", Kind::Whole),
    ("product_version", "/provenance/product_version", Kind::Whole),
    ("readings_digest", "/provenance/readings_digest", Kind::Text),
    ("document", "", Kind::Json),
];

const EXCURSION: &[Column] = &[
    ("unit", "/unit", Kind::Text),
    ("gtin", "/gtin", Kind::Text),
    ("lot", "/lot", Kind::Text),
    ("rule", "/rule", Kind::Text),
    ("start_at", "/start", Kind::Instant),
    ("end_at", "/end", Kind::Instant),
    ("start_kind", "/start_kind", Kind::Text),
    ("end_kind", "/end_kind", Kind::Text),
    ("duration_s", "/duration_s", Kind::Number),
    ("time_out_s", "/time_out_s", Kind::Number),
    ("peak", "/peak", Kind::Number),
    ("peak_at", "/peak_at", Kind::Instant),
    ("degree_seconds", "/degree_seconds", Kind::Number),
    ("as_of", "/as_of", Kind::Instant),
    // The names of the JSON; the second needs quotes in a statement.
    ("start", "/start", Kind::Instant),
    ("end", "/end", Kind::Instant),
];

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Assessments,
    Excursions,
}

impl Shape {
    fn of(table: &str) -> Self {
        if table == "excursions" { Self::Excursions } else { Self::Assessments }
    }

    fn columns(self) -> &'static [Column] {
        match self {
            Self::Assessments => ASSESSMENT,
            Self::Excursions => EXCURSION,
        }
    }

    fn schema(self) -> SchemaRef {
        Arc::new(Schema::new(of_json(self.columns(), &[]).0))
    }

    /// The columns `projection` names of the rows of `assessments`.
    fn rows(self, assessments: &[Arc<Assessment>], projection: &[usize], schema: &SchemaRef) -> Result<RecordBatch> {
        let rows: Vec<Value> = match self {
            Self::Assessments => assessments.iter().map(|of| assessment_json::assessment(of)).collect(),
            Self::Excursions => assessments.iter().flat_map(|of| excursions(of)).collect(),
        };
        let columns: Vec<Column> = projection.iter().map(|index| self.columns()[*index]).collect();
        let arrays: Vec<ArrayRef> = of_json(&columns, &rows).1;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)?)
    }
}

/// The excursions of an assessment, each with whose they are.
fn excursions(of: &Assessment) -> Vec<Value> {
    let whose = |excursion| {
        let mut row = assessment_json::excursion(excursion);
        row["unit"] = of.unit.as_str().into();
        row["gtin"] = of.gtin.as_str().into();
        row["lot"] = of.lot.as_str().into();
        row["as_of"] = model::instant::to_rfc3339(of.as_of.millis()).into();
        row
    };
    of.excursions.iter().map(whose).collect()
}

/// Where assessments come from.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// The latest ones, each with its own as-of.
    Shown(Arc<Vec<Arc<Assessment>>>),
    /// Computed from registry and readings.
    Computed(Arc<Evidence>, ValidAt),
}

/// A table of assessments or of their excursions.
#[derive(Debug)]
pub(crate) struct Assessed {
    shape: Shape,
    schema: SchemaRef,
    origin: Origin,
}

impl Assessed {
    /// The table `name`, one of [`ASSESSED`].
    pub(crate) fn new(name: &str, origin: Origin) -> Self {
        let shape = Shape::of(name);
        Self { shape, schema: shape.schema(), origin }
    }

    /// Those of the latest ones that pass `filters`.
    fn passing(
        &self,
        shown: &[Arc<Assessment>],
        filters: &[Expr],
        state: &dyn Session,
    ) -> Result<Vec<Arc<Assessment>>> {
        let column = |of: fn(&Assessment) -> &str| shown.iter().map(|assessment| Some(of(assessment))).collect();
        let texts = [
            ("unit", column(|of| of.unit.as_str())),
            ("gtin", column(|of| of.gtin.as_str())),
            ("lot", column(|of| of.lot.as_str())),
        ];
        let passing = chosen::passing(filters, &texts, &self.schema, state)?;
        Ok(shown.iter().zip(passing).filter(|(_, passes)| *passes).map(|(shown, _)| Arc::clone(shown)).collect())
    }
}

#[async_trait]
impl TableProvider for Assessed {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let projection = projection.unwrap_or(&all).clone();
        let (work, input) = match &self.origin {
            Origin::Shown(shown) => (Work::Shown(self.passing(shown, filters, state)?), None),
            Origin::Computed(evidence, as_of) => {
                let units = chosen::units(&evidence.registry, filters, &self.schema, state)?;
                let (computation, input) = Computation::plan(evidence, units, *as_of, state).await?;
                (Work::Computed(Arc::new(computation)), Some(input))
            }
        };
        let schema = Arc::new(self.schema.project(&projection)?);
        let partitions = state.config().target_partitions();
        Ok(Arc::new(AssessExec::new(self.shape, projection, schema, work, input, partitions)))
    }
}
