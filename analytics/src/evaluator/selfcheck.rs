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
use crate::kernel::Missing;

/// From one check to the next, at the least.
const EVERY: Duration = Duration::from_secs(15);
/// A check is followed by none for so many times what it took.
const REST_COSTS: u32 = 100;
/// How far before now both sides look, ms: at first, and at most. Readings that come later than that keep changing what
/// is compared; then nothing is concluded, and the next look goes further back.
const BEHIND_MS: std::ops::RangeInclusive<i64> = 10_000..=7 * 86_400_000;
/// Checks of a unit that differ, one after another, until it counts: a reading may reach the store first.
const TIMES: u32 = 3;

/// Which unit is checked, and what was found so far.
pub(super) struct SelfCheck {
    last: Option<Instant>,
    /// How long after that there is no other.
    rest: Duration,
    turn: Option<Name>,
    running: Option<Running>,
    doubts: Doubts,
    behind_ms: i64,
}

/// A check whose other side is being computed.
struct Running {
    unit: Name,
    as_of: ValidAt,
    sides: JoinHandle<Result<Sides, AssessError>>,
}

/// What is kept gave, and what is stored gives.
struct Sides {
    here: Result<Option<Assessment>, Missing>,
    there: Option<Assessment>,
    took: Duration,
}

/// A check of which both sides are there.
pub(super) struct Compared {
    pub(super) unit: Name,
    pub(super) as_of: ValidAt,
    /// What is kept gave this before the other side was computed.
    before: Option<Assessment>,
    there: Option<Assessment>,
}

impl Compared {
    /// Whether what was kept gave the same as what is stored.
    pub(super) fn is_equal(&self) -> bool {
        self.before == self.there
    }
}

/// What a comparison says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Equal,
    Different,
    /// Readings arrived meanwhile: nothing can be said.
    Moved,
}

impl Default for SelfCheck {
    fn default() -> Self {
        Self {
            last: None,
            rest: EVERY,
            turn: None,
            running: None,
            doubts: Doubts::default(),
            behind_ms: *BEHIND_MS.start(),
        }
    }
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
        if self.running.is_some() || self.last.is_some_and(|last| last.elapsed() < self.rest) {
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
        Some((unit, ValidAt::from_millis(now.millis() - self.behind_ms)))
    }

    /// Has both sides computed: `here`, and then the other from the store.
    pub(super) fn begin(
        &mut self,
        unit: Name,
        as_of: ValidAt,
        here: impl Future<Output = Result<Option<Assessment>, Missing>> + Send + 'static,
        store: &StoreAssess,
    ) {
        let sides = tokio::spawn({
            let (store, unit) = (store.clone(), unit.clone());
            async move {
                let began = Instant::now();
                let here = here.await;
                let there = store.assess(&unit, Some(as_of), None).await?;
                Ok(Sides { here, there, took: began.elapsed() })
            }
        });
        self.running = Some(Running { unit, as_of, sides });
    }

    /// The check that has finished, if one has.
    pub(super) async fn finished(&mut self) -> Option<Compared> {
        if !self.running.as_ref().is_some_and(|running| running.sides.is_finished()) {
            return None;
        }
        let Running { unit, as_of, sides } = self.running.take()?;
        self.last = Some(Instant::now());
        match sides.await {
            Ok(Ok(Sides { here, there, took })) => {
                self.rest = EVERY.max(took * REST_COSTS);
                match here {
                    Ok(before) => Some(Compared { unit, as_of, before, there }),
                    Err(_) => {
                        self.lacking();
                        None
                    }
                }
            }
            Ok(Err(error)) => {
                tracing::warn!(%unit, %error, "the evaluator could not be checked on this unit; its turn comes again");
                None
            }
            Err(join) => std::panic::resume_unwind(join.into_panic()),
        }
    }

    /// Notes that nothing can be said so far back, because what it takes is only in the store.
    pub(super) fn lacking(&mut self) {
        metrics::counter!("coldtrail_self_checks_total", "outcome" => "lacking").increment(1);
        self.behind_ms = behind(self.behind_ms, Outcome::Equal);
    }

    /// The alarm that a check calls for; `here` is what is kept gives now, and is not asked for when both sides were
    /// equal.
    pub(super) fn judge(&mut self, compared: Compared, here: Option<&Assessment>, now: ValidAt) -> Option<NewAlarm> {
        let Compared { unit, before, there, .. } = compared;
        let outcome = outcome(before.as_ref(), there.as_ref(), here);
        let word = match outcome {
            Outcome::Equal => "equal",
            Outcome::Different => "different",
            Outcome::Moved => "moved",
        };
        metrics::counter!("coldtrail_self_checks_total", "outcome" => word).increment(1);
        self.behind_ms = behind(self.behind_ms, outcome);
        if outcome == Outcome::Moved || !self.doubts.judge(&unit, outcome == Outcome::Different) {
            return None;
        }
        tracing::error!(%unit, ?here, ?there, "the evaluator and the stored readings tell different things of this unit");
        Some(NewAlarm {
            code: AlarmCode::EvaluationDiffers,
            subject: Subject::Unit(unit),
            rule: None,
            at: now,
            detail: "the evaluator's assessment is not the one that the stored readings give: restart the server, and \
                     keep its log"
                .into(),
        })
    }
}

/// What is to be said of what is kept before and after (`here`), and what is stored between.
fn outcome<T: PartialEq>(before: Option<&T>, there: Option<&T>, here: Option<&T>) -> Outcome {
    match there {
        there if there == here || there == before => Outcome::Equal,
        _ if before == here => Outcome::Different,
        _ => Outcome::Moved,
    }
}

/// How far back the next check looks.
fn behind(ms: i64, outcome: Outcome) -> i64 {
    let next = if outcome == Outcome::Moved { ms * 2 } else { ms / 2 };
    next.clamp(*BEHIND_MS.start(), *BEHIND_MS.end())
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

    #[test]
    fn a_difference_says_nothing_when_readings_arrived_meanwhile() {
        let said = |before, there, here| outcome(Some(&before), Some(&there), Some(&here));
        assert_eq!([said(1, 1, 1), said(1, 2, 2), said(1, 1, 2)], [Outcome::Equal; 3]);
        assert_eq!(said(1, 2, 3), Outcome::Moved);
        assert_eq!(said(1, 2, 1), Outcome::Different);
        assert_eq!(outcome(Some(&1), None, Some(&1)), Outcome::Different);
    }

    #[test]
    fn a_check_goes_further_back_as_long_as_readings_change_what_it_compares() {
        let looks = |outcomes: &[Outcome]| outcomes.iter().fold(*BEHIND_MS.start(), |ms, outcome| behind(ms, *outcome));
        assert_eq!(looks(&[Outcome::Moved; 3]), 80_000);
        assert_eq!(looks(&[Outcome::Moved, Outcome::Moved, Outcome::Equal]), 20_000);
        assert_eq!((looks(&[Outcome::Equal]), looks(&[Outcome::Moved; 40])), (*BEHIND_MS.start(), *BEHIND_MS.end()));
    }
}
