//! Answers in the formats people and programs ask for.
//!
//! Whatever the format: texts are plain UTF-8 columns, times are milliseconds UTC, and no two columns have one name.

mod arrow_stream;
mod cell;
mod csv;
mod json;
mod parquet_file;
mod plain;
mod table;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::error::SqlError;
use csv::Texts;

pub(crate) use plain::Plain;

/// A format of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `{"columns":[{"name","type"}],"rows":[{…}]}`; times are RFC 3339 with milliseconds, NaN and infinity are null.
    Json,
    /// RFC 4180 with a header; lines end with a line feed. An empty cell is null, `""` is the empty text. A text that a
    /// spreadsheet would take for a formula has an apostrophe before it.
    Csv,
    /// The same with every text as it is stored, for programs.
    #[serde(rename = "csv-exact")]
    CsvExact,
    /// One Parquet file, zstd.
    Parquet,
    /// An Arrow IPC stream.
    Arrow,
    /// Aligned columns for people.
    Table,
}

impl Format {
    /// The format `name` asks for.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            "csv-exact" => Some(Self::CsvExact),
            "parquet" => Some(Self::Parquet),
            "arrow" => Some(Self::Arrow),
            "table" => Some(Self::Table),
            _ => None,
        }
    }

    /// What an answer in this format says of its texts, where that has to be said: `guarded` or `exact`.
    #[must_use]
    pub const fn texts(self) -> Option<&'static str> {
        match self {
            Self::Csv => Some("guarded"),
            Self::CsvExact => Some("exact"),
            Self::Json | Self::Parquet | Self::Arrow | Self::Table => None,
        }
    }

    /// The media type of an answer in this format.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv | Self::CsvExact => "text/csv; charset=utf-8; header=present",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Table => "text/plain; charset=utf-8",
        }
    }
}

/// Something whose size in bytes is known.
pub(crate) trait Measured: Send + 'static {
    /// Bytes.
    fn size(&self) -> usize;
}

impl Measured for Vec<u8> {
    fn size(&self) -> usize {
        self.len()
    }
}

/// Where the batches of an answer go, one after the other.
pub(crate) trait Sink: Send + 'static {
    /// What is there at the end.
    type Answer: Measured;

    /// Takes the next batch, already plain.
    fn take(&mut self, batch: &RecordBatch) -> Result<(), SqlError>;

    /// Bytes held so far.
    fn size(&self) -> usize;

    /// The whole answer.
    fn finish(self: Box<Self>) -> Result<Self::Answer, SqlError>;
}

/// An encoder for answers with the columns of `schema`.
pub(crate) fn encoder(format: Format, schema: &SchemaRef) -> Result<Box<dyn Sink<Answer = Vec<u8>>>, SqlError> {
    Ok(match format {
        Format::Json => Box::new(json::JsonEncoder::new(schema)?),
        Format::Csv => Box::new(csv::CsvEncoder::new(schema, Texts::Guarded)),
        Format::CsvExact => Box::new(csv::CsvEncoder::new(schema, Texts::Exact)),
        Format::Parquet => Box::new(parquet_file::ParquetEncoder::new(schema)?),
        Format::Arrow => Box::new(arrow_stream::ArrowEncoder::new(schema)?),
        Format::Table => Box::new(table::TableEncoder::new(schema)),
    })
}
