//! The connection of one gateway: sends in order, sends again what was not acknowledged, reconnects.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::bail;
use bytes::BytesMut;
use rand::Rng;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tracing::{debug, warn};

use super::progress::Progress;
use crate::message::Message;
use crate::mqtt::wire::{self, Incoming};
use crate::mqtt::{self, Broker, Session};
use crate::truth::MessageTruth;

/// Bytes that may wait for the socket before no further message is taken.
const OUTBOX_BYTES: usize = 256 * 1024;
/// The longest wait between two attempts to connect.
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// How often a quiet connection says that it is there.
const PING_EVERY: Duration = Duration::from_secs(10);
/// Numbers of settled messages that are remembered, to recognise copies.
const REMEMBERED: usize = 10_000;

/// What a connection is told to do.
pub(super) enum Errand {
    Send(Message),
    Cut,
    Restore,
}

/// Why a connection ended.
enum Ended {
    /// Told to be cut.
    Cut,
    /// Everything is sent and acknowledged, and nothing more will come.
    Done,
}

/// The connection of one gateway.
pub(super) struct Link {
    pub(super) gateway: String,
    pub(super) broker: Broker,
    pub(super) inflight: u16,
    pub(super) errands: mpsc::Receiver<Errand>,
    pub(super) progress: Arc<Progress>,
    pub(super) messages: Option<Arc<Mutex<MessageTruth>>>,
    pub(super) stopping: Arc<AtomicBool>,
}

/// What outlives a connection.
#[derive(Default)]
struct Ledger {
    outstanding: VecDeque<(u16, Message)>,
    next_id: u16,
    published: BTreeSet<u64>,
    acknowledged: BTreeSet<u64>,
}

impl Ledger {
    fn take_id(&mut self) -> u16 {
        // 0 is no packet id. With far fewer than 65,535 in flight the next one is always free.
        self.next_id = self.next_id.wrapping_add(1).max(1);
        self.next_id
    }
}

/// Whether `origin` is new in `seen`.
fn first_time(seen: &mut BTreeSet<u64>, origin: u64) -> bool {
    let first = seen.insert(origin);
    if seen.len() > REMEMBERED {
        seen.pop_first();
    }
    first
}

impl Link {
    /// Publishes until the queue is closed and everything is acknowledged.
    pub(super) async fn run(mut self) {
        let mut ledger = Ledger::default();
        let mut backoff = Duration::from_millis(50);
        let mut been_connected = false;
        loop {
            match mqtt::open(&self.broker, &self.gateway).await {
                Ok(session) => {
                    backoff = Duration::from_millis(50);
                    self.progress.connected(been_connected);
                    been_connected = true;
                    let ended = self.publish(session, &mut ledger).await;
                    self.progress.disconnected();
                    match ended {
                        Ok(Ended::Done) => return,
                        Ok(Ended::Cut) => self.wait_for_network().await,
                        Err(error) => debug!(gateway = %self.gateway, "connection lost: {error:#}"),
                    }
                }
                Err(error) => {
                    warn!(gateway = %self.gateway, "cannot connect: {error:#}");
                    // With nothing to send, a stop need not wait for a broker.
                    if self.stopping.load(Ordering::Relaxed)
                        && ledger.outstanding.is_empty()
                        && self.errands.is_closed()
                        && self.errands.is_empty()
                    {
                        return;
                    }
                }
            }
            let wait = backoff.mul_f64(0.5 + rand::rng().random::<f64>());
            tokio::time::sleep(wait).await;
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    /// Waits without a network. Nothing is sent meanwhile: the gateway keeps its messages.
    async fn wait_for_network(&mut self) {
        while let Some(errand) = self.errands.recv().await {
            if matches!(errand, Errand::Restore) {
                return;
            }
        }
    }

    async fn publish(&mut self, session: Session, ledger: &mut Ledger) -> anyhow::Result<Ended> {
        let Session { mut reader, mut writer, mut inbox, receive_maximum, protocol } = session;
        let window = usize::from(self.inflight.min(receive_maximum));
        let mut outbox = BytesMut::with_capacity(64 * 1024);
        for (id, message) in &ledger.outstanding {
            wire::put_publish_head(&mut outbox, protocol, (&message.topic, *id, true), message.payload.len());
            outbox.extend_from_slice(&message.payload);
            self.progress.resent();
        }
        let mut open = true;
        let mut ping = tokio::time::interval(PING_EVERY);
        loop {
            while let Some(packet) = wire::take(&mut inbox, protocol)? {
                self.handle(packet, ledger)?;
            }
            if !open && ledger.outstanding.is_empty() && outbox.is_empty() {
                wire::put_disconnect(&mut outbox);
                writer.write_all(&outbox).await?;
                writer.shutdown().await?;
                return Ok(Ended::Done);
            }
            let room = open && outbox.len() < OUTBOX_BYTES && ledger.outstanding.len() < window;
            tokio::select! {
                read = reader.read_buf(&mut inbox) => {
                    if read? == 0 {
                        bail!("closed by the server");
                    }
                }
                written = writer.write_buf(&mut outbox), if !outbox.is_empty() => {
                    written?;
                    // TLS keeps what the socket would not take.
                    writer.flush().await?;
                }
                errand = self.errands.recv(), if room => match errand {
                    Some(Errand::Send(message)) => self.send(message, protocol, ledger, &mut outbox),
                    Some(Errand::Cut) => return Ok(Ended::Cut),
                    Some(Errand::Restore) => {}
                    None => open = false,
                },
                _ = ping.tick() => wire::put_ping(&mut outbox),
            }
        }
    }

    fn send(&mut self, message: Message, protocol: mqtt::Protocol, ledger: &mut Ledger, outbox: &mut BytesMut) {
        let id = ledger.take_id();
        wire::put_publish_head(outbox, protocol, (&message.topic, id, false), message.payload.len());
        outbox.extend_from_slice(&message.payload);
        self.progress.published(&message, first_time(&mut ledger.published, message.origin()));
        if let Some(truth) = &self.messages
            && let Ok(mut truth) = truth.lock()
        {
            truth.sent(&self.gateway, &message);
        }
        ledger.outstanding.push_back((id, message));
    }

    fn handle(&mut self, packet: Incoming, ledger: &mut Ledger) -> anyhow::Result<()> {
        let (id, code) = match packet {
            Incoming::PubAck { id, code } => (id, code),
            Incoming::Disconnect { code } => bail!("the server said goodbye with code `{code:#04x}`"),
            Incoming::ConnAck { .. } | Incoming::Pong => return Ok(()),
        };
        // Servers answer in order, so this is nearly always the first.
        let Some(index) = ledger.outstanding.iter().position(|(known, _)| *known == id) else { return Ok(()) };
        let Some((_, message)) = ledger.outstanding.remove(index) else { return Ok(()) };
        if code >= 0x80 {
            warn!(gateway = %self.gateway, seq = message.seq, "message refused with code `{code:#04x}`");
            self.progress.refused();
            return Ok(());
        }
        self.progress.acknowledged(&message, first_time(&mut ledger.acknowledged, message.origin()));
        if let Some(truth) = &self.messages
            && let Ok(mut truth) = truth.lock()
        {
            truth.acknowledged(message.gateway, message.seq, self.progress.simulated_at())?;
        }
        Ok(())
    }
}
