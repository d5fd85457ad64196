//! A broker in the test, for what a real one won't do on order: other packet ids at redelivery, refused filters.

use anyhow::{Context, Result, bail};
use tests::publisher::read;
use tests::wire::{Packet, kind};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

/// A listening broker of MQTT 5 that serves one connection at a time.
pub(super) struct Broker(TcpListener);

/// One connection of the collector to it.
pub(super) struct Served {
    stream: TcpStream,
    bytes: Vec<u8>,
    /// The CONNECT it began with.
    pub(super) connect: Packet,
}

impl Broker {
    pub(super) async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(super) fn address(&self) -> std::net::SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// Takes the next connection and answers its CONNECT.
    pub(super) async fn serve(&self, session_present: bool) -> Result<Served> {
        let (stream, _) = self.0.accept().await?;
        let mut served = Served { stream, bytes: Vec::new(), connect: Packet::new(kind::CONNECT, Vec::new()) };
        served.connect = served.read().await?;
        assert_eq!(served.connect.kind(), kind::CONNECT);
        served.send(&Packet::new(kind::CONNACK, vec![u8::from(session_present), 0, 0])).await?;
        Ok(served)
    }
}

impl Served {
    pub(super) async fn send(&mut self, packet: &Packet) -> Result<()> {
        Ok(self.stream.write_all(&packet.encode()).await?)
    }

    /// The next packet that is no ping; pings are answered.
    pub(super) async fn read(&mut self) -> Result<Packet> {
        loop {
            let packet = read(&mut self.stream, &mut self.bytes).await?;
            if packet.kind() != kind::PINGREQ {
                return Ok(packet);
            }
            self.send(&Packet::new(kind::PINGRESP, Vec::new())).await?;
        }
    }

    /// Waits for a SUBSCRIBE and answers it with `codes`, one for each filter; gives the packet.
    pub(super) async fn subscribed(&mut self, codes: &[u8]) -> Result<Packet> {
        let packet = self.read().await?;
        if packet.kind() != kind::SUBSCRIBE {
            bail!("not a SUBSCRIBE: {packet:?}");
        }
        let mut body = packet.id().context("no packet id")?.to_be_bytes().to_vec();
        body.push(0);
        body.extend(codes);
        self.send(&Packet::new(kind::SUBACK, body)).await?;
        Ok(packet)
    }
}
