//! All holds, acceptances and alarms: what the ledger's events come to.

mod shelf;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::shelf::Shelf;
use super::alarm::{Acknowledgement, AlarmId, RaisedAlarm, Subject};
use super::evidence::Evidence;
use super::joint::{Joint, JointAlarm, JointHold, Listing};
use super::{Acceptance, Act, Hold, HoldId, HoldState, IncidentId, Meaning, Quarantine, Scope, Version};
use crate::instant::{RecordedAt, ValidAt};
use crate::name::Name;
use crate::registry::Registry;

/// Everything held, accepted and raised, as of one event of the ledger. A copy shares all of it, and a change copies
/// little more than what it changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Holds {
    /// Holds with a record of their own.
    holds: Shelf<HoldId, Arc<Hold>>,
    /// Holds that were placed together, by event.
    joint_holds: Shelf<u64, Arc<Joint<JointHold>>>,
    /// Units that events list, by event.
    lists: Shelf<u64, Arc<List>>,
    of_units: Shelf<Name, OfUnit>,
    /// Holds on lots and places.
    wide: Arc<BTreeSet<HoldId>>,
    of_incidents: Shelf<IncidentId, OfIncident>,
    acceptances: Shelf<Name, Arc<Acceptance>>,
    /// Alarms with a record of their own.
    alarms: Shelf<AlarmId, Arc<RaisedAlarm>>,
    /// Alarms that were raised together, by event.
    joint_alarms: Shelf<u64, Arc<Joint<JointAlarm>>>,
    of_subjects: Shelf<Subject, Vec<AlarmId>>,
}

/// Units that an event lists, and the events that are about exactly these.
#[derive(Clone, Debug, PartialEq)]
struct List {
    units: Arc<[Name]>,
    holds: Vec<u64>,
    alarms: Vec<u64>,
    /// Whether something concerns some of them and not the others: a hold or an alarm of one alone, another list.
    is_mixed: bool,
}

/// Where a unit's holds and alarms are found.
#[derive(Clone, Debug, Default, PartialEq)]
struct OfUnit {
    /// Holds that were placed on it alone.
    alone: Vec<HoldId>,
    /// The lists it is on.
    lists: Vec<u64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct OfIncident {
    alone: Vec<HoldId>,
    joint: Vec<u64>,
}

/// What one event changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// A hold.
    Hold(HoldId),
    /// Holds that an event placed together.
    JointHold(u64),
    /// What was accepted of a unit.
    Acceptance(Name),
    /// An alarm.
    Alarm(AlarmId),
    /// Alarms that an event raised together.
    JointAlarm(u64),
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
pub struct UnitHolds {
    /// The holds on the unit itself, by id.
    pub own: Vec<Arc<Hold>>,
    /// The holds of the units it was split from that had been released before the split was recorded.
    pub inherited: Vec<Arc<Hold>>,
}

impl Holds {
    /// The hold `id`.
    #[must_use]
    pub fn get(&self, id: HoldId) -> Option<Arc<Hold>> {
        if let Some(hold) = self.holds.get(&id) {
            return Some(Arc::clone(hold));
        }
        self.joint_holds.get(&id.get())?.hold(id.member()).map(Arc::new)
    }

    /// How many holds there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.holds.iter().count() + self.joint_holds.iter().map(|(_, joint)| joint.len()).sum::<usize>()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All holds, by id.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Arc<Hold>> {
        self.after(None)
    }

    /// The holds behind `after`, by id; all of them without it.
    pub fn after(&self, after: Option<HoldId>) -> impl DoubleEndedIterator<Item = Arc<Hold>> {
        let first = after.unwrap_or(HoldId::new(0));
        let alone = self.holds.from(first).map(|(id, _)| *id);
        let joint = self
            .joint_holds
            .from(first.get())
            .flat_map(|(_, joint)| joint.together().map(|member| HoldId::of_member(joint.event, member)));
        let mut ids: Vec<HoldId> = alone.chain(joint).filter(|id| after.is_none_or(|after| *id > after)).collect();
        ids.sort();
        ids.into_iter().filter_map(|id| self.get(id))
    }

    /// The holds on `unit` itself, by id.
    pub fn of_unit<'a>(&'a self, unit: &Name) -> impl Iterator<Item = Arc<Hold>> + use<'a> {
        let of = self.of_units.get(unit);
        let joint = self.lists_of(unit).flat_map(|list| &list.holds).filter_map(|event| {
            let member = self.joint_holds.get(event)?.member_of(unit)?;
            Some(HoldId::of_member(*event, member))
        });
        let mut ids: Vec<HoldId> = of.into_iter().flat_map(|of| of.alone.iter().copied()).chain(joint).collect();
        ids.sort_unstable();
        ids.into_iter().filter_map(|id| self.get(id))
    }

    fn lists_of(&self, unit: &Name) -> impl Iterator<Item = &Arc<List>> {
        let lists = self.of_units.get(unit).into_iter().flat_map(|of| &of.lists);
        lists.filter_map(|event| self.lists.get(event))
    }

    /// The holds of `incident`, by id.
    pub fn of_incident<'a>(&'a self, incident: &IncidentId) -> impl Iterator<Item = Arc<Hold>> + use<'a> {
        let of = self.of_incidents.get(incident);
        let joint = of.into_iter().flat_map(|of| &of.joint).filter_map(|event| self.joint_holds.get(event));
        let members = joint.flat_map(|joint| {
            let last = u32::try_from(joint.units.len()).unwrap_or(u32::MAX);
            (1..=last).map(|member| HoldId::of_member(joint.event, member))
        });
        let mut ids: Vec<HoldId> = of.into_iter().flat_map(|of| of.alone.iter().copied()).chain(members).collect();
        ids.sort();
        ids.into_iter().filter_map(|id| self.get(id))
    }

    /// Whether a person did something about one of the holds of `incident`. What a split child has from the unit it
    /// comes from does not count.
    #[must_use]
    pub fn is_acted_on(&self, incident: &IncidentId) -> bool {
        let Some(of) = self.of_incidents.get(incident) else { return false };
        let joint = of.joint.iter().filter_map(|event| self.joint_holds.get(event));
        let apart = joint.flat_map(|joint| joint.apart.iter().map(|member| HoldId::of_member(joint.event, *member)));
        let holds = of.alone.iter().copied().chain(apart).filter_map(|id| self.holds.get(&id));
        holds.into_iter().any(|hold| !hold.acts.is_empty() && hold.inherited_from.is_none())
    }

    /// Whether a person has taken note of the alarm `id`, or, when it is the event's of many, of one of these.
    #[must_use]
    pub fn is_acknowledged(&self, id: AlarmId) -> bool {
        let joint = self.joint_alarms.get(&id.get()).filter(|_| id.member() == 0);
        let apart = joint.into_iter().flat_map(|joint| &joint.apart);
        let ids = std::iter::once(id).chain(apart.map(|member| AlarmId::of_member(id.get(), *member)));
        ids.filter_map(|id| self.alarms.get(&id)).any(|alarm| alarm.acknowledged.is_some())
    }

    /// The holds that the event placed together.
    #[must_use]
    pub fn joint(&self, event: u64) -> Option<&Arc<Joint<JointHold>>> {
        self.joint_holds.get(&event)
    }

    /// The alarms that the event raised together.
    #[must_use]
    pub fn joint_alarm(&self, event: u64) -> Option<&Arc<Joint<JointAlarm>>> {
        self.joint_alarms.get(&event)
    }

    /// The units that the event lists.
    #[must_use]
    pub fn listed_in(&self, event: u64) -> Option<&Arc<[Name]>> {
        self.lists.get(&event).map(|list| &list.units)
    }

    /// How an event tells that it is about `units`, which are given by name and each once.
    #[must_use]
    pub fn listing(&self, units: &Arc<[Name]>) -> Listing {
        let known = self.list_of(units).map(|(event, _)| Listing::In(event));
        known.unwrap_or_else(|| Listing::Here(Arc::clone(units)))
    }

    /// `units`, shared with the list of exactly these if there is one: then they are quickly known to be the same.
    #[must_use]
    pub fn shared(&self, units: &Arc<[Name]>) -> Arc<[Name]> {
        Arc::clone(self.list_of(units).map_or(units, |(_, list)| &list.units))
    }

    /// The event that lists exactly `units`.
    fn list_of(&self, units: &Arc<[Name]>) -> Option<(u64, &Arc<List>)> {
        let lists = units.first().and_then(|first| self.of_units.get(first)).map(|of| of.lists.as_slice());
        let known = lists.unwrap_or_default().iter().filter_map(|event| Some((*event, self.lists.get(event)?)));
        known.rev().find(|(_, list)| Arc::ptr_eq(&list.units, units) || list.units == *units)
    }

    /// `units` in parts that [`decide`](super::decide) alike for: those whose own holds were all placed together with
    /// those of the others, and each of the rest for itself.
    #[must_use]
    pub fn alike(&self, registry: &Registry, units: &Arc<[Name]>) -> Vec<Arc<[Name]>> {
        let has_parent = |unit: &Name| registry.splits_into(unit).next().is_some();
        if let Some((_, list)) = self.list_of(units).filter(|(_, list)| !list.is_mixed) {
            let mut joint = list.holds.iter().filter_map(|event| self.joint_holds.get(event));
            if joint.all(|joint| joint.apart.is_empty())
                && (registry.splits.iter().next().is_none() || !units.iter().any(has_parent))
            {
                return vec![Arc::clone(units)];
            }
        }
        let mut together: BTreeMap<&[u64], Vec<&Name>> = BTreeMap::new();
        let mut alone = Vec::new();
        for unit in units.iter() {
            let of = self.of_units.get(unit);
            let lists = of.map(|of| of.lists.as_slice()).unwrap_or_default();
            let by_itself = of.is_some_and(|of| !of.alone.is_empty()) || self.stands_apart(unit) || has_parent(unit);
            if by_itself {
                alone.push(Arc::from([unit.clone()]));
            } else {
                together.entry(lists).or_default().push(unit);
            }
        }
        if alone.is_empty() && together.len() == 1 {
            return vec![Arc::clone(units)];
        }
        let together = together.into_values().map(|part| part.into_iter().cloned().collect());
        together.chain(alone).collect()
    }

    /// Whether `unit` has a record of its own of a hold that was placed together with others.
    fn stands_apart(&self, unit: &Name) -> bool {
        let joint = self.lists_of(unit).flat_map(|list| &list.holds).filter_map(|event| self.joint_holds.get(event));
        joint
            .filter(|joint| !joint.apart.is_empty())
            .any(|joint| joint.member_of(unit).is_some_and(|member| joint.apart.contains(&member)))
    }

    /// Every hold, ended ones too, that concerns `unit` at `at`, by id: its own, its lot's, those of the places it is
    /// in.
    #[must_use]
    pub fn concerning(&self, registry: &Registry, unit: &Name, at: ValidAt) -> Vec<Arc<Hold>> {
        let mut found: Vec<Arc<Hold>> = self.of_unit(unit).collect();
        if self.wide.is_empty() {
            return found;
        }
        let lot = registry.lot_of(unit);
        let around = registry.place_of(unit, at).map(|place| registry.places_around(&place)).unwrap_or_default();
        let wide = self.wide.iter().filter_map(|id| self.get(*id));
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
    pub fn unit(&self, registry: &Registry, unit: &Name) -> UnitHolds {
        let released = |hold: &Arc<Hold>, by: RecordedAt| {
            hold.state == HoldState::Released && hold.ended_at().is_some_and(|ended| ended <= by)
        };
        let ancestors = registry.ancestors_of(unit);
        let inherited = ancestors
            .iter()
            .flat_map(|(ancestor, split_at)| self.of_unit(ancestor).filter(move |hold| released(hold, *split_at)));
        UnitHolds { own: self.of_unit(unit).collect(), inherited: inherited.collect() }
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
    pub fn alarms(&self) -> impl DoubleEndedIterator<Item = Arc<RaisedAlarm>> {
        self.alarms_after(None)
    }

    /// The alarms behind `after`, by id; all of them without it.
    pub fn alarms_after(&self, after: Option<AlarmId>) -> impl DoubleEndedIterator<Item = Arc<RaisedAlarm>> {
        let first = after.unwrap_or(AlarmId::new(0));
        let alone = self.alarms.from(first).map(|(id, _)| *id);
        let joint = self
            .joint_alarms
            .from(first.get())
            .flat_map(|(_, joint)| joint.together().map(|member| AlarmId::of_member(joint.event, member)));
        let mut ids: Vec<AlarmId> = alone.chain(joint).filter(|id| after.is_none_or(|after| *id > after)).collect();
        ids.sort();
        ids.into_iter().filter_map(|id| self.alarm(id))
    }

    /// Alarms that were not raised together with others, by id; those about a sensor, a place, a channel or an account
    /// are all among them.
    pub fn single_alarms(&self) -> impl Iterator<Item = &Arc<RaisedAlarm>> {
        self.alarms.iter().map(|(_, alarm)| alarm)
    }

    /// The alarm `id`.
    #[must_use]
    pub fn alarm(&self, id: AlarmId) -> Option<Arc<RaisedAlarm>> {
        if let Some(alarm) = self.alarms.get(&id) {
            return Some(Arc::clone(alarm));
        }
        self.joint_alarms.get(&id.get())?.alarm(id.member()).map(Arc::new)
    }

    /// Places `hold`, or puts back one that the ledger holds; an earlier state of it is replaced. One that was placed
    /// together with others stands apart from then on.
    pub fn put(&mut self, hold: Hold) {
        let id = hold.id;
        if id.member() > 0 {
            if let Some(joint) = self.joint_holds.get(&id.get()).filter(|joint| !joint.apart.contains(&id.member())) {
                let mut joint = Arc::clone(joint);
                // let go of here, so that it is not copied for each member of many
                self.joint_holds.remove(&id.get());
                Arc::make_mut(&mut joint).apart.insert(id.member());
                self.joint_holds.insert(id.get(), joint);
            }
        } else if !self.holds.contains(&id) {
            match &hold.scope {
                Scope::Unit(unit) => {
                    self.of_units.entry(unit.clone()).alone.push(id);
                    self.mix(unit);
                }
                Scope::Lot(_) | Scope::Place(_) => {
                    Arc::make_mut(&mut self.wide).insert(id);
                }
            }
            self.of_incidents.entry(hold.incident.clone()).alone.push(id);
        }
        self.holds.insert(id, Arc::new(hold));
    }

    /// Places holds together, as the event `event` says, or puts them back as an earlier one left them.
    ///
    /// # Errors
    /// When the units are nowhere listed.
    pub fn put_joint(&mut self, event: u64, shared: JointHold, listing: &Listing) -> Result<(), String> {
        let (listed_in, units) = self.list(event, listing)?;
        let before = self.joint_holds.get(&event).map(|joint| joint.apart.clone());
        if before.is_none() {
            if let Some(list) = self.lists.get(&listed_in) {
                let mut list = List::clone(list);
                list.holds.push(event);
                self.lists.insert(listed_in, Arc::new(list));
            }
            self.of_incidents.entry(shared.incident.clone()).joint.push(event);
        }
        let joint = Joint { event, shared, listed_in, units, apart: before.unwrap_or_default() };
        self.joint_holds.insert(event, Arc::new(joint));
        Ok(())
    }

    /// Raises alarms together, as the event `event` says, or puts them back.
    ///
    /// # Errors
    /// When the units are nowhere listed.
    pub fn put_joint_alarm(&mut self, event: u64, shared: JointAlarm, listing: &Listing) -> Result<(), String> {
        let (listed_in, units) = self.list(event, listing)?;
        let before = self.joint_alarms.get(&event).map(|joint| joint.apart.clone());
        if let Some(list) = self.lists.get(&listed_in).filter(|_| before.is_none()) {
            let mut list = List::clone(list);
            list.alarms.push(event);
            self.lists.insert(listed_in, Arc::new(list));
        }
        let joint = Joint { event, shared, listed_in, units, apart: before.unwrap_or_default() };
        self.joint_alarms.insert(event, Arc::new(joint));
        Ok(())
    }

    /// The holds on lots and places, by id.
    pub fn wide(&self) -> impl Iterator<Item = Arc<Hold>> {
        self.wide.iter().filter_map(|id| self.get(*id))
    }

    /// Notes the units that an event lists, before what the ledger keeps about them is put back.
    ///
    /// # Errors
    /// When it lists none.
    pub fn note_list(&mut self, event: u64, listing: &Listing) -> Result<(), String> {
        match listing {
            Listing::Here(_) => self.list(event, listing).map(|_| ()),
            Listing::In(_) => Err(format!("event {event} lists no units")),
        }
    }

    /// The event that lists the units, and the units; notes a list that is new.
    fn list(&mut self, event: u64, listing: &Listing) -> Result<(u64, Arc<[Name]>), String> {
        match listing {
            Listing::In(earlier) => {
                let units = self.listed_in(*earlier).ok_or_else(|| format!("event {earlier} lists no units"))?;
                Ok((*earlier, Arc::clone(units)))
            }
            Listing::Here(units) => {
                if !self.lists.contains(&event) {
                    let mut is_mixed = false;
                    for unit in units.iter() {
                        is_mixed |= self.of_subjects.contains(&Subject::Unit(unit.clone()));
                        is_mixed |= self.of_units.contains(unit);
                        self.mix(unit);
                        self.of_units.entry(unit.clone()).lists.push(event);
                    }
                    let (holds, alarms) = (Vec::new(), Vec::new());
                    self.lists.insert(event, Arc::new(List { units: Arc::clone(units), holds, alarms, is_mixed }));
                }
                Ok((event, Arc::clone(units)))
            }
        }
    }

    /// Notes that something concerns `unit` and not all of those it is listed with.
    fn mix(&mut self, unit: &Name) {
        let lists = self.of_units.get(unit).map(|of| of.lists.clone()).unwrap_or_default();
        for event in &lists {
            if let Some(list) = self.lists.get(event).filter(|list| !list.is_mixed) {
                let list = List { is_mixed: true, ..List::clone(list) };
                self.lists.insert(*event, Arc::new(list));
            }
        }
    }

    /// Gives one of the holds that were placed together a record of its own, as it is.
    ///
    /// # Errors
    /// When there is no such hold.
    pub fn set_apart(&mut self, id: HoldId) -> Result<(), String> {
        let hold = self.get(id).ok_or_else(|| format!("there is no hold `{id}`"))?;
        self.put(Arc::unwrap_or_clone(hold));
        Ok(())
    }

    /// Adds a version of the evidence that holds placed together share.
    ///
    /// # Errors
    /// When there are none.
    pub fn add_joint_version(
        &mut self,
        event: u64,
        evidence: Arc<Evidence>,
        recorded_at: RecordedAt,
    ) -> Result<(), String> {
        let joint = self.joint_holds.get(&event).ok_or_else(|| format!("event {event} placed no holds together"))?;
        let mut joint = Joint::clone(joint);
        joint.shared.evidence.push(Version { recorded_at, evidence });
        self.joint_holds.insert(event, Arc::new(joint));
        Ok(())
    }

    /// Puts what was accepted of a unit; the acceptance before it no longer counts.
    pub fn put_acceptance(&mut self, acceptance: Acceptance) {
        self.acceptances.insert(acceptance.unit.clone(), Arc::new(acceptance));
    }

    /// The alarms about `subject`, by id.
    pub fn alarms_about<'a>(&'a self, subject: &Subject) -> impl Iterator<Item = Arc<RaisedAlarm>> + use<'a> {
        let alone = self.of_subjects.get(subject).into_iter().flatten().copied();
        let unit = if let Subject::Unit(unit) = subject { Some(unit) } else { None };
        let joint = unit.into_iter().flat_map(|unit| {
            self.lists_of(unit).flat_map(|list| &list.alarms).filter_map(|event| {
                let member = self.joint_alarms.get(event)?.member_of(unit)?;
                Some(AlarmId::of_member(*event, member))
            })
        });
        let mut ids: Vec<AlarmId> = alone.chain(joint).collect();
        ids.sort_unstable();
        ids.into_iter().filter_map(|id| self.alarm(id))
    }

    /// Whether `alarm` was raised before.
    #[must_use]
    pub fn has_alarm(&self, alarm: &RaisedAlarm) -> bool {
        self.alarms_about(&alarm.subject).any(|known| known.is_same(alarm))
    }

    /// The units of `units` for which `alarm` was not raised before.
    #[must_use]
    pub fn without_alarm(&self, alarm: &JointAlarm, units: &Arc<[Name]>) -> Arc<[Name]> {
        let is_told = |list: &List| {
            let mut joint = list.alarms.iter().filter_map(|event| self.joint_alarms.get(event));
            joint.any(|joint| joint.shared.is_same(alarm))
        };
        let listed = self.list_of(units).map(|(_, list)| list);
        match listed {
            Some(list) if is_told(list) => return Arc::default(),
            Some(list) if !list.is_mixed => return Arc::clone(units),
            _ => {}
        }
        let is_new = |unit: &Name| {
            let subject = Subject::Unit(unit.clone());
            let alone = self.of_subjects.get(&subject).into_iter().flatten().filter_map(|id| self.alarms.get(id));
            let mut others = self.lists_of(unit).filter(|list| listed.is_none_or(|this| !Arc::ptr_eq(this, list)));
            let same = alarm.of(AlarmId::new(0), subject.clone());
            !others.any(|list| is_told(list)) && !alone.into_iter().any(|known| known.is_same(&same))
        };
        if units.iter().all(is_new) {
            return Arc::clone(units);
        }
        units.iter().filter(|unit| is_new(unit)).cloned().collect()
    }

    /// The alarm about what lasts of `subject` (that a sensor is silent, that a channel does not deliver), if it still
    /// does.
    #[must_use]
    pub fn lasting(&self, subject: &Subject) -> Option<AlarmId> {
        let alarms = self.of_subjects.get(subject)?.iter().filter_map(|id| self.alarms.get(id));
        alarms.into_iter().find(|alarm| alarm.code.lasts() && alarm.cleared_at.is_none()).map(|alarm| alarm.id)
    }

    /// Puts an alarm. One that was raised together with others stands apart from then on.
    pub fn put_alarm(&mut self, alarm: RaisedAlarm) {
        let id = alarm.id;
        if id.member() > 0 {
            if let Some(joint) = self.joint_alarms.get(&id.get()).filter(|joint| !joint.apart.contains(&id.member())) {
                let mut joint = Joint::clone(joint);
                joint.apart.insert(id.member());
                self.joint_alarms.insert(id.get(), Arc::new(joint));
            }
        } else if !self.alarms.contains(&id) {
            self.of_subjects.entry(alarm.subject.clone()).push(id);
            if let Subject::Unit(unit) = &alarm.subject {
                self.mix(unit);
            }
        }
        self.alarms.insert(id, Arc::new(alarm));
    }

    /// Adds a version of a hold's evidence.
    ///
    /// # Errors
    /// When there is no such hold, or it has ended.
    pub fn add_version(&mut self, id: HoldId, evidence: Arc<Evidence>, recorded_at: RecordedAt) -> Result<(), String> {
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
        let alarm = self.alarm(id).ok_or_else(|| format!("there is no alarm `{id}`"))?;
        if alarm.cleared_at.is_some() {
            return Err(format!("alarm `{id}` has ended already"));
        }
        let mut alarm = Arc::unwrap_or_clone(alarm);
        alarm.cleared_at = Some(at);
        self.put_alarm(alarm);
        Ok(())
    }

    /// Notes that a person has taken note of an alarm.
    ///
    /// # Errors
    /// When there is no such alarm, or somebody has before.
    pub fn acknowledge_alarm(&mut self, id: AlarmId, acknowledgement: Acknowledgement) -> Result<(), String> {
        let alarm = self.alarm(id).ok_or_else(|| format!("there is no alarm `{id}`"))?;
        if let Some(earlier) = &alarm.acknowledged {
            return Err(format!("alarm `{id}` was acknowledged already, by `{}`", earlier.by));
        }
        let mut alarm = Arc::unwrap_or_clone(alarm);
        alarm.acknowledged = Some(acknowledgement);
        self.put_alarm(alarm);
        Ok(())
    }

    fn undecided(&self, id: HoldId) -> Result<Hold, String> {
        let hold = self.get(id).ok_or_else(|| format!("there is no hold `{id}`"))?;
        if !hold.state.is_undecided() {
            return Err(format!("hold `{id}` was {} already", hold.state.as_str()));
        }
        Ok(Arc::unwrap_or_clone(hold))
    }
}
