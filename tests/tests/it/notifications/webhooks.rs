//! Webhooks: the real server, and receivers that fail in every way before they take what they are told.

use std::time::Duration;

use serde_json::{Value, json};
use tests::site::{Site, TOKEN};

use super::receiver::Receiver;
use super::{Desk, SECRET, webhook};
use crate::holds::{assessed, document, found_on, hot};
use notify::NotifyOptions;

fn config(port: u16, more: &str) -> String {
    format!(
        "[notifications]\nretry_min_s = 0.05\nretry_max_s = 0.2\nlink_base = \"https://coldtrail.example\"\n{more}\n\
         [[notifications.webhook]]\nname = \"erp\"\nurl = \"http://127.0.0.1:{port}/hook\"\nsecret = \"{SECRET}\"\n\
         timeout_s = 0.5\n"
    )
}

/// A site with three units in a room, and a token of a person of quality.
async fn site(config: &str) -> Site {
    let site = Site::start(config).await.unwrap();
    let (status, answer) = site.post("/v1/registry", TOKEN, &document(3)).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    site
}

async fn hold(site: &Site, unit: &str) -> Value {
    let wanted = json!({"unit": unit, "reason": "odd label"});
    let (status, hold) = site.post("/v1/holds", TOKEN, &wanted).await.unwrap();
    assert_eq!(status, 201, "{hold}");
    hold
}

async fn get(site: &Site, path: &str) -> Value {
    let client = reqwest::Client::new();
    let got = client.get(format!("{}{path}", site.url())).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(got.status(), 200, "{path}");
    got.json().await.unwrap()
}

/// Waits until what `path` answers is as `done` wants it.
async fn until(site: &Site, path: &str, done: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..1500 {
        let got = get(site, path).await;
        if done(&got) {
            return got;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("`{path}` never becomes so: {}", site.log_end());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_of_the_real_server_is_told_signed_and_recorded() {
    let Some(mut receiver) = Receiver::webhooks(0, &["204"]).await else { return };
    let site = site(&config(receiver.port, "")).await;
    let hold = hold(&site, "U1").await;
    let told = receiver.next().await;
    assert_eq!(told["verified"], true, "{told}");
    assert_eq!((&told["path"], &told["type"]), (&json!("/hook"), &json!("coldtrail.hold.placed")));
    assert_eq!((&told["source"], &told["subject"]), (&json!("/coldtrail"), &hold["incident"]));
    assert_eq!(told["id"], told["webhook_id"]);
    let data = &told["data"];
    assert_eq!(
        (&data["incident"], &data["count"], &data["reason"]),
        (&hold["incident"], &json!(1), &json!("odd label"))
    );
    assert_eq!(data["held"][0]["unit"], "U1");
    assert_eq!(data["held"][0]["lot"], "LOT42");
    assert_eq!(data["places"][0], json!({"id": "CR", "name": null, "site": "HUB"}));
    let link = data["links"]["holds"].as_str().unwrap();
    assert_eq!(link, format!("https://coldtrail.example/v1/holds?incident={}", hold["incident"].as_str().unwrap()));

    let incident = hold["incident"].as_str().unwrap();
    let path = format!("/v1/notifications?incident={incident}&state=delivered");
    let listed = until(&site, &path, |got| got["items"] != json!([])).await;
    let delivery = &listed["items"][0];
    assert_eq!((&delivery["channel"], &delivery["attempts"]), (&json!("webhook.erp"), &json!(1)), "{listed}");
    assert_eq!((&delivery["notification"], &delivery["kind"]), (&told["id"], &json!("hold.placed")));
    assert!(delivery["delivered_at"].is_string() && delivery["last_error"].is_null(), "{listed}");
    let state = get(&site, "/v1/notifications/state").await;
    assert_eq!(state["channels"][0]["channel"], "webhook.erp", "{state}");
    assert_eq!(state["recipients"], json!({"reached": 0, "minimum": 3, "enough": false}));
    assert_eq!(state["unacknowledged"], 1, "{state}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_resets_hangs_redirects_and_fails_gets_it_in_the_end() {
    let answers = ["reset", "hang", "500", "302", "endless", "410", "429", "200"];
    let Some(mut receiver) = Receiver::webhooks(0, &answers).await else { return };
    let site = site(&config(receiver.port, "")).await;
    let hold = hold(&site, "U1").await;
    let first = receiver.next().await;
    for answer in &answers[1..] {
        let again = receiver.next().await;
        assert_eq!((&again["answer"], &again["id"]), (&json!(answer), &first["id"]));
        assert_eq!((&again["path"], &again["verified"]), (&json!("/hook"), &json!(true)), "a redirect was followed");
        assert_eq!(again["data"], first["data"]);
    }
    let path = format!("/v1/notifications?incident={}&state=delivered", hold["incident"].as_str().unwrap());
    let listed = until(&site, &path, |got| got["items"] != json!([])).await;
    assert_eq!(listed["items"][0]["attempts"], answers.len(), "{listed}");
    assert!(listed["items"][0]["last_error"].as_str().unwrap().contains("429"), "{listed}");
    site.verify(site.data()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_placing_and_delivery_it_is_told_after_the_restart_under_the_same_id() {
    let Some(mut receiver) = Receiver::webhooks(0, &["hang", "200"]).await else { return };
    let mut site = site(&config(receiver.port, "").replace("timeout_s = 0.5", "timeout_s = 60.0")).await;
    hold(&site, "U1").await;
    let before = receiver.next().await;
    assert_eq!(before["answer"], "hang");
    site.kill9().await.unwrap();
    site.restart().await.unwrap();
    let after = receiver.next().await;
    assert_eq!((&after["answer"], &after["id"], &after["data"]), (&json!("200"), &before["id"], &before["data"]));
    assert_eq!(after["verified"], true);
    // nothing else is told of it: the next thing is about something else
    until(&site, "/v1/notifications?state=pending", |got| got["items"] == json!([])).await;
    let other = hold(&site, "U2").await;
    assert_eq!(receiver.next().await["subject"], other["incident"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_receiver_is_away_nothing_is_lost_and_one_alarm_says_so() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut site = site(&config(port, "undelivered_after_s = 0.3")).await;
    let mut incidents = Vec::new();
    for unit in ["U1", "U2", "U3"] {
        incidents.push(hold(&site, unit).await["incident"].clone());
    }
    let alarms = "/v1/alarms?code=notification_undelivered";
    let raised = until(&site, alarms, |got| got["items"] != json!([])).await;
    assert_eq!(raised["items"][0]["channel"], "webhook.erp", "{raised}");
    let failed = |got: &Value| got["items"].as_array().unwrap().iter().any(|item| item["attempts"].as_u64() > Some(2));
    until(&site, "/v1/notifications?state=pending", failed).await;
    site.kill9().await.unwrap();
    site.restart().await.unwrap();
    let state = get(&site, "/v1/notifications/state").await;
    assert_eq!(
        (&state["channels"][0]["alarm"], &state["channels"][0]["pending"]),
        (&json!(true), &json!(3)),
        "{state}"
    );

    let Some(mut receiver) = Receiver::webhooks(port, &["200"]).await else { return };
    let mut told = Vec::new();
    while told.len() < 5 {
        let event = receiver.next().await;
        assert_eq!(event["verified"], true);
        told.push((event["type"].as_str().unwrap().to_owned(), event["subject"].clone()));
    }
    for incident in incidents {
        assert_eq!(told.iter().filter(|(_, subject)| *subject == incident).count(), 1, "{told:?}");
    }
    // that the channel failed, and that it does no longer, is told once each, and raises nothing itself
    let alarm = raised["items"][0]["id"].clone();
    for kind in ["coldtrail.alarm.raised", "coldtrail.alarm.cleared"] {
        assert!(told.contains(&(kind.to_owned(), alarm.clone())), "{told:?}");
    }
    until(&site, "/v1/notifications?state=pending", |got| got["items"] == json!([])).await;
    let raised = get(&site, alarms).await;
    assert_eq!(raised["items"].as_array().unwrap().len(), 1, "{raised}");
    assert!(raised["items"][0]["cleared_at"].is_string(), "{raised}");
    site.sigterm().await.unwrap();
    site.verify(site.data()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_of_many_units_is_one_message() {
    let Some(mut receiver) = Receiver::webhooks(0, &["200"]).await else { return };
    let directory = tempfile::tempdir().unwrap();
    let options = NotifyOptions { webhooks: vec![webhook(receiver.port)], ..NotifyOptions::default() };
    let desk = Desk::start(directory.path(), 250, options).await;
    let warm: Vec<_> = (1..=250).map(|unit| assessed(&format!("U{unit}"), 45, vec![hot(0, 40, false)])).collect();
    let mut findings = found_on("CR", warm);
    findings.alarms.extend((1..=250).map(|unit| store::ledger::NewAlarm {
        code: model::hold::AlarmCode::RuleFired,
        subject: model::hold::Subject::Unit(crate::holds::name(&format!("U{unit}"))),
        rule: Some(crate::holds::name("hot")),
        at: crate::holds::minute(30),
        detail: "rule `hot` fired".into(),
    }));
    let found = desk.ledger.record_findings(findings).await.unwrap();
    assert_eq!((found.placed.len(), found.raised.len()), (250, 250));
    let told = receiver.next().await;
    assert_eq!((&told["type"], &told["data"]["count"]), (&json!("coldtrail.hold.placed"), &json!(250)));
    assert_eq!(told["data"]["held"].as_array().unwrap().len(), 100);
    assert_eq!(told["data"]["causes"], json!([{"code": "excursion", "rule": "hot"}]));
    assert_eq!(told["data"]["worst"]["peak"], 9.123);
    // the same again is nothing new; another room is
    let again = (1..=3).map(|unit| assessed(&format!("U{unit}"), 46, vec![hot(0, 40, false)])).collect();
    desk.ledger.record_findings(found_on("CR", again)).await.unwrap();
    let by = crate::holds::name("m.lin");
    let scope = model::hold::Scope::Place(crate::holds::name("CR"));
    let wanted = store::ledger::NewHold { scope, reason: "door open".into(), quarantine_place: None };
    desk.ledger.place_hold(wanted, &by).await.unwrap().unwrap();
    let next = receiver.next().await;
    assert_eq!((&next["data"]["author"], &next["data"]["held"][0]["place"]), (&json!("m.lin"), &json!("CR")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_told_when_a_backup_was_made_is_told_by_the_restored_server() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut site = site(&config(port, "")).await;
    let incident = hold(&site, "U1").await["incident"].clone();
    until(&site, "/v1/notifications?state=pending", |got| got["items"] != json!([])).await;
    let (backup, data) = (site.dir().join("backup"), site.data().to_owned());
    let (backup, data) = (backup.to_str().unwrap(), data.to_str().unwrap());
    for command in [["backup", backup, "--data", data], ["restore", backup, "--data", data]] {
        if command[0] == "restore" {
            site.sigterm().await.unwrap();
            std::fs::remove_dir_all(data).unwrap();
        }
        let output = site.coldtrail(command).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    site.verify(site.data()).await.unwrap();
    let Some(mut receiver) = Receiver::webhooks(port, &["200"]).await else { return };
    site.restart().await.unwrap();
    assert_eq!(receiver.next().await["subject"], incident);
    // a delivery that stands nowhere is found
    site.sigterm().await.unwrap();
    let outbox = format!("{data}/ledger/{}", store::outbox::FILE);
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(outbox);
    let pool = sqlx::sqlite::SqlitePool::connect_with(options).await.unwrap();
    for table in ["notifications", "deliveries", "attempts"] {
        let delete = sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM {table}"))).execute(&pool).await;
        assert!(delete.unwrap_err().to_string().contains("never deleted"), "{table}");
    }
    sqlx::raw_sql("INSERT INTO pending SELECT id, channel, recipient, created_at, 0, 0, 0 FROM deliveries")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    assert!(site.verify(site.data()).await.unwrap_err().to_string().contains("outbox: WRONG"));
}
