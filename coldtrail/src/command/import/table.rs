//! The data-quality report for people.

use std::io::{self, Write};

use ingest::import::{Content, Declarations, Device, Listed, Recording, SensorQuality};

use super::registry::Declared;
use super::{Applied, Source};

/// How many findings of one kind are told to people; the JSON has more, and both have the number of all.
const TOLD: usize = 10;

/// Tells what is in the files, and what became of it.
pub(super) fn write(
    out: &mut impl Write,
    sources: &[Source],
    declared: &Declared,
    applied: Option<Applied>,
) -> io::Result<()> {
    for source in sources {
        let file = &source.file;
        writeln!(out, "{}", source.path)?;
        writeln!(out, "  {}, {}, {} bytes, sha256 {}", file.form.as_str(), file.encoding, file.bytes, file.sha256)?;
        match &file.content {
            Content::Recording(recording) => recorded(out, recording)?,
            Content::Declarations(found) => declares(out, found)?,
        }
        for assumed in &file.assumed {
            writeln!(out, "  note: {assumed}")?;
        }
    }
    for problem in &declared.problems {
        writeln!(out, "wrong: {problem}")?;
    }
    let Some(applied) = applied else { return writeln!(out, "nothing was applied") };
    if let Some([created, updated, unchanged]) = applied.registry {
        writeln!(out, "registry: {created} created, {updated} updated, {unchanged} unchanged")?;
    }
    if applied.accepted + applied.duplicate + applied.rejected > 0 {
        let handed = applied.accepted + applied.duplicate;
        let new = applied.new.map_or_else(String::new, |new| format!(", {new} of them new"));
        writeln!(out, "readings: {handed} taken{new}; {} put into `rejected`", applied.rejected)?;
    }
    Ok(())
}

fn recorded(out: &mut impl Write, recording: &Recording) -> io::Result<()> {
    writeln!(
        out,
        "  {} rows: {} readings, {} repeated, {} without a value, {} refused",
        recording.rows,
        recording.taken.len(),
        recording.repeated,
        recording.empty,
        recording.refused.len()
    )?;
    if recording.conflicts > 0 {
        writeln!(out, "  {} readings say something else than an earlier one of that instant", recording.conflicts)?;
    }
    let refused = recording.refused.iter().map(|row| format!("line {}: {}: {}", row.line, row.reason, row.what));
    few(out, "  refused", refused, recording.refused.len() as u64)?;
    for sensor in &recording.sensors {
        measured(out, sensor)?;
    }
    match &recording.device {
        Some(device) => says(out, device),
        None => Ok(()),
    }
}

fn measured(out: &mut impl Write, sensor: &SensorQuality) -> io::Result<()> {
    let every = sensor.interval_ms.map_or(String::new(), |interval| format!(", every {} s", interval as f64 / 1000.0));
    let temperature = sensor.temperature.map_or(String::new(), |(low, high)| format!(", {} to {high}", low.celsius()));
    let humidity = sensor.humidity.map_or(String::new(), |(low, high)| format!(", {} to {high}", low.percent()));
    writeln!(out, "  {}: {} readings{every}{temperature}{humidity}", sensor.sensor, sensor.readings)?;
    writeln!(out, "    {} to {}", sensor.from, sensor.to)?;
    let gap = sensor.gaps.first.iter().map(|gap| format!("{} to {}, {} missing", gap.from, gap.to, gap.missing));
    few(out, "    gap", gap, sensor.gaps.count)?;
    let jumps = &sensor.jumps;
    let jump = jumps.first.iter().map(|jump| format!("line {}: {} to {}", jump.line, jump.from.celsius(), jump.to));
    few(out, "    jump", jump, jumps.count)?;
    let odd = |line: u64, what: &str| format!("line {line}: {what}");
    let Listed { count, first } = &sensor.implausible;
    few(out, "    hard to believe", first.iter().map(|found| odd(found.line, &found.what)), *count)?;
    let Listed { count, first } = &sensor.clock;
    few(out, "    clock", first.iter().map(|found| odd(found.line, &found.what)), *count)
}

fn says(out: &mut impl Write, device: &Device) -> io::Result<()> {
    let value = |name: &str, value: Option<f64>| value.map_or(String::new(), |value| format!(", {name} {value} °C"));
    let (mkt, mean) = (value("mean kinetic", device.mkt_c), value("mean", device.mean_c));
    let (min, max) = (value("lowest", device.min_c), value("highest", device.max_c));
    writeln!(out, "  the device says: {}{mkt}{mean}{min}{max}", device.model)?;
    for alarm in device.alarms.iter().filter(|alarm| !alarm.fired.is_empty()) {
        let side = if alarm.high { "above" } else { "below" };
        let first = alarm.fired.first().map_or_else(String::new, ToString::to_string);
        writeln!(
            out,
            "    alarm {}: {side} {} °C for {} min, {} times, first {first}",
            alarm.number,
            alarm.limit_c,
            alarm.delay_min,
            alarm.fired.len()
        )?;
    }
    Ok(())
}

fn declares(out: &mut impl Write, found: &Declarations) -> io::Result<()> {
    let count = |section: &str| found.records.iter().filter(|record| record.section == section).count();
    let (lots, units, moves) = (count("lots"), count("units"), count("moves"));
    writeln!(
        out,
        "  {} rows: {lots} lots, {units} units, {moves} moves, {} repeated, {} refused",
        found.rows,
        found.repeated,
        found.refused.len()
    )?;
    let refused = found.refused.iter().map(|(line, what)| format!("line {line}: {what}"));
    few(out, "  refused", refused, found.refused.len() as u64)
}

/// The first of the findings, and how many more there are.
fn few(out: &mut impl Write, what: &str, findings: impl Iterator<Item = String>, all: u64) -> io::Result<()> {
    for finding in findings.take(TOLD) {
        writeln!(out, "{what}  {finding}")?;
    }
    if all > TOLD as u64 {
        writeln!(out, "{what}  … and {} more", all - TOLD as u64)?;
    }
    Ok(())
}
