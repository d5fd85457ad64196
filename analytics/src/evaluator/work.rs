//! The work itself, off the evaluator's loop: some cohorts are assessed, what follows goes to the ledger in one
//! transaction, and comes back to be shown.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::assessment::Assessment;
use model::instant::ValidAt;
use model::name::Name;
use model::registry::{Product, Registry, Severity};
use store::ledger::{Finding, Findings, Fired, Ledger};
use tokio::task::JoinHandle;

use super::cohorts::CohortId;
use super::schedule::Urgency;
use crate::assess::AssessError;
use crate::custody::Index;
use crate::fleet::{Fleet, Heard, Profiles};

/// What units are assessed from.
#[derive(Clone)]
pub(super) struct Sources {
    pub(super) registry: Arc<Registry>,
    pub(super) index: Arc<Index>,
    pub(super) profiles: Arc<Profiles>,
    /// What the sensors said, nothing later than the instant of the assessment.
    pub(super) heard: HashMap<Name, Arc<Heard>>,
    pub(super) as_of: ValidAt,
}

/// A cohort to be assessed.
pub(super) struct Task {
    pub(super) id: CohortId,
    pub(super) units: Arc<[Name]>,
    pub(super) trace: Box<str>,
    pub(super) noticed_at: ValidAt,
}

/// What came of a cohort.
pub(super) struct Done {
    pub(super) id: CohortId,
    pub(super) units: Arc<[Name]>,
    /// `None` when the units are not there yet.
    pub(super) assessment: Option<Arc<Assessment>>,
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
        let (began, as_of) = (Instant::now(), sources.as_of);
        let work = tokio::task::spawn_blocking(move || assess(&sources, tasks)).await;
        let (done, assessed) = work.unwrap_or_else(|join| std::panic::resume_unwind(join.into_panic()));
        let found = ledger.record_findings(Findings { assessed, ..Findings::default() }).await;
        let found = found.map_err(|error| AssessError::Failed { source: Box::new(error) })?;
        metrics::counter!("coldtrail_holds_placed_total").increment(found.placed.len() as u64);
        Ok(Outcome { urgency, as_of, done, took: began.elapsed() })
    })
}

fn assess(sources: &Sources, tasks: Vec<Task>) -> (Vec<Done>, Vec<Finding>) {
    let Sources { registry, index, profiles, heard, as_of } = sources;
    let fleet = Fleet::over(registry, Arc::clone(index), heard.clone(), profiles, *as_of);
    let (mut done, mut findings) = (Vec::with_capacity(tasks.len()), Vec::with_capacity(tasks.len()));
    for Task { id, units, trace, noticed_at } in tasks {
        let began = Instant::now();
        let assessment = units.first().and_then(|unit| fleet.assess(unit)).map(Arc::new);
        findings.extend(assessment.as_ref().map(|assessment| Finding {
            assessment: Arc::clone(assessment),
            units: Arc::clone(&units),
            trace,
            noticed_at,
            fired: registry.products.get(&assessment.gtin).map_or_else(Vec::new, |of| fired(assessment, of)),
        }));
        done.push(Done { id, units, assessment, cost: began.elapsed() });
    }
    (done, findings)
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

/// Assesses one unit.
pub(super) async fn assess_one(sources: Sources, unit: Name) -> Option<Assessment> {
    let work = move || {
        let Sources { registry, index, profiles, heard, as_of } = sources;
        Fleet::over(&registry, index, heard, &profiles, as_of).assess(&unit)
    };
    let work = tokio::task::spawn_blocking(work).await;
    work.unwrap_or_else(|join| std::panic::resume_unwind(join.into_panic()))
}
