//! What the endpoints work with.

use std::sync::Arc;
use std::time::Duration;

use analytics::assess::Assess;
use analytics::sql::Engine;
use metrics_exporter_prometheus::PrometheusHandle;
use model::assessment::Assessment;
use model::instant::ValidAt;
use model::name::Name;
use model::registry::Registry;
use model::sight::Sight;
use store::ledger::Ledger;
use store::newest::Newest;
use store::outbox::Outbox;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::door::ReadingsDoor;
use crate::events::Hub;
use crate::oidc::Oidc;
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

/// Who is told of holds and alarms, and what became of it.
#[derive(Clone)]
pub struct Notifications {
    /// What is and was told.
    pub outbox: Outbox,
    /// The channels that are configured.
    pub channels: Vec<String>,
    /// How many people are to be told at once, at least.
    pub minimum: usize,
    /// After how long without acknowledgement the next level is told.
    pub escalate_after: Duration,
    /// How many people a channel reaches at once.
    pub reached: Arc<dyn Fn(&Registry) -> usize + Send + Sync>,
}

/// What the endpoints work with; given by the composition root.
#[derive(Clone)]
pub struct ApiState {
    /// Answers SQL.
    pub engine: Engine,
    /// Reads histories: questions of our own making, however long the answer.
    pub history: Engine,
    /// The newest reading of every sensor.
    pub newest: Newest,
    /// Registry, audit trail, tokens.
    pub ledger: Ledger,
    /// Takes readings in.
    pub door: Arc<dyn ReadingsDoor>,
    /// Computes assessments; what needs one answers 503 without it.
    pub assess: Option<Arc<dyn Assess>>,
    /// Who is told of what; without it what asks for it answers 503.
    pub notifications: Option<Notifications>,
    /// Where people sign in besides; without it nobody does.
    pub oidc: Option<Arc<Oidc>>,
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
    /// Where clients come to listen.
    pub(crate) events: Hub,
}

impl Shared {
    pub(crate) fn new(given: ApiState, options: ApiOptions, stop: CancellationToken) -> Self {
        let sending = Arc::new(Semaphore::new(options.max_sending_bytes >> 10));
        let events = Hub::new(options.max_event_clients, stop);
        Self { given, options: Arc::new(options), sending, reports: Arc::new(Semaphore::new(1)), events }
    }

    /// What time it is.
    pub(crate) fn now(&self) -> ValidAt {
        ValidAt::from_millis(self.given.ledger.now().millis())
    }

    /// The unit `id`, which must be known, and seen.
    pub(crate) fn known_unit(&self, sight: &Sight, id: &str) -> Result<Name, Problem> {
        let unit = Name::parse(id).map_err(|error| Problem::bad_request("name", error.to_string()))?;
        match self.given.ledger.registry().origin(&unit) {
            Some(_) if sight.unit(&unit) => Ok(unit),
            _ => Err(Problem::not_found(format!("there is no unit `{unit}`"))),
        }
    }

    /// The latest assessment of every unit; `None` until there is one of each, or when nothing computes them.
    pub(crate) fn latest(&self) -> Option<Vec<Arc<Assessment>>> {
        let latest = self.given.assess.as_ref()?.latest();
        // of no units there is nothing to wait for
        latest.or_else(|| self.given.ledger.registry().units.iter().next().is_none().then(Vec::new))
    }

    /// What is known of `unit` at `as_of`, or now.
    pub(crate) async fn assess(&self, unit: &Name, as_of: Option<ValidAt>) -> Result<Option<Assessment>, Problem> {
        let Some(assess) = &self.given.assess else {
            return Err(Problem::unavailable("unavailable", "nothing computes assessments here"));
        };
        Ok(assess.assess(unit, as_of, None).await?)
    }

    /// What is known of several units at `as_of`, or now; of none when nothing computes assessments here.
    pub(crate) async fn assess_all(&self, units: &[Name], as_of: Option<ValidAt>) -> Result<Vec<Assessment>, Problem> {
        let Some(assess) = &self.given.assess else { return Ok(Vec::new()) };
        Ok(assess.assess_all(units, as_of).await?)
    }
}
