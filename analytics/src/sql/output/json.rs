//! Answers as one JSON object with columns and rows.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::cell::{Cells, write_json_text};
use super::{Sink, plain};
use crate::error::SqlError;

/// Writes `{"columns":[{"name","type"}],"rows":[{…}]}`.
pub(super) struct JsonEncoder {
    out: String,
    /// `"name":` of every column.
    keys: Vec<String>,
    any_row: bool,
}

impl JsonEncoder {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, SqlError> {
        let mut out = String::from("{\"columns\":[");
        let mut keys = Vec::new();
        for (index, field) in schema.fields().iter().enumerate() {
            let mut name = String::new();
            write_json_text(field.name(), &mut name);
            if index > 0 {
                out.push(',');
            }
            out.push_str("{\"name\":");
            out.push_str(&name);
            out.push_str(",\"type\":");
            write_json_text(&plain::sql_name(field.data_type()), &mut out);
            out.push('}');
            keys.push(name + ":");
        }
        out.push_str("],\"rows\":[");
        Ok(Self { out, keys, any_row: false })
    }
}

impl Sink for JsonEncoder {
    type Answer = Vec<u8>;

    fn take(&mut self, batch: &RecordBatch) -> Result<(), SqlError> {
        let columns = batch.columns().iter().map(Cells::of).collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            if self.any_row {
                self.out.push(',');
            }
            self.any_row = true;
            self.out.push('{');
            for (index, (key, cells)) in self.keys.iter().zip(&columns).enumerate() {
                if index > 0 {
                    self.out.push(',');
                }
                self.out.push_str(key);
                cells.write_json(row, &mut self.out)?;
            }
            self.out.push('}');
        }
        Ok(())
    }

    fn size(&self) -> usize {
        self.out.len()
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<u8>, SqlError> {
        self.out.push_str("]}");
        Ok(self.out.into_bytes())
    }
}
