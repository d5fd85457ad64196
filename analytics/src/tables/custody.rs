//! Where every unit was when, as a table.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field};
use datafusion::catalog::TableProvider;
use model::instant::ValidAt;
use model::registry::Registry;
use store::schema::instant;

use super::evidence::FAR_MS;
use super::registry::of_columns;
use crate::custody::{Custody, Index};
use crate::error::SqlError;
use crate::fleet::Fleet;

/// The table's name.
pub(crate) const CUSTODY: &str = "custody";

/// The stays of every unit, split children with their parent's past; the last one of a unit that is not closed has no
/// end. Where nobody said where a unit was, `place` is null.
pub(crate) fn table(registry: &Registry) -> Result<Arc<dyn TableProvider>, SqlError> {
    // Without sensors a unit's pieces are its places.
    let (index, far) = (Index::default(), ValidAt::from_millis(FAR_MS));
    let mut stays = Vec::new();
    for unit in Fleet::units(registry) {
        let Some(custody) = Custody::of(registry, &index, &unit, far) else { continue };
        let last = custody.pieces.len().saturating_sub(1);
        for (number, piece) in custody.pieces.into_iter().enumerate() {
            let to = (custody.closed || number < last).then_some(piece.to.millis());
            stays.push((unit.clone(), piece.place, piece.from.millis(), to));
        }
    }
    let columns: [ArrayRef; 4] = [
        Arc::new(StringArray::from_iter_values(stays.iter().map(|(unit, ..)| unit.as_str()))),
        Arc::new(StringArray::from_iter(stays.iter().map(|(_, place, ..)| place.as_ref().map(|place| place.as_str())))),
        Arc::new(
            TimestampMillisecondArray::from_iter_values(stays.iter().map(|(_, _, from, _)| *from)).with_timezone("UTC"),
        ),
        Arc::new(TimestampMillisecondArray::from_iter(stays.iter().map(|(.., to)| *to)).with_timezone("UTC")),
    ];
    let fields = vec![
        Field::new("unit", DataType::Utf8, false),
        Field::new("place", DataType::Utf8, true),
        Field::new("from_at", instant(), false),
        Field::new("to_at", instant(), true),
    ];
    of_columns(fields, columns.into())
}
