//! What goes into the journal and what comes out of it again.

use model::instant::ReceivedAt;

/// A raw message as it came from a source, before anything was made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery<'a> {
    /// When it arrived, by our clock.
    pub received_at: ReceivedAt,
    /// The door it came through.
    pub source: Source,
    /// The MQTT client id, or the user of an HTTP request; at most 65,535 bytes.
    pub client: &'a str,
    /// The MQTT topic, or the path it was sent to; at most 65,535 bytes.
    pub topic: &'a str,
    /// The message itself, whatever it holds.
    pub payload: &'a [u8],
}

/// The door a delivery came through. Written to disk as its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Source {
    /// Our own MQTT door.
    Listener = 1,
    /// Taken from somebody's broker.
    Collector = 2,
    /// An HTTP request.
    Http = 3,
}

impl Source {
    /// The source a number on disk stands for; `None` for a number of a newer version.
    #[must_use]
    pub const fn from_u8(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Listener),
            2 => Some(Self::Collector),
            3 => Some(Self::Http),
            _ => None,
        }
    }

    /// The stable word for this source.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Listener => "listener",
            Self::Collector => "collector",
            Self::Http => "http",
        }
    }
}

/// The sequence number of a journaled message. The first is 1; 0 stands before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    /// Before the first message.
    pub const ZERO: Self = Self(0);

    /// The position with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// One entry read back from the journal, in the order of positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// A message, as it was appended.
    Message(Journaled<'a>),
    /// Messages that were damaged on disk and set aside.
    Gap(Gap<'a>),
}

impl Entry<'_> {
    /// The last position this entry stands for.
    #[must_use]
    pub const fn last(&self) -> Position {
        match self {
            Self::Message(message) => message.position,
            Self::Gap(gap) => gap.last,
        }
    }
}

/// A message with its place in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Journaled<'a> {
    /// Its place.
    pub position: Position,
    /// The message.
    pub delivery: Delivery<'a>,
}

/// A range of positions whose bytes were damaged and moved out of the segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap<'a> {
    /// The first position that cannot be read.
    pub first: Position,
    /// The last position that cannot be read.
    pub last: Position,
    /// The file beside the segments that holds the damaged bytes. Empty when the damaged range was too short
    /// to keep the name; the file is then `damaged-{segment}-{offset}.bin`.
    pub file: &'a str,
}
