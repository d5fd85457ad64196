//! Whether what a record names is registered.

use std::collections::BTreeSet;

use crate::name::Name;
use crate::registry::association::Target;
use crate::registry::document::RegistryDocument;
use crate::registry::entity::Kind;
use crate::registry::place::Place;
use crate::registry::read::Problems;
use crate::registry::state::Registry;

fn pointer(kind: Kind, index: usize, field: &str) -> String {
    format!("/{}/{index}/{field}", kind.section())
}

/// A place may be inside, and a unit may move to, a place that is registered later; then only a notice is due.
/// Where a unit begins and what a sensor watches must be known: a typo there would leave a unit without a trace.
pub(super) fn places(document: &RegistryDocument, after: &Registry, problems: &Problems, notices: &Problems) {
    for (index, place) in document.places.iter().enumerate() {
        let Some(parent) = &place.parent else { continue };
        if !after.places.contains(parent) {
            notices.push(pointer(Kind::Place, index, "parent"), later("place", parent));
        } else if is_inside_itself(place, after) {
            let message = format!("puts `{}` inside itself: choose another parent", place.id);
            problems.push(pointer(Kind::Place, index, "parent"), message);
        }
    }
    for (index, movement) in document.moves.iter().enumerate() {
        if !after.places.contains(&movement.to) {
            notices.push(pointer(Kind::Move, index, "to"), later("place", &movement.to));
        }
    }
    for (index, unit) in document.units.iter().enumerate() {
        if let Some(place) = unit.place.as_ref().filter(|place| !after.places.contains(place)) {
            problems.push(pointer(Kind::Unit, index, "place"), unknown("place", place));
        }
    }
    for (index, association) in document.associations.iter().enumerate() {
        match &association.target {
            Target::Place(place) if !after.places.contains(place) => {
                problems.push(pointer(Kind::Association, index, "place"), unknown("place", place));
            }
            Target::Unit(unit) if !after.is_tracked(unit) => {
                problems.push(pointer(Kind::Association, index, "unit"), unknown("unit", unit));
            }
            Target::Place(_) | Target::Unit(_) => {}
        }
    }
}

fn is_inside_itself(place: &Place, after: &Registry) -> bool {
    let mut above = BTreeSet::from([&place.id]);
    let mut next = place.parent.as_ref();
    while let Some(parent) = next {
        if !above.insert(parent) {
            // A circle; it is told at each of its own places, not at those that merely lead into it.
            return *parent == place.id;
        }
        next = after.places.get(parent).and_then(|recorded| recorded.record.parent.as_ref());
    }
    false
}

/// A lot is of a product, a unit is of a lot, and no unit has the id of a split's child.
pub(super) fn lots_and_units(document: &RegistryDocument, after: &Registry, problems: &Problems) {
    for (index, lot) in document.lots.iter().enumerate() {
        if !after.products.contains(&lot.gtin) {
            problems.push(pointer(Kind::Lot, index, "gtin"), unknown("product", &lot.gtin));
        }
    }
    for (index, unit) in document.units.iter().enumerate() {
        if !after.lots.contains(&unit.lot_key()) {
            problems.push(pointer(Kind::Unit, index, "lot"), unknown("lot", &unit.lot_key()));
        }
        if let Some(split) = after.splits_into(&unit.id).next() {
            let message = format!("`{}` is made by a split of `{}`: give this unit another id", unit.id, split.unit);
            problems.push(pointer(Kind::Unit, index, "id"), message);
        }
    }
}

/// What a record says of a unit, it says of one that is known.
pub(super) fn named_units(document: &RegistryDocument, after: &Registry, problems: &Problems, notices: &Problems) {
    let tracked = document.moves.iter().enumerate().map(|(index, record)| (Kind::Move, index, &record.unit));
    let closed = document.closures.iter().enumerate().map(|(index, record)| (Kind::Closure, index, &record.unit));
    for (kind, index, unit) in tracked.chain(closed) {
        if !after.is_tracked(unit) {
            problems.push(pointer(kind, index, "unit"), unknown("unit", unit));
        }
    }
    for (index, split) in document.splits.iter().enumerate() {
        if after.origin(&split.unit).is_none() {
            problems.push(pointer(Kind::Split, index, "unit"), unknown("unit", &split.unit));
        }
    }
    for (index, aggregation) in document.aggregations.iter().enumerate() {
        for child in aggregation.children.iter().filter(|child| !after.is_tracked(child)) {
            problems.push(pointer(Kind::Aggregation, index, "children"), unknown("unit", child));
        }
        if after.origin(&aggregation.parent).is_none() && !aggregation_is_named(&aggregation.parent) {
            let message =
                format!("`{}` is no registered unit: it is taken as the name of a carrier", aggregation.parent);
            notices.push(pointer(Kind::Aggregation, index, "parent"), message);
        }
    }
}

/// An SSCC names a carrier by itself; any other name may be a typo.
fn aggregation_is_named(parent: &Name) -> bool {
    crate::gs1::Sscc::parse(parent.as_str()).is_ok()
}

fn unknown(what: &str, key: &impl std::fmt::Display) -> String {
    format!("`{key}` is not a registered {what}: register it, or correct the name")
}

fn later(what: &str, name: &Name) -> String {
    format!("`{name}` is not a registered {what} yet")
}
