//! What is placed or raised is told: signed, once per incident, to everybody it is for, whatever happens on the way
//! (invariant N1).

mod escalation;
mod mail;
mod mqtt;
mod people;
mod receiver;
mod webhooks;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use model::instant::RecordedAt;
use notify::{EmailOptions, Notifier, NotifyOptions, Parts, SmtpTls, WebhookOptions};
use serde_json::{Value, json};
use store::ledger::Ledger;

use crate::holds::{apply, document, minute};

/// What webhooks are signed with in tests.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A ledger with `units` units and a clock that stands until it is told to go, and what tells of it.
struct Desk {
    ledger: Ledger,
    now: Arc<AtomicI64>,
    directory: std::path::PathBuf,
    options: NotifyOptions,
    notifier: Option<Notifier>,
}

impl Desk {
    async fn start(directory: &Path, units: usize, options: NotifyOptions) -> Self {
        let now = Arc::new(AtomicI64::new(minute(45).millis()));
        let clock = now.clone();
        let clock = Arc::new(move || RecordedAt::from_millis(clock.load(Ordering::Relaxed)));
        let ledger = Ledger::open(directory, clock).await.unwrap();
        apply(&ledger, &document(units)).await;
        let options = NotifyOptions { tick: Duration::from_millis(10), ..options };
        let mut desk = Self { ledger, now, directory: directory.to_owned(), options, notifier: None };
        desk.tell().await;
        desk
    }

    /// Starts telling, also again.
    async fn tell(&mut self) {
        drop(rustls::crypto::ring::default_provider().install_default());
        let (ledger, directory, options) = (self.ledger.clone(), self.directory.clone(), self.options.clone());
        self.notifier = Some(Notifier::start(Parts { ledger, directory, options }).await.unwrap());
    }

    fn notifier(&self) -> &Notifier {
        self.notifier.as_ref().unwrap()
    }

    fn clock(&self, at: i64) {
        self.now.store(minute(at).millis(), Ordering::Relaxed);
    }

    async fn recipients(&self, recipients: Value) {
        apply(&self.ledger, &json!({ "recipients": recipients })).await;
    }

    /// Waits until `done` says so of what is pending, delivered and unanswered.
    async fn until(&self, what: &str, mut done: impl AsyncFnMut(&Notifier) -> bool) {
        for _ in 0..1500 {
            if done(self.notifier()).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it never came about that {what}");
    }
}

fn webhook(port: u16) -> WebhookOptions {
    WebhookOptions {
        name: "erp".to_owned(),
        url: format!("http://127.0.0.1:{port}/hook"),
        secrets: vec![SECRET.to_owned()],
        kinds: Vec::new(),
        level: 1,
        tells_people: false,
        allow_http: false,
        authority: None,
        timeout: Duration::from_secs(10),
    }
}

fn email(port: u16) -> EmailOptions {
    EmailOptions {
        host: "127.0.0.1".to_owned(),
        port: Some(port),
        tls: SmtpTls::Plain,
        credentials: None,
        from: "Coldtrail <alarms@wh.example>".to_owned(),
        authority: None,
        timeout: Duration::from_secs(10),
    }
}
