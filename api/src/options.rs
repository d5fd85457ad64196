//! How the server is set up.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use model::role::Role;
use store::ledger::SessionLimits;

use crate::report::Fonts;

/// How the server is set up. Every limit is per server unless it says otherwise.
#[derive(Clone)]
pub struct ApiOptions {
    /// Where to listen; port 0 takes a free one.
    pub bind: SocketAddr,
    /// TLS, or plain HTTP when absent.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Whether a proxy in front of us has TLS, so that browsers come over HTTPS all the same.
    pub behind_tls: bool,
    /// What callers without a token may do; nothing when absent. Only allowed on a loopback address.
    pub anonymous: Option<Role>,
    /// How long somebody who has signed in is known.
    pub sessions: SessionLimits,
    /// Connections at once; others wait to be accepted.
    pub max_connections: usize,
    /// Bytes of a request's body, as sent and unpacked.
    pub max_body_bytes: usize,
    /// How long a client may take to send the head of a request, and to finish a TLS handshake.
    pub head_timeout: Duration,
    /// How long a client may take to send the body of a request.
    pub body_timeout: Duration,
    /// How long a client may take nothing of what is sent to it.
    pub stall_timeout: Duration,
    /// How long a client may take to receive an answer.
    pub send_timeout: Duration,
    /// Clients that listen to events at once; further ones are told to come later.
    pub max_event_clients: usize,
    /// Bytes of answers being sent to all clients together.
    pub max_sending_bytes: usize,
    /// Where fonts for Chinese, Japanese and Korean in reports are looked for.
    pub font_directories: Vec<PathBuf>,
    /// How long open requests may go on once the server is told to stop.
    pub drain_timeout: Duration,
}

impl ApiOptions {
    /// Whether browsers come over HTTPS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.tls.is_some() || self.behind_tls
    }
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 8080)),
            tls: None,
            behind_tls: false,
            anonymous: None,
            sessions: SessionLimits::default(),
            max_connections: 1024,
            max_body_bytes: 16 << 20,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(30),
            send_timeout: Duration::from_secs(300),
            max_event_clients: 64,
            max_sending_bytes: 1 << 30,
            font_directories: Fonts::system_directories(),
            drain_timeout: Duration::from_secs(5),
        }
    }
}
