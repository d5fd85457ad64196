//! What is known of a unit, table by table.

use serde_json::Value;

use super::facts::{self, Told};
use super::flow::{BODY, Flow, SMALL};
use super::number::{NONE, duration, exact, or_none, percent_down, percent_up, plain, time, words};
use super::sheet::{GREY, INK, colour_of};
use super::table::{Cell, Table};

/// Why the verdict is what it is.
pub(super) fn reasons(flow: &mut Flow<'_>, known: &Value) {
    flow.heading("Verdict and reasons", 30.0);
    let reasons = known.items("reasons");
    if reasons.is_empty() {
        return flow.paragraph(BODY, "Verdict: pass. Nothing speaks against the unit.", INK);
    }
    flow.paragraph(BODY, &format!("Verdict: {}.", known.text("verdict")), colour_of(known.text("verdict")));
    let mut table = Table::new(&["Reason", "Rule", "Since (UTC)", "What it means"]);
    for reason in reasons {
        let code = reason.text("code");
        let cells = [words(code), or_none(reason.text("rule")), time(reason.text("at")), meaning(code).to_owned()];
        table.row(cells.into_iter().map(Cell::from).collect());
    }
    table.set(flow);
}

/// What a reason says, in a sentence.
fn meaning(code: &str) -> &'static str {
    match code {
        "excursion" => "It was out of the rule's limit for longer than the rule allows.",
        "level" => "A single reading lies out of the rule's limit, without a neighbour to tell for how long.",
        "frozen" => "It was at or below the freezing limit for longer than allowed.",
        "budget" => "The time allowed out of storage is used up.",
        "expired" => "The labelled expiry has passed.",
        "effective_expiry" => "The expiry has passed once what it aged faster is taken off.",
        "model_range" => "A temperature lies outside of what the model of its ageing is made for.",
        "worst_case" => "The rule fires if it was out of limits while nothing was known.",
        "unmonitored" => "Nothing was known of it for longer than allowed at one time.",
        "sensor_silent" => "One of several sensors was silent for longer than allowed at one time.",
        "freeze_possible" => "It may have frozen while nothing was known.",
        "guard_band" => "The rule fires if the sensor's accuracy is taken against the product.",
        "no_readings" => "There is no reading of it at all.",
        "mkt" => "The mean kinetic temperature of a window lies above its limit.",
        _ => "",
    }
}

/// Every time out of a limit within the period.
pub(super) fn excursions(flow: &mut Flow<'_>, unit: &Value, product: &Value) {
    let known = &unit["assessment"];
    flow.heading("Excursions", 40.0);
    let excursions = known.items("excursions");
    let all = plain(&unit["over_all_time"]["excursions"]);
    if excursions.is_empty() {
        return flow.paragraph(BODY, &format!("None in the period; {all} over all of its time."), INK);
    }
    let rules = facts::rules(product);
    let mut table = Table::new(&[
        "Rule",
        "Start (UTC)",
        "End (UTC)",
        "Began by",
        "Ended by",
        ">Duration",
        ">Time out",
        ">Peak",
        "Peak at (UTC)",
        ">Integral, unit · s",
    ]);
    for one in excursions {
        let rule = rules.iter().find(|rule| rule.text("id") == one.text("rule")).unwrap_or(&Value::Null);
        let unit = if rule.text("quantity") == "humidity" { "%" } else { "°C" };
        let end = match (one.text("end"), one.text("end_kind")) {
            ("", _) => Cell::coloured("still out", colour_of("hold")),
            (end, _) => time(end).into(),
        };
        table.row(vec![
            one.text("rule").into(),
            time(one.text("start")).into(),
            end,
            words(one.text("start_kind")).into(),
            words(one.text("end_kind")).into(),
            duration(one.number("duration_s")).into(),
            duration(one.number("time_out_s")).into(),
            format!("{}\u{a0}{unit}", exact(one.number("peak"))).into(),
            time(one.text("peak_at")).into(),
            exact(one.number("degree_seconds")).into(),
        ]);
    }
    table.set(flow);
    let told = format!("{} listed of those that touch the period; {all} over all of its time.", excursions.len());
    flow.paragraph(SMALL, &told, GREY);
}

/// When rules fired, and what was told to people.
pub(super) fn alarms(flow: &mut Flow<'_>, unit: &Value) {
    flow.heading("Alarms", 30.0);
    let mut table = Table::new(&["Rule", "Fired (UTC)", "In the worst case (UTC)"]);
    for alarm in unit["assessment"].items("alarms") {
        let cells = [alarm.text("rule").to_owned(), time(alarm.text("at")), time(alarm.text("worst_case_at"))];
        table.row(cells.into_iter().map(Cell::from).collect());
    }
    let raised = raised(unit.items("raised_alarms"));
    if table.is_empty() && raised.is_empty() {
        return flow.paragraph(BODY, "No rule fired in the period, and no alarm was raised about the unit.", INK);
    }
    if !table.is_empty() {
        table.set(flow);
        let told = "In the worst case silence counts as out of limits where an end of it was.";
        flow.paragraph(SMALL, told, GREY);
    }
    if !raised.is_empty() {
        flow.paragraph(BODY, "Raised and told to people", INK);
        raised.set(flow);
    }
}

/// Alarms as they were raised.
pub(super) fn raised(alarms: &[Value]) -> Table {
    let mut table = Table::new(&["Alarm", "What", "Whom", "Since (UTC)", "Raised (UTC)", "Over (UTC)", "Detail"]);
    for alarm in alarms {
        let whom = ["unit", "sensor", "place"]
            .into_iter()
            .find_map(|kind| alarm[kind].as_str().map(|id| format!("{kind} {id}")));
        let what = match alarm.text("rule") {
            "" => words(alarm.text("code")),
            rule => format!("{} ({rule})", words(alarm.text("code"))),
        };
        table.row(vec![
            alarm.text("id").into(),
            what.into(),
            whom.unwrap_or_default().into(),
            time(alarm.text("at")).into(),
            time(alarm.text("raised_at")).into(),
            time(alarm.text("cleared_at")).into(),
            alarm.text("detail").into(),
        ]);
    }
    table
}

/// What of its time is known.
pub(super) fn coverage(flow: &mut Flow<'_>, known: &Value) {
    flow.heading("Coverage", 50.0);
    for (of, coverage) in [("Temperature", &known["coverage"]), ("Humidity", &known["coverage"]["humidity"])] {
        if coverage.is_null() {
            continue;
        }
        let quantity = if of == "Temperature" { &known["temperature"] } else { &known["humidity"] };
        let ends = |name: &str| {
            exact(quantity.number(&format!("{name}_c")).or_else(|| quantity.number(&format!("{name}_pct"))))
        };
        flow.facts(
            &[
                (
                    if of == "Temperature" { "Temperature known" } else { "Humidity known" },
                    percent_down(coverage.number("fraction")),
                ),
                ("Known (d h:m:s)", duration(coverage.number("known_s"))),
                ("Unknown", duration(coverage.number("unknown_s"))),
                ("Known by some sensors only", duration(coverage.number("partial_s"))),
                ("Lowest · mean · highest", format!("{} · {} · {}", ends("min"), ends("mean"), ends("max"))),
            ],
            5,
        );
        gaps(flow, of, coverage.items("gaps"));
    }
    if known["coverage"]["humidity"].is_null() && known["humidity"].number("max_pct").is_some() {
        let ends = |key: &str| exact(known["humidity"].number(key));
        let told = format!(
            "Relative humidity was told and is not limited: lowest {} %, mean {} %, highest {} %.",
            ends("min_pct"),
            ends("mean_pct"),
            ends("max_pct")
        );
        flow.paragraph(BODY, &told, INK);
    }
}

/// Intervals in which nothing is known.
pub(super) fn gaps(flow: &mut Flow<'_>, of: &str, gaps: &[Value]) {
    if gaps.is_empty() {
        return flow.paragraph(SMALL, &format!("{of}: no gap in the period."), GREY);
    }
    let mut table = Table::new(&["Nothing known from (UTC)", "To (UTC)", ">Length"]);
    for gap in gaps {
        let length = super::unit::span(gap).map(|(from, to)| (to - from) as f64 / 1000.0);
        table.row(vec![time(gap.text("from")).into(), time(gap.text("to")).into(), duration(length).into()]);
    }
    table.set(flow);
}

/// Mean kinetic temperature.
pub(super) fn kinetics(flow: &mut Flow<'_>, known: &Value) {
    let mkt = &known["mkt"];
    if mkt.is_null() {
        return;
    }
    flow.heading("Mean kinetic temperature", 40.0);
    if let Some(reason) = mkt["reason"].as_str() {
        return flow.paragraph(BODY, &format!("Not given: {}.", words(reason)), INK);
    }
    let celsius = |key: &str| format!("{}\u{a0}°C", exact(mkt.number(key)));
    flow.facts(
        &[
            ("Over the last window", celsius("value_c")),
            ("Highest of all windows", celsius("max_window_c")),
            ("That window ends (UTC)", time(mkt.text("max_window_to"))),
            ("Length of a window", duration(mkt.number("window_s"))),
            ("ΔH", format!("{}\u{a0}kJ/mol", plain(&mkt["dh_kj_per_mol"]))),
            ("R", format!("{}\u{a0}J/(mol\u{a0}K)", plain(&mkt["r"]))),
            ("Method", words(mkt.text("mode"))),
            ("History shorter than a window", if mkt.flag("partial_window") { "yes".into() } else { "no".into() }),
        ],
        4,
    );
}

/// How it aged.
pub(super) fn life(flow: &mut Flow<'_>, known: &Value) {
    flow.heading("Life and expiry", 50.0);
    let life = &known["life"];
    let age = &life["equivalent_s"];
    flow.facts(
        &[
            ("Elapsed (d h:m:s)", duration(life.number("elapsed_s"))),
            ("Age at reference: low", duration(age.number("low"))),
            ("nominal", duration(age.number("nominal"))),
            ("upper", duration(age.number("upper"))),
            ("Extra ageing (upper)", duration(life.number("extra_s"))),
            ("Labelled expiry", known.text("labelled_expiry").to_owned()),
            ("Effective expiry (upper)", known.text("effective_expiry").to_owned()),
            ("Effective expiry (nominal)", known.text("effective_expiry_nominal").to_owned()),
        ],
        4,
    );
    let parts = life.items("contributions");
    if parts.is_empty() {
        return;
    }
    let mut table = Table::new(&["Where extra ageing comes from", "From (UTC)", "To (UTC)", ">Extra ageing"]);
    for part in parts {
        table.row(vec![
            words(part.text("kind")).into(),
            time(part.text("from")).into(),
            time(part.text("to")).into(),
            duration(part.number("extra_s")).into(),
        ]);
    }
    table.set(flow);
}

/// How much of the time out of storage is used.
pub(super) fn budget(flow: &mut Flow<'_>, known: &Value, product: &Value) {
    let budget = &known["budget"];
    if budget.is_null() {
        return;
    }
    flow.heading("Budget of time out of storage", 40.0);
    let mut table = Table::new(&["Band", ">Used", ">Allowed", ">Share used"]);
    for band in budget.items("bands") {
        let stated = product["budget"].items("bands").iter().find(|one| one["above_c"] == band["above_c"]);
        let to = stated.map_or_else(|| NONE.to_owned(), |stated| plain(&stated["to_c"]));
        table.row(vec![
            format!("above {} °C to {to}\u{a0}°C", plain(&band["above_c"])).into(),
            duration(band.number("used_s")).into(),
            duration(stated.and_then(|stated| stated.number("allowed_s"))).into(),
            percent_up(band.number("fraction")).into(),
        ]);
    }
    table.row(vec![
        format!("all ({})", product["budget"].text("combine")).into(),
        "".into(),
        "".into(),
        percent_up(budget.number("used_fraction")).into(),
    ]);
    table.set(flow);
}

/// What it was computed from.
pub(super) fn provenance(flow: &mut Flow<'_>, from: &Value) {
    flow.heading("Readings it rests on", 40.0);
    let version = if from["product_version"].is_null() { NONE.to_owned() } else { plain(&from["product_version"]) };
    flow.facts(
        &[
            ("Readings", plain(&from["readings"])),
            ("With more than one value", plain(&from["conflicts"])),
            ("Newest reading (UTC)", time(from.text("watermark"))),
            ("Product version", version),
            ("Computed by", from.text("engine").to_owned()),
        ],
        5,
    );
    let mut table = Table::new(&["Digest of the readings"]);
    table.row(vec![Cell::mono(from.text("readings_digest"))]);
    table.set(flow);
}
