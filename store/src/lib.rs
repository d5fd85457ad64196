//! The bytes: the journal (write-ahead log), the lake (Delta tables of Parquet) and the ledger.
//!
//! The only crate that opens a file, an object store or a database.

mod error;
pub mod journal;

pub use error::Error;
