//! Why a connection ends, and what the client and the operator are told about it.

use rmqtt_codec::error::DecodeError;

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The client said DISCONNECT.
    Goodbye,
    /// The client said DISCONNECT and asked for its will (MQTT 5 reason 0x04).
    GoodbyeWithWill,
    /// The connection broke or was closed without a DISCONNECT.
    Vanished,
    /// The client did not read what we wrote.
    Unread,
    /// Nothing came for one and a half keep-alives.
    Silent,
    /// Bytes that are not MQTT.
    Malformed,
    /// A CONNECT of a version of MQTT that we do not speak.
    UnknownVersion,
    /// A packet that must not come, or not now.
    Protocol,
    /// A publish outside the client's right, from a client that cannot be told otherwise (MQTT 3).
    NotAuthorized,
    /// A topic with a wildcard, or too long a topic from a client that cannot be told otherwise.
    TopicInvalid,
    /// More unacknowledged publishes than agreed.
    OverReceiveMaximum,
    /// A topic alias out of range.
    AliasInvalid,
    /// A packet over the size limit.
    TooLarge,
    /// The same client connected again.
    TakenOver,
    /// The server stops.
    Shutdown,
    /// What the client sent did not reach the disk, and never will.
    Lost,
}

impl Ended {
    /// The reason code of our DISCONNECT (MQTT 5, section 3.14.2.1); `None` when the client is gone already.
    pub(super) const fn code(self) -> Option<u8> {
        match self {
            Self::Goodbye | Self::GoodbyeWithWill | Self::Vanished | Self::Unread => None,
            Self::Silent => Some(0x8d),
            Self::Malformed => Some(0x81),
            Self::Protocol | Self::UnknownVersion => Some(0x82),
            Self::NotAuthorized => Some(0x87),
            Self::TopicInvalid => Some(0x90),
            Self::OverReceiveMaximum => Some(0x93),
            Self::AliasInvalid => Some(0x94),
            Self::TooLarge => Some(0x95),
            Self::TakenOver => Some(0x8e),
            Self::Shutdown => Some(0x8b),
            Self::Lost => Some(0x83),
        }
    }

    /// The word for it in logs and metrics.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Goodbye => "goodbye",
            Self::GoodbyeWithWill => "goodbye_with_will",
            Self::Vanished => "vanished",
            Self::Unread => "unread",
            Self::Silent => "silent",
            Self::Malformed => "malformed",
            Self::UnknownVersion => "unknown_version",
            Self::Protocol => "protocol",
            Self::NotAuthorized => "not_authorized",
            Self::TopicInvalid => "topic_invalid",
            Self::OverReceiveMaximum => "over_receive_maximum",
            Self::AliasInvalid => "alias_invalid",
            Self::TooLarge => "too_large",
            Self::TakenOver => "taken_over",
            Self::Shutdown => "shutdown",
            Self::Lost => "lost",
        }
    }

    /// Whether the client's will is due: it went without a DISCONNECT, or asked for it. Our own stop is not the
    /// client's going.
    pub(super) const fn leaves_will(self) -> bool {
        !matches!(self, Self::Goodbye | Self::Shutdown)
    }

    /// Whether acknowledgements that are still owed are waited for before the connection is closed.
    pub(super) const fn settles_first(self) -> bool {
        matches!(self, Self::Goodbye | Self::GoodbyeWithWill | Self::Vanished | Self::Shutdown)
    }
}

impl From<DecodeError> for Ended {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::MaxSizeExceeded { .. } => Self::TooLarge,
            DecodeError::InvalidTopicName => Self::TopicInvalid,
            _ => Self::Malformed,
        }
    }
}
