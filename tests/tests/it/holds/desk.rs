//! A server whose assessments a test says, and the people who sit at it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use analytics::assess::{Assess, AssessError};
use analytics::sql::{Engine, EngineOptions};
use api::door::{DoorError, ReadingsDoor, Receipt};
use api::{ApiOptions, ApiState, Serving};
use async_trait::async_trait;
use model::role::Role;
use store::ledger::{Event, Sequence};
use store::newest::Newest;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::shelf::Shelf;

/// The password of everybody.
pub(super) const PASSWORD: &str = "a password for tests";

/// Assessments as a test says they are.
#[derive(Default)]
pub(super) struct Said(Mutex<HashMap<Name, Assessment>>);

impl Said {
    pub(super) fn say(&self, assessment: Assessment) {
        self.0.lock().unwrap().insert(assessment.unit.clone(), assessment);
    }
}

#[async_trait]
impl Assess for Said {
    async fn assess(
        &self,
        unit: &Name,
        as_of: Option<ValidAt>,
        _: Option<RecordedAt>,
    ) -> Result<Option<Assessment>, AssessError> {
        let said = self.0.lock().unwrap().get(unit).cloned();
        Ok(said.map(|said| Assessment { as_of: as_of.unwrap_or(said.as_of), ..said }))
    }
}

struct NoDoor;

#[async_trait]
impl ReadingsDoor for NoDoor {
    async fn take(&self, _: &str, _: &[u8]) -> Result<Receipt, DoorError> {
        Err(DoorError::Unavailable)
    }
}

/// A running server on a directory, with a clock that stands until it is told to go.
pub(super) struct Desk {
    pub(super) ledger: Ledger,
    pub(super) said: Arc<Said>,
    pub(super) base: String,
    pub(super) client: reqwest::Client,
    now: Arc<AtomicI64>,
    stop: CancellationToken,
    serving: Option<Serving>,
}

impl Desk {
    /// A server on `directory`; the second one goes on where the first one stopped.
    pub(super) async fn open(directory: &Path, said: Arc<Said>) -> Self {
        let now = Arc::new(AtomicI64::new(minute(45).millis()));
        let clock = now.clone();
        let clock = Arc::new(move || RecordedAt::from_millis(clock.load(Ordering::Relaxed)));
        let ledger = Ledger::open(directory, clock).await.unwrap();
        let shelf = Shelf::new(&[], &[]).await;
        let engine = Engine::new(Arc::new(shelf), Some(ledger.clone()), EngineOptions::default()).unwrap();
        let assess: Arc<dyn Assess> = said.clone();
        let state = ApiState {
            history: engine.clone(),
            newest: Newest::default(),
            engine,
            ledger: ledger.clone(),
            door: Arc::new(NoDoor),
            assess: Some(assess),
            notifications: None,
            oidc: None,
            metrics: None,
            readiness: Arc::new(Vec::new),
        };
        let stop = CancellationToken::new();
        let options = ApiOptions { bind: ([127, 0, 0, 1], 0).into(), ..ApiOptions::default() };
        let serving = api::serve(options, state, stop.clone()).await.unwrap();
        let base = format!("http://{}", serving.address);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { ledger, said, base, client, now, stop, serving: Some(serving) }
    }

    /// A new directory with `units` units and the people `m.lin` and `j.doe` of quality, `l.ogi` of logistics.
    pub(super) async fn start(directory: &Path, units: usize) -> Self {
        let desk = Self::open(directory, Arc::default()).await;
        apply(&desk.ledger, &document(units)).await;
        let admin = name("admin");
        for (person, role) in [("m.lin", Role::Quality), ("j.doe", Role::Quality), ("l.ogi", Role::Logistics)] {
            desk.ledger.create_user(&name(person), role, PASSWORD, &admin).await.unwrap();
        }
        for unit in 1..=units {
            desk.said.say(assessed(&format!("U{unit}"), 45, vec![]));
        }
        desk
    }

    pub(super) fn clock(&self, at: ValidAt) {
        self.now.store(at.millis(), Ordering::Relaxed);
    }

    /// A token of `role` in the name of `person`.
    pub(super) async fn token(&self, person: &str, role: Role) -> String {
        self.ledger.create_token(role, &name(person), None, &name("admin")).await.unwrap()
    }

    /// What the evaluator would do with what is known now.
    pub(super) async fn find(&self, assessment: Assessment) -> Vec<model::hold::HoldId> {
        self.said.say(assessment.clone());
        self.ledger.record_findings(found_on("CR", vec![assessment])).await.unwrap().placed
    }

    pub(super) async fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let media = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
        let body = response.bytes().await.unwrap();
        let body: Value = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        if status >= 400 {
            assert_eq!(media.as_deref(), Some("application/problem+json"), "{body}");
            assert_eq!(body["status"], status, "{body}");
        }
        (status, body)
    }

    pub(super) async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        self.send(self.client.get(format!("{}{path}", self.base)).bearer_auth(token)).await
    }

    pub(super) async fn post(&self, path: &str, token: &str, body: Value) -> (u16, Value) {
        self.send(self.client.post(format!("{}{path}", self.base)).bearer_auth(token).json(&body)).await
    }

    /// Status and code of a refusal.
    pub(super) async fn refused(&self, path: &str, token: &str, body: Value) -> (u16, String) {
        let (status, body) = self.post(path, token, body).await;
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    }

    /// The codes of what stands against `unit`.
    pub(super) async fn blocks(&self, unit: &str, query: &str, token: &str) -> Vec<String> {
        let (status, body) = self.get(&format!("/v1/units/{unit}/dispatch-check?{query}"), token).await;
        assert_eq!(status, 200, "{body}");
        let blocks = body["blocks"].as_array().unwrap();
        assert_eq!(body["allowed"], blocks.is_empty());
        blocks.iter().map(|block| block["code"].as_str().unwrap().to_owned()).collect()
    }

    /// The events after `before`, once there are so many: what nobody waits for is written soon after its answer.
    pub(super) async fn written(&self, before: Sequence, count: u64) -> Vec<Event> {
        let until = before.get() + count;
        self.ledger.changes().wait_for(|snapshot| snapshot.head.seq.get() >= until).await.unwrap();
        self.ledger.audit(before.next(), 100).await.unwrap()
    }

    pub(super) async fn sound(&self) {
        assert_eq!(self.ledger.verify(None).await.unwrap().wrong, None);
    }

    /// Stops the server and lets go of the directory.
    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        self.serving.take().unwrap().ended.await.unwrap();
        self.ledger.close().await.unwrap();
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A signature of everybody's.
pub(super) fn signed() -> Value {
    json!({ "reason": "stability data 77 cover it", "password": PASSWORD })
}
