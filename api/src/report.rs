//! Reports for people: the facts as JSON, and a PDF that is drawn from that JSON and from nothing else.
//!
//! The JSON is made once, its digest stands in it, and the PDF prints the digest and carries the JSON as an attachment:
//! the two cannot differ. Both depend on the facts, on who asked and on when, and on nothing else (same arguments, same
//! bytes).

mod json;
mod pdf;

use analytics::assess::Assess;
use analytics::report::{Question, ReportError, gather};
use model::instant::RecordedAt;
use serde_json::Value;
use store::ledger::Snapshot;

pub use pdf::{Fonts, PdfError};

/// Who a report was made for, and when.
#[derive(Clone, Debug)]
pub struct Issued {
    /// When.
    pub at: RecordedAt,
    /// For whom.
    pub by: String,
}

/// The report that answers `question`, as JSON.
///
/// # Errors
/// See [`ReportError`].
pub async fn make(
    assess: &dyn Assess,
    snapshot: &Snapshot,
    question: &Question,
    issued: &Issued,
) -> Result<Value, ReportError> {
    let facts = gather(assess, snapshot, question).await?;
    Ok(json::report(&facts, &snapshot.registry, issued))
}

/// `report`, as [`make`] gave it, drawn as PDF (PDF/A-3b). Takes a while: not for a thread that serves others.
///
/// # Errors
/// See [`PdfError`].
pub fn draw(report: &Value, fonts: &Fonts) -> Result<Vec<u8>, PdfError> {
    pdf::draw(report, fonts)
}

/// A name for a report's file: letters, digits, `.`, `_` and `-`, whatever it is about (S1).
#[must_use]
pub fn file_name(report: &Value, ending: &str) -> String {
    let subject = &report["subject"];
    let parts = ["kind", "unit", "gtin", "lot", "place"].into_iter().filter_map(|key| subject[key].as_str());
    let as_of = report["as_of"].as_str().unwrap_or_default().get(..10).unwrap_or_default();
    let name: Vec<&str> = std::iter::once("coldtrail").chain(parts).chain([as_of]).collect();
    let safe = |sign: char| if sign.is_ascii_alphanumeric() || matches!(sign, '.' | '_' | '-') { sign } else { '_' };
    let name: String = name.join("-").chars().map(safe).take(120).collect();
    format!("{name}.{ending}")
}
