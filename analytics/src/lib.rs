//! Questions and answers: the tables a query sees, the guard that keeps queries read-only, and the engine.

pub mod assess;
pub mod error;
pub mod sql;
mod tables;

pub use error::{Limit, SqlError};
