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
    /// When they were put together, and when they have to be next if nobody says anything more.
    as_of: Option<ValidAt>,
    until: Option<ValidAt>,
    of_sensor: HashMap<Name, Vec<usize>>,
    of_cohort: HashMap<CohortId, usize>,
    soonest: HashMap<CohortId, ValidAt>,
}

impl Groups {
    /// The groups of all cohorts that are not closed, as of now. What is known of sensors and cohorts that stay is kept.
    pub(super) fn regroup(&mut self, cohorts: &Cohorts, now: ValidAt) {
        let before = std::mem::take(self);
        self.as_of = Some(now);
        self.until = cohorts.iter().filter_map(|(_, cohort)| cohort.past.changes_after(now)).min();
        let mut beyond: HashMap<(Gtin, &Name), (u32, u64)> = HashMap::new();
        for group in &before.all {
            beyond.extend(group.beyond.iter().map(|(sensor, of)| ((group.gtin, sensor), *of)));
        }
        let mut known: HashMap<(Gtin, &[Name]), usize> = HashMap::new();
        for (id, cohort) in cohorts.iter().filter(|(_, cohort)| !cohort.past.is_closed(now)) {
            let (gtin, sensors) = (cohort.past.gtin, cohort.past.sensors_at(now));
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
            group.cohorts.sort_by_cached_key(|id| (standing_since(cohorts, *id, now), *id));
        }
    }

    /// Whether something that was declared beforehand has begun or ended since they were put together.
    pub(super) fn are_over(&self, now: ValidAt) -> bool {
        self.until.is_some_and(|until| until <= now)
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
        let as_of = self.as_of?;
        let standing =
            |id: &CohortId| Some((standing_since(cohorts, *id, as_of)?, Arc::clone(&cohorts.get(*id)?.units)));
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
        if let Some(as_of) = self.as_of {
            firing.sort_by_cached_key(|id| (standing_since(cohorts, *id, as_of), *id));
        }
        firing
    }
}

/// Since when a cohort is under the sensors it is under at an instant.
fn standing_since(cohorts: &Cohorts, id: CohortId, at: ValidAt) -> Option<ValidAt> {
    cohorts.get(id)?.past.under_them_since(at)
}

#[cfg(test)]
mod tests {
    use model::instant::RecordedAt;
    use model::registry::RegistryDocument;
    use serde_json::json;

    use super::*;
    use crate::custody::{Custody, Index};
    use crate::fleet::Fleet;

    const BEGIN: i64 = 1_790_000_000_000;
    const HOUR: i64 = 3_600_000;

    #[test]
    fn what_is_declared_for_later_counts_when_it_has_come() {
        let gtin = "09506000134352";
        let unit = |id: &str| json!({ "id": id, "gtin": gtin, "lot": "L", "quantity": 9, "place": "P", "at": BEGIN });
        let document = json!({
            "products": [{ "gtin": gtin, "kinetics": { "model": "none" } }],
            "lots": [{ "gtin": gtin, "lot": "L", "expires_on": "2099-01-01" }],
            "places": [{ "id": "P", "kind": "store" }],
            "units": [unit("STAYS"), unit("LEAVES")],
            "associations": [
                { "sensor": "LENT", "place": "P", "from": BEGIN - HOUR, "to": BEGIN + 2 * HOUR },
                { "sensor": "OWN", "place": "P", "from": BEGIN + 2 * HOUR },
            ],
            "closures": [{ "unit": "LEAVES", "at": BEGIN + 3 * HOUR, "kind": "delivered" }],
        });
        let document = RegistryDocument::from_value(&document).unwrap();
        let registry = Registry::default().plan(&document, RecordedAt::from_millis(0)).unwrap().after;
        let (mut cohorts, index, mut groups) = (Cohorts::new(8), Index::new(&registry), Groups::default());
        let far = ValidAt::from_millis(i64::MAX);
        let units = Fleet::units(&registry).into_iter();
        cohorts.regroup(&registry, units.map(|unit| (Custody::of(&registry, &index, &unit, far), unit)));
        let mut seen = Vec::new();
        for hour in 1..5 {
            let now = ValidAt::from_millis(BEGIN + hour * HOUR);
            if hour == 1 || groups.are_over(now) {
                groups.regroup(&cohorts, now);
            }
            let of = |sensor: &str| -> usize {
                let groups_of = groups.of_sensor(&Name::parse(sensor).unwrap());
                groups_of.into_iter().filter_map(|index| groups.all.get(index)).map(|group| group.cohorts.len()).sum()
            };
            seen.push((of("LENT"), of("OWN")));
        }
        assert_eq!(seen, [(2, 0), (0, 2), (0, 1), (0, 1)]);
        assert!(!groups.are_over(far), "nothing more is declared");
    }
}
