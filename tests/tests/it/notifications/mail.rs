//! Mail: a real server that turns some people away.

use notify::NotifyOptions;
use serde_json::json;
use store::ledger::NewHold;
use store::outbox::{ListedState, Wanted};

use super::receiver::Receiver;
use super::{Desk, email};
use crate::holds::name;

#[tokio::test(flavor = "multi_thread")]
async fn one_who_cannot_be_reached_keeps_nobody_else_from_being_told() {
    let Some(mut mailbox) = Receiver::mail(&["gone@wh.example"]).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let options = NotifyOptions { email: Some(email(mailbox.port)), ..NotifyOptions::default() };
    let desk = Desk::start(directory.path(), 1, options).await;
    desk.recipients(json!([
        {"id": "g.one", "email": "gone@wh.example"},
        {"id": "j.doe", "email": "j.doe@wh.example", "name": "Doe, Jane <j>"},
        {"id": "m.lin", "email": "m.lin@wh.example"},
    ]))
    .await;
    let scope = model::hold::Scope::Unit(name("U1"));
    let wanted = NewHold { scope, reason: "odd\r\nBcc: all@wh.example".into(), quarantine_place: None };
    desk.ledger.place_hold(wanted, &name("l.ogi")).await.unwrap().unwrap();
    let mut told = Vec::new();
    for _ in 0..2 {
        let mail = mailbox.next().await;
        assert_eq!((&mail["from"], &mail["auto_submitted"]), (&json!("alarms@wh.example"), &json!("auto-generated")));
        assert!(mail["subject"].as_str().unwrap().starts_with("[Coldtrail] Hold: Unit U1"), "{mail}");
        assert_eq!(mail["to"].as_array().unwrap().len(), 1, "{mail}");
        told.push((mail["to"][0].as_str().unwrap().to_owned(), mail["message_id"].as_str().unwrap().to_owned()));
    }
    told.sort();
    assert_eq!((told[0].0.as_str(), told[1].0.as_str()), ("j.doe@wh.example", "m.lin@wh.example"));
    let pending = Wanted { state: Some(ListedState::Pending), limit: 10, ..Wanted::default() };
    desk.until("the refusal is written down", async |notifier| {
        let listed = notifier.outbox().list(&pending).await.unwrap();
        listed.len() == 1 && listed[0].recipient == "g.one" && listed[0].attempts == 1
    })
    .await;
    let listed = desk.notifier().outbox().list(&pending).await.unwrap();
    assert!(listed[0].last_error.as_deref().unwrap().contains("nobody of that name"), "{listed:?}");
    // the same message has the same id, whenever it is sent
    assert_eq!(told[0].1, format!("<{}.j.doe@wh.example>", listed[0].notification));

    // somebody who is no longer to be told is not tried for ever
    desk.recipients(json!([{"id": "g.one", "email": "gone@wh.example", "active": false}])).await;
    desk.clock(60);
    desk.until("it is withdrawn", async |notifier| {
        let wanted = Wanted { state: Some(ListedState::Withdrawn), limit: 10, ..Wanted::default() };
        notifier.outbox().list(&wanted).await.unwrap().len() == 1
    })
    .await;
}
