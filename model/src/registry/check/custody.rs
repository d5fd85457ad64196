//! Whether the records about sensors and units can all be true together.

use std::collections::BTreeSet;

use crate::instant::ValidAt;
use crate::name::Name;
use crate::registry::document::RegistryDocument;
use crate::registry::entity::Kind;
use crate::registry::read::Problems;
use crate::registry::state::Registry;

/// The end of an interval [from, to), `None` being open.
fn end(to: Option<ValidAt>) -> ValidAt {
    to.unwrap_or(ValidAt::from_millis(i64::MAX))
}

/// A sensor watches one thing at a time.
pub(super) fn associations(document: &RegistryDocument, after: &Registry, problems: &Problems) {
    for (index, association) in document.associations.iter().enumerate() {
        // Only one of two that overlap tells it, unless the other was there before.
        let clash = after.associations.of(&association.sensor).find(|other| {
            other.from != association.from
                && other.from < end(association.to)
                && association.from < end(other.to)
                && (other.from < association.from || !document.associations.contains(other))
        });
        if let Some(other) = clash {
            let message = format!(
                "puts the sensor `{}` in two places at once: its association from {} overlaps; end that one first",
                association.sensor, other.from
            );
            problems.push(format!("/{}/{index}", Kind::Association.section()), message);
        }
    }
}

/// A split takes no more than there is, gives each child an id of its own, and drops no child that has a past.
pub(super) fn splits(before: &Registry, document: &RegistryDocument, after: &Registry, problems: &Problems) {
    let section = Kind::Split.section();
    for (index, split) in document.splits.iter().enumerate() {
        for child in &split.into {
            let taken = after.units.contains(&child.id) || after.splits_into(&child.id).nth(1).is_some();
            if taken {
                let message = format!("`{}` is the id of another unit already: give the child its own", child.id);
                problems.push(format!("/{section}/{index}/into"), message);
            }
        }
        if let Some(message) = taken_too_much(&split.unit, after) {
            problems.push(format!("/{section}/{index}/into"), message);
        }
        let earlier = before.splits.get(&(split.unit.clone(), split.at));
        for dropped in
            earlier.iter().flat_map(|earlier| &earlier.into).filter(|child| after.origin(&child.id).is_none())
        {
            if is_used(&dropped.id, after) {
                let message = format!("no longer names `{}`, which other records speak of: keep it", dropped.id);
                problems.push(format!("/{section}/{index}/into"), message);
            }
        }
        if split.into.iter().any(|child| descends_from(&split.unit, &child.id, after)) {
            problems.push(format!("/{section}/{index}/unit"), format!("`{}` would be its own ancestor", split.unit));
        }
    }
    for (index, unit) in document.units.iter().enumerate() {
        let touched = || document.splits.iter().any(|split| split.unit == unit.id);
        if let Some(message) = taken_too_much(&unit.id, after).filter(|_| !touched()) {
            problems.push(format!("/{}/{index}/quantity", Kind::Unit.section()), message);
        }
    }
    for (index, split) in document.splits.iter().enumerate() {
        for child in &split.into {
            let touched = || document.splits.iter().any(|other| other.unit == child.id);
            if let Some(message) = taken_too_much(&child.id, after).filter(|_| !touched()) {
                problems.push(format!("/{section}/{index}/into"), message);
            }
        }
    }
}

fn taken_too_much(unit: &Name, after: &Registry) -> Option<String> {
    let (_, quantity) = after.beginning(unit)?;
    let children = after.splits.of(unit).flat_map(|split| &split.record.into);
    let taken: u128 = children.map(|child| u128::from(child.quantity)).sum();
    (taken > u128::from(quantity)).then(|| format!("takes {taken} out of `{unit}`, which holds {quantity}"))
}

fn is_used(id: &Name, after: &Registry) -> bool {
    let watched = || {
        let target = crate::registry::Target::Unit(id.clone());
        after.associations.iter().any(|association| association.target == target)
    };
    after.moves.of(id).next().is_some()
        || after.closures.of(id).next().is_some()
        || after.splits.of(id).next().is_some()
        || after.aggregations_of(id).next().is_some()
        || watched()
}

/// Whether `id` comes from `ancestor` by splits.
fn descends_from(id: &Name, ancestor: &Name, after: &Registry) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![id];
    while let Some(unit) = open.pop() {
        if unit == ancestor {
            return true;
        }
        if seen.insert(unit) {
            open.extend(after.splits_into(unit).map(|split| &split.record.unit));
        }
    }
    false
}

/// A unit is in one aggregation at a time, and no aggregation holds itself.
pub(super) fn aggregations(document: &RegistryDocument, after: &Registry, problems: &Problems) {
    let section = Kind::Aggregation.section();
    for (index, aggregation) in document.aggregations.iter().enumerate() {
        let (from, to) = (aggregation.from, end(aggregation.to));
        for child in &aggregation.children {
            let clash = after.aggregations_of(child).find(|other| {
                (&other.parent, other.from) != (&aggregation.parent, from)
                    && other.from < to
                    && from < end(other.to)
                    && ((other.from, &other.parent) < (from, &aggregation.parent)
                        || !document.aggregations.contains(other))
            });
            if let Some(other) = clash {
                let message = format!(
                    "puts `{child}` in two aggregations at once: it is in `{}` from {}; end that one first",
                    other.parent, other.from
                );
                problems.push(format!("/{section}/{index}/children"), message);
            }
            if holds(child, &aggregation.parent, from, to, after) {
                problems.push(format!("/{section}/{index}/children"), format!("`{child}` holds its own parent"));
            }
        }
    }
}

/// Whether `holder` holds `held`, directly or not, at some instant of [from, to).
fn holds(holder: &Name, held: &Name, from: ValidAt, to: ValidAt, after: &Registry) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![(held, from, to)];
    while let Some((unit, from, to)) = open.pop() {
        if unit == holder {
            return true;
        }
        for other in after.aggregations_of(unit) {
            let (from, to) = (from.max(other.from), to.min(end(other.to)));
            if from < to && seen.insert((&other.parent, other.from, from, to)) {
                open.push((&other.record.parent, from, to));
            }
        }
    }
    false
}

/// Nothing happens to a unit before it begins.
pub(super) fn beginnings(document: &RegistryDocument, after: &Registry, problems: &Problems) {
    let early =
        |unit: &Name, at: ValidAt| after.beginning(unit).map(|(begins, _)| begins).filter(|begins| at < *begins);
    let told = |begins: ValidAt| format!("is before the unit begins, {begins}");
    let moves = document.moves.iter().enumerate().map(|(index, record)| (Kind::Move, index, &record.unit, record.at));
    let splits =
        document.splits.iter().enumerate().map(|(index, record)| (Kind::Split, index, &record.unit, record.at));
    let closures =
        document.closures.iter().enumerate().map(|(index, record)| (Kind::Closure, index, &record.unit, record.at));
    for (kind, index, unit, at) in moves.chain(splits).chain(closures) {
        if let Some(begins) = early(unit, at) {
            problems.push(format!("/{}/{index}/at", kind.section()), told(begins));
        }
    }
    for (index, unit) in document.units.iter().enumerate() {
        let first = [
            after.moves.of(&unit.id).next().map(|record| record.at),
            after.splits.of(&unit.id).next().map(|record| record.at),
            after.closures.of(&unit.id).next().map(|record| record.at),
        ];
        // Told where the document says it, if the document says it.
        let told = || {
            document.moves.iter().any(|record| record.unit == unit.id && record.at < unit.at)
                || document.splits.iter().any(|record| record.unit == unit.id && record.at < unit.at)
                || document.closures.iter().any(|record| record.unit == unit.id && record.at < unit.at)
        };
        if let Some(first) = first.into_iter().flatten().min().filter(|first| *first < unit.at && !told()) {
            let message = format!("is after something that happened to the unit already, {first}");
            problems.push(format!("/{}/{index}/at", Kind::Unit.section()), message);
        }
    }
}
