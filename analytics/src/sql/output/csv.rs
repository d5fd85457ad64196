//! Answers as CSV.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::Sink;
use super::cell::Cells;
use crate::error::SqlError;

/// How texts are written, whose words are somebody else's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Texts {
    /// An apostrophe before whatever a spreadsheet would take for a formula. Whoever takes it off where [`is_live`] is
    /// true of the rest has what was stored: of every such text exactly one is written.
    Guarded,
    /// As stored.
    Exact,
}

/// Writes RFC 4180 with a header and line feeds.
pub(super) struct CsvEncoder {
    texts: Texts,
    out: String,
}

impl CsvEncoder {
    pub(super) fn new(schema: &SchemaRef, texts: Texts) -> Self {
        let mut encoder = Self { texts, out: String::new() };
        for (index, field) in schema.fields().iter().enumerate() {
            if index > 0 {
                encoder.out.push(',');
            }
            // whoever writes the statement chooses these, and a link can bring one
            encoder.push_text(field.name());
        }
        encoder.out.push('\n');
        encoder
    }

    fn push_text(&mut self, text: &str) {
        if self.texts == Texts::Guarded && is_live(text) {
            self.out.push_str("\"'");
            self.out.push_str(&text.replace('"', "\"\""));
            self.out.push('"');
        } else {
            push_quoted_if_needed(text, &mut self.out);
        }
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
                    self.push_text(&text);
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

/// Whether a spreadsheet takes a cell for a formula, quoted or not, or an apostrophe before it for our own.
///
/// Source: OWASP, CSV Injection; the wide signs count in East Asian settings, spaces before any of them in some readers.
fn is_live(text: &str) -> bool {
    let first = text.trim_start_matches(['\'', ' ']).chars().next();
    matches!(first, Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'))
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
