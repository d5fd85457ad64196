//! Tokens at the first start, and those that another process changes.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::instant::RecordedAt;
use model::name::Name;
use model::role::Role;
use serde_json::json;
use store::ledger::Ledger;
use tests::site::{Site, binary};

/// How long anything here may take before it counts as never.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_short_token_does_not_become_an_administrators() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = tokio::process::Command::new(binary("coldtrail").unwrap());
    command.args(["serve", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--data"]).arg(dir.path().join("data"));
    command.env("COLDTRAIL_BOOTSTRAP_TOKEN", "fifteen letters").stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("COLDTRAIL_BOOTSTRAP_TOKEN") && stderr.contains("16"), "{stderr}");
    assert!(!stderr.contains("fifteen letters"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_revoked_by_another_process_opens_nothing_any_more() {
    let site = Site::start("").await.unwrap();
    let clock = Arc::new(|| RecordedAt::from_millis(1_790_000_000_000));
    let ledger = Ledger::open(&site.data().join("ledger"), clock).await.unwrap();
    let (name, actor) = (Name::parse("dashboard").unwrap(), Name::parse("m.lin").unwrap());
    let token = ledger.create_token(Role::Viewer, &name, None, &actor).await.unwrap();
    let question = json!({ "sql": "SELECT 1" });
    assert_eq!(site.post("/v1/sql", &token, &question).await.unwrap().0, 200);

    let id = ledger.tokens().await.unwrap().into_iter().find(|token| token.name == name).unwrap().id;
    ledger.revoke_token(&id, &actor, None).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    while site.post("/v1/sql", &token, &question).await.unwrap().0 != 401 {
        assert!(Instant::now() < deadline, "the token still opens the door");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The server saved when it was last used, for whoever else asks.
    let used = || async { ledger.tokens().await.unwrap().into_iter().find(|token| token.name == name).unwrap() };
    while used().await.last_used_at.is_none() {
        assert!(Instant::now() < deadline, "nobody learns when the token was used");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    ledger.close().await.unwrap();
}
