//! Holds: placed by findings and people, decided by named people, and what follows for moves and splits.

pub(crate) mod event;
mod findings;
mod inherit;
mod moves;
mod neighbours;
mod note;
mod refusal;
pub(crate) mod rows;
mod signature;

use std::collections::HashMap;
use std::sync::Arc;

use model::assessment::{Assessment, Reason, Verdict};
use model::hold::{
    Acceptance, Acted, AlarmId, Cause, Evidence, Hold, HoldId, HoldState, Holds, IncidentId, JointAlarm, JointHold,
    Listing, Meaning, Quarantine, RaisedAlarm, Scope, unaccepted,
};
use model::instant::{RecordedAt, ValidAt};
use model::name::Name;
use model::registry::{Registry, from_canonical};
use serde_json::Value;

use self::event::{HoldEvent, SignedAct, acceptance_hash, record_hash};
use self::rows::HoldRows;
use super::append::{Prepared, Writing};
use super::event::{Draft, Hash, Sequence};
use super::{Ledger, SYSTEM, Snapshot};
use crate::Error;
use crate::journal::Position;

pub use self::findings::{Finding, Findings, Fired, Found, NewAlarm};
pub use self::moves::{BlockedMove, Judged};
pub use self::neighbours::{AlikeLazily, Neighbours};
pub use self::refusal::HoldRefusal;
pub use self::signature::Checked;

/// A hold that a person places.
#[derive(Clone, Debug)]
pub struct NewHold {
    /// On what.
    pub scope: Scope,
    /// Why.
    pub reason: Box<str>,
    /// Where the goods are to be kept apart.
    pub quarantine_place: Option<Name>,
}

/// What a person does about holds.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Which holds.
    pub holds: Vec<HoldId>,
    /// What it means.
    pub meaning: Meaning,
    /// Why.
    pub reason: Box<str>,
    /// For a release: the evidence accepted of each hold; the last version kept, where absent.
    pub accepted: HashMap<HoldId, Evidence>,
    /// Where the goods are to be kept apart, and whether they are there.
    pub quarantine: Option<(Name, bool)>,
}

/// What a transaction about holds has so far: the state, and the events that made it.
pub(super) struct Drafting {
    holds: Holds,
    pub(super) drafts: Vec<Draft>,
    next: Sequence,
    at: RecordedAt,
}

/// What does not fit what is there: a defect of this program, for which nothing is written.
pub(super) type Misfit = String;

impl Drafting {
    /// After `before`, and after `earlier` events of the same transaction.
    pub(super) fn after(before: &Snapshot, earlier: usize, at: RecordedAt) -> Self {
        let next = Sequence::new(before.head.seq.next().get() + earlier as u64);
        Self { holds: before.holds.clone(), drafts: Vec::new(), next, at }
    }

    fn add(&mut self, event: HoldEvent) -> Result<(), Misfit> {
        self.drafts.push(event.draft(&self.holds));
        event.apply(&mut self.holds, self.at)?;
        self.next = self.next.next();
        Ok(())
    }

    /// Places a hold; its id and time are filled in.
    fn place(&mut self, mut hold: Hold) -> Result<HoldId, Misfit> {
        (hold.id, hold.placed_at) = (HoldId::new(self.next.get()), self.at);
        let id = hold.id;
        self.add(HoldEvent::Placed(Box::new(hold)))?;
        Ok(id)
    }

    /// Raises an alarm, unless it was raised before.
    pub(super) fn raise(&mut self, alarm: NewAlarm) -> Result<Option<AlarmId>, Misfit> {
        let NewAlarm { code, subject, rule, at, detail } = alarm;
        let id = AlarmId::new(self.next.get());
        let alarm = RaisedAlarm {
            id,
            code,
            subject,
            rule,
            at,
            raised_at: self.at,
            cleared_at: None,
            detail,
            acknowledged: None,
        };
        if self.holds.has_alarm(&alarm) {
            return Ok(None);
        }
        self.add(HoldEvent::AlarmRaised(Box::new(alarm)))?;
        Ok(Some(id))
    }
}

/// A hold with nothing but what it is on, why, what it belongs to, and by whom.
fn empty(scope: Scope, cause: Cause, incident: IncidentId, author: Name) -> Hold {
    Hold {
        id: HoldId::new(0),
        scope,
        cause,
        incident,
        state: HoldState::Open,
        placed_at: RecordedAt::from_millis(0),
        author,
        reason: None,
        inherited_from: None,
        evidence: Vec::new(),
        quarantine: None,
        acts: Vec::new(),
    }
}

/// The incident of what `trace` came to at `at`: the same for every unit, also when they are told apart.
fn incident(trace: &str, at: ValidAt) -> Result<IncidentId, Misfit> {
    let digest = Hash::of(format!("coldtrail incident 1\n{}\n{trace}", at.millis()).as_bytes()).to_string();
    let short: String = digest.chars().take(16).collect();
    Name::parse(&format!("i{short}")).map(IncidentId::new).map_err(|cause| cause.to_string())
}

/// The name the system acts under.
fn system() -> Result<Name, Misfit> {
    Name::parse(SYSTEM).map_err(|cause| cause.to_string())
}

/// What does not fit, as an error.
pub(super) fn misfit(what: Misfit) -> Error {
    Error::LedgerDamaged { what }
}

impl Ledger {
    /// All holds, acceptances and alarms right now.
    #[must_use]
    pub fn holds(&self) -> Holds {
        self.snapshot().holds
    }

    /// How far in the journal the evaluator had looked when it wrote last.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn evaluated_position(&self) -> Result<Position, Error> {
        self.0.backend.position().await
    }

    /// Places a hold with cause `manual`.
    ///
    /// # Errors
    /// When the database refuses; a hold that cannot be placed is a [`HoldRefusal`].
    pub async fn place_hold(&self, wanted: NewHold, author: &Name) -> Result<Result<Arc<Hold>, HoldRefusal>, Error> {
        let author = author.clone();
        let prepare = move |before: &Snapshot, at: RecordedAt| {
            let NewHold { scope, reason, quarantine_place } = wanted.clone();
            if let Some(what) = missing(&before.registry, &scope) {
                return Prepared::Nothing(Ok(Err(HoldRefusal::NothingThere { what })));
            }
            let same =
                |hold: &Arc<Hold>| hold.scope == scope && hold.cause == Cause::Manual && hold.state.is_undecided();
            let of_unit = |unit: &Name| before.holds.of_unit(unit).filter(&same).last();
            let held = match &scope {
                Scope::Unit(unit) => of_unit(unit),
                Scope::Lot(_) | Scope::Place(_) => before.holds.wide().filter(&same).last(),
            };
            if let Some(held) = held {
                return Prepared::Nothing(Ok(Err(HoldRefusal::Held(held.id))));
            }
            let mut writing = Drafting::after(before, 0, at);
            let place = || {
                let trace = format!("by hand {}", writing.next);
                let incident = incident(&trace, ValidAt::from_millis(at.millis()))?;
                let quarantine = quarantine_place.map(|place| Quarantine { place, confirmed: None });
                let hold = empty(scope, Cause::Manual, incident, author.clone());
                writing.place(Hold { reason: Some(reason), quarantine, ..hold })
            };
            match place() {
                Ok(id) => match writing.holds.get(id) {
                    Some(hold) => Prepared::Write(Writing::of(writing.drafts), Ok(Ok(hold))),
                    None => Prepared::Nothing(Ok(Err(HoldRefusal::Unknown(id)))),
                },
                Err(what) => Prepared::Nothing(Err(misfit(what))),
            }
        };
        self.append(prepare).await?
    }

    /// Moves holds on as the person `by` decided, in one signed act: all of them or none. The signature binds their
    /// name, the time, the meaning and the SHA-256 of each hold's record as it was.
    ///
    /// Whoever calls has made sure that it is that person (invariant H2).
    ///
    /// # Errors
    /// When the database refuses; a decision that cannot be is a [`HoldRefusal`].
    pub async fn decide_holds(
        &self,
        decision: Decision,
        by: &Name,
    ) -> Result<Result<Vec<Arc<Hold>>, HoldRefusal>, Error> {
        let by = by.clone();
        let prepare = move |before: &Snapshot, at: RecordedAt| {
            let holds = match acted(&before.holds, &decision) {
                Ok(holds) => holds,
                Err(refusal) => return Prepared::Nothing(Ok(Err(refusal))),
            };
            let ids: Vec<HoldId> = holds.iter().map(|acted| acted.hold).collect();
            let Decision { meaning, reason, quarantine, .. } = decision.clone();
            let mut writing = Drafting::after(before, 0, at);
            let act = SignedAct { holds, meaning, by: by.clone(), at, reason, quarantine };
            if let Err(what) = writing.add(HoldEvent::Acted(Box::new(act))) {
                return Prepared::Nothing(Err(misfit(what)));
            }
            let after = ids.into_iter().filter_map(|id| writing.holds.get(id)).collect();
            Prepared::Write(Writing::of(writing.drafts), Ok(Ok(after)))
        };
        self.append(prepare).await?
    }

    /// Accepts everything that `assessment` puts its unit under review for, as the person `by`, signed.
    ///
    /// Whoever calls has made sure that it is that person (invariant H2).
    ///
    /// # Errors
    /// When the database refuses; with nothing to accept it is a [`HoldRefusal`].
    pub async fn accept_review(
        &self,
        assessment: &Assessment,
        reason: &str,
        by: &Name,
    ) -> Result<Result<Acceptance, HoldRefusal>, Error> {
        let (assessment, reason, by) = (assessment.clone(), Box::<str>::from(reason), by.clone());
        let prepare = move |before: &Snapshot, at: RecordedAt| {
            if unaccepted(&before.registry, &before.holds, &assessment).is_empty() {
                let what = "the unit is under review for nothing that was not accepted";
                return Prepared::Nothing(Ok(Err(HoldRefusal::Nothing { what })));
            }
            let review = |reason: &&Reason| reason.verdict == Verdict::Review;
            let mut acceptance = Acceptance {
                unit: assessment.unit.clone(),
                reasons: assessment.reasons.iter().filter(review).cloned().collect(),
                as_of: assessment.as_of,
                readings_digest: assessment.provenance.readings_digest.as_str().into(),
                by: by.clone(),
                at,
                reason: reason.clone(),
                record: "".into(),
            };
            acceptance.record = acceptance_hash(&acceptance);
            let mut writing = Drafting::after(before, 0, at);
            match writing.add(HoldEvent::Accepted(Box::new(acceptance.clone()))) {
                Ok(()) => Prepared::Write(Writing::of(writing.drafts), Ok(Ok(acceptance))),
                Err(what) => Prepared::Nothing(Err(misfit(what))),
            }
        };
        self.append(prepare).await?
    }
}

/// What of `scope` is not registered.
fn missing(registry: &Registry, scope: &Scope) -> Option<String> {
    match scope {
        Scope::Unit(unit) => registry.origin(unit).is_none().then(|| format!("unit `{unit}`")),
        Scope::Lot(key) => (!registry.lots.contains(key)).then(|| format!("lot `{key}`")),
        Scope::Place(place) => {
            let known = registry.places.contains(place)
                || registry.places.iter().any(|other| other.parent.as_ref() == Some(place));
            (!known).then(|| format!("place `{place}`"))
        }
    }
}

/// The holds of `decision` with their records' hashes, or why it cannot be.
fn acted(holds: &Holds, decision: &Decision) -> Result<Vec<Acted>, HoldRefusal> {
    if decision.holds.is_empty() {
        return Err(HoldRefusal::Nothing { what: "no undecided hold is meant" });
    }
    let mut found = Vec::with_capacity(decision.holds.len());
    for id in &decision.holds {
        let hold = holds.get(*id).ok_or(HoldRefusal::Unknown(*id))?;
        let wanted = decision.meaning.state();
        // taken up again only to say where the goods are
        let again = hold.state == HoldState::UnderReview && wanted == HoldState::UnderReview;
        if !hold.state.is_undecided() || (again && decision.quarantine.is_none()) {
            return Err(HoldRefusal::State { hold: *id, state: hold.state, wanted });
        }
        if decision.meaning == Meaning::Released && !hold.cause.can_be_released() {
            return Err(HoldRefusal::Expired(*id));
        }
        let accepted = (decision.meaning == Meaning::Released).then(|| {
            let kept = || hold.evidence.last().map(|version| Evidence::clone(&version.evidence));
            decision.accepted.get(id).cloned().or_else(kept)
        });
        found.push(Acted { hold: *id, record: record_hash(&hold), accepted: accepted.flatten() });
    }
    Ok(found)
}

/// Puts `rows` into `holds`, off the runtime's threads.
pub(super) async fn restore(mut holds: Holds, rows: HoldRows) -> Result<Holds, Error> {
    if rows == HoldRows::default() {
        return Ok(holds);
    }
    let work = move || {
        fn read<T>(
            (table, row, body): (&str, impl std::fmt::Display, &str),
            of: fn(&Value) -> Result<T, String>,
        ) -> Result<T, Error> {
            let read = from_canonical(body).map_err(|cause| cause.to_string()).and_then(|body| of(&body));
            read.map_err(|what| Error::LedgerDamaged { what: format!("`{table}` row `{row}`: {what}") })
        }
        for (event, body) in &rows.lists {
            let (event, listing) = (number(*event), read(("events", event, body), Listing::read)?);
            holds.note_list(event, &listing).map_err(misfit)?;
        }
        for row in rows.joint_holds {
            let shared = read(("joint_holds", row.id, &row.body), JointHold::read)?;
            holds.put_joint(number(row.id), shared, &Listing::In(number(row.listed_in))).map_err(misfit)?;
        }
        for row in rows.joint_alarms {
            let shared = read(("joint_alarms", row.id, &row.body), JointAlarm::read)?;
            holds.put_joint_alarm(number(row.id), shared, &Listing::In(number(row.listed_in))).map_err(misfit)?;
        }
        for row in rows.holds {
            holds.put(read(("holds", row.id, &row.body), Hold::read)?);
        }
        for row in rows.acceptances {
            holds.put_acceptance(read(("review_acceptances", &row.unit, &row.body), Acceptance::read)?);
        }
        for row in rows.alarms {
            holds.put_alarm(read(("alarms", row.id, &row.body), RaisedAlarm::read)?);
        }
        Ok(holds)
    };
    tokio::task::spawn_blocking(work).await.map_err(|source| Error::LedgerTask { source })?
}

/// An event's number as a database keeps it.
fn number(event: i64) -> u64 {
    u64::try_from(event).unwrap_or(0)
}
