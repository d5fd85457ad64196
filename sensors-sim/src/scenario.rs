//! A scenario: a world and what happens in it, as a TOML file.

mod builtin;
mod room;
mod story;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

pub(crate) use room::{AmbientSpec, RoomDesign, RoomKind, RoomSpec};
pub(crate) use story::{StorySpec, What};

/// A world and what happens in it: one story, told in one TOML file.
///
/// `docs/simulator.md` describes every key. Built-in ones are found by name, others by path.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What happens, in one line.
    pub about: String,
    #[serde(default)]
    pub(crate) weather: WeatherSpec,
    #[serde(default)]
    pub(crate) sites: Vec<SiteSpec>,
    #[serde(default)]
    pub(crate) vehicles: Vec<VehicleSpec>,
    #[serde(default)]
    pub(crate) boxes: Vec<BoxSpec>,
    #[serde(default)]
    pub(crate) stories: Vec<StorySpec>,
}

impl Scenario {
    /// The built-in scenario called `name`, or the one in the file at that path.
    ///
    /// # Errors
    /// When it is neither, or the file is not a scenario; the message says where.
    pub fn load(name: &str) -> anyhow::Result<Self> {
        if let Some(text) = builtin::text(name) {
            return Self::parse(text).with_context(|| format!("built-in scenario `{name}`"));
        }
        let text = std::fs::read_to_string(name).with_context(|| {
            format!("`{name}` is neither a built-in scenario ({}) nor a readable file", builtin::names().join(", "))
        })?;
        Self::parse(&text).with_context(|| format!("scenario file `{name}`"))
    }

    /// The scenario that `text` (TOML) describes.
    ///
    /// # Errors
    /// When it is not one; the message names the line.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let scenario: Self = toml::from_str(text)?;
        ensure!(
            !(scenario.sites.is_empty() && scenario.vehicles.is_empty() && scenario.boxes.is_empty()),
            "a scenario needs at least one of `sites`, `vehicles`, `boxes`"
        );
        Ok(scenario)
    }

    /// The names of the built-in scenarios, in the order in which one would read them.
    #[must_use]
    pub fn builtin_names() -> Vec<&'static str> {
        builtin::names()
    }
}

/// Outdoor climate: a yearly and a daily wave and slow noise, about a mean.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WeatherSpec {
    /// Mean of the year, °C.
    pub(crate) mean_c: f64,
    /// Half the swing between winter and summer, °C.
    pub(crate) yearly_c: f64,
    /// Half the swing between night and day, °C.
    pub(crate) daily_c: f64,
    /// Standard deviation of the weather about the climate, °C.
    pub(crate) noise_c: f64,
    /// The day of the year to pretend it is at the start, instead of the calendar's.
    pub(crate) day_of_year: Option<f64>,
}

impl Default for WeatherSpec {
    fn default() -> Self {
        Self { mean_c: 10.0, yearly_c: 9.5, daily_c: 4.0, noise_c: 2.0, day_of_year: None }
    }
}

/// A building with rooms and gateways; `count` of them alike.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SiteSpec {
    pub(crate) id: String,
    #[serde(default = "one")]
    pub(crate) count: u32,
    pub(crate) name: Option<String>,
    #[serde(default = "berlin")]
    pub(crate) timezone: String,
    /// Gateways at each such site; the rooms are shared out among them.
    #[serde(default = "one")]
    pub(crate) gateways: u32,
    #[serde(default)]
    pub(crate) gateway: GatewaySpec,
    pub(crate) rooms: Vec<RoomSpec>,
}

/// A refrigerated truck with its own gateway; `count` of them alike.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VehicleSpec {
    pub(crate) id: String,
    #[serde(default = "one")]
    pub(crate) count: u32,
    #[serde(default = "five")]
    pub(crate) setpoint_c: f64,
    /// Hour of the day (UTC) at which it leaves, and at which it is back on mains power.
    #[serde(default = "working_hours")]
    pub(crate) on_the_road_h: [f64; 2],
    /// Minutes from one stop to the next, and minutes the doors are open at each.
    #[serde(default = "stop_minutes")]
    pub(crate) stops_min: [f64; 2],
    #[serde(default = "two_probes")]
    pub(crate) probes: ProbeSpec,
    #[serde(default)]
    pub(crate) gateway: GatewaySpec,
    #[serde(default)]
    pub(crate) product: Option<String>,
    #[serde(default)]
    pub(crate) units: u32,
}

/// A passive box with packs that melt; `count` of them alike, each with a logger and a logistic unit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BoxSpec {
    pub(crate) id: String,
    #[serde(default = "one")]
    pub(crate) count: u32,
    /// Mass of the packs, kg.
    #[serde(default = "eight")]
    pub(crate) packs_kg: f64,
    /// Where the packs melt, °C: 0 water, 5 a phase-change material, −78.5 dry ice.
    #[serde(default = "five")]
    pub(crate) melts_at_c: f64,
    /// Heat that melts a kilogram, kJ: 334 water, about 200 for salts and paraffins, 571 dry ice.
    #[serde(default = "pack_latent")]
    pub(crate) latent_kj_per_kg: f64,
    /// Heat through the walls, W/K.
    #[serde(default = "walls")]
    pub(crate) walls_w_per_k: f64,
    /// Heat capacity of packs and contents when all has melted, kJ/K.
    #[serde(default = "contents")]
    pub(crate) contents_kj_per_k: f64,
    /// Share of the packs that is solid when it is packed.
    #[serde(default = "most")]
    pub(crate) solid_share: f64,
    /// Hours until it is packed again with conditioned packs.
    #[serde(default = "two_days")]
    pub(crate) repacked_every_h: f64,
    #[serde(default = "logger")]
    pub(crate) probes: ProbeSpec,
    /// Boxes heard by one gateway.
    #[serde(default = "ten")]
    pub(crate) per_gateway: u32,
    #[serde(default)]
    pub(crate) gateway: GatewaySpec,
    #[serde(default)]
    pub(crate) product: Option<String>,
}

/// The probes in one place.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ProbeSpec {
    pub(crate) count: u32,
    /// Seconds between readings.
    pub(crate) interval_s: f64,
    /// Each reading is late by up to this; 0 keeps to the grid of the interval.
    pub(crate) jitter_s: f64,
    /// Smallest step of the value, °C.
    pub(crate) resolution_c: f64,
    /// Standard deviation of the noise, °C.
    pub(crate) noise_c: f64,
    /// Time constant of the probe, s.
    pub(crate) lag_s: f64,
    /// Standard deviation of the fixed offset from probe to probe, °C.
    pub(crate) offset_c: f64,
    /// What the data sheet promises, °C.
    pub(crate) accuracy_c: f64,
    pub(crate) humidity: bool,
}

impl Default for ProbeSpec {
    fn default() -> Self {
        Self {
            count: 2,
            interval_s: 60.0,
            jitter_s: 0.0,
            resolution_c: 0.01,
            noise_c: 0.03,
            lag_s: 90.0,
            offset_c: 0.1,
            accuracy_c: 0.5,
            humidity: false,
        }
    }
}

impl ProbeSpec {
    #[expect(clippy::cast_possible_truncation, reason = "an interval in a scenario is seconds to hours")]
    pub(crate) fn interval_ms(&self) -> i64 {
        ((self.interval_s * 1000.0) as i64).max(1)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a resolution in a scenario is below a few degrees")]
    pub(crate) fn resolution_e4(&self) -> i32 {
        ((self.resolution_c * 1e4).round() as i32).max(1)
    }
}

/// How a gateway writes times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TimeForm {
    #[default]
    Rfc3339,
    Millis,
}

/// Habits of a gateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GatewaySpec {
    /// Sends when this many readings wait …
    pub(crate) batch: usize,
    /// … or the oldest has waited this long, s.
    pub(crate) flush_s: f64,
    pub(crate) times: TimeForm,
    /// Share of messages sent twice.
    pub(crate) duplicates: f64,
    /// Share of messages held back behind up to five later ones.
    pub(crate) reorders: f64,
    /// Seconds its clock is ahead from the start, and gains per day.
    pub(crate) clock_ahead_s: f64,
    pub(crate) clock_gains_s_per_day: f64,
    /// Also sends battery voltage and signal strength.
    pub(crate) extras: bool,
}

impl Default for GatewaySpec {
    fn default() -> Self {
        Self {
            batch: 50,
            flush_s: 60.0,
            times: TimeForm::Rfc3339,
            duplicates: 0.0,
            reorders: 0.0,
            clock_ahead_s: 0.0,
            clock_gains_s_per_day: 0.0,
            extras: false,
        }
    }
}

fn one() -> u32 {
    1
}
fn ten() -> u32 {
    10
}
fn five() -> f64 {
    5.0
}
fn eight() -> f64 {
    8.0
}
fn most() -> f64 {
    0.9
}
fn two_days() -> f64 {
    48.0
}
fn pack_latent() -> f64 {
    200.0
}
fn walls() -> f64 {
    0.6
}
fn contents() -> f64 {
    40.0
}
fn working_hours() -> [f64; 2] {
    [5.0, 17.0]
}
fn stop_minutes() -> [f64; 2] {
    [70.0, 8.0]
}
fn berlin() -> String {
    "Europe/Berlin".to_owned()
}
fn two_probes() -> ProbeSpec {
    ProbeSpec { lag_s: 60.0, resolution_c: 0.0625, ..ProbeSpec::default() }
}
fn logger() -> ProbeSpec {
    ProbeSpec { count: 1, interval_s: 300.0, jitter_s: 20.0, resolution_c: 0.1, lag_s: 180.0, ..ProbeSpec::default() }
}
