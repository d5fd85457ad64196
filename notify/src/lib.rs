//! Telling people and systems of holds and alarms: by webhook, over MQTT, by mail.
//!
//! Order of durable steps: 1. a hold or an alarm is an event of the ledger; 2. the notices made of it, and to whom each
//! goes, are written to the outbox in the transaction that moves its cursor; 3. a channel delivers; 4. the attempt is
//! written to the outbox, and only that ends the delivery. A crash between any two steps repeats the later one: notices
//! are derived from the same events again, under the same ids, and a delivery whose attempt was not written is made
//! again, under the same id (invariant N1: what was placed or raised is told, at least once, to everybody it is for).

mod audience;
mod backoff;
mod channel;
mod courier;
mod error;
mod letter;
mod news;
mod notifier;
mod options;
mod signature;

pub use audience::reached;
pub use error::Error;
pub use notifier::{Notifier, Parts};
pub use options::{EmailOptions, Identity, MqttOptions, NotifyOptions, SmtpTls, WebhookOptions};
