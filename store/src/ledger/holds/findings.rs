//! What the evaluator found, and what it comes to: holds, new versions of evidence, alarms.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::assessment::Assessment;
use model::hold::{
    AlarmCode, AlarmId, Alike, Cause, Evidence, Hold, HoldChange, HoldId, IncidentId, JointAlarm, JointHold, Scope,
    Subject, Version, decide,
};
use model::instant::{RecordedAt, ValidAt};
use model::name::Name;
use model::registry::{Mode, Registry};

use super::event::HoldEvent;
use super::neighbours::{AlikeLazily, Neighbours};
use super::{Drafting, Misfit, empty, incident, misfit, system};
use crate::Error;
use crate::journal::Position;
use crate::ledger::append::{Prepared, Writing};
use crate::ledger::{Ledger, Snapshot};

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
    /// Who stands under the same sensors right now, the units among them.
    pub neighbours: Arc<Neighbours>,
    /// Firings that these have as well.
    pub alike: AlikeLazily,
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
        Self {
            assessment: Arc::new(assessment),
            units,
            trace: trace.into(),
            noticed_at,
            fired: Vec::new(),
            neighbours: Arc::default(),
            alike: AlikeLazily::default(),
        }
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

impl Drafting {
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
                        let (all, evidence) = match self.held_alike(finding, &units, &cause) {
                            Some((all, shared)) => (all, Arc::new(shared)),
                            None => (Arc::clone(&units), evidence),
                        };
                        let evidence = vec![Version { recorded_at: self.at, evidence }];
                        self.place_on(&all, (cause, incident, evidence), found)?;
                    }
                    HoldChange::Version { hold, evidence } => {
                        if !self.renew_shared(finding, hold, found)? {
                            self.renew(&units, hold, &evidence, found)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// All neighbours of `units`, these among them, that are to be held for the same, and what they have in common of it; `None`
    /// when that is nobody else.
    fn held_alike(&self, finding: &Finding, units: &[Name], cause: &Cause) -> Option<(Arc<[Name]>, Evidence)> {
        let alike = finding.alike_for(cause)?;
        let all = self.holds.never_held(cause, &finding.neighbours_with(alike, units)?);
        let is_wider = all.len() > units.len() && units.iter().all(|unit| all.binary_search(unit).is_ok());
        is_wider.then(|| (all, Evidence::shared(&finding.assessment, cause, alike.from)))
    }

    /// Adds a version to the evidence that `hold` shares with others, for all of them that stand where its unit stands; `false`
    /// when it shares none, or does not stand with most of them any more.
    fn renew_shared(&mut self, finding: &Finding, hold: HoldId, found: &mut Found) -> Result<bool, Misfit> {
        let event = hold.get();
        let Some(joint) = self.holds.joint(event).cloned() else { return Ok(false) };
        let latest = joint.shared.evidence.last().and_then(|version| version.evidence.basis.from());
        let Some(from) = latest.filter(|_| !joint.apart.contains(&hold.member())) else { return Ok(false) };
        let standing = finding.neighbours.since(from);
        let stands = |member: &u32| joint.unit(*member).is_some_and(|unit| standing.binary_search(unit).is_ok());
        let (concerned, except): (Vec<u32>, Vec<u32>) = joint.together().partition(stands);
        if !stands(&hold.member()) || concerned.len() * 2 < joint.len() {
            return Ok(false);
        }
        let evidence = Arc::new(Evidence::shared(&finding.assessment, &joint.shared.cause, from));
        self.add(HoldEvent::VersionedTogether { event, evidence, except })?;
        found.versioned.extend(concerned.into_iter().map(|member| HoldId::of_member(event, member)));
        Ok(true)
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

    /// Raises an alarm about each unit of `finding` and about those neighbours that have the same, unless it was raised
    /// before.
    fn raise_about(&mut self, finding: &Finding, fired: &Fired, found: &mut Found) -> Result<(), Misfit> {
        let Fired { rule, at, detail } = fired.clone();
        let (code, rule) = (AlarmCode::RuleFired, Some(rule));
        let shared = JointAlarm { code, rule, at, raised_at: self.at, detail };
        let mut units = self.holds.without_alarm(&shared, &self.holds.shared(&finding.units));
        let is_same = |alike: &&Alike| alike.rule == fired.rule && alike.at == fired.at;
        if !units.is_empty()
            && let Some(alike) = finding.alike.get().iter().find(is_same)
            && let Some(all) = finding.neighbours_with(alike, &units)
        {
            units = self.holds.without_alarm(&shared, &self.holds.shared(&all));
        }
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
            for fired in &finding.fired {
                self.raise_about(finding, fired, &mut found)?;
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

impl Ledger {
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
}

/// The numbers of so many members.
fn members(many: usize) -> impl Iterator<Item = u32> {
    1..=u32::try_from(many).unwrap_or(u32::MAX)
}
