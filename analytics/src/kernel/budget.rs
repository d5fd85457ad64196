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

/// The use of a budget, and when it was used up, if it is.
pub(super) fn used(budget: &Budget, trace: &Trace) -> (BudgetUse, Option<ValidAt>) {
    let above =
        |at: Temperature| Level { view: View::Hot, at: at.millidegrees(), inclusive: false, step: false }.times(trace);
    let bands: Vec<(Vec<Beyond>, Vec<Beyond>, f64)> =
        budget.bands.iter().map(|band| (above(band.above), above(band.to), span(band.allowed).seconds())).collect();
    let length = |times: &[Beyond]| times.iter().map(Beyond::length).sum::<Span>();
    let used: Vec<BandUse> = budget
        .bands
        .iter()
        .zip(&bands)
        .map(|(band, (over, beyond, allowed))| {
            let used_s = (length(over) - length(beyond)).seconds();
            BandUse { above_c: band.above.celsius(), used_s, fraction: used_s / allowed }
        })
        .collect();
    let used_fraction = combined(budget.combine, used.iter().map(|band| band.fraction));
    let over_top = bands.last().and_then(|(_, beyond, _)| beyond.first()).map(|time| time.from);
    let spent = if used_fraction >= 1.0 { spent_at(budget.combine, &bands) } else { None };
    let at = [over_top, spent].into_iter().flatten().min().map(Moment::floor);
    (BudgetUse { used_fraction, bands: used }, at)
}

fn combined(combine: Combine, fractions: impl Iterator<Item = f64>) -> f64 {
    match combine {
        Combine::Sum => fractions.sum(),
        Combine::Any => fractions.fold(0.0, f64::max),
    }
}

/// The instant the combined fraction reaches one, found between two instants at which a band is entered or left.
fn spent_at(combine: Combine, bands: &[(Vec<Beyond>, Vec<Beyond>, f64)]) -> Option<Moment> {
    let edges = |times: &[Beyond]| times.iter().flat_map(|time| [time.from, time.to]).collect::<Vec<_>>();
    let mut turns: Vec<Moment> =
        bands.iter().flat_map(|(over, beyond, _)| [edges(over), edges(beyond)].concat()).collect();
    turns.sort_unstable();
    turns.dedup();
    let inside = |times: &[Beyond], at: Moment| {
        let begun = times.partition_point(|time| time.from <= at);
        begun > 0 && at < times[begun - 1].to
    };
    let mut fractions = vec![0.0; bands.len()];
    for turn in turns.windows(2) {
        let (from, length) = (turn[0], (turn[1] - turn[0]).seconds());
        let rates: Vec<f64> = bands
            .iter()
            .map(
                |(over, beyond, allowed)| if inside(over, from) && !inside(beyond, from) { 1.0 / allowed } else { 0.0 },
            )
            .collect();
        let after: Vec<f64> = fractions.iter().zip(&rates).map(|(fraction, rate)| fraction + rate * length).collect();
        if combined(combine, after.iter().copied()) >= 1.0 {
            let left = match combine {
                Combine::Sum => (1.0 - fractions.iter().sum::<f64>()) / rates.iter().sum::<f64>(),
                Combine::Any => {
                    let each = fractions.iter().zip(&rates).filter(|(_, rate)| **rate > 0.0);
                    each.map(|(fraction, rate)| (1.0 - fraction) / rate).fold(f64::INFINITY, f64::min)
                }
            };
            let since = from.floor().millis();
            let millis = from.millis_since(since) + left.clamp(0.0, length) * 1000.0;
            #[expect(clippy::cast_possible_truncation, reason = "within one interval between two turns")]
            return Some(Moment::from_millis(since + (millis + ROUNDING_MS).floor() as i64));
        }
        fractions = after;
    }
    turns.last().copied()
}
