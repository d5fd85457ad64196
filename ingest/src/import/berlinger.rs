//! Text exports of Berlinger's Q-tag and Fridge-tag loggers.
//!
//! Indented `Label: value` lines in sections (`Conf:`, `Res:` or `Hist:`), then below `Data:` a row of column names and
//! the readings, separated by tabs; after them the maker's certificate and signature, which are not checked here. Times
//! are to the minute by the device's clock; the label `Zone` says how many hours that is ahead of UTC.

use chrono::{NaiveDate, NaiveDateTime};
use model::instant::{MeasuredAt, ReceivedAt};
use model::name::Name;
use model::rejection::Reason;

use super::clock::{Told, time_of_day};
use super::device::{DayAlarm, Device, DeviceAlarm, DeviceDay};
use super::numbers::{self, Decimal, Degrees};
use super::rows::{self, Recording, Row, misshapen};
use super::zone::{Placed, Zone};
use super::{Options, Unreadable};

const TIME: &str = "%Y-%m-%d %H:%M";

/// Whether `text` is such an export.
pub(super) fn is_one(text: &str) -> bool {
    text.starts_with("Device:") && text.lines().any(|line| line.trim_end() == "Data:")
}

/// Reads an export.
pub(super) fn read(
    text: &str,
    options: &Options,
    now: ReceivedAt,
    assumed: &mut Vec<String>,
) -> Result<Recording, Unreadable> {
    let lines: Vec<&str> = text.lines().collect();
    let data = lines.iter().position(|line| line.trim_end() == "Data:").unwrap_or(lines.len());
    let (head, body) = lines.split_at(data);
    let head: Vec<Label<'_>> = head.iter().filter_map(|line| Label::of(line)).collect();
    let value = |name: &str| head.iter().find(|label| label.name == name).map(|label| label.value);
    let serial = value("Serial").filter(|serial| !serial.is_empty());
    let sensor = match (&options.sensor, serial) {
        (Some(sensor), _) => sensor.clone(),
        (None, Some(serial)) => Name::parse(serial)
            .map_err(|error| Unreadable::at(1, format!("the serial number: {error}; name the sensor with --sensor")))?,
        (None, None) => return Err(Unreadable::at(1, "the file has no serial number: name the sensor with --sensor")),
    };
    let zone = zone(value("Zone"), options, assumed);
    let degrees = match value("Temp unit") {
        Some("F") => Degrees::Fahrenheit,
        _ => Degrees::Celsius,
    };
    if options.degrees.is_some_and(|said| said != degrees) {
        return Err(Unreadable::at(1, "the file states another scale than --degrees says"));
    }
    let rows = readings(body, data as u64 + 1, &sensor, degrees, options)?;
    let options = Options { zone, ..options.clone() };
    let mut recording = rows::settle(rows, text, &options, now)?;
    let celsius = |text: &str| numbers::parse(text, Decimal::Point).ok().map(|value| degrees.celsius(value));
    let device = device(&head, serial, zone, &celsius);
    compare(&device, &recording, assumed);
    recording.device = Some(device);
    Ok(recording)
}

/// One `Label: value` line, with the number of spaces in front of it.
#[derive(Clone, Copy)]
struct Label<'a> {
    depth: usize,
    name: &'a str,
    value: &'a str,
    line: &'a str,
}

impl<'a> Label<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let text = line.trim_start();
        let (name, value) = text.split_once(':')?;
        Some(Self { depth: line.len() - text.len(), name: name.trim(), value: value.trim(), line: text })
    }

    /// The text behind `label` up to the next comma, in a line that says several things.
    fn field(&self, label: &str) -> Option<&'a str> {
        let parts = self.line.split(", ").find_map(|part| part.trim().strip_prefix(label)?.strip_prefix(':'));
        parts.map(|text| text.trim().trim_end_matches(',')).filter(|text| !text.is_empty())
    }
}

fn zone(stated: Option<&str>, options: &Options, assumed: &mut Vec<String>) -> Option<Zone> {
    if options.zone.is_some() {
        return options.zone;
    }
    let zone = stated.and_then(|hours| hours.parse().ok()).and_then(Zone::of_hours)?;
    assumed.push(format!(
        "times are {zone}, as `Zone` in the file says: if the device's clock was set otherwise, say --zone"
    ));
    Some(zone)
}

/// The rows below `Data:`.
fn readings(
    body: &[&str],
    first: u64,
    sensor: &Name,
    degrees: Degrees,
    options: &Options,
) -> Result<Vec<Row>, Unreadable> {
    let mut lines = body.iter().zip(first..).skip(1);
    let Some((header, line)) = lines.next() else {
        return Err(Unreadable::at(first, "nothing stands below `Data:`"));
    };
    let columns: Vec<&str> = header.split('\t').map(str::trim).collect();
    let column = |name: &str| columns.iter().position(|column| *column == name);
    let (Some(when), Some(temperature)) = (column("yyyy-MM-dd hh:mm"), column("T")) else {
        return Err(Unreadable::at(line, "the columns `yyyy-MM-dd hh:mm` and `T` are missing: this form is not known"));
    };
    let humidity = column("H").or_else(|| column("RH"));
    let mut rows = Vec::new();
    for (text, line) in lines.take_while(|(text, _)| !["Cert:", "Sig"].iter().any(|end| text.starts_with(end))) {
        if text.trim().is_empty() {
            continue;
        }
        let fields: Vec<&str> = text.split('\t').map(str::trim).collect();
        let (Some(written), Some(value)) = (fields.get(when), fields.get(temperature)) else {
            rows.push(misshapen(line, format!("has {} fields, but the header has {}", fields.len(), columns.len())));
            continue;
        };
        let wrong = |_| (Reason::Time, format!("`{written}` is not a time: these files write 2026-12-31 23:59"));
        let mut refusal = None;
        let mut number = |text: &str| match numbers::is_missing(text) {
            true => None,
            false => numbers::parse(text, Decimal::Point).map_err(|what| refusal = Some((Reason::Shape, what))).ok(),
        };
        let temperature = number(value).map(|value| degrees.celsius(value));
        let humidity = humidity.and_then(|place| fields.get(place)).and_then(|value| number(value));
        rows.push(Row {
            line,
            part: 0,
            sensor: sensor.as_str().to_owned(),
            when: NaiveDateTime::parse_from_str(written, TIME).map(Told::Local).map_err(wrong),
            temperature,
            humidity,
            unit: options.unit.as_ref().map(|unit| unit.as_str().to_owned()),
            written: (*written).to_owned(),
            wrong: refusal,
        });
    }
    Ok(rows)
}

fn device(
    head: &[Label<'_>],
    serial: Option<&str>,
    zone: Option<Zone>,
    celsius: &dyn Fn(&str) -> Option<f64>,
) -> Device {
    let first = |name: &str| head.iter().find(|label| label.name == name);
    let results = head.iter().position(|label| matches!(label.name, "Res" | "Hist")).unwrap_or(head.len());
    let (configuration, results) = head.split_at(results);
    let result = |name: &str| results.iter().find_map(|label| celsius(label.field(name)?));
    let at = |text: &str| match zone?.place(NaiveDateTime::parse_from_str(text, TIME).ok()?) {
        Placed::Once(at) | Placed::Twice(at, _) => Some(MeasuredAt::from_millis(at)),
        Placed::Never => None,
    };
    let mut device = Device {
        model: first("Device").map_or_else(String::new, |label| label.value.to_owned()),
        serial: serial.map(str::to_owned),
        interval_s: first("Logging Interval")
            .and_then(|label| label.value.parse::<u32>().ok())
            .map(|minutes| minutes * 60),
        mkt_energy_kj_per_mol: first("MKT Energy").and_then(|label| label.value.parse().ok()),
        alarms: alarms(configuration, celsius),
        ..Device::default()
    };
    if results.first().is_some_and(|label| label.name == "Hist") {
        device.days = days(results, zone, celsius);
        for alarm in &mut device.alarms {
            let said = device.days.iter().flat_map(|day| &day.alarms).filter(|said| said.number == alarm.number);
            alarm.fired = said.filter_map(|said| said.fired).collect();
            alarm.fired.sort_unstable();
        }
        return device;
    }
    (device.mkt_c, device.mean_c) = (result("MKT"), result("Avrg T"));
    (device.min_c, device.max_c) = (result("Min T"), result("Max T"));
    let mut number = None;
    for label in results.iter().skip_while(|label| label.name != "Alarm").skip(1).take_while(|label| label.depth > 1) {
        match label.name.parse::<u32>() {
            Ok(found) => number = Some(found),
            Err(_) => {
                let alarm = device.alarms.iter_mut().find(|alarm| Some(alarm.number) == number);
                if let (Some(alarm), Some(fired)) = (alarm, label.field("TS A").and_then(at)) {
                    alarm.fired.push(fired);
                }
            }
        }
    }
    device
}

/// The alarms that were set. A Q-tag says of which type they are: 1 and 3 too cold, 2 and 4 too warm, 3 and 4 summed up.
/// A Fridge-tag has number 0 for too cold and 1 for too warm, both in one piece.
fn alarms(configuration: &[Label<'_>], celsius: &dyn Fn(&str) -> Option<f64>) -> Vec<DeviceAlarm> {
    let section = configuration.iter().skip_while(|label| !(label.name == "Alarm" && label.value.is_empty())).skip(1);
    let mut number = None;
    let mut alarms = Vec::new();
    for label in section.take_while(|label| label.depth > 1) {
        if let Ok(found) = label.name.parse::<u32>() {
            number = Some(found);
            continue;
        }
        let (high, cumulative) = match (label.field("Type"), number) {
            (Some("1"), _) | (None, Some(0)) => (false, false),
            (Some("2"), _) | (None, Some(1)) => (true, false),
            (Some("3"), _) => (false, true),
            (Some("4"), _) => (true, true),
            _ => continue,
        };
        let limit_c = label.field("T AL").and_then(celsius);
        let delay_min = label.field("t AL").and_then(|minutes| minutes.parse().ok());
        if let (Some(number), Some(limit_c), Some(delay_min)) = (number, limit_c, delay_min) {
            alarms.push(DeviceAlarm { number, high, cumulative, limit_c, delay_min, fired: Vec::new() });
        }
    }
    alarms
}

/// The days of a Fridge-tag's history.
fn days(results: &[Label<'_>], zone: Option<Zone>, celsius: &dyn Fn(&str) -> Option<f64>) -> Vec<DeviceDay> {
    let mut days: Vec<DeviceDay> = Vec::new();
    let mut number = None;
    for label in results {
        if label.name == "Date" {
            if let Ok(date) = NaiveDate::parse_from_str(label.value, "%Y-%m-%d") {
                days.push(DeviceDay { date, min_c: None, max_c: None, mean_c: None, alarms: Vec::new() });
            }
            number = None;
            continue;
        }
        let Some(day) = days.last_mut() else { continue };
        day.min_c = day.min_c.or_else(|| celsius(label.field("Min T")?));
        day.max_c = day.max_c.or_else(|| celsius(label.field("Max T")?));
        day.mean_c = day.mean_c.or_else(|| celsius(label.field("Avrg T")?));
        if let (Ok(found), true) = (label.name.parse::<u32>(), label.depth > 1) {
            number = Some(found);
        }
        let minutes = label.field("t Acc").and_then(|minutes| minutes.parse().ok());
        if let (Some(number), Some(minutes)) = (number, minutes) {
            let at = |time: &str| match zone?.place(day.date.and_time(time_of_day(time)?)) {
                Placed::Once(at) | Placed::Twice(at, _) => Some(MeasuredAt::from_millis(at)),
                Placed::Never => None,
            };
            day.alarms.push(DayAlarm { number, minutes, fired: label.field("TS A").and_then(at) });
        }
    }
    days
}

/// Says where rows lie outside of what the device says was its lowest and highest: the file was changed then, or cut.
fn compare(device: &Device, recording: &Recording, assumed: &mut Vec<String>) {
    let Some((lowest, highest)) = recording.sensors.first().and_then(|sensor| sensor.temperature) else { return };
    if device.min_c.is_some_and(|min| lowest.celsius() < min - 1e-9) {
        assumed.push(format!("the rows go down to {lowest}, which is below what the device says was its lowest"));
    }
    if device.max_c.is_some_and(|max| highest.celsius() > max + 1e-9) {
        assumed.push(format!("the rows go up to {highest}, which is above what the device says was its highest"));
    }
}
