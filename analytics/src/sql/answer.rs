//! Answers, encoded or as columns.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;

use super::output::{self, Format, Measured, Sink};
use crate::error::SqlError;

/// An encoded answer.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The answer, whole.
    pub bytes: Vec<u8>,
    /// Its format.
    pub format: Format,
}

/// An answer as columns: plain types, one name per column.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The columns.
    pub schema: SchemaRef,
    /// The rows.
    pub batches: Vec<RecordBatch>,
}

impl Answer {
    /// An answer that was sent as an Arrow stream.
    ///
    /// # Errors
    /// When the bytes are no such stream.
    pub fn from_arrow(bytes: &[u8]) -> Result<Self, ArrowError> {
        let reader = StreamReader::try_new(bytes, None)?;
        let schema = reader.schema();
        Ok(Self { schema, batches: reader.collect::<Result<_, _>>()? })
    }

    /// The answer as a table for people: instants in UTC, absent values empty, nothing a terminal would act on. The
    /// number of rows is not part of it.
    ///
    /// # Errors
    /// When a value cannot be shown.
    pub fn pretty(&self) -> Result<String, ArrowError> {
        let bytes = self.encode(Format::Table).map_err(|error| ArrowError::ExternalError(Box::new(error)))?;
        let text = String::from_utf8_lossy(&bytes);
        let (rows, _count) = text.trim_end().rsplit_once('\n').unwrap_or((&text, ""));
        Ok(rows.to_owned())
    }

    /// The answer in `format`.
    ///
    /// # Errors
    /// When a value cannot be written.
    pub fn encode(&self, format: Format) -> Result<Vec<u8>, SqlError> {
        let mut encoder = output::encoder(format, &self.schema)?;
        for batch in &self.batches {
            encoder.take(batch)?;
        }
        encoder.finish()
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

impl Measured for Answer {
    fn size(&self) -> usize {
        self.batches.iter().map(RecordBatch::get_array_memory_size).sum()
    }
}

/// Keeps an answer as columns.
pub(super) struct Keep {
    answer: Answer,
    size: usize,
}

impl Keep {
    pub(super) fn new(schema: &SchemaRef) -> Self {
        Self { answer: Answer { schema: Arc::clone(schema), batches: Vec::new() }, size: 0 }
    }
}

impl Sink for Keep {
    type Answer = Answer;

    fn take(&mut self, batch: &RecordBatch) -> Result<(), SqlError> {
        self.size += batch.get_array_memory_size();
        self.answer.batches.push(batch.clone());
        Ok(())
    }

    fn size(&self) -> usize {
        self.size
    }

    fn finish(self: Box<Self>) -> Result<Answer, SqlError> {
        Ok(self.answer)
    }
}
