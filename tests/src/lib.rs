//! The harness: brokers, proxies and publishers the integration tests break things with.

pub mod certificates;
pub mod memory;
pub mod mosquitto;
pub mod proxy;
pub mod publisher;
pub mod python;
pub mod site;
pub mod wire;

use std::path::PathBuf;

pub use python::python;

/// The folder of the tests: where they are run from, and not where they were built. Several clones may share a build cache.
#[must_use]
pub fn folder() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}
