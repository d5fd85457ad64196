//! The readings of a few sensors, file by file, as a plan: a question about one sensor goes round what the query engine
//! prepares for every file, and finds again what was read before.

mod exec;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions, Scalar, StringArray, new_null_array};
use arrow::compute::kernels::cmp::eq;
use arrow::compute::{cast, concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::utils::{Guarantee, LiteralGuarantee};
use datafusion::physical_plan::ExecutionPlan;
use store::view::LakeFile;

use super::excerpt::{Excerpt, Spans};
use super::kept::{Kept, Key};
use crate::error::SqlError;
use exec::NarrowExec;

/// With more sensors than these a file is read by the query engine.
const MOST_SENSORS: usize = 4;

/// The sensors that all rows for which `predicate` holds are of, when it names a few.
pub(super) fn sensors(predicate: &Arc<dyn PhysicalExpr>) -> Option<Vec<String>> {
    let guarantees = LiteralGuarantee::analyze(predicate);
    let named = guarantees.iter().find(|it| it.column.name == "sensor" && it.guarantee == Guarantee::In)?;
    if named.literals.len() > MOST_SENSORS {
        return None;
    }
    let text = |literal: &ScalarValue| literal.try_as_str().flatten().map(str::to_owned);
    let mut sensors: Vec<String> = named.literals.iter().map(text).collect::<Option<_>>()?;
    sensors.sort_unstable();
    Some(sensors)
}

/// The columns of the readings that `projection` says, of one sensor a piece.
#[derive(Debug)]
pub(super) struct Narrow {
    /// The files, of which the columns wanted and the sensor's are read.
    pub(super) excerpt: Excerpt,
    /// What was read before.
    pub(super) kept: Kept,
    /// The columns of the answer.
    pub(super) schema: SchemaRef,
    /// Where they are among all columns.
    pub(super) projection: Arc<[usize]>,
}

impl Narrow {
    /// The rows of `files` that are of `sensors`, read in at most `partitions` streams.
    pub(super) fn plan(self, files: Vec<LakeFile>, sensors: &[String], partitions: usize) -> Arc<dyn ExecutionPlan> {
        let mut dealt: Vec<Vec<LakeFile>> = vec![Vec::new(); partitions.clamp(1, files.len().max(1))];
        let turns = dealt.len();
        for (turn, file) in files.into_iter().enumerate() {
            dealt[turn % turns].push(file);
        }
        Arc::new(NarrowExec::new(self, dealt, sensors.into()))
    }

    /// The rows of `file` that are of `sensor`.
    async fn piece(&self, file: LakeFile, sensor: String) -> Result<RecordBatch, SqlError> {
        let key = Key::new(&file, &sensor, &self.projection);
        self.kept.get_or(key, self.read(&file, &sensor)).await
    }

    async fn read(&self, file: &LakeFile, sensor: &str) -> Result<RecordBatch, SqlError> {
        let spans = Arc::new(Spans::of([(sensor, (i64::MIN, i64::MAX))]));
        let excerpt = Excerpt { spans, ..self.excerpt.clone() };
        let wanted = Scalar::new(StringArray::from(vec![sensor]));
        let mut parts = Vec::new();
        let take = |batch: RecordBatch| {
            parts.push(self.own(&batch, &wanted).map_err(SqlError::internal)?);
            Ok(())
        };
        let fetched = excerpt.fetch(file).await?;
        excerpt.decode(file, fetched, take).await?;
        concat_batches(&self.schema, &parts).map_err(SqlError::internal)
    }

    /// Those rows of `batch` that are of the sensor `wanted`, with the columns and types of the answer.
    fn own(&self, batch: &RecordBatch, wanted: &Scalar<StringArray>) -> Result<RecordBatch> {
        let missing = || DataFusionError::Internal("a file of the readings has no column `sensor`".to_owned());
        let sensor = cast(batch.column_by_name("sensor").ok_or_else(missing)?, &DataType::Utf8)?;
        let batch = filter_record_batch(batch, &eq(&sensor, wanted)?)?;
        let column = |field: &Arc<arrow::datatypes::Field>| -> Result<ArrayRef> {
            let column = match batch.column_by_name(field.name()) {
                Some(column) => cast(column, field.data_type())?,
                None => new_null_array(field.data_type(), batch.num_rows()),
            };
            // a view of texts would keep the whole page of the file alive
            Ok(column.as_string_view_opt().map_or(Arc::clone(&column), |views| Arc::new(views.gc())))
        };
        let columns = self.schema.fields().iter().map(column).collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}
