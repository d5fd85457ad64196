//! What is told by which channel, and when again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

/// Everything about notifications. Addresses of channels come from here alone, never from a request.
#[derive(Clone, Debug)]
pub struct NotifyOptions {
    /// The `source` of every event (CloudEvents 1.0): a URI reference that tells this system from others.
    pub source: String,
    /// What links in notices begin with, for instance `https://coldtrail.example`; none are absolute without.
    pub link_base: Option<String>,
    /// Programs that are told over HTTP.
    pub webhooks: Vec<WebhookOptions>,
    /// A broker that is told.
    pub mqtt: Option<MqttOptions>,
    /// A server that takes mail to people.
    pub email: Option<EmailOptions>,
    /// How many people are to be told at once, at least; 2 or more.
    pub minimum_recipients: usize,
    /// After how long without acknowledgement the next level is told.
    pub escalate_after: Duration,
    /// After how long a channel that does not deliver is an alarm.
    pub undelivered_after: Duration,
    /// How long a first failure is waited after.
    pub retry_min: Duration,
    /// How long is waited between attempts at most.
    pub retry_max: Duration,
    /// How often instants that pass by themselves are looked at.
    pub tick: Duration,
}

impl Default for NotifyOptions {
    fn default() -> Self {
        Self {
            source: "/coldtrail".to_owned(),
            link_base: None,
            webhooks: Vec::new(),
            mqtt: None,
            email: None,
            minimum_recipients: 3,
            escalate_after: Duration::from_secs(900),
            undelivered_after: Duration::from_secs(900),
            retry_min: Duration::from_secs(1),
            retry_max: Duration::from_secs(300),
            tick: Duration::from_millis(500),
        }
    }
}

/// A program that is told over HTTP.
#[derive(Clone, Debug)]
pub struct WebhookOptions {
    /// Its name; the channel is `webhook.NAME`.
    pub name: String,
    /// Where it listens: `https://…`, or `http://…` on loopback or with `allow_http`.
    pub url: String,
    /// What bodies are signed with: `whsec_` and base 64, 24 to 64 bytes. Several while one replaces another.
    pub secrets: Vec<String>,
    /// Which kinds it is told; all when empty. `hold` is every kind that begins with `hold.`.
    pub kinds: Vec<String>,
    /// When it is told: 1 at once, higher ones like the people of that level.
    pub level: u32,
    /// Whether it is told the people of each level, with their addresses: for what sends messages to them.
    pub tells_people: bool,
    /// Whether plain HTTP beyond this machine will do.
    pub allow_http: bool,
    /// The authority that signed its certificate, PEM; the system's list when absent.
    pub authority: Option<PathBuf>,
    /// How long one request may take.
    pub timeout: Duration,
}

/// A broker that is told: MQTT 5, QoS 1.
#[derive(Clone, Debug)]
pub struct MqttOptions {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The client id.
    pub client_id: String,
    /// What topics begin with: events go to `PREFIX/KIND`.
    pub topic_prefix: String,
    /// User name and password.
    pub credentials: Option<(String, String)>,
    /// TLS; plain TCP when absent.
    pub tls: Option<Arc<ClientConfig>>,
    /// Which kinds it is told; all when empty.
    pub kinds: Vec<String>,
    /// How long one delivery may take.
    pub timeout: Duration,
}

/// A server that takes mail.
#[derive(Clone, Debug)]
pub struct EmailOptions {
    /// Host name or address.
    pub host: String,
    /// Port; by `tls` when absent.
    pub port: Option<u16>,
    /// How the connection is secured.
    pub tls: SmtpTls,
    /// User name and password.
    pub credentials: Option<Identity>,
    /// Whom the mail is from: `Coldtrail <alarms@wh.example>`.
    pub from: String,
    /// The authority that signed the server's certificate, PEM; the system's list when absent.
    pub authority: Option<PathBuf>,
    /// How long one delivery may take.
    pub timeout: Duration,
}

/// A user of a mail server.
#[derive(Clone)]
pub struct Identity {
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("user", &self.user).finish_non_exhaustive()
    }
}

/// How a connection to a mail server is secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SmtpTls {
    /// From the first byte (RFC 8314), port 465.
    #[default]
    Implicit,
    /// After STARTTLS, which the server must offer (RFC 3207), port 587.
    StartTls,
    /// Not at all, port 25: for a server on the same machine.
    Plain,
}

impl SmtpTls {
    /// The port it usually has.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Implicit => 465,
            Self::StartTls => 587,
            Self::Plain => 25,
        }
    }
}
