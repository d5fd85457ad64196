//! How a unit aged: the integral of the relative rate over known time and gaps, with its bounds.

use model::assessment::{Contribution, ContributionKind, Equivalent, Life};
use model::registry::Product;

use super::envelope::{self, Slope};
use super::exposure::{Exposure, Integrator};
use super::fixed::Sum;
use super::gap::{Gap, GapBound, Neighbour};
use super::known::{Known, counts, interval};
use super::level::View;
use super::moment::Moment;
use super::rate::{Bound, Rate};
use super::trace::{Part, Piece, Run, Silence, Strand, Trace};

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

/// Ages at the three bounds, s.
#[derive(Clone, Copy, Debug, Default)]
struct Ages {
    low: Sum,
    nominal: Sum,
    upper: Sum,
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
        let rate = |bound| Rate::of(&product.kinetics, bound);
        let (low, nominal, upper) = (rate(Bound::Low)?, rate(Bound::Nominal)?, rate(Bound::Upper)?);
        let shared = Exposure::new(nominal);
        let of = |rate: Rate| if rate == nominal { shared.clone() } else { Exposure::new(rate) };
        Some(Self { low: of(low), upper: of(upper), nominal: shared, bound: GapBound::of(product) })
    }
}

/// The life of a unit whose trace and excursions (as moments) are given.
pub(super) fn life(aging: Option<&Aging>, trace: &Trace, known: &Known, out: &[(Moment, Moment)]) -> Life {
    let (from, to) = known.counted;
    let elapsed_s = (to - from) as f64 / 1000.0;
    let plain = |seconds| Life {
        elapsed_s: seconds,
        equivalent_s: Equivalent { low: seconds, nominal: seconds, upper: seconds },
        extra_s: 0.0,
        contributions: Vec::new(),
    };
    let Some(aging) = aging else { return plain(elapsed_s) };
    let course = Course::new(aging, trace, known);
    let mut total = Ages::default();
    let mut contributions = Vec::new();
    for stretch in stretches(known, out, from) {
        let mut ages = Ages::default();
        course.integrate(stretch.from, stretch.to, &mut ages);
        contributions.extend(stretch.contribution(&ages, from));
        total.low += ages.low;
        total.nominal += ages.nominal;
        total.upper += ages.upper;
    }
    contributions.sort_by(|left: &Contribution, right| {
        right.extra_s.total_cmp(&left.extra_s).then(left.interval.cmp(&right.interval)).then(left.kind.cmp(&right.kind))
    });
    contributions.truncate(TOLD);
    let equivalent_s =
        Equivalent { low: total.low.value(), nominal: total.nominal.value(), upper: total.upper.value() };
    Life { elapsed_s, equivalent_s, extra_s: (equivalent_s.upper - elapsed_s).max(0.0), contributions }
}

/// A part of the time that counts, all of one kind. ms since the beginning of that time.
struct Stretch {
    from: f64,
    to: f64,
    kind: Option<ContributionKind>,
}

impl Stretch {
    /// What this stretch adds to the age beyond its own length.
    fn contribution(&self, ages: &Ages, origin: i64) -> Option<Contribution> {
        let length = (self.to - self.from) / 1000.0;
        let (nominal, upper) = (ages.nominal.value(), ages.upper.value());
        let split = match self.kind {
            Some(kind) => (kind, upper - length),
            None if nominal > length => (ContributionKind::Storage, upper - length),
            None => (ContributionKind::Accuracy, upper - length),
        };
        #[expect(clippy::cast_possible_truncation, reason = "ms within a unit's window")]
        let whole = interval(origin + self.from.floor() as i64, origin + self.to.ceil() as i64);
        let (kind, extra_s) = split;
        (extra_s > 0.0).then_some(Contribution { interval: whole, extra_s, kind })
    }
}

/// The time that counts as gaps, excursions and what lies between them.
fn stretches(known: &Known, out: &[(Moment, Moment)], origin: i64) -> Vec<Stretch> {
    let since = |at: i64| (at - origin) as f64;
    let (end, mut at) = (since(known.counted.1), 0.0);
    let gaps = known.gaps.iter().map(|&(from, to)| (since(from), since(to), ContributionKind::Gap));
    let outs =
        out.iter().map(|(from, to)| (from.millis_since(origin), to.millis_since(origin), ContributionKind::Excursion));
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
struct Course<'a> {
    bound: GapBound,
    integrators: Integrators,
    origin: i64,
    pieces: Vec<((i64, i64), Ready<'a>)>,
}

impl<'a> Course<'a> {
    fn new(aging: &Aging, trace: &'a Trace, known: &Known) -> Self {
        let origin = known.counted.0;
        let (lowest, highest) = range(trace, &aging.bound);
        let integrators = Integrators {
            low: aging.low.between(lowest, highest),
            nominal: aging.nominal.between(lowest, highest),
            upper: aging.upper.between(lowest, highest),
        };
        let pieces = trace.pieces.iter().enumerate().map(|(number, piece)| {
            let ready = match piece.strands.as_slice() {
                [strand] if is_plain(number, piece, strand) => Ready::One(strand),
                _ => swept(trace, piece, aging.bound, known),
            };
            ((piece.from, piece.to), ready)
        });
        let pieces = pieces.collect();
        Self { bound: aging.bound, integrators, origin, pieces }
    }

    /// Adds the ages over [from, to], ms since the origin.
    fn integrate(&self, from: f64, to: f64, ages: &mut Ages) {
        let since = |at: i64| (at - self.origin) as f64;
        let first = self.pieces.partition_point(|((_, end), _)| since(*end) <= from);
        for ((piece_from, piece_to), ready) in &self.pieces[first..] {
            if since(*piece_from) >= to {
                break;
            }
            let (from, to) = (from.max(since(*piece_from)), to.min(since(*piece_to)));
            match ready {
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
        while index < run.last && since(series.at(index)) < to {
            let next = index + 1;
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

/// Adds the integral of `function` over [from, to]; where it has no value the product ages with the clock.
fn add_function(integrator: &Integrator, function: &[Slope], from: f64, to: f64, age: &mut Sum) {
    let mut at = from;
    let first = function.partition_point(|slope| slope.to <= from);
    for slope in function[first..].iter().take_while(|slope| slope.from < to) {
        let Some(slope) = slope.cut(from, to) else { continue };
        age.add((slope.from - at).max(0.0) / 1000.0);
        age.add(slope.length() / 1000.0 * integrator.mean_between(slope.a, slope.b));
        at = slope.to;
    }
    age.add((to - at).max(0.0) / 1000.0);
}

/// A silence of one sensor as a gap with its readings on either side.
fn gap_of(strand: &Strand, silence: &Silence, origin: i64) -> Gap {
    let series = &*strand.series;
    let neighbour = |index: usize| Neighbour {
        at: (series.at(index) - origin) as f64,
        value: f64::from(series.high(index)),
        doubt: f64::from(series.doubt(index)),
    };
    let (from, to) = ((silence.from - origin) as f64, (silence.to - origin) as f64);
    Gap { from, to, left: silence.left.map(neighbour), right: silence.right.map(neighbour) }
}

/// Whether a piece's only sensor tells all of it: its gaps lie within, or where the unit's own time begins or ends.
fn is_plain(number: usize, piece: &Piece, strand: &Strand) -> bool {
    strand.parts().iter().all(|part| match part {
        Part::Known(_) => true,
        Part::Silent(silence) => {
            let within = silence.from > piece.from && silence.to < piece.to;
            let lead = number == 0 && silence.from == piece.from && silence.left.is_none();
            let tail = piece.last && silence.to == piece.to && silence.right.is_none();
            within || ((lead || tail) && silence.left.or(silence.right).is_some())
        }
    })
}

/// The functions of a piece in which several sensors, or none, or gaps across its ends must be weighed.
fn swept<'a>(trace: &Trace, piece: &Piece, bound: GapBound, known: &Known) -> Ready<'a> {
    let origin = known.counted.0;
    let (mut lows, mut uppers) = (Vec::new(), Vec::new());
    let (mut own_lows, mut own) = (Vec::new(), Vec::new());
    for strand in piece.strands.iter().filter(|strand| !strand.series.is_empty()) {
        let (mut low, mut upper, mut own_low, mut own_line) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for part in strand.parts() {
            match part {
                Part::Known(run) => {
                    envelope::with_doubt(strand, run, origin, -1.0, &mut low);
                    envelope::with_doubt(strand, run, origin, 1.0, &mut upper);
                }
                Part::Silent(silence) => {
                    let gap = gap_of(strand, silence, origin);
                    if reaches_beyond(&gap) {
                        own_low.extend(gap.straight(1.0));
                        own_line.extend(gap.straight(0.0));
                    }
                    if counts(strand, silence) {
                        upper.extend(bound.warmest(&gap).unwrap_or_default());
                    }
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
        uppers.push(bound.warmest(&gap).unwrap_or_default());
    }
    let seen = envelope::of_piece(piece, View::Hot, false, origin, (piece.from, piece.to));
    let nominal = filled(filled(seen, &envelope::highest(&own)), &unit_lines);
    let low = filled(filled(envelope::highest(&lows), &envelope::highest(&own_lows)), &unit_lows);
    Ready::Swept { low, nominal, upper: envelope::highest(&uppers) }
}

/// Whether a sensor's own silence says what lies in it: it has both ends, or its only one lies outside of it.
fn reaches_beyond(gap: &Gap) -> bool {
    match (gap.left, gap.right) {
        (Some(left), None) => left.at < gap.from,
        (None, Some(right)) => right.at > gap.to,
        (left, right) => left.is_some() && right.is_some(),
    }
}

/// A gap of the unit between what is known of it right before and right after.
fn unit_gap(trace: &Trace, (from, to): (i64, i64), origin: i64) -> Gap {
    let known_at = |at: i64, edge: fn(&Run) -> i64| {
        let strands = trace.pieces.iter().flat_map(|piece| piece.strands.iter().map(move |strand| (piece, strand)));
        let runs = strands.flat_map(|(piece, strand)| {
            strand.parts_within(at, at).filter_map(move |part| match part {
                Part::Known(run) => Some((piece, strand, *run)),
                Part::Silent(_) => None,
            })
        });
        let here = runs.filter(|(_, _, run)| edge(run) == at);
        let values = here.map(|(piece, strand, run)| {
            // A step lasts until the end of its piece, and not into a reading right there.
            let cut = strand.series.is_step() && run.from < at && at == piece.to && !piece.last;
            envelope::value_at(strand, &run, if cut { at - 1 } else { at })
        });
        let all: Vec<(f64, f64)> = values.collect();
        let value = all.iter().map(|(value, _)| *value).reduce(f64::max)?;
        let with_doubt = all.iter().map(|(value, doubt)| value + doubt).reduce(f64::max)?;
        Some(Neighbour { at: (at - origin) as f64, value, doubt: with_doubt - value })
    };
    Gap {
        from: (from - origin) as f64,
        to: (to - origin) as f64,
        left: known_at(from, |run| run.to),
        right: known_at(to, |run| run.from),
    }
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
