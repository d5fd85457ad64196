//! The harness: brokers, proxies and publishers the integration tests break things with.

pub mod certificates;
pub mod memory;
pub mod mosquitto;
pub mod proxy;
pub mod publisher;
pub mod python;
pub mod site;
pub mod wire;

pub use python::python;
