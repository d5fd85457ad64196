//! The words of Coldtrail: quantities with units, instants, names, GS1 keys, readings and the registry.
//!
//! Everything here is pure: no file, no socket, no clock, no async runtime. The other crates speak in these
//! types, so that a number that has a unit is never passed around bare (invariant U1).

pub mod assessment;
pub mod gs1;
pub mod hold;
pub mod instant;
pub mod name;
pub mod quantity;
pub mod reading;
pub mod registry;
pub mod rejection;
pub mod role;
pub mod sight;
