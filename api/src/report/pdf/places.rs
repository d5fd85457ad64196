//! The places that are named, as they are registered.

use serde_json::Value;

use super::facts::Told;
use super::flow::Flow;
use super::number::{or_none, words};
use super::table::Table;

/// All places of the report, and those around them.
pub(super) fn section(flow: &mut Flow<'_>, report: &Value) {
    let mut table = Table::new(&["Place", "Name", "Kind", "Lies in", "GLN", "Time zone"]);
    for place in report.items("places") {
        table.row(vec![
            place.text("id").into(),
            or_none(place.text("name")).into(),
            words(place.text("kind")).into(),
            or_none(place.text("parent")).into(),
            or_none(place.text("gln")).into(),
            or_none(place.text("zone")).into(),
        ]);
    }
    if !table.is_empty() {
        flow.heading("Places named here", 40.0);
        table.set(flow);
    }
}
