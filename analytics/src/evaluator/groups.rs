//! Cohorts that one reading concerns alike.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use model::gs1::Gtin;
use model::instant::ValidAt;
use model::name::Name;
use model::registry::Registry;
use store::ledger::Neighbours;

use super::cohorts::{CohortId, Cohorts};

/// Cohorts of one product under the same sensors right now.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) gtin: Gtin,
    /// Those first that stand there longest.
    pub(super) cohorts: Vec<CohortId>,
    /// The levels each sensor's newest reading is beyond, by the version of the product they are of.
    pub(super) beyond: HashMap<Name, (u32, u64)>,
    /// When something can fire at the soonest, as long as the levels stay the same, by cohort.
    soonest: BTreeSet<(ValidAt, CohortId)>,
    /// Their units, made when somebody asks.
    neighbours: Option<Arc<Neighbours>>,
}

/// All groups, and which sensors concern which.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    all: Vec<Group>,
    of_sensor: HashMap<Name, Vec<usize>>,
    of_cohort: HashMap<CohortId, usize>,
    soonest: HashMap<CohortId, ValidAt>,
}

impl Groups {
    /// The groups of all cohorts that are not closed. What is known of sensors and cohorts that stay is kept.
    pub(super) fn regroup(&mut self, cohorts: &Cohorts) {
        let before = std::mem::take(self);
        let mut beyond: HashMap<(Gtin, &Name), (u32, u64)> = HashMap::new();
        for group in &before.all {
            beyond.extend(group.beyond.iter().map(|(sensor, of)| ((group.gtin, sensor), *of)));
        }
        let mut known: HashMap<(Gtin, &[Name]), usize> = HashMap::new();
        for (id, cohort) in cohorts.iter().filter(|(_, cohort)| !cohort.past.custody.closed) {
            let (gtin, sensors) = (cohort.past.gtin, cohort.past.sensors_now());
            let index = *known.entry((gtin, sensors)).or_insert_with(|| {
                let index = self.all.len();
                let kept =
                    sensors.iter().filter_map(|sensor| Some((sensor.clone(), beyond.get(&(gtin, sensor)).copied()?)));
                let (beyond, soonest) = (kept.collect(), BTreeSet::new());
                self.all.push(Group { gtin, cohorts: Vec::new(), beyond, soonest, neighbours: None });
                for sensor in sensors {
                    self.of_sensor.entry(sensor.clone()).or_default().push(index);
                }
                index
            });
            self.all[index].cohorts.push(id);
            self.of_cohort.insert(id, index);
            if let Some(at) = before.soonest.get(&id) {
                self.plan(id, Some(*at));
            }
        }
        for group in &mut self.all {
            group.cohorts.sort_by_cached_key(|id| (standing_since(cohorts, *id), *id));
        }
    }

    /// The groups that a reading of `sensor` concerns.
    pub(super) fn of_sensor(&self, sensor: &Name) -> Vec<usize> {
        self.of_sensor.get(sensor).cloned().unwrap_or_default()
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut Group> {
        self.all.get_mut(index)
    }

    /// The units of the group of cohort `id`, and of those of them since when; `None` for one that is closed.
    pub(super) fn neighbours(
        &mut self,
        id: CohortId,
        cohorts: &Cohorts,
        registry: &Registry,
    ) -> Option<Arc<Neighbours>> {
        let group = self.of_cohort.get(&id).and_then(|index| self.all.get_mut(*index))?;
        let standing = |id: &CohortId| Some((standing_since(cohorts, *id)?, Arc::clone(&cohorts.get(*id)?.units)));
        let all = || Arc::new(Neighbours::new(registry, group.cohorts.iter().filter_map(standing).collect()));
        Some(Arc::clone(group.neighbours.get_or_insert_with(all)))
    }

    /// Notes when something can fire for a cohort at the soonest.
    pub(super) fn plan(&mut self, id: CohortId, at: Option<ValidAt>) {
        let Some(group) = self.of_cohort.get(&id).and_then(|index| self.all.get_mut(*index)) else { return };
        if let Some(before) = self.soonest.remove(&id) {
            group.soonest.remove(&(before, id));
        }
        if let Some(at) = at {
            self.soonest.insert(id, at);
            group.soonest.insert((at, id));
        }
    }

    /// The cohorts of a group for which something may fire at `at`, those first that stand there longest; they are planned anew
    /// once they were looked at.
    pub(super) fn firing(&mut self, index: usize, at: ValidAt, cohorts: &Cohorts) -> Vec<CohortId> {
        let Some(group) = self.all.get_mut(index) else { return Vec::new() };
        let mut firing = Vec::new();
        while group.soonest.first().is_some_and(|(soonest, _)| *soonest <= at) {
            if let Some((_, id)) = group.soonest.pop_first() {
                self.soonest.remove(&id);
                firing.push(id);
            }
        }
        firing.sort_by_cached_key(|id| (standing_since(cohorts, *id), *id));
        firing
    }
}

/// Since when a cohort is under the sensors it is under right now.
fn standing_since(cohorts: &Cohorts, id: CohortId) -> Option<ValidAt> {
    cohorts.get(id)?.past.under_them_since()
}
