//! All integration tests, in one binary: one file per subject.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

mod collector;
mod http;
mod journal;
mod kill;
mod lake_readers;
mod ledger;
mod listener;
mod registry;
mod rows;
mod shelf;
mod sim;
mod sql;
