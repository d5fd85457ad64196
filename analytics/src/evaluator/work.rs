//! The work itself, off the evaluator's loop: some cohorts are assessed, what follows goes to the ledger in one
//! transaction, and comes back to be shown.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::assessment::Assessment;
use model::instant::ValidAt;
use model::name::Name;
use model::registry::{Product, Registry, Severity};
use store::ledger::{AlikeLazily, Finding, Findings, Fired, Found, Ledger};
use tokio::task::JoinHandle;

use super::cohorts::CohortId;
use super::neighbours::Neighbourhood;
use super::schedule::Urgency;
use super::traced::{LATE_MS, Sensors, Traced};
use crate::assess::AssessError;
use crate::custody::{Custody, Index};
use crate::fleet::Profiles;
use crate::kernel::Missing;

/// What units are assessed from.
#[derive(Clone)]
pub(super) struct Sources {
    pub(super) registry: Arc<Registry>,
    pub(super) index: Arc<Index>,
    pub(super) profiles: Arc<Profiles>,
    pub(super) sensors: Sensors,
    pub(super) as_of: ValidAt,
}

/// A cohort to be assessed.
pub(super) struct Task {
    pub(super) id: CohortId,
    pub(super) units: Arc<[Name]>,
    pub(super) trace: Box<str>,
    pub(super) noticed_at: ValidAt,
    pub(super) traced: Traced,
    /// Who stands where it stands; `None` when its time is over.
    pub(super) around: Option<Neighbourhood>,
}

/// What came of a cohort.
pub(super) struct Done {
    pub(super) id: CohortId,
    pub(super) units: Arc<[Name]>,
    /// `None` when the units are not there yet.
    pub(super) assessment: Result<Option<Arc<Assessment>>, Missing>,
    pub(super) traced: Traced,
    pub(super) noticed_at: ValidAt,
    pub(super) cost: Duration,
}

/// What came of a piece of work.
pub(super) struct Outcome {
    pub(super) urgency: Option<Urgency>,
    pub(super) as_of: ValidAt,
    pub(super) done: Vec<Done>,
    /// From the beginning until the ledger had it.
    pub(super) took: Duration,
}

/// A piece of work under way.
pub(super) type Running = JoinHandle<Result<Outcome, AssessError>>;

/// Begins to assess `tasks`.
pub(super) fn begin(urgency: Option<Urgency>, sources: Sources, tasks: Vec<Task>, ledger: Ledger) -> Running {
    tokio::spawn(async move {
        let (began, as_of, sources) = (Instant::now(), sources.as_of, Arc::new(sources));
        let work = tokio::task::spawn_blocking(move || assess(&sources, tasks)).await;
        let (mut done, assessed) = work.unwrap_or_else(|join| std::panic::resume_unwind(join.into_panic()));
        let handed_over = Instant::now();
        let found = ledger.record_findings(Findings { assessed, ..Findings::default() }).await;
        let found = found.map_err(|error| AssessError::Failed { source: Box::new(error) })?;
        if found == Found::default() {
            // That there is nothing to write takes its time as well, and each its part of it.
            let each = handed_over.elapsed() / u32::try_from(done.len().max(1)).unwrap_or(u32::MAX);
            done.iter_mut().for_each(|done| done.cost += each);
        }
        metrics::counter!("coldtrail_holds_placed_total").increment(found.placed.len() as u64);
        Ok(Outcome { urgency, as_of, done, took: began.elapsed() })
    })
}

fn assess(sources: &Arc<Sources>, tasks: Vec<Task>) -> (Vec<Done>, Vec<Finding>) {
    let (mut done, mut findings) = (Vec::with_capacity(tasks.len()), Vec::with_capacity(tasks.len()));
    for Task { id, units, trace, noticed_at, mut traced, around } in tasks {
        let began = Instant::now();
        let assessment = units.first().map_or(Ok(None), |unit| sources.assess(unit, &mut traced));
        let assessment = assessment.map(|assessment| assessment.map(Arc::new));
        traced.forget(sources.as_of.millis().saturating_sub(LATE_MS));
        let registry = &sources.registry;
        if let Ok(Some(assessment)) = &assessment {
            let fired = registry.products.get(&assessment.gtin).map_or_else(Vec::new, |of| fired(assessment, of));
            let (assessment, units) = (Arc::clone(assessment), Arc::clone(&units));
            let neighbours = around.as_ref().map(|around| Arc::clone(&around.neighbours)).unwrap_or_default();
            let of = (Arc::clone(&assessment), Arc::clone(sources));
            let alike = around.map(|around| AlikeLazily::new(move || around.alike(&of.0, &of.1)));
            let alike = alike.unwrap_or_default();
            findings.push(Finding { assessment, units, trace, noticed_at, fired, neighbours, alike });
        }
        done.push(Done { id, units, assessment, traced, noticed_at, cost: began.elapsed() });
    }
    (done, findings)
}

impl Sources {
    /// Assesses one unit.
    fn assess(&self, unit: &Name, traced: &mut Traced) -> Result<Option<Assessment>, Missing> {
        let Some(custody) = Custody::of(&self.registry, &self.index, unit, self.as_of) else { return Ok(None) };
        traced.assess(&self.registry, &self.profiles, &custody, unit, self.as_of, &self.sensors)
    }
}

/// The rules that fired.
fn fired(assessment: &Assessment, product: &Product) -> Vec<Fired> {
    let grave = |rule: &Name| {
        product.rules.iter().find(|known| known.id == *rule).is_none_or(|rule| rule.severity != Severity::Notify)
    };
    let fired = assessment.alarms.iter().filter_map(|alarm| {
        let kind = if grave(&alarm.rule) { "fired" } else { "fired, to be noted" };
        Some(Fired { rule: alarm.rule.clone(), at: alarm.at?, detail: format!("rule `{}` {kind}", alarm.rule).into() })
    });
    fired.collect()
}

/// Assesses one unit, apart from what is kept of it.
pub(super) async fn assess_one(
    sources: Sources,
    mut traced: Traced,
    unit: Name,
) -> Result<Option<Assessment>, Missing> {
    let work = move || sources.assess(&unit, &mut traced);
    let work = tokio::task::spawn_blocking(work).await;
    work.unwrap_or_else(|join| std::panic::resume_unwind(join.into_panic()))
}
