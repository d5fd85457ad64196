//! Assessments computed from the store, whenever one is asked for.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::sync::Arc;

use arrow::array::AsArray;
use async_trait::async_trait;
use model::assessment::Assessment;
use model::instant::{RecordedAt, ValidAt};
use model::name::Name;
use model::registry::Registry;
use store::ledger::Ledger;

use super::{Assess, AssessError, Portraits, Sitting};
use crate::custody::{Custody, Index, carriers};
use crate::error::SqlError;
use crate::evaluator::Board;
use crate::fleet::{Fleet, Profiles};
use crate::logs::{self, Logs, Wanted};
use crate::sql::{Engine, Reach};

/// Units whose sensors' readings are read together, so that what was read of many sensors for years is not held all at once.
const UNITS_AT_ONCE: usize = 1000;

/// Computes assessments from lake, tail and ledger.
#[derive(Clone)]
pub struct StoreAssess {
    engine: Engine,
    ledger: Ledger,
    profiles: Arc<Profiles>,
    now: Arc<dyn Fn() -> ValidAt + Send + Sync>,
    board: Board,
}

impl StoreAssess {
    /// Over an engine without limits of its own; `board` shows the latest.
    #[must_use]
    pub fn new(engine: Engine, ledger: Ledger, now: Arc<dyn Fn() -> ValidAt + Send + Sync>, board: Board) -> Self {
        Self { engine, ledger, profiles: Arc::default(), now, board }
    }

    async fn registry(&self, known_at: Option<RecordedAt>) -> Result<Arc<Registry>, AssessError> {
        let Some(known_at) = known_at else { return Ok(self.ledger.registry()) };
        let registry = self.ledger.registry_known_at(known_at).await;
        registry.map(Arc::new).map_err(|error| AssessError::Failed { source: Box::new(error) })
    }

    /// The sensors whose readings may make the traces of `units`: those registered, and those whose readings name one
    /// or what carries it.
    async fn sensors(&self, registry: &Registry, units: &[Name], as_of: ValidAt) -> Result<Vec<Name>, AssessError> {
        let (mut sensors, mut named) = (BTreeSet::new(), BTreeSet::new());
        let index = Index::new(registry);
        for unit in units {
            if let Some(custody) = Custody::of(registry, &index, unit, as_of) {
                sensors.extend(custody.pieces.into_iter().flat_map(|piece| piece.sensors));
            }
            named.extend(carriers(registry, unit));
        }
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<String> = named.iter().map(|carrier| format!("'{carrier}'")).collect();
        let sql = format!("SELECT DISTINCT sensor FROM readings WHERE unit IN ({})", names.join(", "));
        let answer = self.engine.answer(&sql, Reach::NoAudit).await.map_err(failed)?;
        for batch in &answer.batches {
            let column = batch.column(0).as_string::<i32>();
            sensors.extend(column.iter().flatten().filter_map(|sensor| Name::parse(sensor).ok()));
        }
        Ok(sensors.into_iter().collect())
    }

    /// Reads what is wanted, and does `work` with it off the runtime's threads.
    async fn with_logs<T: Send + 'static>(
        &self,
        wanted: &Wanted<'_>,
        work: impl FnOnce(Logs) -> T + Send + 'static,
    ) -> Result<T, AssessError> {
        let logs = logs::from_engine(&self.engine, wanted).await.map_err(failed)?;
        let work = tokio::task::spawn_blocking(move || work(logs)).await;
        Ok(work.unwrap_or_else(|join| std::panic::resume_unwind(join.into_panic())))
    }
}

fn failed(error: SqlError) -> AssessError {
    match error {
        SqlError::Overloaded | SqlError::Timeout { .. } => AssessError::Behind,
        error => AssessError::Failed { source: Box::new(error) },
    }
}

#[async_trait]
impl Assess for StoreAssess {
    async fn assess(
        &self,
        unit: &Name,
        as_of: Option<ValidAt>,
        known_at: Option<RecordedAt>,
    ) -> Result<Option<Assessment>, AssessError> {
        let as_of = as_of.unwrap_or_else(|| (self.now)());
        let registry = self.registry(known_at).await?;
        if registry.origin(unit).is_none() {
            return Ok(None);
        }
        let sensors = self.sensors(&registry, std::slice::from_ref(unit), as_of).await?;
        let wanted = Wanted { sensors: Some(&sensors), from: None, as_of, known_at };
        let (unit, profiles) = (unit.clone(), Arc::clone(&self.profiles));
        let work = move |logs: Logs| Fleet::new(&registry, &logs, &profiles, as_of, known_at).assess(&unit);
        self.with_logs(&wanted, work).await
    }

    async fn assess_all(&self, units: &[Name], as_of: Option<ValidAt>) -> Result<Vec<Assessment>, AssessError> {
        let as_of = as_of.unwrap_or_else(|| (self.now)());
        let registry = self.ledger.registry();
        let known: Vec<Name> = units.iter().filter(|unit| registry.origin(unit).is_some()).cloned().collect();
        let mut all = Vec::with_capacity(known.len());
        for some in known.chunks(UNITS_AT_ONCE) {
            let sensors = self.sensors(&registry, some, as_of).await?;
            let wanted = Wanted { sensors: Some(&sensors), from: None, as_of, known_at: None };
            let (some, registry, profiles) = (some.to_vec(), Arc::clone(&registry), Arc::clone(&self.profiles));
            let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
            let work = move |logs: Logs| {
                Fleet::new(&registry, &logs, &profiles, as_of, None).assess_all(&some, threads, &|_| {})
            };
            all.extend(self.with_logs(&wanted, work).await?);
        }
        Ok(all)
    }

    async fn portray(&self, sitting: Sitting) -> Result<Portraits, AssessError> {
        let mut sensors = self.sensors(&sitting.registry, &sitting.units, sitting.as_of).await?;
        if let Some((place, window)) = &sitting.place {
            let custody = Custody::of_place(&sitting.registry, &Index::new(&sitting.registry), place, *window);
            sensors.extend(custody.pieces.into_iter().flat_map(|piece| piece.sensors));
            sensors.sort();
            sensors.dedup();
        }
        let wanted = Wanted { sensors: Some(&sensors), from: None, as_of: sitting.as_of, known_at: None };
        let readings = logs::count(&self.engine, &wanted).await.map_err(failed)?;
        if readings > sitting.max_readings {
            return Err(AssessError::TooMany { readings, limit: sitting.max_readings });
        }
        let profiles = Arc::clone(&self.profiles);
        let work = move |logs: Logs| {
            let fleet = Fleet::new(&sitting.registry, &logs, &profiles, sitting.as_of, None);
            let (from, to, columns) = (sitting.from, sitting.to, sitting.columns);
            let units = sitting.units.iter().filter_map(|unit| fleet.portrait(unit, from, to, columns)).collect();
            let place = sitting.place.as_ref().map(|(place, window)| fleet.place_portrait(place, *window, columns));
            Portraits { units, place }
        };
        self.with_logs(&wanted, work).await
    }

    fn latest(&self) -> Option<Vec<Arc<Assessment>>> {
        self.board.all()
    }
}
