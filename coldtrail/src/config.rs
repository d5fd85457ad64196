//! The configuration file. Every limit of the system can be set here; all have a default.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::exit::Failure;

/// The configuration. Unknown members are refused, so that a typing error does not pass for a setting.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The data directory.
    pub data: Option<PathBuf>,
    /// The HTTP server.
    pub http: Http,
    /// The MQTT listener.
    pub mqtt: Mqtt,
    /// Brokers to collect from.
    pub collector: Vec<Collector>,
    /// Where the lake is; in the data directory when absent.
    pub s3: Option<S3>,
    /// Limits of the path of a reading.
    pub ingest: Ingest,
    /// Limits of a query.
    pub sql: Sql,
}

/// The HTTP server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Address and port.
    pub listen: Option<SocketAddr>,
    /// TLS; plain HTTP when absent.
    pub tls: Option<Tls>,
}

/// The MQTT listener.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mqtt {
    /// Address and port for plain TCP.
    pub listen: Option<SocketAddr>,
    /// Address and port for TLS.
    pub listen_tls: Option<SocketAddr>,
    /// Certificates for `listen_tls`.
    pub tls: Option<Tls>,
    /// A file with lines `gateway:argon2-hash`, as `coldtrail password` prints them.
    pub password_file: Option<PathBuf>,
    /// Refuses clients without a user name over loopback too.
    pub refuse_anonymous: bool,
    /// Connections at once.
    pub connections_max: Option<usize>,
    /// The longest packet, bytes.
    pub packet_max_bytes: Option<usize>,
}

/// Files in PEM.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The authority that client certificates are checked against.
    pub client_authority: Option<PathBuf>,
    /// Whether a client without a certificate is turned away.
    #[serde(default)]
    pub client_required: bool,
}

/// A broker to collect from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collector {
    /// Its name, for metrics and logs.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// Port; 1883, or 8883 with TLS.
    pub port: Option<u16>,
    /// `5` or `3.1.1`.
    pub protocol: Option<String>,
    /// The client id; fixed, so that the broker keeps what was not acknowledged.
    pub client_id: Option<String>,
    /// User name.
    pub user: Option<String>,
    /// Password.
    pub password: Option<String>,
    /// The authority to trust (PEM); makes the connection TLS.
    pub authority: Option<PathBuf>,
    /// Client certificate and key (PEM).
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Topic filters; `coldtrail/v1/+/+/readings` when absent.
    pub filters: Option<Vec<String>>,
    /// Messages in flight at once.
    pub receive_maximum: Option<u16>,
}

/// A bucket for the lake.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// The bucket's name.
    pub bucket: String,
    /// The path in it.
    #[serde(default)]
    pub prefix: String,
    /// The service's address; AWS when absent.
    pub endpoint: Option<String>,
    /// The region.
    #[serde(default = "region")]
    pub region: String,
    /// Access key; from the environment when absent.
    pub access_key_id: Option<String>,
    /// Secret key; from the environment when absent.
    pub secret_access_key: Option<String>,
    /// Whether plain HTTP will do.
    #[serde(default)]
    pub allow_http: bool,
}

fn region() -> String {
    "us-east-1".to_owned()
}

/// Limits of the path of a reading.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ingest {
    /// The journal on disk, bytes.
    pub journal_max_bytes: Option<u64>,
    /// One segment of the journal, bytes.
    pub journal_segment_bytes: Option<u64>,
    /// The tail is flushed at this size, bytes.
    pub flush_bytes: Option<usize>,
    /// The tail is flushed after so many seconds.
    pub flush_after_s: Option<f64>,
    /// Decoding pauses when the tail has grown to this, bytes.
    pub tail_max_bytes: Option<usize>,
    /// Sensor names one gateway may use.
    pub names_per_gateway: Option<usize>,
    /// The lake is compacted and vacuumed every so many seconds.
    pub maintain_every_s: Option<f64>,
}

/// Limits of a query.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sql {
    /// How long one may take, seconds.
    pub timeout_s: Option<f64>,
    /// Memory of one, bytes.
    pub max_memory_bytes: Option<u64>,
    /// Rows of an answer.
    pub max_rows: Option<u64>,
    /// Bytes of an answer.
    pub max_result_bytes: Option<u64>,
    /// Queries at once.
    pub max_concurrent: Option<usize>,
}

impl Config {
    /// Reads the file, or takes the defaults without one.
    pub fn load(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::Input(format!("cannot read the configuration `{}`: {error}", path.display())))?;
        toml::from_str(&text)
            .map_err(|error| Failure::Input(format!("configuration `{}`: {error}", path.display())))
    }
}
