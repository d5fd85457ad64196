//! Invariant A2 while everything changes: readings in any order, registry entries, people's decisions, restarts and
//! crashes, in random succession. In the end the evaluator shows what the batch computes, and the ledger holds
//! everything that this calls for and nothing twice.
//!
//! `COLDTRAIL_EVALUATOR_CASES` says how many successions are tried.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use analytics::assessment_json;
use analytics::evaluator::{self, Board, Checkpoints, Ground, Parts};
use analytics::sql::{Engine, EngineOptions, Limits};
use async_trait::async_trait;
use model::hold::{Meaning, decide};
use model::instant::{RecordedAt, ValidAt};
use model::name::Name;
use model::registry::{Mode, RegistryDocument};
use proptest::prelude::*;
use store::lake::Commit;
use store::ledger::{Decision, Ledger};
use store::view::LakeFile;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::batch::{Growing, assess, observed, told_row};
use super::*;
use crate::holds::{TEN, name};
use crate::shelf::{Row, Shelf};
use crate::sql::units::{BEGIN, document};

const HOUR: i64 = 3_600_000;
const TWINS: usize = 5;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Told(Vec<Row>),
    Registered(Change, i64),
    /// A person releases what the twin is held for.
    Released(usize),
    Restarted,
    /// It ends wherever it is.
    Killed,
    /// Nothing happens for a while, in which what is known may be written down.
    Rested,
}

#[derive(Clone, Debug)]
enum Change {
    Moved(usize),
    Arrived(usize),
    Rule(i64),
    Excluded,
    Calibrated(i32),
    Associated,
    Closed(usize),
    Split(usize),
}

impl Change {
    /// The document that says so, at an hour of the day.
    fn document(&self, hour: i64) -> Value {
        let at = BEGIN + hour * HOUR;
        let twin = |number: usize| format!("TWIN{number}");
        let unit = |id: String| json!({"id": id, "gtin": "09506000134352", "lot": "L1", "quantity": 100, "place": "CR2", "at": at});
        match self {
            Self::Moved(number) => json!({"moves": [{"unit": twin(*number), "to": "TRK7", "at": at}]}),
            Self::Arrived(number) => json!({"units": [unit(format!("NEW{number}")), unit(format!("NEW{number}-B"))]}),
            Self::Rule(delay_s) => {
                let mut product = document()["products"][0].clone();
                product["rules"][0]["delay_s"] = json!(delay_s);
                json!({"products": [product]})
            }
            Self::Excluded => json!({"exclusions": [{"sensor": "CR2-A", "from": at, "to": at + 2 * HOUR,
                                                     "reason": "calibration", "by": "m.lin"}]}),
            Self::Calibrated(tenths) => json!({"sensors": [{"id": "CR2-A", "accuracy_c": 0.5, "calibrations": [
                {"from": at, "offset_c": f64::from(*tenths) / 10.0, "uncertainty_c": 0.1, "certificate": "K"}]}]}),
            Self::Associated => {
                json!({"associations": [{"sensor": "LOGGER", "place": "CR2", "from": at, "to": at + HOUR}]})
            }
            Self::Closed(number) => json!({"closures": [{"unit": twin(*number), "at": at, "kind": "delivered"}]}),
            Self::Split(number) => json!({"splits": [{"unit": twin(*number), "at": at,
                                                      "into": [{"id": format!("{}-PART", twin(*number)), "quantity": 10}]}]}),
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let twin = 0..TWINS;
    let change = prop_oneof![
        twin.clone().prop_map(Change::Moved),
        (0..3_usize).prop_map(Change::Arrived),
        (0..8_i64).prop_map(|quarters| Change::Rule(quarters * 900)),
        Just(Change::Excluded),
        (-20..20_i32).prop_map(Change::Calibrated),
        Just(Change::Associated),
        twin.clone().prop_map(Change::Closed),
        twin.clone().prop_map(Change::Split),
    ];
    let step = prop_oneof![
        8 => prop::collection::vec(told_row(), 1..30).prop_map(Step::Told),
        4 => (change, 0..23_i64).prop_map(|(change, hour)| Step::Registered(change, hour)),
        1 => twin.prop_map(Step::Released),
        1 => Just(Step::Restarted),
        1 => Just(Step::Killed),
        1 => Just(Step::Rested),
    ];
    prop::collection::vec(step, 3..24)
}

/// A ledger, a store, and an evaluator over both that comes and goes.
struct World {
    _directory: tempfile::TempDir,
    ledger: Ledger,
    store: Arc<Growing>,
    engine: Engine,
    stored: Vec<Vec<Row>>,
    standing: Arc<Standing>,
    checkpoints: Checkpoints,
    running: Running,
}

/// What of the store checkpoints are tied to: each message is a file of its own, in the lake at once.
struct Standing {
    store: Arc<Growing>,
    sent: AtomicU64,
}

impl Standing {
    fn count(&self) -> u64 {
        self.store.0.lock().unwrap().files().len() as u64
    }
}

#[async_trait]
impl Ground for Standing {
    fn told(&self) -> u64 {
        self.sent.load(Ordering::Acquire)
    }

    fn durable(&self) -> u64 {
        self.count()
    }

    fn files(&self) -> (Arc<Vec<LakeFile>>, u64) {
        let files = self.store.0.lock().unwrap().files();
        let count = files.len() as u64;
        (Arc::new(files), count)
    }

    fn flushed(&self) -> u64 {
        self.count()
    }

    async fn newest_commit(&self) -> Result<Commit, store::Error> {
        Ok(Commit { version: self.count(), digest: [7; 32] })
    }

    async fn has_commit(&self, commit: &Commit) -> Result<bool, store::Error> {
        Ok(commit.digest == [7; 32] && commit.version <= self.count())
    }
}

/// An evaluator that runs.
pub(super) struct Running {
    pub(super) told: mpsc::Sender<Vec<model::reading::Observation>>,
    pub(super) board: Board,
    pub(super) stop: CancellationToken,
    pub(super) task: JoinHandle<()>,
}

impl Running {
    pub(super) fn start(engine: &Engine, ledger: &Ledger, checkpoints: Option<&Checkpoints>) -> Self {
        let (sender, told) = mpsc::channel(64);
        let (board, stop) = (Board::default(), CancellationToken::new());
        let parts = Parts {
            engine: engine.clone(),
            ledger: ledger.clone(),
            now: Arc::new(|| ValidAt::from_millis(TEN)),
            watch: Box::new(|_| {}),
            told,
            board: board.clone(),
            checkpoints: checkpoints.cloned(),
            grain: 4,
        };
        let running = evaluator::run(parts, stop.clone());
        let task = tokio::spawn(async move { running.await.unwrap() });
        Self { told: sender, board, stop, task }
    }
}

impl World {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(directory.path(), Arc::new(|| RecordedAt::from_millis(TEN))).await.unwrap();
        let mut first = document();
        let twin = |number: usize| {
            json!({"id": format!("TWIN{number}"), "gtin": "09506000134352", "lot": "L1",
                                          "quantity": 100, "place": "CR2", "at": BEGIN})
        };
        first["units"].as_array_mut().unwrap().extend((0..TWINS).map(twin));
        crate::holds::apply(&ledger, &first).await;
        let store = Arc::new(Growing(Mutex::new(Shelf::new(&[], &[]).await)));
        let options = EngineOptions { limits: Limits::own(), ..EngineOptions::default() };
        let engine = Engine::new(store.clone(), None, options).unwrap();
        let standing = Arc::new(Standing { store: store.clone(), sent: AtomicU64::new(0) });
        let path = directory.path().join("checkpoints").join("pasts");
        let checkpoints = Checkpoints::new(standing.clone(), store.clone(), &path, Duration::ZERO);
        let running = Running::start(&engine, &ledger, Some(&checkpoints));
        Self { _directory: directory, ledger, store, engine, stored: Vec::new(), standing, checkpoints, running }
    }

    async fn go(&mut self, step: Step) {
        match step {
            Step::Told(rows) => self.tell(rows).await,
            Step::Registered(change, hour) => {
                let document = RegistryDocument::from_value(&change.document(hour)).unwrap();
                // What does not fit what came before is refused, and changes nothing.
                let _ = self.ledger.apply(document, &name("m.lin"), None).await.unwrap();
            }
            Step::Released(number) => {
                let holds = self.ledger.holds();
                let of_twin = holds.of_unit(&name(&format!("TWIN{number}")));
                let open = of_twin.filter(|hold| hold.state.is_undecided() && hold.cause.can_be_released());
                let holds: Vec<_> = open.map(|hold| hold.id).collect();
                let decision = Decision {
                    holds,
                    meaning: Meaning::Released,
                    reason: "seen".into(),
                    accepted: Default::default(),
                    quarantine: None,
                };
                let _ = self.ledger.decide_holds(decision, &name("m.lin")).await.unwrap();
            }
            Step::Restarted => {
                self.running.stop.cancel();
                (&mut self.running.task).await.unwrap();
                self.checkpoints.write().await;
                self.running = Running::start(&self.engine, &self.ledger, Some(&self.checkpoints));
            }
            Step::Rested => tokio::time::sleep(Duration::from_millis(450)).await,
            Step::Killed => {
                self.running.task.abort();
                let _ = (&mut self.running.task).await;
                self.running = Running::start(&self.engine, &self.ledger, Some(&self.checkpoints));
            }
        }
    }

    /// What is told is in the store already, as after an acknowledgement; a store keeps a reading once.
    async fn tell(&mut self, rows: Vec<Row>) {
        let key = |row: &Row| (row.sensor.clone(), row.measured_at, row.temperature_c.map(f64::to_bits));
        let mut new: Vec<Row> = Vec::new();
        for row in rows {
            if !self.stored.iter().flatten().chain(&new).any(|known| key(known) == key(&row)) {
                new.push(row);
            }
        }
        if new.is_empty() {
            return;
        }
        let observed = new.iter().map(observed).collect();
        self.stored.push(new);
        let shelf = Shelf::new(&[], &self.stored).await;
        *self.store.0.lock().unwrap() = shelf;
        self.running.told.send(observed).await.unwrap();
        self.standing.sent.fetch_add(1, Ordering::AcqRel);
    }

    /// Waits until the board shows what the batch computes, and the ledger has what that calls for.
    async fn settles(&self) {
        let assessed = assess(&self.engine, &self.ledger).await;
        let expected: Vec<Value> = assessed.iter().map(assessment_json::assessment).collect();
        let (mut shown, mut missing) = (Vec::new(), Vec::new());
        for _ in 0..600 {
            let latest = self.running.board.all().unwrap_or_default();
            shown = latest.iter().map(|of| assessment_json::assessment(of)).collect();
            let (registry, holds) = (self.ledger.registry(), self.ledger.holds());
            let calls_for = |assessment: &model::assessment::Assessment| {
                let rules = registry.products.get(&assessment.gtin).map(|product| product.rules.clone());
                let adds_up = |rule: &Name| {
                    let mut rules = rules.iter().flatten();
                    rules.any(|known| known.id == *rule && !matches!(known.mode, Mode::Single))
                };
                decide(&holds.unit(&registry, &assessment.unit), assessment, adds_up)
            };
            missing = assessed.iter().flat_map(calls_for).collect();
            if shown == expected && missing.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for (shown, expected) in shown.iter().zip(&expected) {
            assert_eq!(shown, expected);
        }
        assert_eq!((shown.len(), &missing), (expected.len(), &Vec::new()));
        let holds = self.ledger.holds();
        let mut undecided: Vec<_> = holds.iter().filter(|hold| hold.state.is_undecided()).collect();
        undecided.sort_by(|one, other| (&one.scope, &one.cause).cmp(&(&other.scope, &other.cause)));
        let twice = undecided.windows(2).find(|two| (&two[0].scope, &two[0].cause) == (&two[1].scope, &two[1].cause));
        assert!(twice.is_none(), "one open hold per unit and cause: {twice:?}");
        assert_eq!(self.ledger.verify(None).await.unwrap().wrong, None);
    }
}

fn cases() -> u32 {
    std::env::var("COLDTRAIL_EVALUATOR_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn a2_whatever_changes_the_evaluator_comes_to_what_the_batch_computes(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::start().await;
            for step in steps {
                world.go(step).await;
            }
            world.settles().await;
        });
    }
}

/// Between a hold and the evidence that follows it the evaluator is killed, again and again: the next one finds what was
/// written and adds what was not, and nothing is there twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_a_hold_and_newer_evidence_repeats_neither() {
    let warm = |steps: std::ops::Range<i64>, celsius: f64| -> Vec<Row> {
        steps.map(|step| crate::shelf::row("CR2-A", BEGIN + step * 600_000, celsius)).collect()
    };
    for wait_ms in [0, 1, 2, 5, 10, 20, 50] {
        let mut world = World::start().await;
        world.go(Step::Told(warm(0..3, 5.0))).await;
        world.go(Step::Told(warm(3..9, 9.0))).await;
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        world.go(Step::Killed).await;
        world.go(Step::Told(warm(9..12, 5.0))).await;
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        world.go(Step::Killed).await;
        world.settles().await;
        let holds = world.ledger.holds();
        for number in 0..TWINS {
            let of_twin: Vec<_> = holds.of_unit(&name(&format!("TWIN{number}"))).collect();
            let of_rule: Vec<_> =
                of_twin.iter().filter(|hold| hold.cause.rule().is_some_and(|rule| rule.as_str() == "hot")).collect();
            assert_eq!(of_rule.len(), 1, "{of_twin:?}");
            let closed = &of_rule[0].evidence.last().unwrap().evidence;
            assert!(closed.excursions.iter().all(|excursion| excursion.end.is_some()), "{closed:?}");
        }
    }
}

/// The lake may have readings before whoever tells has said how far they were told: what was told by then is kept all the
/// same when the evaluator ends.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_waits_to_be_told_what_the_lake_has() {
    let mut world = World::start().await;
    let rows = (0..6).map(|step| crate::shelf::row("CR2-A", BEGIN + step * 600_000, 5.0)).collect();
    world.tell(rows).await;
    world.standing.sent.fetch_sub(1, Ordering::AcqRel);
    world.settles().await;
    let pasts = world._directory.path().join("checkpoints").join("pasts");
    world.running.stop.cancel();
    let standing = Arc::clone(&world.standing);
    let teller = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        standing.sent.fetch_add(1, Ordering::AcqRel);
    });
    (&mut world.running.task).await.unwrap();
    teller.await.unwrap();
    world.checkpoints.write().await;
    assert!(pasts.exists());
}
