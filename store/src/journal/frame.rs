//! A frame: one message, or a gap, with checksums. The format is described in `docs/formats.md`.

use model::instant::ReceivedAt;

use super::segment::{read_u32, read_u64};
use super::{Delivery, Entry, Gap, Journaled, Position, Source};

/// The size of a frame's header, bytes.
pub(super) const HEADER_BYTES: usize = 32;
/// What a message's body holds beside client, topic and payload, bytes.
const MESSAGE_BYTES: usize = 8 + 1 + 2 + 2;
/// What a gap's body holds beside the name, bytes. Never more than the smallest message, so that it always fits.
const GAP_BYTES: usize = 8 + 2;

const MESSAGE: u8 = 1;
const GAP: u8 = 2;

/// What the head of a frame says, once its checksum is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    kind: u8,
    /// Length of the body, bytes.
    pub(super) body: usize,
    /// The (first) position.
    pub(super) position: Position,
    /// The first position of the commit this frame was written with.
    pub(super) commit: Position,
    body_crc: u32,
}

/// A frame at the start of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    /// Its head.
    pub(super) head: Head,
    /// What it holds.
    pub(super) entry: Entry<'a>,
    /// Its length with head and body, bytes.
    pub(super) len: usize,
}

/// What the start of some bytes turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parsed<'a> {
    /// A whole frame.
    Whole(Frame<'a>),
    /// The beginning of a frame of this many bytes.
    Short(usize),
    /// No frame; what is wrong.
    Bad(&'static str),
}

/// How many bytes the frame of a delivery takes.
pub(super) fn encoded_len(delivery: &Delivery<'_>) -> usize {
    HEADER_BYTES + MESSAGE_BYTES + delivery.client.len() + delivery.topic.len() + delivery.payload.len()
}

/// Appends the frame of a delivery. Client and topic are at most 65,535 bytes, the frame under 4 GiB.
pub(super) fn encode(out: &mut Vec<u8>, mark: u32, position: Position, commit: Position, delivery: &Delivery<'_>) {
    let start = out.len();
    out.reserve(encoded_len(delivery));
    out.extend_from_slice(&[0; HEADER_BYTES]);
    out.extend_from_slice(&delivery.received_at.millis().to_le_bytes());
    out.push(delivery.source as u8);
    out.extend_from_slice(&(delivery.client.len() as u16).to_le_bytes());
    out.extend_from_slice(delivery.client.as_bytes());
    out.extend_from_slice(&(delivery.topic.len() as u16).to_le_bytes());
    out.extend_from_slice(delivery.topic.as_bytes());
    out.extend_from_slice(delivery.payload);
    seal(&mut out[start..], mark, MESSAGE, position, commit);
}

/// A gap frame for the positions `first` to `last` that is exactly `len` bytes long.
pub(super) fn encode_gap(len: usize, mark: u32, first: Position, last: Position, file: &str) -> Vec<u8> {
    assert!(len >= HEADER_BYTES + GAP_BYTES, "a gap replaces at least one frame");
    let mut out = vec![0; len];
    let room = len - HEADER_BYTES - GAP_BYTES;
    let file = if file.len() <= room { file } else { "" };
    let body = &mut out[HEADER_BYTES..];
    body[..8].copy_from_slice(&last.get().to_le_bytes());
    body[8..10].copy_from_slice(&(file.len() as u16).to_le_bytes());
    body[10..10 + file.len()].copy_from_slice(file.as_bytes());
    seal(&mut out, mark, GAP, first, first);
    out
}

/// Writes the head of the frame whose body is in place.
fn seal(frame: &mut [u8], mark: u32, kind: u8, position: Position, commit: Position) {
    let body = frame.len() - HEADER_BYTES;
    let body_crc = crc32c::crc32c(&frame[HEADER_BYTES..]);
    let back = position.get() - commit.get();
    frame[0..4].copy_from_slice(&mark.to_le_bytes());
    frame[4] = kind;
    frame[8..12].copy_from_slice(&(body as u32).to_le_bytes());
    frame[12..20].copy_from_slice(&position.get().to_le_bytes());
    frame[20..24].copy_from_slice(&(back as u32).to_le_bytes());
    frame[24..28].copy_from_slice(&body_crc.to_le_bytes());
    let crc = crc32c::crc32c(&frame[..28]);
    frame[28..32].copy_from_slice(&crc.to_le_bytes());
}

/// Reads the frame at the start of `bytes` and verifies both checksums.
pub(super) fn parse(bytes: &[u8], mark: u32) -> Parsed<'_> {
    if bytes.len() < HEADER_BYTES {
        return Parsed::Short(HEADER_BYTES);
    }
    let head = match parse_head(bytes, mark) {
        Ok(head) => head,
        Err(what) => return Parsed::Bad(what),
    };
    let len = HEADER_BYTES + head.body;
    let Some(body) = bytes.get(HEADER_BYTES..len) else {
        return Parsed::Short(len);
    };
    if crc32c::crc32c(body) != head.body_crc {
        return Parsed::Bad("the checksum of the frame's body is wrong");
    }
    match entry(&head, body) {
        Some(entry) => Parsed::Whole(Frame { head, entry, len }),
        None => Parsed::Bad("the frame holds a kind or source this version does not know"),
    }
}

/// Reads the frame at the start of bytes that this process wrote or has verified; no checksum is computed.
pub(super) fn parse_verified(bytes: &[u8]) -> Option<(Entry<'_>, usize)> {
    if bytes.len() < HEADER_BYTES {
        return None;
    }
    let head = head_fields(bytes);
    let len = HEADER_BYTES + head.body;
    Some((entry(&head, bytes.get(HEADER_BYTES..len)?)?, len))
}

fn parse_head(bytes: &[u8], mark: u32) -> Result<Head, &'static str> {
    if read_u32(bytes, 0) != mark {
        return Err("no frame begins here");
    }
    if crc32c::crc32c(&bytes[..28]) != read_u32(bytes, 28) {
        return Err("the checksum of the frame's head is wrong");
    }
    Ok(head_fields(bytes))
}

fn head_fields(bytes: &[u8]) -> Head {
    let position = read_u64(bytes, 12);
    Head {
        kind: bytes[4],
        body: read_u32(bytes, 8) as usize,
        position: Position::new(position),
        commit: Position::new(position.saturating_sub(u64::from(read_u32(bytes, 20)))),
        body_crc: read_u32(bytes, 24),
    }
}

fn entry<'a>(head: &Head, body: &'a [u8]) -> Option<Entry<'a>> {
    match head.kind {
        MESSAGE => {
            let (received_at, rest) = body.split_first_chunk::<8>()?;
            let (source, rest) = rest.split_first()?;
            let (client, rest) = text(rest)?;
            let (topic, payload) = text(rest)?;
            let received_at = ReceivedAt::from_millis(i64::from_le_bytes(*received_at));
            let delivery = Delivery { received_at, source: Source::from_u8(*source)?, client, topic, payload };
            Some(Entry::Message(Journaled { position: head.position, delivery }))
        }
        GAP => {
            let (last, rest) = body.split_first_chunk::<8>()?;
            let (file, _zeros) = text(rest)?;
            let last = Position::new(u64::from_le_bytes(*last));
            (last >= head.position).then_some(Entry::Gap(Gap { first: head.position, last, file }))
        }
        _ => None,
    }
}

/// A text with its length before it, and the bytes after it.
fn text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<2>()?;
    let (text, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*len)))?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: u32 = 0xC01D_7A11;

    fn delivery(payload: &[u8]) -> Delivery<'_> {
        Delivery {
            received_at: ReceivedAt::from_millis(1_795_341_600_000),
            source: Source::Listener,
            client: "gw-1",
            topic: "coldtrail/v1/depot/gw-1/readings",
            payload,
        }
    }

    #[test]
    fn a_frame_reads_back_and_no_flipped_bit_goes_unseen() {
        let delivery = delivery(b"{\"t\":4.5}");
        let mut bytes = Vec::new();
        encode(&mut bytes, MARK, Position::new(12), Position::new(10), &delivery);
        assert_eq!(bytes.len(), encoded_len(&delivery));
        let Parsed::Whole(frame) = parse(&bytes, MARK) else { unreachable!("a whole frame") };
        assert_eq!(frame.entry, Entry::Message(Journaled { position: Position::new(12), delivery }));
        assert_eq!((frame.len, frame.head.commit), (bytes.len(), Position::new(10)));
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(parse(&bytes, MARK), Parsed::Bad(_)), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for cut in 0..bytes.len() {
            assert!(matches!(parse(&bytes[..cut], MARK), Parsed::Short(_)), "cut at {cut}");
        }
    }

    #[test]
    fn a_gap_fits_into_the_smallest_frame_and_keeps_a_name_when_there_is_room() {
        let empty = Delivery { client: "", topic: "", ..delivery(b"") };
        for (len, name) in [(encoded_len(&empty), ""), (200, "damaged-1-64.bin")] {
            let bytes = encode_gap(len, MARK, Position::new(4), Position::new(9), "damaged-1-64.bin");
            let Parsed::Whole(frame) = parse(&bytes, MARK) else { unreachable!("a whole frame") };
            let gap = Gap { first: Position::new(4), last: Position::new(9), file: name };
            assert_eq!((frame.entry, frame.len), (Entry::Gap(gap), len));
        }
    }
}
