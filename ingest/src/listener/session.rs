//! What a connected client may say and what is answered: the protocol without the socket.
//!
//! [`Session::take`] turns buffered bytes into journal appends and owed acknowledgements, [`Session::settle`] turns
//! what has become durable into acknowledgements. Neither waits for anything.

use std::collections::HashMap;
use std::num::NonZeroU16;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use model::instant::ReceivedAt;
use rmqtt_codec::{v3, v5};
use store::journal::{Delivery, Durable, Refused, Source, Ticket};
use tokio_util::codec::Decoder;
use tracing::{debug, warn};

use super::ended::Ended;
use super::hello::{Version, Will};
use super::owed::{Kind, Owed, OwedAcks};
use super::publish::{Publish, Qos};
use super::topics::{Rights, Topics, Verdict, is_filter};
use super::{Shared, frame};

/// Replies that may wait in memory for a client to read them, bytes; beyond it nothing more is taken from it.
const OUT_MAX_BYTES: usize = 64 * 1024;

/// Why [`Session::take`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// No whole packet is left: read more.
    All,
    /// The journal has no room for the next message, which stays in the buffer.
    NoRoom,
    /// Enough is owed or waits to be written: go on after some of it is gone.
    Enough,
}

/// One connected client.
#[derive(Debug)]
pub(super) struct Session {
    version: Version,
    /// What the journal is told about the sender: the gateway's name, or the client id when anonymous.
    client: Box<str>,
    shared: Arc<Shared>,
    topics: Topics,
    owed: OwedAcks,
    /// Publishes with a quality above at most once that the client must still count as in flight.
    in_flight: usize,
    /// Exactly once: messages taken whose PUBREL has not come, with what their PUBREC still waits for. A message
    /// that is redelivered after a reconnect is a new one; the identity of its readings makes it a duplicate.
    unreleased: HashMap<NonZeroU16, Option<Ticket>>,
    has_been_warned: bool,
}

impl Session {
    pub(super) fn new(version: Version, client: Box<str>, shared: Arc<Shared>, rights: Rights) -> Self {
        let topics = Topics::new(rights, shared.limits.topic_max_bytes, shared.limits.topic_aliases_max);
        Self {
            version,
            client,
            shared,
            topics,
            owed: OwedAcks::default(),
            in_flight: 0,
            unreleased: HashMap::new(),
            has_been_warned: false,
        }
    }

    /// The protocol the client speaks.
    pub(super) const fn version(&self) -> Version {
        self.version
    }

    /// Whether acknowledgements are owed.
    pub(super) fn owes(&self) -> bool {
        !self.owed.is_empty()
    }

    /// Whether another packet may be taken, given what waits in `out`.
    pub(super) fn may_take(&self, out: &BytesMut) -> bool {
        // One more than the agreed maximum: with it a client of MQTT 5 shows that it does not keep to it.
        self.owed.len() <= usize::from(self.shared.limits.in_flight_max) && out.len() < OUT_MAX_BYTES
    }

    /// Takes the packets at the start of `input`, writes replies that need not wait to `out`.
    ///
    /// # Errors
    /// Why the connection must end.
    pub(super) fn take(&mut self, input: &mut BytesMut, out: &mut BytesMut, now: ReceivedAt) -> Result<Taken, Ended> {
        let (mut messages, mut bytes) = (0_u64, 0_u64);
        let taken = loop {
            if !self.may_take(out) {
                break Ok(Taken::Enough);
            }
            let frame = match frame::first(input, self.shared.limits.packet_max_bytes) {
                Ok(Some(frame)) => frame,
                Ok(None) => break Ok(Taken::All),
                Err(ended) => break Err(ended),
            };
            if frame.is_publish() {
                match self.publish(frame.first_byte & 15, &input[frame.body..frame.end], now) {
                    Ok(true) => {}
                    Ok(false) => break Ok(Taken::NoRoom),
                    Err(ended) => break Err(ended),
                }
                messages += 1;
                bytes += (frame.end - frame.body) as u64;
                input.advance(frame.end);
            } else if let Err(ended) = self.other(input, out) {
                break Err(ended);
            }
        };
        self.shared.meters.received(messages, bytes);
        taken
    }

    /// Writes the acknowledgements that may be sent as of `durable`.
    ///
    /// # Errors
    /// [`Ended::Lost`] when a message will never be durable.
    pub(super) fn settle(&mut self, durable: &Durable, out: &mut BytesMut) -> Result<(), Ended> {
        let unreleased = &mut self.unreleased;
        let received = |id| {
            if let Some(waiting) = unreleased.get_mut(&id) {
                *waiting = None;
            }
        };
        let settlement = self.owed.settle(durable, out, received)?;
        self.in_flight = self.in_flight.saturating_sub(settlement.finished);
        self.shared.meters.acknowledged(settlement.acknowledged);
        Ok(())
    }

    /// Gives memory back that a burst needed.
    pub(super) fn shrink(&mut self) {
        self.owed.shrink();
        if self.unreleased.is_empty() {
            self.unreleased = HashMap::new();
        }
    }

    /// Publishes the will: like a publish at most once, without a promise.
    pub(super) fn leave_will(&self, will: &Will, now: ReceivedAt) {
        let delivery = Delivery {
            received_at: now,
            source: Source::Listener,
            client: &self.client,
            topic: &will.topic,
            payload: &will.message,
        };
        match self.shared.sink.append(&delivery) {
            Ok(_) => self.shared.meters.received(1, will.message.len() as u64),
            Err(refused) => {
                self.shared.meters.refused("will");
                warn!(client = &*self.client, topic = &*will.topic, %refused, "a will was not taken");
            }
        }
    }

    /// Takes a PUBLISH; `false` when the journal has no room for it.
    fn publish(&mut self, flags: u8, body: &[u8], now: ReceivedAt) -> Result<bool, Ended> {
        let publish = Publish::parse(flags, body, self.version == Version::V5)?;
        let verdict = self.topics.check(publish.topic, publish.alias)?;
        if verdict != Verdict::Take {
            return self.refuse(&publish, verdict).map(|()| true);
        }
        let Some(id) = publish.id else {
            return Ok(self.append(&publish, now)?.is_some());
        };
        if publish.qos == Qos::ExactlyOnce
            && let Some(after) = self.unreleased.get(&id)
        {
            // Sent again within the connection: the same message, under the same promise.
            self.owed.push(Owed { after: *after, id, kind: Kind::Pubrec, refused: 0 });
            return Ok(true);
        }
        self.reserve_in_flight()?;
        let Some(after) = self.append(&publish, now)? else {
            return Ok(false);
        };
        self.in_flight += 1;
        let kind = if publish.qos == Qos::ExactlyOnce {
            self.unreleased.insert(id, after);
            Kind::Pubrec
        } else {
            Kind::Puback
        };
        self.owed.push(Owed { after, id, kind, refused: 0 });
        Ok(true)
    }

    /// Whether one more publish may be in flight. MQTT 3 has no agreed maximum, so there only what nobody sends
    /// ends the connection: thousands of messages exactly once that are never released.
    fn reserve_in_flight(&self) -> Result<(), Ended> {
        let in_flight = match self.version {
            Version::V5 => self.in_flight,
            Version::V3 => self.unreleased.len(),
        };
        if in_flight < usize::from(self.shared.limits.in_flight_max) { Ok(()) } else { Err(Ended::OverReceiveMaximum) }
    }

    /// Hands a message to the sink; `None` when it has no room.
    fn append(&self, publish: &Publish<'_>, now: ReceivedAt) -> Result<Option<Option<Ticket>>, Ended> {
        let delivery = Delivery {
            received_at: now,
            source: Source::Listener,
            client: &self.client,
            topic: self.topics.last(),
            payload: publish.payload,
        };
        match self.shared.sink.append(&delivery) {
            Ok(ticket) => Ok(Some(ticket)),
            Err(Refused::Full | Refused::Stalled) => Ok(None),
            Err(Refused::TooLarge) => Err(Ended::TooLarge),
            Err(Refused::Closed) => Err(Ended::Shutdown),
        }
    }

    /// Refuses a publish: told in the acknowledgement where the protocol can, by closing where it cannot.
    fn refuse(&mut self, publish: &Publish<'_>, verdict: Verdict) -> Result<(), Ended> {
        let (word, code, ended) = match verdict {
            Verdict::TooLong => ("topic_too_long", 0x90, Ended::TopicInvalid),
            _ => ("not_authorized", 0x87, Ended::NotAuthorized),
        };
        self.shared.meters.refused(word);
        if !self.has_been_warned {
            self.has_been_warned = true;
            let topic: String = String::from_utf8_lossy(publish.topic).chars().take(200).collect();
            warn!(client = &*self.client, topic, reason = word, "a publish was refused; more of them are only counted");
        }
        if self.version == Version::V3 {
            return Err(ended);
        }
        if let Some(id) = publish.id {
            self.reserve_in_flight()?;
            self.in_flight += 1;
            let kind = if publish.qos == Qos::ExactlyOnce { Kind::Pubrec } else { Kind::Puback };
            self.owed.push(Owed { after: None, id, kind, refused: code });
        }
        Ok(())
    }

    /// Takes a packet that is not a PUBLISH. The packet is whole, so the codec never asks for more.
    fn other(&mut self, input: &mut BytesMut, out: &mut BytesMut) -> Result<(), Ended> {
        match self.version {
            Version::V3 => match v3::Codec::new(0).decode(input)? {
                Some((packet, _)) => self.other_v3(packet, out),
                None => Err(Ended::Malformed),
            },
            Version::V5 => match v5::Codec::new(0, 0).decode(input)? {
                Some((packet, _)) => self.other_v5(packet, out),
                None => Err(Ended::Malformed),
            },
        }
    }

    fn other_v3(&mut self, packet: v3::Packet, out: &mut BytesMut) -> Result<(), Ended> {
        match packet {
            v3::Packet::PingRequest => out.extend_from_slice(&[0xd0, 0]),
            v3::Packet::Disconnect => return Err(Ended::Goodbye),
            v3::Packet::PublishRelease { packet_id } => {
                self.release(packet_id)?;
                reply(out, 0x70, packet_id, &[], std::iter::empty());
            }
            v3::Packet::Subscribe { packet_id, topic_filters } => {
                self.shared.meters.refused("subscribe");
                reply(out, 0x90, packet_id, &[], topic_filters.iter().map(|_| 0x80));
            }
            v3::Packet::Unsubscribe { packet_id, .. } => reply(out, 0xb0, packet_id, &[], std::iter::empty()),
            packet => return Err(self.forbidden(packet.packet_type())),
        }
        Ok(())
    }

    fn other_v5(&mut self, packet: v5::Packet, out: &mut BytesMut) -> Result<(), Ended> {
        match packet {
            v5::Packet::PingRequest => out.extend_from_slice(&[0xd0, 0]),
            v5::Packet::Disconnect(goodbye) => {
                let wants_will = goodbye.reason_code == v5::DisconnectReasonCode::DisconnectWithWillMessage;
                return Err(if wants_will { Ended::GoodbyeWithWill } else { Ended::Goodbye });
            }
            v5::Packet::PublishRelease(release) => {
                let code: &[u8] = if self.release(release.packet_id)? { &[] } else { &[0x92] };
                reply(out, 0x70, release.packet_id, code, std::iter::empty());
            }
            v5::Packet::Subscribe(subscribe) => {
                self.shared.meters.refused("subscribe");
                let codes = subscribe.topic_filters.iter().map(|(filter, _)| subscribe_code(filter));
                reply(out, 0x90, subscribe.packet_id, &[0], codes);
            }
            v5::Packet::Unsubscribe(unsubscribe) => {
                let codes = unsubscribe.topic_filters.iter().map(|_| 0x11);
                reply(out, 0xb0, unsubscribe.packet_id, &[0], codes);
            }
            packet => return Err(self.forbidden(packet.packet_type())),
        }
        Ok(())
    }

    /// A second CONNECT, or a packet only a server sends. Acknowledgements too: we publish nothing.
    fn forbidden(&self, packet_type: u8) -> Ended {
        debug!(client = &*self.client, packet_type = packet_type >> 4, "a packet that must not come");
        Ended::Protocol
    }

    /// Forgets a message that the client has released; `false` when it was not known.
    fn release(&mut self, id: NonZeroU16) -> Result<bool, Ended> {
        match self.unreleased.get(&id) {
            None => return Ok(false),
            // PUBCOMP is an acknowledgement too: it must not overtake a PUBREC that waits for the disk.
            Some(Some(_)) => return Err(Ended::Protocol),
            Some(None) => {}
        }
        self.unreleased.remove(&id);
        self.in_flight = self.in_flight.saturating_sub(1);
        Ok(true)
    }
}

/// A reply with a packet id: fixed header, id, what stands before the codes, one code per item.
fn reply(out: &mut BytesMut, first_byte: u8, id: NonZeroU16, before: &[u8], codes: impl ExactSizeIterator<Item = u8>) {
    let mut length = 2 + before.len() + codes.len();
    out.extend_from_slice(&[first_byte]);
    loop {
        #[expect(clippy::cast_possible_truncation, reason = "masked to seven bits")]
        let digit = (length & 0x7f) as u8;
        length >>= 7;
        out.extend_from_slice(&[if length == 0 { digit } else { digit | 0x80 }]);
        if length == 0 {
            break;
        }
    }
    out.extend_from_slice(&id.get().to_be_bytes());
    out.extend_from_slice(before);
    out.extend(codes);
}

/// Why a subscription is not granted (MQTT 5, section 3.9.3): this door takes messages and sends none.
fn subscribe_code(filter: &str) -> u8 {
    if filter.starts_with("$share/") {
        0x9e
    } else if is_filter(filter) {
        0x87
    } else {
        0x8f
    }
}

#[cfg(test)]
mod tests;
