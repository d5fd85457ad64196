//! A report drawn as PDF: A4, one calm column, the same head and foot on every page.
//!
//! The pages are laid out first ([`flow`]) as marks on sheets; heads, feet and page numbers are added when their number
//! is known, and only then anything is written ([`write`]). Text is placed glyph by glyph with the fonts' own advances.

mod account;
mod chart;
mod facts;
mod flow;
mod furniture;
mod holds;
mod letters;
mod lot;
mod number;
mod place;
mod places;
mod product;
mod sensors;
mod sheet;
mod source;
mod table;
mod unit;
mod write;

use serde_json::Value;

use facts::Told;
use flow::Flow;
use letters::Letters;

pub use letters::Fonts;

/// Why a report cannot be drawn.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// A font in the program is damaged.
    #[error("the font `{0}` cannot be read")]
    Font(&'static str),
    /// What was drawn is no PDF/A; a fault of ours.
    #[error("the document is not as PDF/A wants it: {0}")]
    Refused(String),
}

/// Draws `report`.
pub(super) fn draw(report: &Value, fonts: &Fonts) -> Result<Vec<u8>, PdfError> {
    let letters = Letters::new(fonts);
    let mut flow = Flow::new(&letters);
    match report["subject"].text("kind") {
        "lot" => lot::record(&mut flow, report),
        "place" => place::record(&mut flow, report),
        _ => unit::record(&mut flow, report),
    }
    places::section(&mut flow, report);
    source::section(&mut flow, report);
    let (mut sheets, marks) = flow.finish();
    furniture::furnish(&mut sheets, report, &letters);
    write::pdf(&sheets, &marks, report, &letters)
}
