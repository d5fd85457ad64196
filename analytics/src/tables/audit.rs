//! The audit trail as a table.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field};
use datafusion::catalog::TableProvider;
use store::ledger::{Event, Ledger, Sequence};
use store::schema::instant;

use super::registry::of_columns;
use crate::error::{Limit, SqlError};

/// The table's name.
pub(crate) const AUDIT: &str = "audit";

/// Events read at once.
const PAGE: u32 = 10_000;

/// The audit trail of `ledger` up to now.
///
/// # Errors
/// When it holds more than `max_rows` events: the trail is read whole for a query.
pub(crate) async fn table(ledger: &Ledger, max_rows: u64) -> Result<Arc<dyn TableProvider>, SqlError> {
    let mut events: Vec<Event> = Vec::new();
    loop {
        let from = events.last().map_or(Sequence::ZERO, |event| event.seq).next();
        let page = ledger.audit(from, PAGE).await.map_err(SqlError::internal)?;
        let last = page.len() < PAGE as usize;
        events.extend(page);
        if events.len() as u64 > max_rows {
            return Err(SqlError::Limit { limit: Limit::Rows(max_rows) });
        }
        if last {
            break;
        }
    }
    let text =
        |of: fn(&Event) -> String| -> ArrayRef { Arc::new(StringArray::from_iter_values(events.iter().map(of))) };
    let seq = events.iter().map(|event| i64::try_from(event.seq.get()).unwrap_or(i64::MAX));
    let at = TimestampMillisecondArray::from_iter_values(events.iter().map(|event| event.recorded_at.millis()));
    let columns: [(&str, ArrayRef); 7] = [
        ("seq", Arc::new(Int64Array::from_iter_values(seq))),
        ("at", Arc::new(at.with_timezone("UTC"))),
        ("actor", text(|event| event.actor.clone())),
        ("kind", text(|event| event.kind.clone())),
        ("body", text(|event| event.body.clone())),
        ("previous_hash", text(|event| event.previous_hash.to_string())),
        ("hash", text(|event| event.hash.to_string())),
    ];
    let data_type = |name: &str| match name {
        "seq" => DataType::Int64,
        "at" => instant(),
        _ => DataType::Utf8,
    };
    let fields = columns.iter().map(|(name, _)| Field::new(*name, data_type(name), false)).collect();
    of_columns(fields, columns.into_iter().map(|(_, array)| array).collect())
}
