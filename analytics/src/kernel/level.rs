//! When a trace is beyond a level: the interval lists that excursions, budgets and model ranges are made of.

use super::moment::{Moment, Span};
use super::series::{BLOCK, Series};
use super::trace::{Edge, Part, Piece, Run, Silence, Strand, Trace};

/// A way to look at a trace so that worse is higher: cold sides are mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum View {
    /// The highest values.
    Hot,
    /// The lowest values, mirrored.
    Cold,
    /// The highest values and their doubt on top.
    Hottest,
    /// The lowest values less their doubt, mirrored.
    Coldest,
}

/// A level in a view, and whether the level itself is beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) view: View,
    /// In thousandths, mirrored as the view is.
    pub(super) at: i32,
    pub(super) inclusive: bool,
    /// Values stay until the next reading, whatever the sensor is.
    pub(super) step: bool,
}

/// How an interval beyond a level begins; of two at one instant the earlier one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Begins {
    /// The trace passes the level.
    Crossing,
    /// The sensor is heard again, or for the first time.
    Heard,
    /// The sensor begins to make the trace.
    Cut,
}

/// How an interval beyond a level ends; of two at one instant the later one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ends {
    /// The trace passes the level.
    Crossing,
    /// The sensor no longer makes the trace, or the window ends.
    Cut,
    /// The sensor falls silent.
    Silent,
}

/// Time beyond a level; of positive length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Beyond {
    pub(super) from: Moment,
    pub(super) to: Moment,
    pub(super) begins: Begins,
    pub(super) ends: Ends,
}

impl View {
    #[inline]
    pub(super) fn value(self, series: &Series, index: usize) -> i32 {
        match self {
            Self::Hot => series.high(index),
            Self::Cold => -series.low(index),
            Self::Hottest => series.high(index) + series.doubt(index),
            Self::Coldest => series.doubt(index) - series.low(index),
        }
    }

    /// Whether worse is lower in the world.
    pub(super) fn is_mirrored(self) -> bool {
        matches!(self, Self::Cold | Self::Coldest)
    }

    /// A value no reading of the block exceeds.
    fn ceiling(self, series: &Series, block: usize) -> i32 {
        let (highest, lowest) = series.extremes()[block];
        match self {
            Self::Hot => highest,
            Self::Cold => -lowest,
            Self::Hottest => highest + series.largest_doubt(),
            Self::Coldest => series.largest_doubt() - lowest,
        }
    }
}

impl Level {
    #[inline]
    pub(super) fn is_beyond(self, value: i32) -> bool {
        if self.inclusive { value >= self.at } else { value > self.at }
    }

    /// The times `trace` is beyond this level: by time, apart from each other.
    pub(super) fn times(self, trace: &Trace) -> Vec<Beyond> {
        let mut found = Vec::new();
        for piece in &trace.pieces {
            for strand in &piece.strands {
                for part in strand.parts() {
                    if let Part::Known(run) = *part {
                        self.in_run(piece, strand, &run, &mut found);
                    }
                }
            }
        }
        union(found)
    }

    /// The times of one run, by time; touching ones may follow each other.
    fn in_run(self, piece: &Piece, strand: &Strand, run: &Run, found: &mut Vec<Beyond>) {
        if run.is_instant() {
            return;
        }
        let series = &*strand.series;
        let step = self.step || series.is_step();
        let begins = match run.from == piece.from {
            true if !strand.came_with => Begins::Cut,
            true if strand.is_known_before(run) => Begins::Crossing,
            _ => Begins::Heard,
        };
        let silent = run.to < piece.to || (strand.goes_on && !strand.is_known_after(run));
        let ends = if silent { Ends::Silent } else { Ends::Cut };
        // A step ends with the next reading only if that is still of this trace.
        let kept = !step || run.to < piece.to || piece.last || strand.goes_on;
        let bounds = (Moment::from_millis(run.from), Moment::from_millis(run.to));
        let mut index = run.first;
        while index < run.last {
            let block = index / BLOCK;
            let block_end = ((block + 1) * BLOCK).min(run.last);
            // The segment that leaves a block ends in the next one.
            let next = block_end / BLOCK;
            let quiet = |block: usize| !self.is_beyond(self.view.ceiling(series, block));
            if quiet(block) && (next == block || quiet(next)) {
                index = block_end;
                continue;
            }
            while index < block_end {
                if let Some(((from, enters), (to, leaves))) = self.in_segment(series, index, step) {
                    let (clipped_from, clipped_to) = (from.max(bounds.0), to.min(bounds.1));
                    if clipped_from < clipped_to {
                        // A trace that is at the limit just when it begins or ends passes it there.
                        let inside = clipped_from > bounds.0 || (enters && from == bounds.0);
                        let begins = if inside { Begins::Crossing } else { begins };
                        let inside = clipped_to < bounds.1 || (leaves && kept && to == bounds.1);
                        let ends = if inside { Ends::Crossing } else { ends };
                        append(found, Beyond { from: clipped_from, to: clipped_to, begins, ends });
                    }
                }
                index += 1;
            }
        }
    }

    /// The part of the segment that begins with reading `index` that is beyond, and whether the level is passed at
    /// its beginning and at its end.
    fn in_segment(self, series: &Series, index: usize, step: bool) -> Option<((Moment, bool), (Moment, bool))> {
        let (from, to) = (series.at(index), series.at(index + 1));
        let a = self.view.value(series, index);
        let whole = (Moment::from_millis(from), Moment::from_millis(to));
        let b = self.view.value(series, index + 1);
        if step {
            return self.is_beyond(a).then_some(((whole.0, false), (whole.1, !self.is_beyond(b))));
        }
        let crossing = || Moment::dividing(from, to, i64::from((self.at - a).abs()), i64::from((b - a).abs()));
        match (self.is_beyond(a), self.is_beyond(b)) {
            (true, true) => Some(((whole.0, false), (whole.1, false))),
            (true, false) => Some(((whole.0, false), (crossing(), true))),
            (false, true) => Some(((crossing(), true), (whole.1, false))),
            (false, false) => None,
        }
        .filter(|((from, _), (to, _))| from < to)
    }

    /// Whether an end of a sensor's silence is beyond: the reading there, or where a person cut it out, what lies there.
    pub(super) fn ends_beyond(self, strand: &Strand, silence: &Silence) -> bool {
        let series = &*strand.series;
        let reading = |index: Option<usize>| index.is_some_and(|index| self.is_beyond(self.view.value(series, index)));
        match (silence.excluded, silence.left, silence.right) {
            (Some((out, back)), Some(left), Some(right)) => {
                let after = if back == series.at(right) { right } else { left };
                self.is_beyond_from(series, left, out) || self.is_beyond_from(series, after, back)
            }
            (_, left, right) => reading(left) || reading(right),
        }
    }

    /// Whether the trace is beyond where known time ends or begins.
    pub(super) fn is_beyond_at(self, edge: &Edge<'_>) -> bool {
        self.is_beyond_from(&edge.strand.series, edge.reading(), edge.at)
    }

    /// Whether the value at `at`, which is reading `index` or lies between it and the next one, is beyond.
    fn is_beyond_from(self, series: &Series, index: usize, at: i64) -> bool {
        let (from, a) = (series.at(index), self.view.value(series, index));
        if from == at || self.step || series.is_step() || index + 1 >= series.len() {
            return self.is_beyond(a);
        }
        let (to, b) = (series.at(index + 1), self.view.value(series, index + 1));
        let value = i128::from(b - a) * i128::from(at - from);
        let level = i128::from(self.at - a) * i128::from(to - from);
        if self.inclusive { value >= level } else { value > level }
    }
}

/// Appends an interval that begins no earlier than those before, joining it to one it touches.
fn append(found: &mut Vec<Beyond>, next: Beyond) {
    match found.last_mut() {
        Some(last) if !next.from.is_after(last.to) && next.from >= last.from => last.join(next),
        _ => found.push(next),
    }
}

/// The union of intervals: by time, apart from each other.
pub(super) fn union(mut all: Vec<Beyond>) -> Vec<Beyond> {
    all.sort_by_key(|beyond| (beyond.from, beyond.begins));
    let mut apart: Vec<Beyond> = Vec::with_capacity(all.len());
    for next in all {
        append(&mut apart, next);
    }
    apart
}

impl Beyond {
    pub(super) fn length(&self) -> Span {
        self.to - self.from
    }

    fn join(&mut self, next: Self) {
        if next.to > self.to {
            (self.to, self.ends) = (next.to, next.ends);
        } else if next.to == self.to {
            self.ends = self.ends.max(next.ends);
        }
    }
}

/// The time that intervals apart from each other share with [from, to].
pub(super) fn measure(times: &[Beyond], from: Moment, to: Moment) -> Span {
    let first = times.partition_point(|beyond| beyond.to <= from);
    let within = times[first..].iter().take_while(|beyond| beyond.from < to);
    within.map(|beyond| beyond.to.min(to) - beyond.from.max(from)).sum()
}
