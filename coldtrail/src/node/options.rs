//! From the configuration to the options of each part.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use analytics::sql::EngineOptions;
use api::ApiOptions;
use api::report::Fonts;
use chrono::{DateTime, Utc};
use ingest::clock::Clock;
use ingest::collector::{CollectorOptions, Credentials, Protocol};
use ingest::listener::{DoorOptions, ListenerOptions};
use ingest::pipeline::PipelineOptions;
use ingest::tls::{ClientTls, ServerTls};
use model::name::Name;
use store::journal::JournalOptions;
use store::ledger::SessionLimits;
use store::objects::S3Options;

use crate::config::{self, Config};
use crate::exit::Failure;

/// What a node is started with.
pub(crate) struct Options {
    /// The data directory.
    pub(crate) data: PathBuf,
    /// Where to serve HTTP.
    pub(crate) http: SocketAddr,
    /// Where to listen for MQTT.
    pub(crate) mqtt: SocketAddr,
    /// Everything else.
    pub(crate) config: Config,
    /// The clock of all its doors.
    pub(crate) clock: Clock,
}

/// The journal's limits.
pub(crate) fn journal(ingest: &config::Ingest) -> JournalOptions {
    let defaults = JournalOptions::default();
    JournalOptions {
        max_bytes: ingest.journal_max_bytes.unwrap_or(defaults.max_bytes),
        segment_bytes: ingest.journal_segment_bytes.unwrap_or(defaults.segment_bytes),
        ..defaults
    }
}

/// The pipeline's limits.
pub(crate) fn pipeline(ingest: &config::Ingest) -> PipelineOptions {
    let defaults = PipelineOptions::default();
    let seconds = |given: Option<f64>, default| given.map_or(default, Duration::from_secs_f64);
    PipelineOptions {
        flush_bytes: ingest.flush_bytes.unwrap_or(defaults.flush_bytes),
        flush_after: seconds(ingest.flush_after_s, defaults.flush_after),
        tail_bytes: ingest.tail_max_bytes.unwrap_or(defaults.tail_bytes),
        names_per_gateway: ingest.names_per_gateway.unwrap_or(defaults.names_per_gateway),
        maintain_every: seconds(ingest.maintain_every_s, defaults.maintain_every),
        ..defaults
    }
}

/// A query's limits.
pub(crate) fn engine(sql: &config::Sql, clock: &Clock) -> EngineOptions {
    let defaults = EngineOptions::default();
    let limits = analytics::sql::Limits {
        timeout: sql.timeout_s.map_or(defaults.limits.timeout, Duration::from_secs_f64),
        max_memory_bytes: sql.max_memory_bytes.unwrap_or(defaults.limits.max_memory_bytes),
        max_rows: sql.max_rows.unwrap_or(defaults.limits.max_rows),
        max_result_bytes: sql.max_result_bytes.unwrap_or(defaults.limits.max_result_bytes),
        max_concurrent: sql.max_concurrent.unwrap_or(defaults.limits.max_concurrent),
        ..defaults.limits
    };
    let clock = clock.clone();
    let now = move || DateTime::<Utc>::from_timestamp_millis(clock.now().millis()).unwrap_or_default();
    EngineOptions { limits, clock: Arc::new(now), ..defaults }
}

/// The engine histories are read with: the questions are our own, and their answers are as long as they are.
pub(crate) fn history(sql: &config::Sql, clock: &Clock) -> EngineOptions {
    let options = engine(sql, clock);
    let limits = analytics::sql::Limits {
        max_statement_bytes: usize::MAX,
        max_statement_tokens: usize::MAX,
        max_rows: u64::MAX,
        max_result_bytes: u64::MAX,
        max_concurrent: 8,
        ..options.limits
    };
    EngineOptions { limits, ..options }
}

/// Refuses doors that would be open to other machines in the clear, unless the configuration says that they may be.
pub(crate) fn refuse_plain(config: &Config, http: SocketAddr, mqtt: SocketAddr) -> Result<(), Failure> {
    let is_local = |address: SocketAddr| address.ip().to_canonical().is_loopback();
    let Config { http: web, mqtt: gateways, .. } = config;
    if !is_local(http) && web.tls.is_none() && !web.behind_tls && !web.insecure {
        return Err(Failure::Input(format!(
            "HTTP on `{http}` would send passwords and tokens of other machines in the clear: give it a certificate in \
             `[http.tls]`, or say `behind_tls = true` in `[http]` if a proxy in front of it has TLS, or `insecure = true` \
             if the network keeps strangers out"
        )));
    }
    if !is_local(mqtt) && !gateways.insecure {
        return Err(Failure::Input(format!(
            "MQTT on `{mqtt}` would take passwords and tokens of other machines in the clear: keep it on loopback and \
             give `mqtt.listen_tls` with `[mqtt.tls]`, or say `insecure = true` in `[mqtt]` if the network keeps \
             strangers out"
        )));
    }
    Ok(())
}

/// The HTTP server.
pub(crate) fn api(http: &config::Http, bind: SocketAddr) -> Result<ApiOptions, Failure> {
    let tls = http.tls.as_ref().map(|tls| server_tls(tls).load()).transpose()?;
    let defaults = ApiOptions::default();
    let lasts = |member: &str, given: Option<f64>, default: Duration| match given {
        None => Ok(default),
        Some(seconds) if (1.0..=1e9).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        Some(seconds) => {
            Err(Failure::Input(format!("configuration: `http.{member}` is {seconds}: give at least 1 second")))
        }
    };
    let sessions = SessionLimits {
        idle: lasts("session_idle_s", http.session_idle_s, defaults.sessions.idle)?,
        total: lasts("session_max_s", http.session_max_s, defaults.sessions.total)?,
    };
    let (font_directories, behind_tls) = (font_directories(http), http.behind_tls);
    Ok(ApiOptions { bind, tls, behind_tls, sessions, font_directories, ..defaults })
}

/// Where fonts for reports are looked for.
pub(crate) fn font_directories(http: &config::Http) -> Vec<PathBuf> {
    http.font_directories.clone().unwrap_or_else(Fonts::system_directories)
}

/// The MQTT listener, with a second address for TLS when there is one.
pub(crate) fn listener(mqtt: &config::Mqtt, bind: SocketAddr, clock: &Clock) -> Result<ListenerOptions, Failure> {
    let mut options = ListenerOptions::at(bind);
    options.clock = clock.clone();
    options.allow_anonymous = !mqtt.refuse_anonymous;
    options.limits.connections_max = mqtt.connections_max.unwrap_or(options.limits.connections_max);
    options.limits.packet_max_bytes = mqtt.packet_max_bytes.unwrap_or(options.limits.packet_max_bytes);
    match (mqtt.listen_tls, &mqtt.tls) {
        (Some(address), Some(tls)) => {
            options.doors.push(DoorOptions { address, tls: Some(server_tls(tls).load()?) });
        }
        (None, None) => {}
        _ => return Err(Failure::Input("configuration: `mqtt.listen_tls` and `mqtt.tls` go together".to_owned())),
    }
    Ok(options)
}

fn server_tls(tls: &config::Tls) -> ServerTls {
    ServerTls {
        certificate: tls.certificate.clone(),
        key: tls.key.clone(),
        client_authority: tls.client_authority.clone(),
        client_required: tls.client_required,
    }
}

/// A broker to collect from.
pub(crate) fn collector(broker: &config::Collector) -> Result<CollectorOptions, Failure> {
    let wrong = |what: String| Failure::Input(format!("configuration: collector `{}`: {what}", broker.name));
    let name = Name::parse(&broker.name).map_err(|error| wrong(error.to_string()))?;
    let default_port = if broker.authority.is_some() { 8883 } else { 1883 };
    let client_id = broker.client_id.clone().unwrap_or_else(|| format!("coldtrail-{name}"));
    let filters = broker.filters.clone().unwrap_or_else(|| vec!["coldtrail/v1/+/+/readings".to_owned()]);
    let filters: Vec<&str> = filters.iter().map(String::as_str).collect();
    let port = broker.port.unwrap_or(default_port);
    let mut options = CollectorOptions::new(name, &broker.host, port, &client_id, &filters);
    options.protocol = match broker.protocol.as_deref() {
        None | Some("5") => Protocol::V5,
        Some("3.1.1") => Protocol::V311,
        Some(other) => return Err(wrong(format!("`protocol` is `{other}`, give `5` or `3.1.1`"))),
    };
    options.receive_maximum = broker.receive_maximum.unwrap_or(options.receive_maximum);
    if let Some(user) = &broker.user {
        let password = broker.password.clone().unwrap_or_default();
        options.credentials = Some(Credentials { user: user.clone(), password });
    }
    if let Some(authority) = &broker.authority {
        let tls = ClientTls { authority: authority.clone(), identity: broker.identity.clone() };
        options.tls = Some(tls.load()?);
    }
    Ok(options)
}

/// A bucket for the lake.
pub(crate) fn s3(s3: &config::S3) -> S3Options {
    S3Options {
        bucket: s3.bucket.clone(),
        prefix: s3.prefix.clone(),
        endpoint: s3.endpoint.clone(),
        region: s3.region.clone(),
        access_key_id: s3.access_key_id.clone(),
        secret_access_key: s3.secret_access_key.clone(),
        allow_http: s3.allow_http,
    }
}
