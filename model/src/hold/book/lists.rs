//! The lists of the book: units that events are about together, and whom these concern alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Holds, List};
use crate::hold::alarm::Subject;
use crate::hold::evidence::Evidence;
use crate::hold::joint::{Joint, JointHold, Listing};
use crate::hold::{Cause, HoldId, Version};
use crate::instant::RecordedAt;
use crate::name::Name;
use crate::registry::Registry;

impl Holds {
    pub(super) fn lists_of(&self, unit: &Name) -> impl Iterator<Item = &Arc<List>> {
        let lists = self.of_units.get(unit).into_iter().flat_map(|of| &of.lists);
        lists.filter_map(|event| self.lists.get(event))
    }

    /// The holds that the event placed together.
    #[must_use]
    pub fn joint(&self, event: u64) -> Option<&Arc<Joint<JointHold>>> {
        self.joint_holds.get(&event)
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
    pub(super) fn list_of(&self, units: &Arc<[Name]>) -> Option<(u64, &Arc<List>)> {
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

    /// Those of `units`, which are given by name and each once, on which themselves no hold for `cause` was ever placed.
    #[must_use]
    pub fn never_held(&self, cause: &Cause, units: &Arc<[Name]>) -> Arc<[Name]> {
        let is_placed = |list: &List| {
            let mut joint = list.holds.iter().filter_map(|event| self.joint_holds.get(event));
            joint.any(|joint| joint.shared.cause == *cause)
        };
        if let Some((_, list)) = self.list_of(units).filter(|(_, list)| !list.is_mixed) {
            return if is_placed(list) { Arc::default() } else { Arc::clone(&list.units) };
        }
        let mut of_lists: BTreeMap<u64, bool> = BTreeMap::new();
        let mut is_held = |unit: &Name| {
            let Some(of) = self.of_units.get(unit) else { return false };
            let mut alone = of.alone.iter().filter_map(|id| self.holds.get(id));
            let mut list = |event: &u64| {
                *of_lists.entry(*event).or_insert_with(|| self.lists.get(event).is_some_and(|list| is_placed(list)))
            };
            alone.any(|hold| hold.cause == *cause) || of.lists.iter().any(&mut list)
        };
        let free: Vec<bool> = units.iter().map(|unit| !is_held(unit)).collect();
        if free.iter().all(|free| *free) {
            return self.shared(units);
        }
        units.iter().zip(free).filter(|(_, free)| *free).map(|(unit, _)| unit.clone()).collect()
    }

    /// Whether `unit` has a record of its own of a hold that was placed together with others.
    fn stands_apart(&self, unit: &Name) -> bool {
        let joint = self.lists_of(unit).flat_map(|list| &list.holds).filter_map(|event| self.joint_holds.get(event));
        joint
            .filter(|joint| !joint.apart.is_empty())
            .any(|joint| joint.member_of(unit).is_some_and(|member| joint.apart.contains(&member)))
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
    pub(super) fn list(&mut self, event: u64, listing: &Listing) -> Result<(u64, Arc<[Name]>), String> {
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
    pub(super) fn mix(&mut self, unit: &Name) {
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
}
