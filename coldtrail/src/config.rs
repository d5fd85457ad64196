//! The configuration file. Every limit of the system can be set here; all have a default.

pub(crate) mod notifications;
pub(crate) mod oidc;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::exit::Failure;

pub(crate) use notifications::Notifications;
pub(crate) use oidc::Oidc;

/// The configuration. Unknown members are refused, so that a typing error does not pass for a setting.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The data directory.
    pub(crate) data: Option<PathBuf>,
    /// The HTTP server.
    pub(crate) http: Http,
    /// The MQTT listener.
    pub(crate) mqtt: Mqtt,
    /// Brokers to collect from.
    pub(crate) collector: Vec<Collector>,
    /// Where the lake is; in the data directory when absent.
    pub s3: Option<S3>,
    /// Limits of the path of a reading.
    pub(crate) ingest: Ingest,
    /// Limits of a query.
    pub(crate) sql: Sql,
    /// Who is told of holds and alarms.
    pub(crate) notifications: Notifications,
    /// Where people sign in besides.
    pub(crate) oidc: Option<Oidc>,
}

/// The HTTP server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Http {
    /// Address and port.
    pub(crate) listen: Option<SocketAddr>,
    /// TLS; plain HTTP when absent.
    pub(crate) tls: Option<Tls>,
    /// Whether a proxy in front of us has TLS.
    pub(crate) behind_tls: bool,
    /// Whether other machines are served in the clear.
    pub(crate) insecure: bool,
    /// A session ends after so many seconds without a request.
    pub(crate) session_idle_s: Option<f64>,
    /// A session ends after so many seconds in any case.
    pub(crate) session_max_s: Option<f64>,
    /// Where fonts for Chinese, Japanese and Korean in reports are looked for; where systems keep fonts, when absent.
    pub(crate) font_directories: Option<Vec<PathBuf>>,
}

/// The MQTT listener.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mqtt {
    /// Address and port for plain TCP.
    pub(crate) listen: Option<SocketAddr>,
    /// Address and port for TLS.
    pub(crate) listen_tls: Option<SocketAddr>,
    /// Certificates for `listen_tls`.
    pub(crate) tls: Option<Tls>,
    /// A file with lines `gateway:argon2-hash`, as `coldtrail password` prints them.
    pub(crate) password_file: Option<PathBuf>,
    /// Whether other machines are taken from in the clear.
    pub(crate) insecure: bool,
    /// Refuses clients without a user name over loopback too.
    pub(crate) refuse_anonymous: bool,
    /// Connections at once.
    pub(crate) connections_max: Option<usize>,
    /// The longest packet, bytes.
    pub(crate) packet_max_bytes: Option<usize>,
}

/// Files in PEM.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// The certificate chain.
    pub(crate) certificate: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
    /// The authority that client certificates are checked against.
    pub(crate) client_authority: Option<PathBuf>,
    /// Whether a client without a certificate is turned away.
    #[serde(default)]
    pub(crate) client_required: bool,
}

/// A broker to collect from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Collector {
    /// Its name, for metrics and logs.
    pub(crate) name: String,
    /// Host name or address.
    pub(crate) host: String,
    /// Port; 1883, or 8883 with TLS.
    pub(crate) port: Option<u16>,
    /// `5` or `3.1.1`.
    pub(crate) protocol: Option<String>,
    /// The client id; fixed, so that the broker keeps what was not acknowledged.
    pub(crate) client_id: Option<String>,
    /// User name.
    pub(crate) user: Option<String>,
    /// Password.
    pub(crate) password: Option<String>,
    /// The authority to trust (PEM); makes the connection TLS.
    pub(crate) authority: Option<PathBuf>,
    /// Client certificate and key (PEM).
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
    /// Topic filters; `coldtrail/v1/+/+/readings` when absent.
    pub(crate) filters: Option<Vec<String>>,
    /// Messages in flight at once.
    pub(crate) receive_maximum: Option<u16>,
}

/// A bucket for the lake.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct S3 {
    /// The bucket's name.
    pub(crate) bucket: String,
    /// The path in it.
    #[serde(default)]
    pub(crate) prefix: String,
    /// The service's address; AWS when absent.
    pub(crate) endpoint: Option<String>,
    /// The region.
    #[serde(default = "region")]
    pub(crate) region: String,
    /// Access key; from the environment when absent.
    pub(crate) access_key_id: Option<String>,
    /// Secret key; from the environment when absent.
    pub(crate) secret_access_key: Option<String>,
    /// Whether plain HTTP will do.
    #[serde(default)]
    pub(crate) allow_http: bool,
}

fn region() -> String {
    "us-east-1".to_owned()
}

/// Limits of the path of a reading.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Ingest {
    /// The journal on disk, bytes.
    pub(crate) journal_max_bytes: Option<u64>,
    /// One segment of the journal, bytes.
    pub(crate) journal_segment_bytes: Option<u64>,
    /// The tail is flushed at this size, bytes.
    pub(crate) flush_bytes: Option<usize>,
    /// The tail is flushed after so many seconds.
    pub(crate) flush_after_s: Option<f64>,
    /// Decoding waits for a flush when the tail has grown to this, the part being flushed included, bytes.
    pub(crate) tail_max_bytes: Option<usize>,
    /// Sensor names one gateway may use.
    pub(crate) names_per_gateway: Option<usize>,
    /// The lake is compacted and vacuumed every so many seconds.
    pub(crate) maintain_every_s: Option<f64>,
}

/// Limits of a query.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Sql {
    /// How long one may take, seconds.
    pub(crate) timeout_s: Option<f64>,
    /// Memory of one, bytes.
    pub(crate) max_memory_bytes: Option<u64>,
    /// Rows of an answer.
    pub(crate) max_rows: Option<u64>,
    /// Bytes of an answer.
    pub(crate) max_result_bytes: Option<u64>,
    /// Queries at once.
    pub(crate) max_concurrent: Option<usize>,
}

impl Config {
    /// Reads the file, or takes the defaults without one.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::Input(format!("cannot read the configuration `{}`: {error}", path.display())))?;
        toml::from_str(&text).map_err(|error| Failure::Input(format!("configuration `{}`: {error}", path.display())))
    }
}
