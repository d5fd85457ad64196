//! What people do at the page, each under their own name: in headless Chromium, on the real binary.

use serde_json::json;
use tests::python::python;
use tests::site::TOKEN;

use crate::page::{FINE, GTIN, WARM, browse, warm_site};

const PASSWORD: &str = "a long password for tests";

#[tokio::test(flavor = "multi_thread")]
async fn people_scan_move_reject_print_and_keep_accounts_and_addresses() {
    let Some(python) = python() else { return };
    let site = warm_site().await;
    for (name, role) in [("j.berg", "logistics"), ("m.lin", "quality"), ("r.oot", "admin")] {
        let account = json!({ "name": name, "role": role, "password": PASSWORD });
        let (status, answer) = site.post("/v1/users", TOKEN, &account).await.unwrap();
        assert_eq!(status, 201, "{answer}");
    }
    let said = browse(python, "floor.py", &site, &[WARM, FINE, PASSWORD]).await;
    assert_eq!(said.lines().count(), 10, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_hold_ship_decide_ask_audit_and_settle() {
    let Some(python) = python() else { return };
    let site = warm_site().await;
    for (name, role) in [("j.berg", "logistics"), ("m.lin", "quality"), ("a.udit", "auditor"), ("r.oot", "admin")] {
        let account = json!({ "name": name, "role": role, "password": PASSWORD });
        let (status, answer) = site.post("/v1/users", TOKEN, &account).await.unwrap();
        assert_eq!(status, 201, "{answer}");
    }
    let closer = json!({ "sensors": [{ "id": "CR1-A", "accuracy_c": 0.25, "interval_s": 600 }] });
    assert_eq!(site.post("/v1/registry", TOKEN, &closer).await.unwrap().0, 200);
    let said = browse(python, "desk.py", &site, &[WARM, &format!("{GTIN}/LOT42"), PASSWORD]).await;
    assert_eq!(said.lines().count(), 14, "{said}");
}
