//! The MQTT door for gateways without a broker (MQTT 3.1, 3.1.1 and 5; TCP and TLS).
//!
//! PUBACK and PUBREC mean: on disk (invariant D1). A message is appended to the journal as it is read, and
//! acknowledged, in order, when the journal's watch says that its fsync is done; thousands may be under way on one
//! connection. What a message says is nobody's business here: decoding comes after the acknowledgement.
//! The meaning of every kind of publish is written down in `docs/payloads.md`.

mod admission;
mod clients;
mod connection;
mod ended;
mod frame;
mod gate;
mod hello;
mod meters;
mod owed;
mod publish;
mod session;
mod stream;
mod topics;
mod traffic;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::future::join_all;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Duration, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::Error;
use crate::clock::Clock;
use crate::credentials::Credentials;
use crate::sink::Sink;
use clients::Clients;
use gate::Gate;
use meters::Meters;

/// Connections the kernel keeps for us while we are busy: a thousand gateways may come back in one second.
const BACKLOG: u32 = 4096;

/// How long we wait when the process has no file descriptor left for another connection.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// How long the connections may take to end when the server stops.
const STOP_WITHIN: Duration = Duration::from_millis(2_800);

/// What a listener is bound with.
#[derive(Clone, Debug)]
pub struct ListenerOptions {
    /// The addresses to listen at; at least one. Port 0 takes a free one.
    pub doors: Vec<DoorOptions>,
    /// Whether clients without a user name are let in when both ends of the connection are loopback addresses.
    pub allow_anonymous: bool,
    /// The limits.
    pub limits: Limits,
    /// What `received_at` is read from.
    pub clock: Clock,
}

/// One address to listen at.
#[derive(Clone, Debug)]
pub struct DoorOptions {
    /// The address.
    pub address: SocketAddr,
    /// The TLS spoken there, made by [`ServerTls::load`](crate::tls::ServerTls::load); `None` for plain TCP.
    pub tls: Option<Arc<ServerConfig>>,
}

impl ListenerOptions {
    /// Plain TCP at `address`, anonymous clients over loopback, default limits, the clock of this machine.
    #[must_use]
    pub fn at(address: SocketAddr) -> Self {
        Self {
            doors: vec![DoorOptions { address, tls: None }],
            allow_anonymous: true,
            limits: Limits::default(),
            clock: Clock::system(),
        }
    }
}

/// The limits of a listener. All have a default.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections in all.
    pub connections_max: usize,
    /// Connections from one address; many gateways share one behind NAT.
    pub connections_per_address_max: usize,
    /// Failed sign-ins of one user from one address within a minute; ten times as many of all users there.
    pub failed_sign_ins_max: u32,
    /// One packet, bytes, header included.
    pub packet_max_bytes: usize,
    /// A topic, bytes; up to the 65,535 of the protocol.
    pub topic_max_bytes: usize,
    /// Publishes of one connection that are not acknowledged (the receive maximum of MQTT 5). Their bytes are
    /// bounded by the journal's buffer, which all connections share.
    pub in_flight_max: u16,
    /// Topic aliases of one connection (MQTT 5).
    pub topic_aliases_max: u16,
    /// The longest keep-alive, seconds; it also holds for clients that ask for none, so that a peer that vanished
    /// without a word is found.
    pub keep_alive_max_s: u16,
    /// TLS handshakes at the same time.
    pub handshakes_max: usize,
    /// From accept, or the end of the TLS handshake, to a whole CONNECT.
    pub connect_within: Duration,
    /// The TLS handshake, with the wait for its turn.
    pub tls_within: Duration,
    /// How long a client may leave written bytes unread.
    pub write_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            connections_per_address_max: 4_096,
            failed_sign_ins_max: 10,
            packet_max_bytes: 4 << 20,
            topic_max_bytes: 1_024,
            in_flight_max: 4_096,
            topic_aliases_max: 16,
            keep_alive_max_s: 3_600,
            handshakes_max: 64,
            connect_within: Duration::from_secs(5),
            tls_within: Duration::from_secs(10),
            write_within: Duration::from_secs(10),
        }
    }
}

/// What all connections of a listener share.
struct Shared {
    sink: Sink,
    credentials: Arc<dyn Credentials>,
    clock: Clock,
    limits: Limits,
    allow_anonymous: bool,
    meters: Meters,
    gate: Gate,
    clients: Clients,
    handshakes: Semaphore,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// One address that is listened at.
struct Door {
    address: SocketAddr,
    is_loopback: bool,
    tls: Option<Arc<ServerConfig>>,
}

/// A bound MQTT listener: connections queue up from now on, and are served by [`Listener::run`].
pub struct Listener {
    shared: Arc<Shared>,
    doors: Vec<(TcpListener, Arc<Door>)>,
}

impl Listener {
    /// Binds the addresses. Call within a tokio runtime, after the metrics recorder is installed.
    ///
    /// `sink` is the journal; [`Sink::Null`] is for benchmarks.
    ///
    /// # Errors
    /// [`Error::Bind`] when an address cannot be listened at.
    pub fn bind(
        options: ListenerOptions,
        sink: impl Into<Sink>,
        credentials: Arc<dyn Credentials>,
    ) -> Result<Self, Error> {
        let ListenerOptions { doors, allow_anonymous, limits, clock } = options;
        let doors = doors
            .into_iter()
            .map(|DoorOptions { address, tls }| {
                let bound = listen(address).and_then(|socket| Ok((socket.local_addr()?, socket)));
                let (address, socket) = bound.map_err(|source| Error::Bind { address, source })?;
                let is_loopback = address.ip().to_canonical().is_loopback();
                Ok((socket, Arc::new(Door { address, is_loopback, tls })))
            })
            .collect::<Result<_, Error>>()?;
        let gate = Gate::new(limits.connections_max, limits.connections_per_address_max, limits.failed_sign_ins_max);
        let shared = Shared {
            sink: sink.into(),
            credentials,
            clock,
            limits,
            allow_anonymous,
            meters: Meters::new(),
            gate,
            clients: Clients::default(),
            handshakes: Semaphore::new(limits.handshakes_max),
        };
        Ok(Self { shared: Arc::new(shared), doors })
    }

    /// The addresses really bound, in the order of the options.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.doors.iter().map(|(_, door)| door.address).collect()
    }

    /// Serves until `stop` is cancelled. Then no connection is accepted any more, acknowledgements of what is or
    /// becomes durable within a second are sent, clients of MQTT 5 are told 0x8B, and it returns within 3 s.
    pub async fn run(self, stop: CancellationToken) {
        join_all(self.doors.into_iter().map(|(socket, door)| serve(&self.shared, socket, door, &stop))).await;
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("addresses", &self.local_addrs()).finish_non_exhaustive()
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // So that a restart need not wait for the connections of its predecessor to time out.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn serve(shared: &Arc<Shared>, socket: TcpListener, door: Arc<Door>, stop: &CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(joined) = connections.join_next(), if !connections.is_empty() => {
                log_panic(joined);
                continue;
            }
            accepted = socket.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(problem) => {
                    shared.meters.connect_failed("accept");
                    warn!(%problem, "cannot accept a connection");
                    sleep(ACCEPT_AGAIN_AFTER).await;
                    continue;
                }
            },
        };
        match shared.gate.enter(peer.ip().to_canonical()) {
            Ok(place) => {
                let shared = Arc::clone(shared);
                let door = Arc::clone(&door);
                connections.spawn(connection::serve(shared, door, stream, peer, place, stop.clone()));
            }
            Err(limit) => {
                shared.meters.connect_failed(limit);
                warn!(%peer, limit, "a connection was refused");
            }
        }
    }
    drop(socket);
    shared.clients.close();
    let all = async {
        while let Some(joined) = connections.join_next().await {
            log_panic(joined);
        }
    };
    if timeout(STOP_WITHIN, all).await.is_err() {
        warn!("some connections did not end in time and were dropped");
        connections.shutdown().await;
    }
}

/// A panic ends the connection it happened in and nothing else; the client sends again what is not acknowledged.
fn log_panic(joined: Result<(), JoinError>) {
    if let Err(problem) = joined
        && problem.is_panic()
    {
        error!(%problem, "a connection panicked");
    }
}
