//! What products stand: storage limits, rules, and how they age.

use serde_json::Value;

use super::facts::{self, Told};
use super::flow::{Flow, SMALL};
use super::number::{NONE, duration, or_none, plain, time};
use super::sheet::GREY;
use super::table::{Cell, Table};

/// A section for every product.
pub(super) fn sections(flow: &mut Flow<'_>, report: &Value) {
    for product in report.items("products") {
        section(flow, product);
    }
}

fn section(flow: &mut Flow<'_>, product: &Value) {
    flow.heading(&format!("Limits and rules of product {}", product.text("gtin")), 60.0);
    let storage = &product["storage"];
    let seconds = |key: &str| duration(product.number(key));
    let celsius = |value: &Value| if value.is_null() { NONE.to_owned() } else { format!("{}\u{a0}°C", plain(value)) };
    let freeze = &product["freeze"];
    let frozen = match freeze.number("limit_c") {
        Some(_) => format!("at or below {} for {}", celsius(&freeze["limit_c"]), duration(freeze.number("delay_s"))),
        None => NONE.to_owned(),
    };
    let mkt = &product["mkt"];
    let kinetic = match mkt.number("window_s") {
        Some(window) => format!(
            "windows of {}, limit {}, {}",
            duration(Some(window)),
            celsius(&mkt["limit_c"]),
            mkt.text("severity")
        ),
        None => NONE.to_owned(),
    };
    flow.facts(
        &[
            ("Name", or_none(product.text("name"))),
            ("Version", plain(&product["version"])),
            ("Recorded (UTC)", time(product.text("recorded_at"))),
            ("Storage, temperature", range(&storage["temperature_c"], "°C")),
            ("Storage, relative humidity", range(&storage["humidity_pct"], "%")),
            ("Counts as frozen", frozen),
            ("Longest believed distance of readings", seconds("max_gap_s")),
            ("Longest unmonitored time", seconds("max_unmonitored_s")),
            ("Within accuracy asks for a review", if product.flag("guard_band") { "yes".into() } else { "no".into() }),
            ("While nothing is known: warmest", celsius(&product["gap_bound_c"])),
            ("coldest", celsius(&product["gap_bound_low_c"])),
            ("warming", slew(product)),
            ("Ageing", kinetics(&product["kinetics"])),
            ("Mean kinetic temperature", kinetic),
            ("Remaining days at dispatch", plain(&product["min_remaining_days_at_dispatch"])),
            ("Time out of storage that is allowed", allowed(&product["budget"])),
        ],
        3,
    );
    rules(flow, product);
}

/// The budget of time out of storage, band by band, and how the bands are taken together.
fn allowed(budget: &Value) -> String {
    let band = |band: &Value| {
        let allowed = duration(band.number("allowed_s"));
        format!("above {} to {}\u{a0}°C {allowed}", plain(&band["above_c"]), plain(&band["to_c"]))
    };
    match budget.items("bands") {
        [] => NONE.to_owned(),
        bands => format!("{} ({})", bands.iter().map(band).collect::<Vec<_>>().join(", "), budget.text("combine")),
    }
}

fn rules(flow: &mut Flow<'_>, product: &Value) {
    let mut table = Table::new(&[
        "Rule",
        "Out when",
        "Counted",
        ">Delay",
        ">Hysteresis",
        ">Bridged below",
        "Between readings",
        "Severity",
    ]);
    for rule in facts::rules(product) {
        let unit = if rule.text("quantity") == "humidity" { "%" } else { "°C" };
        let than = match rule.text("comparator") {
            "gt" => "above",
            "ge" => "at or above",
            "lt" => "below",
            _ => "at or below",
        };
        let counted = match (rule.text("mode"), rule.number("window_s")) {
            ("cumulative", Some(window)) => format!("all within {}", duration(Some(window))),
            ("cumulative", None) => "all together".to_owned(),
            _ => "each alone".to_owned(),
        };
        table.row(vec![
            rule.text("id").into(),
            format!("{} {than} {}\u{a0}{unit}", rule.text("quantity"), plain(&rule["limit"])).into(),
            counted.into(),
            duration(rule.number("delay_s")).into(),
            plain(&rule["hysteresis"]).into(),
            duration(rule.number("merge_s")).into(),
            or_none(rule.text("interp")).into(),
            Cell::from(rule.text("severity")),
        ]);
    }
    if !table.is_empty() {
        table.set(flow);
        flow.paragraph(SMALL, "A storage limit without a rule of its own is a rule without delay, named for it.", GREY);
    }
}

fn range(limits: &Value, unit: &str) -> String {
    match (&limits[0], &limits[1]) {
        (Value::Null, Value::Null) => NONE.to_owned(),
        (low, Value::Null) => format!("from {}\u{a0}{unit}", plain(low)),
        (Value::Null, high) => format!("up to {}\u{a0}{unit}", plain(high)),
        (low, high) => format!("{} to {}\u{a0}{unit}", plain(low), plain(high)),
    }
}

fn slew(product: &Value) -> String {
    match product.number("gap_slew_c_per_h") {
        Some(_) => format!("{}\u{a0}°C/h", plain(&product["gap_slew_c_per_h"])),
        None => NONE.to_owned(),
    }
}

fn kinetics(kinetics: &Value) -> String {
    let said = |key: &str, name: &str, unit: &str| {
        kinetics.number(key).map(|_| format!("{name} {}{unit}", plain(&kinetics[key])))
    };
    let model = match kinetics.text("model") {
        "none" => return "not modelled".to_owned(),
        model => super::number::words(model),
    };
    let valid = &kinetics["valid_c"];
    let valid = valid.is_array().then(|| format!("holds {} to {}\u{a0}°C", plain(&valid[0]), plain(&valid[1])));
    let credit = kinetics.flag("credit_below_reference").then(|| "credit below reference".to_owned());
    let parts = [
        Some(model),
        said("ea_kj_per_mol", "Ea", " kJ/mol"),
        said("ea_low", "low", " kJ/mol"),
        said("ea_high", "high", " kJ/mol"),
        said("q10", "Q10", ""),
        said("t_min_c", "Tmin", " °C"),
        said("b_per_c", "b", " per °C"),
        said("reference_c", "reference", " °C"),
        valid,
        credit,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
