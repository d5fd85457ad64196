//! The world that publishes: rooms, trucks and boxes that obey physics, probes that measure them, and
//! gateways that lose their network, their clock and their manners.
//!
//! A [`Scenario`] describes a world, [`World`] steps it in simulated time and makes [`Message`]s, a [`Runner`]
//! publishes them to a broker over MQTT and keeps the ledger of what was acknowledged, and [`truth`] is written
//! beside, so that a test can compare what happened with what was understood. [`load`] is the flat, fast
//! generator for measurements.
//!
//! The same scenario, seed and start give byte-identical messages: the world reads no clock.

mod clock;
pub mod load;
mod message;
mod mqtt;
pub mod plot;
mod probe;
mod psychrometrics;
mod registry;
mod runner;
mod scenario;
mod seed;
mod span;
pub mod truth;
mod world;

pub use clock::{Clock, Now};
pub use message::{Emission, Message, SentReading};
pub use mqtt::{Broker, Protocol};
pub use runner::{Pace, Progress, Runner, RunnerOptions, Summary};
pub use scenario::Scenario;
pub use span::Span;
pub use world::World;
