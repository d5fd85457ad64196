//! Whose readings a unit's history is made of.

use std::collections::BTreeSet;

use model::instant::ValidAt;
use model::name::Name;
use model::registry::Registry;
use store::newest::Newest;

use crate::custody::{Custody, Index, Tag, carriers};
use crate::error::SqlError;
use crate::logs::{self, Wanted};
use crate::sql::Engine;

/// Where `unit` was and whose readings count, up to `as_of`; `None` when it is not known, or begins later.
///
/// Sensors that travelled with it by their own word are looked for in the store only when some reading named it, or
/// what carried it.
///
/// # Errors
/// Any [`SqlError`].
pub async fn custody(
    engine: &Engine,
    registry: &Registry,
    newest: &Newest,
    unit: &Name,
    as_of: ValidAt,
) -> Result<Option<Custody>, SqlError> {
    let mut index = Index::new(registry);
    let named = newest.named();
    let sensors: BTreeSet<Name> = carriers(registry, unit)
        .iter()
        .flat_map(|carrier| named.get(carrier.as_str()).into_iter().flatten())
        .filter_map(|sensor| Name::parse(sensor).ok())
        .collect();
    if !sensors.is_empty() {
        let sensors: Vec<Name> = sensors.into_iter().collect();
        let wanted = Wanted { sensors: Some(&sensors), from: None, as_of, known_at: None };
        logs::from_engine(engine, &wanted).await?.tell(&mut index, as_of);
    }
    Ok(Custody::of(registry, &index, unit, as_of))
}

/// The sensors of every place and every unit right now: those registered, and those whose newest reading names a
/// unit.
#[must_use]
pub fn index(registry: &Registry, newest: &Newest) -> Index {
    let mut index = Index::new(registry);
    for (sensor, last) in newest.travelling() {
        let unit = last.unit.as_deref().and_then(|unit| Name::parse(unit).ok());
        if let Some((unit, sensor)) = unit.zip(Name::parse(&sensor).ok()) {
            let from = ValidAt::from_millis(last.measured_at.millis());
            index.travels(unit, Tag { sensor, from, to: None });
        }
    }
    index
}
