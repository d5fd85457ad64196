//! What the configuration says about one broker to take messages from.

use std::sync::Arc;
use std::time::Duration;

use model::name::Name;

use crate::Error;

/// The version of MQTT spoken with a broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// MQTT 5: the broker keeps to our receive maximum and packet size and says why it disconnects.
    #[default]
    V5,
    /// MQTT 3.1.1, for old brokers. How many messages are in flight, and how large, is the broker's configuration.
    V311,
}

/// The user a broker knows us by.
#[derive(Clone)]
pub struct Credentials {
    /// User name.
    pub user: String,
    /// Password; never logged.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// One broker and the topic filters to take from it. [`CollectorOptions::new`] fills in the defaults.
#[derive(Clone, Debug)]
pub struct CollectorOptions {
    /// The broker's name: label of its metrics and `client` of its deliveries.
    pub name: Name,
    /// Host name or address; an IPv6 address stands in brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Version of MQTT. Default [`Protocol::V5`].
    pub protocol: Protocol,
    /// Client id. Fixed, and used by no other client of the broker: the broker keeps unacknowledged messages under it.
    pub client_id: String,
    /// User and password, when the broker asks for them.
    pub credentials: Option<Credentials>,
    /// TLS, with the authorities to trust and perhaps a client certificate. `None` is plain TCP.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// Topic filters, at least one; shared subscriptions (`$share/group/filter`) are passed on as they are.
    pub filters: Vec<String>,
    /// Keep-alive in whole seconds, 5 s or more (1 s with 3.1.1). A connection silent for 1.5 of it is given up. Default 20 s.
    pub keep_alive: Duration,
    /// How long the broker keeps the session, and what was not acknowledged, after we are gone. Default 7 days.
    pub session_expiry: Duration,
    /// How many messages the broker may have in flight to us, 1 to 65,535: as many as one group commit should hold. Default 10,000.
    pub receive_maximum: u16,
    /// The largest packet we take, in bytes, 128 or more. A broker of MQTT 5 discards larger ones. Default 1 MiB.
    pub max_packet_size: u32,
    /// Longest wait for a connection to stand, DNS to CONNACK, in whole seconds. Default 5 s.
    pub connect_timeout: Duration,
    /// Wait before the first new attempt; doubles with each failure and is jittered. Default 200 ms.
    pub backoff_first: Duration,
    /// Longest wait between two attempts. Default 30 s.
    pub backoff_max: Duration,
    /// First wait after another client was found using our client id; doubles up to ten times as long. Default 60 s.
    pub contested_backoff: Duration,
    /// Added to 1.5 keep-alives before a silent connection is given up. Default 1 s.
    pub silence_margin: Duration,
    /// How long [`stop`](super::CollectorHandle::stop) waits for what is in flight to become durable. Default 3 s.
    pub stop_grace: Duration,
}

impl CollectorOptions {
    /// Options for the broker `name` at `host` with everything else at its default.
    #[must_use]
    pub fn new(name: Name, host: &str, port: u16, client_id: &str, filters: &[&str]) -> Self {
        Self {
            name,
            host: host.to_owned(),
            port,
            protocol: Protocol::default(),
            client_id: client_id.to_owned(),
            credentials: None,
            tls: None,
            filters: filters.iter().map(|&filter| filter.to_owned()).collect(),
            keep_alive: Duration::from_secs(20),
            session_expiry: Duration::from_secs(7 * 86_400),
            receive_maximum: 10_000,
            max_packet_size: 1024 * 1024,
            connect_timeout: Duration::from_secs(5),
            backoff_first: Duration::from_millis(200),
            backoff_max: Duration::from_secs(30),
            contested_backoff: Duration::from_secs(60),
            silence_margin: Duration::from_secs(1),
            stop_grace: Duration::from_secs(3),
        }
    }

    /// Checks every limit, so that a wrong configuration stops the start and not a connection.
    ///
    /// # Errors
    /// [`Error::Collector`] naming the broker, the option and what it may be.
    pub fn check(&self) -> Result<(), Error> {
        let fault = self.fault();
        fault.map_or(Ok(()), |(option, value, expected)| {
            Err(Error::Collector { broker: self.name.to_string(), option, value, expected })
        })
    }

    fn fault(&self) -> Option<(&'static str, String, &'static str)> {
        let least_keep_alive = match self.protocol {
            Protocol::V5 => Duration::from_secs(5),
            Protocol::V311 => Duration::from_secs(1),
        };
        if self.host.is_empty() {
            return Some(("host", self.host.clone(), "a host name or address"));
        }
        if self.client_id.is_empty() || self.client_id.len() > usize::from(u16::MAX) {
            return Some(("client_id", self.client_id.clone(), "a fixed id, one no other client uses"));
        }
        if self.keep_alive < least_keep_alive || self.keep_alive.as_secs() > u64::from(u16::MAX) {
            let value = format!("{:?}", self.keep_alive);
            return Some(("keep_alive", value, "5 s (1 s with MQTT 3.1.1) to 65,535 s"));
        }
        if self.receive_maximum == 0 {
            return Some(("receive_maximum", self.receive_maximum.to_string(), "1 to 65,535"));
        }
        if self.max_packet_size < 128 {
            return Some(("max_packet_size", self.max_packet_size.to_string(), "128 bytes or more"));
        }
        if self.filters.is_empty() {
            return Some(("filters", "[]".to_owned(), "at least one topic filter"));
        }
        let wrong = self.filters.iter().find(|filter| !is_filter(filter));
        wrong.map(|filter| ("filters", filter.clone(), "topic filters, `+` a whole level and `#` the last"))
    }

    /// How long a standing connection may bring nothing, not even an answer to our ping.
    pub(super) fn silence_limit(&self, keep_alive: Duration) -> Duration {
        keep_alive + keep_alive / 2 + self.silence_margin
    }
}

/// Whether `text` is a topic filter of MQTT (5.0, section 4.7).
fn is_filter(text: &str) -> bool {
    if text.is_empty() || text.len() > usize::from(u16::MAX) || text.contains('\0') {
        return false;
    }
    let last = text.split('/').count() - 1;
    text.split('/').enumerate().all(|(at, level)| match level {
        "+" => true,
        "#" => at == last,
        _ => !level.contains(['+', '#']),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_topic_filters() {
        for text in ["#", "+", "a/+/b", "/", "coldtrail/v1/+/+/readings", "$share/g/a/#"] {
            assert!(is_filter(text), "{text}");
        }
        for text in ["", "a/#/b", "a+", "a/b#", "a\0"] {
            assert!(!is_filter(text), "{text}");
        }
    }

    #[test]
    fn names_the_option_that_is_wrong() {
        let name = Name::parse("plant").unwrap();
        let options = CollectorOptions::new(name, "localhost", 1883, "coldtrail", &["a/#"]);
        assert!(options.check().is_ok());
        let short = CollectorOptions { keep_alive: Duration::from_secs(2), ..options.clone() };
        assert_eq!(
            short.check().unwrap_err().to_string(),
            "collector `plant`: `keep_alive` is `2s`, give 5 s (1 s with MQTT 3.1.1) to 65,535 s"
        );
        let old = CollectorOptions { protocol: Protocol::V311, ..short };
        assert!(old.check().is_ok());
        assert!(CollectorOptions { filters: Vec::new(), ..options }.check().is_err());
    }
}
