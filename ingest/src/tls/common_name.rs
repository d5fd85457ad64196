//! The common name of a certificate's subject, read from its DER.
//!
//! Only called on certificates that rustls has verified. Reads the one path it needs (RFC 5280, section 4.1):
//! certificate, to-be-signed part, subject, the attribute 2.5.4.3. Anything unexpected is `None`.

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const EXPLICIT_VERSION: u8 = 0xa0;
/// id-at-commonName, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// The last (most specific) common name of the subject, when it is a UTF-8 or printable string.
#[must_use]
pub fn common_name(certificate: &[u8]) -> Option<&str> {
    let mut outer = Der(certificate).enter(SEQUENCE)?;
    let mut signed = outer.enter(SEQUENCE)?;
    if signed.0.first() == Some(&EXPLICIT_VERSION) {
        signed.next()?;
    }
    for _serial_algorithm_issuer_validity in 0..4 {
        signed.next()?;
    }
    let mut subject = signed.enter(SEQUENCE)?;
    let mut found = None;
    while !subject.0.is_empty() {
        let mut attributes = subject.enter(SET)?;
        while !attributes.0.is_empty() {
            let mut attribute = attributes.enter(SEQUENCE)?;
            let (tag, kind) = attribute.next()?;
            let (form, value) = attribute.next()?;
            let is_text = matches!(form, UTF8_STRING | PRINTABLE_STRING);
            if tag == OBJECT_IDENTIFIER && kind == COMMON_NAME && is_text {
                found = std::str::from_utf8(value).ok();
            }
        }
    }
    found
}

/// What is left to read of a run of DER elements.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next element: its tag and its content.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 {
                return None;
            }
            let (digits, rest) = rest.split_at_checked(count)?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The content of the next element, which must have `tag`.
    fn enter(&mut self, tag: u8) -> Option<Self> {
        let (found, content) = self.next()?;
        (found == tag).then_some(Self(content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag, 0x81, u8::try_from(content.len()).unwrap_or(u8::MAX)];
        bytes.extend_from_slice(content);
        bytes
    }

    fn certificate(names: &[(&[u8], u8, &[u8])]) -> Vec<u8> {
        let subject: Vec<u8> = names
            .iter()
            .flat_map(|(kind, form, value)| {
                let pair = [element(OBJECT_IDENTIFIER, kind), element(*form, value)].concat();
                element(SET, &element(SEQUENCE, &pair))
            })
            .collect();
        let signed = [
            element(EXPLICIT_VERSION, &[2, 1, 2]),
            element(0x02, &[1]),
            element(SEQUENCE, &[]),
            element(SEQUENCE, &[]),
            element(SEQUENCE, &[]),
            element(SEQUENCE, &subject),
        ]
        .concat();
        element(SEQUENCE, &element(SEQUENCE, &signed))
    }

    #[test]
    fn finds_the_common_name_among_other_attributes() {
        let organisation: &[u8] = &[0x55, 0x04, 0x0a];
        let der = certificate(&[(organisation, UTF8_STRING, b"ACME"), (COMMON_NAME, PRINTABLE_STRING, b"gw-7")]);
        assert_eq!(common_name(&der), Some("gw-7"));
        assert_eq!(common_name(&certificate(&[(organisation, UTF8_STRING, b"ACME")])), None);
    }

    #[test]
    fn survives_every_cut_and_every_flipped_byte() {
        let der = certificate(&[(COMMON_NAME, UTF8_STRING, b"gw-7")]);
        for cut in 0..der.len() {
            assert_eq!(common_name(&der[..cut]), None);
            let mut flipped = der.clone();
            flipped[cut] ^= 0xff;
            let _ = common_name(&flipped);
        }
    }
}
