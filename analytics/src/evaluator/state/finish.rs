//! What comes of a piece of work: it is shown, and it is planned when its cohorts are looked at again.

use std::time::{Duration, Instant};

use model::assessment::Assessment;
use model::instant::ValidAt;

use super::{State, longest_gap};
use crate::evaluator::cohorts::CohortId;
use crate::evaluator::rounds::next_instant;
use crate::evaluator::schedule::Urgency;
use crate::evaluator::traced::LATE_MS;
use crate::evaluator::work::{Done, Outcome};

impl State {
    /// Shows what came of a piece of work, and plans when its cohorts are looked at again.
    pub(in crate::evaluator) fn finish(&mut self, outcome: Outcome) {
        let Outcome { urgency, as_of, done, took } = outcome;
        metrics::histogram!("coldtrail_evaluation_seconds").record(took);
        let units: usize = done.iter().map(|done| done.units.len()).sum();
        metrics::counter!("coldtrail_assessments_total").increment(units as u64);
        let each: Vec<(CohortId, Duration)> = done.iter().map(|done| (done.id, done.cost)).collect();
        self.schedule.took(urgency, &each, took, Instant::now());
        for Done { id, units, assessment, traced, noticed_at, cost } in done {
            let Some(cohort) = self.cohorts.get_mut(id) else { continue };
            let assessment = match assessment {
                Ok(assessment) => assessment,
                Err(missing) => {
                    cohort.lacks = Some(missing.from);
                    for sensor in cohort.past.sensors() {
                        self.memory.want(sensor, missing.from);
                    }
                    let urgency = urgency.unwrap_or(Urgency::New);
                    self.schedule.mark(id, urgency, noticed_at, Instant::now());
                    continue;
                }
            };
            (cohort.cost, cohort.is_known) = (cost, true);
            // What was begun later knows better, on the other way.
            if cohort.looked_at.is_some_and(|later| later > as_of) {
                continue;
            }
            let custody = &cohort.past.custody;
            let is_over = custody.closed && as_of.millis() >= custody.window.to.millis().saturating_add(LATE_MS);
            (cohort.rests, cohort.lacks) = (is_over.then(|| traced.settled()).flatten(), None);
            cohort.traced = traced;
            match assessment {
                Some(assessment) => {
                    self.plan(id, &assessment, urgency);
                    self.board.put(id, &units, assessment);
                }
                // They are looked at when they begin.
                None => {
                    let begins = units.first().and_then(|unit| self.registry.beginning(unit)).map(|(at, _)| at);
                    self.rounds.plan(id, begins.filter(|at| *at > as_of));
                }
            }
        }
        if !self.is_whole && self.cohorts.iter().all(|(_, cohort)| cohort.is_known) {
            self.is_whole = true;
            self.board.is_whole();
        }
    }

    /// Plans when a cohort is looked at again, and what its group waits for.
    fn plan(&mut self, id: CohortId, assessment: &Assessment, looked_at_as: Option<Urgency>) {
        let Some(product) = self.registry.products.get(&assessment.gtin) else { return };
        let Some(cohort) = self.cohorts.get(id) else { return };
        let custody = &cohort.past.custody;
        let last =
            cohort.past.sensors_at(assessment.as_of).iter().filter_map(|sensor| self.memory.last_at(sensor)).max();
        let last = last.map(ValidAt::from_millis);
        let zone = custody.zone(&self.registry);
        let next = (!cohort.past.is_closed(assessment.as_of))
            .then(|| next_instant(assessment, product, zone, last, longest_gap(product)));
        self.rounds.plan(id, next.flatten());
        let newest = assessment.provenance.watermark;
        let soonest = self.profiles.get(product).soonest(assessment, newest.unwrap_or(assessment.as_of));
        self.groups.plan(id, soonest);
        // Readings that came while it was worked on may have gone on until then.
        if last > newest && soonest.is_some_and(|soonest| Some(soonest) <= last) {
            let again = if looked_at_as == Some(Urgency::Following) { Urgency::Following } else { Urgency::Urgent };
            self.schedule.mark(id, again, (self.now)(), Instant::now());
        }
    }
}
