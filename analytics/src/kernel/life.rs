//! How a unit aged: the integral of the relative rate over known time and gaps, with its bounds.

use std::sync::Arc;

use model::assessment::{Contribution, ContributionKind, Equivalent, Life};
use model::registry::Product;

use super::bytes::carried;
use super::envelope::{self, Line, Slope};
use super::exposure::{Exposure, Integrator};
use super::fixed::Sum;
use super::fold::Fold;
use super::gap::{Gap, GapBound, Neighbour};
use super::known::{Known, counts, interval};
use super::level::{Beyond, View, union};
use super::rate::{Bound, Rate};
use super::trace::{Part, Piece, Run, Side, Silence, Strand, Trace};

/// How many contributions an assessment tells.
const TOLD: usize = 10;

/// The rates a product ages by, tabulated; `None` when it ages with the clock alone.
#[derive(Clone, Debug)]
pub(super) struct Aging {
    low: Exposure,
    nominal: Exposure,
    upper: Exposure,
    bound: GapBound,
}

/// Ages beyond the clock's at the three bounds, s; below zero with credit for cold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ages {
    low: Sum,
    nominal: Sum,
    upper: Sum,
}

carried!(Ages { low, nominal, upper });

impl Ages {
    /// Takes in what another stretch of time adds.
    pub(super) fn join(&mut self, other: &Self) {
        self.low += other.low;
        self.nominal += other.nominal;
        self.upper += other.upper;
    }
}

/// The three integrators over the range of one trace.
struct Integrators {
    low: Integrator,
    nominal: Integrator,
    upper: Integrator,
}

/// A piece of a trace, ready to be integrated.
enum Ready<'a> {
    /// One sensor that tells all of it: straight through its readings.
    One(&'a Strand),
    /// Functions over the piece.
    Swept { low: Vec<Slope>, nominal: Vec<Slope>, upper: Vec<Slope> },
}

impl Aging {
    pub(super) fn of(product: &Product) -> Option<Self> {
        let rate = |bound| Rate::beyond_clock(&product.kinetics, bound);
        let (low, nominal, upper) = (rate(Bound::Low)?, rate(Bound::Nominal)?, rate(Bound::Upper)?);
        let shared = Exposure::new(nominal);
        let of = |rate: Rate| if rate == nominal { shared.clone() } else { Exposure::new(rate) };
        Some(Self { low: of(low), upper: of(upper), nominal: shared, bound: GapBound::of(product) })
    }
}

/// How a unit aged over the parts of its trace that were integrated so far, by time.
#[derive(Clone, Debug, Default)]
pub(super) struct Aged {
    /// The beginning of the time that counts, ms.
    origin: Option<i64>,
    /// Of all that lies before `open`.
    ages: Ages,
    /// Those of them that may be told.
    contributions: Vec<Contribution>,
    /// Since the last excursion or gap, ms since the origin, and the ages since then.
    open: f64,
    open_ages: Ages,
}

impl Aged {
    /// Takes in the next part of a trace; `out` are its times out of limits on the hot side. Where one part ends and the
    /// next begins nothing is out of limits and nothing unknown.
    pub(super) fn take(&mut self, aging: &Aging, trace: &Trace, known: &Known, out: Vec<Beyond>) {
        let origin = *self.origin.get_or_insert(known.counted.0);
        let course = Course::new(aging, trace, known, origin);
        for stretch in stretches(known, out, origin, self.open) {
            let mut ages = std::mem::take(&mut self.open_ages);
            course.integrate(stretch.from, stretch.to, &mut ages);
            match stretch.kind {
                None if stretch.to >= (known.counted.1 - origin) as f64 => self.open_ages = ages,
                _ => {
                    self.open = stretch.to;
                    self.ages.join(&ages);
                    self.contributions.extend(stretch.contribution(&ages, origin));
                }
            }
        }
        largest(&mut self.contributions);
    }

    /// The life of the unit, whose time that counts is given, ms.
    pub(super) fn life(mut self, (from, to): (i64, i64)) -> Life {
        let elapsed_s = (to - from) as f64 / 1000.0;
        let rest = Stretch { from: self.open, to: (to - from) as f64, kind: None };
        if rest.from < rest.to {
            self.contributions.extend(rest.contribution(&self.open_ages, from));
            largest(&mut self.contributions);
        }
        let mut total = self.ages;
        total.join(&self.open_ages);
        let equivalent_s = Equivalent {
            low: elapsed_s + total.low.value(),
            nominal: elapsed_s + total.nominal.value(),
            upper: elapsed_s + total.upper.value(),
        };
        Life { elapsed_s, equivalent_s, extra_s: total.upper.value().max(0.0), contributions: self.contributions }
    }
}

/// The life of a unit that ages with the clock alone, and whose time that counts is given, ms.
pub(super) fn by_the_clock((from, to): (i64, i64)) -> Life {
    let elapsed_s = (to - from) as f64 / 1000.0;
    let equivalent_s = Equivalent { low: elapsed_s, nominal: elapsed_s, upper: elapsed_s };
    Life { elapsed_s, equivalent_s, extra_s: 0.0, contributions: Vec::new() }
}

/// Leaves the contributions that are told, largest first.
fn largest(contributions: &mut Vec<Contribution>) {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole microseconds: a saturated one sorts first all the same"
    )]
    contributions.sort_by_key(|part: &Contribution| (-(part.extra_s * 1e6).round() as i64, part.interval, part.kind));
    contributions.truncate(TOLD);
}

/// A part of the time that counts, all of one kind. ms since the beginning of that time.
struct Stretch {
    from: f64,
    to: f64,
    kind: Option<ContributionKind>,
}

impl Stretch {
    /// What this stretch adds to the age beyond the clock's.
    fn contribution(&self, ages: &Ages, origin: i64) -> Option<Contribution> {
        let stored = if ages.nominal.value() > 0.0 { ContributionKind::Storage } else { ContributionKind::Accuracy };
        let extra_s = ages.upper.value();
        #[expect(clippy::cast_possible_truncation, reason = "ms within a unit's window")]
        let whole = interval(origin + self.from.floor() as i64, origin + self.to.ceil() as i64);
        (extra_s > 0.0).then_some(Contribution { interval: whole, extra_s, kind: self.kind.unwrap_or(stored) })
    }
}

/// The time that counts as gaps, excursions and what lies between them, from `at` on, ms since the origin.
fn stretches(known: &Known, out: Vec<Beyond>, origin: i64, mut at: f64) -> Vec<Stretch> {
    let out = union(out);
    let since = |at: i64| (at - origin) as f64;
    let end = since(known.counted.1);
    let gaps = known.gaps.iter().map(|&(from, to)| (since(from), since(to), ContributionKind::Gap));
    let outs =
        out.iter().map(|out| (out.from.millis_since(origin), out.to.millis_since(origin), ContributionKind::Excursion));
    let mut marked: Vec<(f64, f64, ContributionKind)> = gaps.chain(outs).collect();
    marked.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.total_cmp(&right.1)));
    let mut stretches = Vec::with_capacity(marked.len() * 2 + 1);
    for (from, to, kind) in marked {
        let (from, to) = (from.max(at), to.min(end));
        if from >= to {
            continue;
        }
        if from > at {
            stretches.push(Stretch { from: at, to: from, kind: None });
        }
        stretches.push(Stretch { from, to, kind: Some(kind) });
        at = to;
    }
    if at < end {
        stretches.push(Stretch { from: at, to: end, kind: None });
    }
    stretches
}

/// A whole trace, ready to be integrated.
pub(super) struct Course<'a> {
    bound: GapBound,
    integrators: Integrators,
    origin: i64,
    pieces: Vec<Span<'a>>,
}

/// A piece, ready to be integrated.
struct Span<'a> {
    from: i64,
    to: i64,
    ready: Ready<'a>,
    folds: &'a [Arc<Fold>],
}

impl<'a> Course<'a> {
    /// Of `trace`; `origin` is the beginning of the time that counts, ms.
    pub(super) fn new(aging: &Aging, trace: &'a Trace, known: &Known, origin: i64) -> Self {
        let (lowest, highest) = range(trace, &aging.bound);
        let integrators = Integrators {
            low: aging.low.between(lowest, highest),
            nominal: aging.nominal.between(lowest, highest),
            upper: aging.upper.between(lowest, highest),
        };
        let pieces = trace.pieces.iter().enumerate().map(|(number, piece)| {
            let ready = match piece.strands.as_slice() {
                [strand] if is_plain(number, piece, strand) => Ready::One(strand),
                _ => swept(trace, piece, aging.bound, known, origin),
            };
            Span { from: piece.from, to: piece.to, ready, folds: &piece.folds }
        });
        let pieces = pieces.collect();
        Self { bound: aging.bound, integrators, origin, pieces }
    }

    /// The ages over [from, to], ms: whole linear pieces.
    pub(super) fn between(&self, from: i64, to: i64) -> Ages {
        let mut ages = Ages::default();
        self.integrate((from - self.origin) as f64, (to - self.origin) as f64, &mut ages);
        ages
    }

    /// Adds the ages over [from, to], ms since the origin.
    fn integrate(&self, from: f64, to: f64, ages: &mut Ages) {
        let since = |at: i64| (at - self.origin) as f64;
        let first = self.pieces.partition_point(|piece| since(piece.to) <= from);
        for piece in &self.pieces[first..] {
            if since(piece.from) >= to {
                break;
            }
            let (from, to) = (from.max(since(piece.from)), to.min(since(piece.to)));
            let first = piece.folds.partition_point(|fold| since(fold.to()) <= from);
            for fold in piece.folds[first..].iter().take_while(|fold| since(fold.from()) < to) {
                debug_assert!(since(fold.from()) >= from && since(fold.to()) <= to, "all of a fold is of one kind");
                ages.join(fold.ages());
            }
            match &piece.ready {
                Ready::One(strand) => self.integrate_strand(strand, from, to, ages),
                Ready::Swept { low, nominal, upper } => {
                    let of = &self.integrators;
                    add_function(&of.low, low, from, to, &mut ages.low);
                    add_function(&of.nominal, nominal, from, to, &mut ages.nominal);
                    add_function(&of.upper, upper, from, to, &mut ages.upper);
                }
            }
        }
    }

    fn integrate_strand(&self, strand: &Strand, from: f64, to: f64, ages: &mut Ages) {
        let since = |at: i64| (at - self.origin) as f64;
        #[expect(clippy::cast_possible_truncation, reason = "ms within a unit's window")]
        let (first, last) = (self.origin + from.floor() as i64, self.origin + to.ceil() as i64);
        for part in strand.parts_within(first, last) {
            let (part_from, part_to) = part.bounds();
            let (from, to) = (from.max(since(part_from)), to.min(since(part_to)));
            if from >= to {
                continue;
            }
            match part {
                Part::Known(run) => self.integrate_run(strand, run, from, to, ages),
                Part::Silent(silence) => {
                    let gap = gap_of(strand, silence, self.origin);
                    self.integrate_gap(&Gap { from, to, ..gap }, ages);
                }
            }
        }
    }

    fn integrate_gap(&self, gap: &Gap, ages: &mut Ages) {
        let of = &self.integrators;
        let one = |function: Option<Slope>| function.into_iter().collect::<Vec<_>>();
        add_function(&of.low, &one(gap.straight(1.0)), gap.from, gap.to, &mut ages.low);
        add_function(&of.nominal, &one(gap.straight(0.0)), gap.from, gap.to, &mut ages.nominal);
        add_function(&of.upper, &self.bound.warmest(gap).unwrap_or_default(), gap.from, gap.to, &mut ages.upper);
    }

    fn integrate_run(&self, strand: &Strand, run: &Run, from: f64, to: f64, ages: &mut Ages) {
        let series = &*strand.series;
        let since = |at: i64| (at - self.origin) as f64;
        let instants = &series.instants()[run.first..=run.last];
        let mut index = run.first + instants.partition_point(|at| since(*at) <= from).saturating_sub(1);
        let of = &self.integrators;
        let mut folded = series.next_folded(index);
        while index < run.last && since(series.at(index)) < to {
            let next = index + 1;
            if index == folded {
                folded = series.next_folded(next);
                index = next;
                continue;
            }
            let (start, end) = (since(series.at(index)), since(series.at(next)));
            let (a, a_doubt) = (series.high(index), series.doubt(index));
            let (b, b_doubt) = if series.is_step() { (a, a_doubt) } else { (series.high(next), series.doubt(next)) };
            if start >= from && end <= to {
                let seconds = (series.at(next) - series.at(index)) as f64 / 1000.0;
                ages.low.add(seconds * of.low.mean(a - a_doubt, b - b_doubt));
                ages.nominal.add(seconds * of.nominal.mean(a, b));
                ages.upper.add(seconds * of.upper.mean(a + a_doubt, b + b_doubt));
            } else {
                let slope = |a: i32, b: i32| Slope { from: start, to: end, a: f64::from(a), b: f64::from(b) };
                let (start, end) = (from.max(start), to.min(end));
                add_function(&of.low, &[slope(a - a_doubt, b - b_doubt)], start, end, &mut ages.low);
                add_function(&of.nominal, &[slope(a, b)], start, end, &mut ages.nominal);
                add_function(&of.upper, &[slope(a + a_doubt, b + b_doubt)], start, end, &mut ages.upper);
            }
            index = next;
        }
    }
}

/// Adds the integral of `function` over [from, to]; where it has no value the product ages with the clock alone.
fn add_function(integrator: &Integrator, function: &[Slope], from: f64, to: f64, age: &mut Sum) {
    let first = function.partition_point(|slope| slope.to <= from);
    let within = function[first..].iter().take_while(|slope| slope.from < to);
    for slope in within.filter_map(|slope| slope.cut(from, to)) {
        age.add(slope.length() / 1000.0 * integrator.mean_between(slope.a, slope.b));
    }
}

/// A silence of one sensor as a gap with its readings on either side; cut out by a person, what is known there.
fn gap_of(strand: &Strand, silence: &Silence, origin: i64) -> Gap {
    let series = &*strand.series;
    let neighbour = |at: i64, (value, doubt): (f64, f64)| Neighbour { at: (at - origin) as f64, value, doubt };
    let reading =
        |index: usize| neighbour(series.at(index), (f64::from(series.high(index)), f64::from(series.doubt(index))));
    let (from, to) = ((silence.from - origin) as f64, (silence.to - origin) as f64);
    match (silence.excluded, silence.left, silence.right) {
        (Some((out, back)), Some(left), Some(right)) => {
            let after = if back == series.at(right) { right } else { left };
            let value = |index: usize, at: i64| Some(neighbour(at, envelope::value_from(series, index, at)));
            Gap { from, to, left: value(left, out), right: value(after, back) }
        }
        (_, left, right) => Gap { from, to, left: left.map(reading), right: right.map(reading) },
    }
}

/// Whether a piece's only sensor tells all of it: its gaps lie within, or where the unit's own time begins or ends.
fn is_plain(number: usize, piece: &Piece, strand: &Strand) -> bool {
    strand.parts().iter().all(|part| match part {
        Part::Known(_) => true,
        Part::Silent(silence) => {
            let begins = silence.from > piece.from || number == 0;
            let ends = silence.to < piece.to || piece.last;
            begins && ends && silence.left.or(silence.right).is_some()
        }
    })
}

/// The functions of a piece in which several sensors, or none, or gaps across its ends must be weighed.
fn swept<'a>(trace: &Trace, piece: &Piece, bound: GapBound, known: &Known, origin: i64) -> Ready<'a> {
    let (mut lows, mut uppers) = (Vec::new(), Vec::new());
    let (mut own_lows, mut own) = (Vec::new(), Vec::new());
    for strand in &piece.strands {
        let (mut low, mut upper, mut own_low, mut own_line) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for part in strand.parts() {
            match part {
                Part::Known(run) => {
                    envelope::with_doubt(strand, run, origin, -1.0, &mut low);
                    envelope::with_doubt(strand, run, origin, 1.0, &mut upper);
                }
                Part::Silent(silence) => {
                    let gap = gap_of(strand, silence, origin);
                    if !counts(strand, silence) {
                        continue;
                    }
                    if reaches_beyond(strand, silence) {
                        own_low.extend(gap.straight(1.0).map(Line::from));
                        own_line.extend(gap.straight(0.0).map(Line::from));
                    }
                    upper.extend(bound.warmest(&gap).into_iter().flatten().map(Line::from));
                }
            }
        }
        lows.push(low);
        uppers.push(upper);
        own_lows.push(own_low);
        own.push(own_line);
    }
    let (mut unit_lows, mut unit_lines) = (Vec::new(), Vec::new());
    for gap in known.gaps.iter().filter(|(from, to)| *from < piece.to && *to > piece.from) {
        let gap = unit_gap(trace, *gap, origin);
        unit_lows.extend(gap.straight(1.0));
        unit_lines.extend(gap.straight(0.0));
        uppers.push(bound.warmest(&gap).into_iter().flatten().map(Line::from).collect());
    }
    let seen = envelope::of_piece(piece, View::Hot, false, origin, (piece.from, piece.to));
    let nominal = filled(filled(seen, &envelope::highest(&own)), &unit_lines);
    let low =
        filled(filled(envelope::outside_folds(&piece.folds, origin, &lows), &envelope::highest(&own_lows)), &unit_lows);
    Ready::Swept { low, nominal, upper: envelope::outside_folds(&piece.folds, origin, &uppers) }
}

/// Whether a sensor's own silence says what lies in it: it has both ends, or its only one lies outside of its stay.
fn reaches_beyond(strand: &Strand, silence: &Silence) -> bool {
    match (silence.left, silence.right) {
        (Some(left), None) => strand.series.at(left) < strand.stay.0,
        (None, Some(right)) => strand.series.at(right) > strand.stay.1,
        (left, right) => left.is_some() && right.is_some(),
    }
}

/// A gap of the unit between what is known of it right before and right after; where the window begins or ends in
/// the gap, by the last instant before or the first one after that its sensors there know.
fn unit_gap(trace: &Trace, (from, to): (i64, i64), origin: i64) -> Gap {
    let known_at = |at: i64, side: Side| {
        let all: Vec<(f64, f64)> = trace.edges(at, side).map(|edge| envelope::value_at(&edge)).collect();
        let value = all.iter().map(|(value, _)| *value).reduce(f64::max)?;
        let with_doubt = all.iter().map(|(value, doubt)| value + doubt).reduce(f64::max)?;
        Some(Neighbour { at: (at - origin) as f64, value, doubt: with_doubt - value })
    };
    let window = trace.window();
    let left = known_at(from, Side::Before);
    let right = known_at(to, Side::After);
    let before = || trace.pieces.first().filter(|_| from == window.0);
    let after = || trace.pieces.last().filter(|_| to == window.1);
    Gap {
        from: (from - origin) as f64,
        to: (to - origin) as f64,
        left: left.or_else(|| beside(before()?, origin, |gap| gap.left, f64::max)),
        right: right.or_else(|| beside(after()?, origin, |gap| gap.right, f64::min)),
    }
}

/// The nearest instant outside of a piece at which its sensors know something, when all are silent at that end.
fn beside(
    piece: &Piece,
    origin: i64,
    end: fn(&Gap) -> Option<Neighbour>,
    nearest: fn(f64, f64) -> f64,
) -> Option<Neighbour> {
    let (from, to) = ((piece.from - origin) as f64, (piece.to - origin) as f64);
    let silent = piece.strands.iter().flat_map(|strand| {
        strand.parts().iter().filter_map(move |part| match part {
            Part::Silent(silence) => end(&gap_of(strand, silence, origin)),
            Part::Known(_) => None,
        })
    });
    let outside: Vec<Neighbour> = silent.filter(|end| end.at < from || end.at > to).collect();
    let at = outside.iter().map(|end| end.at).reduce(nearest)?;
    let there = || outside.iter().filter(|end| end.at == at);
    let value = there().map(|end| end.value).reduce(f64::max)?;
    let with_doubt = there().map(|end| end.value + end.doubt).reduce(f64::max)?;
    Some(Neighbour { at, value, doubt: with_doubt - value })
}

/// `function`, and where it has no value, `other`.
fn filled(function: Vec<Slope>, other: &[Slope]) -> Vec<Slope> {
    let mut whole = Vec::with_capacity(function.len());
    let mut at = f64::NEG_INFINITY;
    let fill = |from: f64, to: f64, whole: &mut Vec<Slope>| {
        let first = other.partition_point(|slope| slope.to <= from);
        let between = other[first..].iter().take_while(|slope| slope.from < to);
        whole.extend(between.filter_map(|slope| slope.cut(from, to)));
    };
    for slope in function {
        if slope.from > at {
            fill(at, slope.from, &mut whole);
        }
        at = slope.to;
        whole.push(slope);
    }
    fill(at, f64::INFINITY, &mut whole);
    whole
}

/// The lowest and the highest value any integral of a trace can meet, in thousandths.
fn range(trace: &Trace, bound: &GapBound) -> (i32, i32) {
    let (mut lowest, mut highest) = (0, 0);
    for strand in trace.pieces.iter().flat_map(|piece| &piece.strands) {
        let doubt = strand.series.largest_doubt();
        for (high, low) in strand.series.extremes() {
            lowest = lowest.min(low - doubt);
            highest = highest.max(high + doubt);
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "thousandths of a degree are far inside i32")]
    let top = bound.ceiling(f64::from(highest)).ceil() as i32;
    (lowest, top.max(highest) + 1)
}
