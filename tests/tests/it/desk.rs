//! What people do at the page, each under their own name: in headless Chromium, on the real binary.

use std::process::Stdio;

use serde_json::json;
use tests::python::{python, script};
use tests::site::TOKEN;

use crate::page::{GTIN, WARM, warm_site};

const PASSWORD: &str = "a long password for tests";

#[tokio::test(flavor = "multi_thread")]
async fn people_hold_ship_decide_ask_audit_and_settle() {
    let Some(python) = python() else { return };
    let site = warm_site().await;
    for (name, role) in [("j.berg", "logistics"), ("m.lin", "quality"), ("a.udit", "auditor"), ("r.oot", "admin")] {
        let account = json!({ "name": name, "role": role, "password": PASSWORD });
        let (status, answer) = site.post("/v1/users", TOKEN, &account).await.unwrap();
        assert_eq!(status, 201, "{answer}");
    }
    let output = tokio::process::Command::new(python)
        .arg(script("desk.py"))
        .args([&format!("{}/", site.url()), WARM, &format!("{GTIN}/LOT42"), PASSWORD])
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "after\n{said}\n{complained}\n{}", site.log_end());
    assert_eq!(said.lines().count(), 14, "{said}");
}
