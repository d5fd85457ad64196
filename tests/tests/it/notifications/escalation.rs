//! Whoever does not answer is passed over: the next level is told, until somebody has taken note.

use std::time::Duration;

use model::hold::{AlarmCode, Meaning, Subject};
use notify::NotifyOptions;
use serde_json::json;
use store::ledger::{Decision, Findings, NewAlarm, NewHold};
use store::outbox::{ListedState, Wanted};

use super::receiver::Receiver;
use super::{Desk, email};
use crate::holds::{minute, name};

async fn hold(desk: &Desk, unit: &str) -> model::hold::HoldId {
    let scope = model::hold::Scope::Unit(name(unit));
    let wanted = NewHold { scope, reason: "odd label".into(), quarantine_place: None };
    desk.ledger.place_hold(wanted, &name("l.ogi")).await.unwrap().unwrap().id
}

async fn desk(directory: &std::path::Path, receiver: &Receiver) -> Desk {
    let options = NotifyOptions { email: Some(email(receiver.port)), ..NotifyOptions::default() };
    let desk = Desk::start(directory, 3, options).await;
    desk.recipients(json!([
        {"id": "m.lin", "email": "m.lin@wh.example", "name": "Lin Mei", "language": "zh"},
        {"id": "j.doe", "email": "j.doe@wh.example", "level": 2},
        {"id": "b.oss", "email": "b.oss@wh.example", "level": 3},
        {"id": "g.one", "email": "g.one@wh.example", "active": false},
    ]))
    .await;
    desk
}

fn to(mail: &serde_json::Value) -> &str {
    mail["to"][0].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_level_is_told_when_nobody_answers_and_nobody_more_once_somebody_has() {
    let Some(mut mailbox) = Receiver::mail(&[]).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let desk = desk(directory.path(), &mailbox).await;
    let first = hold(&desk, "U1").await;
    let mail = mailbox.next().await;
    assert_eq!(
        (to(&mail), &mail["subject"]),
        ("m.lin@wh.example", &json!("[Coldtrail] 冻结: 单元 U1 – 人工冻结 – CR, HUB"))
    );

    desk.clock(45 + 14);
    let second = hold(&desk, "U2").await;
    assert_eq!(to(&mailbox.next().await), "m.lin@wh.example");
    desk.clock(45 + 15);
    let mail = mailbox.next().await;
    assert_eq!(to(&mail), "j.doe@wh.example");
    assert!(mail["subject"].as_str().unwrap().starts_with("[Coldtrail] URGENT Hold: Unit U1"), "{mail}");

    // taking the hold up is an answer
    let decision = Decision {
        holds: vec![first],
        meaning: Meaning::UnderReview,
        reason: "looking into it".into(),
        accepted: Default::default(),
        quarantine: None,
    };
    desk.ledger.decide_holds(decision, &name("m.lin")).await.unwrap().unwrap();
    desk.until("the first is answered", async |notifier| notifier.outbox().unanswered().await.unwrap().len() == 1)
        .await;
    desk.clock(45 + 90);
    // the second one goes through all levels, and nothing of the first comes between
    assert_eq!(to(&mailbox.next().await), "j.doe@wh.example");
    let mail = mailbox.next().await;
    assert_eq!(to(&mail), "b.oss@wh.example");
    assert!(mail["text"].as_str().unwrap().contains("Unit U2"), "{mail}");
    let wanted = Wanted { recipient: Some("b.oss".to_owned()), limit: 10, ..Wanted::default() };
    let listed = desk.notifier().outbox().list(&wanted).await.unwrap();
    let incident = desk.ledger.holds().get(second).unwrap().incident.to_string();
    assert_eq!(listed.iter().map(|one| (one.incident.clone(), one.level)).collect::<Vec<_>>(), [(Some(incident), 3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_is_answered_by_whoever_acknowledges_it() {
    let Some(mut mailbox) = Receiver::mail(&[]).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let desk = desk(directory.path(), &mailbox).await;
    let silent = |sensor: &str| NewAlarm {
        code: AlarmCode::SensorSilent,
        subject: Subject::Sensor(name(sensor)),
        rule: None,
        at: minute(40),
        detail: "nothing was heard of it".into(),
    };
    let alarms = vec![silent("S1"), silent("S2")];
    let raised = desk.ledger.record_findings(Findings { alarms, ..Findings::default() }).await.unwrap().raised;
    let mail = mailbox.next().await;
    assert_eq!(mail["subject"], "[Coldtrail] 报警: 传感器无数据: 2");
    desk.clock(45 + 15);
    assert_eq!(to(&mailbox.next().await), "j.doe@wh.example");
    let alarm =
        desk.ledger.acknowledge_alarm(raised[1], &name("j.doe"), Some("on my way".into())).await.unwrap().unwrap();
    assert_eq!(alarm.acknowledged.as_ref().unwrap().by, name("j.doe"));
    assert!(desk.ledger.acknowledge_alarm(raised[1], &name("m.lin"), None).await.unwrap().is_err());
    desk.until("it is answered", async |notifier| notifier.outbox().unanswered().await.unwrap().is_empty()).await;
    desk.clock(45 + 90);
    hold(&desk, "U1").await;
    assert!(mailbox.next().await["text"].as_str().unwrap().contains("U1"));

    // what was told is still so after a start, and nobody is told again
    desk.until("all of it is written down", async |notifier| notifier.outbox().backlog().await.unwrap().is_empty())
        .await;
    let wanted = Wanted { state: Some(ListedState::Delivered), limit: 100, ..Wanted::default() };
    let told = desk.notifier().outbox().list(&wanted).await.unwrap();
    let mut desk = desk;
    desk.notifier.take().unwrap().stop().await;
    assert_eq!(desk.ledger.verify(None).await.unwrap().wrong, None);
    desk.options.escalate_after = Duration::from_secs(3600 * 24);
    desk.tell().await;
    assert_eq!(desk.notifier().outbox().list(&wanted).await.unwrap(), told);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_older_than_its_outbox_is_told_of_from_its_end_on() {
    let Some(mut mailbox) = Receiver::mail(&[]).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut desk = desk(directory.path(), &mailbox).await;
    desk.notifier.take().unwrap().stop().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(directory.path().join(store::outbox::FILE));
    let pool = sqlx::sqlite::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query("UPDATE cursor SET seq = seq + 1000").execute(&pool).await.unwrap();
    pool.close().await;
    desk.tell().await;
    let head = desk.ledger.head().seq;
    desk.until("the cursor is at the end", async |notifier| notifier.outbox().cursor().await.unwrap() == head).await;
    hold(&desk, "U1").await;
    assert_eq!(to(&mailbox.next().await), "m.lin@wh.example");
}
