//! A segment file: its name and its header. The format is described in `docs/formats.md`.

use std::path::{Path, PathBuf};

use super::Position;

/// The first bytes of every segment.
pub(super) const MAGIC: [u8; 8] = *b"CTRLWAL\n";
/// The format version written here, and the newest one read.
pub(super) const VERSION: u16 = 1;
/// The size of a segment's header, bytes.
pub(super) const HEADER_BYTES: usize = 64;

/// What stands at the head of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The random bytes every frame of the journal begins with.
    pub(super) mark: u32,
    /// The first position of this segment.
    pub(super) first: Position,
    /// The first position of the segment before; `Position::ZERO` when there was none.
    pub(super) previous: Position,
    /// Where the segment before ends; what lies beyond was never acknowledged. Bytes.
    pub(super) previous_end: u64,
    /// When the segment was created, ms since the epoch. For people; nothing depends on it.
    pub(super) created_at_ms: i64,
}

/// What the first bytes of a file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadHeader {
    /// A header of our version.
    Valid(Header),
    /// A header of a version newer than ours.
    Newer(u16),
    /// Too short, or not what its checksum says.
    Bad,
}

impl Header {
    /// The header's bytes.
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[0..8].copy_from_slice(&MAGIC);
        out[8..10].copy_from_slice(&VERSION.to_le_bytes());
        out[10..12].copy_from_slice(&(HEADER_BYTES as u16).to_le_bytes());
        out[12..16].copy_from_slice(&self.mark.to_le_bytes());
        out[16..24].copy_from_slice(&self.first.get().to_le_bytes());
        out[24..32].copy_from_slice(&self.previous.get().to_le_bytes());
        out[32..40].copy_from_slice(&self.previous_end.to_le_bytes());
        out[40..48].copy_from_slice(&self.created_at_ms.to_le_bytes());
        let crc = crc32c::crc32c(&out[..60]);
        out[60..64].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a header from the first bytes of a file.
    pub(super) fn decode(bytes: &[u8]) -> ReadHeader {
        let (Some(magic), Some(version)) = (bytes.get(..8), bytes.get(8..10)) else {
            return ReadHeader::Bad;
        };
        let version = u16::from_le_bytes([version[0], version[1]]);
        if magic != MAGIC || version == 0 {
            return ReadHeader::Bad;
        }
        if version > VERSION {
            return ReadHeader::Newer(version);
        }
        if bytes.len() < HEADER_BYTES || crc32c::crc32c(&bytes[..60]) != read_u32(bytes, 60) {
            return ReadHeader::Bad;
        }
        ReadHeader::Valid(Self {
            mark: read_u32(bytes, 12),
            first: Position::new(read_u64(bytes, 16)),
            previous: Position::new(read_u64(bytes, 24)),
            previous_end: read_u64(bytes, 32),
            created_at_ms: read_u64(bytes, 40).cast_signed(),
        })
    }
}

/// Four bytes at `at`; the caller has checked the length.
pub(super) fn read_u32(bytes: &[u8], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

/// Eight bytes at `at`; the caller has checked the length.
pub(super) fn read_u64(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}

/// Where the segment that begins with `first` lies.
pub(super) fn path(dir: &Path, first: Position) -> PathBuf {
    dir.join(format!("{:020}.wal", first.get()))
}

/// The first position a segment's file name says; `None` when it is no segment's name.
pub(super) fn first_of_name(name: &str) -> Option<Position> {
    let digits = name.strip_suffix(".wal")?;
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok().map(Position::new) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header {
        mark: 0x1234_5678,
        first: Position::new(17),
        previous: Position::new(3),
        previous_end: 4711,
        created_at_ms: -5,
    };

    #[test]
    fn a_header_reads_back_and_no_flipped_bit_goes_unseen() {
        let bytes = HEADER.encode();
        assert_eq!(Header::decode(&bytes), ReadHeader::Valid(HEADER));
        for bit in 0..HEADER_BYTES * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(Header::decode(&flipped), ReadHeader::Valid(_)), "bit {bit}");
        }
        assert_eq!(Header::decode(&bytes[..63]), ReadHeader::Bad);
        assert_eq!(Header::decode(&[]), ReadHeader::Bad);
    }

    #[test]
    fn only_its_own_form_of_name_is_a_segment() {
        assert_eq!(first_of_name("00000000000000000017.wal"), Some(Position::new(17)));
        assert_eq!(first_of_name("17.wal"), None);
        assert_eq!(first_of_name("+0000000000000000017.wal"), None);
        assert_eq!(first_of_name("00000000000000000017.bin"), None);
    }
}
