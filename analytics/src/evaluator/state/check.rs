//! Comparing what is kept with what is stored.

use std::time::Instant;

use model::assessment::Assessment;
use model::instant::ValidAt;
use model::name::Name;

use super::State;
use crate::assess::StoreAssess;
use crate::evaluator::schedule::Urgency;
use crate::evaluator::traced::Traced;
use crate::evaluator::{GRAIN, work};
use crate::kernel::Missing;

impl State {
    /// Goes on checking that what is kept gives the assessments that `store` gives.
    pub(in crate::evaluator) async fn check(&mut self, store: &StoreAssess) {
        let now = (self.now)();
        if let Some(compared) = self.self_check.finished().await {
            let here = match compared.is_equal() {
                true => Ok(None),
                false => self.assess_one(&compared.unit, compared.as_of).await,
            };
            match here {
                Ok(here) => {
                    let unit = compared.unit.clone();
                    if let Some(alarm) = self.self_check.judge(compared, here.as_ref(), now) {
                        self.alarms.push(alarm);
                        self.begin_anew(&unit);
                    }
                }
                Err(_) => self.self_check.lacking(),
            }
        }
        let units = self.cohorts.units();
        if let Some((unit, as_of)) = self.self_check.due(units.iter(), now) {
            let here = self.assess_one(&unit, as_of);
            self.self_check.begin(unit, as_of, here, store);
        }
    }

    /// Throws away what is folded of a unit: all of its readings are gone through again.
    fn begin_anew(&mut self, unit: &Name) {
        if let Some((id, cohort)) = self.cohorts.of_unit_mut(unit) {
            cohort.traced = Traced::new(GRAIN);
            self.schedule.mark(id, Urgency::New, (self.now)(), Instant::now());
        }
    }

    /// What is kept of a unit now, as of an instant.
    fn assess_one(
        &self,
        unit: &Name,
        as_of: ValidAt,
    ) -> impl Future<Output = Result<Option<Assessment>, Missing>> + Send + use<> {
        let cohort = self.cohorts.of_unit(unit);
        let sensors: Vec<Name> =
            cohort.map(|cohort| cohort.past.sensors().into_iter().cloned().collect()).unwrap_or_default();
        let traced = cohort.map_or_else(|| Traced::new(GRAIN), |cohort| cohort.traced.clone());
        work::assess_one(self.sources(sensors, as_of), traced, unit.clone())
    }
}
