//! A PUBLISH read in place: no copy and no allocation on the path every reading takes.
//!
//! The codec reads every other packet. For this one it would allocate a box per message and take the packet out
//! of the buffer, where it must stay when the journal has no room. A test holds both readers against each other.

use std::num::NonZeroU16;

use super::ended::Ended;

/// How often a message is to be delivered.
#[expect(clippy::enum_variant_names, reason = "the words of the specification")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Qos {
    /// At most once: no acknowledgement.
    AtMostOnce,
    /// At least once: PUBACK.
    AtLeastOnce,
    /// Exactly once: PUBREC, PUBREL, PUBCOMP.
    ExactlyOnce,
}

/// A PUBLISH packet (MQTT 5, section 3.3; MQTT 3.1.1, section 3.3) as it lies in the read buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Publish<'a> {
    pub(super) qos: Qos,
    /// Present unless the quality is at most once.
    pub(super) id: Option<NonZeroU16>,
    /// Unchecked; empty when an alias stands for it.
    pub(super) topic: &'a [u8],
    /// The topic alias (MQTT 5), unchecked.
    pub(super) alias: Option<u16>,
    pub(super) payload: &'a [u8],
}

impl<'a> Publish<'a> {
    /// Reads the body of a PUBLISH whose fixed header has `flags` in the lower four bits.
    ///
    /// # Errors
    /// [`Ended::Malformed`], or [`Ended::Protocol`] for a property a client must not send.
    pub(super) fn parse(flags: u8, body: &'a [u8], has_properties: bool) -> Result<Self, Ended> {
        let mut rest = Rest(body);
        let qos = match (flags >> 1) & 3 {
            0 => Qos::AtMostOnce,
            1 => Qos::AtLeastOnce,
            2 => Qos::ExactlyOnce,
            _ => return Err(Ended::Malformed),
        };
        let topic = rest.binary()?;
        let id = match qos {
            Qos::AtMostOnce => None,
            _ => Some(NonZeroU16::new(rest.u16()?).ok_or(Ended::Malformed)?),
        };
        let alias = if has_properties { Self::properties(rest.properties()?)? } else { None };
        Ok(Self { qos, id, topic, alias, payload: rest.0 })
    }

    /// Checks the properties (MQTT 5, section 3.3.2.3) and finds the one that matters here.
    fn properties(mut rest: Rest<'_>) -> Result<Option<u16>, Ended> {
        let mut alias = None;
        let mut seen = 0_u64;
        while let Some((&kind, after)) = rest.0.split_first() {
            rest.0 = after;
            match kind {
                0x01 if rest.take(1)?[0] <= 1 => {}
                0x02 if rest.take(4)? != [0; 4] => {}
                0x03 | 0x08 => rest.text()?,
                0x09 => drop(rest.binary()?),
                0x0b => return Err(Ended::Protocol),
                0x23 => alias = Some(rest.u16()?),
                0x26 => {
                    rest.text()?;
                    rest.text()?;
                    continue;
                }
                _ => return Err(Ended::Malformed),
            }
            if seen & 1 << kind != 0 {
                return Err(Ended::Malformed);
            }
            seen |= 1 << kind;
        }
        Ok(alias)
    }
}

/// What is left to read of a body.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Ended> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Ended::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<u16, Ended> {
        let (digits, rest) = self.0.split_first_chunk().ok_or(Ended::Malformed)?;
        self.0 = rest;
        Ok(u16::from_be_bytes(*digits))
    }

    fn binary(&mut self) -> Result<&'a [u8], Ended> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    fn text(&mut self) -> Result<(), Ended> {
        std::str::from_utf8(self.binary()?).map(drop).map_err(|_| Ended::Malformed)
    }

    /// The run of properties: a variable length, then that many bytes.
    fn properties(&mut self) -> Result<Self, Ended> {
        let mut length = 0;
        for index in 0..4 {
            let byte = self.take(1)?[0];
            length |= usize::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                return self.take(length).map(Self);
            }
        }
        Err(Ended::Malformed)
    }
}

#[cfg(test)]
mod tests;
