//! A connection from its first byte to its last: greeting, then [`traffic`](super::traffic), then the farewell.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{Duration, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::admission::{Origin, admit};
use super::clients::Entry;
use super::ended::Ended;
use super::gate::Place;
use super::hello::{Hello, UNKNOWN_VERSION, Version, Will};
use super::session::Session;
use super::stream::Stream;
use super::topics::Rights;
use super::traffic::{READ_MIN_BYTES, Traffic};
use super::{Door, Shared};

/// How long the last bytes we write may take.
const FAREWELL_WITHIN: Duration = Duration::from_millis(800);

/// How long, and how much, we read on after our last byte: a socket closed with unread input sends a reset, and
/// the client would never see why it was closed.
const LINGER: Duration = Duration::from_millis(500);
const LINGER_MAX_BYTES: usize = 1 << 20;

/// Serves one connection until it ends. `stop` ends it while nobody has been let in yet; afterwards
/// [`Clients::close`](super::clients::Clients::close) does.
pub(super) async fn serve(
    shared: Arc<Shared>,
    door: Arc<Door>,
    socket: TcpStream,
    peer: SocketAddr,
    place: Place,
    stop: CancellationToken,
) {
    // Boxed, and dropped before the traffic begins: thousands of idle connections need not keep its memory.
    let greeting = Box::pin(greet(&shared, &door, socket, peer));
    let greeted = tokio::select! {
        greeted = greeting => greeted,
        () = stop.cancelled() => None,
    };
    if let Some(welcomed) = greeted {
        converse(&shared, welcomed).await;
    }
    drop(place);
}

/// A client that was let in.
struct Welcomed {
    traffic: Box<Traffic>,
    will: Option<Box<Will>>,
    entry: Entry,
    told_to_end: oneshot::Receiver<Ended>,
}

/// TLS, CONNECT and sign-in; `None` when the client was not let in, and has been told so.
async fn greet(shared: &Arc<Shared>, door: &Door, socket: TcpStream, peer: SocketAddr) -> Option<Welcomed> {
    let peer_ip = peer.ip().to_canonical();
    // Acknowledgements are small and are not to wait for company. A failure costs latency only.
    let _ = socket.set_nodelay(true);
    let mut stream = match secure(shared, door, socket).await {
        Ok(stream) => stream,
        Err(word) => {
            shared.meters.connect_failed(word);
            debug!(%peer, reason = word, "no TLS");
            return None;
        }
    };
    let mut input = BytesMut::with_capacity(READ_MIN_BYTES);
    let hello = match timeout(shared.limits.connect_within, read_hello(&mut stream, &mut input)).await {
        Ok(Ok(hello)) => hello,
        Ok(Err(ended)) => {
            shared.meters.connect_failed(ended.word());
            debug!(%peer, reason = ended.word(), "no CONNECT");
            if ended == Ended::UnknownVersion {
                farewell(&mut stream, &mut BytesMut::from(UNKNOWN_VERSION), None, true).await;
            }
            return None;
        }
        Err(_) => {
            shared.meters.connect_failed("connect_timeout");
            return None;
        }
    };
    let origin = Origin {
        peer: peer_ip,
        is_loopback: door.is_loopback && peer_ip.is_loopback(),
        certified_name: stream.certified_name(),
    };
    let mut out = BytesMut::new();
    let rights = match admit(shared, &hello, &origin).await {
        Ok(rights) => rights,
        Err(refusal) => {
            shared.meters.connect_failed(refusal.word());
            refusal.write(hello.version, &mut out);
            farewell(&mut stream, &mut out, None, true).await;
            return None;
        }
    };
    welcome(shared, hello, rights, stream, input, out)
}

fn welcome(
    shared: &Arc<Shared>,
    hello: Hello,
    rights: Rights,
    stream: Stream,
    input: BytesMut,
    mut out: BytesMut,
) -> Option<Welcomed> {
    let assigned = hello.client_id.is_empty().then(|| format!("coldtrail-{:032x}", rand::random::<u128>()));
    let client_id: Box<str> = assigned.as_deref().unwrap_or(&hello.client_id).into();
    if hello.accept(assigned.as_deref(), &shared.limits, &mut out).is_err() {
        shared.meters.connect_failed("packet_size");
        return None;
    }
    let (gateway, client): (Box<str>, Box<str>) = match &rights {
        Rights::Gateway(name) => (name.as_str().into(), name.as_str().into()),
        Rights::Anyone => ("".into(), client_id.clone()),
    };
    let (entry, told_to_end) = shared.clients.enter((gateway, client_id));
    let keep_alive = Duration::from_secs(hello.effective_keep_alive(&shared.limits).into());
    let session = Session::new(hello.version, client, Arc::clone(shared), rights);
    let will = hello.will.map(Box::new);
    let traffic = Box::new(Traffic::new(stream, input, out, session, keep_alive));
    Some(Welcomed { traffic, will, entry, told_to_end })
}

async fn converse(shared: &Shared, welcomed: Welcomed) {
    let Welcomed { mut traffic, will, entry, told_to_end } = welcomed;
    let connected = shared.meters.connected();
    let ended = traffic.run(shared, told_to_end).await;
    if let Some(will) = will
        && ended.leaves_will()
    {
        traffic.session.leave_will(&will, shared.clock.now());
    }
    drop((entry, connected));
    shared.meters.ended(ended.word());
    if ended != Ended::Unread {
        let code = ended.code().filter(|_| traffic.session.version() == Version::V5);
        farewell(&mut traffic.stream, &mut traffic.out, code, ended.code().is_some()).await;
    }
}

async fn secure(shared: &Shared, door: &Door, socket: TcpStream) -> Result<Stream, &'static str> {
    let Some(config) = &door.tls else {
        return Ok(Stream::Plain(socket));
    };
    let handshake = async {
        let _turn = shared.handshakes.acquire().await.map_err(|_| "tls")?;
        TlsAcceptor::from(Arc::clone(config)).accept(socket).await.map_err(|_| "tls")
    };
    match timeout(shared.limits.tls_within, handshake).await {
        Ok(stream) => stream.map(|stream| Stream::Tls(Box::new(stream))),
        Err(_) => Err("tls_timeout"),
    }
}

async fn read_hello(stream: &mut Stream, input: &mut BytesMut) -> Result<Hello, Ended> {
    loop {
        if let Some(hello) = Hello::take(input)? {
            return Ok(hello);
        }
        match stream.read_buf(input).await {
            Ok(0) | Err(_) => return Err(Ended::Vanished),
            Ok(_) => {}
        }
    }
}

/// Writes what is left, says DISCONNECT with `code` if there is one, and closes so that the client can read it.
async fn farewell(stream: &mut Stream, out: &mut BytesMut, code: Option<u8>, linger: bool) {
    if let Some(code) = code {
        out.extend_from_slice(&[0xe0, 1, code]);
    }
    let said = timeout(FAREWELL_WITHIN, async {
        stream.write_all_buf(out).await?;
        stream.shutdown().await
    });
    let was_said = matches!(said.await, Ok(Ok(())));
    if linger && was_said {
        // What comes now is not looked at; the outcome makes no difference.
        let _ = timeout(LINGER, read_away(stream, out)).await;
    }
}

async fn read_away(stream: &mut Stream, scratch: &mut BytesMut) -> io::Result<()> {
    let mut left = LINGER_MAX_BYTES;
    while left > 0 {
        scratch.clear();
        scratch.reserve(READ_MIN_BYTES);
        match stream.read_buf(scratch).await? {
            0 => break,
            count => left = left.saturating_sub(count),
        }
    }
    Ok(())
}
