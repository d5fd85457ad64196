//! Instants at which something becomes true without any reading.

use std::collections::{BTreeSet, HashMap};

use model::assessment::Assessment;
use model::instant::ValidAt;
use model::registry::Product;

use super::cohorts::CohortId;
use crate::kernel::passes_at;

/// When cohorts change by themselves.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounds {
    due: BTreeSet<(ValidAt, CohortId)>,
    of_cohort: HashMap<CohortId, ValidAt>,
}

impl Rounds {
    /// Looks at a cohort again at `at`.
    pub(super) fn plan(&mut self, id: CohortId, at: Option<ValidAt>) {
        if let Some(before) = self.of_cohort.remove(&id) {
            self.due.remove(&(before, id));
        }
        if let Some(at) = at {
            self.of_cohort.insert(id, at);
            self.due.insert((at, id));
        }
    }

    /// The cohorts whose instant has come.
    pub(super) fn due(&mut self, now: ValidAt) -> Vec<CohortId> {
        let mut due = Vec::new();
        while self.due.first().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, id)) = self.due.pop_first() {
                self.of_cohort.remove(&id);
                due.push(id);
            }
        }
        due
    }
}

/// The next instant at which an assessment changes in kind by itself: a date passes, or silence grows too long.
pub(super) fn next_instant(
    assessment: &Assessment,
    product: &Product,
    zone: Option<chrono_tz::Tz>,
    last_heard: Option<ValidAt>,
    longest_gap_ms: i64,
) -> Option<ValidAt> {
    let dates = [assessment.labelled_expiry, assessment.effective_expiry].map(|date| passes_at(date, zone));
    let quiet_since = last_heard.unwrap_or(assessment.window.from);
    let after = |millis: i64| ValidAt::from_millis(quiet_since.millis().saturating_add(millis).saturating_add(1));
    let millis = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    let delays = product.freeze.map(|freeze| millis(freeze.delay));
    let silences = [Some(longest_gap_ms), product.max_unmonitored.map(millis), delays];
    let instants = dates.into_iter().chain(silences.into_iter().flatten().map(after));
    instants.filter(|at| *at > assessment.as_of).min()
}
