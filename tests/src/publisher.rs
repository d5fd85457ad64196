//! A publisher with a ledger: it writes down every message the broker acknowledged to it, and repeats the others.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::wire::{Packet, kind};

/// A publisher of MQTT 3.1.1, in bytes of our own so that no library of the system under test is trusted.
pub struct Publisher {
    address: SocketAddr,
    client_id: String,
    window: usize,
    connection: Option<(TcpStream, Vec<u8>)>,
    next_id: u16,
    acknowledged: Vec<(String, Vec<u8>)>,
}

/// A message to publish.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Topic.
    pub topic: String,
    /// QoS, 0 to 2.
    pub qos: u8,
    /// Whether the broker keeps it for later subscribers.
    pub retain: bool,
    /// Payload.
    pub payload: Vec<u8>,
}

impl Publisher {
    /// A publisher that keeps up to `window` messages in flight. It connects when it first publishes.
    #[must_use]
    pub fn new(address: SocketAddr, client_id: &str, window: usize) -> Self {
        let (connection, acknowledged) = (None, Vec::new());
        Self { address, client_id: client_id.to_owned(), window, connection, next_id: 1, acknowledged }
    }

    /// Topic and payload of every message acknowledged so far (of QoS 0: sent).
    #[must_use]
    pub fn acknowledged(&self) -> &[(String, Vec<u8>)] {
        &self.acknowledged
    }

    /// Publishes all of `messages`, over as many connections as it takes.
    ///
    /// # Errors
    /// When that is not done within `patience`.
    pub async fn publish(&mut self, messages: Vec<Outgoing>, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        let mut waiting = VecDeque::from(messages);
        while !waiting.is_empty() {
            let attempt = tokio::time::timeout_at(deadline, self.attempt(&mut waiting)).await;
            let Ok(attempt) = attempt else { bail!("{} messages are not acknowledged in time", waiting.len()) };
            if attempt.is_err() {
                self.connection = None;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Ok(())
    }

    /// Publishes over one connection until everything is acknowledged or the connection fails. What is not
    /// acknowledged is in `waiting` again then, in order.
    async fn attempt(&mut self, waiting: &mut VecDeque<Outgoing>) -> Result<()> {
        let mut flying = BTreeMap::new();
        let done = self.fly(waiting, &mut flying).await;
        for (_, message) in flying.into_iter().rev() {
            waiting.push_front(message);
        }
        done
    }

    async fn fly(&mut self, waiting: &mut VecDeque<Outgoing>, flying: &mut BTreeMap<u16, Outgoing>) -> Result<()> {
        if self.connection.is_none() {
            self.connection = Some(connect(self.address, &self.client_id).await?);
        }
        let (stream, bytes) = self.connection.as_mut().context("not connected")?;
        loop {
            let mut out = Vec::new();
            while flying.len() < self.window
                && let Some(message) = waiting.pop_front()
            {
                let id = self.next_id;
                let mut packet = Packet::publish(&message.topic, message.qos, id, &message.payload, false);
                packet.first |= u8::from(message.retain);
                out.extend(packet.encode());
                if message.qos == 0 {
                    self.acknowledged.push((message.topic, message.payload));
                } else {
                    self.next_id = id.checked_add(1).unwrap_or(1);
                    flying.insert(id, message);
                }
            }
            stream.write_all(&out).await?;
            if flying.is_empty() {
                return Ok(());
            }
            let packet = read(stream, bytes).await?;
            let id = packet.id().unwrap_or_default();
            match packet.kind() {
                kind::PUBACK | kind::PUBCOMP => {
                    if let Some(message) = flying.remove(&id) {
                        self.acknowledged.push((message.topic, message.payload));
                    }
                }
                kind::PUBREC => stream.write_all(&Packet::of_id(kind::PUBREL, id).encode()).await?,
                other => bail!("the broker sends a packet of type {other} to a publisher"),
            }
        }
    }
}

async fn connect(address: SocketAddr, client_id: &str) -> Result<(TcpStream, Vec<u8>)> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(&Packet::connect(client_id).encode()).await?;
    let mut bytes = Vec::new();
    let answer = read(&mut stream, &mut bytes).await?;
    if answer.kind() != kind::CONNACK || answer.body.get(1) != Some(&0) {
        bail!("the broker refuses the publisher: {answer:?}");
    }
    Ok((stream, bytes))
}

/// The next packet that comes over `stream`; `bytes` holds what was read beyond it.
///
/// # Errors
/// When the connection ends.
pub async fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<Packet> {
    loop {
        if let Some(packet) = Packet::take(bytes) {
            return Ok(packet);
        }
        if stream.read_buf(bytes).await? == 0 {
            bail!("the connection is closed");
        }
    }
}
