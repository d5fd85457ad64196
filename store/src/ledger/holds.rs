//! Holds: placed by findings and people, decided by named people, and what follows for moves and splits.

pub(crate) mod event;
mod inherit;
mod moves;
mod note;
mod refusal;
pub(crate) mod rows;
mod signature;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use model::assessment::{Assessment, Reason, Verdict};
use model::hold::{
    Acceptance, Acted, AlarmCode, AlarmId, Cause, Evidence, Hold, HoldChange, HoldId, HoldState, Holds, IncidentId,
    JointAlarm, JointHold, Listing, Meaning, Quarantine, RaisedAlarm, Scope, Subject, Version, decide, unaccepted,
};
use model::instant::{RecordedAt, ValidAt};
use model::name::Name;
use model::registry::{Mode, Registry, from_canonical};
use serde_json::Value;

use self::event::{HoldEvent, SignedAct, acceptance_hash, record_hash};
use self::rows::HoldRows;
use super::append::{Prepared, Writing};
use super::event::{Draft, Hash, Sequence};
use super::{Ledger, SYSTEM, Snapshot};
use crate::Error;
use crate::journal::Position;

pub use self::moves::{BlockedMove, Judged};
pub use self::refusal::HoldRefusal;
pub use self::signature::Checked;

/// What the evaluator found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Assessments that may call for holds.
    pub assessed: Vec<Finding>,
    /// Alarms to raise; one that was raised already is not raised again.
    pub alarms: Vec<NewAlarm>,
    /// What lasted and has ended, a sensor's silence for one: whose, and when. What is not open is passed over.
    pub heard: Vec<(Subject, ValidAt)>,
    /// How far in the journal the evaluator has looked, when all of this is written.
    pub position: Option<Position>,
}

/// One assessment, the units it is of, and the trace it was found on.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What is known of each of the units, but for its id.
    pub assessment: Arc<Assessment>,
    /// The units, by name and each once; the assessment's own is among them.
    pub units: Arc<[Name]>,
    /// The trace, and when something was noticed on it: what both are the same for shares an incident.
    pub trace: Box<str>,
    /// See `trace`.
    pub noticed_at: ValidAt,
    /// Rules that fired, to raise an alarm about for each of the units.
    pub fired: Vec<Fired>,
}

/// That a rule fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// The rule.
    pub rule: Name,
    /// When.
    pub at: ValidAt,
    /// What happened, for people.
    pub detail: Box<str>,
}

impl Finding {
    /// The finding about one unit.
    #[must_use]
    pub fn of_unit(assessment: Assessment, trace: &str) -> Self {
        let units = Arc::from([assessment.unit.clone()]);
        let noticed_at = assessment.as_of;
        Self { assessment: Arc::new(assessment), units, trace: trace.into(), noticed_at, fired: Vec::new() }
    }
}

/// An alarm to raise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAlarm {
    /// What it is about.
    pub code: AlarmCode,
    /// Whom it concerns.
    pub subject: Subject,
    /// The rule, where one is concerned.
    pub rule: Option<Name>,
    /// Since when it is so.
    pub at: ValidAt,
    /// What happened, for people.
    pub detail: Box<str>,
}

/// What findings came to. Those that were done together follow one another by member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Holds that were placed.
    pub placed: Vec<HoldId>,
    /// Holds whose evidence got another version.
    pub versioned: Vec<HoldId>,
    /// Alarms that were raised.
    pub raised: Vec<AlarmId>,
    /// Alarms that ended.
    pub cleared: Vec<AlarmId>,
}

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

    /// Does what an assessment calls for, for each part of its units that is held alike.
    fn find(&mut self, finding: &Finding, registry: &Registry, found: &mut Found) -> Result<(), Misfit> {
        let assessment = finding.assessment.as_ref();
        let product = registry.products.get(&assessment.gtin);
        let adds_up = |rule: &Name| {
            let rules = product.map(|product| product.rules.as_slice()).unwrap_or_default();
            rules.iter().any(|known| known.id == *rule && !matches!(known.mode, Mode::Single))
        };
        for units in self.holds.alike(registry, &self.holds.shared(&finding.units)) {
            let Some(first) = units.first() else { continue };
            for change in decide(&self.holds.unit(registry, first), assessment, adds_up) {
                match change {
                    HoldChange::Place { cause, evidence } => {
                        let incident = incident(&finding.trace, finding.noticed_at)?;
                        let evidence = vec![Version { recorded_at: self.at, evidence }];
                        self.place_on(&units, (cause, incident, evidence), found)?;
                    }
                    HoldChange::Version { hold, evidence } => self.renew(&units, hold, &evidence, found)?,
                }
            }
        }
        Ok(())
    }

    /// Places the same hold on each of `units`.
    fn place_on(
        &mut self,
        units: &Arc<[Name]>,
        (cause, incident, evidence): (Cause, IncidentId, Vec<Version>),
        found: &mut Found,
    ) -> Result<(), Misfit> {
        if let [unit] = units.as_ref() {
            let hold = Hold { evidence, ..empty(Scope::Unit(unit.clone()), cause, incident, system()?) };
            found.placed.push(self.place(hold)?);
            return Ok(());
        }
        let event = self.next.get();
        let shared = JointHold { cause, incident, placed_at: self.at, author: system()?, evidence };
        let listing = self.holds.listing(units);
        self.add(HoldEvent::PlacedTogether { event, shared: Box::new(shared), listing })?;
        found.placed.extend(members(units.len()).map(|member| HoldId::of_member(event, member)));
        Ok(())
    }

    /// Adds a version to the evidence of `hold`, which is of the first of `units`, and of those that the others have
    /// from the same event.
    fn renew(
        &mut self,
        units: &Arc<[Name]>,
        hold: HoldId,
        evidence: &Arc<Evidence>,
        found: &mut Found,
    ) -> Result<(), Misfit> {
        let event = hold.get();
        let joint = self.holds.joint(event).filter(|joint| !joint.apart.contains(&hold.member())).cloned();
        let Some(joint) = joint.filter(|_| hold.member() > 0) else {
            self.add(HoldEvent::Versioned { hold, evidence: Arc::clone(evidence) })?;
            found.versioned.push(hold);
            return Ok(());
        };
        if joint.apart.is_empty() && (Arc::ptr_eq(units, &joint.units) || *units == joint.units) {
            let except = Vec::new();
            self.add(HoldEvent::VersionedTogether { event, evidence: Arc::clone(evidence), except })?;
            found.versioned.extend(members(units.len()).map(|member| HoldId::of_member(event, member)));
            return Ok(());
        }
        let concerned: BTreeSet<u32> = units.iter().filter_map(|unit| joint.member_of(unit)).collect();
        let id = |member| HoldId::of_member(event, member);
        // The greater part goes on together, and the smaller one is set apart.
        if concerned.len() > 1 && concerned.len() * 2 >= joint.len() {
            let except = joint.together().filter(|member| !concerned.contains(member)).collect();
            self.add(HoldEvent::VersionedTogether { event, evidence: Arc::clone(evidence), except })?;
            found.versioned.extend(concerned.into_iter().map(id));
            return Ok(());
        }
        for hold in concerned.into_iter().map(id) {
            self.add(HoldEvent::Versioned { hold, evidence: Arc::clone(evidence) })?;
            found.versioned.push(hold);
        }
        Ok(())
    }

    /// Raises an alarm about each of `units`, unless it was raised before.
    fn raise_about(&mut self, units: &Arc<[Name]>, fired: &Fired, found: &mut Found) -> Result<(), Misfit> {
        let Fired { rule, at, detail } = fired.clone();
        let (code, rule) = (AlarmCode::RuleFired, Some(rule));
        let shared = JointAlarm { code, rule, at, raised_at: self.at, detail };
        let units = self.holds.without_alarm(&shared, units);
        match units.as_ref() {
            [] => {}
            [unit] => {
                let JointAlarm { code, rule, at, detail, .. } = shared;
                let subject = Subject::Unit(unit.clone());
                found.raised.extend(self.raise(NewAlarm { code, subject, rule, at, detail })?);
            }
            many => {
                let event = self.next.get();
                found.raised.extend(members(many.len()).map(|member| AlarmId::of_member(event, member)));
                let listing = self.holds.listing(&units);
                self.add(HoldEvent::AlarmRaisedTogether { event, shared: Box::new(shared), listing })?;
            }
        }
        Ok(())
    }

    /// Does everything that `findings` come to.
    fn find_all(&mut self, findings: &Findings, registry: &Registry) -> Result<Found, Misfit> {
        let mut found = Found::default();
        for finding in &findings.assessed {
            self.find(finding, registry, &mut found)?;
        }
        for finding in &findings.assessed {
            let units = self.holds.shared(&finding.units);
            for fired in &finding.fired {
                self.raise_about(&units, fired, &mut found)?;
            }
        }
        for alarm in &findings.alarms {
            found.raised.extend(self.raise(alarm.clone())?);
        }
        for (subject, at) in &findings.heard {
            if let Some(alarm) = self.holds.lasting(subject) {
                self.add(HoldEvent::AlarmCleared { alarm, at: *at })?;
                found.cleared.push(alarm);
            }
        }
        Ok(found)
    }
}

/// The numbers of so many members.
fn members(many: usize) -> impl Iterator<Item = u32> {
    1..=u32::try_from(many).unwrap_or(u32::MAX)
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

    /// Writes what the evaluator found, with its position, in one transaction: all of it or nothing. Each assessment
    /// is judged against the newest state, so that the same findings again change nothing.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn record_findings(&self, findings: Findings) -> Result<Found, Error> {
        let position = findings.position;
        let prepare = move |before: &Snapshot, at: RecordedAt| {
            let mut writing = Drafting::after(before, 0, at);
            match writing.find_all(&findings, &before.registry) {
                Err(what) => Prepared::Nothing(Err(misfit(what))),
                Ok(found) if writing.drafts.is_empty() => Prepared::Nothing(Ok((found, false))),
                Ok(found) => Prepared::Write(Writing { position, ..Writing::of(writing.drafts) }, Ok((found, true))),
            }
        };
        let (found, written) = self.append(prepare).await??;
        if let Some(position) = position.filter(|_| !written) {
            self.0.backend.save_position(position).await?;
        }
        Ok(found)
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
