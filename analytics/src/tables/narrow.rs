//! The readings of a few sensors, file by file, as a plan: a question about one sensor goes round what the query engine
//! prepares for every file, and finds again what was read before.

mod exec;
mod picked;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, Scalar, StringArray, StringViewArray, new_null_array,
};
use arrow::compute::kernels::cmp::eq;
use arrow::compute::{cast, concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use bytes::Bytes;
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::utils::{Guarantee, LiteralGuarantee};
use datafusion::physical_plan::ExecutionPlan;
use store::view::LakeFile;

use super::excerpt::{Excerpt, Fetched, Spans, WHOLE_BYTES};
use super::footer;
use super::kept::{Kept, Key};
use crate::error::SqlError;
use exec::NarrowExec;
use picked::{Picked, Source, Stop};

/// The column that says whose a row is.
const SENSOR: &str = "sensor";

/// With more sensors than these a file is read by the query engine.
const MOST_SENSORS: usize = 4;

/// The sensors that all rows for which `predicate` holds are of, when it names a few.
pub(super) fn sensors(predicate: &Arc<dyn PhysicalExpr>) -> Option<Vec<String>> {
    let guarantees = LiteralGuarantee::analyze(predicate);
    let named = guarantees.iter().find(|it| it.column.name == SENSOR && it.guarantee == Guarantee::In)?;
    if named.literals.len() > MOST_SENSORS {
        return None;
    }
    let text = |literal: &ScalarValue| literal.try_as_str().flatten().map(str::to_owned);
    let mut sensors: Vec<String> = named.literals.iter().map(text).collect::<Option<_>>()?;
    sensors.sort_unstable();
    Some(sensors)
}

/// Some columns of the readings, of one sensor in one file a piece. A piece does not say with each row whose it is.
#[derive(Debug)]
pub(super) struct Narrow {
    /// The files, of which the columns wanted and the sensor's are read.
    excerpt: Excerpt,
    /// What was read before.
    kept: Kept,
    /// The columns of the answer.
    schema: SchemaRef,
    /// The columns of a piece: those of the answer but the sensor's.
    columns: SchemaRef,
    /// Where they are among all columns.
    places: Arc<[usize]>,
}

impl Narrow {
    /// Those columns of the files of `excerpt` that are `schema`, which are at `places` among all; some may be `kept`.
    pub(super) fn new(excerpt: Excerpt, kept: Kept, schema: SchemaRef, places: &[usize]) -> Self {
        let fields = schema.fields().iter().zip(places).filter(|(field, _)| field.name() != SENSOR);
        let (fields, places): (Vec<_>, Vec<_>) = fields.map(|(field, place)| (Arc::clone(field), *place)).unzip();
        Self { excerpt, kept, schema, columns: Arc::new(Schema::new(fields)), places: places.into() }
    }

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
    async fn piece(&self, file: LakeFile, sensor: &str) -> Result<RecordBatch, SqlError> {
        let key = Key::new(&file, sensor, &self.places);
        self.kept.get_or(key, self.read(&file, sensor)).await
    }

    async fn read(&self, file: &LakeFile, sensor: &str) -> Result<RecordBatch, SqlError> {
        let whole = if file.size <= WHOLE_BYTES && !self.kept.is_checked(file) {
            let bytes = self.excerpt.view.read(file).await.map_err(SqlError::internal)?;
            self.kept.note_checked(file);
            Some(bytes)
        } else {
            None
        };
        match self.pick(file, sensor, whole.as_ref()).await {
            Ok(rows) => Ok(rows),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Unusual) => self.sift(file, sensor, whole).await,
        }
    }

    /// The rows by their keys.
    async fn pick(&self, file: &LakeFile, sensor: &str, whole: Option<&Bytes>) -> Result<RecordBatch, Stop> {
        let Excerpt { view, opened, footers, .. } = &self.excerpt;
        if whole.is_none() {
            opened.note(view, file);
        }
        let failed = |error| Stop::Failed(SqlError::internal(error));
        let object = footer::object(view, file).map_err(failed)?;
        let metadata = footer::footer(view, file, &object, footers, whole).await.map_err(failed)?;
        let source = match whole {
            Some(bytes) => Source::Whole(bytes),
            None => Source::Stored(view, file, &object.location),
        };
        Picked::new(&metadata, sensor, &self.columns)?.rows(&source).await
    }

    /// The rows by their names, from a file that anyone may have written.
    async fn sift(&self, file: &LakeFile, sensor: &str, whole: Option<Bytes>) -> Result<RecordBatch, SqlError> {
        let spans = Arc::new(Spans::of([(sensor, (i64::MIN, i64::MAX))]));
        let excerpt = Excerpt { spans, ..self.excerpt.clone() };
        let wanted = Scalar::new(StringArray::from(vec![sensor]));
        let mut parts = Vec::new();
        let take = |batch: RecordBatch| {
            parts.push(self.own(&batch, &wanted).map_err(SqlError::internal)?);
            Ok(())
        };
        let fetched = match whole {
            Some(bytes) => Fetched::Whole(bytes),
            None => excerpt.fetch(file).await?,
        };
        excerpt.decode(file, fetched, take).await?;
        concat_batches(&self.columns, &parts).map_err(SqlError::internal)
    }

    /// Those rows of `batch` that are of the sensor `wanted`, with the columns and types of a piece.
    fn own(&self, batch: &RecordBatch, wanted: &Scalar<StringArray>) -> Result<RecordBatch> {
        let missing = || DataFusionError::Internal("a file of the readings has no column `sensor`".to_owned());
        let sensor = cast(batch.column_by_name(SENSOR).ok_or_else(missing)?, &DataType::Utf8)?;
        let batch = filter_record_batch(batch, &eq(&sensor, wanted)?)?;
        let column = |field: &Arc<arrow::datatypes::Field>| -> Result<ArrayRef> {
            let column = match batch.column_by_name(field.name()) {
                Some(column) => cast(column, field.data_type())?,
                None => new_null_array(field.data_type(), batch.num_rows()),
            };
            // a view of texts would keep the whole page of the file alive
            Ok(column.as_string_view_opt().map_or(Arc::clone(&column), |views| Arc::new(views.gc())))
        };
        let columns = self.columns.fields().iter().map(column).collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.columns), columns, &options)?)
    }

    /// A `piece` with the columns of the answer. `names` are the sensor's name as often as it was wanted so far.
    fn named(&self, piece: &RecordBatch, sensor: &str, names: &mut Option<StringViewArray>) -> Result<RecordBatch> {
        let rows = piece.num_rows();
        let mut columns = piece.columns().to_vec();
        if let Ok(place) = self.schema.index_of(SENSOR) {
            let names = match names.take().filter(|names| names.len() >= rows) {
                Some(enough) => names.insert(enough),
                None => {
                    let more = std::iter::repeat_n(sensor, rows.next_power_of_two());
                    names.insert(StringViewArray::from_iter_values(more))
                }
            };
            columns.insert(place, Arc::new(names.slice(0, rows)));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }
}
