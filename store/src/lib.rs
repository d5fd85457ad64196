//! The bytes: the journal (write-ahead log), the lake (Delta tables of Parquet), the ledger and
//! its outbox.
//!
//! The only crate that opens a file, an object store or a database.

mod error;
pub mod journal;
pub mod lake;
pub mod ledger;
pub mod names;
pub mod newest;
pub mod objects;
pub mod outbox;
pub mod schema;
pub mod sealed;
pub mod tail;
pub mod view;

pub use error::Error;
