//! All holds, acceptances and alarms: what the ledger's events come to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::alarm::{Acknowledgement, AlarmId, RaisedAlarm, Subject};
use super::evidence::Evidence;
use super::{Acceptance, Act, Hold, HoldId, HoldState, IncidentId, Meaning, Quarantine, Scope, Version};
use crate::instant::{RecordedAt, ValidAt};
use crate::name::Name;
use crate::registry::Registry;

/// Everything held, accepted and raised, as of one event of the ledger. A copy shares all of it until it is changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Holds {
    holds: Arc<BTreeMap<HoldId, Arc<Hold>>>,
    of_units: Arc<BTreeMap<Name, Vec<HoldId>>>,
    /// Holds on lots and places.
    wide: Arc<BTreeSet<HoldId>>,
    of_incidents: Arc<BTreeMap<IncidentId, Vec<HoldId>>>,
    acceptances: Arc<BTreeMap<Name, Arc<Acceptance>>>,
    alarms: Arc<BTreeMap<AlarmId, Arc<RaisedAlarm>>>,
    of_subjects: Arc<BTreeMap<Subject, Vec<AlarmId>>>,
}

/// What one event changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// A hold.
    Hold(HoldId),
    /// What was accepted of a unit.
    Acceptance(Name),
    /// An alarm.
    Alarm(AlarmId),
}

/// One hold a person acted on.
#[derive(Clone, Debug, PartialEq)]
pub struct Acted {
    /// The hold.
    pub hold: HoldId,
    /// SHA-256 of its canonical record before the act, in hexadecimal.
    pub record: Box<str>,
    /// For a release: what was accepted.
    pub accepted: Option<Evidence>,
}

/// What a unit has of its own, for [`decide`](super::decide).
#[derive(Clone, Debug, Default)]
pub struct UnitHolds<'a> {
    /// The holds on the unit itself, by id.
    pub own: Vec<&'a Hold>,
    /// The holds of the units it was split from that had been released before the split was recorded.
    pub inherited: Vec<&'a Hold>,
}

impl Holds {
    /// The hold `id`.
    #[must_use]
    pub fn get(&self, id: HoldId) -> Option<&Arc<Hold>> {
        self.holds.get(&id)
    }

    /// All holds, by id.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Hold>> + ExactSizeIterator {
        self.holds.values()
    }

    /// The holds on `unit` itself, by id.
    pub fn of_unit(&self, unit: &Name) -> impl Iterator<Item = &Arc<Hold>> {
        self.of_units.get(unit).into_iter().flatten().filter_map(|id| self.holds.get(id))
    }

    /// The holds of `incident`, by id.
    pub fn of_incident(&self, incident: &IncidentId) -> impl Iterator<Item = &Arc<Hold>> {
        self.of_incidents.get(incident).into_iter().flatten().filter_map(|id| self.holds.get(id))
    }

    /// Every hold, ended ones too, that concerns `unit` at `at`, by id: its own, its lot's, those of the places it is
    /// in.
    #[must_use]
    pub fn concerning(&self, registry: &Registry, unit: &Name, at: ValidAt) -> Vec<&Hold> {
        let mut found: Vec<&Hold> = self.of_unit(unit).map(Arc::as_ref).collect();
        if self.wide.is_empty() {
            return found;
        }
        let lot = registry.lot_of(unit);
        let around = registry.place_of(unit, at).map(|place| registry.places_around(&place)).unwrap_or_default();
        let wide = self.wide.iter().filter_map(|id| self.holds.get(id)).map(Arc::as_ref);
        found.extend(wide.filter(|hold| match &hold.scope {
            Scope::Unit(_) => false,
            Scope::Lot(held) => lot.as_ref() == Some(held),
            Scope::Place(held) => around.contains(held),
        }));
        found.sort_unstable_by_key(|hold| hold.id);
        found
    }

    /// What `unit` has of its own, and what it has from the units it was split from.
    #[must_use]
    pub fn unit(&self, registry: &Registry, unit: &Name) -> UnitHolds<'_> {
        let released = |hold: &&Hold, by: RecordedAt| {
            hold.state == HoldState::Released && hold.ended_at().is_some_and(|ended| ended <= by)
        };
        let ancestors = registry.ancestors_of(unit);
        let inherited = ancestors.iter().flat_map(|(ancestor, split_at)| {
            self.of_unit(ancestor).map(Arc::as_ref).filter(move |hold| released(hold, *split_at))
        });
        UnitHolds { own: self.of_unit(unit).map(Arc::as_ref).collect(), inherited: inherited.collect() }
    }

    /// What was accepted for `unit`, and before a split for the units it comes from.
    pub fn acceptances_for(&self, registry: &Registry, unit: &Name) -> impl Iterator<Item = &Arc<Acceptance>> {
        let earlier = registry.ancestors_of(unit).into_iter().filter_map(|(ancestor, split_at)| {
            self.acceptances.get(&ancestor).filter(|earlier| earlier.at <= split_at)
        });
        self.acceptances.get(unit).into_iter().chain(earlier)
    }

    /// What was accepted of `unit` last.
    #[must_use]
    pub fn acceptance(&self, unit: &Name) -> Option<&Arc<Acceptance>> {
        self.acceptances.get(unit)
    }

    /// All alarms, by id.
    pub fn alarms(&self) -> impl DoubleEndedIterator<Item = &Arc<RaisedAlarm>> + ExactSizeIterator {
        self.alarms.values()
    }

    /// The alarm `id`.
    #[must_use]
    pub fn alarm(&self, id: AlarmId) -> Option<&Arc<RaisedAlarm>> {
        self.alarms.get(&id)
    }

    /// Places `hold`, or puts back one that the ledger holds; an earlier state of it is replaced.
    pub fn put(&mut self, hold: Hold) {
        if !self.holds.contains_key(&hold.id) {
            match &hold.scope {
                Scope::Unit(unit) => {
                    Arc::make_mut(&mut self.of_units).entry(unit.clone()).or_default().push(hold.id);
                }
                Scope::Lot(_) | Scope::Place(_) => {
                    Arc::make_mut(&mut self.wide).insert(hold.id);
                }
            }
            Arc::make_mut(&mut self.of_incidents).entry(hold.incident.clone()).or_default().push(hold.id);
        }
        Arc::make_mut(&mut self.holds).insert(hold.id, Arc::new(hold));
    }

    /// Puts what was accepted of a unit; the acceptance before it no longer counts.
    pub fn put_acceptance(&mut self, acceptance: Acceptance) {
        Arc::make_mut(&mut self.acceptances).insert(acceptance.unit.clone(), Arc::new(acceptance));
    }

    /// The alarms about `subject`, by id.
    pub fn alarms_about(&self, subject: &Subject) -> impl Iterator<Item = &Arc<RaisedAlarm>> {
        self.of_subjects.get(subject).into_iter().flatten().filter_map(|id| self.alarms.get(id))
    }

    /// Whether `alarm` was raised before.
    #[must_use]
    pub fn has_alarm(&self, alarm: &RaisedAlarm) -> bool {
        self.alarms_about(&alarm.subject).any(|known| known.is_same(alarm))
    }

    /// The alarm about what lasts of `subject` (that a sensor is silent, that a channel does not deliver), if it still
    /// does.
    #[must_use]
    pub fn lasting(&self, subject: &Subject) -> Option<AlarmId> {
        let open = |alarm: &&Arc<RaisedAlarm>| alarm.code.lasts() && alarm.cleared_at.is_none();
        self.alarms_about(subject).find(open).map(|alarm| alarm.id)
    }

    /// Puts an alarm.
    pub fn put_alarm(&mut self, alarm: RaisedAlarm) {
        if !self.alarms.contains_key(&alarm.id) {
            let of_subject = Arc::make_mut(&mut self.of_subjects);
            of_subject.entry(alarm.subject.clone()).or_default().push(alarm.id);
        }
        Arc::make_mut(&mut self.alarms).insert(alarm.id, Arc::new(alarm));
    }

    /// Adds a version of a hold's evidence.
    ///
    /// # Errors
    /// When there is no such hold, or it has ended.
    pub fn add_version(&mut self, id: HoldId, evidence: Evidence, recorded_at: RecordedAt) -> Result<(), String> {
        let mut hold = self.undecided(id)?;
        hold.evidence.push(Version { recorded_at, evidence });
        self.put(hold);
        Ok(())
    }

    /// Moves a hold on as a person said. `quarantine` is where the goods are to be, and whether they are there.
    ///
    /// # Errors
    /// When there is no such hold, it has ended, or it cannot be released.
    pub fn act(
        &mut self,
        acted: Acted,
        meaning: Meaning,
        (by, at, reason): (&Name, RecordedAt, &str),
        quarantine: Option<&(Name, bool)>,
    ) -> Result<(), String> {
        let mut hold = self.undecided(acted.hold)?;
        if meaning == Meaning::Released && !hold.cause.can_be_released() {
            return Err(format!("hold `{}` cannot be released: what has expired stays so", hold.id));
        }
        hold.state = meaning.state();
        if let Some((place, confirmed)) = quarantine {
            let confirmed = confirmed.then(|| (by.clone(), at));
            hold.quarantine = Some(Quarantine { place: place.clone(), confirmed });
        }
        let (by, reason) = (by.clone(), reason.into());
        hold.acts.push(Act { meaning, by, at, reason, record: acted.record, accepted: acted.accepted });
        self.put(hold);
        Ok(())
    }

    /// Ends an alarm.
    ///
    /// # Errors
    /// When there is no such alarm, or it has ended.
    pub fn clear_alarm(&mut self, id: AlarmId, at: ValidAt) -> Result<(), String> {
        let alarm = self.alarms.get(&id).ok_or_else(|| format!("there is no alarm `{id}`"))?;
        if alarm.cleared_at.is_some() {
            return Err(format!("alarm `{id}` has ended already"));
        }
        let mut alarm = RaisedAlarm::clone(alarm);
        alarm.cleared_at = Some(at);
        self.put_alarm(alarm);
        Ok(())
    }

    /// Notes that a person has taken note of an alarm.
    ///
    /// # Errors
    /// When there is no such alarm, or somebody has before.
    pub fn acknowledge_alarm(&mut self, id: AlarmId, acknowledgement: Acknowledgement) -> Result<(), String> {
        let alarm = self.alarms.get(&id).ok_or_else(|| format!("there is no alarm `{id}`"))?;
        if let Some(earlier) = &alarm.acknowledged {
            return Err(format!("alarm `{id}` was acknowledged already, by `{}`", earlier.by));
        }
        let mut alarm = RaisedAlarm::clone(alarm);
        alarm.acknowledged = Some(acknowledgement);
        self.put_alarm(alarm);
        Ok(())
    }

    fn undecided(&self, id: HoldId) -> Result<Hold, String> {
        let hold = self.holds.get(&id).ok_or_else(|| format!("there is no hold `{id}`"))?;
        if !hold.state.is_undecided() {
            return Err(format!("hold `{id}` was {} already", hold.state.as_str()));
        }
        Ok(Hold::clone(hold))
    }
}
