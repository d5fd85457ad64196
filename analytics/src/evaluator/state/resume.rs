//! Going on from a checkpoint, and what the next one is made of.

use std::collections::HashMap;
use std::sync::Arc;

use model::name::Name;
use model::registry::Registry;

use super::State;
use crate::assess::AssessError;
use crate::custody;
use crate::evaluator::checkpoint::{Checkpoints, Facts, Restored};
use crate::evaluator::cohorts::{Cohort, CohortId};
use crate::evaluator::memory::Unseen;
use crate::evaluator::traced::{LATE_MS, Traced};

/// What was known before the start.
pub(super) struct BeforeStart {
    pub(super) facts: HashMap<Name, Facts>,
    /// What came that was not known.
    pub(super) unseen: HashMap<Name, Unseen>,
}

impl State {
    /// Takes up the registry for the first time, and what the checkpoint before has of it.
    pub(in crate::evaluator) async fn start(&mut self, checkpoints: Option<&Checkpoints>) -> Result<(), AssessError> {
        self.before = match checkpoints {
            Some(checkpoints) => checkpoints.read().await.map(|restored| (checkpoints.clone(), restored)),
            None => None,
        };
        self.registry_changed().await
    }

    /// Takes up what was folded of units before the start, but for what came that is not in it.
    pub(super) async fn inherit(
        &mut self,
        checkpoints: &Checkpoints,
        restored: Restored,
    ) -> Result<BeforeStart, AssessError> {
        let Restored { files, sensors: facts, pasts } = restored;
        let unseen = self.memory.unseen(checkpoints.without(files)).await?;
        let first_since = |sensor: &Name| unseen.get(sensor).map(|unseen| unseen.first);
        let mut inherited = HashMap::new();
        for (units, bytes) in pasts {
            let registered = units.iter().find_map(|unit| custody::registered(&self.registry, unit));
            let product = registered.and_then(|unit| self.registry.products.get(&unit.gtin));
            let Some(profile) = product.map(|product| self.profiles.get(product)) else { continue };
            if let Some(traced) = Traced::from_bytes(&bytes, profile, &first_since) {
                inherited.extend(units.into_iter().map(|unit| (unit, traced.clone())));
            }
        }
        metrics::gauge!("coldtrail_evaluator_units_resumed").set(inherited.len() as f64);
        self.cohorts.inherit(inherited);
        Ok(BeforeStart { facts, unseen })
    }

    /// Reads of the sensors that were known before the start what their cohorts need to go on.
    pub(super) async fn resume(
        &mut self,
        registry: &Registry,
        facts: HashMap<Name, Facts>,
        unseen: &HashMap<Name, Unseen>,
    ) -> Result<(), AssessError> {
        let late = (self.now)().millis().saturating_sub(LATE_MS);
        let known = facts.into_iter().map(|(sensor, facts)| {
            let cohorts = self.cohorts.of_sensor(&sensor).iter().filter_map(|id| self.cohorts.get(*id));
            let needed = cohorts.filter_map(|cohort| cohort.traced.needs(&sensor, late));
            let unseen = unseen.get(&sensor).map(|unseen| unseen.first);
            let since = needed.chain(unseen).fold(late, i64::min);
            (sensor, facts, since)
        });
        let known = known.collect();
        self.memory.resume(registry, known, unseen).await?;
        // Of those that were not known then, all is read.
        let travellers =
            unseen.iter().filter(|(sensor, unseen)| unseen.names_units && self.memory.told(sensor).is_none());
        self.needed.extend(travellers.map(|(sensor, _)| (sensor.clone(), None)));
        for cohort in self.cohorts.iter_mut() {
            let past = Arc::clone(&cohort.past);
            for sensor in past.sensors() {
                if let Some(told) = self.memory.told(sensor) {
                    cohort.traced.is_up_to(sensor, told);
                }
            }
        }
        Ok(())
    }

    /// What is known of every sensor without its readings.
    pub(in crate::evaluator) fn facts(&self) -> Vec<(Name, Facts)> {
        self.memory.facts()
    }

    /// What is folded of every cohort, with its units: nothing that was told until now makes it wrong.
    pub(in crate::evaluator) fn pasts(&self) -> Vec<(Arc<[Name]>, Traced)> {
        let past = |(_, cohort): (CohortId, &Cohort)| {
            let mut traced = cohort.traced.clone();
            traced.catch_up(|sensor| self.memory.told(sensor));
            (Arc::clone(&cohort.units), traced)
        };
        self.cohorts.iter().map(past).collect()
    }
}
