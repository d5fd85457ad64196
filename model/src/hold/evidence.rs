//! What a hold rests on, and when that is news.

use chrono::{Days, NaiveDate, NaiveTime};

use super::Cause;
use crate::assessment::{Alarm, Assessment, Excursion, ReasonCode};
use crate::instant::ValidAt;
use crate::name::Name;

/// Starts are rounded down and ends up to a millisecond; less is no more time.
const ROUNDING_MS: i64 = 1;

/// How far a figure may rise above what was accepted: 1 % of its allowance, exactly that included although a
/// difference of two f64 may be off by its last bits.
const TOLERATED_SHARE: f64 = 0.01 + 1e-12;

/// What a hold rests on: the part of an assessment that belongs to its cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The instant of the assessment.
    pub as_of: ValidAt,
    /// When the reasons with this cause began to hold.
    pub since: Vec<ValidAt>,
    /// The excursions of it, by start.
    pub excursions: Vec<Excursion>,
    /// The firings of its rules.
    pub alarms: Vec<Alarm>,
    /// The newest reading.
    pub watermark: Option<ValidAt>,
    /// The version of the product.
    pub product_version: u32,
    /// What was looked at for it.
    pub basis: Basis,
}

/// What evidence was taken from.
#[derive(Clone, Debug, PartialEq)]
pub enum Basis {
    /// All that the unit went through.
    Unit {
        /// SHA-256 of the readings, in hexadecimal.
        readings_digest: Box<str>,
        /// What was used up.
        figures: Figures,
    },
    /// What every unit went through that stands under the same sensors since an instant at which nothing of the cause was
    /// under way. It says nothing of what came before, which each unit has for itself.
    Shared {
        /// That instant.
        from: ValidAt,
    },
}

/// How much of what a unit may use was used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// The fraction of the budget of time out of storage, if the product has one.
    pub budget_used_fraction: Option<f64>,
    /// The extra ageing at its upper bound, in seconds.
    pub extra_s: f64,
    /// From the unit's first instant to the end of its labelled expiry (in UTC), in seconds.
    pub life_allowance_s: f64,
    /// The effective expiry.
    pub effective_expiry: NaiveDate,
}

impl Figures {
    /// The figures of `assessment`.
    #[must_use]
    pub fn of(assessment: &Assessment) -> Self {
        let last_day = assessment.labelled_expiry;
        let end = last_day.checked_add_days(Days::new(1)).unwrap_or(last_day).and_time(NaiveTime::MIN);
        let allowance_ms = end.and_utc().timestamp_millis().saturating_sub(assessment.window.from.millis());
        Self {
            budget_used_fraction: assessment.budget.as_ref().map(|budget| budget.used_fraction),
            extra_s: assessment.life.extra_s,
            life_allowance_s: seconds(allowance_ms.max(0)),
            effective_expiry: assessment.effective_expiry,
        }
    }

    /// Whether more of the budget or of the life is used than in `accepted`, by more than 1 % of the allowance.
    fn exceed(&self, accepted: &Self) -> bool {
        let budget = self.budget_used_fraction.unwrap_or(0.0) - accepted.budget_used_fraction.unwrap_or(0.0);
        budget > TOLERATED_SHARE || self.extra_s - accepted.extra_s > TOLERATED_SHARE * self.life_allowance_s
    }
}

/// Milliseconds as seconds; whole milliseconds below 285 years are exact.
#[expect(clippy::cast_precision_loss, reason = "below 2⁵³")]
fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

/// Which excursions belong to a cause.
enum Extent<'a> {
    Rule(&'a str),
    All,
    None,
}

fn extent(cause: &Cause) -> Extent<'_> {
    match cause {
        Cause::Finding { rule: Some(rule), .. } => Extent::Rule(rule.as_str()),
        Cause::Finding { code: ReasonCode::Frozen, rule: None } => Extent::Rule("freeze"),
        Cause::Finding { code: ReasonCode::Expired, .. } | Cause::Manual => Extent::None,
        Cause::Finding { .. } => Extent::All,
    }
}

impl Basis {
    /// What began later is told; `None`: everything.
    #[must_use]
    pub const fn from(&self) -> Option<ValidAt> {
        match self {
            Self::Unit { .. } => None,
            Self::Shared { from } => Some(*from),
        }
    }

    const fn figures(&self) -> Option<&Figures> {
        match self {
            Self::Unit { figures, .. } => Some(figures),
            Self::Shared { .. } => None,
        }
    }
}

impl Evidence {
    /// The evidence that `assessment` has for `cause`.
    #[must_use]
    pub fn of(assessment: &Assessment, cause: &Cause) -> Self {
        let belongs = |rule: &Name| match extent(cause) {
            Extent::Rule(wanted) => rule.as_str() == wanted,
            Extent::All => true,
            Extent::None => false,
        };
        let reasons = assessment.reasons.iter().filter(|reason| Cause::of(reason) == *cause);
        Self {
            as_of: assessment.as_of,
            since: reasons.map(|reason| reason.at).collect(),
            excursions: assessment.excursions.iter().filter(|one| belongs(&one.rule)).cloned().collect(),
            alarms: assessment.alarms.iter().filter(|one| belongs(&one.rule)).cloned().collect(),
            watermark: assessment.provenance.watermark,
            product_version: assessment.provenance.product_version,
            basis: Basis::Unit {
                readings_digest: assessment.provenance.readings_digest.as_str().into(),
                figures: Figures::of(assessment),
            },
        }
    }

    /// The part of the evidence for `cause` that `assessment` has in common with every unit that stands under the same
    /// sensors since `from`.
    #[must_use]
    pub fn shared(assessment: &Assessment, cause: &Cause, from: ValidAt) -> Self {
        let Self { as_of, excursions, alarms, watermark, product_version, .. } = Self::of(assessment, cause);
        let excursions: Vec<Excursion> = excursions.into_iter().filter(|one| one.start > from).collect();
        // How bad silence may have been before goes with each unit.
        let alarm = |one: Alarm| Alarm { worst_case_at: None, ..one };
        let alarms = alarms.into_iter().filter(|one| one.at.is_some_and(|at| at > from)).map(alarm);
        let alarms: Vec<Alarm> = alarms.collect();
        let since = alarms.iter().filter_map(|alarm| alarm.at).min().into_iter().collect();
        Self { as_of, since, excursions, alarms, watermark, product_version, basis: Basis::Shared { from } }
    }

    /// Whether this was found out no earlier than `other`. Of two as of one instant the newest reading tells: what was begun
    /// before it came, and ends after it, must not take back what it said.
    pub(super) fn is_no_older_than(&self, other: &Self) -> bool {
        (self.as_of, self.watermark) >= (other.as_of, other.watermark)
    }

    /// Whether `newer` says something that must be kept beside this: an excursion closed, or late data changed what
    /// stands here. An open excursion that goes on is neither, nor is one from before this tells anything.
    pub(super) fn is_superseded_by(&self, newer: &Self) -> bool {
        let from = self.basis.from();
        let told = |evidence: &'_ Self, is_open: bool| -> Vec<Excursion> {
            let such = |one: &&Excursion| one.end.is_none() == is_open && from.is_none_or(|from| one.start > from);
            evidence.excursions.iter().filter(such).cloned().collect()
        };
        if told(self, false) != told(newer, false) {
            return true;
        }
        let open = |evidence: &'_ Self| -> Vec<(Name, ValidAt)> {
            told(evidence, true).into_iter().map(|one| (one.rule, one.start)).collect()
        };
        let (before, after) = (open(self), open(newer));
        // One that opened behind the watermark is just new data; one that opened before it came late.
        let late = |start: ValidAt| self.watermark.is_some_and(|watermark| start < watermark);
        before.iter().any(|one| !after.contains(one)) || after.iter().any(|one| !before.contains(one) && late(one.1))
    }

    /// Whether this goes beyond everything that was `accepted`: another firing excursion or more time in one, or budget
    /// or life used above each accepted figure. What is a matter of figures alone is judged by them alone, and a model
    /// that did not hold at another instant is news. `adds_up` tells cumulative rules.
    pub(super) fn goes_beyond(&self, accepted: &[&Self], cause: &Cause, adds_up: &impl Fn(&Name) -> bool) -> bool {
        // Of what was accepted without figures any figure is more.
        let exceeds = |accepted: &&Self| {
            let (now, then) = (self.basis.figures(), accepted.basis.figures());
            now.is_some_and(|now| then.is_none_or(|then| now.exceed(then)))
        };
        if accepted.iter().all(exceeds) {
            return true;
        }
        let code = if let Cause::Finding { code, .. } = cause { Some(*code) } else { None };
        if matches!(code, Some(ReasonCode::Budget | ReasonCode::EffectiveExpiry | ReasonCode::Expired)) {
            return false;
        }
        let known = |since: &ValidAt| accepted.iter().any(|evidence| evidence.since.contains(since));
        if code == Some(ReasonCode::ModelRange) && !self.since.iter().all(known) {
            return true;
        }
        let before: Vec<(i64, i64)> =
            accepted.iter().flat_map(|evidence| evidence.firing(adds_up)).map(reach).collect();
        self.firing(adds_up).map(reach).any(|new| is_news(new, &before))
    }

    /// The excursions in which a rule fired; of a cumulative rule that fired, all.
    fn firing<'a>(&'a self, adds_up: &'a impl Fn(&Name) -> bool) -> impl Iterator<Item = &'a Excursion> {
        self.excursions.iter().filter(move |excursion| {
            let ended = |at: ValidAt| excursion.end.is_some_and(|end| end < at);
            let mut fired =
                self.alarms.iter().filter(|alarm| alarm.rule == excursion.rule).filter_map(|alarm| alarm.at);
            fired.any(|at| adds_up(&excursion.rule) || (excursion.start <= at && !ended(at)))
        })
    }
}

/// From when to when an excursion was out, in milliseconds since the epoch; an open one to the last reading.
#[expect(clippy::cast_possible_truncation, reason = "a saturated end is still an end")]
fn reach(excursion: &Excursion) -> (i64, i64) {
    let start = excursion.start.millis();
    let lasted_ms = (excursion.duration_s * 1000.0).ceil() as i64;
    (start, excursion.end.map_or_else(|| start.saturating_add(lasted_ms), ValidAt::millis))
}

/// Whether `new` touches none of `before`, or has time outside all of them.
fn is_news((from, to): (i64, i64), before: &[(i64, i64)]) -> bool {
    let mut touching: Vec<_> = before.iter().copied().filter(|(start, end)| *start <= to && from <= *end).collect();
    if touching.is_empty() {
        return true;
    }
    touching.sort_unstable();
    let (mut covered_to, mut outside_ms) = (from, 0_i64);
    for (start, end) in touching {
        outside_ms = outside_ms.saturating_add(start.saturating_sub(covered_to).max(0));
        covered_to = covered_to.max(end);
    }
    outside_ms.saturating_add(to.saturating_sub(covered_to).max(0)) > ROUNDING_MS
}
