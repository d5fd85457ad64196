//! Whose custody a change of the registry can have changed: a move concerns what moved and what is on it, and nobody else.

use std::collections::BTreeSet;

use model::name::Name;
use model::registry::Registry;

use crate::custody::carriers;

/// The units of which custody may be another under `now` than it was `before`, when the same sensors are at the same places and
/// units; `None` when that may be any.
pub(super) fn units(before: &Registry, now: &Registry) -> Option<BTreeSet<Name>> {
    let places = now.places.changed_since(&before.places).next();
    let aggregations = now.aggregations.changed_since(&before.aggregations).next();
    let splits = now.splits.changed_since(&before.splits).next();
    let fewer = now.units.len() < before.units.len()
        || now.moves.len() < before.moves.len()
        || now.closures.len() < before.closures.len();
    if places.is_some() || aggregations.is_some() || splits.is_some() || fewer {
        return None;
    }
    let mut themselves: BTreeSet<&Name> = BTreeSet::new();
    themselves.extend(now.units.changed_since(&before.units));
    themselves.extend(now.moves.changed_since(&before.moves).map(|(unit, _)| unit));
    themselves.extend(now.closures.changed_since(&before.closures).map(|(unit, _)| unit));
    if themselves.is_empty() {
        return Some(BTreeSet::new());
    }
    let children = now.splits.iter().flat_map(|split| split.into.iter().map(|child| &child.id));
    let units = now.units.iter().map(|unit| &unit.id).chain(children);
    let follows = |unit: &&Name| carriers(now, unit).iter().any(|carrier| themselves.contains(carrier));
    Some(units.filter(follows).cloned().collect())
}

#[cfg(test)]
mod tests {
    use model::instant::RecordedAt;
    use model::registry::RegistryDocument;
    use serde_json::{Value, json};

    use super::*;

    const GTIN: &str = "09506000134352";
    const BEGIN: i64 = 1_790_000_000_000;

    fn after(registry: &Registry, document: &Value) -> Registry {
        let document = RegistryDocument::from_value(document).unwrap();
        registry.plan(&document, RecordedAt::from_millis(0)).unwrap().after
    }

    fn names(units: Option<BTreeSet<Name>>) -> Option<Vec<String>> {
        units.map(|units| units.iter().map(|unit| unit.as_str().to_owned()).collect())
    }

    #[test]
    fn a_move_touches_what_moved_what_was_on_it_and_what_was_split_off() {
        let unit = |id: &str| json!({ "id": id, "gtin": GTIN, "lot": "L", "quantity": 9, "place": "P", "at": BEGIN });
        let before = after(
            &Registry::default(),
            &json!({
                "products": [{ "gtin": GTIN, "kinetics": { "model": "none" } }],
                "lots": [{ "gtin": GTIN, "lot": "L", "expires_on": "2099-01-01" }],
                "places": [{ "id": "P", "kind": "store" }, { "id": "Q", "kind": "store" }],
                "units": [unit("A"), unit("B"), unit("C")],
                "aggregations": [{ "parent": "106141411234567897", "children": ["A"], "from": BEGIN, "to": BEGIN + 1000 }],
                "splits": [{ "unit": "B", "into": [{ "id": "B1", "quantity": 2 }], "at": BEGIN + 500 }],
            }),
        );
        let moved = |unit: &str| after(&before, &json!({ "moves": [{ "unit": unit, "to": "Q", "at": BEGIN + 2000 }] }));
        let touched = |now: &Registry| names(units(&before, now));
        assert_eq!(touched(&before), Some(vec![]));
        assert_eq!(touched(&moved("C")), Some(vec!["C".to_owned()]));
        assert_eq!(touched(&moved("B")), Some(vec!["B".to_owned(), "B1".to_owned()]));
        assert_eq!(touched(&moved("106141411234567897")), Some(vec!["A".to_owned()]));
        let closed = after(&before, &json!({ "closures": [{ "unit": "A", "at": BEGIN + 3000, "kind": "delivered" }] }));
        assert_eq!(touched(&closed), Some(vec!["A".to_owned()]));
        let one_more = after(&before, &json!({ "units": [unit("D")] }));
        assert_eq!(touched(&one_more), Some(vec!["D".to_owned()]));
        let lot = json!({ "lots": [{ "gtin": GTIN, "lot": "M", "expires_on": "2099-01-01" }] });
        assert_eq!(touched(&after(&before, &lot)), Some(vec![]));
        let placed = json!({ "places": [{ "id": "Q", "kind": "store", "parent": "P" }] });
        assert_eq!(touched(&after(&before, &placed)), None);
    }
}
