//! What cohorts under the same sensors have in common: who stands there, and which firings all of them share.

use std::sync::Arc;

use model::assessment::Assessment;
use model::hold::Alike;
use model::instant::ValidAt;
use store::ledger::Neighbours;

use super::cohorts::Past;
use super::work::Sources;
use crate::kernel::Last;

/// A cohort's neighbours, itself among them.
#[derive(Clone, Debug)]
pub(super) struct Neighbourhood {
    /// What the cohort went through.
    pub(super) past: Arc<Past>,
    /// Who stands where it stands right now.
    pub(super) neighbours: Arc<Neighbours>,
}

impl Neighbourhood {
    /// The firings in `assessment` that neighbours have as well.
    pub(super) fn alike(&self, assessment: &Assessment, sources: &Sources) -> Vec<Alike> {
        let Some(product) = sources.registry.products.get(&assessment.gtin) else { return Vec::new() };
        let Some(standing_since) = self.past.under_them_since(sources.as_of) else { return Vec::new() };
        let last_before = |before: ValidAt| -> Vec<Last> {
            let told = self.past.sensors_at(sources.as_of).iter().map(|sensor| sources.sensors.get(sensor));
            told.map(|told| Some(told?.kept.last_before(before.millis()))).collect::<Option<_>>().unwrap_or_default()
        };
        let mut alike = sources.profiles.get(product).local_firings(assessment, &last_before);
        alike.retain(|alike| standing_since <= alike.since);
        alike
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use model::hold::{Cause, Evidence};
    use model::name::Name;
    use proptest::prelude::*;

    use super::*;
    use crate::custody::{Custody, Index};
    use crate::evaluator::told::Told;
    use crate::fleet::random::{BEGIN, Draw, MINUTE, readings, registry};
    use crate::fleet::{Fleet, Kept, Profiles};
    use crate::kernel::Sample;
    use crate::logs::Logs;

    /// Whether every firing that is said to be the neighbours' is theirs, to the last figure; how often one was.
    fn compare(seed: u64) -> usize {
        let mut draw = Draw::new(seed);
        let registry = Arc::new(registry(&mut draw, 8));
        let (mut logs, mut newest) = (Logs::default(), BEGIN);
        for reading in readings(&mut draw, 300) {
            let (log, at) = (logs.of(reading.sensor.clone()), reading.measured_at.millis());
            log.temperature.extend(reading.temperature.map(|value| Sample { at, value: value.millidegrees() }));
            log.humidity.extend(reading.humidity.map(|value| Sample { at, value: value.thousandths() }));
            newest = newest.max(at);
        }
        let told = |sensor: &Name| {
            let log = logs.get(sensor).cloned().unwrap_or_default();
            Arc::new(Told { kept: Kept::new(&log, &registry, sensor, None), ..Told::default() })
        };
        let sensors: HashMap<Name, Arc<Told>> =
            registry.sensors.iter().map(|sensor| (sensor.id.clone(), told(&sensor.id))).collect();
        let (index, profiles) = (Arc::new(Index::new(&registry)), Arc::new(Profiles::default()));
        let mut shared = 0;
        for _ in 0..12 {
            let as_of = BEGIN + draw.below(u64::try_from(newest - BEGIN).unwrap_or(0) + 1) + draw.of(&[0, 30 * MINUTE]);
            let as_of = ValidAt::from_millis(as_of);
            let sources = Sources {
                registry: Arc::clone(&registry),
                index: Arc::clone(&index),
                profiles: Arc::clone(&profiles),
                sensors: sensors.clone(),
                as_of,
            };
            let fleet = Fleet::new(&registry, &logs, &profiles, as_of, None);
            let assessed: Vec<(Arc<Past>, Assessment)> = Fleet::units(&registry)
                .into_iter()
                .filter_map(|unit| {
                    let custody = Custody::of(&registry, &index, &unit, as_of).filter(|custody| !custody.closed)?;
                    Some((Arc::new(Past::of(&registry, &unit, custody)?), fleet.assess(&unit)?))
                })
                .collect();
            for (past, assessment) in &assessed {
                let around = Neighbourhood { past: Arc::clone(past), neighbours: Arc::default() };
                for Alike { rule, at, since, from } in around.alike(assessment, &sources) {
                    let cause =
                        Cause::Finding { code: model::assessment::ReasonCode::Excursion, rule: Some(rule.clone()) };
                    let evidence = Evidence::shared(assessment, &cause, from);
                    assert!(evidence.alarms.iter().any(|alarm| alarm.at == Some(at)), "seed {seed}");
                    for (other, theirs) in &assessed {
                        let stands = other.sensors_at(as_of) == past.sensors_at(as_of)
                            && other.under_them_since(as_of).is_some_and(|standing| standing <= since);
                        if stands && theirs.unit != assessment.unit {
                            let same = Evidence::shared(theirs, &cause, from);
                            assert_eq!(same, evidence, "seed {seed}, {} and {}", assessment.unit, theirs.unit);
                            shared += 1;
                        }
                    }
                }
            }
        }
        shared
    }

    #[test]
    fn many_firings_are_shared() {
        let shared = (0..60).filter(|seed| compare(*seed) > 0).count();
        assert!(shared >= 20, "{shared} of 60");
    }

    proptest! {
        #[test]
        fn what_is_said_of_neighbours_is_theirs(seed in any::<u64>()) {
            compare(seed);
        }
    }
}
