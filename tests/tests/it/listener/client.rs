//! An MQTT client that does exactly what a test says, right or wrong.

use std::net::SocketAddr;

use tests::wire::{Packet, kind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PATIENCE;

/// The protocol a test speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Three,
    Five,
}

pub(super) const BOTH: [Version; 2] = [Version::Three, Version::Five];

/// A connection to the listener.
pub(super) struct Client {
    pub(super) stream: TcpStream,
    pub(super) version: Version,
    buffer: Vec<u8>,
}

/// What a CONNECT says.
#[derive(Clone, Copy, Default)]
pub(super) struct Hello<'a> {
    pub(super) client_id: &'a str,
    pub(super) keep_alive_s: u16,
    pub(super) user: Option<(&'a str, &'a str)>,
    pub(super) will: Option<(&'a str, &'a str)>,
}

impl Hello<'_> {
    pub(super) fn packet(&self, version: Version) -> Packet {
        let mut flags = 2;
        let (level, properties): (u8, &[u8]) = if version == Version::Five { (5, &[0]) } else { (4, &[]) };
        let mut tail = Vec::new();
        let mut text = |text: &str| {
            tail.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
            tail.extend(text.as_bytes());
        };
        text(self.client_id);
        if let Some((topic, message)) = self.will {
            flags |= 4;
            if version == Version::Five {
                // No will properties: their length stands before the topic.
                tail.push(0);
            }
            for part in [topic, message] {
                tail.extend(u16::try_from(part.len()).unwrap().to_be_bytes());
                tail.extend(part.as_bytes());
            }
        }
        if let Some((user, password)) = self.user {
            flags |= 0xc0;
            for part in [user, password] {
                tail.extend(u16::try_from(part.len()).unwrap().to_be_bytes());
                tail.extend(part.as_bytes());
            }
        }
        let mut body = b"\0\x04MQTT".to_vec();
        body.extend([level, flags]);
        body.extend(self.keep_alive_s.to_be_bytes());
        body.extend(properties);
        body.extend(tail);
        Packet::new(kind::CONNECT, body)
    }
}

impl Client {
    /// A TCP connection on which nothing has been said.
    pub(super) async fn open(address: SocketAddr, version: Version) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), version, buffer: Vec::new() }
    }

    /// Connects and expects to be let in.
    pub(super) async fn connect(address: SocketAddr, version: Version, client_id: &str) -> Self {
        Self::say(address, version, Hello { client_id, keep_alive_s: 60, ..Hello::default() }).await
    }

    /// Connects with `hello` and expects to be let in.
    pub(super) async fn say(address: SocketAddr, version: Version, hello: Hello<'_>) -> Self {
        let (client, code) = Self::ask(address, version, hello).await;
        assert_eq!(code, Some(0), "not let in");
        client
    }

    /// Connects with `hello`; the code of the CONNACK, or `None` when the connection was closed instead.
    pub(super) async fn ask(address: SocketAddr, version: Version, hello: Hello<'_>) -> (Self, Option<u8>) {
        let mut client = Self::open(address, version).await;
        client.send(&hello.packet(version)).await;
        let code = client.next().await.map(|connack| {
            assert_eq!(connack.kind(), kind::CONNACK);
            connack.body[1]
        });
        (client, code)
    }

    pub(super) async fn send(&mut self, packet: &Packet) {
        self.stream.write_all(&packet.encode()).await.unwrap();
    }

    pub(super) async fn publish(&mut self, topic: &str, qos: u8, id: u16, payload: &str) {
        let packet = Packet::publish(topic, qos, id, payload.as_bytes(), self.version == Version::Five);
        self.send(&packet).await;
    }

    /// The next packet; `None` when the connection is closed or reset.
    pub(super) async fn next(&mut self) -> Option<Packet> {
        loop {
            if let Some(packet) = Packet::take(&mut self.buffer) {
                return Some(packet);
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await.expect("an answer in time");
            if matches!(read, Ok(0) | Err(_)) {
                return None;
            }
        }
    }

    /// Expects an acknowledgement of `kind` for `id`, and success in it.
    pub(super) async fn expect(&mut self, kind: u8, id: u16) {
        assert_eq!(self.next().await, Some(Packet { first: kind << 4, body: id.to_be_bytes().to_vec() }));
    }

    /// Expects that nothing but the answer to a ping comes: everything sent before it has been read by then.
    pub(super) async fn expect_nothing_but_a_pong(&mut self) {
        self.send(&Packet::new(kind::PINGREQ, Vec::new())).await;
        assert_eq!(self.next().await, Some(Packet::new(kind::PINGRESP, Vec::new())));
    }

    /// Expects the end: `code` in a DISCONNECT of MQTT 5, nothing but the end in MQTT 3.
    pub(super) async fn expect_end(&mut self, code: u8) {
        if self.version == Version::Five {
            assert_eq!(self.next().await, Some(Packet { first: 0xe0, body: vec![code] }));
        }
        assert_eq!(self.next().await, None);
    }

    /// Says goodbye and waits until the server has closed too.
    pub(super) async fn goodbye(mut self) {
        self.send(&Packet { first: 0xe0, body: Vec::new() }).await;
        assert_eq!(self.next().await, None);
    }
}

impl Client {
    /// Whether a connection with `hello` is let in.
    pub(super) async fn try_connect(address: SocketAddr, hello: Hello<'_>) -> bool {
        let mut client = Self::open(address, Version::Five).await;
        let _ = client.stream.write_all(&hello.packet(Version::Five).encode()).await;
        client.next().await.is_some_and(|connack| connack.body[1] == 0)
    }
}
