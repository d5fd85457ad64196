//! All integration tests, in one binary: one file per subject.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

mod assess;
mod backup;
mod collector;
mod desk;
mod endtoend;
mod evaluator;
mod fuzz;
mod gateways;
mod glance;
mod held_disk;
mod history;
mod holding;
mod holds;
mod hostile;
mod http;
mod import;
mod journal;
mod kill;
mod lake_readers;
mod ledger;
mod limits;
mod listener;
mod notifications;
mod oidc;
mod page;
mod pressure;
mod registry;
mod report;
mod rows;
mod s3;
mod shelf;
mod sim;
mod sql;
mod tidy;
