//! The ledger's part: one transaction, once, rebuilt from the events (invariants H1, H2 and H3).

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use model::hold::{Disposition, Evidence, HoldId, Meaning};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use store::journal::Position;
use store::ledger::{Decision, HoldRefusal, NewAlarm, NewHold};

use super::*;

pub(super) async fn open(directory: &Path) -> Ledger {
    let now = AtomicI64::new(TEN);
    let clock = Arc::new(move || RecordedAt::from_millis(now.fetch_add(1000, Ordering::Relaxed)));
    Ledger::open(directory, clock).await.unwrap()
}

pub(super) async fn sound(ledger: &Ledger) {
    let report = ledger.verify(None).await.unwrap();
    assert_eq!(report.wrong, None);
}

/// The ledger opened once more: it verifies, and says the same.
pub(super) async fn opened_again(ledger: &Ledger, directory: &Path) -> Ledger {
    sound(ledger).await;
    let again = open(directory).await;
    assert_eq!(again.holds(), ledger.holds());
    again
}

pub(super) fn decision(holds: Vec<HoldId>, meaning: Meaning) -> Decision {
    Decision { holds, meaning, reason: "seen".into(), accepted: Default::default(), quarantine: None }
}

/// A ledger with two held units, one released, one rejected with its part in quarantine, and an accepted review.
async fn written(directory: &Path) -> Ledger {
    let ledger = open(directory).await;
    apply(&ledger, &document(2)).await;
    let found = vec![assessed("U1", 45, vec![hot(10, 45, true)]), assessed("U2", 45, vec![hot(10, 45, true)])];
    let placed = ledger.record_findings(found_on("CR", found)).await.unwrap().placed;
    ledger.record_findings(found_on("CR", vec![assessed("U1", 70, vec![hot(10, 65, false)])])).await.unwrap();
    let by = name("m.lin");
    ledger.decide_holds(decision(vec![placed[0]], Meaning::Released), &by).await.unwrap().unwrap();
    let kept = Decision { quarantine: Some((name("Q"), true)), ..decision(vec![placed[1]], Meaning::UnderReview) };
    ledger.decide_holds(kept, &by).await.unwrap().unwrap();
    let meaning = Meaning::Rejected(Disposition::Destroy);
    ledger.decide_holds(decision(vec![placed[1]], meaning), &by).await.unwrap().unwrap();
    let mut under_review = assessed("U1", 70, vec![]);
    under_review.reasons.push(review(ReasonCode::Unmonitored, 60));
    ledger.accept_review(&under_review, "seen", &by).await.unwrap().unwrap();
    let silence = NewAlarm {
        code: AlarmCode::SensorSilent,
        subject: Subject::Sensor(name("S1")),
        rule: None,
        at: minute(60),
        detail: "nothing since 11:00".into(),
    };
    ledger.record_findings(Findings { alarms: vec![silence], ..Findings::default() }).await.unwrap();
    ledger
}

#[tokio::test]
async fn h3_a_hold_names_its_cause_evidence_watermark_and_product() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = written(directory.path()).await;
    let holds = ledger.holds();
    let hold = holds.of_unit(&name("U1")).next().unwrap();
    assert_eq!(hold.cause, Cause::Finding { code: ReasonCode::Excursion, rule: Some(name("hot")) });
    assert_eq!((hold.author.as_str(), hold.state, hold.evidence.len()), ("system", HoldState::Released, 2));
    let latest = &hold.evidence[1].evidence;
    assert_eq!((latest.watermark, latest.product_version), (Some(minute(70)), 1));
    assert_eq!(latest.excursions, [hot(10, 65, false)]);
    assert_eq!(hold.accepted(), Some(latest.as_ref()));
    let act = hold.acts.last().unwrap();
    assert_eq!((act.by.as_str(), act.meaning, act.record.len()), ("m.lin", Meaning::Released, 64));
    let other = holds.of_unit(&name("U2")).next().unwrap();
    assert_eq!(other.incident, hold.incident, "one trace, one instant");
    assert_eq!(other.quarantine.as_ref().unwrap().confirmed.as_ref().unwrap().0, name("m.lin"));
    sound(&ledger).await;
}

#[tokio::test]
async fn a_restart_and_another_process_see_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = written(directory.path()).await;
    let other = open(directory.path()).await;
    assert_eq!(other.holds(), ledger.holds());
    let wanted = NewHold { scope: Scope::Place(name("HUB")), reason: "flood".into(), quarantine_place: None };
    other.place_hold(wanted, &name("m.lin")).await.unwrap().unwrap();
    ledger.refresh().await.unwrap();
    assert_eq!(other.holds(), ledger.holds());
    sound(&ledger).await;
    ledger.close().await.unwrap();
    assert_eq!(Ledger::verify_directory(directory.path(), None).await.unwrap().wrong, None);
}

#[tokio::test]
async fn ten_thousand_units_under_one_sensor_are_one_transaction_and_placed_once() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open(directory.path()).await;
    apply(&ledger, &document(10_000)).await;
    let found = || {
        let all = (1..=10_000).map(|unit| assessed(&format!("U{unit}"), 45, vec![hot(10, 45, true)]));
        Findings { position: Some(Position::new(4711)), ..found_on("CR", all.collect()) }
    };
    assert_eq!(ledger.evaluated_position().await.unwrap(), Position::ZERO);
    let before = ledger.head().seq.get();
    let placed = ledger.record_findings(found()).await.unwrap().placed;
    assert_eq!((placed.len(), ledger.head().seq.get() - before), (10_000, 10_000));
    let times: std::collections::BTreeSet<_> = ledger.holds().iter().map(|hold| hold.placed_at).collect();
    assert_eq!(times.len(), 1, "all recorded at once");
    assert_eq!(ledger.evaluated_position().await.unwrap(), Position::new(4711));
    assert_eq!(ledger.record_findings(found()).await.unwrap(), Default::default());
    assert_eq!(ledger.head().seq.get() - before, 10_000);

    // positions never go back, and go on without anything found
    for (position, now) in [(4000, 4711), (5000, 5000)] {
        let nothing = Findings { position: Some(Position::new(position)), ..Findings::default() };
        ledger.record_findings(nothing).await.unwrap();
        assert_eq!(ledger.evaluated_position().await.unwrap(), Position::new(now));
    }
    // one signed act on all of them is one event
    let head = ledger.head().seq.get();
    ledger.decide_holds(decision(placed, Meaning::Released), &name("m.lin")).await.unwrap().unwrap();
    assert_eq!(ledger.head().seq.get(), head + 1);
    assert!(ledger.holds().iter().all(|hold| hold.state == HoldState::Released));
    sound(&ledger).await;
    drop(ledger);
    let again = open(directory.path()).await;
    assert_eq!(again.evaluated_position().await.unwrap(), Position::new(5000));
    assert_eq!(again.record_findings(found()).await.unwrap().placed, []);
}

#[tokio::test]
async fn h2_decisions_that_cannot_be_change_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open(directory.path()).await;
    apply(&ledger, &document(2)).await;
    let mut expired = assessed("U1", 45, vec![hot(10, 45, false)]);
    expired.reasons.push(Reason { verdict: Verdict::Hold, code: ReasonCode::Expired, rule: None, at: minute(0) });
    let placed = ledger.record_findings(found_on("CR", vec![expired.clone()])).await.unwrap().placed;
    let (hot_hold, expired_hold) = (placed[0], placed[1]);
    let head = ledger.head();
    let by = name("m.lin");
    let refusal = |decision| {
        let (ledger, by) = (ledger.clone(), by.clone());
        async move { ledger.decide_holds(decision, &by).await.unwrap().unwrap_err() }
    };
    let all = decision(vec![hot_hold, expired_hold], Meaning::Released);
    assert_eq!(refusal(all).await, HoldRefusal::Expired(expired_hold));
    assert_eq!(refusal(decision(vec![HoldId::new(1)], Meaning::Released)).await, HoldRefusal::Unknown(HoldId::new(1)));
    assert!(matches!(refusal(decision(vec![], Meaning::Released)).await, HoldRefusal::Nothing { .. }));
    assert!(matches!(ledger.accept_review(&expired, "x", &by).await.unwrap(), Err(HoldRefusal::Nothing { .. })));
    assert_eq!(ledger.head(), head);
    ledger.decide_holds(decision(vec![hot_hold], Meaning::Released), &by).await.unwrap().unwrap();
    let state = HoldState::Released;
    let wanted = HoldState::Rejected;
    let reject = decision(vec![hot_hold], Meaning::Rejected(Disposition::Return));
    assert_eq!(refusal(reject).await, HoldRefusal::State { hold: hot_hold, state, wanted });
    sound(&ledger).await;
}

#[tokio::test]
async fn what_was_accepted_at_the_release_counts_and_not_the_last_version() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open(directory.path()).await;
    apply(&ledger, &document(1)).await;
    let placed =
        ledger.record_findings(found_on("CR", vec![assessed("U1", 45, vec![hot(10, 45, true)])])).await.unwrap();
    let cause = Cause::Finding { code: ReasonCode::Excursion, rule: Some(name("hot")) };
    let looked_at = assessed("U1", 60, vec![hot(10, 60, true)]);
    let accepted = [(placed.placed[0], Evidence::of(&looked_at, &cause))].into();
    let release = Decision { accepted, ..decision(placed.placed, Meaning::Released) };
    ledger.decide_holds(release, &name("m.lin")).await.unwrap().unwrap();
    let again = |to| found_on("CR", vec![assessed("U1", to, vec![hot(10, to, true)])]);
    assert_eq!(ledger.record_findings(again(60)).await.unwrap().placed, []);
    assert_eq!(ledger.record_findings(again(61)).await.unwrap().placed.len(), 1);
    sound(&ledger).await;
}

#[tokio::test]
async fn children_of_a_split_start_with_their_parents_holds() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = written(directory.path()).await;
    let manual = NewHold { scope: Scope::Unit(name("U1")), reason: "odd label".into(), quarantine_place: None };
    ledger.place_hold(manual.clone(), &name("m.lin")).await.unwrap().unwrap();
    let again = ledger.place_hold(manual, &name("m.lin")).await.unwrap();
    assert!(matches!(again, Err(HoldRefusal::Held(_))));
    let split = json!({"splits": [
        {"unit":"C","into":[{"id":"CC","quantity":1}],"at":"2026-11-22T14:00:00Z"},
        {"unit":"U1","into":[{"id":"C","quantity":2}],"at":"2026-11-22T13:00:00Z"},
        {"unit":"U2","into":[{"id":"D","quantity":2}],"at":"2026-11-22T13:00:00Z"},
    ]});
    apply(&ledger, &split).await;
    apply(&ledger, &split).await;
    let holds = ledger.holds();
    let of = |unit: &str| holds.of_unit(&name(unit)).map(|hold| (hold.cause.code(), hold.state)).collect::<Vec<_>>();
    // U1's excursion was released, what it is held for by hand was not; U2 was rejected
    assert_eq!(of("C"), [("manual", HoldState::Open)]);
    assert_eq!(of("CC"), [("manual", HoldState::Open)]);
    assert_eq!(of("D"), [("excursion", HoldState::Open)]);
    let child = holds.of_unit(&name("D")).next().unwrap();
    let parent = holds.of_unit(&name("U2")).next().unwrap();
    assert_eq!((child.inherited_from, &child.incident), (Some(parent.id), &parent.incident));
    // what was accepted of U1 before the split is accepted of its child
    let found = found_on("CR", vec![assessed("C", 300, vec![hot(10, 65, false)])]);
    assert_eq!(ledger.record_findings(found).await.unwrap().placed, []);
    let found = found_on("CR", vec![assessed("C", 300, vec![hot(10, 65, false), hot(200, 240, false)])]);
    assert_eq!(ledger.record_findings(found).await.unwrap().placed.len(), 1);
    sound(&ledger).await;
}

#[tokio::test]
async fn an_alarm_is_raised_once_and_a_silence_ends() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = written(directory.path()).await;
    let silence = |at| NewAlarm {
        code: AlarmCode::SensorSilent,
        subject: Subject::Sensor(name("S1")),
        rule: None,
        at: minute(at),
        detail: "silent".into(),
    };
    let raise = |at| Findings { alarms: vec![silence(at), silence(at)], ..Findings::default() };
    assert_eq!(ledger.record_findings(raise(90)).await.unwrap().raised, [], "it lasts already");
    let heard = Findings { heard: vec![(Subject::Sensor(name("S1")), minute(95))], ..Findings::default() };
    assert_eq!(ledger.record_findings(heard.clone()).await.unwrap().cleared.len(), 1);
    assert_eq!(ledger.record_findings(heard).await.unwrap().cleared, []);
    assert_eq!(ledger.record_findings(raise(99)).await.unwrap().raised.len(), 1, "a silence of its own");
    sound(&ledger).await;
}

/// That `statement`, run on the ledger's file past the ledger, is found by a check, which begins with `told`.
pub(super) async fn is_found(directory: &Path, statement: &'static str, told: &str) {
    let options = SqliteConnectOptions::new().filename(directory.join("ledger.sqlite"));
    let pool = SqlitePool::connect_with(options).await.unwrap();
    sqlx::query(statement).execute(&pool).await.unwrap();
    pool.close().await;
    let report = Ledger::verify_directory(directory, None).await.unwrap();
    let wrong = report.wrong.unwrap_or_else(|| panic!("`{statement}` was not found"));
    assert!(wrong.to_string().starts_with(told), "{statement}: {wrong}");
}

#[tokio::test]
async fn who_touches_a_hold_beside_the_ledger_is_found() {
    for (statement, told) in [
        ("UPDATE holds SET state = 'released' WHERE unit = 'U2'", "ledger table `holds`"),
        ("UPDATE holds SET body = replace(body, 'destroy', 'return') WHERE unit = 'U2'", "ledger table `holds`"),
        ("DELETE FROM holds WHERE unit = 'U1'", "ledger table `holds`"),
        ("UPDATE review_acceptances SET unit = 'U2'", "ledger table `review_acceptances`"),
        ("DELETE FROM alarms", "ledger table `alarms`"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        written(directory.path()).await.close().await.unwrap();
        is_found(directory.path(), statement, told).await;
    }
}

/// Takes away from the ledger in `directory` what came after `format`.
async fn taken_back(directory: &std::path::Path, format: u8) {
    let options = SqliteConnectOptions::new().filename(directory.join("ledger.sqlite"));
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let sixth = "PRAGMA user_version = 5";
    let fifth = "ALTER TABLE users DROP COLUMN sites; ALTER TABLE tokens DROP COLUMN sites; PRAGMA user_version = 4";
    let fourth = "DROP TABLE joint_alarm_members; DROP TABLE joint_alarms; DROP TABLE joint_member_events; \
                  DROP TABLE joint_members; DROP TABLE joint_holds; PRAGMA user_version = 3";
    let third = "DROP TABLE sessions; DROP TABLE hold_events; DROP INDEX events_by_kind; DROP INDEX events_by_actor; \
                 ALTER TABLE users DROP COLUMN disabled; ALTER TABLE users DROP COLUMN external; PRAGMA user_version = 2";
    let second = "DROP TABLE holds; DROP TABLE review_acceptances; DROP TABLE alarms; DROP TABLE user_locks; \
                  DROP TABLE evaluator; PRAGMA user_version = 1";
    for (brought, statements) in [(6, sixth), (5, fifth), (4, fourth), (3, third), (2, second)] {
        if format < brought {
            sqlx::raw_sql(statements).execute(&pool).await.unwrap();
        }
    }
    pool.close().await;
}

#[tokio::test]
async fn a_ledger_of_a_format_before_is_brought_up_and_verifies_untouched() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = open(directory.path()).await;
    apply(&ledger, &document(1)).await;
    ledger.close().await.unwrap();
    taken_back(directory.path(), 1).await;
    assert_eq!(Ledger::verify_directory(directory.path(), None).await.unwrap().wrong, None);
    let ledger = open(directory.path()).await;
    let found = found_on("CR", vec![assessed("U1", 45, vec![hot(10, 45, true)])]);
    assert_eq!(ledger.record_findings(found).await.unwrap().placed.len(), 1);
    sound(&ledger).await;

    // what was placed one by one, before holds were placed together, stays as it is
    let directory = tempfile::tempdir().unwrap();
    let ledger = open(directory.path()).await;
    apply(&ledger, &document(3)).await;
    let one_by_one = ["U1", "U2"].map(|unit| assessed(unit, 45, vec![hot(10, 45, true)]));
    ledger.record_findings(found_on("CR", one_by_one.into())).await.unwrap();
    ledger.close().await.unwrap();
    taken_back(directory.path(), 3).await;
    assert_eq!(Ledger::verify_directory(directory.path(), None).await.unwrap().wrong, None);
    let ledger = open(directory.path()).await;
    let all = ["U1", "U2", "U3"].map(name);
    let finding = Finding::of_unit(assessed("U1", 70, vec![hot(10, 65, false)]), "CR");
    let together = Finding { units: all.into(), ..finding };
    let found = ledger.record_findings(Findings { assessed: vec![together], ..Findings::default() }).await.unwrap();
    assert_eq!((found.placed.len(), found.versioned.len()), (1, 2));
    sound(&ledger).await;

    // signatures made before the ledger knew which events are about a hold are checked all the same
    let directory = tempfile::tempdir().unwrap();
    written(directory.path()).await.close().await.unwrap();
    taken_back(directory.path(), 2).await;
    assert_eq!(Ledger::verify_directory(directory.path(), None).await.unwrap().wrong, None);
    let ledger = open(directory.path()).await;
    sound(&ledger).await;
    let holds = ledger.holds();
    let signed: Vec<_> = holds.iter().filter(|hold| !hold.acts.is_empty()).collect();
    assert!(!signed.is_empty());
    for hold in signed {
        assert_eq!(ledger.check_signatures(&hold).await.unwrap(), vec![Ok(()); hold.acts.len()], "{}", hold.id);
    }
}

#[tokio::test]
async fn holds_and_alarms_are_asked_in_sql() {
    let directory = tempfile::tempdir().unwrap();
    let desk = super::desk::Desk::start(directory.path(), 1).await;
    let token = desk.token("w.atch", model::role::Role::Viewer).await;
    desk.find(assessed("U1", 45, vec![hot(10, 45, true)])).await;
    let manual = NewHold { scope: Scope::Place(name("Q")), reason: "flood".into(), quarantine_place: None };
    desk.ledger.place_hold(manual, &name("l.ogi")).await.unwrap().unwrap();
    let sql =
        "SELECT unit, place, cause, rule, state, author, watermark, product_version FROM holds ORDER BY placed_at, id";
    let (status, answer) = desk.post("/v1/sql", &token, json!({ "sql": sql })).await;
    assert_eq!(status, 200, "{answer}");
    let system = json!({"unit": "U1", "place": null, "cause": "excursion", "rule": "hot", "state": "open",
        "author": "system", "watermark": "2026-11-22T10:45:00.000Z", "product_version": 1});
    let by_hand = json!({"unit": null, "place": "Q", "cause": "manual", "rule": null, "state": "open",
        "author": "l.ogi", "watermark": null, "product_version": null});
    assert_eq!(answer["rows"], json!([system, by_hand]));
    let (status, answer) = desk.post("/v1/sql", &token, json!({ "sql": "SELECT count(*) AS n FROM alarms" })).await;
    assert_eq!((status, &answer["rows"][0]["n"]), (200, &json!(0)));
}
