//! The evaluator on a node: fed by the pipeline, writing to the ledger.

use std::path::Path;
use std::sync::Arc;

use analytics::assess::StoreAssess;
use analytics::evaluator::{self, Board, Checkpoints, Ground, Parts};
use analytics::sql::{Engine, EngineOptions, Limits};
use async_trait::async_trait;
use ingest::clock::Clock;
use ingest::pipeline::{Pipeline, Watched};
use model::instant::ValidAt;
use store::journal::Position;
use store::lake::Commit;
use store::ledger::Ledger;
use store::view::LakeFile;
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
    checkpoints: Checkpoints,
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
    pasts: &Path,
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
    let (ground, readable) = (Arc::new(Standing(pipeline.clone())), Arc::new(pipeline.clone()));
    let every = options::pipeline(&config.ingest).flush_after;
    let checkpoints = Checkpoints::new(ground, readable, pasts, every);
    let parts = Parts {
        engine: engine.clone(),
        ledger: ledger.clone(),
        now: now.clone(),
        watch: Box::new(move |sensors| watched.set(sensors)),
        told,
        board: board.clone(),
        checkpoints: Some(checkpoints.clone()),
        grain: evaluator::GRAIN,
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
        checkpoints,
        stop,
        running,
    })
}

impl Evaluation {
    /// Ends it; what it has not looked at yet it finds again at the next start. What it knows is to be written once
    /// everything is flushed.
    pub(super) async fn stop(self) -> Checkpoints {
        self.stop.cancel();
        if let Err(join) = self.running.await {
            tracing::error!(%join, "evaluation ended badly");
        }
        self.checkpoints
    }
}

/// Journal and lake of a pipeline.
struct Standing(Pipeline);

#[async_trait]
impl Ground for Standing {
    fn told(&self) -> u64 {
        self.0.told().get()
    }

    fn durable(&self) -> u64 {
        self.0.journal().durable().borrow().position.get()
    }

    fn files(&self) -> (Arc<Vec<LakeFile>>, u64) {
        // What is shown was committed before.
        let files = self.0.lake().readings().files();
        (files, self.flushed())
    }

    fn flushed(&self) -> u64 {
        self.0.lake().flushed_to().map_or(0, Position::get)
    }

    async fn newest_commit(&self) -> Result<Commit, store::Error> {
        self.0.lake().newest_commit().await
    }

    async fn has_commit(&self, commit: &Commit) -> Result<bool, store::Error> {
        self.0.lake().has_commit(commit).await
    }
}
