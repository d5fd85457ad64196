//! Marks on sheets of paper, in points from the upper left corner.

use super::letters::Line;

/// A4.
pub(super) const WIDTH: f32 = 595.28;
/// A4.
pub(super) const HEIGHT: f32 = 841.89;
/// The left edge of what is set.
pub(super) const LEFT: f32 = 48.0;
/// The right edge of what is set.
pub(super) const RIGHT: f32 = WIDTH - 48.0;
/// Where a page's content begins, below its head.
pub(super) const TOP: f32 = 66.0;
/// Where it ends, above its foot.
pub(super) const BOTTOM: f32 = HEIGHT - 60.0;
/// How wide what is set is.
pub(super) const MEASURE: f32 = RIGHT - LEFT;

/// A colour: red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Colour(pub(super) u8, pub(super) u8, pub(super) u8);

pub(super) const INK: Colour = Colour(0x1a, 0x1f, 0x26);
pub(super) const GREY: Colour = Colour(0x5a, 0x64, 0x70);
pub(super) const HAIR: Colour = Colour(0xd3, 0xd8, 0xde);
pub(super) const WASH: Colour = Colour(0xf4, 0xf6, 0xf8);
pub(super) const WHITE: Colour = Colour(0xff, 0xff, 0xff);
pub(super) const TRACE: Colour = Colour(0x1f, 0x4e, 0x79);
pub(super) const LIMIT: Colour = Colour(0xb3, 0x26, 0x1e);
pub(super) const HOT: Colour = Colour(0xfa, 0xdc, 0xd8);
pub(super) const COLD: Colour = Colour(0xd6, 0xe6, 0xf5);
pub(super) const UNKNOWN: Colour = Colour(0xe4, 0xe6, 0xe9);

/// The colour a verdict or a state is shown in; its word always stands beside.
pub(super) fn colour_of(word: &str) -> Colour {
    match word {
        "pass" | "released" => Colour(0x1b, 0x6e, 0x3c),
        "review" | "under_review" => Colour(0x8a, 0x5a, 0x00),
        "indeterminate" => Colour(0x5b, 0x3c, 0x88),
        "hold" | "open" | "rejected" => Colour(0xa3, 0x16, 0x1b),
        _ => INK,
    }
}

/// One mark.
#[derive(Clone, Debug)]
pub(super) enum Mark {
    /// A line of text; `y` is its baseline.
    Text { x: f32, y: f32, line: Line, colour: Colour },
    /// A filled rectangle.
    Fill { x: f32, y: f32, width: f32, height: f32, colour: Colour },
    /// A straight line.
    Rule { from: (f32, f32), to: (f32, f32), width: f32, colour: Colour, dashed: bool },
    /// A band between lines, filled and outlined in one colour.
    Band { points: Vec<(f32, f32)>, colour: Colour, width: f32 },
}

/// The marks of one page.
pub(super) type Sheet = Vec<Mark>;

/// Where a section begins, for the reader's list of sections.
#[derive(Clone, Debug)]
pub(super) struct Bookmark {
    /// Its title.
    pub(super) title: String,
    /// The page, from 0.
    pub(super) page: usize,
    /// How far down.
    pub(super) y: f32,
    /// 0 for a part, 1 for a section of it.
    pub(super) level: u8,
}
