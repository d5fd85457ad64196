//! Parts of a trace in which nothing happens, each as the little that an assessment needs of it.
//!
//! A trace of years has millions of readings, and all but a few thousand lie between two others with which they share
//! everything that counts: the sensor was heard without a gap, and its values are on the same side of every level the
//! product knows. A [`Fold`] stands for such readings. What is left, the *skeleton*, is a trace like any other: the
//! whole kernel runs over it as it runs over all readings, and steps over a fold where it would have gone through
//! readings. So nothing is decided twice, and an assessment over a skeleton is that over all readings to the byte:
//!
//! * **Times beyond levels, excursions, alarms, budgets, gaps, coverage.** Within a fold no level is passed and nothing
//!   begins or ends. The first and the last reading of each sensor in it stay in the skeleton, and the linear piece
//!   between them is beyond exactly the levels that all readings between them are beyond.
//! * **Ages, means, mean kinetic temperature.** They are sums of contributions, one for each linear piece, each rounded
//!   once to a multiple of 2⁻⁶⁴ ([`super::fixed`]): integers, whose sums a fold holds. All pieces within a fold are
//!   whole: where the trace is cut (an excursion, a gap, a hand-over) readings stay.
//! * **Peak and area of an excursion.** The area is a sum of floats from the beginning of the excursion on. A fold within
//!   an excursion holds what it was at the fold's end ([`Worst`]); excursions begin, and are bridged, only where
//!   readings stay.
//! * **Rolling windows.** A window that ends in the past is the same for ever: [`Seen`] holds those that can be the
//!   highest of all. Windows that end later begin outside of folds: the folds there are opened, which is to say that the
//!   readings take their place again.
//!
//! Of several sensors at a place a fold covers all, between an instant at which one of them was read and another: each is
//! known throughout, on its side of all levels. While one of them is silent nothing is folded, because how warm it can
//! have been depends on what it says when it is heard again.
//!
//! Folds that touch are one ([`Fold::joined`]), so that a trace of years is a few dozen of them.

use super::bytes::carried;
use super::envelope::{self, Worst};
use super::excursion::Out;
use super::heat::{self, Heat};
use super::known::{Known, intersect};
use super::level::{Level, View};
use super::life::{Ages, Course};
use super::moment::Moment;
use super::profile::Profile;
use super::trace::{Piece, Strand, Trace};
use super::watch::{Quantity, Watch};

/// Fewer readings than this are not left out.
const FEWEST: usize = 4;
/// A status is one bit of a `u128`.
const LEVELS_MAX: usize = 128;

/// What stands for the readings of a piece between two instants.
#[derive(Clone, Debug)]
pub(super) struct Fold {
    from: i64,
    to: i64,
    /// Every sensor of the piece is heard again by then, and beyond the same levels.
    until: i64,
    /// The first and the last reading of each of the piece's sensors in it; between them readings are left out.
    readings: Vec<(i64, i64)>,
    ages: Ages,
    heat: Heat,
    /// Of each rule that is out here, by number: the worst since the excursion began.
    worst: Vec<(usize, Worst)>,
}

/// What rolling windows that ended in the past have shown.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// All windows that end until then count as seen, ms.
    pub(super) until: i64,
    /// Those that can be the highest of all, by time.
    pub(super) means: Vec<Mean>,
}

/// The mean rate over a rolling window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mean {
    pub(super) rate: f64,
    /// Where the window ends, ms.
    pub(super) end: i64,
}

carried!(Fold { from, to, until, readings, ages, heat, worst });
carried!(Seen { until, means });
carried!(Mean { rate, end });

impl Default for Seen {
    fn default() -> Self {
        Self { until: i64::MIN, means: Vec::new() }
    }
}

impl Seen {
    /// What windows that end later have shown on top; `self` and `later` are of one trace under one product.
    pub(super) fn join(&mut self, later: &Self) {
        self.means.extend_from_slice(&later.means);
        self.until = self.until.max(later.until);
    }

    /// Forgets what can no longer be the highest; `begin` is the beginning of the unit's time, ms.
    pub(super) fn prune(&mut self, profile: &Profile, begin: i64) {
        let Some(mkt) = &profile.product.mkt else { return };
        self.means = heat::only_highest(mkt, begin, &self.means);
    }
}

impl Fold {
    /// When it begins, ms: a sensor's reading.
    #[must_use]
    pub(super) fn from(&self) -> i64 {
        self.from
    }

    /// When it ends, ms: a sensor's reading.
    #[must_use]
    pub(super) fn to(&self) -> i64 {
        self.to
    }

    /// When every sensor was heard again, ms: only with readings up to then it stands for what it stands for.
    #[must_use]
    pub(super) fn until(&self) -> i64 {
        self.until
    }

    /// The first and the last reading of the piece's sensor `number` in it, ms, when readings between them are left out.
    #[must_use]
    pub(super) fn readings(&self, number: usize) -> Option<(i64, i64)> {
        self.readings.get(number).copied().filter(|(first, last)| first < last)
    }

    /// Whether it lies in no excursion.
    pub(super) fn is_free(&self) -> bool {
        self.worst.is_empty()
    }

    /// The first and the last reading of the piece's sensor `number` in it, ms, if it has one.
    pub(super) fn ends_of(&self, number: usize) -> Option<(i64, i64)> {
        self.readings.get(number).copied().filter(|(first, last)| first <= last)
    }

    /// This and the one that begins where it ends; `None` when they do not touch.
    #[must_use]
    pub(super) fn joined(&self, next: &Self) -> Option<Self> {
        let out = |fold: &Self| fold.worst.iter().map(|(number, _)| *number).collect::<Vec<_>>();
        if self.to != next.from || self.readings.len() != next.readings.len() || out(self) != out(next) {
            return None;
        }
        let (mut ages, mut heat) = (self.ages, self.heat);
        ages.join(&next.ages);
        heat.join(&next.heat);
        let pairs = self.readings.iter().zip(&next.readings);
        // A sensor may have no reading in one of them: its first one is after its last one then.
        let readings = pairs.map(|(before, after)| (before.0.min(after.0), before.1.max(after.1))).collect();
        let (from, to, until) = (self.from, next.to, next.until.max(self.until));
        Some(Self { from, to, until, readings, ages, heat, worst: next.worst.clone() })
    }

    pub(super) fn begins(&self) -> Moment {
        Moment::from_millis(self.from)
    }

    pub(super) fn ends(&self) -> Moment {
        Moment::from_millis(self.to)
    }

    pub(super) fn ages(&self) -> &Ages {
        &self.ages
    }

    pub(super) fn heat(&self) -> &Heat {
        &self.heat
    }

    pub(super) fn worst(&self, watch: &Watch) -> Option<Worst> {
        self.worst.iter().find(|(number, _)| *number == watch.number).map(|(_, worst)| *worst)
    }
}

impl Trace {
    /// The last instant, ms, at which a reading can change what is known after `after` and up to `at`: a sensor that was
    /// read before goes straight to its next reading, if that is near enough. `None` when it may come yet.
    pub(super) fn settled(&self, after: i64, at: i64) -> Option<i64> {
        let end = self.window().1;
        let between = self.pieces.iter().filter(|piece| piece.from <= at && after <= piece.to);
        let strands = between.flat_map(|piece| piece.strands.iter().map(|strand| (piece.to.min(at), strand)));
        let until = |(at, strand): (i64, &Strand)| {
            let instants = strand.series.instants();
            let next = instants.partition_point(|instant| *instant < at);
            let Some(before) = next.checked_sub(1).map(|before| instants[before]) else { return Some(at) };
            let near = before.saturating_add(strand.max_gap).max(at);
            match instants.get(next) {
                Some(next) => Some(near.min(*next)),
                None => (near < end).then_some(near),
            }
        };
        strands.map(until).try_fold(at, |last, until| Some(last.max(until?)))
    }

    /// What the rolling windows show that end at a reading after one of `bounds`, ms, and up to the next one. Everything
    /// that one of them begins or ends in is there.
    pub(super) fn seen(&self, profile: &Profile, bounds: &[i64]) -> Vec<Seen> {
        let parts = bounds.windows(2);
        let (Some(mkt), Some(exposure)) = (&profile.product.mkt, &profile.mkt) else {
            return parts.map(|part| Seen { until: part[1], means: Vec::new() }).collect();
        };
        let known = heat::Known::of(self);
        let means = heat::highest_means(mkt, exposure, self, &known, bounds);
        parts.zip(means).map(|(part, means)| Seen { until: part[1], means }).collect()
    }

    /// What of a trace of a quantity can be left out, between each of `bounds`, ms, and the next one: everything there
    /// is in the trace.
    pub(super) fn folds(&self, profile: &Profile, quantity: Quantity, bounds: &[i64]) -> Vec<Fold> {
        let levels = levels(profile, quantity);
        if levels.len() > LEVELS_MAX {
            return Vec::new();
        }
        let known = Known::of(self);
        let mut zones = Vec::new();
        for part in bounds.windows(2) {
            for piece in self.pieces.iter().filter(|piece| piece.from < part[1] && part[0] < piece.to) {
                zones.extend(zones_of(piece, &levels, (part[0], part[1])));
            }
        }
        if zones.is_empty() {
            return Vec::new();
        }
        let watches: Vec<&Watch> = profile.watches.iter().filter(|watch| watch.quantity == quantity).collect();
        let outs: Vec<Vec<Out>> =
            watches.iter().map(|watch| watch.outs(self, &known, &watch.limit.times(self))).collect();
        let of_temperature = quantity == Quantity::Temperature;
        let origin = self.before.as_ref().map_or(known.counted.0, |before| before.counted_from());
        let course =
            profile.aging.as_ref().filter(|_| of_temperature).map(|aging| Course::new(aging, self, &known, origin));
        let (seen, exposure) = (heat::Known::of(self), profile.mkt.as_ref().filter(|_| of_temperature));
        let mut folds: Vec<Fold> = Vec::with_capacity(zones.len());
        for zone in zones {
            let bounds = (Moment::from_millis(zone.from), Moment::from_millis(zone.to));
            let is_settled = |(watch, outs): (&&Watch, &Vec<Out>)| settled(watch, outs, bounds, &known);
            if !watches.iter().zip(&outs).all(is_settled) {
                continue;
            }
            folds.push(Fold {
                from: zone.from,
                to: zone.to,
                until: zone.until,
                readings: zone.readings,
                ages: course.as_ref().map(|course| course.between(zone.from, zone.to)).unwrap_or_default(),
                heat: seen.heat(self, exposure, (zone.from, zone.to)),
                worst: Vec::new(),
            });
        }
        for (watch, outs) in watches.iter().zip(&outs) {
            self.tell_worst(watch, outs, &mut folds);
        }
        folds
    }

    /// Notes in folds that lie in an excursion how bad it was until there.
    fn tell_worst(&self, watch: &Watch, outs: &[Out], folds: &mut [Fold]) {
        let end = Moment::from_millis(self.window().1);
        for out in outs {
            let first = folds.partition_point(|fold| fold.begins() < out.from);
            let last = folds.partition_point(|fold| fold.ends() <= out.to);
            if first >= last {
                continue;
            }
            let stops: Vec<i64> = folds[first..last].iter().map(Fold::to).collect();
            let of_fold = |fold: &Fold| fold.worst(watch);
            let (_, worst) = envelope::worst(self, watch.limit, (out.from, end), &of_fold, &stops);
            for (fold, worst) in folds[first..last].iter_mut().zip(worst) {
                fold.worst.push((watch.number, worst));
            }
        }
    }
}

/// Whether what comes later leaves it as it is which excursion of a rule a stretch of time lies in.
fn settled(watch: &Watch, outs: &[Out], (from, to): (Moment, Moment), known: &Known) -> bool {
    let begun = outs.partition_point(|out| out.from <= from);
    let Some(last) = begun.checked_sub(1).map(|last| outs[last]) else { return true };
    if from < last.to {
        return to <= last.to;
    }
    // A recovery so short that another excursion may bridge it.
    let heard = Moment::from_millis(known.last().unwrap_or(i64::MIN));
    begun < outs.len() || !watch.merge.exceeds(heard - last.to)
}

/// The levels of a product at which anything about a quantity turns.
pub(super) fn levels(profile: &Profile, quantity: Quantity) -> Vec<Level> {
    let own = profile.levels.iter().filter(|(of, _)| *of == quantity).map(|(_, level)| *level);
    let mut levels: Vec<Level> = own.collect();
    if profile.product.guard_band {
        let watches = profile.watches.iter().filter(|watch| watch.quantity == quantity);
        for level in watches.flat_map(|watch| [watch.limit, watch.reset]) {
            let view = if level.view.is_mirrored() { View::Coldest } else { View::Hottest };
            levels.push(Level { view, ..level });
        }
    }
    levels
}

/// A stretch of a piece in which nothing happens.
struct Zone {
    from: i64,
    to: i64,
    until: i64,
    readings: Vec<(i64, i64)>,
}

fn zones_of(piece: &Piece, levels: &[Level], (from, to): (i64, i64)) -> Vec<Zone> {
    // Until every sensor has a reading that is of this piece for certain, wherever the next one begins.
    let last = |strand: &Strand| {
        let at = strand.series.instants();
        at[..at.partition_point(|at| *at < piece.to)].last().copied()
    };
    let heard = piece.strands.iter().map(|strand| last(strand).unwrap_or(i64::MIN)).min();
    let (from, to) = (from.max(piece.from), to.min(heard.unwrap_or(i64::MIN)));
    let mut strands = piece.strands.iter().map(|strand| even(strand, levels, (from, to)));
    let Some(first) = strands.next().filter(|_| from < to) else { return Vec::new() };
    let shared = strands.fold(first, |one, other| intersect(&one, &other));
    shared.into_iter().filter_map(|shared| zone(piece, (shared.0.max(from), shared.1.min(to)))).collect()
}

/// The stretches of a sensor between two readings within which it is heard without a gap on one side of all levels, as
/// far as they share time with [from, to].
fn even(strand: &Strand, levels: &[Level], (from, to): (i64, i64)) -> Vec<(i64, i64)> {
    let series = &*strand.series;
    let at = series.instants();
    let status = |index: usize| {
        let beyond =
            |(bit, level): (usize, &Level)| u128::from(level.is_beyond(level.view.value(series, index))) << bit;
        levels.iter().enumerate().map(beyond).fold(0, |bits, bit| bits | bit)
    };
    let mut found = Vec::new();
    let mut index = at.partition_point(|at| *at <= from).saturating_sub(1);
    if index >= at.len() {
        return found;
    }
    let (mut since, mut before) = (at[index], status(index));
    while at[index] < to {
        let next = index + 1;
        if next >= at.len() {
            break;
        }
        let now = status(next);
        let is_out = |&(out, back): &(i64, i64)| out < at[next] && back > at[index];
        if now != before || !series.is_near(index, strand.max_gap) || series.excluded().iter().any(is_out) {
            found.push((since, at[index]));
            since = at[next];
        }
        (index, before) = (next, now);
    }
    found.push((since, at[index]));
    found.retain(|(since, until)| since < until);
    found
}

/// The zone between two instants, from the first reading of any sensor there to the last one.
fn zone(piece: &Piece, (from, to): (i64, i64)) -> Option<Zone> {
    let each = || piece.strands.iter().map(|strand| strand.series.instants());
    let first = |at: &[i64]| at.get(at.partition_point(|at| *at < from)).copied();
    let last = |at: &[i64]| at[..at.partition_point(|at| *at <= to)].last().copied();
    let from = each().filter_map(first).min().filter(|first| *first < to)?;
    let to = each().filter_map(last).max().filter(|last| *last > from)?;
    let (mut until, mut readings, mut left_out) = (to, Vec::with_capacity(piece.strands.len()), 0);
    for at in each() {
        let (begin, end) = (at.partition_point(|at| *at < from), at.partition_point(|at| *at <= to));
        readings.push(if begin < end { (at[begin], at[end - 1]) } else { (i64::MAX, i64::MIN) });
        left_out += end.saturating_sub(begin + 2);
        until = until.max(*at.get(at.partition_point(|at| *at < to))?);
    }
    (left_out >= FEWEST).then_some(Zone { from, to, until, readings })
}
