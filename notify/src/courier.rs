//! A courier: makes the deliveries of one channel, one after the other, for as long as it takes.

use std::sync::Arc;
use std::time::Duration;

use model::instant::RecordedAt;
use model::name::Name;
use model::registry::Recipient;
use store::ledger::Ledger;
use store::outbox::{Attempt, Due, Outbox, Outcome};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::backoff;
use crate::channel::{Channel, Refused, Scope};
use crate::options::NotifyOptions;

/// Deliveries taken from the outbox at once.
const AT_ONCE: u32 = 32;

/// The deliveries of one channel.
pub(crate) struct Courier {
    pub(crate) name: String,
    pub(crate) channel: Box<dyn Channel>,
    pub(crate) ledger: Ledger,
    pub(crate) outbox: Outbox,
    pub(crate) options: Arc<NotifyOptions>,
    /// Something new is in the outbox.
    pub(crate) news: Arc<Notify>,
}

/// Whether the channel works.
#[derive(Default)]
struct Line {
    /// How often in a row it did not.
    failures: u32,
    /// Until when it is left alone.
    until: Option<RecordedAt>,
}

impl Courier {
    /// Delivers until `stop`. What is under way then is made again at the next start.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut line = Line::default();
        loop {
            let news = self.news.notified();
            let made = tokio::select! {
                made = self.round(&mut line) => made,
                () = stop.cancelled() => return,
            };
            let wait = match made {
                Ok(0) => self.options.tick,
                Ok(_) => continue,
                Err(error) => {
                    tracing::error!(channel = self.name, %error, "the outbox does not answer; it will be asked again");
                    self.options.retry_min.max(Duration::from_secs(1))
                }
            };
            tokio::select! {
                () = news => {}
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Tries what is due, and tells how much of it was settled. Stops at the first sign that the channel does not work.
    async fn round(&self, line: &mut Line) -> Result<usize, store::Error> {
        if line.until.is_some_and(|until| self.ledger.now() < until) {
            return Ok(0);
        }
        let due = self.outbox.due(&self.name, self.ledger.now(), AT_ONCE).await?;
        let mut settled = 0;
        for due in &due {
            let outcome = self.attempt(due).await;
            let now = self.ledger.now();
            let outcome = match outcome {
                Ok(outcome) => {
                    *line = Line::default();
                    settled += 1;
                    outcome
                }
                Err(refused) => self.failed(line, due, refused, now),
            };
            let word = match &outcome {
                Outcome::Delivered => "delivered",
                Outcome::Failed { .. } => "failed",
                Outcome::Withdrawn { .. } => "withdrawn",
            };
            self.outbox.record(due.delivery, &Attempt { at: now, outcome }).await?;
            let channel = self.name.clone();
            metrics::counter!("coldtrail_notification_attempts_total", "channel" => channel, "outcome" => word)
                .increment(1);
            if line.until.is_some() {
                break;
            }
        }
        Ok(settled)
    }

    async fn attempt(&self, due: &Due) -> Result<Outcome, Refused> {
        if due.recipient.is_empty() {
            return self.channel.deliver(due, None).await.map(|()| Outcome::Delivered);
        }
        let registry = self.ledger.registry();
        let person = Name::parse(&due.recipient).ok();
        let person = person.and_then(|id| registry.recipients.get(&id)).filter(|person| person.active);
        match person {
            Some(person) => {
                let person: &Recipient = &person.record;
                self.channel.deliver(due, Some(person)).await.map(|()| Outcome::Delivered)
            }
            None => Ok(Outcome::Withdrawn { why: format!("`{}` is no longer told of anything", due.recipient) }),
        }
    }

    /// What a failure means: when this delivery is tried again, and for how long the channel is left alone.
    fn failed(&self, line: &mut Line, due: &Due, refused: Refused, now: RecordedAt) -> Outcome {
        let Refused { scope, why, retry_after } = refused;
        let (min, max) = (self.options.retry_min, self.options.retry_max);
        let failures = match scope {
            Scope::Delivery => {
                line.failures = 0;
                due.attempts.saturating_add(1)
            }
            Scope::Channel => {
                line.failures = line.failures.saturating_add(1);
                line.failures
            }
        };
        let wait = backoff::after(failures, min, max).max(retry_after.unwrap_or_default());
        let retry_at = later(now, wait);
        line.until = (scope == Scope::Channel).then_some(retry_at);
        tracing::warn!(channel = self.name, notification = due.id, recipient = due.recipient, failures, %retry_at, %why,
            "a notification was not delivered; it will be tried again");
        Outcome::Failed { why, retry_at }
    }
}

/// `at` and `duration` more.
pub(crate) fn later(at: RecordedAt, duration: Duration) -> RecordedAt {
    let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    RecordedAt::from_millis(at.millis().saturating_add(millis))
}
