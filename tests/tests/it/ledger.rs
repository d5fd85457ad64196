//! The ledger: it only grows, its chain verifies (invariant H1), and whoever touches it is found.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use model::instant::RecordedAt;
use model::name::Name;
use model::registry::RegistryDocument;
use model::role::Role;
use proptest::prelude::*;
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use store::ledger::{Attempt, Bootstrap, Checkpoint, Ledger, LedgerClock, Outcome, Sequence, Wrong};

use crate::registry::contract;

/// A clock that goes on by one second each time it is read.
fn clock() -> LedgerClock {
    let now = AtomicI64::new(1_795_341_600_000);
    Arc::new(move || RecordedAt::from_millis(now.fetch_add(1000, Ordering::Relaxed)))
}

async fn open(directory: &Path) -> Ledger {
    Ledger::open(directory, clock()).await.expect("the ledger opens")
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn place(id: &str, label: &str) -> RegistryDocument {
    let document = json!({ "places": [{ "id": id, "kind": "dock", "name": label }] });
    RegistryDocument::parse(document.to_string().as_bytes()).expect("it reads")
}

async fn apply(ledger: &Ledger, document: RegistryDocument) -> (usize, usize, usize) {
    match ledger.apply(document, &name("m.lin"), Some("test")).await.expect("the ledger answers") {
        Outcome::Applied(applied) => (applied.created, applied.updated, applied.unchanged),
        refused => panic!("refused: {refused:?}"),
    }
}

/// A ledger with events of every kind.
async fn written(directory: &Path) -> Ledger {
    let ledger = open(directory).await;
    let admin = name("admin");
    ledger.bootstrap(Some("let me in"), &directory.join("password")).await.expect("bootstraps");
    apply(&ledger, contract()).await;
    apply(&ledger, place("WH1-CR2", "Cold room two")).await;
    ledger.create_token(Role::Gateway, &name("gw-1"), Some(&name("GW1")), &admin).await.expect("a token");
    ledger.create_user(&name("q.berg"), Role::Quality, "a long enough one", &admin).await.expect("a user");
    let gateway = ledger.tokens().await.expect("tokens").pop().expect("a token").id;
    ledger.revoke_token(&gateway, &admin, Some("lost")).await.expect("revokes");
    ledger.set_password(&name("q.berg"), "another long one", &admin).await.expect("a password");
    ledger.note(&name("system"), "journal damage", &json!({ "bytes": 17 })).await.expect("notes");
    ledger
}

async fn clean(ledger: &Ledger) -> Checkpoint {
    let report = ledger.verify(None).await.expect("verifies");
    assert_eq!(report.wrong, None);
    report.head
}

/// The database, open for tampering: without the triggers that guard the events.
async fn tamper(directory: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new().filename(directory.join("ledger.sqlite")).foreign_keys(false);
    let pool = SqlitePool::connect_with(options).await.expect("opens");
    for statement in
        ["DROP TRIGGER IF EXISTS events_are_never_changed", "DROP TRIGGER IF EXISTS events_are_never_deleted"]
    {
        sqlx::query(statement).execute(&pool).await.expect("drops");
    }
    pool
}

async fn run(pool: &SqlitePool, statement: String) {
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(pool).await.expect("tampers");
}

async fn first_wrong(directory: &Path, kept: Option<Checkpoint>) -> Option<Wrong> {
    Ledger::verify_directory(directory, kept).await.expect("verifies").wrong
}

#[tokio::test]
async fn h1_the_contracts_document_is_applied_once_and_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let ledger = open(directory.path()).await;
    assert_eq!(apply(&ledger, contract()).await, (11, 0, 0));
    let head = ledger.head();
    assert_eq!(apply(&ledger, contract()).await, (0, 0, 11));
    assert_eq!(ledger.head(), head, "applying again writes no event");
    assert_eq!(apply(&ledger, place("WH1-CR2", "Other")).await, (0, 1, 0));
    let before = ledger.snapshot();
    ledger.close().await.expect("closes");

    let again = open(directory.path()).await;
    assert_eq!(again.registry(), before.registry);
    assert_eq!(again.head(), before.head);
    assert_eq!(clean(&again).await, before.head);
    let last = again.audit(before.head.seq, 10).await.expect("audit").pop().expect("an event");
    let body: Value = serde_json::from_str(&last.body).expect("JSON");
    assert_eq!((last.actor.as_str(), last.kind.as_str()), ("m.lin", "registry"));
    assert_eq!((&body["before"], &body["version"], &body["reason"]), (&json!(1), &json!(2), &json!("test")));
    assert_eq!(body["after"]["name"], "Other");
}

#[tokio::test]
async fn a_refused_document_leaves_nothing_behind() {
    let directory = tempfile::tempdir().expect("a directory");
    let ledger = open(directory.path()).await;
    let head = ledger.head();
    let document = json!({
        "places": [{ "id": "P", "kind": "dock" }],
        "lots": [{ "gtin": "09506000134352", "lot": "L", "expires_on": "2028-01-01" }],
    });
    let document = RegistryDocument::parse(document.to_string().as_bytes()).expect("it reads");
    let outcome = ledger.apply(document, &name("m.lin"), None).await.expect("answers");
    let Outcome::Refused(problems) = outcome else { panic!("must be refused") };
    assert_eq!(problems[0].pointer, "/lots/0/gtin");
    assert_eq!(ledger.head(), head);
    assert!(ledger.registry().places.is_empty());
}

#[tokio::test]
async fn what_was_known_then_can_be_asked_later() {
    let directory = tempfile::tempdir().expect("a directory");
    let ledger = open(directory.path()).await;
    apply(&ledger, place("P", "first")).await;
    let then = ledger.registry().places.get(&name("P")).expect("a place").recorded_at;
    apply(&ledger, place("P", "second")).await;
    let known = ledger.registry_known_at(then).await.expect("reads");
    let place = known.places.get(&name("P")).expect("a place");
    assert_eq!((place.version, place.name.as_deref()), (1, Some("first")));
    let earlier = RecordedAt::from_millis(then.millis() - 1);
    assert!(ledger.registry_known_at(earlier).await.expect("reads").places.is_empty());
    assert_eq!(ledger.registry().places.get(&name("P")).expect("a place").version, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_applies_stand_in_one_chain() {
    let directory = tempfile::tempdir().expect("a directory");
    let first = open(directory.path()).await;
    // A second process with the same file: it must see the first one's events before it adds its own.
    let second = open(directory.path()).await;
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..40 {
        let ledger = if index % 2 == 0 { first.clone() } else { second.clone() };
        tasks.spawn(async move { apply(&ledger, place(&format!("P{}", index / 4), &format!("label {index}"))).await });
    }
    let (mut created, mut updated) = (0, 0);
    while let Some(counts) = tasks.join_next().await {
        let counts = counts.expect("a task");
        created += counts.0;
        updated += counts.1;
    }
    assert_eq!((created, updated), (10, 30), "each place is created once, by whoever was first");
    first.refresh().await.expect("refreshes");
    second.refresh().await.expect("refreshes");
    assert_eq!(first.registry(), second.registry());
    assert_eq!(clean(&first).await.seq, Sequence::new(41));
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_memory_and_disk_together() {
    let directory = tempfile::tempdir().expect("a directory");
    let ledger = open(directory.path()).await;
    for index in 0..20 {
        let actor = name("m.lin");
        let mut call = Box::pin(ledger.apply(place("P", &format!("label {index}")), &actor, None));
        // Polled once and dropped: the write goes on without its caller.
        let polled = futures::poll!(call.as_mut());
        assert!(polled.is_pending());
        drop(call);
    }
    apply(&ledger, place("P", "last")).await;
    let reopened = open(directory.path()).await;
    assert_eq!(reopened.registry(), ledger.registry());
    clean(&ledger).await;
}

#[tokio::test]
async fn the_first_start_opens_one_door() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("initial-admin-password");
    let ledger = open(directory.path()).await;
    assert_eq!(ledger.bootstrap(None, &file).await.expect("bootstraps"), Bootstrap::Password);
    assert_eq!(ledger.bootstrap(Some("late"), &file).await.expect("bootstraps"), Bootstrap::NotFirst);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).expect("a file").permissions());
    assert_eq!(mode & 0o777, 0o600);
    let password = std::fs::read_to_string(&file).expect("a password");
    let signed_in = ledger.sign_in("admin", password.trim()).await.expect("answers").passed().expect("comes in");
    assert!(signed_in.one_time && signed_in.principal.role == Role::Admin);
    assert_eq!(ledger.sign_in("admin", "wrong").await.expect("answers"), Attempt::Wrong);
    assert_eq!(ledger.sign_in("nobody", password.trim()).await.expect("answers"), Attempt::Wrong);
    ledger.set_password(&name("admin"), "my own long password", &name("admin")).await.expect("sets");
    assert_eq!(ledger.sign_in("admin", password.trim()).await.expect("answers"), Attempt::Wrong);
    let signed_in = ledger.sign_in("admin", "my own long password").await.expect("answers").passed().expect("comes in");
    assert!(!signed_in.one_time);
    let events = ledger.audit(Sequence::ZERO, 100).await.expect("audit");
    assert!(events.iter().all(|event| !event.body.contains("argon2")), "no password hash in the trail");
    clean(&ledger).await;
}

#[tokio::test]
async fn tokens_come_in_until_they_are_revoked() {
    let directory = tempfile::tempdir().expect("a directory");
    let ledger = open(directory.path()).await;
    let (admin, file) = (name("bootstrap"), directory.path().join("none"));
    assert_eq!(ledger.bootstrap(Some("let me in"), &file).await.expect("bootstraps"), Bootstrap::Token);
    assert!(!file.exists());
    let principal = ledger.authenticate("let me in").await.expect("answers").expect("comes in");
    assert_eq!((principal.name.as_str(), principal.role), ("bootstrap", Role::Admin));
    let token = ledger.create_token(Role::Gateway, &name("gw"), Some(&name("GW1")), &admin).await.expect("a token");
    let other = open(directory.path()).await;
    let second = other.create_token(Role::Viewer, &name("v"), None, &admin).await.expect("a token");
    assert!(ledger.authenticate(&second).await.expect("answers").is_some(), "made by another process");
    let principal = ledger.authenticate(&token).await.expect("answers").expect("comes in");
    assert_eq!(principal.gateway, Some(name("GW1")));
    let listed = ledger.tokens().await.expect("tokens");
    let gateway = listed.iter().find(|token| token.name.as_str() == "gw").expect("listed");
    assert!(gateway.last_used_at.is_some());
    ledger.revoke_token(&gateway.id, &admin, None).await.expect("revokes");
    assert!(ledger.revoke_token(&gateway.id, &admin, None).await.is_err(), "twice");
    assert_eq!(ledger.authenticate(&token).await.expect("answers"), None);
    assert_eq!(ledger.authenticate("").await.expect("answers"), None);
    other.refresh().await.expect("refreshes");
    assert_eq!(other.authenticate(&token).await.expect("answers"), None);
    let bytes = std::fs::read(directory.path().join("ledger.sqlite")).expect("the file");
    assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()), "no token on disk");
    clean(&ledger).await;
}

#[tokio::test]
async fn h1_the_database_itself_refuses_to_change_events() {
    let directory = tempfile::tempdir().expect("a directory");
    written(directory.path()).await.close().await.expect("closes");
    let options = SqliteConnectOptions::new().filename(directory.path().join("ledger.sqlite"));
    let pool = SqlitePool::connect_with(options).await.expect("opens");
    for statement in ["UPDATE events SET actor = 'x'", "DELETE FROM events"] {
        let refused = sqlx::query(statement).execute(&pool).await.expect_err("refused").to_string();
        assert!(refused.contains("an event of the ledger is never"), "{refused}");
    }
}

#[tokio::test]
async fn a_backup_taken_while_writing_verifies_and_answers_the_same() {
    let directory = tempfile::tempdir().expect("a directory");
    let ledger = written(directory.path()).await;
    let copy = directory.path().join("copy");
    std::fs::create_dir(&copy).expect("a directory");
    let before = ledger.snapshot();
    ledger.backup_to(&copy.join("ledger.sqlite")).await.expect("backs up");
    assert!(ledger.backup_to(&copy.join("ledger.sqlite")).await.is_err(), "never over another");
    apply(&ledger, place("P", "later")).await;
    assert_eq!(first_wrong(&copy, Some(before.head)).await, None);
    let restored = open(&copy).await;
    assert_eq!((restored.head(), restored.registry()), (before.head, before.registry));
    apply(&restored, place("Q", "the copy goes on")).await;
    clean(&restored).await;
}

#[tokio::test]
async fn a_ledger_rolled_back_is_found_from_the_kept_checkpoint() {
    let directory = tempfile::tempdir().expect("a directory");
    let ledger = written(directory.path()).await;
    let yesterday = directory.path().join("yesterday");
    std::fs::create_dir(&yesterday).expect("a directory");
    ledger.backup_to(&yesterday.join("ledger.sqlite")).await.expect("backs up");
    let old = ledger.head();
    apply(&ledger, place("P", "today")).await;
    let kept = ledger.head();
    assert_eq!(first_wrong(&yesterday, None).await, None, "by itself it is a good ledger");
    assert_eq!(first_wrong(&yesterday, Some(kept)).await, Some(Wrong::Checkpoint { kept, found: None }));
    // Rolled back and then written on: the event is there, and is another.
    let other = open(&yesterday).await;
    apply(&other, place("P", "another today")).await;
    let found = Some(other.head().hash);
    assert_eq!(first_wrong(&yesterday, Some(kept)).await, Some(Wrong::Checkpoint { kept, found }));
    assert_eq!(first_wrong(&yesterday, Some(old)).await, None);
}

#[tokio::test]
async fn state_that_no_event_made_is_named() {
    let cases = [
        ("UPDATE registry SET body = replace(body, '2028-04-30', '2029-04-30') WHERE kind = 'lot'", "registry"),
        ("DELETE FROM registry WHERE kind = 'unit'", "registry"),
        ("UPDATE registry SET current = 1", "registry"),
        ("INSERT INTO registry VALUES ('place', 'X', 1, '{}', 1, 0, 1)", "registry"),
        ("UPDATE tokens SET role = 'admin' WHERE name = 'gw-1'", "tokens"),
        ("UPDATE tokens SET revoked_at = NULL", "tokens"),
        ("UPDATE users SET password_hash = '$argon2id$mine'", "users"),
        ("UPDATE users SET role = 'admin'", "users"),
        ("DELETE FROM users", "users"),
    ];
    for (statement, expected) in cases {
        let directory = tempfile::tempdir().expect("a directory");
        written(directory.path()).await.close().await.expect("closes");
        let pool = tamper(directory.path()).await;
        run(&pool, statement.to_owned()).await;
        pool.close().await;
        match first_wrong(directory.path(), None).await {
            Some(Wrong::State { table, .. }) => assert_eq!(table, expected, "{statement}"),
            other => panic!("{statement}: {other:?}"),
        }
    }
}

/// One mutation of the events, in row `at` of `count`, and where the first bad event must then be seen.
#[derive(Clone, Debug)]
enum Mutation {
    Change(&'static str),
    Delete,
    Insert,
    Swap,
    Truncate,
    Append,
}

fn statements(mutation: &Mutation, at: u64, count: u64) -> (Vec<String>, u64) {
    match mutation {
        Mutation::Change(column) => {
            let value = match *column {
                "recorded_at" => "recorded_at + 1",
                "body" => "replace(body, '{', '{ ')",
                "previous_hash" | "hash" => "'00' || substr(hash, 3)",
                other => return (vec![format!("UPDATE events SET {other} = {other} || 'x' WHERE seq = {at}")], at),
            };
            (vec![format!("UPDATE events SET {column} = {value} WHERE seq = {at}")], at)
        }
        Mutation::Delete => (vec![format!("DELETE FROM events WHERE seq = {at}")], at),
        Mutation::Truncate => (vec![format!("DELETE FROM events WHERE seq >= {at}")], at),
        Mutation::Insert => {
            let shift = format!("UPDATE events SET seq = -seq WHERE seq >= {at}");
            let insert = format!(
                "INSERT INTO events SELECT {at}, recorded_at, 'intruder', kind, body, previous_hash, hash \
                 FROM events WHERE seq = {}",
                at + 1
            );
            (vec![shift, "UPDATE events SET seq = 1 - seq WHERE seq < 0".to_owned(), insert], at)
        }
        Mutation::Swap => {
            let other = if at == count { at - 1 } else { at + 1 };
            let swap = vec![
                format!("UPDATE events SET seq = -1 WHERE seq = {at}"),
                format!("UPDATE events SET seq = {at} WHERE seq = {other}"),
                format!("UPDATE events SET seq = {other} WHERE seq = -1"),
            ];
            (swap, at.min(other))
        }
        Mutation::Append => {
            let insert = format!(
                "INSERT INTO events SELECT seq + 1, recorded_at, actor, kind, body, hash, hash FROM events WHERE seq = {count}"
            );
            (vec![insert], count + 1)
        }
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        prop::sample::select(vec!["recorded_at", "actor", "kind", "body", "previous_hash", "hash"])
            .prop_map(Mutation::Change),
        Just(Mutation::Delete),
        Just(Mutation::Insert),
        Just(Mutation::Swap),
        Just(Mutation::Truncate),
        Just(Mutation::Append),
    ]
}

/// Fault 46: change, delete, insert, swap, truncate one entry; `verify` names the first bad one.
#[test]
fn any_mutation_of_the_events_is_named_by_the_first_bad_one() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let original = tempfile::tempdir().expect("a directory");
    let count = runtime.block_on(async {
        let ledger = written(original.path()).await;
        let copy = original.path().join("whole.sqlite");
        ledger.backup_to(&copy).await.expect("backs up");
        ledger.head().seq.get()
    });
    proptest!(ProptestConfig::with_cases(96), |(mutation in mutation(), at in 1..=count)| {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::copy(original.path().join("whole.sqlite"), directory.path().join("ledger.sqlite")).expect("copies");
        let (statements, first_bad) = statements(&mutation, at, count);
        let wrong = runtime.block_on(async {
            let pool = tamper(directory.path()).await;
            for statement in statements {
                run(&pool, statement).await;
            }
            pool.close().await;
            first_wrong(directory.path(), None).await
        });
        let named = match &wrong {
            Some(Wrong::Event { seq, .. }) => seq.get(),
            Some(Wrong::End { found, .. }) => found.seq.next().get(),
            other => panic!("{mutation:?} at {at}: {other:?}"),
        };
        let told = wrong.map(|wrong| wrong.to_string()).unwrap_or_default();
        prop_assert_eq!(named, first_bad, "{}", told);
        let expected = format!("ledger event {first_bad}:");
        prop_assert!(told.starts_with(&expected), "{}", told);
    });
}

/// Whatever byte of the file is flipped, `verify` finds it, or it carried nothing.
#[test]
fn a_flipped_bit_of_the_file_is_found_or_meant_nothing() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let original = tempfile::tempdir().expect("a directory");
    let (bytes, before) = runtime.block_on(async {
        let ledger = written(original.path()).await;
        let copy = original.path().join("whole.sqlite");
        ledger.backup_to(&copy).await.expect("backs up");
        (std::fs::read(copy).expect("the file"), ledger.snapshot())
    });
    proptest!(ProptestConfig::with_cases(96), |(at in 0..bytes.len(), bit in 0..8_u8)| {
        let directory = tempfile::tempdir().expect("a directory");
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << bit;
        std::fs::write(directory.path().join("ledger.sqlite"), flipped).expect("writes");
        runtime.block_on(async {
            if let Ok(report) = Ledger::verify_directory(directory.path(), Some(before.head)).await
                && report.wrong.is_none()
            {
                let ledger = open(directory.path()).await;
                assert_eq!(ledger.registry(), before.registry);
                assert_eq!(ledger.head(), before.head);
            }
        });
    });
}

/// A forger who computes every hash anew cannot also change the end the ledger recorded, or the kept checkpoint.
#[tokio::test]
async fn a_chain_forged_to_the_end_is_found() {
    let directory = tempfile::tempdir().expect("a directory");
    let ledger = written(directory.path()).await;
    let kept = ledger.head();
    let mut events = ledger.audit(Sequence::ZERO, 1000).await.expect("audit");
    ledger.close().await.expect("closes");
    let mut previous = None;
    for event in &mut events {
        if event.seq == Sequence::new(2) {
            event.actor = "somebody".into();
        }
        event.previous_hash = previous.unwrap_or(event.previous_hash);
        event.hash = event.expected_hash();
        previous = Some(event.hash);
    }
    let pool = tamper(directory.path()).await;
    for event in &events {
        let forged = format!(
            "UPDATE events SET actor = '{}', previous_hash = '{}', hash = '{}' WHERE seq = {}",
            event.actor, event.previous_hash, event.hash, event.seq
        );
        run(&pool, forged).await;
    }
    assert!(matches!(first_wrong(directory.path(), None).await, Some(Wrong::End { .. })));
    let head = events.last().expect("events").checkpoint();
    run(&pool, format!("UPDATE ledger_head SET hash = '{}'", head.hash)).await;
    pool.close().await;
    assert_eq!(first_wrong(directory.path(), None).await, None, "by itself it is a good ledger");
    let expected = Some(Wrong::Checkpoint { kept, found: Some(head.hash) });
    assert_eq!(first_wrong(directory.path(), Some(kept)).await, expected);
}
