//! A unit's trace of one quantity: whose readings count when, and what of that time is known.

use std::sync::Arc;
use std::time::Duration;

use super::series::Series;

/// The trace of one quantity over a unit's window: pieces that follow each other without a hole.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// In order; each ends where the next begins.
    pub(super) pieces: Vec<Piece>,
    /// The product's longest believed distance of two readings, ms.
    product_gap: Option<i64>,
}

/// A stretch of time during which the same sensors make the trace; none may.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) strands: Vec<Strand>,
    /// Whether no piece follows; its end belongs to it then.
    pub(super) last: bool,
}

/// A sensor's series within a piece.
#[derive(Clone, Debug)]
pub(super) struct Strand {
    pub(super) series: Arc<Series>,
    /// Readings further apart than this leave unknown time between them, ms.
    pub(super) max_gap: i64,
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
    /// Cut out by a person.
    pub(super) excluded: bool,
}

impl Run {
    /// A reading with no neighbour.
    pub(super) fn is_lone(&self) -> bool {
        self.from == self.to
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
        let pieces = stretches.into_iter().enumerate().map(|(number, (from, to, series))| {
            let mut piece = Piece { from, to, strands: Vec::new(), last: number + 1 == count };
            let strand = |series: Arc<Series>| {
                let max_gap = gap.unwrap_or(series.own_max_gap());
                let parts = piece.parts(&series, max_gap);
                Strand { series, max_gap, parts }
            };
            piece.strands = series.into_iter().map(strand).collect();
            piece
        });
        Self { pieces: pieces.collect(), product_gap: gap }
    }

    /// The longest believed distance of two readings of whoever is there between two instants, ms.
    pub(super) fn max_gap(&self, from: i64, to: i64) -> i64 {
        let there = self.pieces.iter().filter(|piece| piece.from < to && from < piece.to);
        let own = there.flat_map(|piece| &piece.strands).map(|strand| strand.max_gap).min();
        own.or(self.product_gap).unwrap_or(super::series::DEFAULT_GAP_MS)
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
            parts.silent(self.from, self.to, None, None, false);
            return parts.parts;
        }
        // From the last reading before the piece to the first after it.
        let mut first = at.partition_point(|at| *at <= self.from).saturating_sub(1);
        parts.silent(self.from, at[first].min(self.to), None, Some(first), false);
        while first < at.len() && at[first] <= self.to {
            let last = last_of_run(at, first, max_gap, self.to);
            parts.known(series, first, last);
            if at[last] >= self.to {
                break;
            }
            let next = (last + 1 < at.len()).then_some(last + 1);
            parts.silent(at[last], next.map_or(self.to, |next| at[next]), Some(last), next, false);
            first = last + 1;
        }
        parts.parts
    }
}

/// The last reading of the run that begins with `first`, or the first one at or after `end`.
fn last_of_run(at: &[i64], first: usize, max_gap: i64, end: i64) -> usize {
    let mut last = first;
    while last + 1 < at.len() && at[last] < end && at[last + 1] - at[last] <= max_gap {
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
    fn silent(&mut self, from: i64, to: i64, left: Option<usize>, right: Option<usize>, excluded: bool) {
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
            self.silent(out, back, Some(right - 1), Some(right), true);
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
        let within = from < to || (from == to && (from < self.piece.to || self.piece.last));
        if within && from <= to {
            self.parts.push(Part::Known(Run { first, last, from, to }));
        }
    }
}
