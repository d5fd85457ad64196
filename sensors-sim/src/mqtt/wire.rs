//! Packets on the wire (OASIS MQTT 3.1.1 and 5.0, chapters 2 and 3): those a QoS 1 publisher sends and gets.

use anyhow::{bail, ensure};
use bytes::{Buf as _, BufMut as _, BytesMut};

use super::Protocol;

/// The longest packet accepted from a server, bytes: a publisher gets only small ones.
const MAX_INCOMING_BYTES: usize = 64 * 1024;

/// What a server sends to a publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// The answer to CONNECT: 0 is welcome; how many messages may be unacknowledged.
    ConnAck {
        code: u8,
        receive_maximum: u16,
    },
    /// Packet `id` is acknowledged; from 0x80 on it was refused.
    PubAck {
        id: u16,
        code: u8,
    },
    Pong,
    /// The server says goodbye (MQTT 5).
    Disconnect {
        code: u8,
    },
}

fn put_text(out: &mut BytesMut, text: &str) {
    // Everything put here is a name, a topic or a password: far below 64 KiB; longer is cut.
    let len = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.put_u16(len);
    out.put_slice(&text.as_bytes()[..usize::from(len)]);
}

/// Appends a remaining length (a variable byte integer).
fn put_length(out: &mut BytesMut, mut length: usize) {
    while length >= 0x80 {
        out.put_u8((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.put_u8((length & 0x7f) as u8);
}

/// Appends a CONNECT with a clean session.
pub(crate) fn put_connect(
    out: &mut BytesMut,
    protocol: Protocol,
    (client, keep_alive_s): (&str, u16),
    (user, password): (Option<&str>, Option<&str>),
) {
    let mut body = BytesMut::with_capacity(128);
    put_text(&mut body, "MQTT");
    body.put_u8(if protocol == Protocol::V5 { 5 } else { 4 });
    let flags = 0x02 | if user.is_some() { 0x80 } else { 0 } | if password.is_some() { 0x40 } else { 0 };
    body.put_u8(flags);
    body.put_u16(keep_alive_s);
    if protocol == Protocol::V5 {
        body.put_u8(0);
    }
    put_text(&mut body, client);
    for text in [user, password].into_iter().flatten() {
        put_text(&mut body, text);
    }
    out.put_u8(0x10);
    put_length(out, body.len());
    out.put_slice(&body);
}

/// Appends the head of a QoS 1 PUBLISH; `payload_len` bytes of payload must follow.
pub(crate) fn put_publish_head(
    out: &mut BytesMut,
    protocol: Protocol,
    (topic, id, again): (&str, u16, bool),
    payload_len: usize,
) {
    let properties = usize::from(protocol == Protocol::V5);
    out.put_u8(0x32 | u8::from(again) << 3);
    put_length(out, 2 + topic.len() + 2 + properties + payload_len);
    put_text(out, topic);
    out.put_u16(id);
    if properties > 0 {
        out.put_u8(0);
    }
}

/// Appends a PINGREQ.
pub(crate) fn put_ping(out: &mut BytesMut) {
    out.put_slice(&[0xc0, 0]);
}

/// Appends a DISCONNECT.
pub(crate) fn put_disconnect(out: &mut BytesMut) {
    out.put_slice(&[0xe0, 0]);
}

/// Takes the next whole packet from `inbox`; `None` when more bytes are needed.
///
/// # Errors
/// When the bytes are not MQTT, or a packet that a publisher does not expect.
pub(crate) fn take(inbox: &mut BytesMut, protocol: Protocol) -> anyhow::Result<Option<Incoming>> {
    // By far the most frequent: an acknowledgement without a reason.
    if let [0x40, 2, high, low, ..] = inbox[..] {
        inbox.advance(4);
        return Ok(Some(Incoming::PubAck { id: u16::from_be_bytes([high, low]), code: 0 }));
    }
    let Some((length, head)) = remaining_length(inbox)? else { return Ok(None) };
    ensure!(length <= MAX_INCOMING_BYTES, "the server sent a packet of `{length}` bytes");
    if inbox.len() < head + length {
        return Ok(None);
    }
    let kind = inbox[0];
    inbox.advance(head);
    let body = inbox.split_to(length);
    let byte = |index: usize| body.get(index).copied().unwrap_or(0);
    Ok(Some(match kind >> 4 {
        2 => Incoming::ConnAck {
            code: byte(1),
            receive_maximum: if protocol == Protocol::V5 { receive_maximum(&body) } else { u16::MAX },
        },
        4 => Incoming::PubAck { id: u16::from_be_bytes([byte(0), byte(1)]), code: byte(2) },
        13 => Incoming::Pong,
        14 => Incoming::Disconnect { code: byte(0) },
        other => bail!("the server sent a packet of type `{other}`, which a publisher does not get"),
    }))
}

/// The remaining length at the start of `inbox`, and how many bytes the fixed header takes.
fn remaining_length(inbox: &[u8]) -> anyhow::Result<Option<(usize, usize)>> {
    let mut length = 0;
    for index in 0..4 {
        let Some(byte) = inbox.get(1 + index) else { return Ok(None) };
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((length, 2 + index)));
        }
    }
    bail!("the server sent something that is not MQTT")
}

/// The receive maximum among the properties of a CONNACK; 65,535 when it says none.
fn receive_maximum(body: &[u8]) -> u16 {
    // A CONNACK's properties are below 128 bytes unless the server is talkative; then the default holds.
    let Some((&length, properties)) = body.get(2..).and_then(<[u8]>::split_first) else { return u16::MAX };
    let Some(mut rest) = properties.get(..usize::from(length)) else { return u16::MAX };
    while let Some((&id, value)) = rest.split_first() {
        let text = |at: usize| match value.get(at..at + 2) {
            Some(&[high, low]) => 2 + usize::from(u16::from_be_bytes([high, low])),
            _ => usize::MAX / 4,
        };
        let taken = match id {
            0x21 => match *value {
                [high, low, ..] => return u16::from_be_bytes([high, low]).max(1),
                _ => return u16::MAX,
            },
            0x24 | 0x25 | 0x28 | 0x29 | 0x2a => 1,
            0x13 | 0x22 => 2,
            0x11 | 0x27 => 4,
            0x12 | 0x15 | 0x16 | 0x1a | 0x1c | 0x1f => text(0),
            0x26 => text(0).saturating_add(text(text(0))),
            _ => return u16::MAX,
        };
        rest = value.get(taken..).unwrap_or_default();
    }
    u16::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_a_publish_as_the_standard_does() {
        let mut out = BytesMut::new();
        put_publish_head(&mut out, Protocol::V311, ("a/b", 10, false), 200);
        assert_eq!(out[..], [0x32, 0xcf, 0x01, 0, 3, b'a', b'/', b'b', 0, 10]);
        out.clear();
        put_publish_head(&mut out, Protocol::V5, ("a/b", 10, true), 0);
        assert_eq!(out[..], [0x3a, 8, 0, 3, b'a', b'/', b'b', 0, 10, 0]);
    }

    #[test]
    fn takes_packets_apart_however_they_arrive() {
        // A CONNACK with assigned client identifier, then receive maximum 20; an acknowledgement; a refusal; a pong.
        let bytes = [
            &[0x20, 12, 0, 0, 9, 0x12, 0, 3, b'x', b'y', b'z', 0x21, 0, 20][..],
            &[0x40, 2, 0, 7],
            &[0x40, 4, 1, 0, 0x87, 0],
            &[0xd0, 0],
        ]
        .concat();
        let mut inbox = BytesMut::new();
        let mut got = Vec::new();
        for byte in bytes {
            inbox.put_u8(byte);
            while let Some(packet) = take(&mut inbox, Protocol::V5).unwrap() {
                got.push(packet);
            }
        }
        assert_eq!(
            got,
            [
                Incoming::ConnAck { code: 0, receive_maximum: 20 },
                Incoming::PubAck { id: 7, code: 0 },
                Incoming::PubAck { id: 256, code: 0x87 },
                Incoming::Pong
            ]
        );
    }
}
