//! Rows: what a line says, and what is taken of it.

use std::collections::{HashMap, HashSet};

use model::instant::{MeasuredAt, ReceivedAt, to_rfc3339};
use model::name::Name;
use model::quantity::{Humidity, Temperature};
use model::rejection::Reason;

use super::clock::Told;
use super::dates::cut;
use super::device::Device;
use super::quality::{self, SensorQuality};
use super::zone::Placed;
use super::{Options, Refusal, RepeatedHour, Unreadable, Zone};

/// The longest part of a line that is kept of a refused row, in characters.
const KEPT_CHARS: usize = 1000;

/// A row as it was read, before it was judged.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) part: u32,
    pub(super) sensor: String,
    pub(super) when: Result<Told, Refusal>,
    pub(super) temperature: Option<f64>,
    pub(super) humidity: Option<f64>,
    pub(super) unit: Option<String>,
    /// The text of the time, when it could not be read.
    pub(super) written: String,
    /// What else is wrong with it.
    pub(super) wrong: Option<Refusal>,
}

/// A reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The line it stands on.
    pub line: u64,
    /// The sensor.
    pub sensor: Name,
    /// When it measured.
    pub measured_at: MeasuredAt,
    /// The temperature, if there is one.
    pub temperature: Option<Temperature>,
    /// The relative humidity, if there is one.
    pub humidity: Option<Humidity>,
    /// The unit it travelled with.
    pub unit: Option<Name>,
}

/// A row that is no reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// The line it stands on.
    pub line: u64,
    /// Which reading of that line, from 0.
    pub part: u32,
    /// The word the doors use for it.
    pub reason: Reason,
    /// What is wrong and what to do.
    pub what: String,
    /// The line itself, cut after 1,000 characters.
    pub row: String,
    pub(super) sensor: String,
    pub(super) at: Option<i64>,
    pub(super) written: String,
    pub(super) temperature: Option<f64>,
    pub(super) humidity: Option<f64>,
    pub(super) unit: Option<String>,
}

/// What a file says sensors measured. `rows` is `taken.len() + repeated + empty + refused.len()`.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// Rows read.
    pub rows: u64,
    /// The readings, in the order of the file.
    pub taken: Vec<Taken>,
    /// Rows that say once more what an earlier one said.
    pub repeated: u64,
    /// Readings that say something else than an earlier one of the same sensor and instant; both are taken.
    pub conflicts: u64,
    /// Rows without a value.
    pub empty: u64,
    /// Rows that are no readings.
    pub refused: Vec<Refused>,
    /// What can be said of the readings of each sensor, by name.
    pub sensors: Vec<SensorQuality>,
    /// What the device says of itself and of what it found.
    pub device: Option<Device>,
    /// The zone times without an offset were read in.
    pub zone: Option<Zone>,
}

/// Judges `rows` of `text`, and places local times in the zone of `options`.
pub(super) fn settle(
    mut rows: Vec<Row>,
    text: &str,
    options: &Options,
    now: ReceivedAt,
) -> Result<Recording, Unreadable> {
    let local = rows.iter().find(|row| matches!(row.when, Ok(Told::Local(_)))).map(|row| row.line);
    let zone = match (local, options.zone) {
        (Some(line), None) => {
            let what = "the time has no offset: say in which zone the clock ran with --zone, for instance --zone \
                        Europe/Berlin";
            return Err(Unreadable::at(line, what));
        }
        (Some(_), zone) => zone,
        (None, _) => None,
    };
    if let Some(zone) = zone {
        place(&mut rows, zone, options.repeated_hour);
    }
    let mut recording = Recording { rows: rows.len() as u64, zone, ..Recording::default() };
    let mut known: HashMap<String, (Name, u32)> = HashMap::new();
    let (mut identities, mut seen) = (HashSet::new(), HashSet::new());
    for row in rows {
        if row.wrong.is_none() && row.when.is_ok() && row.temperature.is_none() && row.humidity.is_none() {
            recording.empty += 1;
            continue;
        }
        match judge(&row, &mut known, now) {
            Err((reason, what)) => recording.refused.push(refused(row, reason, what)),
            Ok((taken, sensor)) => {
                let at = taken.measured_at.millis();
                if !seen.insert((sensor, at, taken.temperature, taken.humidity, taken.unit.clone())) {
                    recording.repeated += 1;
                    continue;
                }
                recording.conflicts += u64::from(!identities.insert((sensor, at)));
                recording.taken.push(taken);
            }
        }
    }
    quote(&mut recording.refused, text);
    recording.sensors = quality::of(&recording.taken);
    Ok(recording)
}

/// The reading of `row` and the number of its sensor, or why it is none. The same rules as at the doors.
fn judge(row: &Row, known: &mut HashMap<String, (Name, u32)>, now: ReceivedAt) -> Result<(Taken, u32), Refusal> {
    if let Some(wrong) = &row.wrong {
        return Err(wrong.clone());
    }
    let at = match &row.when {
        Ok(Told::Instant(at)) => MeasuredAt::from_millis(*at),
        Ok(Told::Local(_)) => return Err((Reason::Time, "the time was not placed in a zone".into())),
        Err(refusal) => return Err(refusal.clone()),
    };
    let named = |error: model::name::NameError| (Reason::Name, error.to_string());
    let number = known.len() as u32;
    let (sensor, number) = match known.get(&row.sensor) {
        Some(known) => known.clone(),
        None => {
            let name = Name::parse(&row.sensor).map_err(named)?;
            known.insert(row.sensor.clone(), (name.clone(), number));
            (name, number)
        }
    };
    let unit = row.unit.as_deref().map(Name::parse).transpose().map_err(named)?;
    if !at.is_plausible(now) {
        let what = if at < MeasuredAt::MIN { "before 2000: no clock was set" } else { "in the future" };
        return Err((Reason::Clock, format!("{} is {what}", to_rfc3339(at.millis()))));
    }
    let range = |value: f64, unit: &str| (Reason::Range, format!("{value} {unit} is nothing a probe measures"));
    let temperature = row.temperature.map(|value| Temperature::from_celsius(value).ok_or_else(|| range(value, "°C")));
    let humidity = row.humidity.map(|value| Humidity::from_percent(value).ok_or_else(|| range(value, "%RH")));
    let (temperature, humidity) = (temperature.transpose()?, humidity.transpose()?);
    Ok((Taken { line: row.line, sensor, measured_at: at, temperature, humidity, unit }, number))
}

fn refused(row: Row, reason: Reason, what: String) -> Refused {
    let at = match row.when {
        Ok(Told::Instant(at)) => Some(at),
        _ => None,
    };
    Refused {
        line: row.line,
        part: row.part,
        reason,
        what,
        row: String::new(),
        sensor: row.sensor,
        at,
        written: row.written,
        temperature: row.temperature,
        humidity: row.humidity,
        unit: row.unit,
    }
}

/// Puts the lines themselves beside what was refused of them.
fn quote(refused: &mut [Refused], text: &str) {
    let mut lines = text.lines().zip(1_u64..);
    let mut current = None;
    for refused in refused {
        while current.is_none_or(|(_, number)| number < refused.line) {
            current = lines.next();
            if current.is_none() {
                return;
            }
        }
        if let Some((line, _)) = current {
            refused.row = line.chars().take(KEPT_CHARS).collect();
        }
    }
}

/// Turns local times into instants of `zone`.
fn place(rows: &mut [Row], zone: Zone, repeated: RepeatedHour) {
    let second = if repeated == RepeatedHour::ByOrder { second_times(rows, zone) } else { HashMap::new() };
    for (index, row) in rows.iter_mut().enumerate() {
        let Ok(Told::Local(local)) = row.when else { continue };
        let at = match zone.place(local) {
            Placed::Once(at) => Ok(at),
            Placed::Never => Err(format!("{local} does not exist in {zone}: the clock was set forward over it")),
            Placed::Twice(first, later) => match (repeated, second.get(&index)) {
                (RepeatedHour::First, _) | (_, Some(false)) => Ok(first),
                (RepeatedHour::Second, _) | (_, Some(true)) => Ok(later),
                (RepeatedHour::ByOrder, None) => Err(format!(
                    "{local} was there twice in {zone}, and the order of the rows does not tell which it is: say \
                     --repeated-hour first or second"
                )),
                (RepeatedHour::Refuse, None) => Err(format!(
                    "{local} was there twice in {zone}, when the clock was set back: say --repeated-hour first, second \
                     or by-order"
                )),
            },
        };
        row.when = at.map(Told::Instant).map_err(|what| (Reason::Time, what));
        if row.when.is_err() {
            row.written = local.to_string();
        }
    }
}

/// For rows in a repeated hour, whether they are of the second time through it; by sensor, where the rows tell.
fn second_times(rows: &[Row], zone: Zone) -> HashMap<usize, bool> {
    let mut runs: HashMap<&str, Vec<(usize, chrono::NaiveDateTime)>> = HashMap::new();
    let mut told = HashMap::new();
    let mut close = |run: Vec<(usize, chrono::NaiveDateTime)>| {
        let back: Vec<usize> = (1..run.len()).filter(|at| run[*at].1 < run[at - 1].1).collect();
        if let [back] = back[..] {
            told.extend(run.iter().enumerate().map(|(at, (index, _))| (*index, at >= back)));
        }
    };
    for (index, row) in rows.iter().enumerate() {
        let Ok(Told::Local(local)) = row.when else { continue };
        if matches!(zone.place(local), Placed::Twice(..)) {
            runs.entry(&row.sensor).or_default().push((index, local));
        } else if let Some(run) = runs.remove(row.sensor.as_str()) {
            close(run);
        }
    }
    runs.into_values().for_each(close);
    told
}

/// A row whose fields do not fit.
pub(super) fn misshapen(line: u64, what: String) -> Row {
    Row {
        line,
        part: 0,
        sensor: String::new(),
        when: Err((Reason::Shape, cut(&what))),
        temperature: None,
        humidity: None,
        unit: None,
        written: String::new(),
        wrong: Some((Reason::Shape, what)),
    }
}
