//! The record of one unit.

use serde_json::Value;

use super::account;
use super::chart::Chart;
use super::facts::{self, Told};
use super::flow::{BODY, Flow, SMALL};
use super::number::{NONE, days_up, exact, millis, or_none, percent_down, percent_up, plain, time};
use super::sheet::{GREY, INK, colour_of};
use super::table::Table;
use super::{holds, product, sensors};

/// A report about one unit.
pub(super) fn record(flow: &mut Flow<'_>, report: &Value) {
    let Some(unit) = report.items("units").first() else { return };
    section(flow, report, unit);
    product::sections(flow, report);
    sensors::section(flow, report);
}

/// What there is to say of one unit.
pub(super) fn section(flow: &mut Flow<'_>, report: &Value, unit: &Value) {
    let known = &unit["assessment"];
    let product = facts::product(report, known.text("gtin"));
    let verdict = known.text("verdict");
    let below = format!(
        "Assessed as of {} UTC over all of its time; listed and drawn is the period below.",
        time(known.text("as_of"))
    );
    flow.part("UNIT", unit.text("id"), &below, Some((&verdict.to_uppercase(), colour_of(verdict))));
    identity(flow, report, unit, product);
    figures(flow, unit);
    charts(flow, report, unit, product);
    stays(flow, report, unit);
    account::reasons(flow, known);
    account::excursions(flow, unit, product);
    account::alarms(flow, unit);
    account::coverage(flow, known);
    account::kinetics(flow, known);
    account::life(flow, known);
    account::budget(flow, known, product);
    let ids: Vec<&str> = unit.items("holds").iter().filter_map(Value::as_str).collect();
    holds::section(flow, report, &ids);
    holds::acceptances(flow, unit.items("accepted"));
    account::provenance(flow, &known["provenance"]);
}

fn identity(flow: &mut Flow<'_>, report: &Value, unit: &Value, product: &Value) {
    let known = &unit["assessment"];
    let lot = facts::lot(report, known.text("gtin"), known.text("lot"));
    let place = unit.items("custody").last().map_or("", |piece| piece.text("place"));
    let chart = &unit["chart"];
    let mut all = vec![
        ("Product", or_none(product.text("name"))),
        ("GTIN", known.text("gtin").to_owned()),
        ("Lot", known.text("lot").to_owned()),
        ("Quantity at first", plain(&unit["quantity"])),
        ("Manufactured", or_none(lot.text("manufactured_on"))),
        ("Labelled expiry", known.text("labelled_expiry").to_owned()),
        ("Effective expiry", known.text("effective_expiry").to_owned()),
        ("Effective expiry, nominal", known.text("effective_expiry_nominal").to_owned()),
        ("Tracked from (UTC)", time(known["window"].text("from"))),
        ("Tracked to (UTC)", time(known["window"].text("to"))),
        ("Place at the end", facts::place(report, place)),
        ("Time zone of that place", facts::zone(report, place).to_owned()),
        ("Period listed, from (UTC)", time(chart.text("from"))),
        ("Period listed, to (UTC)", time(chart.text("to"))),
        ("Split from", or_none(unit.text("split_from"))),
    ];
    let end = &unit["closure"];
    all.push(match end.text("kind") {
        "" => ("Closed", NONE.to_owned()),
        kind => ("Closed (UTC)", format!("{} ({kind})", time(end.text("at")))),
    });
    flow.facts(&all, 4);
}

fn figures(flow: &mut Flow<'_>, unit: &Value) {
    let known = &unit["assessment"];
    let (temperature, mkt) = (&known["temperature"], &known["mkt"]);
    let celsius =
        |value: Option<f64>| value.map_or_else(|| NONE.to_owned(), |value| format!("{}\u{a0}°C", exact(Some(value))));
    let all = &unit["over_all_time"];
    let frozen = if known.flag("frozen") { "frozen: yes" } else { "frozen: no" };
    let fired = format!("{} alarms; {frozen}", plain(&all["alarms"]));
    flow.figures(&[
        ("Lowest", celsius(temperature.number("min_c")), "of all readings".into()),
        ("Highest", celsius(temperature.number("max_c")), "of all readings".into()),
        ("Mean", celsius(temperature.number("mean_c")), "over known time".into()),
        ("Highest MKT", celsius(mkt.number("max_window_c")), "of all windows".into()),
        ("Known", percent_down(known["coverage"].number("fraction")), "of its time".into()),
        ("Excursions", plain(&all["excursions"]), fired),
        ("Extra ageing", days_up(known["life"].number("extra_s")), "days, at most".into()),
        ("Budget used", percent_up(known["budget"].number("used_fraction")), String::new()),
    ]);
}

fn charts(flow: &mut Flow<'_>, report: &Value, unit: &Value, product: &Value) {
    let chart = &unit["chart"];
    let Some(time) = millis(chart.text("from")).zip(millis(chart.text("to"))) else { return };
    let known = &unit["assessment"];
    let rules = facts::rules(product);
    let numbered = places(report, unit.items("custody"));
    for (columns, quantity, title, gaps) in [
        ("temperature_c", "temperature", "Temperature, °C (time in UTC)", known["coverage"].items("gaps")),
        ("humidity_pct", "humidity", "Relative humidity, % (time in UTC)", known["coverage"]["humidity"].items("gaps")),
    ] {
        let columns = chart.items(columns);
        if columns.is_empty() && quantity == "humidity" {
            continue;
        }
        if columns.is_empty() {
            flow.paragraph(BODY, "No temperature is known in this period.", INK);
            continue;
        }
        let of_rule = |id: &str| rules.iter().find(|rule| rule.text("id") == id);
        let excursions = chart.items("beyond").iter().filter_map(|one| {
            let rule = of_rule(one.text("rule")).filter(|rule| rule.text("quantity") == quantity)?;
            let (from, to) = span(one)?;
            Some((from, to, rule.text("side") == "high"))
        });
        Chart {
            title,
            time,
            columns,
            limits: limits(product, quantity),
            excursions: excursions.collect(),
            gaps: gaps.iter().filter_map(span).collect(),
            places: if quantity == "temperature" { numbered.clone() } else { Vec::new() },
            height: if quantity == "temperature" { 150.0 } else { 80.0 },
        }
        .set(flow);
    }
}

/// The storage limits of a product, and where it counts as frozen.
pub(super) fn limits(product: &Value, quantity: &str) -> Vec<f64> {
    let storage = &product["storage"];
    let key = if quantity == "temperature" { "temperature_c" } else { "humidity_pct" };
    storage.items(key).iter().filter_map(Value::as_f64).collect()
}

/// Begin and end of an interval, ms.
pub(super) fn span(interval: &Value) -> Option<(i64, i64)> {
    millis(interval.text("from")).zip(millis(interval.text("to")))
}

/// Stays for a chart: stretches at one place, numbered as in the table.
fn places(report: &Value, custody: &[Value]) -> Vec<(i64, i64, usize, String)> {
    let mut all: Vec<(i64, i64, usize, String)> = Vec::new();
    for (number, piece) in custody.iter().enumerate() {
        let Some((from, to)) = span(piece) else { continue };
        let name = facts::place(report, piece.text("place"));
        all.push((from, to, number + 1, name));
    }
    all
}

/// Where it was, and whose readings counted.
fn stays(flow: &mut Flow<'_>, report: &Value, unit: &Value) {
    flow.heading("Places and sensors", 40.0);
    let mut table =
        Table::new(&[">No.", "From (UTC)", "To (UTC)", "Place", "Time zone", "Sensors whose readings count"]);
    for (number, piece) in unit.items("custody").iter().enumerate() {
        let place = piece.text("place");
        let sensors: Vec<&str> = piece.items("sensors").iter().filter_map(Value::as_str).collect();
        table.row(vec![
            (number + 1).to_string().into(),
            time(piece.text("from")).into(),
            time(piece.text("to")).into(),
            facts::place(report, place).into(),
            facts::zone(report, place).into(),
            if sensors.is_empty() { "none".into() } else { sensors.join(", ").into() },
        ]);
    }
    table.set(flow);
    flow.paragraph(SMALL, "A stay begins at its first instant and ends before its last one.", GREY);
}
