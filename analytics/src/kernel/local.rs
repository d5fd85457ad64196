//! Firings that depend on the newest readings alone: every trace has them that shares these, whatever it was before.
//!
//! A rule about single excursions fires because of one of them. Say it began at *s*, and a recovery is bridged if it is shorter than
//! *m*. If the last reading of each sensor before *s* − *m* is not beyond the level at which an excursion of the rule ends, whatever
//! was out before that reading had ended by then, for too long to be bridged; what came after it is the same for every trace that the same
//! sensors make since then. So they have this excursion in common, to the byte. And if the last reading of each before *s* is not
//! beyond that level either, nothing of the rule was under way right before: what begins after it begins at the same instant for all.

use std::sync::Arc;

use model::assessment::{Assessment, Excursion};
use model::hold::Alike;
use model::instant::ValidAt;
use model::registry::Mode;

use super::profile::Profile;
use super::series::Series;
use super::watch::{Quantity, Watch};

/// The last readings, or some of the last, that a sensor took before an instant: temperature and humidity, each `None` when
/// it tells nothing of that at all.
pub type Last = (Option<Arc<Series>>, Option<Arc<Series>>);

/// What each of some sensors told last before an instant.
pub type LastBefore<'a> = dyn Fn(ValidAt) -> Vec<Last> + 'a;

impl Profile {
    /// The last firing of each rule about single excursions in `assessment`, as far as it depends on the newest readings
    /// alone. `last_before` tells of the sensors that make the trace right now, and make it since the readings it tells.
    #[must_use]
    pub fn local_firings(&self, assessment: &Assessment, last_before: &LastBefore<'_>) -> Vec<Alike> {
        if assessment.alarms.iter().all(|alarm| alarm.at.is_none()) {
            return Vec::new();
        }
        let single = self.watches.iter().filter(|watch| watch.mode == Mode::Single);
        single.filter_map(|watch| watch.local_firing(assessment, last_before)).collect()
    }
}

impl Watch {
    fn local_firing(&self, assessment: &Assessment, last_before: &LastBefore<'_>) -> Option<Alike> {
        let alarms = assessment.alarms.iter().filter(|alarm| alarm.rule == self.id);
        let at = alarms.filter_map(|alarm| alarm.at).max()?;
        let excursions = || assessment.excursions.iter().filter(|one| one.rule == self.id);
        let start = excursions().find(|one| self.fires_at(one, at))?.start;
        // A recovery just as long as that is not bridged.
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a rule")]
        let merge_ms = (self.merge.millis().ceil() as i64).max(1);
        let long_before = ValidAt::from_millis(start.millis().saturating_sub(merge_ms).saturating_add(1));
        let since = *self.last_within(last_before(long_before))?.iter().min()?;
        let from = *self.last_within(last_before(start))?.iter().max()?;
        Some(Alike { rule: self.id.clone(), at, since, from })
    }

    /// When the last reading of each sensor was taken that tells the rule's quantity; `None` when one of them is beyond the level
    /// at which an excursion ends, or not known.
    fn last_within(&self, last: Vec<Last>) -> Option<Vec<ValidAt>> {
        let of_quantity = |(temperature, humidity): Last| match self.quantity {
            Quantity::Temperature => temperature,
            Quantity::Humidity => humidity,
        };
        let within = |series: Arc<Series>| {
            let last = series.len().checked_sub(1)?;
            let is_within = !self.reset.is_beyond(self.reset.view.value(&series, last));
            is_within.then(|| ValidAt::from_millis(series.at(last)))
        };
        last.into_iter().filter_map(of_quantity).map(within).collect()
    }

    /// Whether the firing at `at` is that of `excursion`.
    fn fires_at(&self, excursion: &Excursion, at: ValidAt) -> bool {
        // Both are rounded down to the millisecond.
        let delay = self.delay.millis();
        let after_ms = (at.millis() - excursion.start.millis()) as f64;
        excursion.duration_s * 1000.0 >= delay && (delay - 1.0..=delay + 1.0).contains(&after_ms)
    }
}
