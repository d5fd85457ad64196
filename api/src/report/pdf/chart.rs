//! A trace over time: from lowest to highest column by column, with limits, excursions, silence and places.

mod axis;

use serde_json::Value;

use super::flow::{Flow, LABEL, SMALL};
use super::sheet::{COLD, Colour, GREY, HAIR, HOT, INK, LEFT, LIMIT, Mark, RIGHT, TRACE, UNKNOWN, WASH};

/// Where the drawing begins; left of it stand the values.
const EDGE: f32 = LEFT + 30.0;

/// What is drawn.
pub(super) struct Chart<'a> {
    /// What is measured, and its unit.
    pub(super) title: &'a str,
    /// Begin and end, ms.
    pub(super) time: (i64, i64),
    /// Lowest and highest of each column; null where nothing is known.
    pub(super) columns: &'a [Value],
    /// Limits, drawn as lines.
    pub(super) limits: Vec<f64>,
    /// Times out of limits, and whether that is above.
    pub(super) excursions: Vec<(i64, i64, bool)>,
    /// Times of which nothing is known.
    pub(super) gaps: Vec<(i64, i64)>,
    /// Where it was: begin, end, and the number and the name of the place.
    pub(super) places: Vec<(i64, i64, usize, String)>,
    /// How high the drawing is.
    pub(super) height: f32,
}

impl Chart<'_> {
    /// Sets it into `flow`.
    pub(super) fn set(&self, flow: &mut Flow<'_>) {
        let places = if self.places.is_empty() { 0.0 } else { 14.0 };
        flow.need(14.0 + self.height + places + 16.0 + 14.0);
        self.title(flow);
        let (top, bottom) = (flow.y, flow.y + self.height);
        let (low, high, step) = axis::values(self.range());
        let y_of = |value: f64| bottom - ((value - low) / (high - low)) as f32 * self.height;
        for (from, to, above) in &self.excursions {
            self.shade(flow, (*from, *to), (top, bottom), if *above { HOT } else { COLD });
        }
        for (from, to) in self.gaps.iter().chain(&self.silent()) {
            self.shade(flow, (*from, *to), (top, bottom), UNKNOWN);
        }
        let mut value = low;
        while value <= high + step / 2.0 {
            let y = y_of(value);
            flow.mark(Mark::Rule { from: (EDGE, y), to: (RIGHT, y), width: 0.3, colour: HAIR, dashed: false });
            flow.text_to((EDGE - 4.0, y + 2.2), LABEL, &axis::value_label(value, step), GREY);
            value += step;
        }
        for (at, label) in axis::times(self.time) {
            let x = self.x_of(at);
            flow.mark(Mark::Rule { from: (x, top), to: (x, bottom), width: 0.3, colour: HAIR, dashed: false });
            let width = flow.letters.width(LABEL, &label);
            let x = (x - width / 2.0).clamp(EDGE, RIGHT - width);
            flow.text((x, bottom + places + 10.0), LABEL, &label, GREY);
        }
        self.trace(flow, &y_of);
        // Above the trace: a limit must be seen where most was measured, too.
        for limit in &self.limits {
            let y = y_of(*limit);
            flow.mark(Mark::Rule { from: (EDGE, y), to: (RIGHT, y), width: 0.8, colour: LIMIT, dashed: true });
        }
        for (from, to) in [((EDGE, top), (EDGE, bottom)), ((EDGE, bottom), (RIGHT, bottom))] {
            flow.mark(Mark::Rule { from, to, width: 0.6, colour: GREY, dashed: false });
        }
        self.places(flow, bottom);
        flow.y = bottom + places + 18.0;
    }

    /// The title, and what the colours mean.
    fn title(&self, flow: &mut Flow<'_>) {
        flow.text((LEFT, flow.y + 8.0), SMALL, self.title, INK);
        let mut x = RIGHT;
        let mut legend: Vec<(&str, Colour)> = vec![("nothing known", UNKNOWN)];
        for (word, colour, above) in [("above limit", HOT, true), ("below limit", COLD, false)] {
            if self.excursions.iter().any(|one| one.2 == above) {
                legend.push((word, colour));
            }
        }
        if !self.limits.is_empty() {
            legend.push(("limit", LIMIT));
        }
        legend.push(("lowest to highest", TRACE));
        for (word, colour) in legend {
            x -= flow.letters.width(LABEL, word);
            flow.text((x, flow.y + 8.0), LABEL, word, GREY);
            x -= 11.0;
            let (y, height) = if colour == LIMIT { (flow.y + 5.2, 0.9) } else { (flow.y + 2.6, 5.6) };
            flow.mark(Mark::Fill { x, y, width: 8.0, height, colour });
            x -= 9.0;
        }
        flow.y += 13.0;
    }

    fn x_of(&self, at: i64) -> f32 {
        let (from, to) = self.time;
        let share = (at - from) as f64 / (to - from).max(1) as f64;
        EDGE + share.clamp(0.0, 1.0) as f32 * (RIGHT - EDGE)
    }

    fn shade(&self, flow: &mut Flow<'_>, (from, to): (i64, i64), (top, bottom): (f32, f32), colour: Colour) {
        if to < self.time.0 || from > self.time.1 {
            return;
        }
        let (x, end) = (self.x_of(from), self.x_of(to));
        // Short ones are still seen.
        let width = (end - x).max(0.8).min(RIGHT - x.min(RIGHT - 0.8));
        let x = x.min(RIGHT - 0.8);
        flow.mark(Mark::Fill { x, y: top, width, height: bottom - top, colour });
    }

    /// Lowest and highest value that must be seen.
    fn range(&self) -> (f64, f64) {
        let values = self.columns.iter().filter_map(Value::as_array).flatten().filter_map(Value::as_f64);
        let all = values.chain(self.limits.iter().copied());
        let (low, high) =
            all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        // A little more, so that a limit or an extreme never lies on the edge.
        let more = ((high - low) * 0.04).max(0.05);
        if low <= high { (low - more, high + more) } else { (0.0, 1.0) }
    }

    /// Columns in which nothing is known, joined.
    fn silent(&self) -> Vec<(i64, i64)> {
        let (from, to) = self.time;
        let count = self.columns.len() as i64;
        let mut silent: Vec<(i64, i64)> = Vec::new();
        for (number, _) in self.columns.iter().enumerate().filter(|(_, column)| column.is_null()) {
            let edge = |number: i64| from + (to - from) * number / count;
            let (begin, end) = (edge(number as i64), edge(number as i64 + 1));
            match silent.last_mut() {
                Some(last) if last.1 == begin => last.1 = end,
                _ => silent.push((begin, end)),
            }
        }
        silent
    }

    fn trace(&self, flow: &mut Flow<'_>, y_of: &dyn Fn(f64) -> f32) {
        let width = (RIGHT - EDGE) / self.columns.len().max(1) as f32;
        let mut run: Vec<(f32, f32, f32)> = Vec::new();
        let ends = std::iter::once(&Value::Null);
        for (number, column) in self.columns.iter().chain(ends).enumerate() {
            match (column[0].as_f64(), column[1].as_f64()) {
                (Some(low), Some(high)) => run.push((EDGE + (number as f32 + 0.5) * width, y_of(low), y_of(high))),
                _ => band(flow, &std::mem::take(&mut run), width),
            }
        }
    }

    /// A strip below the drawing that says where it was when.
    fn places(&self, flow: &mut Flow<'_>, bottom: f32) {
        for (turn, (from, to, number, name)) in self.places.iter().enumerate() {
            let (x, end) = (self.x_of(*from), self.x_of(*to));
            let colour = if turn % 2 == 0 { WASH } else { HAIR };
            flow.mark(Mark::Fill { x, y: bottom + 2.5, width: (end - x).max(0.4), height: 11.0, colour });
            // The name where there is room, else its number in the table of places, else nothing.
            let fits = |text: &str| flow.letters.width(LABEL, text) + 6.0 <= end - x;
            let full = format!("{number} {name}");
            let label = if fits(&full) { Some(full) } else { Some(number.to_string()).filter(|text| fits(text)) };
            if let Some(label) = label {
                flow.text((x + 3.0, bottom + 10.3), LABEL, &label, INK);
            }
        }
    }
}

/// One stretch without silence.
fn band(flow: &mut Flow<'_>, run: &[(f32, f32, f32)], width: f32) {
    if run.is_empty() {
        return;
    }
    // Each column reaches from edge to edge: what is drawn is what was measured within it.
    let edges = |(x, low, high): &(f32, f32, f32)| [(x - width / 2.0, *low, *high), (x + width / 2.0, *low, *high)];
    let all: Vec<(f32, f32, f32)> = run.iter().flat_map(edges).collect();
    let over = all.iter().map(|(x, _, high)| (*x, *high));
    let under = all.iter().rev().map(|(x, low, _)| (*x, *low));
    flow.mark(Mark::Band { points: over.chain(under).collect(), colour: TRACE, width: 0.5 });
}
