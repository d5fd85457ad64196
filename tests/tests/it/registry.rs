//! Registry documents: what is read, what is refused and where, what applying does.

use model::instant::RecordedAt;
use model::registry::{Plan, Problem, Registry, RegistryDocument, parse_json, to_canonical};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The document of the outside contract, section 3, to the letter.
pub(crate) const CONTRACT: &[u8] = include_bytes!("../../corpus/registry/interfaces.json");

pub(crate) fn contract() -> RegistryDocument {
    RegistryDocument::parse(CONTRACT).expect("the contract's own document reads")
}

fn plan(state: &Registry, document: &Value) -> Result<Plan, Vec<Problem>> {
    let document = RegistryDocument::parse(document.to_string().as_bytes())?;
    state.plan(&document, RecordedAt::from_millis(0))
}

/// What holds after the contract's document, and `more`.
fn state_with(more: &[Value]) -> Registry {
    let first = Registry::default().plan(&contract(), RecordedAt::from_millis(0)).expect("it applies").after;
    more.iter().fold(first, |state, document| plan(&state, document).expect("the setting applies").after)
}

fn pointers(refused: Result<Plan, Vec<Problem>>) -> Vec<String> {
    refused.expect_err("must be refused").into_iter().map(|problem| problem.pointer).collect()
}

/// The contract's document with the value at `pointer` replaced, or taken out when `value` is `None`.
fn contract_with(pointer: &str, value: Option<Value>) -> Value {
    let mut document: Value = serde_json::from_slice(CONTRACT).expect("JSON");
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
    let parent = document.pointer_mut(parent).expect("a parent");
    match (parent, value) {
        (Value::Object(map), Some(value)) => drop(map.insert(field.to_owned(), value)),
        (Value::Object(map), None) => drop(map.remove(field)),
        (Value::Array(items), Some(value)) => items[field.parse::<usize>().expect("an index")] = value,
        (other, _) => panic!("{pointer} does not lead into {other}"),
    }
    document
}

#[test]
fn the_contracts_document_reads_back_from_its_canonical_form() {
    let document = contract();
    let canonical = to_canonical(&document.to_json());
    let again = RegistryDocument::parse(canonical.as_bytes()).expect("canonical form reads");
    assert_eq!(again, document);
    assert_eq!(to_canonical(&again.to_json()), canonical);
}

#[test]
fn the_contracts_document_applies_once_and_then_changes_nothing() {
    let first = Registry::default().plan(&contract(), RecordedAt::from_millis(0)).expect("it applies");
    assert_eq!((first.created(), first.updated(), first.unchanged), (11, 0, 0));
    let noted: Vec<_> = first.notices.iter().map(|notice| notice.pointer.as_str()).collect();
    assert_eq!(noted, ["/places/0/parent", "/moves/0/to"], "places that are named and not registered");
    let again = first.after.plan(&contract(), RecordedAt::from_millis(1)).expect("it applies again");
    assert_eq!((again.created(), again.updated(), again.unchanged), (0, 0, 11));
    assert_eq!(again.after, first.after);
}

#[test]
fn other_spellings_of_the_same_content_are_the_same() {
    let state = state_with(&[]);
    let document = json!({
        "products": [contract_with("/products/0/guard_band", None).pointer("/products/0").cloned()],
        "associations": [{ "sensor": "WH1-CR2-A", "place": "WH1-CR2", "from": "2026-01-01T01:00:00.000+01:00" }],
        "units": [{ "id": "106141411234567897", "gtin": "9506000134352", "lot": "LOT42", "quantity": 480.0,
                    "place": "WH1-CR2", "at": 1_780_300_800_000_i64 }],
    });
    let planned = plan(&state, &document).expect("it applies");
    assert_eq!(planned.unchanged, 3, "{:?}", planned.changes);
}

#[test]
fn the_same_key_with_other_content_is_the_next_version() {
    let state = state_with(&[]);
    let changed = contract_with("/lots/0/expires_on", Some(json!("2028-05-31")));
    let planned = plan(&state, &changed).expect("it applies");
    assert_eq!((planned.created(), planned.updated(), planned.unchanged), (0, 1, 10));
    let change = &planned.changes[0];
    assert_eq!((change.key.as_str(), change.version, change.before), ("09506000134352/LOT42", 2, Some(1)));
    let lot = planned.after.lots.iter().next().expect("a lot");
    assert_eq!((lot.version, lot.expires_on.to_string()), (2, "2028-05-31".to_owned()));
    let absent = plan(&planned.after, &json!({})).expect("an empty document applies");
    assert_eq!(absent.after, planned.after, "nothing is deleted by absence");
}

#[test]
fn every_value_of_a_wrong_form_is_named_by_its_pointer() {
    let wrong = [
        ("/products/0/gtin", json!("09506000134353")),
        ("/products/0/gtin", json!(9_506_000_134_352_u64)),
        ("/products/0/storage/temperature_c", json!([8.0, 2.0])),
        ("/products/0/storage/temperature_c", json!([2.0])),
        ("/products/0/storage/humidity_pct", json!([null, 120])),
        ("/products/0/kinetics/model", json!("weibull")),
        ("/products/0/kinetics/ea_kj_per_mol", json!(0)),
        ("/products/0/kinetics/ea_low", json!(90)),
        ("/products/0/kinetics/ea_high", json!(80)),
        ("/products/0/kinetics/valid_c", json!([null, 40])),
        ("/products/0/kinetics/q10", json!(2)),
        ("/products/0/rules/0/id", json!("freeze")),
        ("/products/0/rules/0/id", json!("storage.temperature.low")),
        ("/products/0/rules/0/comparator", json!("lt")),
        ("/products/0/rules/0/limit", json!(8.0005)),
        ("/products/0/rules/0/delay_s", json!(-1)),
        ("/products/0/rules/0/hysteresis", json!(-0.5)),
        ("/products/0/rules/0/window_s", json!(3600)),
        ("/products/0/rules/0/severity", json!("fatal")),
        ("/products/0/rules/0/interp", json!("cubic")),
        ("/products/0/freeze/limit_c", json!(-300)),
        ("/products/0/budget/bands/0/to_c", json!(8.0)),
        ("/products/0/budget/bands/1/above_c", json!(14.0)),
        ("/products/0/budget/bands/1/allowed_s", json!(0)),
        ("/products/0/budget/combine", json!("max")),
        ("/products/0/max_gap_s", json!(0)),
        ("/products/0/gap_bound_low_c", json!(30)),
        ("/products/0/gap_slew_c_per_h", json!(-2)),
        ("/products/0/guard_band", json!("no")),
        ("/products/0/mkt/window_s", json!(0)),
        ("/products/0/mkt/severity", json!("high")),
        ("/products/0/min_remaining_days_at_dispatch", json!(1.5)),
        ("/products/0/colour", json!("blue")),
        ("/products/0/mkt/r", json!(8.3144)),
        ("/places/0/id", json!("WH1/CR2")),
        ("/places/0/kind", json!("fridge")),
        ("/places/0/gln", json!("9506000140446")),
        ("/places/0/timezone", json!("Europe/Bärlin")),
        ("/places/0/name", json!("two\nlines")),
        ("/sensors/0/accuracy_c", json!(-0.1)),
        ("/sensors/0/interval_s", json!(0)),
        ("/sensors/0/source", json!("sometimes")),
        ("/sensors/0/calibration_due", json!("2027-02-30")),
        ("/sensors/0/calibrations/0/from", json!("2026-03-01")),
        ("/sensors/0/calibrations/0/offset", json!(0.1)),
        ("/associations/0/unit", json!("106141411234567897")),
        ("/associations/0/to", json!("2026-01-01T00:00:00Z")),
        ("/lots/0/lot", json!("LOT 42")),
        ("/lots/0/expires_on", json!("2026-04-30")),
        ("/units/0/id", json!("106141411234567890")),
        ("/units/0/quantity", json!(0)),
        ("/units/0/at", json!(1_780_300_800)),
        ("/splits/0/into", json!([])),
        ("/splits/0/into/0/id", json!("106141411234567897")),
        ("/aggregations/0/children", json!("106141411234567897")),
        ("/aggregations/0/children/0", json!("106141411234567910")),
        ("/moves/0/planned", json!("yes")),
        ("/exclusions/0/to", json!("2026-10-01T09:00:00Z")),
        ("/closures/0/kind", json!("")),
        ("/product", json!([])),
        ("/units", json!({})),
    ];
    for (pointer, value) in wrong {
        let refused = pointers(plan(&Registry::default(), &contract_with(pointer, Some(value.clone()))));
        assert_eq!(refused, [pointer], "{pointer} = {value}");
    }
}

#[test]
fn every_field_that_must_be_given_is_missed() {
    let required = [
        "/products/0/gtin",
        "/products/0/kinetics/model",
        "/products/0/kinetics/reference_c",
        "/products/0/rules/0/limit",
        "/products/0/budget/bands/0/allowed_s",
        "/places/0/kind",
        "/sensors/0/id",
        "/associations/0/sensor",
        "/associations/0/from",
        "/lots/0/expires_on",
        "/units/0/quantity",
        "/units/0/at",
        "/splits/0/at",
        "/splits/0/into/0/quantity",
        "/aggregations/0/parent",
        "/moves/0/to",
        "/exclusions/0/reason",
        "/exclusions/0/by",
        "/closures/0/kind",
    ];
    for pointer in required {
        assert_eq!(pointers(plan(&Registry::default(), &contract_with(pointer, None))), [pointer]);
    }
    let aimless = contract_with("/associations/0/place", None);
    assert_eq!(pointers(plan(&Registry::default(), &aimless)), ["/associations/0"]);
}

#[test]
fn all_problems_of_a_document_are_told_at_once() {
    let document = json!({ "places": [{ "id": "a b" }, { "id": "x", "kind": "site", "knid": 1 }], "typo": 1 });
    let refused = pointers(plan(&Registry::default(), &document));
    assert_eq!(refused, ["/places/0/id", "/places/0/kind", "/places/1/knid", "/typo"]);
}

#[test]
fn a_field_that_stands_twice_is_refused() {
    let text = br#"{"places":[{"id":"A","kind":"site","kind":"dock"}]}"#;
    let problems = RegistryDocument::parse(text).expect_err("must be refused");
    assert_eq!(problems[0].pointer, "/places/0/kind");
}

/// Documents that are well formed and cannot be true, given the contract's document: where each is refused.
#[test]
fn what_cannot_be_true_together_is_refused_where_it_stands() {
    let unit = "106141411234567897";
    let child = "106141411234567903";
    let pallet = "106141411234567910";
    let gtin = "09506000134352";
    let cases = [
        // A sensor in two places at once, the other registered before or in the same document.
        (
            json!({ "associations": [{ "sensor": "WH1-CR2-A", "place": "WH1-CR2", "from": "2026-05-01T00:00:00Z" }] }),
            "/associations/0",
        ),
        (
            json!({ "associations": [
            { "sensor": "S", "place": "WH1-CR2", "from": "2026-05-01T00:00:00Z", "to": "2026-05-02T00:00:00.001Z" },
            { "sensor": "S", "unit": unit, "from": "2026-05-02T00:00:00Z" } ] }),
            "/associations/1",
        ),
        (
            json!({ "associations": [
            { "sensor": "S", "unit": unit, "from": "2026-05-02T00:00:00Z" },
            { "sensor": "S", "place": "WH1-CR2", "from": "2026-05-02T00:00:00Z" } ] }),
            "/associations/1",
        ),
        (
            json!({ "associations": [{ "sensor": "S", "place": "NOWHERE", "from": "2026-05-01T00:00:00Z" }] }),
            "/associations/0/place",
        ),
        (
            json!({ "associations": [{ "sensor": "S", "unit": "NOTHING", "from": "2026-05-01T00:00:00Z" }] }),
            "/associations/0/unit",
        ),
        // Lots and units.
        (json!({ "lots": [{ "gtin": "09520123456788", "lot": "L", "expires_on": "2028-01-01" }] }), "/lots/0/gtin"),
        (
            json!({ "units": [{ "id": "U", "gtin": gtin, "lot": "lot42", "quantity": 1, "at": "2026-06-01T08:00:00Z" }] }),
            "/units/0/lot",
        ),
        (
            json!({ "units": [{ "id": "U", "gtin": gtin, "lot": "LOT42", "quantity": 1, "place": "WH9",
                             "at": "2026-06-01T08:00:00Z" }] }),
            "/units/0/place",
        ),
        (
            json!({ "units": [{ "id": child, "gtin": gtin, "lot": "LOT42", "quantity": 1, "at": "2026-06-01T08:00:00Z" }] }),
            "/units/0/id",
        ),
        (
            json!({ "units": [{ "id": unit, "gtin": gtin, "lot": "LOT42", "quantity": 239, "place": "WH1-CR2",
                             "at": "2026-06-01T08:00:00Z" }] }),
            "/units/0/quantity",
        ),
        (
            json!({ "units": [{ "id": unit, "gtin": gtin, "lot": "LOT42", "quantity": 480, "place": "WH1-CR2",
                             "at": "2026-12-01T08:00:00Z" }] }),
            "/units/0/at",
        ),
        // Splits.
        (
            json!({ "splits": [{ "unit": unit, "into": [{ "id": "C", "quantity": 241 }], "at": "2026-09-02T08:00:00Z" }] }),
            "/splits/0/into",
        ),
        (
            json!({ "splits": [{ "unit": child, "into": [{ "id": "C", "quantity": 241 }], "at": "2026-09-02T08:00:00Z" }] }),
            "/splits/0/into",
        ),
        (
            json!({ "splits": [{ "unit": unit, "into": [{ "id": child, "quantity": 1 }], "at": "2026-09-02T08:00:00Z" }] }),
            "/splits/0/into",
        ),
        (
            json!({ "splits": [{ "unit": unit, "into": [{ "id": "C", "quantity": 1 }], "at": "2026-05-01T08:00:00Z" }] }),
            "/splits/0/at",
        ),
        (
            json!({ "splits": [{ "unit": "NOTHING", "into": [{ "id": "C", "quantity": 1 }], "at": "2026-09-02T08:00:00Z" }] }),
            "/splits/0/unit",
        ),
        // The split that made a closed unit no longer names it.
        (
            json!({ "splits": [{ "unit": unit, "into": [{ "id": "C", "quantity": 240 }], "at": "2026-09-01T08:00:00Z" }] }),
            "/splits/0/into",
        ),
        // Moves and closures.
        (
            json!({ "moves": [{ "unit": unit, "to": "A", "at": "2026-11-21T06:00:00Z" },
                           { "unit": unit, "to": "B", "at": "2026-11-21T07:00:00+01:00" }] }),
            "/moves/1",
        ),
        (json!({ "moves": [{ "unit": "NOTHING", "to": "WH1-CR2", "at": "2026-11-21T06:00:00Z" }] }), "/moves/0/unit"),
        (json!({ "moves": [{ "unit": child, "to": "WH1-CR2", "at": "2026-08-01T06:00:00Z" }] }), "/moves/0/at"),
        (
            json!({ "closures": [{ "unit": "NOTHING", "at": "2026-11-21T06:00:00Z", "kind": "lost" }] }),
            "/closures/0/unit",
        ),
        // Aggregations.
        (
            json!({ "aggregations": [{ "parent": "P", "children": ["NOTHING"], "from": "2026-11-19T06:00:00Z" }] }),
            "/aggregations/0/children",
        ),
        (
            json!({ "aggregations": [{ "parent": "P", "children": [unit], "from": "2026-11-20T06:00:00Z" }] }),
            "/aggregations/0/children",
        ),
        (
            json!({ "aggregations": [{ "parent": unit, "children": [pallet], "from": "2026-11-20T06:00:00Z" }] }),
            "/aggregations/0/children",
        ),
        // Places.
        (json!({ "places": [{ "id": "WH1", "kind": "site", "parent": "WH1-CR2" }] }), "/places/0/parent"),
        (json!({ "places": [{ "id": "X", "kind": "site", "parent": "X" }] }), "/places/0/parent"),
        (json!({ "products": [{ "gtin": gtin }, { "gtin": gtin, "name": "Other" }] }), "/products/1"),
    ];
    let state = state_with(&[]);
    for (document, pointer) in cases {
        assert_eq!(pointers(plan(&state, &document)), [pointer], "{document}");
    }
}

#[test]
fn what_touches_without_overlapping_is_taken() {
    let state = state_with(&[]);
    let unit = "106141411234567897";
    let document = json!({
        "associations": [
            { "sensor": "S", "place": "WH1-CR2", "from": "2026-05-01T00:00:00Z", "to": "2026-05-02T00:00:00Z" },
            { "sensor": "S", "unit": "106141411234567910", "from": "2026-05-02T00:00:00Z" },
            { "sensor": "WH1-CR2-A", "place": "WH1-CR2", "from": "2026-01-01T00:00:00Z", "to": "2026-05-01T00:00:00Z" },
            { "sensor": "WH1-CR2-A", "unit": unit, "from": "2026-05-01T00:00:00Z" } ],
        "splits": [{ "unit": unit, "into": [{ "id": "C", "quantity": 240 }], "at": "2026-09-02T08:00:00Z" },
                   { "unit": "C", "into": [{ "id": "D", "quantity": 240 }], "at": "2026-09-02T08:00:00Z" }],
        "moves": [{ "unit": "106141411234567910", "to": "DOCK", "at": "2026-11-21T06:00:00Z", "planned": true }],
        "places": [{ "id": "DOCK", "kind": "dock" }],
    });
    let planned = plan(&state, &document).expect("it applies");
    assert_eq!((planned.created(), planned.updated()), (7, 1));
    assert!(planned.notices.is_empty(), "{:?}", planned.notices);
}

fn shuffled(value: &Value, order: &mut impl FnMut(usize) -> usize) -> Value {
    match value {
        Value::Object(map) => {
            let mut fields: Vec<_> = map.iter().map(|(field, value)| (field.clone(), value.clone())).collect();
            for index in (1..fields.len()).rev() {
                fields.swap(index, order(index + 1));
            }
            Value::Object(fields.into_iter().map(|(field, value)| (field, shuffled(&value, order))).collect())
        }
        other => other.clone(),
    }
}

proptest! {
    /// The order of records in a document, and of fields in a record, means nothing.
    #[test]
    fn order_means_nothing(seed in any::<u64>()) {
        let mut state = seed;
        let mut order = |n: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % n
        };
        let mut document: Value = serde_json::from_slice(CONTRACT).expect("JSON");
        document["splits"] = json!([
            { "unit": "106141411234567897", "at": "2026-09-01T08:00:00Z", "into": [
                { "id": "106141411234567903", "quantity": 240 }, { "id": "A", "quantity": 40 } ] },
            { "unit": "A", "at": "2026-09-02T08:00:00Z", "into": [{ "id": "B", "quantity": 40 }] },
        ]);
        let straight = plan(&Registry::default(), &document).expect("it applies").after;
        let mut mixed = shuffled(&document, &mut order);
        if let Some(splits) = mixed["splits"].as_array_mut() {
            let at = order(2);
            splits.swap(0, at);
            for split in splits {
                if let Some(into) = split["into"].as_array_mut() { into.reverse(); }
            }
        }
        prop_assert_eq!(plan(&Registry::default(), &mixed).expect("it applies").after, straight);
    }

    /// No bytes make the reader fail otherwise than by naming problems, and what it accepts survives a round trip.
    #[test]
    fn any_damage_to_a_document_is_read_or_refused(at in 0..CONTRACT.len(), byte in any::<u8>()) {
        let mut text = CONTRACT.to_vec();
        text[at] = byte;
        match RegistryDocument::parse(&text) {
            Ok(document) => {
                let canonical = to_canonical(&document.to_json());
                prop_assert_eq!(RegistryDocument::parse(canonical.as_bytes()), Ok(document));
            }
            Err(problems) => prop_assert!(!problems.is_empty()),
        }
    }

    /// The strict reader takes exactly what the usual one takes.
    #[test]
    fn strict_json_is_json(text in "[\\[\\]{}\":,0-9a-z\\\\. -]{0,40}") {
        let usual = serde_json::from_str::<Value>(&text);
        match parse_json(text.as_bytes()) {
            Ok(value) => prop_assert_eq!(value, usual.expect("both read it")),
            Err(problems) => {
                let twice = problems.iter().all(|problem| problem.message.starts_with("stands twice"));
                prop_assert_eq!(usual.is_ok(), twice);
            }
        }
    }
}
