//! Holds with their evidence and every signature, and accepted reviews.

use serde_json::Value;

use super::facts::Told;
use super::flow::{BODY, Flow, SMALL, STRONG};
use super::number::{NONE, duration, exact, or_none, percent_up, plain, time, words};
use super::sheet::{GREY, INK, colour_of};
use super::table::{Cell, Table};

/// Excursions of one version of evidence that are listed in the report of a unit; the rest is in the hold's record.
const MAX_EXCURSIONS: usize = 200;
/// The same in a report of many units.
const MAX_EXCURSIONS_OF_MANY: usize = 20;

/// The holds `ids`.
pub(super) fn section(flow: &mut Flow<'_>, report: &Value, ids: &[&str]) {
    flow.heading("Holds and signatures", 40.0);
    let holds: Vec<&Value> = report.items("holds").iter().filter(|hold| ids.contains(&hold.text("id"))).collect();
    if holds.is_empty() {
        return flow.paragraph(BODY, "No hold has been placed.", INK);
    }
    let most = if report["subject"].text("kind") == "unit" { MAX_EXCURSIONS } else { MAX_EXCURSIONS_OF_MANY };
    for hold in holds {
        one(flow, hold, most);
    }
}

/// One hold with at most `most` excursions of each version of its evidence.
fn one(flow: &mut Flow<'_>, hold: &Value, most: usize) {
    flow.need(90.0);
    let state = hold.text("state");
    flow.paragraph(
        STRONG,
        &format!("Hold {}: {} ({})", hold.text("id"), cause(&hold["cause"]), words(state)),
        colour_of(state),
    );
    let quarantine = &hold["quarantine"];
    let kept = match (quarantine.text("place"), quarantine.text("confirmed_by")) {
        ("", _) => NONE.to_owned(),
        (place, "") => format!("{place}, not confirmed"),
        (place, by) => format!("{place}, confirmed by {by} {}", time(quarantine.text("confirmed_at"))),
    };
    flow.facts(
        &[
            ("On", scope(&hold["scope"])),
            ("Placed (UTC)", time(hold.text("placed_at"))),
            ("Placed by", hold.text("author").to_owned()),
            ("Incident", or_none(hold.text("incident"))),
            ("Reason given", or_none(hold.text("reason"))),
            ("Kept apart (quarantine)", kept),
            ("Came with a split from hold", or_none(hold.text("inherited_from"))),
            ("State", words(state)),
        ],
        4,
    );
    for (number, version) in hold.items("evidence").iter().enumerate() {
        evidence(flow, hold.text("id"), number + 1, version, most);
    }
    signatures(flow, hold.items("acts"));
    let mut table = Table::new(&["SHA-256 of this hold's record as it stands"]);
    table.row(vec![Cell::mono(hold.text("record_sha256"))]);
    table.set(flow);
    flow.skip(4.0);
}

fn evidence(flow: &mut Flow<'_>, hold: &str, number: usize, version: &Value, most: usize) {
    let since: Vec<String> = version.items("since").iter().filter_map(Value::as_str).map(time).collect();
    let alarms: Vec<String> = version
        .items("alarms")
        .iter()
        .map(|alarm| match alarm.text("at") {
            "" => format!("{} in the worst case {}", alarm.text("rule"), time(alarm.text("worst_case_at"))),
            at => format!("{} {}", alarm.text("rule"), time(at)),
        })
        .collect();
    let mut facts = vec![
        ("Evidence, version", format!("{number}, recorded {}", time(version.text("recorded_at")))),
        ("As of (UTC)", time(version.text("as_of"))),
        ("Since (UTC)", or_none(&since.join(", "))),
        ("Rules fired (UTC)", or_none(&alarms.join(", "))),
        ("Newest reading (UTC)", time(version.text("watermark"))),
        ("Product version", plain(&version["product_version"])),
    ];
    let is_shared = !version.text("shared_from").is_empty();
    if is_shared {
        facts.push(("Shared since (UTC)", time(version.text("shared_from"))));
    } else {
        facts.extend([
            ("Budget used", percent_up(version.number("budget_used_fraction"))),
            ("Extra ageing", duration(version.number("extra_s"))),
            ("Effective expiry", version.text("effective_expiry").to_owned()),
            ("Life allowance", duration(version.number("life_allowance_s"))),
        ]);
    }
    flow.facts(&facts, 5);
    let excursions = version.items("excursions");
    let mut table = Table::new(&["Rule", "Start (UTC)", "End (UTC)", ">Duration", ">Peak", "Peak at (UTC)"]);
    for one in excursions.iter().take(most) {
        table.row(vec![
            one.text("rule").into(),
            time(one.text("start")).into(),
            if one.text("end").is_empty() { "still out".into() } else { time(one.text("end")).into() },
            duration(one.number("duration_s")).into(),
            exact(one.number("peak")).into(),
            time(one.text("peak_at")).into(),
        ]);
    }
    if !table.is_empty() {
        table.set(flow);
    }
    if excursions.len() > most {
        let more = format!(
            "{} of {} excursions shown; all are in the attached JSON and in GET /v1/holds/{hold}.",
            most,
            excursions.len()
        );
        flow.paragraph(SMALL, &more, GREY);
    }
    if is_shared {
        let told = "This version is what all units had in common that stood under the same sensors since then. What the unit \
                    itself used up is in its own assessment, and in what was accepted with a release.";
        return flow.paragraph(SMALL, told, GREY);
    }
    let mut digest = Table::new(&["Digest of the readings this version rests on"]);
    digest.row(vec![Cell::mono(version.text("readings_digest"))]);
    digest.set(flow);
}

fn signatures(flow: &mut Flow<'_>, acts: &[Value]) {
    if acts.is_empty() {
        return flow.paragraph(SMALL, "Nobody has signed anything about this hold.", GREY);
    }
    let mut table = Table::new(&["Signed by", "At (UTC)", "Meaning", "Reason", "SHA-256 of the record signed"]);
    for act in acts {
        let meaning = match act.text("disposition") {
            "" => words(act.text("meaning")),
            disposition => format!("{}: {disposition}", words(act.text("meaning"))),
        };
        table.row(vec![
            act.text("by").into(),
            time(act.text("at")).into(),
            Cell::coloured(meaning, colour_of(act.text("meaning"))),
            act.text("reason").into(),
            Cell::mono(act.text("record")),
        ]);
    }
    table.set(flow);
    for act in acts.iter().filter(|act| !act["accepted"].is_null()) {
        let accepted = &act["accepted"];
        let told = format!(
            "Accepted by {} with it: the evidence as of {} UTC, {} excursions, budget {}, extra ageing {}, effective expiry {}, readings {}.",
            act.text("by"),
            time(accepted.text("as_of")),
            accepted.items("excursions").len(),
            percent_up(accepted.number("budget_used_fraction")),
            duration(accepted.number("extra_s")),
            accepted.text("effective_expiry"),
            accepted.text("readings_digest"),
        );
        flow.paragraph(SMALL, &told, INK);
    }
}

/// Reviews a person accepted.
pub(super) fn acceptances(flow: &mut Flow<'_>, accepted: &[Value]) {
    if accepted.is_empty() {
        return;
    }
    flow.heading("Reviews accepted", 40.0);
    let mut table = Table::new(&[
        "Unit",
        "Accepted by",
        "At (UTC)",
        "As of (UTC)",
        "What was accepted",
        "Reason",
        "SHA-256 of the record signed",
    ]);
    for one in accepted {
        let reasons: Vec<String> = one
            .items("reasons")
            .iter()
            .map(|reason| format!("{} {}", cause(reason), time(reason.text("at"))))
            .collect();
        table.row(vec![
            one.text("unit").into(),
            one.text("by").into(),
            time(one.text("at")).into(),
            time(one.text("as_of")).into(),
            reasons.join("; ").into(),
            one.text("reason").into(),
            Cell::mono(one.text("record")),
        ]);
    }
    table.set(flow);
}

/// A reason's code and its rule.
pub(super) fn cause(cause: &Value) -> String {
    match cause.text("rule") {
        "" => words(cause.text("code")),
        rule => format!("{} {rule}", words(cause.text("code"))),
    }
}

fn scope(scope: &Value) -> String {
    match (scope.text("unit"), scope.text("place")) {
        ("", "") => format!("lot {} of {}", scope.text("lot"), scope.text("gtin")),
        ("", place) => format!("place {place}"),
        (unit, _) => format!("unit {unit}"),
    }
}
