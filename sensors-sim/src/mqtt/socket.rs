//! Opening a connection: TCP, TLS if asked, CONNECT and its answer.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bytes::BytesMut;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;

use super::wire::{self, Incoming};
use super::{Broker, Protocol};

/// Seconds without a packet after which a server may give us up.
pub(crate) const KEEP_ALIVE_S: u16 = 30;
/// How long TCP, TLS and CONNECT may take together.
const OPENING_LIMIT: Duration = Duration::from_secs(10);

/// A byte stream of either kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// An accepted connection.
pub(crate) struct Session {
    pub(crate) reader: ReadHalf<Box<dyn Stream>>,
    pub(crate) writer: WriteHalf<Box<dyn Stream>>,
    /// Bytes that came after the CONNACK.
    pub(crate) inbox: BytesMut,
    /// How many messages the server lets us have unacknowledged.
    pub(crate) receive_maximum: u16,
    pub(crate) protocol: Protocol,
}

/// Connects to `broker` as `client`.
pub(crate) async fn open(broker: &Broker, client: &str) -> anyhow::Result<Session> {
    let opening = async {
        let mut stream = dial(broker).await?;
        let user = broker.user.as_ref().map(|user| user.replace("{gateway}", client));
        let mut out = BytesMut::new();
        let login = (user.as_deref(), broker.password.as_deref());
        wire::put_connect(&mut out, broker.protocol, (client, KEEP_ALIVE_S), login);
        stream.write_all(&out).await?;
        stream.flush().await?;
        let mut inbox = BytesMut::with_capacity(4096);
        loop {
            match wire::take(&mut inbox, broker.protocol)? {
                Some(Incoming::ConnAck { code: 0, receive_maximum }) => {
                    let (reader, writer) = tokio::io::split(stream);
                    return Ok(Session { reader, writer, inbox, receive_maximum, protocol: broker.protocol });
                }
                Some(Incoming::ConnAck { code, .. }) => {
                    bail!("`{}` refuses `{client}` with code `{code:#04x}`", broker.address)
                }
                Some(other) => bail!("`{}` answers CONNECT with {other:?}", broker.address),
                None => ensure!(
                    stream.read_buf(&mut inbox).await? > 0,
                    "`{}` closed the connection at CONNECT",
                    broker.address
                ),
            }
        }
    };
    tokio::time::timeout(OPENING_LIMIT, opening).await.context("no answer to CONNECT")?
}

async fn dial(broker: &Broker) -> anyhow::Result<Box<dyn Stream>> {
    let tcp =
        TcpStream::connect(&broker.address).await.with_context(|| format!("cannot reach `{}`", broker.address))?;
    tcp.set_nodelay(true)?;
    let Some(ca) = &broker.ca else { return Ok(Box::new(tcp)) };
    let mut roots = rustls::RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(ca).with_context(|| format!("cannot read `{}`", ca.display()))?;
    for certificate in certificates {
        roots.add(certificate?)?;
    }
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let host = broker.address.rsplit_once(':').map_or(broker.address.as_str(), |(host, _)| host);
    let host = host.trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(host).context("the broker's name cannot be in a certificate")?;
    Ok(Box::new(tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp).await?))
}
