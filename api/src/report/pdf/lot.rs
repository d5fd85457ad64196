//! The record of a lot: one page over all its units, and a section for each.

use serde_json::Value;

use super::facts::{self, Told};
use super::flow::{Flow, SMALL};
use super::number::{days_up, exact, excursions_and_alarms, or_none, percent_down, percent_up, plain, time};
use super::sheet::{GREY, colour_of};
use super::table::{Cell, Table};
use super::{product, sensors, unit};

/// A report about a lot.
pub(super) fn record(flow: &mut Flow<'_>, report: &Value) {
    let units = report.items("units");
    let subject = &report["subject"];
    let product = facts::product(report, subject.text("gtin"));
    let lot = facts::lot(report, subject.text("gtin"), subject.text("lot"));
    // The first is the gravest.
    let verdict = units.first().map_or("", |unit| unit["assessment"].text("verdict"));
    let there_are = plain(&report["units_there_are"]);
    let listed = match report["units_there_are"].as_u64() == Some(units.len() as u64) {
        true => String::new(),
        false => format!(", of which {} are in this report", units.len()),
    };
    let below = format!(
        "{there_are} units as of {} UTC{listed}, gravest first. The verdict shown is that of the gravest of them.",
        time(report.text("as_of"))
    );
    flow.part("LOT", subject.text("lot"), &below, Some((&verdict.to_uppercase(), colour_of(verdict))));
    let quantity: f64 =
        units.iter().filter(|unit| unit.text("split_from").is_empty()).filter_map(|unit| unit.number("quantity")).sum();
    let earliest = units.iter().map(|unit| unit["assessment"].text("effective_expiry")).min().unwrap_or_default();
    // Not all units of a large lot are listed, and only of those is the quantity here.
    let is_whole = report["units_there_are"].as_u64() == Some(units.len() as u64);
    let whole = if is_whole { "Quantity of its units at first" } else { "Quantity of the units listed" };
    flow.facts(
        &[
            ("Product", or_none(product.text("name"))),
            ("GTIN", subject.text("gtin").to_owned()),
            (whole, format!("{quantity:.0}")),
            ("Manufactured", or_none(lot.text("manufactured_on"))),
            ("Labelled expiry", or_none(lot.text("expires_on"))),
            ("Earliest effective expiry", or_none(earliest)),
            ("Period listed, from (UTC)", time(report["period"].text("from"))),
            ("to (UTC)", time(report["period"].text("to"))),
        ],
        4,
    );
    flow.heading("Units", 60.0);
    summary(flow, units);
    product::sections(flow, report);
    sensors::section(flow, report);
    for one in units.iter().filter(|unit| unit.flag("section")) {
        flow.new_page();
        unit::section(flow, report, one);
    }
}

fn summary(flow: &mut Flow<'_>, units: &[Value]) {
    let mut table = Table::new(&[
        "Unit",
        "Verdict",
        ">Quantity",
        "Place",
        ">Lowest °C",
        ">Highest °C",
        ">MKT °C",
        ">Known",
        ">Excur- sions, alarms",
        ">Budget used",
        ">Extra age, days",
        "Effective expiry",
        "Holds",
    ]);
    for unit in units {
        let known = &unit["assessment"];
        let place = unit.items("custody").last().map_or("", |piece| piece.text("place"));
        let holds: Vec<&str> = unit.items("holds").iter().filter_map(Value::as_str).collect();
        table.row(vec![
            unit.text("id").into(),
            Cell::coloured(known.text("verdict"), colour_of(known.text("verdict"))),
            plain(&unit["quantity"]).into(),
            or_none(place).into(),
            exact(known["temperature"].number("min_c")).into(),
            exact(known["temperature"].number("max_c")).into(),
            exact(known["mkt"].number("max_window_c")).into(),
            percent_down(known["coverage"].number("fraction")).into(),
            excursions_and_alarms(&unit["over_all_time"]).into(),
            percent_up(known["budget"].number("used_fraction")).into(),
            days_up(known["life"].number("extra_s")).into(),
            known.text("effective_expiry").into(),
            or_none(&holds.join(", ")).into(),
        ]);
    }
    table.set(flow);
    flow.paragraph(
        SMALL,
        "Figures are of all the time of a unit up to as-of; MKT is the highest of all windows. A unit split from another starts with its past.",
        GREY,
    );
}
