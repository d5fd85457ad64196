//! The evaluator on a node: fed by the pipeline, writing to the ledger.

use std::sync::Arc;

use analytics::assess::StoreAssess;
use analytics::evaluator::{self, Board, Parts};
use analytics::sql::{Engine, EngineOptions, Limits};
use ingest::clock::Clock;
use ingest::pipeline::{Pipeline, Watched};
use model::instant::ValidAt;
use store::ledger::Ledger;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::options;
use crate::config::Config;
use crate::exit::Failure;

/// The running evaluator.
pub(crate) struct Evaluation {
    /// Computes assessments on demand.
    pub(crate) assess: Arc<StoreAssess>,
    /// The latest assessments.
    pub(crate) board: Board,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

/// Starts evaluating what `pipeline` admits; `board` shows the latest assessments.
pub(super) fn start(
    pipeline: &Pipeline,
    ledger: &Ledger,
    board: Board,
    config: &Config,
    clock: &Clock,
) -> Result<Evaluation, Failure> {
    let limits = Limits { max_concurrent: 8, ..Limits::own() };
    let engine = EngineOptions { limits, ..options::engine(&config.sql, clock) };
    let engine = Engine::new(Arc::new(pipeline.clone()), None, engine)?;
    let now = {
        let clock = clock.clone();
        // what is on its way is no silence, however fast the clock of a demo runs
        Arc::new(move || ValidAt::from_millis(clock.settled().millis()))
    };
    let watched = Watched::default();
    let told = pipeline.observe(watched.clone());
    let parts = Parts {
        engine: engine.clone(),
        ledger: ledger.clone(),
        now: now.clone(),
        watch: Box::new(move |sensors| watched.set(sensors)),
        told,
        board: board.clone(),
    };
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let stop = stop.clone();
        async move {
            if let Err(error) = evaluator::run(parts, stop).await {
                tracing::error!(%error, "evaluation has stopped: no hold is placed until the next start");
                metrics::gauge!("coldtrail_evaluation_running").set(0.0);
            }
        }
    });
    metrics::gauge!("coldtrail_evaluation_running").set(1.0);
    Ok(Evaluation {
        assess: Arc::new(StoreAssess::new(engine, ledger.clone(), now, board.clone())),
        board,
        stop,
        running,
    })
}

impl Evaluation {
    /// Ends it; what it has not looked at yet it finds again at the next start.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        if let Err(join) = self.running.await {
            tracing::error!(%join, "evaluation ended badly");
        }
    }
}
