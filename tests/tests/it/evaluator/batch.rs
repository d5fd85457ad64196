//! The evaluator's answer for any unit is the batch answer over the same readings (invariant A2), whatever came first,
//! came twice, came late, or named a unit.

use std::sync::Arc;
use std::sync::{Mutex, PoisonError};

use analytics::assessment_json;
use analytics::fleet::{Fleet, Profiles};
use analytics::logs::{self, Wanted};
use analytics::sql::{Engine, EngineOptions, Limits};
use async_trait::async_trait;
use model::assessment::Assessment;
use model::instant::{MeasuredAt, RecordedAt, ValidAt};
use model::name::Name;
use model::quantity::Temperature;
use model::reading::Observation;
use proptest::prelude::*;
use store::ledger::Ledger;
use store::view::{Readable, View};

use super::changes::Running;
use super::*;
use crate::holds::{TEN, apply};
use crate::shelf::{Row, Shelf};
use crate::sql::units::{BEGIN, document};

/// A store that readings are added to.
pub(super) struct Growing(pub(super) Mutex<Shelf>);

#[async_trait]
impl Readable for Growing {
    async fn view(&self) -> Result<View, store::Error> {
        let shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        shelf.view().await
    }
}

/// A reading of one of the document's sensors within its day, on a grid so that instants meet; some name a unit.
pub(super) fn told_row() -> impl Strategy<Value = Row> {
    (0..4_usize, 0..144_i64, -20..120_i32, 0..6_u8).prop_map(|(sensor, step, tenths, names)| Row {
        sensor: ["CR2-A", "TRK7-F", "LOGGER", "MUTE"][sensor].to_owned(),
        measured_at: BEGIN + step * 600_000,
        temperature_c: Some(f64::from(tenths) / 10.0),
        unit: (sensor == 2 && names == 0).then(|| "LOGGED".to_owned()),
    })
}

fn told() -> impl Strategy<Value = Vec<Vec<Row>>> {
    let message = prop::collection::vec(told_row(), 1..30);
    prop::collection::vec(message, 1..12).prop_map(|mut messages| {
        // The first message once more at the end.
        messages.push(messages[0].clone());
        messages
    })
}

pub(super) fn observed(row: &Row) -> Observation {
    Observation {
        sensor: Name::parse(&row.sensor).unwrap(),
        measured_at: MeasuredAt::from_millis(row.measured_at),
        temperature: row.temperature_c.and_then(Temperature::from_celsius),
        humidity: None,
        unit: row.unit.as_deref().map(|unit| Name::parse(unit).unwrap()),
    }
}

/// What the batch says of every unit.
pub(super) async fn assess(engine: &Engine, ledger: &Ledger) -> Vec<Assessment> {
    let as_of = ValidAt::from_millis(TEN);
    let wanted = Wanted { sensors: None, from: None, as_of, known_at: None };
    let logs = logs::from_engine(engine, &wanted).await.unwrap();
    let (registry, profiles) = (ledger.registry(), Profiles::default());
    let fleet = Fleet::new(&registry, &logs, &profiles, as_of, None);
    fleet.assess_all(&Fleet::units(&registry), 1, &|_| {})
}

async fn compare(messages: Vec<Vec<Row>>) {
    let directory = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(directory.path(), Arc::new(|| RecordedAt::from_millis(TEN))).await.unwrap();
    apply(&ledger, &document()).await;
    let store = Arc::new(Growing(Mutex::new(Shelf::new(&[], &[]).await)));
    let options = EngineOptions { limits: Limits::own(), ..EngineOptions::default() };
    let engine = Engine::new(store.clone(), None, options).unwrap();
    let Running { told: sender, board, stop, task } = Running::start(&engine, &ledger, None);
    let mut stored: Vec<Vec<Row>> = Vec::new();
    for message in messages {
        // What is told is in the store already, as after an acknowledgement; a store keeps a reading once.
        let mut new: Vec<Row> = Vec::new();
        for row in &message {
            let same = |known: &Row| {
                (&known.sensor, known.measured_at, known.temperature_c)
                    == (&row.sensor, row.measured_at, row.temperature_c)
            };
            if !stored.iter().flatten().chain(&new).any(same) {
                new.push(row.clone());
            }
        }
        if new.is_empty() {
            sender.send(message.iter().map(observed).collect()).await.unwrap();
            continue;
        }
        let kept: Vec<Observation> = new.iter().map(observed).collect();
        stored.push(new);
        let shelf = Shelf::new(&[], &stored).await;
        *store.0.lock().unwrap() = shelf;
        sender.send(kept).await.unwrap();
    }
    let expected: Vec<Value> = assess(&engine, &ledger).await.iter().map(assessment_json::assessment).collect();
    let mut shown = Vec::new();
    // Units whose readings change nothing in kind have their turn a little later.
    for _ in 0..300 {
        shown = board.all().unwrap_or_default().iter().map(|of| assessment_json::assessment(of)).collect();
        if shown == expected {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for (shown, expected) in shown.iter().zip(&expected) {
        assert_eq!(shown, expected);
    }
    assert_eq!(shown.len(), expected.len());
    stop.cancel();
    task.await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a2_the_evaluator_shows_what_the_batch_computes(messages in told()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(compare(messages));
    }
}
