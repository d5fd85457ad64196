//! Who is told of holds and alarms, and how.

use std::path::PathBuf;

use serde::Deserialize;

/// Who is told of holds and alarms.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Notifications {
    /// What tells this system from others in an event.
    pub(crate) source: Option<String>,
    /// What links begin with.
    pub(crate) link_base: Option<String>,
    /// How many people are to be told at once, at least.
    pub(crate) minimum_recipients: Option<usize>,
    /// After how many seconds without acknowledgement the next level is told.
    pub(crate) escalate_after_s: Option<f64>,
    /// After how many seconds without delivery a channel is an alarm.
    pub(crate) undelivered_after_s: Option<f64>,
    /// How many seconds are waited after a first failure.
    pub(crate) retry_min_s: Option<f64>,
    /// How many seconds are waited between attempts at most.
    pub(crate) retry_max_s: Option<f64>,
    /// Programs that are told over HTTP.
    pub(crate) webhook: Vec<Webhook>,
    /// A broker that is told.
    pub(crate) mqtt: Option<Broker>,
    /// A server that takes mail.
    pub(crate) email: Option<Email>,
}

/// A program that is told over HTTP.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    /// Its name.
    pub(crate) name: String,
    /// Where it listens.
    pub(crate) url: String,
    /// What bodies are signed with.
    pub(crate) secret: String,
    /// The secret before, while receivers change over.
    pub(crate) old_secret: Option<String>,
    /// Which kinds it is told.
    #[serde(default)]
    pub(crate) kinds: Vec<String>,
    /// When it is told.
    pub(crate) level: Option<u32>,
    /// Whether it is told each person with a telephone number.
    #[serde(default)]
    pub(crate) tells_people: bool,
    /// Whether plain HTTP beyond this machine will do.
    #[serde(default)]
    pub(crate) allow_http: bool,
    /// The authority that signed its certificate (PEM).
    pub(crate) authority: Option<PathBuf>,
    /// How many seconds one request may take.
    pub(crate) timeout_s: Option<f64>,
}

/// A broker that is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Broker {
    /// Host name or address.
    pub(crate) host: String,
    /// Port; 1883, or 8883 with TLS.
    pub(crate) port: Option<u16>,
    /// The client id.
    pub(crate) client_id: Option<String>,
    /// What topics begin with.
    pub(crate) topic_prefix: Option<String>,
    /// User name.
    pub(crate) user: Option<String>,
    /// Password.
    pub(crate) password: Option<String>,
    /// The authority to trust (PEM); makes the connection TLS.
    pub(crate) authority: Option<PathBuf>,
    /// Client certificate and key (PEM).
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
    /// Which kinds it is told.
    #[serde(default)]
    pub(crate) kinds: Vec<String>,
    /// How many seconds one delivery may take.
    pub(crate) timeout_s: Option<f64>,
}

/// A server that takes mail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Email {
    /// Host name or address.
    pub(crate) host: String,
    /// Port; 465, 587 or 25 by `tls`.
    pub(crate) port: Option<u16>,
    /// `implicit`, `starttls` or `none`.
    pub(crate) tls: Option<String>,
    /// Whom the mail is from.
    pub(crate) from: String,
    /// User name.
    pub(crate) user: Option<String>,
    /// Password.
    pub(crate) password: Option<String>,
    /// The authority to trust (PEM).
    pub(crate) authority: Option<PathBuf>,
    /// How many seconds one delivery may take.
    pub(crate) timeout_s: Option<f64>,
}
