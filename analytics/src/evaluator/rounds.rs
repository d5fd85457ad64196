//! Instants at which something becomes true without any reading, and whose turn it is to be looked at again.

use std::collections::{BTreeSet, HashMap};

use model::assessment::Assessment;
use model::instant::ValidAt;
use model::name::Name;
use model::registry::Product;

use crate::kernel::passes_at;

/// When units are looked at again.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounds {
    due: BTreeSet<(ValidAt, Name)>,
    of_unit: HashMap<Name, ValidAt>,
    /// The unit looked at last in turn.
    turn: Option<Name>,
}

impl Rounds {
    /// Looks at `unit` again at `at`.
    pub(super) fn plan(&mut self, unit: &Name, at: Option<ValidAt>) {
        if let Some(before) = self.of_unit.remove(unit) {
            self.due.remove(&(before, unit.clone()));
        }
        if let Some(at) = at {
            self.of_unit.insert(unit.clone(), at);
            self.due.insert((at, unit.clone()));
        }
    }

    /// The units whose instant has come.
    pub(super) fn due(&mut self, now: ValidAt) -> Vec<Name> {
        let mut due = Vec::new();
        while self.due.first().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, unit)) = self.due.pop_first() {
                self.of_unit.remove(&unit);
                due.push(unit);
            }
        }
        due
    }

    /// The next units in turn, at most `many`; after the last comes the first.
    pub(super) fn in_turn<'a>(&mut self, units: impl Iterator<Item = &'a Name> + Clone, many: usize) -> Vec<Name> {
        let after = units.clone().filter(|unit| self.turn.as_ref().is_none_or(|turn| *unit > turn));
        let chosen: Vec<Name> = after.take(many).cloned().collect();
        self.turn = if chosen.len() < many { None } else { chosen.last().cloned() };
        chosen
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
