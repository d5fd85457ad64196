//! What the evaluator knows, in a file, so that a start need not read years again.
//!
//! It is never more than a shortcut: one that is damaged, of another version, or not of this lake's past is set aside with
//! a reason, and everything is read again. See `docs/formats.md` for its layout and for the order of durable steps.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use model::instant::ValidAt;
use model::name::Name;
use store::lake::Commit;
use store::sealed::{self, Kind, Unsealed};
use store::view::{LakeFile, Readable, View};

use super::traced::Traced;
use crate::kernel::bytes::Carried;
use crate::logs::Journey;

/// Its version goes up with everything that changes what a past is made of.
const KIND: Kind = Kind { letters: *b"CTPAST", version: 2 };
/// Which program wrote it: another one may reckon otherwise.
const PROGRAM: &str = concat!("coldtrail ", env!("CARGO_PKG_VERSION"));

/// What of the store checkpoints are tied to.
#[async_trait]
pub trait Ground: Send + Sync {
    /// Everything up to this position of the journal has been told.
    fn told(&self) -> u64;

    /// Nothing after this position of the journal has been told, or is in any answer.
    fn durable(&self) -> u64;

    /// The files of the lake's readings that answers are made of, and a position of the journal that none of their readings
    /// came after.
    fn files(&self) -> (Arc<Vec<LakeFile>>, u64);

    /// The readings up to this position of the journal are in the lake for good.
    fn flushed(&self) -> u64;

    /// The lake's newest commit.
    ///
    /// # Errors
    /// When its log cannot be read.
    async fn newest_commit(&self) -> Result<Commit, store::Error>;

    /// Whether the lake went through `commit`.
    ///
    /// # Errors
    /// When its log cannot be read.
    async fn has_commit(&self, commit: &Commit) -> Result<bool, store::Error>;
}

/// Where checkpoints are kept, and the one that waits to be written. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Checkpoints(Arc<Shared>);

struct Shared {
    ground: Arc<dyn Ground>,
    readable: Arc<dyn Readable>,
    path: PathBuf,
    every: Duration,
    waiting: Mutex<Option<Snapshot>>,
}

/// What is known at a moment.
#[derive(Clone)]
pub(super) struct Snapshot {
    /// No reading that came after this position of the journal is in it.
    pub(super) journal: u64,
    /// Every reading up to this position is.
    pub(super) taken: u64,
    /// Every reading in these files is in it, by path.
    pub(super) files: Vec<String>,
    pub(super) sensors: Vec<(Name, Facts)>,
    pub(super) pasts: Vec<(Arc<[Name]>, Traced)>,
}

/// What is known of a sensor without its readings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// When it was last heard of, ms.
    pub(super) last_at: Option<i64>,
    /// When it told temperature and humidity first, ms.
    pub(super) first: (Option<i64>, Option<i64>),
    pub(super) journeys: Vec<Journey>,
}

/// What a checkpoint held.
#[derive(Debug, Default)]
pub(super) struct Restored {
    pub(super) files: HashSet<String>,
    pub(super) sensors: HashMap<Name, Facts>,
    /// Units with what was folded of them, as bytes.
    pub(super) pasts: Vec<(Vec<Name>, Vec<u8>)>,
}

impl Checkpoints {
    /// Checkpoints in the file at `path` of what is known of `readable`, which stands on `ground`; made once in `every` at
    /// most.
    #[must_use]
    pub fn new(ground: Arc<dyn Ground>, readable: Arc<dyn Readable>, path: &Path, every: Duration) -> Self {
        Self(Arc::new(Shared { ground, readable, path: path.to_owned(), every, waiting: Mutex::default() }))
    }

    pub(super) fn ground(&self) -> &dyn Ground {
        self.0.ground.as_ref()
    }

    pub(super) fn every(&self) -> Duration {
        self.0.every
    }

    /// The store without what `files` hold.
    pub(super) fn without(&self, files: HashSet<String>) -> Arc<dyn Readable> {
        Arc::new(Without { readable: Arc::clone(&self.0.readable), files })
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Option<Snapshot>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has `snapshot` written as soon as its readings are in the lake, in place of one that waits.
    pub(super) fn put(&self, snapshot: Snapshot) {
        *self.waiting() = Some(snapshot);
    }

    /// Whether one waits to be written.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting().is_some()
    }

    /// Whether one waits whose readings are in the lake.
    pub(super) fn is_ripe(&self) -> bool {
        self.waiting().as_ref().is_some_and(|snapshot| snapshot.journal <= self.0.ground.flushed())
    }

    /// Writes the one that waits, if its readings are in the lake. That it cannot be written is told in the log and counted,
    /// and costs the next start time.
    pub async fn write(&self) {
        if !self.is_ripe() {
            return;
        }
        let Some(snapshot) = self.waiting().take() else { return };
        match self.write_down(snapshot).await {
            Ok(bytes) => metrics::gauge!("coldtrail_evaluator_checkpoint_bytes").set(bytes as f64),
            Err(error) => {
                metrics::counter!("coldtrail_evaluator_checkpoint_failures_total").increment(1);
                tracing::warn!(%error, "a checkpoint could not be written: the next start reads what it would have spared");
            }
        }
    }

    async fn write_down(&self, mut snapshot: Snapshot) -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
        // The lake may have gone on, and not further than it has.
        let (files, position) = self.0.ground.files();
        if position <= snapshot.taken {
            snapshot.files = files.iter().map(|file| file.path.clone()).collect();
        }
        // Read after its readings are in the lake: the commit covers them.
        let commit = self.0.ground.newest_commit().await?;
        let path = self.0.path.clone();
        let written = tokio::task::spawn_blocking(move || {
            let content = snapshot.encode(&commit);
            sealed::write(&path, KIND, &content).map(|()| content.len())
        });
        match written.await {
            Ok(written) => Ok(written?),
            Err(join) => std::panic::resume_unwind(join.into_panic()),
        }
    }

    /// The checkpoint there is; `None`, with a word in the log and a count, when there is none that can be used.
    pub(super) async fn read(&self) -> Option<Restored> {
        let reason = match self.try_read().await {
            Ok(restored) => return Some(restored),
            Err(reason) => reason,
        };
        match reason {
            Refused::Unsealed(Unsealed::Missing) => {
                tracing::info!("there is no checkpoint: what units need is read anew")
            }
            reason => {
                metrics::counter!("coldtrail_evaluator_checkpoints_refused_total", "reason" => reason.word())
                    .increment(1);
                tracing::warn!(file = %self.0.path.display(), %reason, "a checkpoint was set aside: what units need is read anew");
            }
        }
        None
    }

    async fn try_read(&self) -> Result<Restored, Refused> {
        let path = self.0.path.clone();
        let read = tokio::task::spawn_blocking(move || sealed::read(&path, KIND)).await;
        let content = read.unwrap_or_else(|join| std::panic::resume_unwind(join.into_panic()))?;
        let (program, commit, restored) = decode(&mut content.as_slice()).ok_or(Unsealed::Damaged)?;
        if program != PROGRAM {
            return Err(Refused::Program { program });
        }
        match self.0.ground.has_commit(&commit).await {
            Ok(true) => Ok(restored),
            Ok(false) => Err(Refused::OtherLake { version: commit.version }),
            Err(source) => Err(Refused::Lake { source }),
        }
    }
}

/// Why a checkpoint is not used.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Unsealed(#[from] Unsealed),
    #[error("`{program}` wrote it")]
    Program { program: String },
    #[error("version `{version}` of the lake, which it is of, is not in the lake's log")]
    OtherLake { version: u64 },
    #[error("the lake's log cannot be read: {source}")]
    Lake {
        #[source]
        source: store::Error,
    },
}

impl Refused {
    fn word(&self) -> &'static str {
        match self {
            Self::Unsealed(unsealed) => unsealed.word(),
            Self::Program { .. } => "program",
            Self::OtherLake { .. } => "other_lake",
            Self::Lake { .. } => "lake",
        }
    }
}

impl Snapshot {
    fn encode(&self, commit: &Commit) -> Vec<u8> {
        let mut bytes = Vec::new();
        PROGRAM.to_owned().put(&mut bytes);
        (commit.version, commit.digest).put(&mut bytes);
        self.journal.put(&mut bytes);
        self.files.put(&mut bytes);
        let sensors =
            self.sensors.iter().map(|(sensor, facts)| (text(sensor), (facts.last_at, facts.first, journeys(facts))));
        sensors.collect::<Vec<_>>().put(&mut bytes);
        let pasts = self.pasts.iter().filter_map(|(units, traced)| {
            let past = traced.to_bytes()?;
            Some((units.iter().map(text).collect::<Vec<_>>(), past))
        });
        pasts.collect::<Vec<_>>().put(&mut bytes);
        bytes
    }
}

fn text(name: &Name) -> String {
    name.as_str().to_owned()
}

fn journeys(facts: &Facts) -> Vec<(String, i64, Option<i64>)> {
    let carried = |journey: &Journey| (text(&journey.unit), journey.from.millis(), journey.to.map(ValidAt::millis));
    facts.journeys.iter().map(carried).collect()
}

/// What a sensor's facts are in a file.
type Carry = (Option<i64>, (Option<i64>, Option<i64>), Vec<(String, i64, Option<i64>)>);

fn decode(bytes: &mut &[u8]) -> Option<(String, Commit, Restored)> {
    let program = String::take(bytes)?;
    let (version, digest) = <(u64, [u8; 32])>::take(bytes)?;
    let _journal = u64::take(bytes)?;
    let files = Vec::<String>::take(bytes)?.into_iter().collect();
    let sensors = Vec::<(String, Carry)>::take(bytes)?.into_iter().map(|(sensor, (last_at, first, journeys))| {
        let journeys = journeys.into_iter().map(|(unit, from, to)| {
            let (from, to) = (ValidAt::from_millis(from), to.map(ValidAt::from_millis));
            Some(Journey { unit: Name::parse(&unit).ok()?, from, to })
        });
        Some((Name::parse(&sensor).ok()?, Facts { last_at, first, journeys: journeys.collect::<Option<_>>()? }))
    });
    let sensors = sensors.collect::<Option<_>>()?;
    let pasts = Vec::<(Vec<String>, Vec<u8>)>::take(bytes)?.into_iter().map(|(units, past)| {
        let units = units.iter().map(|unit| Name::parse(unit).ok());
        Some((units.collect::<Option<_>>()?, past))
    });
    let pasts = pasts.collect::<Option<_>>()?;
    Some((program, Commit { version, digest }, Restored { files, sensors, pasts })).filter(|_| bytes.is_empty())
}

/// A store without what some of its files hold.
struct Without {
    readable: Arc<dyn Readable>,
    files: HashSet<String>,
}

#[async_trait]
impl Readable for Without {
    async fn view(&self) -> Result<View, store::Error> {
        let mut view = self.readable.view().await?;
        view.readings.files.retain(|file| !self.files.contains(&file.path));
        Ok(view)
    }
}
