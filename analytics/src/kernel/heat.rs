//! Mean, extremes and mean kinetic temperature of what is known of a trace.

use std::sync::Arc;

use model::assessment::{Extent, MeanKinetic, MktFigures};
use model::instant::ValidAt;
use model::registry::Mkt;

use super::bytes::carried;
use super::envelope::{self, Slope};
use super::exposure::{Exposure, Integrator};
use super::fixed::Sum;
use super::fold::{Fold, Mean};
use super::level::View;
use super::rate::mean_kinetic_celsius;
use super::trace::{Part, Piece, Trace};

/// Mean kinetic temperatures closer than this are one, K.
const SAME_K: f64 = 1e-9;

/// The known part of a trace at its highest, by time; ms since `origin`.
#[derive(Debug)]
pub(super) struct Known {
    origin: i64,
    /// Where a fold stands, there is one slope over it whose values are no numbers.
    slopes: Vec<Slope>,
    folds: Vec<Arc<Fold>>,
}

/// What a part of a trace adds to its extremes, its mean and its mean kinetic temperature.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heat {
    /// Thousandths.
    pub(super) highest: f64,
    pub(super) lowest: f64,
    /// The integral of the highest values, K·s or %·s.
    pub(super) weighted: Sum,
    /// s.
    pub(super) length: Sum,
    /// The integral of the rate of mean kinetic temperature, s.
    pub(super) rate: Sum,
}

carried!(Heat { highest, lowest, weighted, length, rate });

impl Default for Heat {
    fn default() -> Self {
        let (highest, lowest) = (f64::NEG_INFINITY, f64::INFINITY);
        Self { highest, lowest, weighted: Sum::default(), length: Sum::default(), rate: Sum::default() }
    }
}

impl Heat {
    /// Takes in what another part adds.
    pub(super) fn join(&mut self, other: &Self) {
        self.highest = self.highest.max(other.highest);
        self.lowest = self.lowest.min(other.lowest);
        self.weighted += other.weighted;
        self.length += other.length;
        self.rate += other.rate;
    }

    /// Extremes and mean.
    pub(super) fn extent(&self) -> Extent {
        // Zero has one sign, whichever of the mirrored values was met first.
        let value = |extreme: f64| extreme.is_finite().then_some(extreme / 1000.0 + 0.0);
        let mean = (self.length.value() > 0.0).then(|| self.weighted.value() / self.length.value());
        Extent { min: value(self.lowest), max: value(self.highest), mean }
    }

    fn see(&mut self, slope: &Slope) {
        self.highest = self.highest.max(slope.a).max(slope.b);
        self.lowest = self.lowest.min(slope.a).min(slope.b);
        self.weighted.add(f64::midpoint(slope.a, slope.b) * slope.length() / 1e6);
        self.length.add(slope.length() / 1000.0);
    }

    /// The lowest values of `piece` between two instants, ms: the slopes are of the highest ones.
    fn see_lowest(&mut self, piece: &Piece, origin: i64, (from, to): (i64, i64)) {
        let is_plain = piece.strands.len() == 1 && piece.strands.iter().all(|strand| strand.series.conflicts() == 0);
        if !is_plain {
            let cold = envelope::of_piece(piece, View::Cold, false, origin, (from, to));
            self.lowest = cold.iter().fold(self.lowest, |lowest, slope| lowest.min(-slope.a).min(-slope.b));
        }
        for strand in &piece.strands {
            let instants = strand.series.instants();
            let (first, end) = (instants.partition_point(|at| *at < from), instants.partition_point(|at| *at <= to));
            let of_piece = piece.indexes(&strand.series);
            for index in of_piece.start.max(first)..of_piece.end.min(end) {
                self.highest = self.highest.max(f64::from(strand.series.high(index)));
                self.lowest = self.lowest.min(f64::from(strand.series.low(index)));
            }
        }
    }
}

/// Whether a slope is there in place of a fold.
fn is_of_fold(slope: &Slope) -> bool {
    slope.a.is_nan()
}

impl Known {
    pub(super) fn of(trace: &Trace) -> Self {
        // Of all parts of a trace the same: where two sensors cross is rounded by it.
        let origin = trace.begin();
        let mut slopes = Vec::new();
        let mut folds = Vec::new();
        for piece in &trace.pieces {
            let mut told = envelope::of_piece(piece, View::Hot, false, origin, (piece.from, piece.to));
            if piece.folds.is_empty() {
                slopes.append(&mut told);
                continue;
            }
            let mut told = told.into_iter().peekable();
            for fold in &piece.folds {
                let (from, to) = ((fold.from() - origin) as f64, (fold.to() - origin) as f64);
                while let Some(slope) = told.next_if(|slope| slope.to <= from) {
                    slopes.push(slope);
                }
                slopes.push(Slope { from, to, a: f64::NAN, b: f64::NAN });
                folds.push(Arc::clone(fold));
            }
            slopes.extend(told);
        }
        Self { origin, slopes, folds }
    }

    /// What lies between two instants at which slopes begin and end, ms: of `trace`, of which this was made.
    pub(super) fn heat(&self, trace: &Trace, exposure: Option<&Exposure>, (from, to): (i64, i64)) -> Heat {
        let (first, last) = ((from - self.origin) as f64, (to - self.origin) as f64);
        let begin = self.slopes.partition_point(|slope| slope.from < first);
        let within = &self.slopes[begin..self.slopes.partition_point(|slope| slope.to <= last).max(begin)];
        debug_assert!(!within.iter().any(is_of_fold), "what is folded lies apart");
        let mut heat = Heat::default();
        within.iter().for_each(|slope| heat.see(slope));
        if let Some(exposure) = exposure {
            let integrator = integrator(within, exposure);
            for slope in within {
                heat.rate.add(slope.length() / 1000.0 * integrator.mean_between(slope.a, slope.b));
            }
        }
        for piece in trace.pieces.iter().filter(|piece| piece.from <= from && to <= piece.to) {
            heat.see_lowest(piece, self.origin, (from, to));
        }
        heat
    }

    /// The known part itself.
    pub(super) fn slopes(&self) -> &[Slope] {
        &self.slopes
    }

    /// Extremes and mean; `trace` is the one this was made of.
    pub(super) fn extent(&self, trace: &Trace) -> Extent {
        let mut heat = Heat::default();
        self.add_to(&mut heat, trace);
        heat.extent()
    }

    /// Adds what all of it comes to, but for the rate; `trace` is the one this was made of.
    pub(super) fn add_to(&self, heat: &mut Heat, trace: &Trace) {
        self.slopes.iter().filter(|slope| !is_of_fold(slope)).for_each(|slope| heat.see(slope));
        self.folds.iter().for_each(|fold| heat.join(fold.heat()));
        for piece in &trace.pieces {
            heat.see_lowest(piece, self.origin, (piece.from, piece.to));
        }
    }

    /// Mean kinetic temperature over rolling windows that end at a reading or with the trace, of a unit whose time began at
    /// `from`, ms.
    pub(super) fn mkt(&self, mkt: &Mkt, exposure: &Exposure, trace: &Trace, from: i64) -> MeanKinetic {
        let to = trace.window().1;
        let window = window_of(mkt);
        let sums = Sums::new(self, exposure);
        let celsius = |mean: Option<f64>| mean.map(|mean| mean_kinetic_celsius(mkt.dh, mean));
        let partial_window = to - from < window;
        let counts = |end: i64| partial_window || end - window >= from;
        let mut means: Vec<Mean> = trace.seen.means.iter().copied().filter(|mean| counts(mean.end)).collect();
        let ends = ends(trace, to).into_iter().filter(|end| *end > trace.seen.until && counts(*end));
        sums.means(self.origin, window, ends, &mut means);
        let most = means.iter().map(|mean| mean.rate).reduce(f64::max);
        let highest = most.and_then(|most| means.iter().find(|mean| is_same(mkt, mean.rate, most)));
        let since = (to - self.origin) as f64;
        MeanKinetic::Of(MktFigures {
            value_c: celsius(sums.mean(since - window as f64, since, &mut (0, 0))),
            window_s: mkt.window.as_secs_f64(),
            max_window_c: celsius(most),
            max_window_to: highest.map(|mean| ValidAt::from_millis(mean.end)),
            partial_window,
            dh_kj_per_mol: mkt.dh.kilojoules_per_mole(),
        })
    }
}

/// Of the windows that end at a reading after one of `bounds`, ms, and up to the next one, those that can be the highest
/// of all.
pub(super) fn highest_means(
    mkt: &Mkt,
    exposure: &Exposure,
    trace: &Trace,
    known: &Known,
    bounds: &[i64],
) -> Vec<Vec<Mean>> {
    let (after, until) = (bounds.first().copied().unwrap_or(0), bounds.last().copied().unwrap_or(0));
    let ends = ends(trace, i64::MAX).into_iter().filter(|end| *end > after && *end <= until);
    let mut means = Vec::new();
    Sums::new(known, exposure).means(known.origin, window_of(mkt), ends, &mut means);
    let mut rest = means.as_slice();
    let parts = bounds.iter().skip(1).map(|until| {
        let (part, later) = rest.split_at(rest.partition_point(|mean| mean.end <= *until));
        rest = later;
        only_highest(mkt, trace.begin(), part)
    });
    parts.collect()
}

/// Of means by time, those that can be the first of the highest, whatever follows; `begin` is the beginning of the unit's
/// time, ms. As long as no window is whole, those that begin before it count, and later they do not.
pub(super) fn only_highest(mkt: &Mkt, begin: i64, means: &[Mean]) -> Vec<Mean> {
    let whole = means.partition_point(|mean| mean.end - window_of(mkt) < begin);
    let mut highest = rising(mkt, &means[..whole]);
    highest.append(&mut rising(mkt, &means[whole..]));
    highest
}

/// The length of rolling windows, ms.
pub(super) fn window_of(mkt: &Mkt) -> i64 {
    i64::try_from(mkt.window.as_millis()).unwrap_or(i64::MAX)
}

/// The first of those that are the same as the highest is above all before it, and one that is too low now stays so.
fn rising(mkt: &Mkt, means: &[Mean]) -> Vec<Mean> {
    let Some(most) = means.iter().map(|mean| mean.rate).reduce(f64::max) else { return Vec::new() };
    let mut above = f64::NEG_INFINITY;
    let mut highest = Vec::new();
    for mean in means.iter().filter(|mean| is_same(mkt, mean.rate, most)) {
        if mean.rate > above {
            above = mean.rate;
            highest.push(*mean);
        }
    }
    highest
}

/// Whether a mean rate stands for the same temperature as the highest one; the guess spares most of the logarithms.
fn is_same(mkt: &Mkt, mean: f64, most: f64) -> bool {
    let value = |mean: f64| mean_kinetic_celsius(mkt.dh, mean);
    mean > most * (1.0 - 1e-6) && value(mean) >= value(most) - SAME_K
}

/// An integrator for the values of slopes.
fn integrator(slopes: &[Slope], exposure: &Exposure) -> Integrator {
    let values = slopes.iter().flat_map(|slope| [slope.a, slope.b]);
    let (lowest, highest) = values.fold((0.0f64, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
    #[expect(clippy::cast_possible_truncation, reason = "thousandths of a degree are far inside i32")]
    exposure.between(lowest.floor() as i32, highest.ceil() as i32 + 1)
}

/// Where windows end: at every reading, and at the end of the trace.
fn ends(trace: &Trace, to: i64) -> Vec<i64> {
    let mut ends = Vec::new();
    for piece in &trace.pieces {
        for strand in &piece.strands {
            let range = piece.indexes(&strand.series);
            ends.extend_from_slice(&strand.series.instants()[range]);
        }
        if piece.strands.len() > 1 {
            ends.sort_unstable();
        }
    }
    ends.push(to);
    ends.dedup();
    ends
}

/// Prefix sums of a rate over the known slopes.
struct Sums<'a> {
    slopes: &'a [Slope],
    integrator: Integrator,
    /// Before each slope and after the last: (integral of the rate, length), s.
    before: Vec<(Sum, Sum)>,
}

impl<'a> Sums<'a> {
    fn new(known: &'a Known, exposure: &Exposure) -> Self {
        let integrator = integrator(&known.slopes, exposure);
        let mut folds = known.folds.iter();
        let mut before = Vec::with_capacity(known.slopes.len() + 1);
        let (mut integral, mut length) = (Sum::default(), Sum::default());
        before.push((integral, length));
        for slope in &known.slopes {
            if is_of_fold(slope) {
                let heat = folds.next().map(|fold| *fold.heat()).unwrap_or_default();
                integral += heat.rate;
                length += heat.length;
            } else {
                let seconds = slope.length() / 1000.0;
                integral.add(seconds * integrator.mean_between(slope.a, slope.b));
                length.add(seconds);
            }
            before.push((integral, length));
        }
        Self { slopes: &known.slopes, integrator, before }
    }

    /// The mean rates over the windows that end at `ends`, by time.
    fn means(&self, origin: i64, window: i64, ends: impl Iterator<Item = i64>, means: &mut Vec<Mean>) {
        let mut cursor = (0, 0);
        for end in ends {
            let since = (end - origin) as f64;
            let rate = self.mean(since - window as f64, since, &mut cursor);
            means.extend(rate.map(|rate| Mean { rate, end }));
        }
    }

    /// The mean rate over what is known in (from, to]. `cursor` goes along with rising windows.
    fn mean(&self, from: f64, to: f64, cursor: &mut (usize, usize)) -> Option<f64> {
        let forward = |index: &mut usize, at: f64| {
            while *index < self.slopes.len() && self.slopes[*index].to <= at {
                *index += 1;
            }
            self.until(*index, at)
        };
        let (first, first_length) = forward(&mut cursor.0, from);
        let (last, last_length) = forward(&mut cursor.1, to);
        let length = (last_length - first_length).value();
        (length > 0.0).then(|| (last - first).value() / length)
    }

    /// The sums up to `at`, which lies in slope `index` or before it.
    fn until(&self, index: usize, at: f64) -> (Sum, Sum) {
        let (mut integral, mut length) = self.before[index];
        let slope = self.slopes.get(index).filter(|slope| slope.from < at);
        debug_assert!(!slope.is_some_and(is_of_fold), "no window begins or ends within a fold");
        if let Some(part) = slope.and_then(|slope| slope.cut(f64::NEG_INFINITY, at)) {
            let seconds = part.length() / 1000.0;
            integral.add(seconds * self.integrator.mean_between(part.a, part.b));
            length.add(seconds);
        }
        (integral, length)
    }
}

/// Whether a trace has a reading at all.
pub(super) fn is_heard(trace: &Trace) -> bool {
    let known = |part: &Part| matches!(part, Part::Known(_));
    trace.pieces.iter().flat_map(|piece| &piece.strands).any(|strand| strand.parts().iter().any(known))
}
