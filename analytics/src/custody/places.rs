//! Where a unit was: its own moves, its parent's past, and the moves of what carries it.

use model::instant::ValidAt;
use model::name::Name;
use model::registry::{Origin, Registry};

/// How many pallets, parents or places within each other are followed.
pub(super) const DEEPEST: usize = 32;

/// Places by the instant each begins to hold, by time.
pub(super) type Places = Vec<(ValidAt, Option<Name>)>;

/// Where the unit (or what carries units) `id` was, over all time.
pub(super) fn of(registry: &Registry, id: &Name) -> Places {
    trail(registry, id, 0)
}

/// The place that holds at an instant.
pub(super) fn at(places: &[(ValidAt, Option<Name>)], instant: ValidAt) -> Option<&Name> {
    let begun = places.partition_point(|(from, _)| *from <= instant);
    places[..begun].last()?.1.as_ref()
}

fn trail(registry: &Registry, id: &Name, depth: usize) -> Places {
    if depth >= DEEPEST {
        return Vec::new();
    }
    let mut places = match registry.origin(id) {
        Some(Origin::Registered(unit)) => vec![(unit.at, unit.place.clone())],
        Some(Origin::Split(split)) => {
            let mut before = trail(registry, &split.unit, depth + 1);
            let here = at(&before, split.at).cloned();
            before.retain(|(from, _)| *from < split.at);
            before.push((split.at, here));
            before
        }
        None => Vec::new(),
    };
    let own = registry.moves.of(id).filter(|movement| !movement.planned);
    places.extend(own.map(|movement| (movement.at, Some(movement.to.clone()))));
    places.sort_by_key(|(from, _)| *from);
    for held in registry.aggregations_of(id) {
        let carrier = trail(registry, &held.parent, depth + 1);
        let within = |instant: ValidAt| held.from <= instant && held.to.is_none_or(|to| instant < to);
        let start = at(&carrier, held.from).cloned();
        // A carrier nobody knows the place of takes nothing anywhere.
        let followed = carrier.iter().filter(|(from, place)| *from > held.from && within(*from) && place.is_some());
        let mut followed: Places = followed.cloned().collect();
        if start.is_some() {
            followed.insert(0, (held.from, start));
        }
        if !followed.is_empty() {
            let first = followed[0].0;
            places.retain(|(from, _)| !(within(*from) && *from >= first));
            places.extend(followed);
            places.sort_by_key(|(from, _)| *from);
        }
    }
    places
}
