//! Filling up what is known of every sensor's newest reading from the lake, after a start.

use analytics::history::{self, Reading};
use analytics::sql::Engine;
use model::name::Name;
use model::quantity::{Humidity, Temperature};
use store::ledger::Ledger;
use store::newest::Newest;
use tokio_util::sync::CancellationToken;

const DAY_MS: i64 = 86_400_000;
/// How far back is looked, in days: far only for registered sensors that were not heard of nearer.
const REACHES: [i64; 3] = [2, 32, 400];

/// Notes what the lake has until `stop`; answers are given meanwhile, and lack what is not noted yet.
pub(super) async fn fill(newest: Newest, engine: Engine, ledger: Ledger, stop: CancellationToken) {
    tokio::select! {
        filled = from_lake(&newest, &engine, &ledger) => if let Err(error) = filled {
            tracing::warn!(%error, "the newest readings were not all found: sensors that are silent may lack theirs");
        },
        () = stop.cancelled() => {}
    }
}

async fn from_lake(newest: &Newest, engine: &Engine, ledger: &Ledger) -> Result<(), analytics::SqlError> {
    let now = ledger.now().millis();
    for (number, days) in REACHES.into_iter().enumerate() {
        let registry = ledger.registry();
        let registered = registry.associations.iter().map(|association| association.sensor.clone());
        let mut missing: Vec<Name> = registered.filter(|sensor| newest.of(sensor.as_str()).is_none()).collect();
        missing.dedup();
        if number > 0 && missing.is_empty() {
            break;
        }
        let wanted = (number > 0).then_some(missing.as_slice());
        for reading in history::newest(engine, now - days * DAY_MS, wanted).await? {
            note(newest, &reading);
        }
    }
    for (unit, sensor) in history::named(engine).await? {
        newest.name(unit.as_str(), sensor.as_str());
    }
    Ok(())
}

fn note(newest: &Newest, reading: &Reading) {
    newest.tell(&model::reading::Reading {
        sensor: &reading.sensor,
        measured_at: reading.measured_at,
        temperature: reading.temperature_c.and_then(Temperature::from_celsius),
        humidity: reading.humidity_pct.and_then(Humidity::from_percent),
        unit: reading.unit.as_deref(),
        seq: reading.seq,
        battery_v: None,
        rssi_dbm: None,
    });
}
