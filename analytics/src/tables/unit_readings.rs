//! Readings by unit: those of the sensors that make a unit's trace, while they make it.
//!
//! A condition on unit, product, lot, place or sensor chooses stays of units; their sensors and times are what is read.

mod join;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use model::instant::ValidAt;
use model::name::Name;

use super::chosen::{self, Unit};
use super::evidence::{Evidence, FAR_MS};
use super::ranges::Ranges;
use crate::custody::{Custody, Index};
use join::{CustodyJoinExec, Source, Stay, Stays};

/// The table's name.
pub(crate) const UNIT_READINGS: &str = "unit_readings";

/// Columns that say whose reading it is; the others are those of `readings`.
const OF_UNIT: [&str; 4] = ["unit", "gtin", "lot", "place"];
/// What the column `unit` of `readings` is called here.
const NAMED_UNIT: &str = "named_unit";

/// Readings joined to units by custody.
#[derive(Debug)]
pub(crate) struct UnitReadings {
    evidence: Arc<Evidence>,
    schema: SchemaRef,
}

impl UnitReadings {
    pub(crate) fn new(evidence: Arc<Evidence>) -> Self {
        let of_unit = OF_UNIT.iter().map(|name| Field::new(*name, DataType::Utf8View, *name == "place"));
        let readings = evidence.readings.schema();
        let of_reading = readings.fields().iter().map(|field| match field.name().as_str() {
            "unit" => field.as_ref().clone().with_name(NAMED_UNIT),
            _ => field.as_ref().clone(),
        });
        let schema = Arc::new(Schema::new(of_unit.chain(of_reading).collect::<Vec<_>>()));
        Self { evidence, schema }
    }

    /// The stays of `units` that pass `filters`.
    fn stays(&self, units: Vec<Unit>, index: &Index, filters: &[Expr], state: &dyn Session) -> Result<Vec<Stay>> {
        let mut stays = Vec::new();
        for unit in units {
            let far = ValidAt::from_millis(FAR_MS);
            let Some(custody) = Custody::of(&self.evidence.registry, index, &unit.id, far) else { continue };
            let last = custody.pieces.len().saturating_sub(1);
            let unit = Arc::new(unit);
            for (number, piece) in custody.pieces.into_iter().enumerate() {
                // Both ends of a unit's time belong to it, of a stay only the first.
                let until = piece.to.millis().saturating_add(i64::from(number == last));
                let place = piece.place.map(Arc::new);
                stays.extend(piece.sensors.into_iter().map(|sensor| Stay {
                    unit: Arc::clone(&unit),
                    place: place.clone(),
                    sensor,
                    from: piece.from.millis(),
                    until,
                }));
            }
        }
        let column = |of: fn(&Stay) -> Option<&str>| stays.iter().map(of).collect();
        let texts = [
            ("unit", column(|stay| Some(stay.unit.id.as_str()))),
            ("gtin", column(|stay| Some(stay.unit.gtin.as_str()))),
            ("lot", column(|stay| Some(stay.unit.lot.as_str()))),
            ("place", column(|stay| stay.place.as_deref().map(Name::as_str))),
            ("sensor", column(|stay| Some(stay.sensor.as_str()))),
        ];
        let passing = chosen::passing(filters, &texts, &self.schema, state)?;
        Ok(stays.into_iter().zip(passing).filter(|(_, passes)| *passes).map(|(stay, _)| stay).collect())
    }

    /// Whether a condition means the same for the reading alone.
    fn is_of_reading(&self, filter: &Expr) -> bool {
        let named = filter.column_refs();
        let readings = self.evidence.readings.schema();
        let of_reading = |name: &str| !OF_UNIT.contains(&name) && readings.column_with_name(name).is_some();
        !named.is_empty() && named.iter().all(|column| of_reading(&column.name))
    }
}

#[async_trait]
impl TableProvider for UnitReadings {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let projection = projection.unwrap_or(&all);
        let projected = Arc::new(self.schema.project(projection)?);
        let units = chosen::units(&self.evidence.registry, filters, &self.schema, state)?;
        let index = self.evidence.index(state, ValidAt::from_millis(FAR_MS)).await?;
        let stays = self.stays(units, &index, filters, state)?;
        let ranges = Ranges::of(stays.iter().map(|stay| (stay.sensor.clone(), stay.from, stay.until)));
        if ranges.is_empty() {
            return Ok(Arc::new(EmptyExec::new(projected)));
        }

        let mut columns = self.evidence.columns(&["sensor", "measured_at"])?;
        let mut sources = Vec::with_capacity(projection.len());
        for index in projection {
            sources.push(match index.checked_sub(OF_UNIT.len()) {
                None => Source::OfUnit(*index),
                Some(column) => {
                    let known = columns.iter().position(|known| *known == column);
                    Source::OfReading(known.unwrap_or_else(|| {
                        columns.push(column);
                        columns.len() - 1
                    }))
                }
            });
        }
        let passed_on = filters.iter().filter(|filter| self.is_of_reading(filter)).cloned();
        let conditions: Vec<Expr> = passed_on.chain(ranges.condition()).collect();
        let readings = self.evidence.readings.scan(state, Some(&columns), &conditions, None).await?;
        Ok(Arc::new(CustodyJoinExec::new(readings, Arc::new(Stays::new(stays)), sources, projected)))
    }
}
