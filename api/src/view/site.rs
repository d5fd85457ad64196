//! Places at a glance, as they are sent.

use model::instant::to_rfc3339;
use serde::Serialize;
use store::newest::Last;
use utoipa::ToSchema;

use super::unit::CountsView;

/// A place and how things stand there.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SiteView {
    /// The place.
    pub(crate) id: String,
    /// Its name for people.
    pub(crate) name: Option<String>,
    /// What it is: `cold_room`, `vehicle`, `site` …
    pub(crate) kind: &'static str,
    /// The place it is inside of.
    pub(crate) parent: Option<String>,
    /// The site it is on.
    pub(crate) site: Option<String>,
    /// The time zone in which its days end.
    pub(crate) timezone: Option<String>,
    /// The sensors that watch it now.
    pub(crate) sensors: Vec<SensorStateView>,
    /// How things stand in the place itself.
    pub(crate) here: GlanceView,
    /// How things stand in it and all places inside of it.
    pub(crate) inside: GlanceView,
}

/// A sensor and what it said last.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SensorStateView {
    /// The sensor.
    pub(crate) id: String,
    /// Its newest reading.
    pub(crate) last: Option<LastView>,
    /// Since when nothing was heard of it, if that is too long.
    pub(crate) silent_since: Option<String>,
}

/// The newest reading of a sensor.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LastView {
    /// When it measured.
    measured_at: String,
    /// °C.
    temperature_c: Option<f64>,
    /// %RH.
    humidity_pct: Option<f64>,
}

impl From<&Last> for LastView {
    fn from(last: &Last) -> Self {
        Self {
            measured_at: to_rfc3339(last.measured_at.millis()),
            temperature_c: last.temperature.map(model::quantity::Temperature::celsius),
            humidity_pct: last.humidity.map(model::quantity::Humidity::percent),
        }
    }
}

/// How things stand in a place.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GlanceView {
    /// The units there.
    pub(crate) units: CountsView,
    /// Excursions under way there; one of many units counts once.
    pub(crate) running_excursions: usize,
    /// Units that have one.
    pub(crate) units_out: usize,
    /// Undecided holds on units there, on the place, or on lots that have units there.
    pub(crate) open_holds: usize,
    /// Sensors there that have been silent for too long.
    pub(crate) silent_sensors: usize,
}
