//! The CONNECT packet, of either protocol version, and the CONNACK that answers it.

use std::num::NonZeroU16;

use bytes::{Bytes, BytesMut};
use rmqtt_codec::version::{ProtocolVersion, VersionCodec};
use rmqtt_codec::{v3, v5};
use tokio_util::codec::{Decoder, Encoder};

use super::ended::Ended;
use super::{Limits, frame};

/// The largest CONNECT, bytes: nobody has been let in yet.
const CONNECT_MAX_BYTES: usize = 16 * 1024;

/// The longest client id, bytes. The specifications ask for 23; real ones are UUIDs with a prefix.
const CLIENT_ID_MAX_BYTES: usize = 256;

/// The name of the protocol with its length, as it stands at the start of every CONNECT since MQTT 3.1.1.
const NAME: &[u8] = b"\0\x04MQTT";

/// The CONNACK for a version of MQTT that we do not speak (MQTT 3.1.1, section 3.1.2.2).
pub(super) const UNKNOWN_VERSION: &[u8] = &[0x20, 2, 0, 1];

/// The protocol a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// MQTT 3.1 or 3.1.1: a refusal can only be told by closing.
    V3,
    /// MQTT 5.
    V5,
}

/// A message to be published when the client goes without a DISCONNECT.
#[derive(Clone, Debug)]
pub(super) struct Will {
    pub(super) topic: Box<str>,
    pub(super) message: Box<[u8]>,
}

/// What a client says when it connects.
#[derive(Debug)]
pub(super) struct Hello {
    pub(super) version: Version,
    /// Empty when the client wants one assigned.
    pub(super) client_id: Box<str>,
    /// Seconds; 0 for none.
    pub(super) keep_alive: u16,
    pub(super) user: Option<Box<str>>,
    pub(super) password: Option<Bytes>,
    pub(super) will: Option<Will>,
    /// Extended authentication (MQTT 5), which we do not speak.
    wants_extended_authentication: bool,
    /// A session that outlives the connection, which we do not keep.
    wants_session: bool,
    /// The largest packet the client takes, bytes; 0 for any.
    packet_max_bytes: u32,
}

/// Why a client is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The client id is too long or has a NUL.
    ClientId,
    /// Wrong user or password.
    BadCredentials,
    /// Nobody may connect like this: no user where one is needed, a will outside the client's right.
    NotAuthorized,
    /// Too many checks are waiting.
    Busy,
    /// Too many failed sign-ins.
    Barred,
    /// Extended authentication.
    Method,
    /// The will has a topic that MQTT forbids.
    WillTopic,
}

impl Refusal {
    /// The return code (MQTT 3.1.1, section 3.2.2.3) or reason code (MQTT 5, section 3.2.2.2).
    const fn code(self, version: Version) -> u8 {
        let (v3, v5) = match self {
            Self::ClientId => (0x02, 0x85),
            Self::BadCredentials => (0x04, 0x86),
            Self::NotAuthorized => (0x05, 0x87),
            Self::Busy => (0x03, 0x89),
            Self::Barred => (0x05, 0x8a),
            Self::Method => (0x05, 0x8c),
            Self::WillTopic => (0x05, 0x90),
        };
        match version {
            Version::V3 => v3,
            Version::V5 => v5,
        }
    }

    /// The word for it in logs and metrics.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::ClientId => "client_id",
            Self::BadCredentials => "bad_credentials",
            Self::NotAuthorized => "not_authorized",
            Self::Busy => "busy",
            Self::Barred => "barred",
            Self::Method => "method",
            Self::WillTopic => "will_topic",
        }
    }

    /// The CONNACK that says so.
    pub(super) fn write(self, version: Version, out: &mut BytesMut) {
        let code = self.code(version);
        match version {
            Version::V3 => out.extend_from_slice(&[0x20, 2, 0, code]),
            Version::V5 => out.extend_from_slice(&[0x20, 3, 0, code, 0]),
        }
    }
}

impl Hello {
    /// Takes the CONNECT from the start of `input`; `None` while it is not whole.
    ///
    /// # Errors
    /// When it is something else, malformed, or larger than a CONNECT may be.
    pub(super) fn take(input: &mut BytesMut) -> Result<Option<Self>, Ended> {
        if input.first().is_some_and(|first_byte| *first_byte != 0x10) {
            return Err(Ended::Protocol);
        }
        if frame::first(input, CONNECT_MAX_BYTES)?.is_none() {
            return Ok(None);
        }
        let version = VersionCodec.decode(input);
        if version.is_err() && input.windows(NAME.len()).take(6).any(|found| found == NAME) {
            return Err(Ended::UnknownVersion);
        }
        match version? {
            Some(ProtocolVersion::MQTT3) => match v3::Codec::new(0).decode(input)? {
                Some((v3::Packet::Connect(connect), _)) => Ok(Some(Self::from_v3(*connect))),
                _ => Err(Ended::Protocol),
            },
            Some(ProtocolVersion::MQTT5) => match v5::Codec::new(0, 0).decode(input)? {
                Some((v5::Packet::Connect(connect), _)) => Ok(Some(Self::from_v5(*connect))),
                _ => Err(Ended::Protocol),
            },
            // The frame is whole, and still too short to name its version.
            None => Err(Ended::Malformed),
        }
    }

    fn from_v3(connect: v3::Connect) -> Self {
        let v3::Connect { keep_alive, client_id, last_will, username, password, .. } = connect;
        let will = last_will.map(|will| Will { topic: (&*will.topic).into(), message: will.message[..].into() });
        Self {
            version: Version::V3,
            client_id: (&*client_id).into(),
            keep_alive,
            user: username.map(|user| (&*user).into()),
            password,
            will,
            wants_extended_authentication: false,
            wants_session: false,
            packet_max_bytes: 0,
        }
    }

    fn from_v5(connect: v5::Connect) -> Self {
        let v5::Connect { keep_alive, client_id, last_will, username, password, .. } = connect;
        Self {
            version: Version::V5,
            client_id: (&*client_id).into(),
            keep_alive,
            user: username.map(|user| (&*user).into()),
            password,
            will: last_will.map(|will| Will { topic: (&*will.topic).into(), message: will.message[..].into() }),
            wants_extended_authentication: connect.auth_method.is_some(),
            wants_session: connect.session_expiry_interval_secs != 0,
            packet_max_bytes: connect.max_packet_size.map_or(0, std::num::NonZeroU32::get),
        }
    }

    /// What can be refused before anything is looked up.
    ///
    /// # Errors
    /// The refusal to answer with.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if self.client_id.len() > CLIENT_ID_MAX_BYTES || self.client_id.contains('\0') {
            Err(Refusal::ClientId)
        } else if self.wants_extended_authentication {
            Err(Refusal::Method)
        } else {
            Ok(())
        }
    }

    /// The keep-alive that holds, in seconds: the client's, or ours when it has none or a longer one.
    pub(super) fn effective_keep_alive(&self, limits: &Limits) -> u16 {
        if self.keep_alive == 0 { limits.keep_alive_max_s } else { self.keep_alive.min(limits.keep_alive_max_s) }
    }

    /// The CONNACK that lets the client in. `assigned` is the client id it is given when it brought none.
    ///
    /// # Errors
    /// When the client takes no packet as large as this one.
    pub(super) fn accept(&self, assigned: Option<&str>, limits: &Limits, out: &mut BytesMut) -> Result<(), Ended> {
        match self.version {
            Version::V3 => out.extend_from_slice(&[0x20, 2, 0, 0]),
            Version::V5 => {
                let keep_alive_s = self.effective_keep_alive(limits);
                let ack = v5::ConnectAck {
                    session_expiry_interval_secs: self.wants_session.then_some(0),
                    receive_max: NonZeroU16::new(limits.in_flight_max).unwrap_or(NonZeroU16::MIN),
                    max_packet_size: u32::try_from(limits.packet_max_bytes).ok(),
                    assigned_client_id: assigned.map(Into::into),
                    topic_alias_max: limits.topic_aliases_max,
                    retain_available: false,
                    subscription_identifiers_available: false,
                    shared_subscription_available: false,
                    server_keepalive_sec: (keep_alive_s != self.keep_alive).then_some(keep_alive_s),
                    ..v5::ConnectAck::default()
                };
                let mut codec = v5::Codec::new(0, 0);
                codec.set_max_outbound_size(self.packet_max_bytes);
                codec.encode(ack.into(), out).map_err(|_| Ended::TooLarge)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MQTT_31: &[u8] = b"\x10\x0f\0\x06MQIsdp\x03\x02\0\x3c\0\x01a";
    const MQTT_311: &[u8] = b"\x10\x18\0\x04MQTT\x04\xc2\0\0\0\x01b\0\x03gw1\0\x04pass";
    const MQTT_5: &[u8] = b"\x10\x14\0\x04MQTT\x05\x06\0\x3c\0\0\x01c\0\0\x01t\0\0";

    #[test]
    fn every_version_is_read_and_what_follows_stays() {
        for (bytes, version, id) in
            [(MQTT_31, Version::V3, "a"), (MQTT_311, Version::V3, "b"), (MQTT_5, Version::V5, "c")]
        {
            for cut in 0..bytes.len() {
                assert!(Hello::take(&mut BytesMut::from(&bytes[..cut])).unwrap().is_none(), "{id} {cut}");
            }
            let mut input = BytesMut::from(&[bytes, &[0xc0, 0]].concat()[..]);
            let hello = Hello::take(&mut input).unwrap().unwrap();
            assert_eq!((hello.version, &*hello.client_id), (version, id));
            assert_eq!(&input[..], [0xc0, 0]);
        }
        let hello = Hello::take(&mut BytesMut::from(MQTT_311)).unwrap().unwrap();
        assert_eq!((hello.user.as_deref(), hello.password.as_deref()), (Some("gw1"), Some(&b"pass"[..])));
        assert_eq!(hello.effective_keep_alive(&Limits::default()), 3_600);
        let will = Hello::take(&mut BytesMut::from(MQTT_5)).unwrap().unwrap().will.unwrap();
        assert_eq!((&*will.topic, &*will.message), ("t", &b""[..]));
    }

    #[test]
    fn an_unknown_version_is_told_from_nonsense() {
        let mut newer = MQTT_5.to_vec();
        newer[8] = 6;
        assert_eq!(Hello::take(&mut BytesMut::from(&newer[..])).unwrap_err(), Ended::UnknownVersion);
        newer[4] = b'X';
        assert_eq!(Hello::take(&mut BytesMut::from(&newer[..])).unwrap_err(), Ended::Malformed);
        assert_eq!(Hello::take(&mut BytesMut::from(&b"GET / HTTP"[..])).unwrap_err(), Ended::Protocol);
    }
}
