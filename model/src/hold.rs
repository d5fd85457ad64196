//! Holds: what keeps a unit from being issued, from the finding or the person that placed one to the signature that
//! ended it. The outside contract, section 5, is the specification.
//!
//! Everything here is a function of its arguments: [`decide`] says which holds an assessment calls for, [`blocks`]
//! what stands against issuing a unit, and [`Holds`] is what the ledger's events come to. No hold ends without a
//! named person (invariant H2), and every hold names its cause, evidence, watermark and product version (H3).

mod alarm;
mod alike;
mod book;
mod decide;
mod dispatch;
mod evidence;
mod fields;
mod joint;
mod record;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

pub use alarm::{Acknowledgement, AlarmCode, AlarmId, RaisedAlarm, Subject};
pub use alike::Alike;
pub use book::{Acted, Holds, Touched, UnitHolds};
pub use decide::{HoldChange, decide};
pub use dispatch::{Block, Destination, blocks, holds_against, life_blocks, review_block, unaccepted};
pub use evidence::{Basis, Evidence, Figures};
pub use joint::{Joint, JointAlarm, JointHold, Listing};
pub use record::reason_json;

use crate::assessment::{Reason, ReasonCode};
use crate::gs1::LotKey;
use crate::instant::{RecordedAt, ValidAt};
use crate::name::Name;

/// Which hold: the sequence number of the ledger's event that placed it, written `h17`, and of an event that placed
/// many together also which of them, from 1, written `h17.3`. Holds are ordered as they were placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldId {
    event: u64,
    member: u32,
}

impl HoldId {
    /// The hold that the event `number` placed, alone.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self { event: number, member: 0 }
    }

    /// The `member`th, from 1, of the holds that the event `number` placed together.
    #[must_use]
    pub const fn of_member(number: u64, member: u32) -> Self {
        Self { event: number, member }
    }

    /// The event's number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.event
    }

    /// Which of those it was placed together with, from 1; 0 when it was placed alone.
    #[must_use]
    pub const fn member(self) -> u32 {
        self.member
    }

    /// The id `text` spells.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        numbers_after(text, 'h').map(|(event, member)| Self { event, member })
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        spell(f, 'h', self.event, self.member)
    }
}

/// The numbers behind the letter `kind`, in the one spelling they are given out in; the second is 0 when absent.
fn numbers_after(text: &str, kind: char) -> Option<(u64, u32)> {
    let digits = text.strip_prefix(kind)?;
    let (event, member) = match digits.split_once('.') {
        None => (digits.parse().ok()?, 0),
        Some((event, member)) => (event.parse().ok()?, member.parse().ok().filter(|member| *member > 0)?),
    };
    (spelled(event, member) == digits).then_some((event, member))
}

fn spelled(event: u64, member: u32) -> String {
    if member == 0 { event.to_string() } else { format!("{event}.{member}") }
}

fn spell(f: &mut fmt::Formatter<'_>, kind: char, event: u64, member: u32) -> fmt::Result {
    if member == 0 { write!(f, "{kind}{event}") } else { write!(f, "{kind}{event}.{member}") }
}

/// Holds placed by one trace at one instant, or by one person at once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncidentId(Name);

impl IncidentId {
    /// The incident of this name.
    #[must_use]
    pub const fn new(name: Name) -> Self {
        Self(name)
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &Name {
        &self.0
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a hold keeps from being issued.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One unit.
    Unit(Name),
    /// Every unit of a lot.
    Lot(LotKey),
    /// Every unit in a place, or in a place inside of it.
    Place(Name),
}

/// Why a hold was placed. A unit has one open hold per cause.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A person placed it.
    Manual,
    /// An assessment called for it.
    Finding {
        /// What was found.
        code: ReasonCode,
        /// The rule, where one is concerned.
        rule: Option<Name>,
    },
}

impl Cause {
    /// The cause that `reason` is.
    #[must_use]
    pub fn of(reason: &Reason) -> Self {
        Self::Finding { code: reason.code, rule: reason.rule.clone() }
    }

    /// The stable word: `manual`, or that of the reason.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Finding { code, .. } => code.as_str(),
        }
    }

    /// The rule, where one is concerned.
    #[must_use]
    pub const fn rule(&self) -> Option<&Name> {
        match self {
            Self::Manual => None,
            Self::Finding { rule, .. } => rule.as_ref(),
        }
    }

    /// Whether a hold of this cause can be released: what has expired stays so.
    #[must_use]
    pub const fn can_be_released(&self) -> bool {
        !matches!(self, Self::Finding { code: ReasonCode::Expired, .. })
    }
}

/// Where a hold stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HoldState {
    /// Placed, nobody has taken it up.
    Open,
    /// Somebody is looking into it.
    UnderReview,
    /// Ended: the unit may be issued.
    Released,
    /// Ended: the unit must not be issued any more.
    Rejected,
}

impl HoldState {
    /// All states, in the order of a hold's life.
    pub const ALL: [Self; 4] = [Self::Open, Self::UnderReview, Self::Released, Self::Rejected];

    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::UnderReview => "under_review",
            Self::Released => "released",
            Self::Rejected => "rejected",
        }
    }

    /// The state a stable word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether nobody has decided yet.
    #[must_use]
    pub const fn is_undecided(self) -> bool {
        matches!(self, Self::Open | Self::UnderReview)
    }

    /// Whether the unit must not be issued: all but a released one. What was rejected leaves on other ways.
    #[must_use]
    pub const fn blocks(self) -> bool {
        !matches!(self, Self::Released)
    }
}

/// What becomes of a rejected unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// It is destroyed.
    Destroy,
    /// It goes back to where it came from.
    Return,
    /// It is used for less.
    Downgrade,
}

impl Disposition {
    /// All dispositions.
    pub const ALL: [Self; 3] = [Self::Destroy, Self::Return, Self::Downgrade];

    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Destroy => "destroy",
            Self::Return => "return",
            Self::Downgrade => "downgrade",
        }
    }

    /// The disposition a stable word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|disposition| disposition.as_str() == word)
    }
}

/// One hold with its whole past: what is signed when somebody acts on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// What it keeps from being issued.
    pub scope: Scope,
    /// Why.
    pub cause: Cause,
    /// What it belongs to.
    pub incident: IncidentId,
    /// Where it stands.
    pub state: HoldState,
    /// When it was placed.
    pub placed_at: RecordedAt,
    /// Who placed it: a person, or `system`.
    pub author: Name,
    /// What the person who placed it said.
    pub reason: Option<Box<str>>,
    /// The hold of the unit it was split from, when it came with the split.
    pub inherited_from: Option<HoldId>,
    /// What it rests on, every version, oldest first; none for a cause `manual`.
    pub evidence: Vec<Version>,
    /// Where it is to be kept apart physically.
    pub quarantine: Option<Quarantine>,
    /// What was done about it, oldest first.
    pub acts: Vec<Act>,
}

impl Hold {
    /// What was accepted when it was released.
    #[must_use]
    pub fn accepted(&self) -> Option<&Evidence> {
        if self.state != HoldState::Released {
            return None;
        }
        let kept = self.acts.last().and_then(|act| act.accepted.as_ref());
        kept.or_else(|| self.evidence.last().map(|version| version.evidence.as_ref()))
    }

    /// When it ended.
    #[must_use]
    pub fn ended_at(&self) -> Option<RecordedAt> {
        if self.state.is_undecided() { None } else { self.acts.last().map(|act| act.at) }
    }
}

/// One version of what a hold rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// When it was recorded.
    pub recorded_at: RecordedAt,
    /// What it says; holds that were placed together share it.
    pub evidence: Arc<Evidence>,
}

/// The physical side of a hold: a block in a system alone is not enough (EU GDP 2013/C 343/01, 5.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// Where the goods are to be.
    pub place: Name,
    /// Who confirmed that they are there, and when.
    pub confirmed: Option<(Name, RecordedAt)>,
}

/// What a person did about a hold, signed: name, time, meaning, and the SHA-256 of the record they acted on
/// (21 CFR 11.50 and 11.70).
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// What it means.
    pub meaning: Meaning,
    /// Who.
    pub by: Name,
    /// When.
    pub at: RecordedAt,
    /// Why.
    pub reason: Box<str>,
    /// SHA-256 of the hold's canonical record before the act, in hexadecimal.
    pub record: Box<str>,
    /// For a release: what was accepted.
    pub accepted: Option<Evidence>,
}

/// What an act on a hold means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// Somebody took it up.
    UnderReview,
    /// The evidence was accepted.
    Released,
    /// The unit must not be issued any more.
    Rejected(Disposition),
}

impl Meaning {
    /// The state a hold has afterwards; its word is the meaning's.
    #[must_use]
    pub const fn state(self) -> HoldState {
        match self {
            Self::UnderReview => HoldState::UnderReview,
            Self::Released => HoldState::Released,
            Self::Rejected(_) => HoldState::Rejected,
        }
    }

    /// What becomes of the unit.
    #[must_use]
    pub const fn disposition(self) -> Option<Disposition> {
        match self {
            Self::Rejected(disposition) => Some(disposition),
            Self::UnderReview | Self::Released => None,
        }
    }
}

/// That a person accepted everything a unit is under review for. It holds until a reason is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// The unit.
    pub unit: Name,
    /// What was accepted.
    pub reasons: Vec<Reason>,
    /// The instant of the assessment that was looked at.
    pub as_of: ValidAt,
    /// SHA-256 of the readings it was computed from, in hexadecimal.
    pub readings_digest: Box<str>,
    /// Who.
    pub by: Name,
    /// When.
    pub at: RecordedAt,
    /// Why.
    pub reason: Box<str>,
    /// SHA-256 of the canonical record of what was accepted, in hexadecimal.
    pub record: Box<str>,
}
