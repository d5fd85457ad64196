//! The exposure kernel: from a unit's trace and its product to what is known of the unit.
//!
//! Everything that computes an excursion, a life, a mean kinetic temperature, a budget or a verdict calls this, and
//! nothing else computes any of it. It is pure: no clock, no file, no order of arrival (invariant A1).
//!
//! The data flows one way: [`Series`] (one sensor's readings, corrected) → [`Trace`] (whose readings count when) →
//! times beyond levels, integrals over linear pieces → findings → verdict. Temperatures are compared as whole
//! thousandths, crossings are exact, and integrals are sums of contributions rounded once, so that they do not depend
//! on how a trace is cut.
//!
//! **Invariant**: nothing here reads a clock, and silence is never in range (A3).

mod balance;
mod budget;
pub(crate) mod bytes;
mod envelope;
mod excursion;
mod expiry;
mod exposure;
mod figures;
mod fixed;
mod fold;
mod gap;
mod heat;
mod known;
mod level;
mod life;
mod local;
mod moment;
mod outline;
mod past;
mod plan;
mod profile;
mod rate;
mod screen;
mod series;
mod subject;
mod trace;
mod verdict;
mod watch;

pub use expiry::{effective, passes_at};
pub(crate) use figures::{Course, Figures};
pub use local::{Last, LastBefore};
pub use outline::Outline;
pub use past::Past;
pub use plan::{Missing, Plan, Source, Stretch};
pub use profile::Profile;
pub use rate::{GAS_CONSTANT, MKT_GAS_CONSTANT};
pub use series::{Correction, Sample, Series};
pub use subject::Subject;
pub use trace::Trace;
