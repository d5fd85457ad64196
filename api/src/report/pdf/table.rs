//! Tables: columns as wide as they need, numbers aligned, headers repeated on every page.

use super::flow::{Flow, LEADING, MONO, SMALL};
use super::letters::{FaceId, Letters, Style, style};
use super::sheet::{BOTTOM, Colour, GREY, HAIR, INK, LEFT, MEASURE, Mark, RIGHT, TOP};

const HEAD: Style = style(FaceId::Strong, 6.6);
const CELL_STRONG: Style = style(FaceId::Strong, 7.0);
const GAP: f32 = 9.0;
const PADDING: f32 = 2.6;
/// No word makes a column wider than this: longer ones are broken.
const WORD: f32 = 84.0;

/// On which side of a column its cells stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// One cell.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    text: String,
    style: Style,
    colour: Colour,
}

impl Cell {
    /// A cell in which something is wrong or right.
    pub(super) fn coloured(text: impl Into<String>, colour: Colour) -> Self {
        Self { text: text.into(), style: CELL_STRONG, colour }
    }

    /// A digest or the like.
    pub(super) fn mono(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: MONO, colour: INK }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), style: SMALL, colour: INK }
    }
}

/// A table to be set.
pub(super) struct Table {
    heads: Vec<(&'static str, Side)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with these heads; one that begins with `>` stands right.
    pub(super) fn new(heads: &[&'static str]) -> Self {
        let head = |head: &&'static str| match head.strip_prefix('>') {
            Some(head) => (head, Side::Right),
            None => (*head, Side::Left),
        };
        Self { heads: heads.iter().map(head).collect(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Sets it into `flow`.
    pub(super) fn set(&self, flow: &mut Flow<'_>) {
        let widths = self.widths(flow.letters);
        let heads: Vec<Vec<String>> = self
            .heads
            .iter()
            .zip(&widths)
            .map(|((head, _), width)| flow.letters.wrap(HEAD, head, *width + 0.5))
            .collect();
        let first = self.rows.first().map_or(0.0, |row| height(&lines(flow.letters, row, &widths)));
        // The heads never stand alone: only a row that no page holds may begin below them and go on elsewhere.
        let head = head_height(&heads);
        flow.need(head + if first < BOTTOM - TOP - head { first } else { 60.0 });
        self.head(flow, &heads, &widths);
        for row in &self.rows {
            let mut cells = lines(flow.letters, row, &widths);
            let height = height(&cells);
            if !flow.fits(height) && height < BOTTOM - TOP - head_height(&heads) {
                flow.new_page();
                self.head(flow, &heads, &widths);
            }
            // A row that is taller than a page goes on as often as it must.
            loop {
                let room = ((BOTTOM - flow.y - 2.0 * PADDING) / (SMALL.size * LEADING)).floor().max(0.0);
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "lines on a page")]
                let room = room as usize;
                let rest: Vec<Vec<String>> =
                    cells.iter_mut().map(|cell| cell.split_off(room.min(cell.len()))).collect();
                self.lines(flow, row, &cells, &widths);
                if rest.iter().all(Vec::is_empty) {
                    break;
                }
                cells = rest;
                flow.new_page();
                self.head(flow, &heads, &widths);
            }
        }
        flow.y += 4.0;
    }

    fn head(&self, flow: &mut Flow<'_>, heads: &[Vec<String>], widths: &[f32]) {
        let bottom = flow.y + head_height(heads);
        for ((x, width), ((_, side), lines)) in places(widths).zip(self.heads.iter().zip(heads)) {
            for (number, line) in lines.iter().enumerate() {
                let below = (lines.len() - 1 - number) as f32;
                let y = bottom - 4.0 - below * HEAD.size * LEADING;
                match side {
                    Side::Left => flow.text((x, y), HEAD, line, GREY),
                    Side::Right => flow.text_to((x + width, y), HEAD, line, GREY),
                }
            }
        }
        flow.y = bottom;
        flow.mark(Mark::Rule { from: (LEFT, bottom), to: (RIGHT, bottom), width: 0.7, colour: GREY, dashed: false });
    }

    fn lines(&self, flow: &mut Flow<'_>, row: &[Cell], cells: &[Vec<String>], widths: &[f32]) {
        let top = flow.y + PADDING;
        for ((x, width), ((_, side), (cell, lines))) in places(widths).zip(self.heads.iter().zip(row.iter().zip(cells)))
        {
            for (number, line) in lines.iter().enumerate() {
                let y = top + SMALL.size * 0.95 + number as f32 * SMALL.size * LEADING;
                match side {
                    Side::Left => flow.text((x, y), cell.style, line, cell.colour),
                    Side::Right => flow.text_to((x + width, y), cell.style, line, cell.colour),
                }
            }
        }
        flow.y += height(cells);
        let y = flow.y;
        flow.mark(Mark::Rule { from: (LEFT, y), to: (RIGHT, y), width: 0.35, colour: HAIR, dashed: false });
    }

    /// The columns' widths, which fill the measure.
    fn widths(&self, letters: &Letters<'_>) -> Vec<f32> {
        let measure = MEASURE - GAP * (self.heads.len().saturating_sub(1)) as f32;
        let (mut natural, mut least) = (Vec::new(), Vec::new());
        for (column, (head, _)) in self.heads.iter().enumerate() {
            let cells = || self.rows.iter().filter_map(|row| row.get(column));
            let whole = cells().map(|cell| letters.width(cell.style, &cell.text)).fold(0.0, f32::max);
            let word = cells().map(|cell| letters.longest_word(cell.style, &cell.text)).fold(0.0, f32::max).min(WORD);
            let head_word = letters.longest_word(HEAD, head);
            natural.push(whole.max(head_word).min(measure));
            least.push(word.max(head_word));
        }
        let (all, fewest): (f32, f32) = (natural.iter().sum(), least.iter().sum());
        if all <= measure {
            let more = (measure - all) / self.heads.len().max(1) as f32;
            return natural.iter().map(|width| width + more).collect();
        }
        if fewest >= measure {
            return least.iter().map(|width| width * measure / fewest).collect();
        }
        let share = (measure - fewest) / (all - fewest);
        natural.iter().zip(&least).map(|(natural, least)| least + (natural - least).max(0.0) * share).collect()
    }
}

/// The cells of a row in lines.
fn lines(letters: &Letters<'_>, row: &[Cell], widths: &[f32]) -> Vec<Vec<String>> {
    // Half a point of tolerance: a column is as wide as its widest cell, but for rounding.
    row.iter().zip(widths).map(|(cell, width)| letters.wrap(cell.style, &cell.text, width + 0.5)).collect()
}

fn height(cells: &[Vec<String>]) -> f32 {
    cells.iter().map(Vec::len).max().unwrap_or(1) as f32 * SMALL.size * LEADING + 2.0 * PADDING
}

fn head_height(heads: &[Vec<String>]) -> f32 {
    heads.iter().map(Vec::len).max().unwrap_or(1) as f32 * HEAD.size * LEADING + 6.0
}

/// Where each column begins and how wide it is.
fn places(widths: &[f32]) -> impl Iterator<Item = (f32, f32)> {
    widths.iter().scan(LEFT, |x, width| {
        let place = (*x, *width);
        *x += width + GAP;
        Some(place)
    })
}
