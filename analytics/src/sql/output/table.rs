//! Answers as aligned text for people at a terminal.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::Sink;
use super::cell::Cells;
use crate::error::SqlError;

/// Collects the rows as text and aligns them at the end.
pub(super) struct TableEncoder {
    names: Vec<String>,
    widths: Vec<usize>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
    size: usize,
}

impl TableEncoder {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        let names: Vec<String> = schema.fields().iter().map(|field| printable(field.name())).collect();
        Self {
            widths: names.iter().map(|name| name.chars().count()).collect(),
            right: vec![false; names.len()],
            names,
            rows: Vec::new(),
            size: 0,
        }
    }

    fn push_line<'a>(&self, cells: impl Iterator<Item = &'a String>, out: &mut String) {
        let mut line = String::new();
        for (index, cell) in cells.enumerate() {
            let padding = " ".repeat(self.widths[index].saturating_sub(cell.chars().count()));
            let (before, after) = if self.right[index] { (padding.as_str(), "") } else { ("", padding.as_str()) };
            line.push_str(if index > 0 { " | " } else { "" });
            line.push_str(before);
            line.push_str(cell);
            line.push_str(after);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

impl Sink for TableEncoder {
    type Answer = Vec<u8>;

    fn take(&mut self, batch: &RecordBatch) -> Result<(), SqlError> {
        let columns = batch.columns().iter().map(Cells::of).collect::<Result<Vec<_>, _>>()?;
        self.right = columns.iter().map(Cells::is_number).collect();
        for row in 0..batch.num_rows() {
            let mut line = Vec::with_capacity(columns.len());
            for (cells, width) in columns.iter().zip(&mut self.widths) {
                let mut text = String::new();
                cells.write_text(row, &mut text)?;
                let text = printable(&text);
                *width = (*width).max(text.chars().count());
                self.size += text.len() + size_of::<String>();
                line.push(text);
            }
            self.rows.push(line);
        }
        Ok(())
    }

    fn size(&self) -> usize {
        self.size.max(self.rows.len() * self.widths.iter().sum::<usize>())
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, SqlError> {
        let mut out = String::new();
        self.push_line(self.names.iter(), &mut out);
        let rule: Vec<String> = self.widths.iter().map(|width| "-".repeat(*width)).collect();
        out.push_str(&rule.join("-+-"));
        out.push('\n');
        for row in &self.rows {
            self.push_line(row.iter(), &mut out);
        }
        out.push_str(&match self.rows.len() {
            1 => "(1 row)\n".to_owned(),
            rows => format!("({rows} rows)\n"),
        });
        Ok(out.into_bytes())
    }
}

/// `text` without characters that would move a terminal's cursor or change its colours.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control()
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}
