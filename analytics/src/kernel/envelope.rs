//! The worst of several sensors, instant by instant: linear pieces between all their readings and crossings.
//!
//! One sensor is the usual case and goes straight through its readings; two or more are swept together.

use std::sync::Arc;

use super::bytes::carried;
use super::fold::Fold;
use super::level::{Level, View};
use super::moment::Moment;
use super::series::Series;
use super::trace::{Edge, Part, Piece, Run, Strand, Trace};

/// A linear piece of an envelope. Instants are ms since an origin, values are thousandths.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slope {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) a: f64,
    pub(super) b: f64,
}

/// A part of a straight line. What it comes to anywhere follows from the whole of the line, wherever the part ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    whole: Slope,
    from: f64,
    to: f64,
}

/// The worst of an excursion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Worst {
    /// The highest value of the view, in thousandths.
    pub(super) peak: f64,
    /// When it was first reached, ms.
    pub(super) peak_at: i64,
    /// The integral of what is above the level, in thousandths times seconds.
    pub(super) area: f64,
}

carried!(Worst { peak, peak_at, area });

impl Slope {
    pub(super) fn length(&self) -> f64 {
        self.to - self.from
    }

    pub(super) fn at(&self, instant: f64) -> f64 {
        if self.from >= self.to {
            return self.a;
        }
        // Exact at its ends, so that a slope that is cut there stays what it is.
        if instant == self.to {
            return self.b;
        }
        self.a + (self.b - self.a) * (instant - self.from) / (self.to - self.from)
    }

    pub(super) fn cut(self, from: f64, to: f64) -> Option<Self> {
        let (from, to) = (from.max(self.from), to.min(self.to));
        if from == self.from && to == self.to && from < to {
            return Some(self);
        }
        (from < to).then(|| Self { from, to, a: self.at(from), b: self.at(to) })
    }
}

impl Line {
    /// The part of a line between two instants.
    fn between(whole: Slope, from: f64, to: f64) -> Option<Self> {
        let (from, to) = (from.max(whole.from), to.min(whole.to));
        (from < to).then_some(Self { whole, from, to })
    }

    fn cut(&self, from: f64, to: f64) -> Option<Slope> {
        self.whole.cut(from.max(self.from), to.min(self.to))
    }
}

impl From<Slope> for Line {
    fn from(whole: Slope) -> Self {
        Self { from: whole.from, to: whole.to, whole }
    }
}

/// The worst value and the area above `level` between two moments, and what they were at each of `stops` on the way.
///
/// `of_fold` tells what they are at the end of a fold that lies between the moments.
pub(super) fn worst(
    trace: &Trace,
    level: Level,
    (from, to): (Moment, Moment),
    of_fold: &dyn Fn(&Fold) -> Option<Worst>,
    stops: &[i64],
) -> (Worst, Vec<Worst>) {
    let origin = from.floor().millis();
    let (start, end) = (from.millis_since(origin), to.millis_since(origin));
    let mut worst = Worst { peak: f64::NEG_INFINITY, peak_at: origin, area: 0.0 };
    let (first_ms, last_ms) = (origin, to.ceil().millis());
    let above = f64::from(level.at);
    let mut reached = Vec::with_capacity(stops.len());
    for piece in trace.pieces.iter().filter(|piece| piece.from < last_ms && piece.to > first_ms) {
        let slopes = of_piece(piece, level.view, level.step, origin, (first_ms, last_ms));
        let first = piece.folds.partition_point(|fold| fold.begins() < from);
        let mut folds = piece.folds[first..].iter().take_while(|fold| fold.ends() <= to).peekable();
        for slope in slopes.iter().filter_map(|slope| slope.cut(start, end)) {
            while let Some(fold) = folds.next_if(|fold| (fold.to() - origin) as f64 <= slope.from) {
                worst = of_fold(fold).unwrap_or(worst);
            }
            while stops.get(reached.len()).is_some_and(|stop| (stop - origin) as f64 <= slope.from) {
                reached.push(worst);
            }
            for (at, value) in [(slope.from, slope.a), (slope.to, slope.b)] {
                #[expect(clippy::cast_possible_truncation, reason = "ms within one excursion")]
                if value > worst.peak {
                    (worst.peak, worst.peak_at) = (value, origin + at.floor() as i64);
                }
            }
            worst.area += area_above(&slope, above);
        }
        for fold in folds {
            worst = of_fold(fold).unwrap_or(worst);
        }
    }
    reached.resize(stops.len(), worst);
    (worst, reached)
}

/// In thousandths times seconds.
fn area_above(slope: &Slope, level: f64) -> f64 {
    let (a, b) = (slope.a - level, slope.b - level);
    let seconds = slope.length() / 1000.0;
    if a <= 0.0 && b <= 0.0 {
        0.0
    } else if a >= 0.0 && b >= 0.0 {
        f64::midpoint(a, b) * seconds
    } else {
        // The part above is a triangle.
        let top = a.max(b);
        top * top / (a - b).abs() * seconds / 2.0
    }
}

/// The envelope of what is known in a piece, within [from, to] ms: by time.
pub(super) fn of_piece(piece: &Piece, view: View, step: bool, origin: i64, (from, to): (i64, i64)) -> Vec<Slope> {
    let window = (from.max(piece.from), to.min(piece.to));
    let lines = |strand: &Strand| {
        let mut lines = Vec::new();
        for part in strand.parts_within(window.0, window.1) {
            if let Part::Known(run) = *part {
                lines_of(strand, &run, view, step, origin, window, &mut lines);
            }
        }
        lines
    };
    match piece.strands.as_slice() {
        [] => Vec::new(),
        [strand] => lines(strand).iter().filter_map(|line| line.cut(line.from, line.to)).collect(),
        strands => {
            let functions: Vec<Vec<Line>> = strands.iter().map(lines).collect();
            outside_folds(folds_within(piece, window), origin, &functions)
        }
    }
}

/// The folds of a piece that share time with [from, to].
fn folds_within(piece: &Piece, (from, to): (i64, i64)) -> &[Arc<Fold>] {
    let first = piece.folds.partition_point(|fold| fold.to() <= from);
    let end = piece.folds.partition_point(|fold| fold.from() < to);
    &piece.folds[first..end.max(first)]
}

/// The highest of several functions over time in which `folds` stand, but for there.
pub(super) fn outside_folds(folds: &[Arc<Fold>], origin: i64, functions: &[Vec<Line>]) -> Vec<Slope> {
    let since = |at: i64| (at - origin) as f64;
    // Some sensor has a reading where a fold begins and where it ends.
    let ends: Vec<f64> = folds.iter().flat_map(|fold| [since(fold.from()), since(fold.to())]).collect();
    let mut slopes = highest_between(functions, ends);
    slopes.retain(|slope| {
        let next = folds.partition_point(|fold| since(fold.to()) <= slope.from);
        folds.get(next).is_none_or(|fold| slope.from < since(fold.from()))
    });
    slopes
}

/// The highest values of a run, `doubts` times their doubt on top.
pub(super) fn with_doubt(strand: &Strand, run: &Run, origin: i64, doubts: f64, lines: &mut Vec<Line>) {
    let series = &*strand.series;
    let value = |index: usize| f64::from(series.high(index)) + doubts * f64::from(series.doubt(index));
    for index in (run.first..run.last).filter(|index| !series.is_folded(*index)) {
        let a = value(index);
        let b = if series.is_step() { a } else { value(index + 1) };
        let (from, to) = ((series.at(index) - origin) as f64, (series.at(index + 1) - origin) as f64);
        let whole = Slope { from, to, a, b };
        lines.extend(Line::between(whole, (run.from - origin) as f64, (run.to - origin) as f64));
    }
}

/// The highest value and its doubt where known time ends or begins, in thousandths.
pub(super) fn value_at(edge: &Edge<'_>) -> (f64, f64) {
    value_from(&edge.strand.series, edge.reading(), edge.at)
}

/// The highest value and its doubt at `at`, which is reading `index` or lies between it and the next one.
pub(super) fn value_from(series: &Series, index: usize, at: i64) -> (f64, f64) {
    let told = |index: usize| (f64::from(series.high(index)), f64::from(series.doubt(index)));
    let (a, a_doubt) = told(index);
    if at == series.at(index) || series.is_step() || index + 1 >= series.len() {
        return (a, a_doubt);
    }
    let part = (at - series.at(index)) as f64 / (series.at(index + 1) - series.at(index)) as f64;
    let (b, b_doubt) = told(index + 1);
    (a + (b - a) * part, a_doubt + (b_doubt - a_doubt) * part)
}

fn lines_of(
    strand: &Strand,
    run: &Run,
    view: View,
    step: bool,
    origin: i64,
    window: (i64, i64),
    lines: &mut Vec<Line>,
) {
    let series = &*strand.series;
    let bounds = (run.from.max(window.0), run.to.min(window.1));
    if bounds.0 >= bounds.1 {
        return;
    }
    let instants = &series.instants()[run.first..=run.last];
    let first = run.first + instants.partition_point(|at| *at <= bounds.0).saturating_sub(1);
    let mut index = first;
    let mut folded = series.next_folded(first);
    while index < run.last && series.at(index) < bounds.1 {
        if index == folded {
            index += 1;
            folded = series.next_folded(index);
            continue;
        }
        let whole = segment(series, index, view, step || series.is_step(), origin);
        lines.extend(Line::between(whole, (bounds.0 - origin) as f64, (bounds.1 - origin) as f64));
        index += 1;
    }
}

fn segment(series: &Series, index: usize, view: View, step: bool, origin: i64) -> Slope {
    let a = f64::from(view.value(series, index));
    let b = if step { a } else { f64::from(view.value(series, index + 1)) };
    Slope { from: (series.at(index) - origin) as f64, to: (series.at(index + 1) - origin) as f64, a, b }
}

/// The highest of several functions, each given by its lines; where some have none, of the others.
pub(super) fn highest(functions: &[Vec<Line>]) -> Vec<Slope> {
    highest_between(functions, Vec::new())
}

/// As [`highest`], cut at `turns` as well as where lines begin and end.
fn highest_between(functions: &[Vec<Line>], mut turns: Vec<f64>) -> Vec<Slope> {
    turns.extend(functions.iter().flatten().flat_map(|line| [line.from, line.to]));
    turns.sort_by(f64::total_cmp);
    turns.dedup();
    let mut next = vec![0usize; functions.len()];
    let mut highest = Vec::with_capacity(turns.len());
    for turn in turns.windows(2) {
        let (from, to) = (turn[0], turn[1]);
        let mut here: Vec<Slope> = Vec::with_capacity(functions.len());
        for (function, next) in functions.iter().zip(&mut next) {
            while *next < function.len() && function[*next].to <= from {
                *next += 1;
            }
            here.extend(function.get(*next).filter(|line| line.from <= from).and_then(|line| line.cut(from, to)));
        }
        climb(&here, from, to, &mut highest);
    }
    highest
}

/// Lines that meet within so many ms meet at once.
const CLOSE: f64 = 1e-6;

/// Follows the highest of several lines over [from, to].
fn climb(lines: &[Slope], from: f64, to: f64, path: &mut Vec<Slope>) {
    let mut at = from;
    while at < to {
        // The highest right after here: a line met here and overtaking counts already.
        let soon = (at + CLOSE).min(to);
        let Some(top) = lines.iter().copied().max_by(|left, right| left.at(soon).total_cmp(&right.at(soon))) else {
            return;
        };
        let overtaken = lines.iter().filter_map(|line| {
            let (ahead, gain) = (top.at(at) - line.at(at), (line.b - line.a) - (top.b - top.a));
            let meet = at + ahead * (to - from) / gain;
            (gain > 0.0 && meet > at + CLOSE && meet < to).then_some(meet)
        });
        let until = overtaken.fold(to, f64::min);
        path.push(Slope { from: at, to: until, a: top.at(at), b: top.at(until) });
        at = until;
    }
}
