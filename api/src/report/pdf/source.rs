//! Where all of it comes from, what was left out, and who signs for it.

use serde_json::Value;

use super::facts::Told;
use super::flow::{BODY, Flow, LABEL, SMALL};
use super::number::{plain, time};
use super::sheet::{GREY, HAIR, INK, LEFT, MEASURE, Mark};
use super::table::{Cell, Table};

const HOW_TO_READ: &str = "All times are UTC. Temperatures and humidities are printed to a thousandth, the resolution of \
    readings; durations as days and h:mm:ss. Charts show the lowest and the highest value of every column: nothing is \
    averaged away. Time without readings is unknown and never counted as in range. A period limits what is listed and \
    drawn; verdict, life, budget and mean kinetic temperature are of all the time up to as-of. The same content, and \
    every digit, is attached to this document as report.json; its digest stands at the foot of every page.";

/// The last section of every report.
pub(super) fn section(flow: &mut Flow<'_>, report: &Value) {
    flow.heading("Source of the data", 60.0);
    let (source, issued) = (&report["source"], &report["issued"]);
    flow.facts(
        &[
            ("As of (UTC)", time(report.text("as_of"))),
            ("Computed by", source.text("engine").to_owned()),
            ("Ledger entry", plain(&source["ledger"]["sequence"])),
            ("Made (UTC)", time(issued.text("at"))),
            ("Made for", issued.text("by").to_owned()),
        ],
        5,
    );
    let mut table = Table::new(&["Digest of", "SHA-256"]);
    table.row(vec!["the ledger up to that entry".into(), Cell::mono(source["ledger"].text("hash"))]);
    table.row(vec!["this report's content".into(), Cell::mono(report.text("content_sha256"))]);
    table.set(flow);
    cuts(flow, report.items("cuts"));
    flow.paragraph(SMALL, HOW_TO_READ, GREY);
    if flow.letters.lacked() {
        let told = "Characters that no font on this machine has are shown as \u{fffd}; report.json has them.";
        flow.paragraph(SMALL, told, INK);
    }
    sign(flow);
}

fn cuts(flow: &mut Flow<'_>, cuts: &[Value]) {
    if cuts.is_empty() {
        return;
    }
    flow.paragraph(BODY, "Lists that are not shown in full", INK);
    let mut table = Table::new(&["List", ">Shown", ">There are", "The rest"]);
    for cut in cuts {
        let cells =
            [cut.text("what").to_owned(), plain(&cut["shown"]), plain(&cut["there_are"]), cut.text("rest").to_owned()];
        table.row(cells.into_iter().map(Cell::from).collect());
    }
    table.set(flow);
}

/// Room for signatures by hand.
fn sign(flow: &mut Flow<'_>) {
    flow.skip(10.0);
    flow.need(64.0);
    let gap = 16.0;
    let width = (MEASURE - 2.0 * gap) / 3.0;
    let y = flow.y + 34.0;
    for (number, (above, below)) in [
        ("Reviewed by", "Name, date, signature"),
        ("Approved by", "Name, date, signature"),
        ("Received by", "Name, date, signature"),
    ]
    .into_iter()
    .enumerate()
    {
        let x = LEFT + number as f32 * (width + gap);
        flow.text((x, flow.y + 8.0), LABEL, above, GREY);
        flow.mark(Mark::Rule { from: (x, y), to: (x + width, y), width: 0.6, colour: HAIR, dashed: false });
        flow.text((x, y + 9.0), LABEL, below, GREY);
    }
    flow.y = y + 16.0;
}
