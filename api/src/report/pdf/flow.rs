//! The column of text: what comes next goes below, and onto the next page when there is no room.

use super::letters::{FaceId, Letters, Style, style};
use super::sheet::{BOTTOM, Bookmark, Colour, GREY, HAIR, INK, LEFT, MEASURE, Mark, RIGHT, Sheet, TOP, WASH};

/// The sizes of the house.
pub(super) const BODY: Style = style(FaceId::Regular, 8.0);
pub(super) const STRONG: Style = style(FaceId::Strong, 8.0);
pub(super) const SMALL: Style = style(FaceId::Regular, 7.0);
pub(super) const LABEL: Style = style(FaceId::Regular, 6.5);
pub(super) const MONO: Style = style(FaceId::Mono, 6.0);
const HEADING: Style = style(FaceId::Strong, 10.0);
const PART: Style = style(FaceId::Strong, 15.0);
const FIGURE: Style = style(FaceId::Strong, 12.0);

/// How far lines are apart, as a share of their size.
pub(super) const LEADING: f32 = 1.38;

/// The column so far.
pub(super) struct Flow<'a> {
    pub(super) letters: &'a Letters<'a>,
    sheets: Vec<Sheet>,
    bookmarks: Vec<Bookmark>,
    /// Where the next thing begins.
    pub(super) y: f32,
}

impl<'a> Flow<'a> {
    pub(super) fn new(letters: &'a Letters<'a>) -> Self {
        Self { letters, sheets: vec![Sheet::new()], bookmarks: Vec::new(), y: TOP }
    }

    /// The sheets and the list of sections.
    pub(super) fn finish(self) -> (Vec<Sheet>, Vec<Bookmark>) {
        (self.sheets, self.bookmarks)
    }

    /// Goes on at the top of a new page.
    pub(super) fn new_page(&mut self) {
        self.sheets.push(Sheet::new());
        self.y = TOP;
    }

    /// Whether `height` fits below.
    pub(super) fn fits(&self, height: f32) -> bool {
        self.y + height <= BOTTOM
    }

    /// Goes on a new page unless `height` fits below.
    pub(super) fn need(&mut self, height: f32) {
        if !self.fits(height) && self.y > TOP {
            self.new_page();
        }
    }

    pub(super) fn skip(&mut self, height: f32) {
        if self.y > TOP {
            self.y += height;
        }
    }

    pub(super) fn mark(&mut self, mark: Mark) {
        if let Some(sheet) = self.sheets.last_mut() {
            sheet.push(mark);
        }
    }

    /// One line of text; `y` is its baseline.
    pub(super) fn text(&mut self, (x, y): (f32, f32), style: Style, text: &str, colour: Colour) {
        let line = self.letters.line(style, text);
        self.mark(Mark::Text { x, y, line, colour });
    }

    /// One line of text that ends at `x`.
    pub(super) fn text_to(&mut self, (x, y): (f32, f32), style: Style, text: &str, colour: Colour) {
        let line = self.letters.line(style, text);
        self.mark(Mark::Text { x: x - line.width, y, line, colour });
    }

    fn bookmark(&mut self, title: &str, level: u8) {
        let page = self.sheets.len().saturating_sub(1);
        self.bookmarks.push(Bookmark { title: title.to_owned(), page, y: self.y, level });
    }

    /// The title of a part, with what kind of thing it is above and a state in a colour at the right.
    pub(super) fn part(&mut self, kind: &str, title: &str, below: &str, state: Option<(&str, Colour)>) {
        self.need(90.0);
        self.bookmark(title, 0);
        let mut measure = MEASURE;
        if let Some((word, colour)) = state {
            let line = self.letters.line(style(FaceId::Strong, 11.0), word);
            let width = line.width + 24.0;
            measure -= width + 12.0;
            let (x, y) = (RIGHT - width, self.y + 2.0);
            self.mark(Mark::Fill { x, y, width, height: 24.0, colour });
            self.mark(Mark::Text { x: x + 12.0, y: y + 16.0, line, colour: super::sheet::WHITE });
        }
        self.text((LEFT, self.y + 7.0), LABEL, kind, GREY);
        self.y += 12.0;
        for line in self.letters.wrap(PART, title, measure) {
            self.text((LEFT, self.y + 14.0), PART, &line, INK);
            self.y += 19.0;
        }
        for line in self.letters.wrap(BODY, below, MEASURE) {
            if !line.is_empty() {
                self.text((LEFT, self.y + 9.0), BODY, &line, GREY);
                self.y += 11.0;
            }
        }
        self.y += 8.0;
    }

    /// A section's heading, kept together with `below` of what follows.
    pub(super) fn heading(&mut self, title: &str, below: f32) {
        self.skip(12.0);
        self.need(22.0 + below);
        self.bookmark(title, 1);
        self.text((LEFT, self.y + 10.0), HEADING, title, INK);
        self.y += 17.0;
    }

    /// Text over the whole measure.
    pub(super) fn paragraph(&mut self, style: Style, text: &str, colour: Colour) {
        for line in self.letters.wrap(style, text, MEASURE) {
            self.need(style.size * LEADING);
            self.text((LEFT, self.y + style.size), style, &line, colour);
            self.y += style.size * LEADING;
        }
        self.y += 2.0;
    }

    /// Labelled values in a grid of `columns`. A long value takes as many lines as it needs.
    pub(super) fn facts(&mut self, facts: &[(&str, String)], columns: usize) {
        let gap = 14.0;
        let width = (MEASURE - gap * (columns - 1) as f32) / columns as f32;
        for row in facts.chunks(columns) {
            let cells: Vec<Vec<String>> = row.iter().map(|(_, value)| self.letters.wrap(BODY, value, width)).collect();
            let lines = cells.iter().map(Vec::len).max().unwrap_or(1) as f32;
            let height = 12.0 + lines * BODY.size * LEADING + 4.0;
            self.need(height);
            for (column, ((label, _), lines)) in row.iter().zip(&cells).enumerate() {
                let x = LEFT + column as f32 * (width + gap);
                self.text((x, self.y + 7.5), LABEL, label, GREY);
                for (number, line) in lines.iter().enumerate() {
                    let y = self.y + 18.0 + number as f32 * BODY.size * LEADING;
                    self.text((x, y), BODY, line, INK);
                }
            }
            self.y += height;
            let y = self.y - 2.0;
            self.mark(Mark::Rule { from: (LEFT, y), to: (RIGHT, y), width: 0.4, colour: HAIR, dashed: false });
        }
        self.y += 2.0;
    }

    /// A few large figures in a row, each with a label above and a remark below.
    pub(super) fn figures(&mut self, figures: &[(&str, String, String)]) {
        let width = MEASURE / figures.len().max(1) as f32;
        let remarks: Vec<Vec<String>> =
            figures.iter().map(|(_, _, remark)| self.letters.wrap(LABEL, remark, width - 12.0)).collect();
        let lines = remarks.iter().map(Vec::len).max().unwrap_or(0) as f32;
        let height = 34.0 + lines * LABEL.size * LEADING;
        self.need(height + 8.0);
        let y = self.y;
        self.mark(Mark::Fill { x: LEFT, y, width: MEASURE, height, colour: WASH });
        for (number, ((label, value, _), remark)) in figures.iter().zip(&remarks).enumerate() {
            let x = LEFT + number as f32 * width + 8.0;
            self.text((x, y + 11.0), LABEL, label, GREY);
            let size = self.letters.width(FIGURE, value);
            let fitting = Style { size: FIGURE.size * ((width - 12.0) / size).min(1.0), ..FIGURE };
            self.text((x, y + 26.0), fitting, value, INK);
            for (line, text) in remark.iter().enumerate() {
                self.text((x, y + 36.0 + line as f32 * LABEL.size * LEADING), LABEL, text, GREY);
            }
        }
        self.y += height + 8.0;
    }
}
