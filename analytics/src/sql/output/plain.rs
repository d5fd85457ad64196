//! The plain form of an answer: types any reader knows, one name per column.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};

use crate::error::SqlError;

/// Turns the engine's batches into plain ones.
pub(crate) struct Plain {
    schema: SchemaRef,
}

impl Plain {
    /// For batches with the columns of `schema`.
    pub(crate) fn new(schema: &Schema) -> Self {
        let mut taken = HashSet::new();
        let fields = schema.fields().iter().map(|field| {
            let name = unique(field.name(), &mut taken);
            Field::new(name, plain_type(field.data_type()), field.is_nullable())
        });
        Self { schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())) }
    }

    /// The plain columns.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// `batch` in plain form.
    pub(crate) fn batch(&self, batch: &RecordBatch) -> Result<RecordBatch, SqlError> {
        let columns = batch
            .columns()
            .iter()
            .zip(self.schema.fields())
            .map(|(column, field)| cast(column, field.data_type()))
            .collect::<Result<_, _>>()
            .map_err(SqlError::internal)?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).map_err(SqlError::internal)
    }
}

/// `name`, or `name_2`, `name_3` … when it is taken.
fn unique(name: &str, taken: &mut HashSet<String>) -> String {
    let mut candidate = name.to_owned();
    let mut turn = 2;
    while !taken.insert(candidate.clone()) {
        candidate = format!("{name}_{turn}");
        turn += 1;
    }
    candidate
}

fn plain_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Dictionary(_, value) => plain_type(value),
        DataType::RunEndEncoded(_, value) => plain_type(value.data_type()),
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Millisecond, zone.as_ref().map(|_| "UTC".into())),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            DataType::List(plain_field(item))
        }
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(plain_field).collect()),
        other => other.clone(),
    }
}

fn plain_field(field: &FieldRef) -> FieldRef {
    Arc::new(Field::new(field.name(), plain_type(field.data_type()), field.is_nullable()))
}

/// The SQL name of a plain type.
pub(crate) fn sql_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Null => "NULL",
        DataType::Boolean => "BOOLEAN",
        DataType::Int8 => "TINYINT",
        DataType::Int16 => "SMALLINT",
        DataType::Int32 => "INTEGER",
        DataType::Int64 => "BIGINT",
        DataType::UInt8 => "UTINYINT",
        DataType::UInt16 => "USMALLINT",
        DataType::UInt32 => "UINTEGER",
        DataType::UInt64 => "UBIGINT",
        DataType::Float16 | DataType::Float32 => "REAL",
        DataType::Float64 => "DOUBLE",
        DataType::Utf8 => "VARCHAR",
        DataType::Binary => "VARBINARY",
        DataType::Date32 | DataType::Date64 => "DATE",
        DataType::Timestamp(..) => "TIMESTAMP",
        DataType::Time32(_) | DataType::Time64(_) => "TIME",
        DataType::Interval(_) | DataType::Duration(_) => "INTERVAL",
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            return format!("DECIMAL({precision},{scale})");
        }
        DataType::List(item) => return format!("{}[]", sql_name(item.data_type())),
        DataType::Struct(_) => "STRUCT",
        other => return other.to_string(),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_every_column_its_own_name() {
        let mut taken = HashSet::new();
        let names: Vec<_> = ["x", "x_2", "x", "x"].iter().map(|name| unique(name, &mut taken)).collect();
        assert_eq!(names, ["x", "x_2", "x_3", "x_4"]);
    }
}
