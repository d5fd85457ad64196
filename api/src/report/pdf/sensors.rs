//! The sensors whose readings count: what they are, how they were calibrated, and what they watched.

use serde_json::Value;

use super::facts::Told;
use super::flow::{BODY, Flow, SMALL};
use super::number::{NONE, duration, or_none, plain, time, words};
use super::sheet::{GREY, INK, colour_of};
use super::table::{Cell, Table};

/// All sensors of the report.
pub(super) fn section(flow: &mut Flow<'_>, report: &Value) {
    flow.heading("Sensors and calibration", 50.0);
    let sensors = report.items("sensors");
    if sensors.is_empty() {
        return flow.paragraph(BODY, "No sensor's readings count in this period.", INK);
    }
    calibrations(flow, report, sensors);
    associations(flow, sensors);
    exclusions(flow, sensors);
}

fn calibrations(flow: &mut Flow<'_>, report: &Value, sensors: &[Value]) {
    let mut table = Table::new(&[
        "Sensor",
        ">Accuracy",
        ">Interval",
        "Sends",
        "Calibrated from (UTC)",
        "Certificate",
        ">Offset",
        ">Uncertainty",
        "Due",
    ]);
    for sensor in sensors {
        let kelvin =
            |value: &Value| if value.is_null() { NONE.to_owned() } else { format!("{}\u{a0}°C", plain(value)) };
        let due = sensor.text("calibration_due");
        let overdue = !due.is_empty() && due < report.text("as_of").get(..10).unwrap_or_default();
        let due =
            if overdue { Cell::coloured(format!("{due} overdue"), colour_of("hold")) } else { or_none(due).into() };
        let none = [Value::Null];
        let all = sensor.items("calibrations");
        for (number, calibration) in (if all.is_empty() { &none } else { all }).iter().enumerate() {
            let first = number == 0;
            let or_blank = |text: String| if first { text } else { String::new() };
            let registered =
                if sensor.flag("registered") { words(sensor.text("source")) } else { "not registered".to_owned() };
            let accuracy = if sensor["accuracy_c"].is_null() {
                NONE.to_owned()
            } else {
                format!("± {}", kelvin(&sensor["accuracy_c"]))
            };
            let certificate = if calibration.is_null() {
                "none on record".to_owned()
            } else {
                or_none(calibration.text("certificate"))
            };
            table.row(vec![
                or_blank(sensor.text("id").to_owned()).into(),
                or_blank(accuracy).into(),
                or_blank(duration(sensor.number("interval_s"))).into(),
                or_blank(registered).into(),
                time(calibration.text("from")).into(),
                certificate.into(),
                kelvin(&calibration["offset_c"]).into(),
                kelvin(&calibration["uncertainty_c"]).into(),
                if first { due.clone() } else { "".into() },
            ]);
        }
    }
    table.set(flow);
    flow.paragraph(
        SMALL,
        "Values here are corrected by the offset of the calibration that held when they were measured.",
        GREY,
    );
}

fn associations(flow: &mut Flow<'_>, sensors: &[Value]) {
    let mut table = Table::new(&["Sensor", "Watched", "From (UTC)", "To (UTC)"]);
    for (sensor, one) in
        sensors.iter().flat_map(|sensor| sensor.items("associations").iter().map(move |one| (sensor, one)))
    {
        let watched = match one.text("place") {
            "" => format!("unit {}", one.text("unit")),
            place => format!("place {place}"),
        };
        let to = if one.text("to").is_empty() { "open".to_owned() } else { time(one.text("to")) };
        table.row(vec![sensor.text("id").into(), watched.into(), time(one.text("from")).into(), to.into()]);
    }
    if !table.is_empty() {
        table.set(flow);
    }
}

fn exclusions(flow: &mut Flow<'_>, sensors: &[Value]) {
    let mut table = Table::new(&["Excluded: sensor", "From (UTC)", "To (UTC)", "Reason", "By"]);
    for (sensor, one) in
        sensors.iter().flat_map(|sensor| sensor.items("exclusions").iter().map(move |one| (sensor, one)))
    {
        table.row(vec![
            sensor.text("id").into(),
            time(one.text("from")).into(),
            time(one.text("to")).into(),
            one.text("reason").into(),
            one.text("by").into(),
        ]);
    }
    if !table.is_empty() {
        table.set(flow);
    }
}
