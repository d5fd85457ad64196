//! The issuing question: what stands against taking a unit out.

use std::sync::Arc;

use chrono::NaiveDate;

use super::book::Holds;
use super::{Acceptance, Cause, HoldId, HoldState, IncidentId, Scope};
use crate::assessment::{Assessment, Interval, Reason, ReasonCode, Verdict};
use crate::instant::{RecordedAt, ValidAt};
use crate::name::Name;
use crate::registry::{PlaceKind, Product, Registry};

/// One thing that stands against issuing a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A hold on it, on its lot, or on where it is.
    Hold {
        /// The unit.
        unit: Name,
        /// The hold.
        hold: HoldId,
        /// What the hold is on.
        scope: Scope,
        /// Why.
        cause: Cause,
        /// Where it stands.
        state: HoldState,
        /// What it belongs to.
        incident: IncidentId,
        /// When it was placed.
        placed_at: RecordedAt,
    },
    /// It is under review, and somebody has to accept it.
    Review {
        /// The unit.
        unit: Name,
        /// What has not been accepted.
        reasons: Vec<Reason>,
    },
    /// Its effective expiry has passed.
    Expired {
        /// The unit.
        unit: Name,
        /// The date on the label.
        labelled_expiry: NaiveDate,
        /// What is left of it.
        effective_expiry: NaiveDate,
        /// The date it is judged at.
        on: NaiveDate,
    },
    /// Too few days are left of it.
    RemainingLife {
        /// The unit.
        unit: Name,
        /// Whole days from the date of issue to the effective expiry.
        remaining_days: i64,
        /// How many the product wants.
        required_days: u32,
        /// The effective expiry.
        effective_expiry: NaiveDate,
    },
}

impl Block {
    /// The stable word.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Hold { .. } => "hold",
            Self::Review { .. } => "review",
            Self::Expired { .. } => "expired",
            Self::RemainingLife { .. } => "remaining_life",
        }
    }
}

/// Everything that stands against issuing the unit of `assessment` at `at`, asked at `now`: holds and reviews as
/// they are when asked, expiry and remaining life at `at`. Empty when nothing does.
#[must_use]
pub fn blocks(registry: &Registry, holds: &Holds, assessment: &Assessment, now: ValidAt, at: ValidAt) -> Vec<Block> {
    let mut blocks = holds_against(registry, holds, &assessment.unit, now);
    blocks.extend(review_block(registry, holds, assessment));
    blocks.extend(life_blocks(registry, assessment, at));
    blocks
}

/// The holds that stand against `unit` at `now`, by id: its own, its lot's, and those of the places it is in.
#[must_use]
pub fn holds_against(registry: &Registry, holds: &Holds, unit: &Name, now: ValidAt) -> Vec<Block> {
    let concerning = holds.concerning(registry, unit, now);
    let standing = concerning.into_iter().filter(|hold| hold.state.blocks());
    let block = |hold: Arc<super::Hold>| Block::Hold {
        unit: unit.clone(),
        hold: hold.id,
        scope: hold.scope.clone(),
        cause: hold.cause.clone(),
        state: hold.state,
        incident: hold.incident.clone(),
        placed_at: hold.placed_at,
    };
    standing.map(block).collect()
}

/// The reasons for review of `assessment` that nobody accepted.
///
/// A reason is told once, from when it first held; what it stands for may have happened again since. It was accepted
/// if all of it was there when somebody accepted it: the first time as it is, the others by the instant looked at.
#[must_use]
pub fn unaccepted(registry: &Registry, holds: &Holds, assessment: &Assessment) -> Vec<Reason> {
    let product = registry.products.get(&assessment.gtin).map(|product| product.record.as_ref());
    let review = assessment.reasons.iter().filter(|reason| reason.verdict == Verdict::Review);
    let open = review.filter(|reason| {
        let covers = |acceptance: &Acceptance| {
            let same = |accepted: &&Reason| accepted.code == reason.code && accepted.rule == reason.rule;
            // The instant of the highest mean moves with every new one: it is no reason of its own.
            let first = |accepted: &Reason| {
                reason.code == ReasonCode::Mkt
                    || reason.at == accepted.at
                    || (accepted.at < reason.at && reason.at <= acceptance.as_of)
            };
            acceptance.reasons.iter().find(same).is_some_and(first)
                && again(reason, assessment, product).into_iter().all(|at| at <= acceptance.as_of.max(reason.at))
        };
        !holds.acceptances_for(registry, &assessment.unit).any(|acceptance| covers(acceptance))
    });
    open.cloned().collect()
}

/// The instants at which what `reason` stands for happened, as far as the assessment tells.
fn again(reason: &Reason, assessment: &Assessment, product: Option<&Product>) -> Vec<ValidAt> {
    match reason.code {
        ReasonCode::Excursion | ReasonCode::Frozen => {
            let of_rule = assessment.alarms.iter().filter(|alarm| Some(&alarm.rule) == reason.rule.as_ref());
            of_rule.filter_map(|alarm| alarm.at).collect()
        }
        ReasonCode::Unmonitored => {
            let Some(longest) = product.and_then(|product| product.max_unmonitored) else { return Vec::new() };
            let longest_ms = i64::try_from(longest.as_millis()).unwrap_or(i64::MAX);
            let reached = |gap: &Interval| gap.from.millis().saturating_add(longest_ms);
            let long = assessment.coverage.gaps.iter().filter(|gap| gap.to.millis() > reached(gap));
            long.map(|gap| ValidAt::from_millis(reached(gap))).collect()
        }
        _ => Vec::new(),
    }
}

/// The block of a review that nobody accepted, if there is one.
#[must_use]
pub fn review_block(registry: &Registry, holds: &Holds, assessment: &Assessment) -> Option<Block> {
    let reasons = unaccepted(registry, holds, assessment);
    (!reasons.is_empty()).then(|| Block::Review { unit: assessment.unit.clone(), reasons })
}

/// What the life that is left of a unit says against issuing it at `at`.
#[must_use]
pub fn life_blocks(registry: &Registry, assessment: &Assessment, at: ValidAt) -> Vec<Block> {
    let mut blocks = Vec::new();
    let (unit, effective_expiry) = (assessment.unit.clone(), assessment.effective_expiry);
    let on = registry.date_at(&unit, at);
    if on > effective_expiry {
        let labelled_expiry = assessment.labelled_expiry;
        blocks.push(Block::Expired { unit: unit.clone(), labelled_expiry, effective_expiry, on });
    }
    let remaining_days = effective_expiry.signed_duration_since(on).num_days();
    let product = registry.products.get(&assessment.gtin);
    if let Some(required_days) = product.and_then(|product| product.min_remaining_days_at_dispatch)
        && remaining_days < i64::from(required_days)
    {
        blocks.push(Block::RemainingLife { unit, remaining_days, required_days, effective_expiry });
    }
    blocks
}

/// What taking a unit somewhere means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// It stays on its site, or goes on the road.
    Within,
    /// It goes to a customer or a hospital, to another site, or to a place nobody registered.
    Out,
}

impl Destination {
    /// What taking `unit` to `to` at `at` means, when nothing that is recorded for `at` or later counts.
    #[must_use]
    pub fn of(registry: &Registry, unit: &Name, to: &Name, at: ValidAt) -> Self {
        let Some(place) = registry.places.get(to) else { return Self::Out };
        if matches!(place.kind, PlaceKind::Customer | PlaceKind::Hospital) {
            return Self::Out;
        }
        let before = ValidAt::from_millis(at.millis().saturating_sub(1));
        match (registry.last_site_of(unit, before), registry.site_of(to)) {
            (Some(from), Some(to)) if from != to => Self::Out,
            _ => Self::Within,
        }
    }
}
