//! What an assessment calls for.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::book::UnitHolds;
use super::evidence::Evidence;
use super::{Cause, HoldId, HoldState};
use crate::assessment::{Assessment, Verdict};
use crate::name::Name;

/// What is to be written about a unit's holds.
#[derive(Clone, Debug, PartialEq)]
pub enum HoldChange {
    /// A hold is to be placed, at once.
    Place {
        /// Why.
        cause: Cause,
        /// What it rests on.
        evidence: Arc<Evidence>,
    },
    /// A hold's evidence gets another version.
    Version {
        /// The hold.
        hold: HoldId,
        /// What it rests on now.
        evidence: Arc<Evidence>,
    },
}

/// What `assessment` calls for, given what the unit has (`held`). `adds_up` tells whether a rule is cumulative.
///
/// One open hold per cause. Evidence gets a version only when an excursion of it closes or late data changed what
/// was stored; data never lifts a hold. A rejected cause stays rejected; a released one is held again only for
/// evidence beyond what was accepted. The same assessment twice calls for nothing the second time.
#[must_use]
pub fn decide(held: &UnitHolds, assessment: &Assessment, adds_up: impl Fn(&Name) -> bool) -> Vec<HoldChange> {
    let mut changes = Vec::new();
    for hold in held.own.iter().filter(|hold| hold.state.is_undecided() && hold.cause != Cause::Manual) {
        let Some(latest) = hold.evidence.last() else { continue };
        let evidence = Evidence::of(assessment, &hold.cause);
        if evidence.is_no_older_than(&latest.evidence) && latest.evidence.is_superseded_by(&evidence) {
            changes.push(HoldChange::Version { hold: hold.id, evidence: Arc::new(evidence) });
        }
    }
    let grave = |verdict| matches!(verdict, Verdict::Hold | Verdict::Indeterminate);
    let reasons = assessment.reasons.iter().filter(|reason| grave(reason.verdict));
    let mut seen = BTreeSet::new();
    for cause in reasons.map(Cause::of) {
        if !seen.insert(cause.clone()) {
            continue;
        }
        let of_cause = || held.own.iter().filter(|hold| hold.cause == cause);
        if of_cause().any(|hold| hold.state != HoldState::Released) {
            continue;
        }
        let inherited = held.inherited.iter().filter(|hold| hold.cause == cause);
        let accepted: Vec<&Evidence> = of_cause().chain(inherited).filter_map(|hold| hold.accepted()).collect();
        let evidence = Evidence::of(assessment, &cause);
        if evidence.goes_beyond(&accepted, &cause, &adds_up) {
            changes.push(HoldChange::Place { cause, evidence: Arc::new(evidence) });
        }
    }
    changes
}
