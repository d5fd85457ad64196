//! What people decide over HTTP: who may, what is asked of them, and what stays of it.

use model::registry::{from_canonical, to_canonical};
use model::role::Role;
use store::ledger::{Hash, Sequence};

use super::desk::{Desk, signed};
use super::*;

#[tokio::test]
async fn a_hold_is_taken_up_put_apart_and_released_across_restarts() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 1).await;
    let token = desk.token("m.lin", Role::Quality).await;
    let hold = desk.find(assessed("U1", 45, vec![hot(10, 45, true)])).await[0].to_string();
    let (status, seen) = desk.get(&format!("/v1/holds/{hold}"), &token).await;
    assert_eq!(status, 200);
    assert_eq!((&seen["state"], &seen["unit"], &seen["author"]), (&json!("open"), &json!("U1"), &json!("system")));
    assert_eq!(seen["cause"], json!({"code": "excursion", "rule": "hot"}));
    assert_eq!(seen["evidence"][0]["excursions"][0]["end"], Value::Null);
    assert_eq!(seen["evidence"][0]["watermark"], "2026-11-22T10:45:00.000Z");

    let mut review = signed();
    review["quarantine_place"] = json!("Q");
    let (status, taken) = desk.post(&format!("/v1/holds/{hold}/review"), &token, review).await;
    assert_eq!((status, &taken["state"]), (200, &json!("under_review")), "{taken}");
    assert_eq!(taken["quarantine"]["confirmed_by"], Value::Null);
    let again = desk.refused(&format!("/v1/holds/{hold}/review"), &token, signed()).await;
    assert_eq!(again, (409, "hold_state".into()));
    let mut there = signed();
    there["quarantine_confirmed"] = json!(true);
    let (status, there) = desk.post(&format!("/v1/holds/{hold}/review"), &token, there).await;
    assert_eq!((status, &there["quarantine"]["confirmed_by"]), (200, &json!("m.lin")), "{there}");
    assert_eq!(desk.blocks("U1", "", &token).await, ["hold"]);
    desk.sound().await;
    let said = desk.said.clone();
    desk.stop().await;

    let desk = Desk::open(directory.path(), said).await;
    let (_, before) = desk.get(&format!("/v1/holds/{hold}"), &token).await;
    let (status, released) = desk.post(&format!("/v1/holds/{hold}/release"), &token, signed()).await;
    assert_eq!((status, &released["state"]), (200, &json!("released")), "{released}");
    let act = &released["acts"][2];
    assert_eq!((&act["by"], &act["meaning"]), (&json!("m.lin"), &json!("released")));
    assert_eq!(act["at"], "2026-11-22T10:45:00.000Z");
    assert_eq!(act["record"], before["record_sha256"], "what was signed is what was there");
    assert_eq!(act["accepted"]["figures"], Value::Null);
    assert_eq!(act["accepted"]["extra_s"], 0.1 + 0.2);
    assert_eq!(desk.blocks("U1", "", &token).await, [""; 0]);
    assert_eq!(desk.find(assessed("U1", 45, vec![hot(10, 45, true)])).await, []);
    desk.sound().await;
}

#[tokio::test]
async fn what_a_signature_binds_can_be_computed_from_what_is_shown() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 1).await;
    let token = desk.token("m.lin", Role::Quality).await;
    let hold = desk.find(assessed("U1", 45, vec![hot(10, 45, true)])).await[0];
    let request = desk.client.get(format!("{}/v1/holds/{hold}", desk.base)).bearer_auth(&token);
    let text = request.send().await.unwrap().text().await.unwrap();
    let Value::Object(mut shown) = from_canonical(&text).unwrap() else { panic!("{text}") };
    let kept = shown.remove("record_sha256").unwrap();
    for field in ["unit", "gtin", "lot", "place", "signature"] {
        shown.remove(field).unwrap();
    }
    assert_eq!(kept, Hash::of(to_canonical(&Value::Object(shown)).as_bytes()).to_string());
}

#[tokio::test]
async fn h2_only_a_named_person_with_their_password_decides() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 1).await;
    let hold = desk.find(assessed("U1", 45, vec![hot(10, 45, true)])).await[0].to_string();
    let release = format!("/v1/holds/{hold}/release");
    for role in [Role::Admin, Role::Logistics, Role::Viewer, Role::Auditor, Role::Gateway] {
        let token = desk.token("m.lin", role).await;
        assert_eq!(desk.refused(&release, &token, signed()).await, (403, "forbidden".into()), "{role}");
    }
    // a token without a person behind it, or with one of another role
    for person in ["robot", "l.ogi"] {
        let token = desk.token(person, Role::Quality).await;
        assert_eq!(desk.refused(&release, &token, signed()).await, (403, "no_account".into()), "{person}");
    }
    let token = desk.token("m.lin", Role::Quality).await;
    let head = desk.ledger.head();
    let mut counted = 0;
    for (body, refusal) in [
        (json!({"reason": "x", "password": "not that one"}), (403, "wrong_password")),
        (json!({"reason": "  ", "password": desk::PASSWORD}), (400, "reason")),
        (json!({"password": desk::PASSWORD}), (400, "json")),
        (json!({"reason": "x"}), (400, "json")),
        (json!({"reason": "x", "password": desk::PASSWORD, "disposition": "destroy"}), (400, "disposition")),
        (json!({"reason": "x", "password": desk::PASSWORD, "units": ["U1"]}), (400, "shape")),
    ] {
        let (status, code) = desk.refused(&release, &token, body.clone()).await;
        assert_eq!((status, code.as_str()), refusal, "{body}");
        counted += u64::from(code == "wrong_password");
        let written = desk.written(head.seq, counted).await;
        assert!(written.iter().all(|event| event.kind == "sign_in.failed"), "{body}");
        assert_eq!(written.len() as u64, counted, "{body}");
    }
    let head = desk.ledger.head();
    let reject = format!("/v1/holds/{hold}/reject");
    assert_eq!(desk.refused(&reject, &token, signed()).await, (400, "disposition".into()));
    assert_eq!(desk.refused("/v1/holds/h999999/release", &token, signed()).await, (404, "not_found".into()));
    assert_eq!(desk.ledger.head(), head, "nothing of it left anything");
    let mut body = signed();
    body["disposition"] = json!("destroy");
    assert_eq!(desk.post(&reject, &token, body).await.0, 200);
    assert_eq!(desk.blocks("U1", "", &token).await, ["hold"], "rejected is not issued either");
    assert_eq!(desk.refused(&release, &token, signed()).await, (409, "hold_state".into()));
}

#[tokio::test]
async fn an_incident_is_decided_in_one_act_on_all_or_some() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 4).await;
    let token = desk.token("m.lin", Role::Quality).await;
    let found: Vec<_> = (1..=4).map(|unit| assessed(&format!("U{unit}"), 45, vec![hot(10, 45, true)])).collect();
    found.iter().for_each(|assessment| desk.said.say(assessment.clone()));
    desk.ledger.record_findings(found_on("CR", found)).await.unwrap();
    let (_, listed) = desk.get("/v1/holds", &token).await;
    let incident = listed["items"][0]["incident"].as_str().unwrap().to_owned();
    assert!(listed["items"].as_array().unwrap().iter().all(|hold| hold["incident"] == incident.as_str()));

    let mut some = signed();
    some["units"] = json!(["U1", "U3"]);
    let (status, taken) = desk.post(&format!("/v1/incidents/{incident}/release"), &token, some.clone()).await;
    assert_eq!((status, taken["holds"].as_array().unwrap().len()), (200, 2), "{taken}");
    let again = desk.refused(&format!("/v1/incidents/{incident}/release"), &token, some).await;
    assert_eq!(again, (409, "nothing_to_decide".into()));
    let mut rest = signed();
    rest["disposition"] = json!("return");
    assert_eq!(desk.post(&format!("/v1/incidents/{incident}/review"), &token, signed()).await.0, 200);
    let (status, rejected) = desk.post(&format!("/v1/incidents/{incident}/reject"), &token, rest).await;
    assert_eq!((status, &rejected["state"]), (200, &json!("rejected")));
    let none = desk.refused(&format!("/v1/incidents/{incident}/review"), &token, signed()).await;
    assert_eq!(none, (409, "nothing_to_decide".into()));
    assert_eq!(desk.refused("/v1/incidents/none/review", &token, signed()).await, (404, "not_found".into()));
    let states = |state: &str| {
        let (desk, token, path) = (&desk, &token, format!("/v1/holds?state={state}"));
        async move { desk.get(&path, token).await.1["items"].as_array().unwrap().len() }
    };
    assert_eq!((states("released").await, states("rejected").await, states("open").await), (2, 2, 0));
    desk.sound().await;
}

#[tokio::test]
async fn a_review_blocks_until_it_is_accepted_and_again_when_a_reason_is_added() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 1).await;
    let token = desk.token("m.lin", Role::Quality).await;
    let accept = "/v1/units/U1/accept";
    assert_eq!(desk.refused(accept, &token, signed()).await, (409, "nothing_to_decide".into()));
    let mut under_review = assessed("U1", 45, vec![]);
    under_review.reasons.push(review(ReasonCode::Unmonitored, 20));
    desk.said.say(under_review.clone());
    assert_eq!(desk.blocks("U1", "", &token).await, ["review"]);
    let (status, accepted) = desk.post(accept, &token, signed()).await;
    assert_eq!((status, &accepted["reasons"], &accepted["by"]), (200, &json!(["unmonitored"]), &json!("m.lin")));
    assert_eq!(desk.blocks("U1", "", &token).await, [""; 0]);
    under_review.as_of = minute(60);
    desk.said.say(under_review.clone());
    assert_eq!(desk.blocks("U1", "", &token).await, [""; 0], "nothing was added");
    under_review.reasons.push(review(ReasonCode::Mkt, 50));
    desk.said.say(under_review);
    assert_eq!(desk.blocks("U1", "", &token).await, ["review"]);
    assert_eq!(desk.refused("/v1/units/none/accept", &token, signed()).await, (404, "not_found".into()));
    desk.sound().await;
}

#[tokio::test]
async fn every_mutating_call_leaves_one_entry_and_a_refused_one_none() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::start(directory.path(), 2).await;
    let (token, logistics) = (desk.token("m.lin", Role::Quality).await, desk.token("l.ogi", Role::Logistics).await);
    let hold = desk.find(assessed("U1", 45, vec![hot(10, 45, true)])).await[0];
    let mut under_review = assessed("U2", 45, vec![]);
    under_review.reasons.push(review(ReasonCode::Unmonitored, 20));
    desk.said.say(under_review);
    let incident = desk.ledger.holds().get(hold).unwrap().incident.to_string();
    let mut reject = signed();
    reject["disposition"] = json!("downgrade");
    let calls = [
        (format!("/v1/holds/{hold}/review"), &token, signed(), "m.lin", "hold.under_review"),
        (format!("/v1/holds/{hold}/release"), &token, signed(), "m.lin", "hold.released"),
        (format!("/v1/holds/{hold}/release"), &token, signed(), "", ""),
        (format!("/v1/incidents/{incident}/release"), &token, signed(), "", ""),
        ("/v1/holds".to_owned(), &logistics, json!({"place": "Q", "reason": "flood"}), "l.ogi", "hold.placed"),
        ("/v1/holds".to_owned(), &logistics, json!({"place": "Q", "reason": "flood"}), "", ""),
        ("/v1/units/U2/accept".to_owned(), &token, signed(), "m.lin", "review.accepted"),
        (
            "/v1/moves".to_owned(),
            &logistics,
            json!({"unit": "U2", "to": "TRK", "at": minute(40).millis()}),
            "l.ogi",
            "registry",
        ),
        ("/v1/moves".to_owned(), &logistics, json!({"unit": "U2", "to": "TRK", "at": minute(40).millis()}), "", ""),
    ];
    for (path, token, body, actor, kind) in calls {
        let before = desk.ledger.head().seq;
        let answer = desk.post(&path, token, body).await;
        let events = desk.ledger.audit(before.next(), 10).await.unwrap();
        let told: Vec<_> = events.iter().map(|event| (event.actor.as_str(), event.kind.as_str())).collect();
        let expected: Vec<_> = Some((actor, kind)).filter(|(actor, _)| !actor.is_empty()).into_iter().collect();
        assert_eq!(told, expected, "{path}: {answer:?}");
    }
    // who, when, what before, what after, why
    let events = desk.ledger.audit(Sequence::new(1), 100).await.unwrap();
    let event = events.iter().find(|event| event.kind == "hold.released").unwrap();
    let body: Value = serde_json::from_str(&event.body).unwrap();
    assert_eq!((&body["holds"][0]["before"], &body["after"]), (&json!("under_review"), &json!("released")));
    assert_eq!((&body["reason"], &body["signature"]["name"]), (&signed()["reason"], &json!("m.lin")));
    assert!(!event.body.contains(desk::PASSWORD));
    desk.sound().await;
}
