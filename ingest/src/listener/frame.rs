//! Where a packet ends, before anything of it is read: the fixed header with its length (MQTT 5, section 2.1).
//!
//! The codec would reserve the whole announced length when it sees a header. We look first, so that memory grows
//! with what a client has sent and not with what it announces.

use super::ended::Ended;

/// The first byte and the bounds of a packet that is wholly in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Packet type in the upper four bits, flags in the lower.
    pub(super) first_byte: u8,
    /// Where the body begins.
    pub(super) body: usize,
    /// Where the next packet begins.
    pub(super) end: usize,
}

impl Frame {
    /// Whether this is a PUBLISH.
    pub(super) const fn is_publish(self) -> bool {
        self.first_byte >> 4 == 3
    }
}

/// The packet at the start of `input`; `None` while it is not whole.
///
/// # Errors
/// [`Ended::TooLarge`] as soon as the header announces more than `max_bytes` in all, [`Ended::Malformed`] when the
/// length takes more than four bytes.
pub(super) fn first(input: &[u8], max_bytes: usize) -> Result<Option<Frame>, Ended> {
    let Some((&first_byte, rest)) = input.split_first() else {
        return Ok(None);
    };
    let mut length = 0;
    for (index, &byte) in rest.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let body = index + 2;
            let end = body + length;
            if end > max_bytes {
                return Err(Ended::TooLarge);
            }
            return Ok((end <= input.len()).then_some(Frame { first_byte, body, end }));
        }
    }
    if rest.len() >= 4 { Err(Ended::Malformed) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_the_whole_packet() {
        let packet = [0x30, 0x03, 1, 2, 3];
        for cut in 0..packet.len() {
            assert_eq!(first(&packet[..cut], 100), Ok(None));
        }
        assert_eq!(first(&packet, 100), Ok(Some(Frame { first_byte: 0x30, body: 2, end: 5 })));
    }

    #[test]
    fn refuses_by_the_header_alone() {
        assert_eq!(first(&[0x30, 0xff, 0xff, 0xff, 0x7f], 100), Err(Ended::TooLarge));
        assert_eq!(first(&[0x30, 0xff, 0xff, 0xff, 0xff], 100), Err(Ended::Malformed));
        assert_eq!(first(&[0x30, 0xff, 0xff, 0xff], 100), Ok(None));
        assert_eq!(first(&[0x30, 99, 0], 100), Err(Ended::TooLarge));
    }
}
