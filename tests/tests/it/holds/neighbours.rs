//! Units that came one by one and stand under the same sensors: what one is found to be held for, all are at once.

use model::hold::{Alike, Basis, HoldId, Meaning};
use store::ledger::{AlikeLazily, Fired, Found, Neighbours};

use super::kept::{decision, open, opened_again, sound};
use super::*;

/// What an assessment of `unit` says, when these stand where it stands, each since a minute. What began at minute 10 or later
/// all have in common that are there since minute 5.
fn finding(
    ledger: &Ledger,
    (unit, as_of): (&str, i64),
    excursions: Vec<Excursion>,
    standing: &[(&str, i64)],
) -> Findings {
    let mut assessment = assessed(unit, as_of, excursions);
    // Units that came at different times have read different things, and used up different parts of their life.
    assessment.provenance.readings_digest = format!("sha256:{unit}");
    let fired = |alarm: &Alarm| Some(Fired { rule: alarm.rule.clone(), at: alarm.at?, detail: "fired".into() });
    let fired: Vec<Fired> = assessment.alarms.iter().filter_map(fired).collect();
    let alike =
        fired.last().map(|fired| Alike { rule: fired.rule.clone(), at: fired.at, since: minute(5), from: minute(10) });
    let neighbours = standing.iter().map(|(unit, since)| (minute(*since), Arc::from([name(unit)]))).collect();
    let finding = Finding {
        fired,
        alike: AlikeLazily::new(move || alike.into_iter().collect()),
        neighbours: Arc::new(Neighbours::new(&ledger.registry(), neighbours)),
        ..Finding::of_unit(assessment, "CR")
    };
    Findings { assessed: vec![finding], ..Findings::default() }
}

const STANDING: [(&str, i64); 6] = [("U1", -60), ("U2", -40), ("U3", -20), ("U4", 5), ("U5", -10), ("U6", 6)];

fn held(ledger: &Ledger) -> Vec<String> {
    let holds = ledger.holds();
    let open = holds.iter().filter(|hold| hold.state == HoldState::Open);
    let mut units: Vec<String> = open
        .filter_map(|hold| if let Scope::Unit(unit) = &hold.scope { Some(unit.to_string()) } else { None })
        .collect();
    units.sort();
    units
}

fn hold_of(ledger: &Ledger, unit: &str) -> Arc<model::hold::Hold> {
    ledger.holds().of_unit(&name(unit)).last().unwrap()
}

/// Six units, of which `U5` was held and released before; then a finding about `U2`.
async fn written(directory: &std::path::Path) -> (Ledger, u64, Found) {
    let ledger = open(directory).await;
    apply(&ledger, &document(6)).await;
    let before = finding(&ledger, ("U5", -100), vec![hot(-200, -110, false)], &[]);
    let placed = ledger.record_findings(before).await.unwrap().placed;
    ledger.decide_holds(decision(placed, Meaning::Released), &name("m.lin")).await.unwrap().unwrap();
    let before = ledger.head().seq.get();
    let found = ledger.record_findings(finding(&ledger, ("U2", 45), vec![hot(11, 45, true)], &STANDING)).await.unwrap();
    (ledger, before, found)
}

#[tokio::test]
async fn one_finding_holds_all_that_stood_there_long_enough() {
    let directory = tempfile::tempdir().unwrap();
    let (ledger, before, found) = written(directory.path()).await;
    // U6 came too late, and what was released of U5 is to be looked at for itself.
    assert_eq!(held(&ledger), ["U1", "U2", "U3", "U4"]);
    assert_eq!((found.placed.len(), found.raised.len()), (4, 5));
    assert_eq!(ledger.head().seq.get() - before, 2, "one event for the holds, one for the alarms");
    let hold = hold_of(&ledger, "U3");
    assert_eq!(hold.cause, Cause::Finding { code: ReasonCode::Excursion, rule: Some(name("hot")) });
    let evidence = &hold.evidence[0].evidence;
    assert_eq!(evidence.basis, Basis::Shared { from: minute(10) });
    assert_eq!((evidence.excursions.len(), evidence.watermark), (1, Some(minute(45))));
    let json = &hold.to_json()["evidence"][0];
    assert_eq!((&json["readings_digest"], &json["effective_expiry"]), (&Value::Null, &Value::Null), "of one unit only");
    assert_eq!(json["shared_from"], "2026-11-22T10:10:00.000Z");
    // What each is found to have gone through by itself says nothing else, also where more happened before.
    for (unit, excursions) in [
        ("U1", vec![hot(-50, -45, false), hot(11, 45, true)]),
        ("U2", vec![hot(11, 45, true)]),
        ("U4", vec![hot(11, 45, true)]),
    ] {
        let again = ledger.record_findings(finding(&ledger, (unit, 46), excursions, &STANDING)).await.unwrap();
        assert_eq!(again, Found::default(), "{unit}");
    }
    let own = finding(&ledger, ("U5", 46), vec![hot(-200, -110, false), hot(11, 45, true)], &STANDING);
    let own = ledger.record_findings(own).await.unwrap();
    assert_eq!((own.placed.len(), own.raised.len()), (1, 0));
    assert!(matches!(hold_of(&ledger, "U5").evidence[0].evidence.basis, Basis::Unit { .. }));
    opened_again(&ledger, directory.path()).await;
}

#[tokio::test]
async fn what_ends_for_all_is_one_version_and_who_has_left_has_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let (ledger, before, _) = written(directory.path()).await;
    // U3 is somewhere else by now.
    let standing: Vec<(&str, i64)> = STANDING.into_iter().filter(|(unit, _)| *unit != "U3").collect();
    let closed = || finding(&ledger, ("U4", 70), vec![hot(11, 65, false)], &standing);
    let found = ledger.record_findings(closed()).await.unwrap();
    assert_eq!((found.placed.len(), found.versioned.len(), ledger.head().seq.get() - before), (0, 3, 3));
    assert_eq!(ledger.record_findings(closed()).await.unwrap(), Found::default());
    for (unit, versions) in [("U1", 2), ("U2", 2), ("U3", 1), ("U4", 2)] {
        let hold = hold_of(&ledger, unit);
        assert_eq!(hold.evidence.len(), versions, "{unit}");
        assert!(matches!(hold.evidence.last().unwrap().evidence.basis, Basis::Shared { .. }), "{unit}");
    }
    let left = finding(&ledger, ("U3", 70), vec![hot(11, 50, false)], &[("U3", 50)]);
    assert_eq!(ledger.record_findings(left).await.unwrap().versioned, [hold_of(&ledger, "U3").id]);
    let own = &hold_of(&ledger, "U3").evidence[1].evidence;
    assert!(matches!(&own.basis, Basis::Unit { readings_digest, .. } if &**readings_digest == "sha256:U3"));
    // Late data that changes the excursion is one more version for all who share it.
    let late = finding(&ledger, ("U1", 80), vec![hot(-50, -45, false), hot(11, 64, false)], &standing);
    assert_eq!(ledger.record_findings(late).await.unwrap().versioned.len(), 3);
    opened_again(&ledger, directory.path()).await;
}

#[tokio::test]
async fn a_release_accepts_what_the_unit_itself_went_through() {
    let directory = tempfile::tempdir().unwrap();
    let (ledger, ..) = written(directory.path()).await;
    let hold = hold_of(&ledger, "U1");
    let own = || assessed("U1", 70, vec![hot(-50, -45, false), hot(11, 65, false)]);
    let accepted = [(hold.id, model::hold::Evidence::of(&own(), &hold.cause))].into();
    let release = store::ledger::Decision { accepted, ..decision(vec![hold.id], Meaning::Released) };
    ledger.decide_holds(release, &name("m.lin")).await.unwrap().unwrap();
    let again = finding(&ledger, ("U1", 70), vec![hot(-50, -45, false), hot(11, 65, false)], &STANDING);
    assert_eq!(ledger.record_findings(again).await.unwrap().placed, Vec::<HoldId>::new());
    // Neither does what the others are found to have gone through hold it again.
    let others = finding(&ledger, ("U2", 71), vec![hot(11, 65, false)], &STANDING);
    assert_eq!(ledger.record_findings(others).await.unwrap().placed, Vec::<HoldId>::new());
    let more = vec![hot(-50, -45, false), hot(11, 65, false), hot(200, 240, false)];
    assert_eq!(ledger.record_findings(finding(&ledger, ("U1", 240), more, &STANDING)).await.unwrap().placed.len(), 1);
    sound(&ledger).await;
    assert_eq!(ledger.check_signatures(&ledger.holds().get(hold.id).unwrap()).await.unwrap(), vec![Ok(())]);
}

#[tokio::test]
async fn neither_a_unit_that_is_not_there_yet_nor_a_part_of_a_split_is_held_for_its_neighbours() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open(directory.path()).await;
    let mut registry = document(4);
    registry["units"][3]["at"] = json!("2026-11-22T12:00:00Z");
    registry["splits"] = json!([{"unit": "U1", "into": [{"id": "C", "quantity": 2}], "at": "2026-11-22T09:00:00Z"}]);
    apply(&ledger, &registry).await;
    let standing = [("C", -60), ("U1", -60), ("U2", -40), ("U3", -20), ("U4", 120)];
    ledger.record_findings(finding(&ledger, ("U2", 45), vec![hot(11, 45, true)], &standing)).await.unwrap();
    assert_eq!(held(&ledger), ["U1", "U2", "U3"]);
    ledger.record_findings(finding(&ledger, ("C", 45), vec![hot(11, 45, true)], &standing)).await.unwrap();
    assert_eq!(held(&ledger), ["C", "U1", "U2", "U3"]);
    sound(&ledger).await;
}
