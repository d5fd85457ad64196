//! The record of a place or a vehicle: what it was like, by which sensors, and which units stood there.

use serde_json::Value;

use super::account;
use super::chart::Chart;
use super::facts::{self, Told};
use super::flow::{BODY, Flow, SMALL};
use super::number::{NONE, duration, exact, excursions_and_alarms, millis, or_none, percent_down, plain, time};
use super::sheet::{GREY, INK, colour_of};
use super::table::{Cell, Table};
use super::{holds, product, sensors, unit};

/// A report about a place.
pub(super) fn record(flow: &mut Flow<'_>, report: &Value) {
    let id = report["subject"].text("place");
    let place = report.items("places").iter().find(|one| one.text("id") == id).unwrap_or(&Value::Null);
    let known = &report["place"];
    let kind = place.text("kind").replace('_', " ");
    let below = format!("As of {} UTC.", time(report.text("as_of")));
    flow.part(&kind.to_uppercase(), &facts::place(report, id), &below, None);
    flow.facts(
        &[
            ("Kind", kind.clone()),
            ("Lies in", or_none(place.text("parent"))),
            ("GLN", or_none(place.text("gln"))),
            ("Time zone", facts::zone(report, id).to_owned()),
            ("Period, from (UTC)", time(report["period"].text("from"))),
            ("Period, to (UTC)", time(report["period"].text("to"))),
            ("Sensors", report.items("sensors").len().to_string()),
            ("Units that stood there", plain(&report["units_there_are"])),
        ],
        4,
    );
    figures(flow, known);
    charts(flow, report, known);
    of_sensors(flow, known);
    of_units(flow, report);
    flow.heading("Coverage", 40.0);
    let coverage = &known["coverage"];
    flow.facts(
        &[
            ("Known", percent_down(coverage.number("fraction"))),
            ("Known (d h:m:s)", duration(coverage.number("known_s"))),
            ("Unknown", duration(coverage.number("unknown_s"))),
            ("Known by some sensors only", duration(coverage.number("partial_s"))),
        ],
        4,
    );
    account::gaps(flow, "Temperature", coverage.items("gaps"));
    flow.heading("Alarms", 30.0);
    let raised = account::raised(report.items("alarms"));
    match raised.is_empty() {
        true => flow.paragraph(BODY, "No alarm was raised about the place or its sensors in the period.", INK),
        false => raised.set(flow),
    }
    let ids: Vec<&str> = report.items("holds").iter().map(|hold| hold.text("id")).collect();
    holds::section(flow, report, &ids);
    account::provenance(flow, &known["provenance"]);
    product::sections(flow, report);
    sensors::section(flow, report);
}

fn figures(flow: &mut Flow<'_>, known: &Value) {
    let celsius = |key: &str| {
        known["temperature"]
            .number(key)
            .map_or_else(|| NONE.to_owned(), |value| format!("{}\u{a0}°C", exact(Some(value))))
    };
    let percent = |key: &str| {
        known["humidity"].number(key).map_or_else(|| NONE.to_owned(), |value| format!("{}\u{a0}%", exact(Some(value))))
    };
    flow.figures(&[
        ("Lowest", celsius("min_c"), "of all sensors".into()),
        ("Highest", celsius("max_c"), "of all sensors".into()),
        ("Mean", celsius("mean_c"), "hottest sensor, known time".into()),
        ("Humidity, lowest", percent("min_pct"), String::new()),
        ("Humidity, highest", percent("max_pct"), String::new()),
        ("Known", percent_down(known["coverage"].number("fraction")), "of the period".into()),
    ]);
}

fn charts(flow: &mut Flow<'_>, report: &Value, known: &Value) {
    let chart = &known["chart"];
    let Some(span) = millis(chart.text("from")).zip(millis(chart.text("to"))) else { return };
    // The limits of what stood there, where all of it has the same.
    let products = report.items("products");
    let limits = |quantity: &str| match products {
        [first, rest @ ..] if rest.iter().all(|one| one["storage"] == first["storage"]) => {
            unit::limits(first, quantity)
        }
        _ => Vec::new(),
    };
    let gaps = known["coverage"].items("gaps").iter().filter_map(unit::span).collect();
    let temperature = chart.items("temperature_c");
    if temperature.is_empty() {
        flow.paragraph(BODY, "No temperature is known in this period.", INK);
    } else {
        let title = "Temperature of all its sensors, °C (time in UTC)";
        let limits = limits("temperature");
        Chart {
            title,
            time: span,
            columns: temperature,
            limits,
            excursions: Vec::new(),
            gaps,
            places: Vec::new(),
            height: 150.0,
        }
        .set(flow);
    }
    let humidity = chart.items("humidity_pct");
    if !humidity.is_empty() {
        let title = "Relative humidity of all its sensors, % (time in UTC)";
        let (limits, gaps) = (limits("humidity"), Vec::new());
        Chart {
            title,
            time: span,
            columns: humidity,
            limits,
            excursions: Vec::new(),
            gaps,
            places: Vec::new(),
            height: 80.0,
        }
        .set(flow);
    }
}

fn of_sensors(flow: &mut Flow<'_>, known: &Value) {
    flow.heading("What its sensors measured", 40.0);
    let mut table = Table::new(&[
        "Sensor",
        ">Lowest °C",
        ">Mean °C",
        ">Highest °C",
        ">Lowest %RH",
        ">Mean %RH",
        ">Highest %RH",
        ">Known",
        ">Unknown",
    ]);
    for one in known.items("sensors") {
        let (temperature, humidity) = (&one["temperature"], &one["humidity"]);
        table.row(vec![
            one.text("sensor").into(),
            exact(temperature.number("min_c")).into(),
            exact(temperature.number("mean_c")).into(),
            exact(temperature.number("max_c")).into(),
            exact(humidity.number("min_pct")).into(),
            exact(humidity.number("mean_pct")).into(),
            exact(humidity.number("max_pct")).into(),
            percent_down(one["coverage"].number("fraction")).into(),
            duration(one["coverage"].number("unknown_s")).into(),
        ]);
    }
    match table.is_empty() {
        true => flow.paragraph(BODY, "No sensor watched the place or what is around it.", INK),
        false => table.set(flow),
    }
    let mut watched = Table::new(&["From (UTC)", "To (UTC)", "Sensors whose readings count"]);
    for piece in known.items("watched_by") {
        let sensors: Vec<&str> = piece.items("sensors").iter().filter_map(Value::as_str).collect();
        watched.row(vec![
            time(piece.text("from")).into(),
            time(piece.text("to")).into(),
            or_none(&sensors.join(", ")).into(),
        ]);
    }
    watched.set(flow);
}

fn of_units(flow: &mut Flow<'_>, report: &Value) {
    flow.heading("Units that stood there", 40.0);
    let units = report.items("units");
    if units.is_empty() {
        return flow.paragraph(BODY, "No unit stood there in the period.", INK);
    }
    let mut table = Table::new(&[
        "Unit",
        "Product",
        "Lot",
        ">Quantity",
        "There from (UTC)",
        "To (UTC)",
        ">Excursions there",
        ">All excur- sions, alarms",
        "Verdict",
        "Effective expiry",
        "Holds",
    ]);
    for unit in units {
        let known = &unit["assessment"];
        let holds: Vec<&str> = unit.items("holds").iter().filter_map(Value::as_str).collect();
        let product = match facts::product(report, known.text("gtin")).text("name") {
            "" => known.text("gtin"),
            name => name,
        };
        for (number, stay) in unit.items("stays").iter().enumerate() {
            let first = |text: String| if number == 0 { text } else { String::new() };
            let verdict = known.text("verdict");
            table.row(vec![
                first(unit.text("id").to_owned()).into(),
                first(product.to_owned()).into(),
                first(known.text("lot").to_owned()).into(),
                first(plain(&unit["quantity"])).into(),
                time(stay.text("from")).into(),
                time(stay.text("to")).into(),
                first(plain(&unit["during_stays"]["excursions"])).into(),
                first(excursions_and_alarms(&unit["over_all_time"])).into(),
                if number == 0 { Cell::coloured(verdict, colour_of(verdict)) } else { "".into() },
                first(known.text("effective_expiry").to_owned()).into(),
                first(or_none(&holds.join(", "))).into(),
            ]);
        }
    }
    table.set(flow);
    flow.paragraph(SMALL, "Of each unit the attached JSON and its own report have more.", GREY);
    flow.paragraph(
        SMALL,
        "All excursions and alarms, verdict and expiry are of all the time of a unit up to as-of, wherever it was.",
        GREY,
    );
}
