//! What of a window is known: coverage, gaps, and time that only some of several sensors cover.

use model::assessment::{Coverage, Interval};
use model::instant::ValidAt;

use super::trace::{Part, Piece, Silence, Strand, Trace};

/// What of a trace's window is known, in ms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// Known by some sensor: by time, apart from each other; a lone reading is an interval without length.
    pub(super) intervals: Vec<(i64, i64)>,
    /// Known by none, the lead and the tail only when they count.
    pub(super) gaps: Vec<(i64, i64)>,
    /// Known by some of several sensors, not by all.
    pub(super) partial: Vec<(i64, i64)>,
    /// The part of the window that counts: without a lead and a tail too short to.
    pub(super) counted: (i64, i64),
}

impl Known {
    pub(super) fn of(trace: &Trace) -> Self {
        let window = trace.window();
        let (mut intervals, mut silent) = (Vec::new(), Vec::new());
        let mut ends = Ends { inner_lead: false, inner_tail: false, heard: i64::MIN };
        for (number, piece) in trace.pieces.iter().enumerate() {
            for strand in &piece.strands {
                for part in strand.parts() {
                    match *part {
                        Part::Known(run) => {
                            intervals.push((run.from, run.to));
                        }
                        Part::Silent(silence) => {
                            ends.see(piece, number, strand, &silence);
                            if piece.strands.len() > 1 {
                                silent.push((silence.from, silence.to));
                            }
                        }
                    }
                }
            }
        }
        let intervals = union(intervals);
        let partial = intersect(&union(silent), &intervals);
        let (gaps, counted) = holes(&intervals, window, &ends, trace);
        Self { intervals, gaps, partial, counted }
    }

    /// Whether something is known right before `at`.
    pub(super) fn before(&self, at: i64) -> bool {
        let begun = self.intervals.partition_point(|(from, _)| *from < at);
        begun > 0 && self.intervals[begun - 1].1 >= at
    }

    /// Whether something is known right after `at`.
    pub(super) fn after(&self, at: i64) -> bool {
        let begun = self.intervals.partition_point(|(from, _)| *from <= at);
        begun > 0 && self.intervals[begun - 1].1 > at
    }

    /// Whether anything is known before `at`.
    pub(super) fn ever_before(&self, at: i64) -> bool {
        self.intervals.first().is_some_and(|(from, _)| *from < at)
    }

    /// The last instant known.
    pub(super) fn last(&self) -> Option<i64> {
        self.intervals.last().map(|(_, to)| *to)
    }

    /// Whether nothing is known somewhere in [from, to].
    pub(super) fn has_gap_within(&self, from: i64, to: i64) -> bool {
        self.gaps.iter().any(|(gap_from, gap_to)| *gap_from < to && from < *gap_to)
    }

    pub(super) fn coverage(&self) -> Coverage {
        let mut reach = Reach::default();
        reach.take(self);
        reach.coverage()
    }
}

/// How much is known of the parts of a trace that were looked at so far, by time; in ms.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    known: i64,
    unknown: i64,
    partial: i64,
    /// Whether anything is known.
    heard: bool,
    gaps: Vec<(i64, i64)>,
    /// The part of the time that counts.
    counted: Option<(i64, i64)>,
}

impl Reach {
    /// Takes in the next part, which begins where the last one ended, at an instant that is known on both sides.
    pub(super) fn take(&mut self, known: &Known) {
        let length = |intervals: &[(i64, i64)]| intervals.iter().map(|(from, to)| to - from).sum::<i64>();
        self.known += length(&known.intervals);
        self.unknown += length(&known.gaps);
        self.partial += length(&known.partial);
        self.heard |= !known.intervals.is_empty();
        self.gaps.extend_from_slice(&known.gaps);
        let from = self.counted.map_or(known.counted.0, |(from, _)| from);
        self.counted = Some((from, known.counted.1));
    }

    /// The part of the time that counts; of no length before anything was looked at.
    pub(super) fn counted(&self) -> (i64, i64) {
        self.counted.unwrap_or_default()
    }

    pub(super) fn coverage(&self) -> Coverage {
        let seconds = |millis: i64| millis as f64 / 1000.0;
        let (known_s, unknown_s) = (seconds(self.known), seconds(self.unknown));
        let whole = known_s + unknown_s;
        Coverage {
            known_s,
            unknown_s,
            partial_s: seconds(self.partial),
            fraction: (self.heard && whole > 0.0).then(|| known_s / whole),
            gaps: self.gaps.iter().map(|&(from, to)| interval(from, to)).collect(),
        }
    }
}

/// Whether a silence of a sensor counts as one: before its first reading and after its last one only when longer than
/// the longest believed distance of readings.
pub(super) fn counts(strand: &Strand, silence: &Silence) -> bool {
    let (since, until) = strand.stay;
    let length = match (silence.left, silence.right) {
        (Some(_), Some(_)) => return true,
        (Some(left), None) => until - strand.series.at(left),
        (None, Some(right)) => strand.series.at(right).min(until) - since,
        (None, None) => until - since,
    };
    length > strand.max_gap
}

/// How a window begins and ends.
struct Ends {
    /// Nothing is known at the beginning although a sensor was heard before: that is a gap, however short.
    inner_lead: bool,
    /// Nothing is known at the end although a sensor was heard later.
    inner_tail: bool,
    /// The last reading before the window.
    heard: i64,
}

impl Ends {
    fn see(&mut self, piece: &Piece, number: usize, strand: &Strand, silence: &Silence) {
        self.inner_lead |= number == 0 && silence.from == piece.from && silence.left.is_some();
        self.inner_tail |= piece.last && silence.to == piece.to && silence.right.is_some();
        if let (0, Some(left)) = (number, silence.left) {
            self.heard = self.heard.max(strand.series.at(left));
        }
    }
}

/// What `intervals` leave of the window, and the part of the window that counts.
fn holes(
    intervals: &[(i64, i64)],
    (from, to): (i64, i64),
    ends: &Ends,
    trace: &Trace,
) -> (Vec<(i64, i64)>, (i64, i64)) {
    let (Some(&(first, _)), Some(&(_, last))) = (intervals.first(), intervals.last()) else {
        let inner = ends.inner_lead && ends.inner_tail;
        let since = if ends.inner_lead { ends.heard } else { from };
        let long = inner || to - since > trace.max_gap(from, to);
        return if long { (vec![(from, to)], (from, to)) } else { (Vec::new(), (from, from)) };
    };
    let counted_from = if ends.inner_lead || first - from > trace.max_gap(from, first) { from } else { first };
    let counted_to = if ends.inner_tail || to - last > trace.max_gap(last, to) { to } else { last };
    let mut gaps = Vec::new();
    let mut end = counted_from;
    for &(from, to) in intervals {
        if from > end {
            gaps.push((end, from));
        }
        end = to;
    }
    if counted_to > end {
        gaps.push((end, counted_to));
    }
    (gaps, (counted_from, counted_to))
}

/// The union of closed intervals, by time.
pub(super) fn union(mut all: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    all.sort_unstable();
    let mut apart: Vec<(i64, i64)> = Vec::with_capacity(all.len());
    for (from, to) in all {
        match apart.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => apart.push((from, to)),
        }
    }
    apart
}

/// What two unions share, where it has a length.
pub(super) fn intersect(left: &[(i64, i64)], right: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut shared = Vec::new();
    let (mut l, mut r) = (0, 0);
    while l < left.len() && r < right.len() {
        let (from, to) = (left[l].0.max(right[r].0), left[l].1.min(right[r].1));
        if from < to {
            shared.push((from, to));
        }
        if left[l].1 < right[r].1 { l += 1 } else { r += 1 }
    }
    shared
}

pub(super) fn interval(from: i64, to: i64) -> Interval {
    Interval { from: ValidAt::from_millis(from), to: ValidAt::from_millis(to) }
}
