//! Answers as CSV.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::Sink;
use super::cell::Cells;
use crate::error::SqlError;

/// Writes RFC 4180 with a header and line feeds.
///
/// Nothing is ever added to a text: a cell that starts with `=`, `+`, `-` or `@` is quoted and otherwise as stored,
/// because whoever reads the file back must get what was stored.
pub(super) struct CsvEncoder {
    out: String,
}

impl CsvEncoder {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        let mut out = String::new();
        for (index, field) in schema.fields().iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            push_quoted_if_needed(field.name(), &mut out);
        }
        out.push('\n');
        Self { out }
    }
}

impl Sink for CsvEncoder {
    type Answer = Vec<u8>;

    fn take(&mut self, batch: &RecordBatch) -> Result<(), SqlError> {
        let columns = batch.columns().iter().map(Cells::of).collect::<Result<Vec<_>, _>>()?;
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            for (index, cells) in columns.iter().enumerate() {
                if index > 0 {
                    self.out.push(',');
                }
                if !cells.is_text() {
                    cells.write_text(row, &mut self.out)?;
                } else if !cells.is_null(row) {
                    text.clear();
                    cells.write_text(row, &mut text)?;
                    push_quoted_if_needed(&text, &mut self.out);
                }
            }
            self.out.push('\n');
        }
        Ok(())
    }

    fn size(&self) -> usize {
        self.out.len()
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, SqlError> {
        Ok(self.out.into_bytes())
    }
}

fn push_quoted_if_needed(text: &str, out: &mut String) {
    let risky = |byte: u8| matches!(byte, b',' | b'"' | b'\n' | b'\r');
    let first = text.bytes().next();
    let quoted = match first {
        None | Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b' ') => true,
        _ => text.bytes().any(risky) || text.ends_with(' '),
    };
    if !quoted {
        out.push_str(text);
        return;
    }
    out.push('"');
    out.push_str(&text.replace('"', "\"\""));
    out.push('"');
}
