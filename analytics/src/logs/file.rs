//! Readings files: CSV with a header, columns by name in any order.

use std::collections::HashMap;
use std::io::Read;

use csv::{ByteRecord, ReaderBuilder};
use model::instant::{MeasuredAt, ReceivedAt, parse_millis};
use model::name::Name;
use model::quantity::{Humidity, Temperature};

use super::{Log, Logs};
use crate::kernel::Sample;

/// Why a readings file was refused; nothing of it is used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be read.
    #[error("the readings file cannot be read")]
    Unreadable(#[source] csv::Error),
    /// The header lacks a column, or has one twice.
    #[error("line 1: {0}")]
    Header(String),
    /// A row is not a reading.
    #[error("line {line}: {what}")]
    Row {
        /// The line in the file, from 1.
        line: u64,
        /// What is wrong with it and what to do.
        what: String,
    },
}

/// Where the columns are.
struct Columns {
    sensor: usize,
    measured_at: usize,
    temperature: Option<usize>,
    humidity: Option<usize>,
    unit: Option<usize>,
    received_at: Option<usize>,
}

/// Reads a readings file. Rows received after `known_at` are passed over; rows may repeat and come in any order.
///
/// # Errors
/// What is wrong with the first bad row, with its line.
pub fn read_csv(file: impl Read, known_at: Option<ReceivedAt>) -> Result<Logs, FileError> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(file);
    let header = reader.byte_headers().map_err(FileError::Unreadable)?.clone();
    let columns = Columns::of(&header)?;
    let mut logs: Vec<(Name, Log)> = Vec::new();
    let mut known: HashMap<Box<[u8]>, usize> = HashMap::new();
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(FileError::Unreadable)? {
        let line = record.position().map_or(0, csv::Position::line);
        let row = Row { record: &record, columns: &columns, fields: header.len() };
        let refused = |what| FileError::Row { line, what };
        let sensor = row.field(columns.sensor);
        let index = match known.get(sensor) {
            Some(index) => *index,
            None => {
                let name = text(sensor, "sensor").and_then(|text| Name::parse(text).map_err(|cause| cause.to_string()));
                logs.push((name.map_err(refused)?, Log::default()));
                known.insert(sensor.into(), logs.len() - 1);
                logs.len() - 1
            }
        };
        row.take(&mut logs[index].1, known_at).map_err(refused)?;
    }
    let mut all = Logs::default();
    for (name, log) in logs {
        *all.of(name) = log;
    }
    Ok(all)
}

impl Columns {
    fn of(header: &ByteRecord) -> Result<Self, FileError> {
        let find = |name: &str| {
            let mut found = header
                .iter()
                .enumerate()
                .filter(|(_, column)| column.strip_prefix(b"\xef\xbb\xbf").unwrap_or(column) == name.as_bytes());
            match (found.next(), found.next()) {
                (first, None) => Ok(first.map(|(index, _)| index)),
                _ => Err(FileError::Header(format!("the column `{name}` stands there twice"))),
            }
        };
        let need = |name: &str| {
            find(name)?.ok_or_else(|| {
                FileError::Header(format!("the column `{name}` is missing: the header names the columns"))
            })
        };
        let (temperature, humidity) = (find("temperature_c")?, find("humidity_pct")?);
        if temperature.is_none() && humidity.is_none() {
            return Err(FileError::Header("a column `temperature_c` or `humidity_pct` is missing".into()));
        }
        Ok(Self {
            sensor: need("sensor")?,
            measured_at: need("measured_at")?,
            temperature,
            humidity,
            unit: find("unit")?,
            received_at: find("received_at")?,
        })
    }
}

/// One row.
struct Row<'a> {
    record: &'a ByteRecord,
    columns: &'a Columns,
    fields: usize,
}

impl Row<'_> {
    fn field(&self, index: usize) -> &[u8] {
        self.record.get(index).unwrap_or_default()
    }

    fn take(&self, log: &mut Log, known_at: Option<ReceivedAt>) -> Result<(), String> {
        if self.record.len() != self.fields {
            return Err(format!("has {} fields, but the header has {}", self.record.len(), self.fields));
        }
        let at = instant(self.field(self.columns.measured_at), "measured_at")?;
        if at < MeasuredAt::MIN.millis() {
            let told = model::instant::to_rfc3339(at);
            return Err(format!("`measured_at` is {told}, before 2000: give RFC 3339, or milliseconds (not seconds)"));
        }
        let temperature = self.number(self.columns.temperature, "temperature_c", |celsius| {
            Temperature::from_celsius(celsius).map(Temperature::millidegrees)
        })?;
        let humidity = self.number(self.columns.humidity, "humidity_pct", |percent| {
            Humidity::from_percent(percent).map(Humidity::thousandths)
        })?;
        let unit = match self.columns.unit.map(|index| self.field(index)).filter(|unit| !unit.is_empty()) {
            Some(unit) => Some(Name::parse(text(unit, "unit")?).map_err(|cause| cause.to_string())?),
            None => None,
        };
        if let Some(received) = self.columns.received_at.map(|index| self.field(index)).filter(|at| !at.is_empty()) {
            let received = instant(received, "received_at")?;
            if known_at.is_some_and(|known_at| received > known_at.millis()) {
                return Ok(());
            }
        }
        log.temperature.extend(temperature.map(|value| Sample { at, value }));
        log.humidity.extend(humidity.map(|value| Sample { at, value }));
        if let Some(unit) = unit {
            log.name_unit(at, unit);
        }
        Ok(())
    }

    fn number(
        &self,
        column: Option<usize>,
        name: &str,
        admit: impl Fn(f64) -> Option<i32>,
    ) -> Result<Option<i32>, String> {
        let Some(field) = column.map(|index| self.field(index)).filter(|field| !field.is_empty()) else {
            return Ok(None);
        };
        let field = text(field, name)?;
        let number: f64 = field
            .trim()
            .parse()
            .map_err(|_| format!("`{name}` is `{}`: use a number with a point, or leave it empty", cut(field)))?;
        let admitted = admit(number).ok_or_else(|| format!("`{name}` is {number}, which no sensor measures"))?;
        Ok(Some(admitted))
    }
}

fn instant(field: &[u8], name: &str) -> Result<i64, String> {
    let field = text(field, name)?;
    parse_millis(field)
        .ok_or_else(|| format!("`{name}` is `{}`: use RFC 3339 with an offset, or whole milliseconds", cut(field)))
}

fn text<'a>(field: &'a [u8], name: &str) -> Result<&'a str, String> {
    std::str::from_utf8(field).map_err(|_| format!("`{name}` is not UTF-8"))
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_columns_in_any_order_and_names_the_line_of_a_bad_row() {
        let good = "humidity_pct,measured_at,sensor,temperature_c\n55,2026-01-01T00:00:00Z,A,4.31\n,1767225660000,A,\n";
        let logs = read_csv(good.as_bytes(), None).unwrap();
        let log = logs.get(&Name::parse("A").unwrap()).unwrap();
        assert_eq!(log.temperature, [Sample { at: 1_767_225_600_000, value: 4310 }]);
        assert_eq!(log.humidity.len(), 1);
        for (row, line) in [("A,2026-01-01T00:00:00Z,hot", 2), ("A,never,5", 2), ("A b,2026-01-01T00:00:00Z,5", 2)] {
            let bad = format!("sensor,measured_at,temperature_c\n{row}\n");
            let error = read_csv(bad.as_bytes(), None).unwrap_err().to_string();
            assert!(error.starts_with(&format!("line {line}: ")), "{error}");
        }
    }
}
