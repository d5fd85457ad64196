//! What the endpoints work with.

use std::sync::Arc;

use analytics::assess::Assess;
use analytics::sql::Engine;
use metrics_exporter_prometheus::PrometheusHandle;
use model::assessment::Assessment;
use model::instant::ValidAt;
use model::name::Name;
use store::ledger::Ledger;
use tokio::sync::Semaphore;

use crate::door::ReadingsDoor;
use crate::options::ApiOptions;
use crate::problem::Problem;

/// One thing that must be well for the node to take requests.
#[derive(Clone, Debug)]
pub struct Check {
    /// Its name, for instance `journal`.
    pub name: &'static str,
    /// Whether it is well.
    pub ok: bool,
    /// What is the matter, or a number worth knowing.
    pub detail: String,
}

/// Looks at everything that must be well. Called for every `/readyz`, so it must be quick.
pub type Readiness = Arc<dyn Fn() -> Vec<Check> + Send + Sync>;

/// What the endpoints work with; given by the composition root.
#[derive(Clone)]
pub struct ApiState {
    /// Answers SQL.
    pub engine: Engine,
    /// Registry, audit trail, tokens.
    pub ledger: Ledger,
    /// Takes readings in.
    pub door: Arc<dyn ReadingsDoor>,
    /// Computes assessments; what needs one answers 503 without it.
    pub assess: Option<Arc<dyn Assess>>,
    /// Renders the metrics; without it `/metrics` answers 404.
    pub metrics: Option<PrometheusHandle>,
    /// Looks whether the node is ready.
    pub readiness: Readiness,
}

/// The state with what the server adds to it.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) given: ApiState,
    pub(crate) options: Arc<ApiOptions>,
    /// Kibibytes of answers that may still be on their way.
    pub(crate) sending: Arc<Semaphore>,
    /// Turns at making a report: it takes memory for its readings.
    pub(crate) reports: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn new(given: ApiState, options: ApiOptions) -> Self {
        let sending = Arc::new(Semaphore::new(options.max_sending_bytes >> 10));
        Self { given, options: Arc::new(options), sending, reports: Arc::new(Semaphore::new(1)) }
    }

    /// What time it is.
    pub(crate) fn now(&self) -> ValidAt {
        ValidAt::from_millis(self.given.ledger.now().millis())
    }

    /// The unit `id`, which must be known.
    pub(crate) fn known_unit(&self, id: &str) -> Result<Name, Problem> {
        let unit = Name::parse(id).map_err(|error| Problem::bad_request("name", error.to_string()))?;
        match self.given.ledger.registry().origin(&unit) {
            Some(_) => Ok(unit),
            None => Err(Problem::not_found(format!("there is no unit `{unit}`"))),
        }
    }

    /// What is known of `unit` at `as_of`, or now.
    pub(crate) async fn assess(&self, unit: &Name, as_of: Option<ValidAt>) -> Result<Option<Assessment>, Problem> {
        let Some(assess) = &self.given.assess else {
            return Err(Problem::unavailable("unavailable", "nothing computes assessments here"));
        };
        Ok(assess.assess(unit, as_of, None).await?)
    }
}
