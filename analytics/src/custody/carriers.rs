//! What a unit was on or part of.

use model::name::Name;
use model::registry::Registry;

/// How many pallets or parents within each other are followed.
const DEEPEST: usize = 32;

/// `unit`, what carried it at any time, and what it was split from.
pub(crate) fn carriers(registry: &Registry, unit: &Name) -> Vec<Name> {
    let mut carriers = vec![unit.clone()];
    for depth in 0..DEEPEST {
        let Some(current) = carriers.get(depth).cloned() else { break };
        let held = registry.aggregations_of(&current).map(|held| held.parent.clone());
        let parents: Vec<Name> = held.chain(registry.splits_into(&current).map(|split| split.unit.clone())).collect();
        carriers.extend(parents.into_iter().filter(|parent| !carriers.contains(parent)).collect::<Vec<_>>());
    }
    carriers
}
