//! Which units a query is about, so that only theirs is read and computed.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use model::name::Name;
use model::registry::Registry;

use crate::custody;
use crate::fleet::Fleet;

/// Texts by column, each with as many rows.
pub(super) type Texts<'a> = [(&'static str, Vec<Option<&'a str>>)];

/// Which rows of `texts` pass those of `filters` that speak of no other column. Columns have the types of `schema`.
///
/// The query engine filters again: a row too many costs time and changes nothing.
pub(super) fn passing(
    filters: &[Expr],
    texts: &Texts<'_>,
    schema: &SchemaRef,
    state: &dyn Session,
) -> Result<Vec<bool>> {
    let rows = texts.first().map_or(0, |(_, column)| column.len());
    let mut passing = vec![true; rows];
    let (mut fields, mut arrays): (Vec<_>, Vec<ArrayRef>) = (Vec::new(), Vec::new());
    for (name, column) in texts {
        let field = schema.field_with_name(name)?;
        arrays.push(cast(&StringArray::from_iter(column.iter().copied()), field.data_type())?);
        fields.push(field.clone());
    }
    let columns = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&columns), arrays)?;
    let columns = DFSchema::try_from(columns)?;
    for filter in filters {
        let named = filter.column_refs();
        if named.is_empty() || !named.iter().all(|column| texts.iter().any(|(name, _)| column.name == *name)) {
            continue;
        }
        let answer = state.create_physical_expr(filter.clone(), &columns)?.evaluate(&batch)?.into_array(rows)?;
        let Some(answer) = answer.as_boolean_opt() else { continue };
        for (passes, told) in passing.iter_mut().zip(answer) {
            *passes &= told.unwrap_or(false);
        }
    }
    Ok(passing)
}

/// A unit with what identifies it.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) id: Name,
    pub(super) gtin: String,
    pub(super) lot: String,
}

/// The units of `registry` that pass `filters`, by id.
pub(super) fn units(
    registry: &Registry,
    filters: &[Expr],
    schema: &SchemaRef,
    state: &dyn Session,
) -> Result<Vec<Unit>> {
    let known = |id: Name| {
        let registered = custody::registered(registry, &id)?;
        let (gtin, lot) = (registered.gtin.as_str().to_owned(), registered.lot.as_str().to_owned());
        Some(Unit { id, gtin, lot })
    };
    let all: Vec<Unit> = Fleet::units(registry).into_iter().filter_map(known).collect();
    let column = |of: fn(&Unit) -> &str| all.iter().map(|unit| Some(of(unit))).collect();
    let texts = [
        ("unit", column(|unit| unit.id.as_str())),
        ("gtin", column(|unit| &unit.gtin)),
        ("lot", column(|unit| &unit.lot)),
    ];
    let passing = passing(filters, &texts, schema, state)?;
    Ok(all.iter().zip(passing).filter(|(_, passes)| *passes).map(|(unit, _)| unit.clone()).collect())
}
