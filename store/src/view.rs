//! One consistent moment of lake and tail, as a query sees it.
//!
//! Whoever writes (the ingest pipeline) hands out views; whoever asks (the query engine) reads them. A view never
//! changes after it was given: files named by it stay readable while it lives, and every acknowledged reading of
//! that moment is in it exactly once (invariant D2).

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use object_store::ObjectStore;
use object_store::path::Path;

/// Something queries can be asked over.
#[async_trait]
pub trait Readable: Send + Sync {
    /// Waits until decoding has reached what was durable when asked, then fixes the moment.
    ///
    /// # Errors
    /// When the tables can't be read, or decoding has stopped for good.
    async fn view(&self) -> Result<View, crate::Error>;
}

/// The tables of the lake at one moment.
#[derive(Clone, Debug)]
pub struct View {
    /// Admitted readings.
    pub readings: TableView,
    /// Messages and readings that were refused.
    pub rejected: TableView,
}

/// Rows of one moment that are in no file; they are made into batches for whoever asks, who seldom wants all of each.
pub trait Unflushed: std::fmt::Debug + Send + Sync {
    /// The rows, in batches with the columns of the table that `columns` numbers, in that order: of `sensors` alone where
    /// these are named and rows are of sensors. Others may be among them.
    ///
    /// # Errors
    /// Only when Arrow refuses a batch, which would be a defect.
    fn batches(&self, columns: &[usize], sensors: Option<&[&str]>) -> Result<Vec<RecordBatch>, crate::Error>;
}

/// Batches with all columns.
impl Unflushed for Vec<RecordBatch> {
    fn batches(&self, columns: &[usize], _: Option<&[&str]>) -> Result<Vec<RecordBatch>, crate::Error> {
        self.iter().map(|batch| Ok(batch.project(columns)?)).collect()
    }
}

/// One table of the lake at one moment: committed files and the rows not yet flushed.
#[derive(Clone, Debug)]
pub struct TableView {
    /// The columns of files and tail alike, without the partition column.
    pub schema: SchemaRef,
    /// The committed files, in no particular order.
    pub files: Vec<LakeFile>,
    /// Rows that are in no file of `files`.
    pub tail: Arc<dyn Unflushed>,
    /// Where the files are.
    pub store: Arc<dyn ObjectStore>,
    /// The root of the table inside `store`.
    pub prefix: Path,
    /// The directory that is the root of the table, when it is on a disk of this machine.
    pub directory: Option<PathBuf>,
}

/// One committed file and what the table's log says of it.
///
/// The bounds hold for every row: a query that asks for nothing inside them need not open the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LakeFile {
    /// The path relative to the root of the table, percent-encoding as in the table's log removed.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Rows.
    pub rows: u64,
    /// The earliest `measured_at` (`received_at` in `rejected`), in milliseconds since the epoch.
    pub min_measured_at: i64,
    /// The latest `measured_at` (`received_at` in `rejected`), in milliseconds since the epoch.
    pub max_measured_at: i64,
    /// The lowest sensor name, if known.
    pub min_sensor: Option<String>,
    /// The highest sensor name, if known.
    pub max_sensor: Option<String>,
    /// When the file was written, in milliseconds since the epoch.
    pub modified_at: i64,
}
