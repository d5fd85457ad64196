//! Holds placed together: one event and one evidence for many units, and each unit its own hold all the same.

use std::path::Path;

use model::hold::{Disposition, HoldId, Meaning};
use store::ledger::Fired;

use super::kept::{decision, is_found, open, opened_again, sound};
use super::*;

/// What one assessment says of units that share a past: all from `U1` to `Un` but some.
fn together(units: usize, but: &[&str], as_of: i64, excursions: Vec<Excursion>) -> Findings {
    let names = (1..=units).map(|unit| format!("U{unit}")).filter(|unit| !but.contains(&unit.as_str()));
    let mut names: Vec<Name> = names.map(|unit| name(&unit)).collect();
    names.sort();
    let assessment = assessed(names[0].as_str(), as_of, excursions);
    let fired = assessment
        .alarms
        .iter()
        .filter_map(|alarm| Some(Fired { rule: alarm.rule.clone(), at: alarm.at?, detail: "rule `hot` fired".into() }));
    let fired = fired.collect();
    let finding = Finding { units: names.into(), fired, ..Finding::of_unit(assessment, "CR") };
    Findings { assessed: vec![finding], ..Findings::default() }
}

fn hold_of(ledger: &Ledger, unit: &str) -> Arc<model::hold::Hold> {
    let holds = ledger.holds();
    let found: Vec<_> = holds.of_unit(&name(unit)).collect();
    assert_eq!(found.len(), 1, "{unit}");
    Arc::clone(&found[0])
}

/// Six units held together, of which one was released, one rejected, and one is somewhere else since.
async fn written(directory: &Path) -> Ledger {
    let ledger = open(directory).await;
    apply(&ledger, &document(6)).await;
    ledger.record_findings(together(6, &[], 45, vec![hot(10, 45, true)])).await.unwrap();
    let act = |unit: &str, meaning| decision(vec![hold_of(&ledger, unit).id], meaning);
    ledger.decide_holds(act("U2", Meaning::Released), &name("m.lin")).await.unwrap().unwrap();
    let alarm = ledger.holds().alarms_about(&Subject::Unit(name("U3"))).next().unwrap();
    ledger.acknowledge_alarm(alarm.id, &name("m.lin"), Some("on my way".into())).await.unwrap().unwrap();
    let newer = together(6, &["U2", "U5"], 70, vec![hot(10, 65, false)]);
    ledger.record_findings(newer).await.unwrap();
    let reject = act("U4", Meaning::Rejected(Disposition::Destroy));
    ledger.decide_holds(reject, &name("m.lin")).await.unwrap().unwrap();
    ledger
}

#[tokio::test]
async fn ten_thousand_units_with_one_past_are_held_by_one_event() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open(directory.path()).await;
    apply(&ledger, &document(10_000)).await;
    let before = ledger.head().seq.get();
    let open_still = || together(10_000, &[], 45, vec![hot(10, 45, true)]);
    let found = ledger.record_findings(open_still()).await.unwrap();
    assert_eq!((found.placed.len(), found.raised.len(), ledger.head().seq.get() - before), (10_000, 10_000, 2));
    assert_eq!(ledger.record_findings(open_still()).await.unwrap(), Default::default());
    // Each unit has a hold of its own, and an alarm.
    let holds = ledger.holds();
    assert_eq!((holds.len(), holds.iter().count(), holds.alarms().count()), (10_000, 10_000, 10_000));
    let hold = hold_of(&ledger, "U4711");
    assert_eq!(hold.scope, Scope::Unit(name("U4711")));
    assert_eq!((hold.state, hold.author.as_str(), hold.evidence.len()), (HoldState::Open, "system", 1));
    assert_eq!(HoldId::parse(&hold.id.to_string()), Some(hold.id));
    assert_eq!(ledger.holds().get(hold.id), Some(Arc::clone(&hold)));
    assert_eq!(holds.of_incident(&hold.incident).count(), 10_000);
    assert_eq!(holds.after(Some(hold.id)).next().unwrap().id, HoldId::of_member(hold.id.get(), hold.id.member() + 1));
    // New evidence is one event as well.
    let closed = ledger.record_findings(together(10_000, &[], 70, vec![hot(10, 65, false)])).await.unwrap();
    assert_eq!((closed.versioned.len(), ledger.head().seq.get() - before), (10_000, 3));
    assert_eq!(hold_of(&ledger, "U1").evidence.len(), 2);
    // What follows names the units no more, and is small for it.
    let size = || std::fs::metadata(directory.path().join("ledger.sqlite-wal")).unwrap().len();
    let written = size();
    let again = together(10_000, &[], 240, vec![hot(10, 65, false), hot(200, 235, false)]);
    assert_eq!(ledger.record_findings(again).await.unwrap().raised.len(), 10_000);
    assert!(size() - written < 100_000, "{} bytes", size() - written);
    // One signed act on all of them is one event.
    let head = ledger.head().seq.get();
    let all = ledger.holds().of_incident(&hold.incident).map(|hold| hold.id).collect();
    ledger.decide_holds(decision(all, Meaning::Released), &name("m.lin")).await.unwrap().unwrap();
    assert_eq!(ledger.head().seq.get(), head + 1);
    assert!(ledger.holds().iter().all(|hold| hold.state == HoldState::Released));
    opened_again(&ledger, directory.path()).await;
}

#[tokio::test]
async fn who_is_acted_on_alone_stands_apart_and_the_others_go_on_together() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = written(directory.path()).await;
    let stands = |unit: &str| {
        let hold = hold_of(&ledger, unit);
        (hold.state, hold.evidence.len())
    };
    assert_eq!(stands("U1"), (HoldState::Open, 2));
    assert_eq!(stands("U2"), (HoldState::Released, 1), "it was released before");
    assert_eq!(stands("U4"), (HoldState::Rejected, 2));
    assert_eq!(stands("U5"), (HoldState::Open, 1), "it is somewhere else");
    // What concerns them now concerns each as it stands: one released is held anew, one that is elsewhere caught up.
    let more = together(6, &[], 240, vec![hot(10, 65, false), hot(200, 235, false)]);
    let found = ledger.record_findings(more).await.unwrap();
    assert_eq!(found.placed.len(), 1);
    assert_eq!(found.versioned.len(), 4, "all but the released and the rejected one");
    assert_eq!(ledger.holds().of_unit(&name("U2")).count(), 2);
    for unit in ["U1", "U3", "U5", "U6"] {
        let hold = hold_of(&ledger, unit);
        assert_eq!(hold.evidence.last().unwrap().evidence.excursions.len(), 2, "{unit}");
    }
    // The alarms: one was taken note of.
    let holds = ledger.holds();
    let noted = |unit: &str| {
        let about = Subject::Unit(name(unit));
        let noted: Vec<bool> = holds.alarms_about(&about).map(|alarm| alarm.acknowledged.is_some()).collect();
        noted
    };
    assert_eq!((noted("U3"), noted("U6")), (vec![true, false], vec![false, false]));
    let again = opened_again(&ledger, directory.path()).await;
    for hold in holds.iter().filter(|hold| !hold.acts.is_empty()) {
        assert_eq!(again.check_signatures(&hold).await.unwrap(), vec![Ok(()); hold.acts.len()], "{}", hold.id);
    }
    // Somebody who watches from another process sees the same.
    ledger.record_findings(together(6, &[], 300, vec![hot(10, 65, false), hot(200, 250, false)])).await.unwrap();
    again.refresh().await.unwrap();
    assert_eq!(again.holds(), ledger.holds());
}

#[tokio::test]
async fn a_part_of_a_split_has_the_hold_of_the_unit_it_comes_from() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = written(directory.path()).await;
    let split = json!({"splits": [{"unit":"U6","into":[{"id":"C","quantity":2}],"at":"2026-11-22T13:00:00Z"}]});
    apply(&ledger, &split).await;
    let (child, parent) = (hold_of(&ledger, "C"), hold_of(&ledger, "U6"));
    assert_eq!((child.inherited_from, &child.incident), (Some(parent.id), &parent.incident));
    sound(&ledger).await;
}

#[tokio::test]
async fn who_touches_what_was_placed_together_beside_the_ledger_is_found() {
    for (statement, told) in [
        ("UPDATE joint_holds SET body = replace(body, '9.123', '8.123')", "ledger table `joint_holds`"),
        ("UPDATE joint_holds SET listed_in = 1", "ledger table `joint_holds`"),
        ("DELETE FROM joint_members WHERE unit = 'U5'", "ledger table `joint_members`"),
        ("UPDATE joint_members SET state = 'released' WHERE unit = 'U4'", "ledger table `joint_members`"),
        (
            "DELETE FROM joint_member_events WHERE seq = (SELECT max(seq) FROM joint_member_events)",
            "ledger table `hold_events`",
        ),
        ("UPDATE joint_alarms SET body = replace(body, 'hot', 'not')", "ledger table `joint_alarms`"),
        ("DELETE FROM joint_alarm_members", "ledger table `joint_alarm_members`"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        written(directory.path()).await.close().await.unwrap();
        is_found(directory.path(), statement, told).await;
    }
}
