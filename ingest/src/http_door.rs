//! The HTTP door: `POST /v1/readings`. The same payload as over MQTT with `site` and `gateway` in it.

use std::sync::Arc;

use model::name::Name;
use model::rejection::Reason;
use serde::Deserialize;
use store::journal::{Delivery, NotDurable, Refused, Source};

use crate::decode::{self, Native};
use crate::pipeline::Pipeline;

/// Takes readings from HTTP requests. Answers after the fsync, with what became of each reading.
#[derive(Clone)]
pub struct HttpDoor {
    pipeline: Pipeline,
    limits: Arc<HttpLimits>,
}

/// Limits of the door.
#[derive(Clone, Debug)]
pub struct HttpLimits {
    /// The longest body, bytes.
    pub body_bytes: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        // The largest message of the journal, less room for its topic and client.
        Self { body_bytes: (16 << 20) - (256 << 10) }
    }
}

/// What became of the readings of one request. The three add up to what was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Taken in.
    pub accepted: u64,
    /// Known already, as far as it could be told at that moment.
    pub duplicate: u64,
    /// Refused, by place in the request.
    pub rejected: Vec<(usize, Reason)>,
}

/// Why a request was not taken. Nothing of it is kept then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DoorError {
    /// The body is not readings with a site and a gateway.
    #[error("{what}")]
    Malformed {
        /// The word for it.
        reason: Reason,
        /// What is wrong and what to send.
        what: String,
    },
    /// The body is over the limit.
    #[error("the body has {bytes} bytes, at most {limit} are taken: send fewer readings at a time")]
    TooLarge {
        /// What was sent.
        bytes: usize,
        /// What is taken.
        limit: usize,
    },
    /// The journal takes nothing at the moment.
    #[error("readings cannot be stored at the moment: send them again later")]
    Unavailable,
}

/// The members of the body beside the readings.
#[derive(Deserialize)]
struct Sender<'a> {
    #[serde(borrow)]
    site: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    gateway: std::borrow::Cow<'a, str>,
}

impl HttpDoor {
    /// A door into `pipeline`.
    #[must_use]
    pub fn new(pipeline: Pipeline, limits: HttpLimits) -> Self {
        Self { pipeline, limits: Arc::new(limits) }
    }

    /// Journals the readings in `body` for `client` and waits until they are durable and taken in.
    ///
    /// Whether the client may write for the gateway of the body is its caller's to check.
    ///
    /// # Errors
    /// [`DoorError`]: nothing was stored, but after `Unavailable` it may have been; sending again is harmless.
    pub async fn post(&self, client: &str, body: &[u8]) -> Result<Receipt, DoorError> {
        if body.len() > self.limits.body_bytes {
            return Err(DoorError::TooLarge { bytes: body.len(), limit: self.limits.body_bytes });
        }
        let topic = topic(body)?;
        let whole = |reason| DoorError::Malformed {
            reason,
            what: format!("the body is refused with reason `{reason}`: send an object with an array `readings`"),
        };
        decode::decode(&Native, body).map_err(whole)?;
        let delivery = Delivery {
            received_at: self.pipeline.clock().now(),
            source: Source::Http,
            client,
            topic: &topic,
            payload: body,
        };
        let position = self.pipeline.journal().durably(&delivery).await.map_err(|refused| match refused {
            NotDurable::Refused(Refused::TooLarge) => {
                DoorError::TooLarge { bytes: body.len(), limit: self.limits.body_bytes }
            }
            _ => DoorError::Unavailable,
        })?;
        self.pipeline.caught_up().await.map_err(|_| DoorError::Unavailable)?;
        let outcome = self.pipeline.receipts().take(position).ok_or(DoorError::Unavailable)?;
        let rejected = outcome.rejected.into_iter().map(|(index, reason)| (index.unwrap_or_default(), reason));
        Ok(Receipt { accepted: outcome.accepted, duplicate: outcome.duplicate, rejected: rejected.collect() })
    }
}

/// The topic the body would have come on over MQTT.
fn topic(body: &[u8]) -> Result<String, DoorError> {
    let sender: Sender<'_> = serde_json::from_slice(body).map_err(|error| {
        let reason = if error.is_data() { Reason::Shape } else { Reason::Json };
        DoorError::Malformed {
            reason,
            what: format!("the body must be an object with `site`, `gateway` and `readings`: {error}"),
        }
    })?;
    for name in [&sender.site, &sender.gateway] {
        if let Err(error) = Name::parse(name) {
            return Err(DoorError::Malformed { reason: Reason::Name, what: error.to_string() });
        }
    }
    Ok(format!("coldtrail/v1/{}/{}/readings", sender.site, sender.gateway))
}
