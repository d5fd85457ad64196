//! One node: the data directory, and everything that runs on it, started in order and stopped in reverse.

mod credentials;
mod door;
mod evaluation;
mod location;
mod newest;
mod notifications;
mod oidc;
pub(crate) mod options;
mod readiness;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use analytics::evaluator::Board;
use analytics::sql::{Engine, EngineOptions};
use api::{ApiState, Serving};
use ingest::clock::Clock;
use ingest::collector::{Collector, CollectorHandle};
use ingest::http_door::{HttpDoor, HttpLimits};
use ingest::listener::Listener;
use ingest::pipeline::Pipeline;
use ingest::sink::Sink;
use metrics_exporter_prometheus::PrometheusHandle;
use model::instant::RecordedAt;
use notify::Notifier;
use store::lake::Lake;
use store::ledger::{Bootstrap, Ledger};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::exit::Failure;

pub(crate) use location::{has_location, objects};
pub(crate) use options::Options;

/// How often the ledger is asked what other processes have appended, and told which tokens were used.
const LEDGER_REFRESH: Duration = Duration::from_secs(3);
/// The fewest characters of a token that a person makes up.
const BOOTSTRAP_TOKEN_MIN: usize = 16;

/// The data directory's parts.
pub(crate) struct Layout(PathBuf);

impl Layout {
    /// The parts of `data`.
    pub(crate) fn of(data: &Path) -> Self {
        Self(data.to_owned())
    }

    /// Journal segments.
    pub(crate) fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }

    /// Delta tables, unless they are in a bucket.
    pub(crate) fn lake(&self) -> PathBuf {
        self.0.join("lake")
    }

    /// The ledger.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.0.join("ledger")
    }

    /// What spares a start work, and can be made again.
    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.0.join("checkpoints")
    }

    /// The name under which this directory's node writes to the lake.
    pub(crate) fn node(&self) -> PathBuf {
        self.0.join("node")
    }

    /// Where the lake is, when it is not here.
    pub(crate) fn lake_location(&self) -> PathBuf {
        self.0.join("lake-location")
    }

    /// The lock of whoever writes here.
    pub(crate) fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }
}

/// The data directory, opened by this process alone.
pub(crate) struct Opened {
    /// Decoding and the tail; nothing is flushed until [`Pipeline::run`].
    pub(crate) pipeline: Pipeline,
    /// Registry, tokens and audit trail.
    pub(crate) ledger: Ledger,
    _lock: std::fs::File,
}

/// Takes the lock of `data`, which it makes if missing.
pub(crate) fn lock(data: &Path) -> Result<std::fs::File, Failure> {
    std::fs::create_dir_all(data)
        .map_err(|error| Failure::Input(format!("cannot make the data directory `{}`: {error}", data.display())))?;
    let path = Layout::of(data).lock();
    let file = std::fs::File::options().create(true).truncate(false).write(true).open(&path)?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).map_err(|_| {
        Failure::Failed(anyhow::anyhow!(
            "`{}` is in use by another process: stop it, or ask the server with `--url`",
            data.display()
        ))
    })?;
    Ok(file)
}

/// Fails unless there is a data directory `data`: whoever reads one makes none.
pub(crate) fn must_exist(data: &Path) -> Result<(), Failure> {
    if data.is_dir() {
        return Ok(());
    }
    Err(Failure::Input(format!("there is no data directory `{}`", data.display())))
}

/// Makes `dir`, which may exist only if there is nothing in it.
pub(crate) fn empty_directory(dir: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(dir)
        .map_err(|error| Failure::Input(format!("cannot make the directory `{}`: {error}", dir.display())))?;
    match std::fs::read_dir(dir)?.next() {
        None => Ok(()),
        Some(_) => {
            Err(Failure::Input(format!("`{}` is not empty: name a directory that does not exist yet", dir.display())))
        }
    }
}

/// Writes a file so that it is there whole or not at all.
fn write_whole(path: &Path, text: &str) -> Result<(), Failure> {
    let staged = path.with_extension("new");
    std::fs::write(&staged, text)?;
    std::fs::File::open(&staged)?.sync_all()?;
    std::fs::rename(&staged, path)?;
    Ok(())
}

/// Opens everything in `data` and replays the journal; serves nothing yet.
pub(crate) async fn open(data: &Path, config: &Config, clock: &Clock) -> Result<Opened, Failure> {
    let lock = lock(data)?;
    let layout = Layout::of(data);
    let node = node_id(&layout)?;
    let ledger_clock = clock.clone();
    let recorded = move || RecordedAt::from_millis(ledger_clock.now().millis());
    let ledger = Ledger::open(&layout.ledger(), Arc::new(recorded)).await?;
    let lake = Lake::open(objects(data, config)?, &node).await?;
    location::note(&layout, config)?;
    let (journal, pipeline) = (options::journal(&config.ingest), options::pipeline(&config.ingest));
    let (pipeline, recovery) = Pipeline::start(layout.journal(), journal, lake, pipeline, clock.clone())?;
    if recovery.torn_bytes > 0 {
        tracing::warn!(bytes = recovery.torn_bytes, files = ?recovery.torn_files,
            "the journal ended in an unfinished commit, which nobody was promised; it was set aside");
    }
    Ok(Opened { pipeline, ledger, _lock: lock })
}

/// The node's name, made at the first start.
fn node_id(layout: &Layout) -> Result<String, Failure> {
    let path = layout.node();
    match std::fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
        Ok(_) => Err(Failure::Input(format!("`{}` is empty: restore the directory from a backup", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let id = format!("node-{:016x}", rand::random::<u64>());
            write_whole(&path, &id)?;
            Ok(id)
        }
        Err(error) => Err(Failure::Failed(error.into())),
    }
}

/// A node that serves.
pub(crate) struct Node {
    /// Where HTTP is really served.
    pub(crate) http: SocketAddr,
    /// Where MQTT is really taken.
    pub(crate) mqtt: SocketAddr,
    /// Decoding, tail and lake.
    pub(crate) pipeline: Pipeline,
    /// Registry, tokens and audit trail.
    pub(crate) ledger: Ledger,
    /// Answers SQL.
    pub(crate) engine: Engine,
    stop_doors: CancellationToken,
    stop_flushing: CancellationToken,
    doors: JoinHandle<()>,
    collectors: Vec<CollectorHandle>,
    serving: Serving,
    flushing: JoinHandle<Result<(), ingest::Error>>,
    evaluation: evaluation::Evaluation,
    notifier: Notifier,
    refreshing: JoinHandle<()>,
    filling: JoinHandle<()>,
    _lock: std::fs::File,
}

impl Node {
    /// Starts everything on `options.data`. The doors open last, when what is acknowledged is in answers again.
    pub(crate) async fn start(options: Options) -> Result<Self, Failure> {
        let metrics = metrics()?;
        let Options { data, http, mqtt, config, clock } = options;
        options::refuse_plain(&config, http, mqtt)?;
        let oidc = oidc::of(config.oidc.as_ref())?;
        let Opened { pipeline, ledger, _lock } = open(&data, &config, &clock).await?;
        bootstrap(&data, &ledger).await?;
        let board = Board::default();
        let engine = EngineOptions { board: Some(board.clone()), ..options::engine(&config.sql, &clock) };
        let engine = Engine::new(Arc::new(pipeline.clone()), Some(ledger.clone()), engine)?;
        let (stop_doors, stop_flushing) = (CancellationToken::new(), CancellationToken::new());
        let flushing = tokio::spawn({
            let (pipeline, stop) = (pipeline.clone(), stop_flushing.clone());
            async move { pipeline.run(stop).await }
        });
        replayed(&pipeline).await?;
        // before anything is placed or raised: a new outbox tells what comes after it
        let (notifier, notifications) = notifications::start(&data, &ledger, &config).await?;
        let pasts = Layout::of(&data).checkpoints().join("pasts");
        let evaluation = evaluation::start(&pipeline, &ledger, board, &config, &clock, &pasts)?;
        let history = options::history(&config.sql, &clock);
        let history = Engine::new(Arc::new(pipeline.clone()), None, history)?;
        let newest = pipeline.newest().clone();
        let filling = newest::fill(newest.clone(), history.clone(), ledger.clone(), stop_doors.clone());
        let filling = tokio::spawn(filling);

        let credentials = credentials::of(&config.mqtt, ledger.clone())?;
        let listener =
            Listener::bind(options::listener(&config.mqtt, mqtt, &clock)?, pipeline.journal().clone(), credentials)?;
        let mqtt = listener.local_addrs().first().copied().unwrap_or(mqtt);
        let door = HttpDoor::new(pipeline.clone(), HttpLimits::default());
        let state = ApiState {
            engine: engine.clone(),
            history,
            newest,
            ledger: ledger.clone(),
            door: Arc::new(door::Door::new(door)),
            assess: Some(evaluation.assess.clone()),
            notifications: Some(notifications),
            oidc,
            metrics: Some(metrics),
            readiness: readiness::of(&pipeline),
        };
        let serving = api::serve(options::api(&config.http, http)?, state, stop_doors.clone()).await?;
        let doors = tokio::spawn(listener.run(stop_doors.clone()));
        let mut collectors = Vec::new();
        for broker in &config.collector {
            let sink = Sink::Journal(pipeline.journal().clone());
            collectors.push(Collector::start(options::collector(broker)?, sink, clock.clone())?);
        }
        let http = serving.address;
        let refreshing = tokio::spawn(refresh(ledger.clone(), stop_doors.clone()));
        Ok(Self {
            http,
            mqtt,
            pipeline,
            ledger,
            engine,
            stop_doors,
            stop_flushing,
            doors,
            collectors,
            serving,
            flushing,
            evaluation,
            notifier,
            refreshing,
            filling,
            _lock,
        })
    }

    /// The evaluator.
    pub(crate) fn evaluation(&self) -> &evaluation::Evaluation {
        &self.evaluation
    }

    /// Closes the doors, then flushes everything that was acknowledged.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        self.stop_doors.cancel();
        let collectors = self.collectors.into_iter().map(CollectorHandle::stop);
        let (_, doors, served) = tokio::join!(futures::future::join_all(collectors), self.doors, self.serving.ended);
        doors?;
        served?;
        let checkpoints = self.evaluation.stop().await;
        self.notifier.stop().await;
        self.stop_flushing.cancel();
        self.flushing.await??;
        // The lake has now what it speaks of.
        checkpoints.write().await;
        self.refreshing.await?;
        self.filling.await?;
        self.ledger.close().await?;
        Ok(())
    }
}

/// Waits for the journal's replay, however long it is, and says how it goes.
pub(crate) async fn replayed(pipeline: &Pipeline) -> Result<(), Failure> {
    loop {
        match pipeline.caught_up().await {
            Ok(_) => return Ok(()),
            Err(store::Error::DecodingBehind) => {
                tracing::info!(messages_left = pipeline.lag(), "replaying the journal");
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Lets what another process appended take effect here, a revoked token for one, until `stop`.
async fn refresh(ledger: Ledger, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LEDGER_REFRESH) => {}
            () = stop.cancelled() => return,
        }
        if let Err(error) = ledger.refresh().await {
            tracing::warn!(error = %Failure::from(error), "the ledger does not answer; it will be asked again");
        }
    }
}

async fn bootstrap(data: &Path, ledger: &Ledger) -> Result<(), Failure> {
    let token = std::env::var("COLDTRAIL_BOOTSTRAP_TOKEN").ok();
    let length = token.as_deref().map_or(0, |token| token.chars().count());
    if (1..BOOTSTRAP_TOKEN_MIN).contains(&length) && ledger.tokens().await?.is_empty() {
        return Err(Failure::Input(format!(
            "the token in COLDTRAIL_BOOTSTRAP_TOKEN has {length} characters and would be an administrator's: give at \
             least {BOOTSTRAP_TOKEN_MIN}, best random ones, or none"
        )));
    }
    let password_file = data.join("initial-admin-password");
    match ledger.bootstrap(token.as_deref(), &password_file).await? {
        Bootstrap::NotFirst => {}
        Bootstrap::Token => tracing::info!("the token in COLDTRAIL_BOOTSTRAP_TOKEN is an administrator's from now on"),
        Bootstrap::Password => {
            tracing::warn!(file = %password_file.display(),
                "first start: the one-time password of the account `admin` is in this file");
        }
    }
    Ok(())
}

/// The process's metrics; the recorder is installed once, whatever is started after it.
fn metrics() -> Result<PrometheusHandle, Failure> {
    static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let handle = metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder()?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(Duration::from_secs(5));
        loop {
            tick.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(HANDLE.get_or_init(|| handle).clone())
}
