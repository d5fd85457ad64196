//! Questions and answers: the tables a query sees, the guard that keeps queries read-only, and the engine.

pub mod assess;
pub mod assessment_json;
pub mod custody;
pub mod error;
pub mod evaluator;
pub mod fleet;
pub mod history;
pub mod kernel;
pub mod logs;
pub mod report;
pub mod sql;
mod tables;

pub use error::{Limit, SqlError};
