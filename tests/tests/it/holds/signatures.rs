//! Signatures are checked when they are shown: what is changed behind the server's back is told, and named by `verify`.

use model::role::Role;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;

use super::desk::{Desk, signed};
use super::*;

/// A desk with two released holds: the ids of both, and who looks at them.
async fn released(directory: &std::path::Path) -> (Desk, [String; 2], String) {
    let desk = Desk::start(directory, 2).await;
    let token = desk.token("m.lin", Role::Quality).await;
    let mut ids = Vec::new();
    for unit in ["U1", "U2"] {
        let hold = desk.find(assessed(unit, 45, vec![hot(10, 45, true)])).await[0].to_string();
        assert_eq!(desk.post(&format!("/v1/holds/{hold}/review"), &token, signed()).await.0, 200);
        let (status, released) = desk.post(&format!("/v1/holds/{hold}/release"), &token, signed()).await;
        assert_eq!((status, &released["signature"]), (200, &json!({"valid": true, "problem": null})), "{released}");
        ids.push(hold);
    }
    (desk, ids.try_into().unwrap(), token)
}

/// Changes the ledger's file by `statement`, past what keeps events from being changed.
async fn tamper(directory: &std::path::Path, statement: &str) {
    let options = SqliteConnectOptions::new().filename(directory.join("ledger.sqlite"));
    let pool = SqlitePool::connect_with(options).await.unwrap();
    sqlx::raw_sql("DROP TRIGGER events_are_never_changed").execute(&pool).await.unwrap();
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&pool).await.unwrap();
    assert_eq!(done.rows_affected(), 1, "{statement}");
    pool.close().await;
}

#[tokio::test]
async fn a_signature_shows_name_time_and_meaning_and_that_it_holds() {
    let directory = tempfile::tempdir().unwrap();
    let (desk, [one, _], token) = released(directory.path()).await;
    let (_, shown) = desk.get(&format!("/v1/holds/{one}"), &token).await;
    let acts = shown["acts"].as_array().unwrap();
    assert_eq!(acts.len(), 2);
    for (act, meaning) in acts.iter().zip(["under_review", "released"]) {
        assert_eq!((&act["by"], &act["meaning"]), (&json!("m.lin"), &json!(meaning)));
        assert_eq!((&act["at"], &act["reason"]), (&json!("2026-11-22T10:45:00.000Z"), &signed()["reason"]));
        assert_eq!(act["record"].as_str().unwrap().len(), 64);
        assert_eq!(act["signature"], json!({"valid": true, "problem": null}));
    }
    // a hold that nobody has signed has no signature to be valid
    let (_, placed) = desk.post("/v1/holds", &token, json!({"unit": "U1", "reason": "odd label"})).await;
    assert_eq!(placed["signature"], json!({"valid": null, "problem": null}));
    let (_, listed) = desk.get("/v1/holds", &token).await;
    let valid: Vec<_> =
        listed["items"].as_array().unwrap().iter().map(|hold| hold["signature"]["valid"].clone()).collect();
    assert_eq!(valid, [json!(true), json!(true), Value::Null]);
}

#[tokio::test]
async fn a_signed_record_that_was_changed_shows_as_invalid_and_verify_names_it() {
    let cases = [
        // what was signed: the evidence, the meaning, the reason, the person, the record it was put on
        ("UPDATE holds SET body = replace(body, 'stability data 77', 'nothing') WHERE id = @", "ledger table `holds`"),
        ("UPDATE holds SET body = replace(body, '\"peak\":', '\"peak\": ') WHERE id = @", "ledger table `holds`"),
        ("UPDATE events SET body = replace(body, 'U1', 'U9') WHERE seq = @", "ledger event @"),
        (
            "UPDATE events SET body = replace(body, 'stability data 77', 'nothing') \
             WHERE kind = 'hold.released' AND body LIKE '%\"h@\"%'",
            "ledger event",
        ),
        (
            "UPDATE events SET actor = 'j.doe', body = replace(body, 'm.lin', 'j.doe') \
             WHERE kind = 'hold.released' AND body LIKE '%\"h@\"%'",
            "ledger event",
        ),
        (
            "DELETE FROM hold_events WHERE hold = @ AND seq <> @ AND seq = (SELECT max(seq) FROM hold_events WHERE hold = @)",
            "ledger table `hold_events`",
        ),
    ];
    for (statement, named) in cases {
        let directory = tempfile::tempdir().unwrap();
        let (desk, [one, other], token) = released(directory.path()).await;
        let number = one.trim_start_matches('h');
        tamper(directory.path(), &statement.replace('@', number)).await;
        let (status, shown) = desk.get(&format!("/v1/holds/{one}"), &token).await;
        assert_eq!(status, 200);
        assert_eq!(shown["signature"]["valid"], false, "{statement}: {shown}");
        assert!(shown["signature"]["problem"].is_string(), "{statement}");
        assert_eq!(shown["acts"][1]["signature"]["valid"], false, "the release: {statement}");
        let (_, beside) = desk.get(&format!("/v1/holds/{other}"), &token).await;
        assert_eq!(beside["signature"]["valid"], true, "the other one is as it was: {statement}: {beside}");
        let wrong = desk.ledger.verify(None).await.unwrap().wrong.expect("verify finds it").to_string();
        assert!(wrong.starts_with(&named.replace('@', number)), "{statement}: {wrong}");
    }
}

#[tokio::test]
async fn an_event_sealed_anew_does_not_pass_for_the_one_that_was_signed() {
    let directory = tempfile::tempdir().unwrap();
    let (desk, [one, _], token) = released(directory.path()).await;
    // somebody who knows how hashes are made, and has no time to make all that follow
    let events = desk.ledger.audit(store::ledger::Sequence::ZERO, 1000).await.unwrap();
    let mut forged = events.into_iter().find(|event| event.kind == "hold.released").unwrap();
    forged.body = forged.body.replace("stability data 77", "stability data 78");
    forged.hash = forged.expected_hash();
    let statement =
        format!("UPDATE events SET body = '{}', hash = '{}' WHERE seq = {}", forged.body, forged.hash, forged.seq);
    tamper(directory.path(), &statement).await;
    let (_, shown) = desk.get(&format!("/v1/holds/{one}"), &token).await;
    assert_eq!(shown["signature"]["valid"], false, "{shown}");
    let wrong = desk.ledger.verify(None).await.unwrap().wrong.expect("verify finds it").to_string();
    assert!(wrong.starts_with(&format!("ledger event {}", forged.seq.next())), "{wrong}");
}
