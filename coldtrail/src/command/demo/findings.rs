//! What the demo's units went through, and whether every hold that had to be placed was.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use analytics::fleet::{Fleet, Profiles};
use analytics::logs::{self, Wanted};
use analytics::sql::{Engine, EngineOptions, Limits};
use ingest::clock::Clock;
use model::assessment::{EndKind, Verdict};
use model::hold::{Cause, Scope};
use model::instant::ValidAt;
use model::name::Name;

use crate::exit::Failure;
use crate::node::Node;

/// How long the evaluator gets at the end for what arrived last.
const PATIENCE: Duration = Duration::from_secs(15);

/// What was found in the end.
pub(super) struct Findings {
    /// Excursions of all units, computed from everything that is stored.
    pub(super) excursions: usize,
    /// Holds that were placed.
    pub(super) holds: usize,
    /// Units and causes that had to be held and are not.
    pub(super) missing: Vec<String>,
}

/// Excursions that have not ended, of all units.
pub(super) fn under_way(node: &Node) -> usize {
    let open = |kind: EndKind| kind == EndKind::Open;
    let all = node.evaluation().board.all().unwrap_or_default();
    all.iter().flat_map(|assessment| &assessment.excursions).filter(|excursion| open(excursion.end_kind)).count()
}

/// Assesses every unit from the stored readings and compares with the holds that were placed while they arrived.
pub(super) async fn of(node: &Node, clock: &Clock) -> Result<Findings, Failure> {
    let options = EngineOptions { limits: Limits::own(), ..EngineOptions::default() };
    let engine = Engine::new(Arc::new(node.pipeline.clone()), None, options)?;
    let as_of = ValidAt::from_millis(clock.now().millis());
    let wanted = Wanted { sensors: None, from: None, as_of, known_at: None };
    let logs = logs::from_engine(&engine, &wanted).await?;
    let registry = node.ledger.registry();
    let profiles = Profiles::default();
    let units = Fleet::units(&registry);
    let assessments = tokio::task::block_in_place(|| {
        Fleet::new(&registry, &logs, &profiles, as_of, None).assess_all(&units, 2, &|_| ())
    });
    let grave = |verdict| matches!(verdict, Verdict::Hold | Verdict::Indeterminate);
    let due: BTreeSet<(Name, Cause)> = assessments
        .iter()
        .flat_map(|assessment| {
            let reasons = assessment.reasons.iter().filter(|reason| grave(reason.verdict));
            reasons.map(|reason| (assessment.unit.clone(), Cause::of(reason)))
        })
        .collect();
    let began = Instant::now();
    let missing = loop {
        let holds = node.ledger.holds();
        let placed = |unit: &Name, cause: &Cause| {
            holds.iter().any(|hold| hold.scope == Scope::Unit(unit.clone()) && hold.cause == *cause)
        };
        let missing: Vec<String> = due
            .iter()
            .filter(|(unit, cause)| !placed(unit, cause))
            .map(|(unit, cause)| format!("{unit} {cause:?}"))
            .collect();
        if missing.is_empty() || began.elapsed() > PATIENCE {
            break missing;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    for missed in missing.iter().take(10) {
        eprintln!("a hold is missing: {missed}");
    }
    let holds = node.ledger.holds().len();
    let excursions = assessments.iter().map(|assessment| assessment.excursions.len()).sum();
    eprintln!(
        "{} units: {excursions} excursions, {} reasons to hold in the stored readings, {holds} holds placed while they arrived",
        assessments.len(),
        due.len(),
    );
    Ok(Findings { excursions, holds, missing })
}
