//! How much of a product's budget of time out of storage a trace uses.

use model::assessment::{BandUse, BudgetUse};
use model::instant::ValidAt;
use model::quantity::Temperature;
use model::registry::{Budget, Combine};

use super::level::{Beyond, Level, View};
use super::moment::{Moment, Span};
use super::trace::Trace;
use super::watch::span;

/// Closer than this to a whole millisecond, an instant found by division is that one, ms.
const ROUNDING_MS: f64 = 1e-5;

/// What the parts of a trace that were looked at so far use of a budget, by time.
#[derive(Clone, Debug, Default)]
pub(super) struct Spent {
    /// Of each band, the time above its beginning and above its end.
    bands: Vec<(Span, Span)>,
    /// When it first was above all bands.
    over_top: Option<Moment>,
    /// The bands' fractions, added up from one instant at which a band is entered or left to the next.
    fractions: Vec<f64>,
    /// When these together first reached one.
    reached: Option<Moment>,
    /// The last instant at which a band was entered or left.
    last: Option<Moment>,
}

impl Spent {
    /// Takes in the next part of a trace. Where one part ends and the next begins it is in none of the bands.
    pub(super) fn take(&mut self, budget: &Budget, trace: &Trace) {
        let above = |at: Temperature| {
            Level { view: View::Hot, at: at.millidegrees(), inclusive: false, step: false }.times(trace)
        };
        let bands: Vec<(Vec<Beyond>, Vec<Beyond>, f64)> =
            budget.bands.iter().map(|band| (above(band.above), above(band.to), span(band.allowed).seconds())).collect();
        let length = |times: &[Beyond]| times.iter().map(Beyond::length).sum::<Span>();
        self.bands.resize(bands.len(), (Span::ZERO, Span::ZERO));
        for ((over_all, beyond_all), (over, beyond, _)) in self.bands.iter_mut().zip(&bands) {
            *over_all += length(over);
            *beyond_all += length(beyond);
        }
        let over_top = || bands.last().and_then(|(_, beyond, _)| beyond.first()).map(|time| time.from);
        self.over_top = self.over_top.or_else(over_top);
        self.follow(budget.combine, &bands);
    }

    /// The use of the budget, and when it was used up, if it is.
    pub(super) fn used(&self, budget: &Budget) -> (BudgetUse, Option<ValidAt>) {
        let bands = budget.bands.iter().zip(&self.bands);
        let used: Vec<BandUse> = bands
            .map(|(band, (over, beyond))| {
                let used_s = (*over - *beyond).seconds();
                BandUse { above_c: band.above.celsius(), used_s, fraction: used_s / span(band.allowed).seconds() }
            })
            .collect();
        let used_fraction = combined(budget.combine, used.iter().map(|band| band.fraction));
        let spent = if used_fraction >= 1.0 { self.reached.or(self.last) } else { None };
        let at = [self.over_top, spent].into_iter().flatten().min().map(Moment::floor);
        (BudgetUse { used_fraction, bands: used }, at)
    }

    /// Finds the instant the combined fraction reaches one, between two instants at which a band is entered or left.
    fn follow(&mut self, combine: Combine, bands: &[(Vec<Beyond>, Vec<Beyond>, f64)]) {
        let edges = |times: &[Beyond]| times.iter().flat_map(|time| [time.from, time.to]).collect::<Vec<_>>();
        let mut turns: Vec<Moment> =
            bands.iter().flat_map(|(over, beyond, _)| [edges(over), edges(beyond)].concat()).collect();
        turns.sort_unstable();
        turns.dedup();
        self.fractions.resize(bands.len(), 0.0);
        let inside = |times: &[Beyond], at: Moment| {
            let begun = times.partition_point(|time| time.from <= at);
            begun > 0 && at < times[begun - 1].to
        };
        for turn in turns.windows(2) {
            if self.reached.is_some() {
                break;
            }
            let (from, length) = (turn[0], (turn[1] - turn[0]).seconds());
            let rates: Vec<f64> = bands
                .iter()
                .map(
                    |(over, beyond, allowed)| {
                        if inside(over, from) && !inside(beyond, from) { 1.0 / allowed } else { 0.0 }
                    },
                )
                .collect();
            let after: Vec<f64> =
                self.fractions.iter().zip(&rates).map(|(fraction, rate)| fraction + rate * length).collect();
            if combined(combine, after.iter().copied()) >= 1.0 {
                let left = match combine {
                    Combine::Sum => (1.0 - self.fractions.iter().sum::<f64>()) / rates.iter().sum::<f64>(),
                    Combine::Any => {
                        let each = self.fractions.iter().zip(&rates).filter(|(_, rate)| **rate > 0.0);
                        each.map(|(fraction, rate)| (1.0 - fraction) / rate).fold(f64::INFINITY, f64::min)
                    }
                };
                let since = from.floor().millis();
                let millis = from.millis_since(since) + left.clamp(0.0, length) * 1000.0;
                #[expect(clippy::cast_possible_truncation, reason = "within one interval between two turns")]
                let at = Moment::from_millis(since + (millis + ROUNDING_MS).floor() as i64);
                self.reached = Some(at);
            }
            self.fractions = after;
        }
        self.last = turns.last().copied().or(self.last);
    }
}

fn combined(combine: Combine, fractions: impl Iterator<Item = f64>) -> f64 {
    match combine {
        Combine::Sum => fractions.sum(),
        Combine::Any => fractions.fold(0.0, f64::max),
    }
}
