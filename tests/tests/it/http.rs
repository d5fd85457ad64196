//! The HTTP edge: who may do what, what refusals look like, and that the description tells the truth.

mod abuse;
mod access;
mod answers;
mod description;

use std::sync::Arc;

use analytics::sql::{Engine, EngineOptions, Limits};
use api::door::{DoorError, ReadingsDoor, Receipt};
use api::{ApiOptions, ApiState, Check, Serving};
use async_trait::async_trait;
use model::instant::RecordedAt;
use model::name::Name;
use model::rejection::Reason;
use model::role::Role;
use serde_json::{Value, json};
use store::ledger::Ledger;
use store::newest::Newest;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::shelf::{Shelf, row};

/// 2026-11-22T10:00:00Z.
const TEN: i64 = 1_795_341_600_000;

/// A door that answers by what the body says.
struct FakeDoor;

#[async_trait]
impl ReadingsDoor for FakeDoor {
    async fn take(&self, _: &str, body: &[u8]) -> Result<Receipt, DoorError> {
        let body: Value = serde_json::from_slice(body)
            .map_err(|_| DoorError::Malformed { reason: Reason::Json, detail: "not JSON".into() })?;
        match body["site"].as_str() {
            Some("full") => Err(DoorError::Unavailable),
            Some("large") => Err(DoorError::TooLarge),
            Some("shape") => Err(DoorError::Malformed { reason: Reason::Shape, detail: "no `readings`".into() }),
            _ => Ok(Receipt { accepted: 1, duplicate: 2, rejected: vec![(3, Reason::Range)] }),
        }
    }
}

/// A server over a small store, with a token for every role.
struct Edge {
    base: String,
    client: reqwest::Client,
    ledger: Ledger,
    stop: CancellationToken,
    serving: Option<Serving>,
    _data: TempDir,
}

/// An answer: status, media type and body.
struct Got {
    status: u16,
    media_type: String,
    body: Vec<u8>,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    /// Status and code of a problem.
    fn problem(&self) -> (u16, String) {
        assert_eq!(self.media_type, "application/problem+json", "{}", String::from_utf8_lossy(&self.body));
        let body = self.json();
        assert_eq!(body["status"], self.status);
        assert!(body["title"].is_string() && body["type"].is_string() && body["detail"].is_string(), "{body}");
        (self.status, body["code"].as_str().unwrap_or_default().to_owned())
    }
}

impl Edge {
    async fn start() -> Self {
        Self::with(ApiOptions::default(), Limits::default()).await
    }

    async fn with(options: ApiOptions, limits: Limits) -> Self {
        let data = tempfile::tempdir().unwrap();
        let clock = Arc::new(|| RecordedAt::from_millis(TEN));
        let ledger = Ledger::open(data.path(), clock).await.unwrap();
        let rows = (0..10_i64).map(|turn| row("WH1-CR2-A", TEN + turn * 60_000, 4.0 + turn as f64)).collect::<Vec<_>>();
        let shelf = Shelf::new(&[rows[..5].to_vec()], &[rows[5..].to_vec()]).await;
        let engine =
            Engine::new(Arc::new(shelf), Some(ledger.clone()), EngineOptions { limits, ..EngineOptions::default() })
                .unwrap();
        let state = ApiState {
            history: engine.clone(),
            newest: Newest::default(),
            engine,
            ledger: ledger.clone(),
            door: Arc::new(FakeDoor),
            assess: None,
            notifications: None,
            oidc: None,
            metrics: None,
            readiness: Arc::new(|| vec![Check { name: "journal", ok: true, detail: "open".into() }]),
        };
        let stop = CancellationToken::new();
        let options = ApiOptions { bind: ([127, 0, 0, 1], 0).into(), ..options };
        let serving = api::serve(options, state, stop.clone()).await.unwrap();
        let base = format!("http://{}", serving.address);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { base, client, ledger, stop, serving: Some(serving), _data: data }
    }

    async fn token(&self, role: Role) -> String {
        let (name, admin) = (Name::parse(role.as_str()).unwrap(), Name::parse("admin").unwrap());
        self.ledger.create_token(role, &name, None, &admin).await.unwrap()
    }

    async fn send(&self, method: &str, path: &str, token: Option<&str>, body: Option<&Value>) -> Got {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        got(request).await
    }

    async fn get(&self, path: &str, token: &str) -> Got {
        self.send("GET", path, Some(token), None).await
    }

    async fn post(&self, path: &str, token: &str, body: &Value) -> Got {
        self.send("POST", path, Some(token), Some(body)).await
    }

    async fn ask(&self, token: &str, sql: &str) -> Got {
        self.post("/v1/sql", token, &json!({"sql": sql})).await
    }

    /// Stops the server and waits for its end.
    async fn stop(mut self) {
        self.stop.cancel();
        self.serving.take().unwrap().ended.await.unwrap();
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn got(request: reqwest::RequestBuilder) -> Got {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let header = response.headers().get("content-type").and_then(|value| value.to_str().ok());
    let media_type = header.unwrap_or_default().to_owned();
    Got { status, media_type, body: response.bytes().await.unwrap().to_vec() }
}
