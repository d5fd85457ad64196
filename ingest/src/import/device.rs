//! What a logger says of itself and of what it found; kept beside its readings to be held against ours.

use chrono::NaiveDate;
use model::instant::MeasuredAt;

/// A logger's own statements.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device {
    /// The model, as the file names it.
    pub model: String,
    /// The serial number.
    pub serial: Option<String>,
    /// The logging interval, s.
    pub interval_s: Option<u32>,
    /// The mean kinetic temperature of the run, °C.
    pub mkt_c: Option<f64>,
    /// The activation energy that was reckoned with, kJ/mol.
    pub mkt_energy_kj_per_mol: Option<f64>,
    /// The mean temperature of the run, °C.
    pub mean_c: Option<f64>,
    /// The lowest temperature of the run, °C.
    pub min_c: Option<f64>,
    /// The highest temperature of the run, °C.
    pub max_c: Option<f64>,
    /// The alarms that were set, those that did not fire too.
    pub alarms: Vec<DeviceAlarm>,
    /// Day by day, newest first as the file has them; for devices that keep days.
    pub days: Vec<DeviceDay>,
}

/// An alarm of a logger.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceAlarm {
    /// Its number in the file.
    pub number: u32,
    /// Whether it is about what is too warm; too cold otherwise.
    pub high: bool,
    /// Whether time beyond the limit is summed up; in one piece otherwise.
    pub cumulative: bool,
    /// The limit, °C.
    pub limit_c: f64,
    /// How long beyond the limit, min.
    pub delay_min: f64,
    /// When it fired, by time.
    pub fired: Vec<MeasuredAt>,
}

/// A day as a logger sums it up, by its own clock.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceDay {
    /// The day.
    pub date: NaiveDate,
    /// The lowest temperature, °C.
    pub min_c: Option<f64>,
    /// The highest temperature, °C.
    pub max_c: Option<f64>,
    /// The mean temperature, °C.
    pub mean_c: Option<f64>,
    /// Its alarms.
    pub alarms: Vec<DayAlarm>,
}

/// What a day says of one alarm.
#[derive(Clone, Debug, PartialEq)]
pub struct DayAlarm {
    /// The alarm's number.
    pub number: u32,
    /// How long the temperature was beyond the limit on that day, min.
    pub minutes: f64,
    /// When it fired; the beginning of the day when it was on already.
    pub fired: Option<MeasuredAt>,
}
