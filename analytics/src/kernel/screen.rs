//! Whether one more reading can change what is known of a unit in kind: cheap, and never wrong in the quiet direction.

use model::assessment::{Assessment, EndKind};
use model::instant::ValidAt;
use model::registry::Mode;

use super::level::{Level, View};
use super::profile::Profile;
use super::series::Series;
use super::watch::Quantity;

impl Profile {
    /// The levels of this product that the newest readings are beyond, one bit each; 0: well within all of them.
    ///
    /// As long as the bits stay the same, no excursion begins or ends and no band of the budget is entered or left.
    #[must_use]
    pub fn beyond(&self, temperature: &Series, humidity: &Series) -> u64 {
        let mut bits = 0u64;
        for (bit, (quantity, level)) in self.levels.iter().enumerate() {
            let series = if *quantity == Quantity::Temperature { temperature } else { humidity };
            let newest = series.len().checked_sub(1);
            let beyond = newest.is_some_and(|newest| level.is_beyond(level.view.value(series, newest)));
            bits |= u64::from(beyond) << (bit % 64);
        }
        bits
    }

    /// The earliest instant at which a rule or the budget can be met that was not met in `assessment`, if what is
    /// out stays out after `last`. `None` when nothing is under way.
    #[must_use]
    pub fn soonest(&self, assessment: &Assessment, last: ValidAt) -> Option<ValidAt> {
        let after = |seconds: f64| {
            #[expect(clippy::cast_possible_truncation, reason = "seconds of a rule")]
            let millis = (seconds.max(0.0) * 1000.0).floor() as i64;
            ValidAt::from_millis(last.millis().saturating_add(millis))
        };
        let open = assessment.excursions.iter().filter(|excursion| excursion.end_kind == EndKind::Open);
        let rules = open.filter_map(|excursion| {
            let watch = self.watches.iter().find(|watch| watch.id == excursion.rule)?;
            let delay = watch.delay.seconds();
            let lasted = match watch.mode {
                Mode::Single => excursion.duration_s,
                Mode::Cumulative { .. } => {
                    let same = assessment.excursions.iter().filter(|other| other.rule == excursion.rule);
                    same.map(|other| other.duration_s).sum()
                }
            };
            (lasted < delay).then(|| after(delay - lasted))
        });
        let budget = assessment.budget.as_ref().zip(self.product.budget.as_ref()).and_then(|(used, budget)| {
            let shortest = budget.bands.iter().map(|band| band.allowed.as_secs_f64()).reduce(f64::min)?;
            (used.used_fraction < 1.0).then(|| after((1.0 - used.used_fraction) * shortest))
        });
        rules.chain(budget).min()
    }
}

/// The levels a product's verdict turns on: limits, resets, bands, and where its kinetics end.
pub(super) fn levels(profile: &Profile) -> Vec<(Quantity, Level)> {
    let mut levels: Vec<(Quantity, Level)> = profile
        .watches
        .iter()
        .flat_map(|watch| [(watch.quantity, watch.limit), (watch.quantity, watch.reset)])
        .collect();
    let hot = |at| (Quantity::Temperature, Level { view: View::Hot, at, inclusive: false, step: false });
    if let Some(budget) = &profile.product.budget {
        levels.extend(budget.bands.iter().flat_map(|band| [band.above, band.to]).map(|at| hot(at.millidegrees())));
    }
    if let Some((low, high)) = profile.product.kinetics.valid {
        let cold = Level { view: View::Cold, at: -low.millidegrees(), inclusive: false, step: false };
        levels.extend([hot(high.millidegrees()), (Quantity::Temperature, cold)]);
    }
    let mut apart: Vec<(Quantity, Level)> = Vec::with_capacity(levels.len());
    for level in levels {
        if !apart.contains(&level) {
            apart.push(level);
        }
    }
    apart
}
