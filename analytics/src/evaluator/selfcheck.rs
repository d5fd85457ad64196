//! The evaluator checks on itself while it runs: unit by unit, what it keeps must give the assessment that the stored
//! readings give (invariant A2).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use model::assessment::Assessment;
use model::hold::{AlarmCode, Subject};
use model::instant::ValidAt;
use model::name::Name;
use store::ledger::NewAlarm;
use tokio::task::JoinHandle;

use crate::assess::{Assess, AssessError, StoreAssess};

/// From one check to the next.
const EVERY: Duration = Duration::from_secs(15);
/// How far before now both sides look, ms: what was measured since may still be on its way to one of them.
const BEHIND_MS: i64 = 10_000;
/// Checks of a unit that differ, one after another, until it counts: a late reading may reach the store first.
const TIMES: u32 = 3;

/// Which unit is checked, and what was found so far.
#[derive(Default)]
pub(super) struct SelfCheck {
    last: Option<Instant>,
    turn: Option<Name>,
    running: Option<Running>,
    doubts: Doubts,
}

/// A check whose other side is being computed.
struct Running {
    unit: Name,
    here: Option<Assessment>,
    there: JoinHandle<Result<Option<Assessment>, AssessError>>,
}

/// Units whose two sides differed, how often in a row, and whether that was told.
#[derive(Debug, Default)]
struct Doubts(BTreeMap<Name, u32>);

impl SelfCheck {
    /// The unit to check now, and as of when; `None` when it is not time yet.
    pub(super) fn due<'a>(
        &mut self,
        units: impl Iterator<Item = &'a Name> + Clone,
        now: ValidAt,
    ) -> Option<(Name, ValidAt)> {
        if self.running.is_some() || self.last.is_some_and(|last| last.elapsed() < EVERY) {
            return None;
        }
        self.last = Some(Instant::now());
        // One that is in doubt first.
        let doubted = units.clone().find(|unit| self.doubts.is_open(unit));
        let next = || {
            let mut after = units.clone().filter(|unit| self.turn.as_ref().is_none_or(|turn| *unit > turn));
            after.next().or_else(|| units.clone().next())
        };
        let unit = doubted.or_else(next)?.clone();
        self.turn = Some(unit.clone());
        Some((unit, ValidAt::from_millis(now.millis() - BEHIND_MS)))
    }

    /// Has the other side of `here` computed from the store.
    pub(super) fn begin(&mut self, unit: Name, as_of: ValidAt, here: Option<Assessment>, store: &StoreAssess) {
        let there = tokio::spawn({
            let (store, unit) = (store.clone(), unit.clone());
            async move { store.assess(&unit, Some(as_of), None).await }
        });
        self.running = Some(Running { unit, here, there });
    }

    /// The alarm that a finished check calls for.
    pub(super) async fn finished(&mut self, now: ValidAt) -> Option<NewAlarm> {
        if !self.running.as_ref().is_some_and(|running| running.there.is_finished()) {
            return None;
        }
        let Running { unit, here, there } = self.running.take()?;
        let there = match there.await {
            Ok(Ok(there)) => there,
            Ok(Err(error)) => {
                tracing::warn!(%unit, %error, "the evaluator could not be checked on this unit; its turn comes again");
                return None;
            }
            Err(join) => std::panic::resume_unwind(join.into_panic()),
        };
        let differs = here != there;
        let outcome = if differs { "different" } else { "equal" };
        metrics::counter!("coldtrail_self_checks_total", "outcome" => outcome).increment(1);
        if !self.doubts.judge(&unit, differs) {
            return None;
        }
        tracing::error!(%unit, ?here, ?there, "the evaluator and the stored readings tell different things of this unit");
        Some(NewAlarm {
            code: AlarmCode::EvaluationDiffers,
            subject: Subject::Unit(unit),
            rule: None,
            at: now,
            detail:
                "the evaluator's assessment is not the one that the stored readings give: restart the server, and keep \
                     its log"
                    .into(),
        })
    }
}

impl Doubts {
    /// Whether a unit differed and may yet turn out equal.
    fn is_open(&self, unit: &Name) -> bool {
        self.0.get(unit).is_some_and(|times| *times < TIMES)
    }

    /// Takes in a comparison; whether it is the one that must be told.
    fn judge(&mut self, unit: &Name, differs: bool) -> bool {
        if !differs {
            self.0.remove(unit);
            return false;
        }
        let times = self.0.entry(unit.clone()).or_default();
        *times = times.saturating_add(1);
        *times == TIMES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_counts_when_it_stays_and_is_told_once() {
        let unit = Name::parse("U1").unwrap();
        let mut doubts = Doubts::default();
        let mut told = |differs| doubts.judge(&unit, differs);
        assert_eq!([true, true, false].map(&mut told), [false; 3], "a late reading was on its way");
        assert_eq!([true, true, true, true].map(&mut told), [false, false, true, false]);
        assert_eq!([false, true, true, true].map(&mut told), [false, false, false, true], "it differs anew");
    }

    #[test]
    fn every_unit_has_its_turn_and_a_doubted_one_comes_first() {
        let names = ["A", "B", "C"].map(|name| Name::parse(name).unwrap());
        let mut check = SelfCheck::default();
        let now = ValidAt::from_millis(1_790_000_000_000);
        let next = |check: &mut SelfCheck| {
            check.last = None;
            check.due(names.iter(), now).map(|(unit, _)| unit.as_str().to_owned())
        };
        let turns: Vec<Option<String>> = (0..4).map(|_| next(&mut check)).collect();
        assert_eq!(turns, ["A", "B", "C", "A"].map(|name| Some(name.to_owned())));
        check.doubts.judge(&names[2], true);
        assert_eq!(next(&mut check).as_deref(), Some("C"));
        assert!(check.due(names.iter(), now).is_none(), "it is not time yet");
    }
}
