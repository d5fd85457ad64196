//! A unit's trace of one quantity: whose readings count when, and what of that time is known.

use std::sync::Arc;
use std::time::Duration;

use super::balance::Balance;
use super::fold::{Fold, Seen};
use super::series::Series;

/// The trace of one quantity over a unit's window: pieces that follow each other without a hole.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// In order; each ends where the next begins.
    pub(super) pieces: Vec<Piece>,
    /// The product's longest believed distance of two readings, ms.
    product_gap: Option<i64>,
    /// What windows that end in the past have shown.
    pub(super) seen: Seen,
    /// What came before the first piece, when that is not the beginning of the unit's time.
    pub(super) before: Option<Arc<Balance>>,
}

/// A stretch of time during which the same sensors make the trace; none may.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) strands: Vec<Strand>,
    /// Whether no piece follows; its end belongs to it then.
    pub(super) last: bool,
    /// What stands for readings that were left out, by time.
    pub(super) folds: Vec<Arc<Fold>>,
}

/// A sensor's series within a piece.
#[derive(Clone, Debug)]
pub(super) struct Strand {
    pub(super) series: Arc<Series>,
    /// Readings further apart than this leave unknown time between them, ms.
    pub(super) max_gap: i64,
    /// Since when and until when the sensor makes the trace without a break, in this piece and those beside it.
    pub(super) stay: (i64, i64),
    /// Whether it made the trace right before this piece.
    pub(super) came_with: bool,
    /// Whether it makes the trace right after this piece.
    pub(super) goes_on: bool,
    parts: Vec<Part>,
}

/// A part of a strand within a piece: known or silent. Parts of a strand follow each other without a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Readings close enough to believe what lies between them.
    Known(Run),
    /// Nothing is known.
    Silent(Silence),
}

/// Neighbouring readings `first..=last` of a strand, as far as they lie in [from, to].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) from: i64,
    pub(super) to: i64,
}

/// Time of a strand in which nothing is known: [from, to], and the readings on either side, which may lie outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Silence {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) left: Option<usize>,
    pub(super) right: Option<usize>,
    /// What a person cut out here, [from, to); it may reach outside of the piece.
    pub(super) excluded: Option<(i64, i64)>,
}

/// Before or after an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    After,
}

/// Where a sensor's known time ends or begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge<'a> {
    pub(super) strand: &'a Strand,
    pub(super) run: Run,
    pub(super) at: i64,
    handed_over: bool,
}

impl Run {
    /// One reading of the piece and no time.
    pub(super) fn is_instant(&self) -> bool {
        self.from == self.to
    }
}

impl Edge<'_> {
    /// The reading whose value holds here, or from which it goes straight to the next one.
    pub(super) fn reading(&self) -> usize {
        let instants = &self.strand.series.instants()[self.run.first..=self.run.last];
        let count = instants.partition_point(|at| *at < self.at || (*at == self.at && !self.handed_over));
        self.run.first + count.saturating_sub(1)
    }
}

impl Trace {
    /// The trace of `stretches` (from, to, whose readings count), in ms: each begins where the one before ends.
    ///
    /// `product_gap` is the product's longest believed distance of two readings; without it, each sensor's own.
    #[must_use]
    pub fn new(stretches: Vec<(i64, i64, Vec<Arc<Series>>)>, product_gap: Option<Duration>) -> Self {
        let gap = product_gap.map(|gap| i64::try_from(gap.as_millis()).unwrap_or(i64::MAX));
        let count = stretches.len();
        let mut pieces: Vec<Piece> = Vec::with_capacity(count);
        for (number, (from, to, series)) in stretches.into_iter().enumerate() {
            let mut piece = Piece { from, to, strands: Vec::new(), last: number + 1 == count, folds: Vec::new() };
            let before = pieces.last().map_or(&[][..], |piece| &piece.strands);
            let strand = |series: Arc<Series>| {
                let max_gap = gap.unwrap_or(series.own_max_gap());
                let parts = piece.parts(&series, max_gap);
                let already = before.iter().find(|strand| Arc::ptr_eq(&strand.series, &series));
                let since = already.map_or(from, |strand| strand.stay.0);
                Strand { series, max_gap, stay: (since, to), came_with: already.is_some(), goes_on: false, parts }
            };
            piece.strands = series.into_iter().map(strand).collect();
            pieces.push(piece);
        }
        for number in (1..pieces.len()).rev() {
            let (before, after) = pieces.split_at_mut(number);
            for strand in before.last_mut().iter_mut().flat_map(|piece| &mut piece.strands) {
                let on = after[0].strands.iter().find(|next| Arc::ptr_eq(&next.series, &strand.series));
                strand.goes_on = on.is_some();
                strand.stay.1 = on.map_or(strand.stay.1, |next| next.stay.1);
            }
        }
        Self { pieces, product_gap: gap, seen: Seen::default(), before: None }
    }

    /// This trace, in whose series readings were left out for which `folds` stand, by time.
    pub(super) fn with_folds(mut self, folds: Vec<Arc<Fold>>) -> Self {
        for fold in folds {
            let around = self.pieces.iter_mut().find(|piece| piece.from <= fold.from() && fold.to() <= piece.to);
            debug_assert!(around.is_some(), "a fold lies in a piece");
            if let Some(piece) = around {
                piece.folds.push(fold);
            }
        }
        self
    }

    /// This trace, of which windows that end in the past have shown what they have `seen`.
    pub(super) fn showing(self, seen: Seen) -> Self {
        Self { seen, ..self }
    }

    /// This trace, which goes on from what `before` was made of.
    pub(super) fn after(self, before: Option<Arc<Balance>>) -> Self {
        Self { before, ..self }
    }

    /// The longest believed distance of two readings of whoever is there between two instants, ms.
    pub(super) fn max_gap(&self, from: i64, to: i64) -> i64 {
        let there = self.pieces.iter().filter(|piece| piece.from < to && from < piece.to);
        let own = there.flat_map(|piece| &piece.strands).map(|strand| strand.max_gap).min();
        own.or(self.product_gap).unwrap_or(super::series::DEFAULT_GAP_MS)
    }

    /// What is known right up to `at`, or from it on, when nothing else is on its other side.
    pub(super) fn edges(&self, at: i64, side: Side) -> impl Iterator<Item = Edge<'_>> {
        let beside = self.pieces.iter().filter(move |piece| piece.from <= at && at <= piece.to);
        let strands = beside.flat_map(|piece| piece.strands.iter().map(move |strand| (piece, strand)));
        strands.flat_map(move |(piece, strand)| {
            strand.parts_within(at, at).filter_map(move |part| match part {
                Part::Known(run) if at == if side == Side::Before { run.to } else { run.from } => {
                    // A reading at the instant of a hand-over is no longer of this piece.
                    let handed_over = side == Side::Before && at == piece.to && !piece.last && !strand.goes_on;
                    Some(Edge { strand, run: *run, at, handed_over })
                }
                _ => None,
            })
        })
    }

    /// The beginning of the unit's time, ms.
    pub(super) fn begin(&self) -> i64 {
        self.before.as_ref().map_or(self.window().0, |before| before.begin)
    }

    /// The window, both ends included; empty when there is no piece.
    pub(super) fn window(&self) -> (i64, i64) {
        let from = self.pieces.first().map_or(0, |piece| piece.from);
        (from, self.pieces.last().map_or(from, |piece| piece.to))
    }
}

impl Strand {
    /// What of the piece is known by this sensor, part by part.
    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// When this sensor last knew something before a silence, wherever the trace is cut.
    pub(super) fn silent_since(&self, silence: &Silence) -> Option<i64> {
        silence.excluded.map(|(out, _)| out).or_else(|| silence.left.map(|left| self.series.at(left)))
    }

    /// Whether something is known right before reading `index`, wherever the trace is cut.
    pub(super) fn follows(&self, index: usize) -> bool {
        let at = self.series.instants();
        let near = index > 0 && self.series.is_near(index - 1, self.max_gap);
        near && !self.series.excluded().iter().any(|(out, back)| *out < at[index] && *back == at[index])
    }

    /// Whether something is known right after reading `index`, wherever the trace is cut.
    pub(super) fn is_followed(&self, index: usize) -> bool {
        index + 1 < self.series.len() && self.series.is_near(index, self.max_gap)
    }

    /// Whether something is known right before `run`, wherever the trace is cut.
    pub(super) fn is_known_before(&self, run: &Run) -> bool {
        if self.series.at(run.first) == run.from {
            return self.follows(run.first);
        }
        !self.series.excluded().iter().any(|(_, back)| *back == run.from)
    }

    /// Whether something is known right after `run`, wherever the trace is cut.
    pub(super) fn is_known_after(&self, run: &Run) -> bool {
        if self.series.at(run.last) == run.to {
            return self.is_followed(run.last);
        }
        !self.series.excluded().iter().any(|(out, _)| *out == run.to)
    }

    /// The parts that share time with [from, to].
    pub(super) fn parts_within(&self, from: i64, to: i64) -> impl Iterator<Item = &Part> {
        let first = self.parts.partition_point(|part| part.bounds().1 < from);
        self.parts[first..].iter().take_while(move |part| part.bounds().0 <= to)
    }
}

impl Part {
    /// Its beginning and end, ms.
    pub(super) fn bounds(&self) -> (i64, i64) {
        match self {
            Self::Known(run) => (run.from, run.to),
            Self::Silent(silence) => (silence.from, silence.to),
        }
    }
}

impl Piece {
    /// The indexes of the readings of `series` within the piece.
    pub(super) fn indexes(&self, series: &Series) -> std::ops::Range<usize> {
        let at = series.instants();
        let first = at.partition_point(|at| *at < self.from);
        let end = at.partition_point(|at| if self.last { *at <= self.to } else { *at < self.to });
        first..end.max(first)
    }

    fn parts(&self, series: &Series, max_gap: i64) -> Vec<Part> {
        let at = series.instants();
        let mut parts = Parts { piece: self, parts: Vec::new() };
        if at.is_empty() {
            parts.silent(self.from, self.to, None, None, None);
            return parts.parts;
        }
        // From the last reading before the piece to the first after it.
        let mut first = at.partition_point(|at| *at <= self.from).saturating_sub(1);
        parts.silent(self.from, at[first].min(self.to), None, Some(first), None);
        while first < at.len() && at[first] <= self.to {
            let last = last_of_run(series, first, max_gap, self.to);
            parts.known(series, first, last);
            if at[last] >= self.to {
                break;
            }
            let next = (last + 1 < at.len()).then_some(last + 1);
            parts.silent(at[last], next.map_or(self.to, |next| at[next]), Some(last), next, None);
            first = last + 1;
        }
        parts.parts
    }
}

/// The last reading of the run that begins with `first`, or the first one at or after `end`.
fn last_of_run(series: &Series, first: usize, max_gap: i64, end: i64) -> usize {
    let at = series.instants();
    let mut last = first;
    while last + 1 < at.len() && at[last] < end && series.is_near(last, max_gap) {
        last += 1;
    }
    last
}

/// The parts of one strand so far.
struct Parts<'a> {
    piece: &'a Piece,
    parts: Vec<Part>,
}

impl Parts<'_> {
    fn silent(&mut self, from: i64, to: i64, left: Option<usize>, right: Option<usize>, excluded: Option<(i64, i64)>) {
        let (from, to) = (from.max(self.piece.from), to.min(self.piece.to));
        if from < to {
            self.parts.push(Part::Silent(Silence { from, to, left, right, excluded }));
        }
    }

    /// Readings `first..=last`, but for what a person has excluded between them.
    fn known(&mut self, series: &Series, first: usize, last: usize) {
        let at = series.instants();
        let (mut first, mut from) = (first, at[first]);
        for &(out, back) in series.excluded() {
            if back <= from || out >= at[last] {
                continue;
            }
            // Readings within are dropped already: the exclusion lies between two neighbours.
            let right = at.partition_point(|at| *at <= out.max(from));
            if right > last || right == 0 {
                continue;
            }
            let (out, back) = (out.max(from), back.min(at[right]));
            self.run(first, right, from, out);
            self.silent(out, back, Some(right - 1), Some(right), Some((out, back)));
            first = right - 1;
            from = back;
            if back == at[right] {
                first = right;
            }
        }
        self.run(first, last, from, at[last]);
    }

    fn run(&mut self, first: usize, last: usize, from: i64, to: i64) {
        let (from, to) = (from.max(self.piece.from), to.min(self.piece.to));
        let reading = from == to && first == last && (from < self.piece.to || self.piece.last);
        if from < to || reading {
            self.parts.push(Part::Known(Run { first, last, from, to }));
        }
    }
}
