//! A TCP proxy between an MQTT client and its broker that shows every packet to the test and breaks things on order.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::wire::Packet;

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the broker.
    ToBroker,
    /// From the broker to the client.
    ToClient,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Forward,
    /// It goes on after this long, and everything after it too.
    Delay(Duration),
    /// It vanishes.
    Swallow,
    /// It vanishes, and its connection is cut both ways at once.
    Cut,
}

/// Sees each packet with the number of its connection, the first being 1.
type Inspector = Box<dyn FnMut(u64, Way, &Packet) -> Verdict + Send>;

/// A running proxy on a free port of 127.0.0.1. Ends when dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    upstream: SocketAddr,
    inspector: Mutex<Inspector>,
    control: watch::Sender<Control>,
}

/// What holds for the connections made so far.
#[derive(Clone, Copy, Debug, Default)]
struct Control {
    connections: u64,
    /// Connections up to this one are cut.
    cut: u64,
    /// Connections up to this one are half-open: nothing is read or forwarded, and nobody is told.
    frozen: u64,
    refusing: bool,
}

impl Proxy {
    /// A proxy in front of `upstream`.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(upstream: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let inspector: Inspector = Box::new(|_, _, _| Verdict::Forward);
        let control = watch::Sender::new(Control::default());
        let shared = Arc::new(Shared { upstream, inspector: Mutex::new(inspector), control });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Shows every packet from now on to `inspector`, instead of to the one before.
    pub fn inspect(&self, inspector: impl FnMut(u64, Way, &Packet) -> Verdict + Send + 'static) {
        *self.shared.inspector.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(inspector);
    }

    /// How many connections were made so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.control.borrow().connections
    }

    /// Cuts every connection made so far.
    pub fn cut(&self) {
        self.shared.control.send_modify(|control| control.cut = control.connections);
    }

    /// Makes every connection made so far half-open: nothing passes any more, in either way, and no FIN either.
    pub fn freeze(&self) {
        self.shared.control.send_modify(|control| control.frozen = control.connections);
    }

    /// Closes new connections at once, or takes them again.
    pub fn refuse(&self, refusing: bool) {
        self.shared.control.send_modify(|control| control.refusing = refusing);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        if shared.control.borrow().refusing {
            continue;
        }
        let Ok(broker) = TcpStream::connect(shared.upstream).await else { continue };
        let _ = (client.set_nodelay(true), broker.set_nodelay(true));
        shared.control.send_modify(|control| control.connections += 1);
        let connection = shared.control.borrow().connections;
        let (from_client, to_client) = client.into_split();
        let (from_broker, to_broker) = broker.into_split();
        tokio::spawn(pump(connection, Way::ToBroker, from_client, to_broker, Arc::clone(&shared)));
        tokio::spawn(pump(connection, Way::ToClient, from_broker, to_client, Arc::clone(&shared)));
    }
}

async fn pump(connection: u64, way: Way, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: Arc<Shared>) {
    let mut control = shared.control.subscribe();
    let mut bytes = Vec::new();
    loop {
        let state = *control.borrow_and_update();
        if state.cut >= connection {
            return;
        }
        tokio::select! {
            changed = control.changed() => if changed.is_err() { return },
            read = from.read_buf(&mut bytes), if state.frozen < connection => {
                if !matches!(read, Ok(1..)) {
                    let _ = to.shutdown().await;
                    return;
                }
                while let Some(packet) = Packet::take(&mut bytes) {
                    if !pass(connection, way, &packet, &mut to, &shared).await {
                        return;
                    }
                }
            }
        }
    }
}

/// Hands one packet on as the inspector says; `false` when the connection is over.
async fn pass(connection: u64, way: Way, packet: &Packet, to: &mut OwnedWriteHalf, shared: &Shared) -> bool {
    let verdict = {
        let mut inspector = shared.inspector.lock().unwrap_or_else(PoisonError::into_inner);
        inspector(connection, way, packet)
    };
    match verdict {
        Verdict::Forward => {}
        Verdict::Delay(wait) => tokio::time::sleep(wait).await,
        Verdict::Swallow => return true,
        Verdict::Cut => {
            shared.control.send_modify(|control| control.cut = control.cut.max(connection));
            return false;
        }
    }
    let state = *shared.control.borrow();
    if state.frozen >= connection {
        return true; // half-open: what was already read gets nowhere
    }
    to.write_all(&packet.encode()).await.is_ok()
}
