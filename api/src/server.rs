//! The server: accepts connections, with a limit and a deadline on everything a client does.

mod stall;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use stall::NoStall;

use crate::options::ApiOptions;
use crate::routes;
use crate::state::{ApiState, Shared};

/// How long to wait after the system refused a connection, so that a lack of descriptors is not a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Bytes of a request's head.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// Why the server can't be started.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address can't be listened on.
    #[error("cannot listen on `{address}`: is it free, and is it yours")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Callers without a token would be let in from the network.
    #[error("anonymous access on `{address}`: it is only allowed on a loopback address, use tokens")]
    AnonymousOnNetwork {
        /// The address.
        address: SocketAddr,
    },
}

/// A server that is running.
#[derive(Debug)]
pub struct Serving {
    /// The address it really listens on.
    pub address: SocketAddr,
    /// Ends when the server was told to stop and open requests are done, or their time is up.
    pub ended: JoinHandle<()>,
}

/// Starts the server. It stops when `stop` is cancelled.
///
/// # Errors
/// When it can't listen, or the options contradict each other.
pub async fn serve(options: ApiOptions, state: ApiState, stop: CancellationToken) -> Result<Serving, ServeError> {
    let bind_error = |source| ServeError::Bind { address: options.bind, source };
    if options.anonymous.is_some() && !options.bind.ip().is_loopback() {
        return Err(ServeError::AnonymousOnNetwork { address: options.bind });
    }
    let listener = TcpListener::bind(options.bind).await.map_err(bind_error)?;
    let address = listener.local_addr().map_err(bind_error)?;
    let shared = Shared::new(state, options.clone(), stop.clone());
    tokio::spawn(shared.events.clone().watch(shared.clone()));
    let router = routes::service(shared);
    let ended = tokio::spawn(accept(listener, router, options, stop));
    Ok(Serving { address, ended })
}

async fn accept(listener: TcpListener, router: Router, options: ApiOptions, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(options.max_connections));
    let tls = options.tls.clone().map(TlsAcceptor::from);
    let connections = TaskTracker::new();
    loop {
        let place = tokio::select! {
            () = stop.cancelled() => break,
            Ok(place) = Arc::clone(&places).acquire_owned() => place,
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let conversation = Conversation {
            router: router.clone(),
            tls: tls.clone(),
            stop: stop.clone(),
            head_timeout: options.head_timeout,
            stall_timeout: options.stall_timeout,
        };
        connections.spawn(async move {
            let _place = place;
            conversation.hold(stream).await;
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(options.drain_timeout, connections.wait()).await.is_err() {
        tracing::warn!(open = connections.len(), "connections were cut at the end of their time");
    }
}

/// What one connection is served with.
struct Conversation {
    router: Router,
    tls: Option<TlsAcceptor>,
    stop: CancellationToken,
    head_timeout: Duration,
    stall_timeout: Duration,
}

impl Conversation {
    async fn hold(self, stream: TcpStream) {
        // answers are written whole; waiting to fill packets only delays them
        let _ = stream.set_nodelay(true);
        let Some(tls) = self.tls.clone() else { return self.exchange(stream).await };
        match tokio::time::timeout(self.head_timeout, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.exchange(stream).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    /// Requests and responses on one connection, until either side ends it.
    async fn exchange<S>(self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(self.head_timeout).max_buf_size(MAX_HEAD_BYTES);
        let stream = TokioIo::new(NoStall::new(stream, self.stall_timeout));
        let connection = builder.serve_connection(stream, TowerToHyperService::new(self.router));
        tokio::pin!(connection);
        let result = tokio::select! {
            result = connection.as_mut() => result,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}
