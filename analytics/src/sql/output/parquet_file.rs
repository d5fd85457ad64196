//! Answers as one Parquet file.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::Sink;
use crate::error::SqlError;

/// Writes a Parquet file into memory.
pub(super) struct ParquetEncoder {
    writer: ArrowWriter<Vec<u8>>,
}

impl ParquetEncoder {
    pub(super) fn new(schema: &SchemaRef) -> Result<Self, SqlError> {
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(schema), Some(properties));
        Ok(Self { writer: writer.map_err(SqlError::internal)? })
    }
}

impl Sink for ParquetEncoder {
    type Answer = Vec<u8>;

    fn take(&mut self, batch: &RecordBatch) -> Result<(), SqlError> {
        self.writer.write(batch).map_err(SqlError::internal)
    }

    fn size(&self) -> usize {
        self.writer.bytes_written() + self.writer.in_progress_size()
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, SqlError> {
        self.writer.into_inner().map_err(SqlError::internal)
    }
}
