//! The registry: what people declare about products, places, sensors, lots and units.
//!
//! A [`RegistryDocument`] is read from JSON with every problem named by its pointer; [`Registry::plan`] says what
//! it would do to what is registered, or every reason to refuse it. Whole documents are applied or none of one,
//! and applying one again changes nothing. The outside contract, section 3, is the specification.

mod amount;
mod association;
mod canonical;
mod check;
mod document;
mod entity;
mod json;
mod kinetics;
mod place;
mod plan;
mod product;
mod read;
mod recipient;
mod rule;
mod state;
mod unit;
mod value;
mod whereabouts;

pub use amount::{HumiditySpan, MolarEnergy, PerKelvin, Q10, SlewRate, TemperatureSpan};
pub use association::{Association, Exclusion, Target};
pub use canonical::{from_canonical, to_canonical};
pub use document::RegistryDocument;
pub use entity::{Kind, Record};
pub use json::parse_json;
pub use kinetics::{Kinetics, Model};
pub use place::{Calibration, Event, Place, PlaceKind, Sensor, SensorSource};
pub use plan::{Change, Plan};
pub use product::{Band, Budget, Combine, Freeze, Mkt, Product, Storage};
pub use read::Problem;
pub use recipient::{Language, Recipient};
pub use rule::{Comparator, Interpolation, Limit, Mode, Rule, Severity, Side};
pub use state::{Origin, Recorded, Registry, Table};
pub use unit::{Aggregation, Closure, Lot, Move, Split, SplitChild, Unit};
