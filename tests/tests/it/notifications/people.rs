//! Who is told, and who may say so.

use model::role::Role;
use serde_json::{Value, json};
use tests::site::{Site, TOKEN};

async fn token(site: &Site, role: Role, name: &str) -> String {
    let data = site.data().to_str().unwrap();
    let output =
        site.coldtrail(["token", "create", "--role", role.as_str(), "--name", name, "--data", data]).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn get(site: &Site, path: &str, token: &str) -> (u16, Value) {
    let got = reqwest::Client::new().get(format!("{}{path}", site.url())).bearer_auth(token).send().await.unwrap();
    (got.status().as_u16(), got.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_say_who_is_told_and_each_change_is_in_the_audit_trail() {
    let site = Site::start("").await.unwrap();
    let logistics = token(&site, Role::Logistics, "l.ogi").await;
    let person = json!({"id": "m.lin", "email": "m.lin@wh.example"});
    let (status, made) = site.post("/v1/recipients", TOKEN, &person).await.unwrap();
    assert_eq!((status, &made["version"], &made["level"]), (200, &json!(1), &json!(1)), "{made}");
    let (status, same) = site.post("/v1/recipients", TOKEN, &person).await.unwrap();
    assert_eq!((status, &same["version"]), (200, &json!(1)));
    let gone = json!({"id": "m.lin", "email": "m.lin@wh.example", "active": false});
    assert_eq!(site.post("/v1/recipients", TOKEN, &gone).await.unwrap().1["version"], 2);
    let (status, wrong) = site.post("/v1/recipients", TOKEN, &json!({"id": "x", "email": "nobody"})).await.unwrap();
    assert_eq!((status, &wrong["code"]), (422, &json!("registry_refused")));
    assert_eq!(wrong["errors"][0]["pointer"], "/recipients/0/email");
    let smuggled = json!({"recipients": [person]});
    assert_eq!(site.post("/v1/registry", &logistics, &smuggled).await.unwrap().1["code"], "forbidden");
    assert_eq!(get(&site, "/v1/recipients", &logistics).await.0, 403);
    let (_, listed) = get(&site, "/v1/recipients", TOKEN).await;
    assert_eq!((&listed["items"][0]["active"], listed["items"].as_array().unwrap().len()), (&json!(false), 1));
    let changes = site.count("SELECT count(*) FROM audit WHERE kind = 'registry'").await.unwrap();
    assert_eq!(changes, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_is_acknowledged_by_a_named_person_once() {
    let site = Site::start("").await.unwrap();
    assert_eq!(site.post("/v1/registry", TOKEN, &crate::holds::document(1)).await.unwrap().0, 200);
    let held = json!({"unit": "U1", "reason": "odd label"});
    assert_eq!(site.post("/v1/holds", TOKEN, &held).await.unwrap().0, 201);
    let gone = json!({"unit": "U1", "to": "H", "at": "2026-11-22T10:00:00Z"});
    let (_, moved) = site.post("/v1/moves", TOKEN, &gone).await.unwrap();
    let path = format!("/v1/alarms/{}/acknowledge", moved["alarms"][0]["id"].as_str().unwrap());
    let seen = json!({"reason": "called the driver"});
    assert_eq!(site.post(&path, TOKEN, &seen).await.unwrap().1["code"], "no_account");
    let person = json!({"name": "l.ogi", "role": "logistics", "password": "a password for tests"});
    assert_eq!(site.post("/v1/users", TOKEN, &person).await.unwrap().0, 201);
    let logistics = token(&site, Role::Logistics, "l.ogi").await;
    let viewer = token(&site, Role::Viewer, "v.iew").await;
    assert_eq!(site.post(&path, &viewer, &seen).await.unwrap().1["code"], "forbidden");
    assert_eq!(site.post("/v1/alarms/a9999/acknowledge", &logistics, &seen).await.unwrap().0, 404);
    let (status, alarm) = site.post(&path, &logistics, &seen).await.unwrap();
    assert_eq!((status, &alarm["acknowledged_by"]), (200, &json!("l.ogi")), "{alarm}");
    assert_eq!(alarm["acknowledged_reason"], "called the driver");
    assert_eq!(site.post(&path, &logistics, &seen).await.unwrap().1["code"], "acknowledged");
    let (_, listed) = get(&site, "/v1/alarms", &viewer).await;
    assert_eq!(listed["items"][0]["acknowledged_at"], alarm["acknowledged_at"]);
    let entries = site.count("SELECT count(*) FROM audit WHERE kind = 'alarm.acknowledged' AND actor = 'l.ogi'").await;
    assert_eq!(entries.unwrap(), 1);
    let mut site = site;
    site.sigterm().await.unwrap();
    site.verify(site.data()).await.unwrap();
}
