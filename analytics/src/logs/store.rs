//! Readings from the store: lake and tail, as one moment of them.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArrayType};
use arrow::datatypes::{Float64Type, Int64Type, SchemaRef, TimestampMillisecondType};
use model::instant::{RecordedAt, ValidAt, to_rfc3339};
use model::name::Name;
use model::quantity::{Humidity, Temperature};

use super::{Log, Logs};
use crate::error::SqlError;
use crate::kernel::Sample;
use crate::sql::{Engine, Measured, Reach, Sink};

/// Later than any reading: 2200-01-01. Further on an instant has no nanoseconds, which the engine compares by.
const LATEST_MS: i64 = 7_258_118_400_000;

/// Sensors whose readings up to an instant are wanted.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// These sensors, or all.
    pub sensors: Option<&'a [Name]>,
    /// Readings measured earlier are not needed.
    pub from: Option<ValidAt>,
    /// Readings measured later do not count.
    pub as_of: ValidAt,
    /// Readings received later do not count.
    pub known_at: Option<RecordedAt>,
}

/// The readings of the sensors that are wanted.
///
/// # Errors
/// When the store cannot be read, or a limit of `engine` is met.
pub async fn from_engine(engine: &Engine, wanted: &Wanted<'_>) -> Result<Logs, SqlError> {
    if wanted.sensors.is_some_and(<[Name]>::is_empty) {
        return Ok(Logs::default());
    }
    let sql = query("sensor, measured_at, temperature_c, humidity_pct, unit", wanted);
    let sink = |schema: &SchemaRef| -> Result<Box<dyn Sink<Answer = Gathered>>, SqlError> {
        schema.index_of("unit").map_err(SqlError::internal)?;
        Ok(Box::new(Gather::default()))
    };
    Ok(engine.pour(&sql, Reach::NoAudit, sink).await?.0)
}

/// How many readings [`from_engine`] would give.
///
/// # Errors
/// As [`from_engine`].
pub async fn count(engine: &Engine, wanted: &Wanted<'_>) -> Result<u64, SqlError> {
    if wanted.sensors.is_some_and(<[Name]>::is_empty) {
        return Ok(0);
    }
    let answer = engine.answer(&query("count(*)", wanted), Reach::NoAudit).await?;
    let counted = answer.batches.iter().filter_map(|batch| {
        batch
            .column(0)
            .as_primitive_opt::<Int64Type>()
            .filter(|column| !column.is_empty())
            .map(|column| column.value(0))
    });
    Ok(counted.map(i64::unsigned_abs).sum())
}

/// Names hold no quote and no other sign than `. _ -` (see [`Name`]), so they stand in the text as they are.
fn query(columns: &str, wanted: &Wanted<'_>) -> String {
    let mut sql = format!(
        "SELECT {columns} FROM readings WHERE measured_at <= TIMESTAMP '{}'",
        to_rfc3339(wanted.as_of.millis().min(LATEST_MS))
    );
    if let Some(from) = wanted.from {
        let _ = write!(sql, " AND measured_at >= TIMESTAMP '{}'", to_rfc3339(from.millis().clamp(0, LATEST_MS)));
    }
    if let Some(known_at) = wanted.known_at {
        let _ = write!(sql, " AND received_at <= TIMESTAMP '{}'", to_rfc3339(known_at.millis().clamp(0, LATEST_MS)));
    }
    if let Some(sensors) = wanted.sensors {
        let names: Vec<String> = sensors.iter().map(|sensor| format!("'{sensor}'")).collect();
        let _ = write!(sql, " AND sensor IN ({})", names.join(", "));
    }
    sql
}

/// The readings of a query's rows.
pub(crate) struct Gathered(Logs);

impl Measured for Gathered {
    fn size(&self) -> usize {
        0
    }
}

/// Takes rows into logs, sensor by sensor. The columns are sensor, instant, temperature, humidity and unit.
#[derive(Default)]
pub(crate) struct Gather {
    logs: Vec<(Name, Log)>,
    /// Where each sensor's log is; `None`: it is not wanted.
    known: HashMap<Box<str>, Option<usize>>,
    /// Only these sensors are wanted.
    only: Option<Arc<HashSet<Name>>>,
    /// Readings taken.
    taken: usize,
}

impl Sink for Gather {
    type Answer = Gathered;

    fn take(&mut self, batch: &RecordBatch) -> Result<(), SqlError> {
        self.take_batch(batch)
    }

    fn size(&self) -> usize {
        0
    }

    fn finish(self: Box<Self>) -> Result<Gathered, SqlError> {
        Ok(Gathered(self.into_logs()))
    }
}

impl Gather {
    /// Takes the rows of `sensors` and passes over others.
    pub(crate) fn only(sensors: Arc<HashSet<Name>>) -> Self {
        Self { only: Some(sensors), ..Self::default() }
    }

    /// How many readings were taken.
    pub(crate) fn len(&self) -> usize {
        self.taken
    }

    /// What was taken.
    pub(crate) fn into_logs(self) -> Logs {
        let mut logs = Logs::default();
        for (name, log) in self.logs {
            *logs.of(name) = log;
        }
        logs
    }

    /// Takes the rows of a batch, whose texts may be views.
    pub(crate) fn take_batch(&mut self, batch: &RecordBatch) -> Result<(), SqlError> {
        let (sensor, unit) = (batch.column(0), batch.column(4));
        if let (Some(sensor), Some(unit)) = (sensor.as_string_view_opt(), unit.as_string_view_opt()) {
            return self.take_rows(batch, sensor, unit);
        }
        match (sensor.as_string_opt::<i32>(), unit.as_string_opt::<i32>()) {
            (Some(sensor), Some(unit)) => self.take_rows(batch, sensor, unit),
            _ => Err(other_columns()),
        }
    }

    fn take_rows<'a, S: StringArrayType<'a>>(
        &mut self,
        batch: &RecordBatch,
        sensor: S,
        unit: S,
    ) -> Result<(), SqlError> {
        let at = batch.column(1).as_primitive_opt::<TimestampMillisecondType>().ok_or_else(other_columns)?;
        let temperature = batch.column(2).as_primitive_opt::<Float64Type>().ok_or_else(other_columns)?;
        let humidity = batch.column(3).as_primitive_opt::<Float64Type>().ok_or_else(other_columns)?;
        let mut row = 0;
        while row < batch.num_rows() {
            // Rows of a sensor stand together.
            let name = sensor.value(row);
            let rows = (row..batch.num_rows()).take_while(|row| sensor.value(*row) == name).count();
            let Some(index) = self.index(name)? else {
                row += rows;
                continue;
            };
            let log = &mut self.logs[index].1;
            for row in row..row + rows {
                let at = at.value(row);
                if temperature.is_valid(row) {
                    let value = Temperature::from_celsius(temperature.value(row)).map(Temperature::millidegrees);
                    log.temperature.extend(value.map(|value| Sample { at, value }));
                }
                if humidity.is_valid(row) {
                    let value = Humidity::from_percent(humidity.value(row)).map(Humidity::thousandths);
                    log.humidity.extend(value.map(|value| Sample { at, value }));
                }
                if let Some(unit) = unit.is_valid(row).then(|| Name::parse(unit.value(row)).ok()).flatten() {
                    log.name_unit(at, unit);
                }
            }
            self.taken += rows;
            row += rows;
        }
        Ok(())
    }

    fn index(&mut self, name: &str) -> Result<Option<usize>, SqlError> {
        if let Some(index) = self.known.get(name) {
            return Ok(*index);
        }
        let parsed = Name::parse(name).map_err(SqlError::internal)?;
        let wanted = self.only.as_ref().is_none_or(|only| only.contains(&parsed));
        let index = wanted.then_some(self.logs.len());
        if wanted {
            self.logs.push((parsed, Log::default()));
        }
        self.known.insert(name.into(), index);
        Ok(index)
    }
}

fn other_columns() -> SqlError {
    SqlError::internal(arrow::error::ArrowError::SchemaError("readings have other columns".into()))
}
