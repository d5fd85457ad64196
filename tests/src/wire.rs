//! MQTT packets as bytes, just enough to look at them and to play a broker or a publisher nobody else wrote.

/// The packet types the harness speaks of.
pub mod kind {
    /// A client opens a session.
    pub const CONNECT: u8 = 1;
    /// The broker answers it.
    pub const CONNACK: u8 = 2;
    /// A message.
    pub const PUBLISH: u8 = 3;
    /// A message of QoS 1 is acknowledged.
    pub const PUBACK: u8 = 4;
    /// A message of QoS 2 is received.
    pub const PUBREC: u8 = 5;
    /// A message of QoS 2 is released.
    pub const PUBREL: u8 = 6;
    /// A message of QoS 2 is complete.
    pub const PUBCOMP: u8 = 7;
    /// A client subscribes.
    pub const SUBSCRIBE: u8 = 8;
    /// The broker answers it.
    pub const SUBACK: u8 = 9;
    /// A client asks for a sign of life.
    pub const PINGREQ: u8 = 12;
    /// The broker gives it.
    pub const PINGRESP: u8 = 13;
}

/// One packet: its first byte and everything after the remaining length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Type and flags.
    pub first: u8,
    /// Variable header and payload.
    pub body: Vec<u8>,
}

impl Packet {
    /// A packet of `kind` without flags.
    #[must_use]
    pub fn new(kind: u8, body: Vec<u8>) -> Self {
        Self { first: kind << 4, body }
    }

    /// A CONNECT of MQTT 3.1.1 with a clean session and a keep-alive of 60 s.
    #[must_use]
    pub fn connect(client_id: &str) -> Self {
        let mut body = b"\0\x04MQTT\x04\x02\0\x3c".to_vec();
        put_text(&mut body, client_id);
        Self::new(kind::CONNECT, body)
    }

    /// A PUBLISH. `id` is left out with QoS 0; `properties` is the empty property list of MQTT 5.
    #[must_use]
    pub fn publish(topic: &str, qos: u8, id: u16, payload: &[u8], properties: bool) -> Self {
        let mut body = Vec::new();
        put_text(&mut body, topic);
        if qos > 0 {
            body.extend(id.to_be_bytes());
        }
        if properties {
            body.push(0);
        }
        body.extend(payload);
        Self { first: kind::PUBLISH << 4 | qos << 1, body }
    }

    /// A packet of `kind` that carries only a packet id.
    #[must_use]
    pub fn of_id(kind: u8, id: u16) -> Self {
        let flags = if kind == self::kind::PUBREL { 2 } else { 0 };
        Self { first: kind << 4 | flags, body: id.to_be_bytes().to_vec() }
    }

    /// Takes the first whole packet out of `bytes`.
    #[must_use]
    pub fn take(bytes: &mut Vec<u8>) -> Option<Self> {
        let first = *bytes.first()?;
        let mut length = 0_usize;
        for (at, &byte) in bytes.iter().enumerate().skip(1).take(4) {
            length |= usize::from(byte & 0x7f) << (7 * (at - 1));
            if byte & 0x80 == 0 {
                let end = at + 1 + length;
                if bytes.len() < end {
                    return None;
                }
                let body = bytes.get(at + 1..end)?.to_vec();
                bytes.drain(..end);
                return Some(Self { first, body });
            }
        }
        None
    }

    /// The packet's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.first];
        let mut length = self.body.len();
        loop {
            let byte = (length & 0x7f) as u8;
            length >>= 7;
            bytes.push(if length > 0 { byte | 0x80 } else { byte });
            if length == 0 {
                break;
            }
        }
        bytes.extend(&self.body);
        bytes
    }

    /// Its type, one of [`kind`].
    #[must_use]
    pub fn kind(&self) -> u8 {
        self.first >> 4
    }

    /// The packet id of a PUBLISH above QoS 0, an acknowledgement, a SUBSCRIBE or a SUBACK.
    #[must_use]
    pub fn id(&self) -> Option<u16> {
        let at = match self.kind() {
            kind::PUBLISH if self.first & 6 != 0 => 2 + self.topic()?.len(),
            kind::PUBACK | kind::PUBREC | kind::PUBREL | kind::PUBCOMP | kind::SUBSCRIBE | kind::SUBACK => 0,
            _ => return None,
        };
        Some(u16::from_be_bytes(self.body.get(at..at + 2)?.try_into().ok()?))
    }

    /// The topic of a PUBLISH.
    #[must_use]
    pub fn topic(&self) -> Option<&str> {
        if self.kind() != kind::PUBLISH {
            return None;
        }
        let length = u16::from_be_bytes(self.body.get(..2)?.try_into().ok()?);
        std::str::from_utf8(self.body.get(2..2 + usize::from(length))?).ok()
    }
}

fn put_text(body: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    body.extend(length.to_be_bytes());
    body.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_back_what_it_encodes() {
        let publish = Packet::publish("a/b", 1, 513, &[7; 300], true);
        let mut bytes = publish.encode();
        bytes.extend(Packet::of_id(kind::PUBACK, 513).encode());
        assert_eq!(Packet::take(&mut bytes.get(..200).map(<[u8]>::to_vec).unwrap_or_default()), None);
        assert_eq!(Packet::take(&mut bytes), Some(publish.clone()));
        assert_eq!((publish.id(), publish.topic()), (Some(513), Some("a/b")));
        let ack = Packet::take(&mut bytes).map(|ack| (ack.kind(), ack.id()));
        assert_eq!(ack, Some((kind::PUBACK, Some(513))));
        assert!(bytes.is_empty());
    }
}
