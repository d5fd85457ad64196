//! What a unit was on or part of.

use model::name::Name;
use model::registry::Registry;

/// `unit`, what carried it at any time, and what it was split from.
pub(crate) fn carriers(registry: &Registry, unit: &Name) -> Vec<Name> {
    let mut carriers = vec![unit.clone()];
    let mut looked_at = 0;
    while let Some(current) = carriers.get(looked_at).cloned() {
        looked_at += 1;
        let held = registry.aggregations_of(&current).map(|held| held.parent.clone());
        let parents: Vec<Name> = held.chain(registry.splits_into(&current).map(|split| split.unit.clone())).collect();
        carriers.extend(parents.into_iter().filter(|parent| !carriers.contains(parent)).collect::<Vec<_>>());
    }
    carriers
}
