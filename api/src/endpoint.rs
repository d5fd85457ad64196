//! The endpoints, one file per group.

pub(crate) mod audit;
pub(crate) mod health;
pub(crate) mod lists;
pub(crate) mod readings;
pub(crate) mod registry;
pub(crate) mod sql;
pub(crate) mod tokens;
