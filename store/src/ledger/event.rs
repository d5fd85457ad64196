//! Events: what is written down once and never changed, each chained to the one before by its hash.

use std::fmt;

use model::instant::RecordedAt;
use sha2::{Digest, Sha256};

/// Stands in front of the bytes an event's hash is taken over, so that they mean nothing anywhere else.
const EVENT_DOMAIN: &[u8] = b"coldtrail ledger event 1\n";

/// What the previous hash of the first event is the SHA-256 of.
const GENESIS_DOMAIN: &[u8] = b"coldtrail ledger genesis 1\n";

/// The place of an event in the ledger. The first is 1, there are no gaps, and it alone orders events: recorded
/// times may repeat or go back with the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(u64);

impl Sequence {
    /// Before the first event.
    pub const ZERO: Self = Self(0);

    /// The sequence number `number`.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The one after.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// As databases keep it.
    pub(crate) fn to_sql(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }

    /// From a database's number; a negative one is before the first event.
    pub(crate) fn from_sql(number: i64) -> Self {
        Self(u64::try_from(number).unwrap_or(0))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A SHA-256, written as 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The hash of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The previous hash of the first event.
    #[must_use]
    pub fn genesis() -> Self {
        Self::of(GENESIS_DOMAIN)
    }

    /// The hash `text` spells, lowercase only.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let lowercase = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        if digits.len() != 64 || !digits.iter().all(lowercase) {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// The end of the chain at some moment. Kept outside, it proves later that nothing up to it was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The last event; 0 when there is none.
    pub seq: Sequence,
    /// Its hash.
    pub hash: Hash,
}

impl Checkpoint {
    /// The end of a ledger without events.
    #[must_use]
    pub fn genesis() -> Self {
        Self { seq: Sequence::ZERO, hash: Hash::genesis() }
    }

    /// Reads `SEQ:HASH`, the form it is displayed in.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (seq, hash) = text.split_once(':')?;
        Some(Self { seq: Sequence(seq.parse().ok()?), hash: Hash::parse(hash)? })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

/// One event as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place.
    pub seq: Sequence,
    /// When it was recorded, by our clock.
    pub recorded_at: RecordedAt,
    /// Who did it: the name of a person, a token, or `system`.
    pub actor: String,
    /// What kind of event it is.
    pub kind: String,
    /// What happened: canonical JSON.
    pub body: String,
    /// The hash of the event before, or [`Hash::genesis`].
    pub previous_hash: Hash,
    /// Its own hash.
    pub hash: Hash,
}

impl Event {
    /// The hash an event with this content must have (docs/formats.md, the ledger).
    ///
    /// Every part has a fixed length or its length in front, so that no two events share their bytes.
    #[must_use]
    pub fn expected_hash(&self) -> Hash {
        let mut sha = Sha256::new();
        sha.update(EVENT_DOMAIN);
        sha.update(self.previous_hash.0);
        sha.update(self.seq.0.to_le_bytes());
        sha.update(self.recorded_at.millis().to_le_bytes());
        for part in [&self.actor, &self.kind, &self.body] {
            sha.update((part.len() as u64).to_le_bytes());
            sha.update(part.as_bytes());
        }
        Hash(sha.finalize().into())
    }

    /// The end of the chain when this event is the last.
    #[must_use]
    pub const fn checkpoint(&self) -> Checkpoint {
        Checkpoint { seq: self.seq, hash: self.hash }
    }
}

/// An event before it has a place: who did what.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) actor: String,
    pub(crate) kind: &'static str,
    /// Canonical JSON.
    pub(crate) body: String,
}

/// Chains `drafts` to `head`, all recorded at once.
pub(crate) fn seal(drafts: Vec<Draft>, head: Checkpoint, recorded_at: RecordedAt) -> Vec<Event> {
    let mut end = head;
    let mut events = Vec::with_capacity(drafts.len());
    for Draft { actor, kind, body } in drafts {
        let (seq, previous_hash) = (end.seq.next(), end.hash);
        let mut event = Event { seq, recorded_at, actor, kind: kind.to_owned(), body, previous_hash, hash: end.hash };
        event.hash = event.expected_hash();
        end = event.checkpoint();
        events.push(event);
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        let draft = Draft { actor: "system".into(), kind: "system", body: "{\"what\":\"created\"}".into() };
        seal(vec![draft], Checkpoint::genesis(), RecordedAt::from_millis(1_795_341_600_000)).pop().unwrap()
    }

    #[test]
    fn the_documented_bytes_are_the_ones_hashed() {
        let event = event();
        let mut bytes = b"coldtrail ledger event 1\n".to_vec();
        bytes.extend(Sha256::digest(b"coldtrail ledger genesis 1\n"));
        bytes.extend(1_u64.to_le_bytes());
        bytes.extend(1_795_341_600_000_i64.to_le_bytes());
        for part in ["system", "system", "{\"what\":\"created\"}"] {
            bytes.extend((part.len() as u64).to_le_bytes());
            bytes.extend(part.as_bytes());
        }
        assert_eq!(event.hash, Hash::of(&bytes));
    }

    #[test]
    fn no_part_can_change_without_the_hash() {
        let event = event();
        let changed = [
            Event { seq: Sequence(2), ..event.clone() },
            Event { recorded_at: RecordedAt::from_millis(0), ..event.clone() },
            Event { actor: "systems".into(), kind: "ystem".into(), ..event.clone() },
            Event { body: "{}".into(), ..event.clone() },
            Event { previous_hash: Hash::of(b""), ..event.clone() },
        ];
        for other in changed {
            assert_ne!(other.expected_hash(), event.hash, "{other:?}");
        }
    }

    #[test]
    fn hashes_read_back() {
        let hash = Hash::genesis();
        assert_eq!(Hash::parse(&hash.to_string()), Some(hash));
        for wrong in ["", "abc", &hash.to_string().to_uppercase(), &"é".repeat(32)] {
            assert_eq!(Hash::parse(wrong), None, "{wrong}");
        }
    }
}
