//! Answers as an Arrow IPC stream.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;

use super::Sink;
use crate::error::SqlError;

/// Writes an Arrow IPC stream into memory.
pub(super) struct ArrowEncoder {
    writer: StreamWriter<Vec<u8>>,
}

impl ArrowEncoder {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, SqlError> {
        let writer = StreamWriter::try_new(Vec::new(), schema).map_err(SqlError::internal)?;
        Ok(Self { writer })
    }
}

impl Sink for ArrowEncoder {
    type Answer = Vec<u8>;

    fn take(&mut self, batch: &RecordBatch) -> Result<(), SqlError> {
        self.writer.write(batch).map_err(SqlError::internal)
    }

    fn size(&self) -> usize {
        self.writer.get_ref().len()
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, SqlError> {
        self.writer.into_inner().map_err(SqlError::internal)
    }
}
