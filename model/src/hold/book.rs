//! All holds, acceptances and alarms: what the ledger's events come to.

mod alarms;
mod lists;
mod shelf;

use std::collections::BTreeSet;
use std::sync::Arc;

use self::shelf::Shelf;
use super::alarm::{AlarmId, RaisedAlarm, Subject};
use super::evidence::Evidence;
use super::joint::{Joint, JointAlarm, JointHold};
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

    /// The holds on lots and places, by id.
    pub fn wide(&self) -> impl Iterator<Item = Arc<Hold>> {
        self.wide.iter().filter_map(|id| self.get(*id))
    }

    /// Puts what was accepted of a unit; the acceptance before it no longer counts.
    pub fn put_acceptance(&mut self, acceptance: Acceptance) {
        self.acceptances.insert(acceptance.unit.clone(), Arc::new(acceptance));
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

    fn undecided(&self, id: HoldId) -> Result<Hold, String> {
        let hold = self.get(id).ok_or_else(|| format!("there is no hold `{id}`"))?;
        if !hold.state.is_undecided() {
            return Err(format!("hold `{id}` was {} already", hold.state.as_str()));
        }
        Ok(Arc::unwrap_or_clone(hold))
    }
}
