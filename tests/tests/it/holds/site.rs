//! The real binary: a person, a hold, a restart, a signature.

use model::role::Role;
use tests::site::{Site, TOKEN};

use super::desk::{PASSWORD, signed};
use super::*;

async fn token(site: &Site, role: Role, name: &str) -> String {
    let data = site.data().to_str().unwrap();
    let output =
        site.coldtrail(["token", "create", "--role", role.as_str(), "--name", name, "--data", data]).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_hold_outlives_kills_and_ends_by_a_signature() {
    let mut site = Site::start("").await.unwrap();
    let (status, _) = site.post("/v1/registry", TOKEN, &document(2)).await.unwrap();
    assert_eq!(status, 200);
    let person = json!({"name": "m.lin", "role": "quality", "password": PASSWORD});
    assert_eq!(site.post("/v1/users", TOKEN, &person).await.unwrap().0, 201);
    let (quality, logistics) =
        (token(&site, Role::Quality, "m.lin").await, token(&site, Role::Logistics, "l.ogi").await);
    let manual = json!({"unit": "U1", "reason": "odd label"});
    let (status, hold) = site.post("/v1/holds", &logistics, &manual).await.unwrap();
    assert_eq!(status, 201, "{hold}");
    let release = format!("/v1/holds/{}/release", hold["id"].as_str().unwrap());
    let gone = json!({"unit": "U1", "to": "H", "at": "2026-11-22T10:00:00Z"});
    let (status, moved) = site.post("/v1/moves", &logistics, &gone).await.unwrap();
    assert_eq!((status, &moved["alarms"][0]["code"]), (201, &json!("moved_while_blocked")), "{moved}");

    site.kill9().await.unwrap();
    site.restart().await.unwrap();
    assert_eq!(site.post(&release, TOKEN, &signed()).await.unwrap().1["code"], "forbidden");
    let (status, released) = site.post(&release, &quality, &signed()).await.unwrap();
    assert_eq!((status, &released["state"]), (200, &json!("released")), "{released}");
    let entries = site.count("SELECT count(*) FROM audit WHERE kind LIKE 'hold.%'").await.unwrap();
    assert_eq!(entries, 2);
    site.sigterm().await.unwrap();
    site.verify(site.data()).await.unwrap();
}
