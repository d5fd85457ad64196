//! Which files of a table a query need not open, by the bounds the table's log keeps of each.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, StringArray, TimestampMillisecondArray, UInt64Array};
use arrow::datatypes::SchemaRef;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, ScalarValue};
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use store::view::LakeFile;

/// The files of `files` that may have rows for which `predicate` holds. `time` is the column the files are bounded by.
pub(crate) fn may_match(
    files: &[LakeFile],
    predicate: Option<&Arc<dyn PhysicalExpr>>,
    schema: &SchemaRef,
    time: &str,
) -> Result<Vec<LakeFile>> {
    let pruning = predicate
        .and_then(|it| PruningPredicateBuilder::new().with_file_schema(Arc::clone(schema)).build(Arc::clone(it)));
    let Some(pruning) = pruning else { return Ok(files.to_vec()) };
    let kept = pruning.prune(&Bounds { files, time })?;
    Ok(files.iter().zip(kept).filter(|(_, kept)| *kept).map(|(file, _)| file.clone()).collect())
}

/// The bounds of every file, column by column.
struct Bounds<'a> {
    files: &'a [LakeFile],
    time: &'a str,
}

impl Bounds<'_> {
    fn of(
        &self,
        column: &Column,
        at: impl Fn(&LakeFile) -> i64,
        sensor: impl Fn(&LakeFile) -> Option<&str>,
    ) -> Option<ArrayRef> {
        if column.name == self.time {
            let values = TimestampMillisecondArray::from_iter_values(self.files.iter().map(at));
            return Some(Arc::new(values.with_timezone("UTC")));
        }
        if column.name == "sensor" {
            return Some(Arc::new(StringArray::from_iter(self.files.iter().map(sensor))));
        }
        None
    }
}

impl PruningStatistics for Bounds<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.of(column, |file| file.min_measured_at, |file| file.min_sensor.as_deref())
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.of(column, |file| file.max_measured_at, |file| file.max_sensor.as_deref())
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, _: &Column) -> Option<ArrayRef> {
        None
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from_iter_values(self.files.iter().map(|file| file.rows))))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
