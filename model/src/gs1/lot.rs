//! Lots: the text a maker prints on the pack, and the key it makes together with the product.

use std::fmt;

use super::key::Gtin;

/// A lot number as printed: 1 to 20 characters of GS1 character set 82, compared exactly.
///
/// `LOT42` is not `lot42` (GS1 General Specifications, 3.4.1 and 7.11).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LotText(Box<str>);

impl LotText {
    /// The longest lot number, in characters (all of them one byte).
    pub const MAX_LEN: usize = 20;

    /// The lot number `text` spells.
    ///
    /// # Errors
    /// When `text` is empty, longer than [`LotText::MAX_LEN`] or has a character outside character set 82.
    pub fn parse(text: &str) -> Result<Self, LotError> {
        if !(1..=Self::MAX_LEN).contains(&text.len()) || !text.bytes().all(is_cset_82) {
            return Err(LotError { text: text.chars().take(40).collect() });
        }
        Ok(Self(text.into()))
    }

    /// The lot number as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `byte` is one of the 82 characters of GS1 General Specifications, figure 7.11-1.
pub(super) fn is_cset_82(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!\"%&'()*+,-./:;<=>?_".contains(&byte)
}

/// A lot of a product: what (GTIN, lot number) identifies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LotKey {
    /// The product.
    pub gtin: Gtin,
    /// The lot number within the product.
    pub lot: LotText,
}

impl LotKey {
    /// The key that `GTIN/LOT` spells.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (gtin, lot) = text.split_once('/').ok_or("write it as GTIN/LOT")?;
        let gtin = Gtin::parse(gtin).map_err(|error| error.to_string())?;
        let lot = LotText::parse(lot).map_err(|error| error.to_string())?;
        Ok(Self { gtin, lot })
    }
}

impl fmt::Display for LotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.gtin, self.lot)
    }
}

/// A text that is not a [`LotText`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a lot number: use 1 to 20 letters, digits or `! \" % & ' ( ) * + , - . / : ; < = > ? _`")]
pub struct LotError {
    /// What was given, cut after 40 characters.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_82_characters_and_keeps_their_case() {
        assert_eq!((0..=255_u8).filter(|byte| is_cset_82(*byte)).count(), 82);
        assert_ne!(LotText::parse("LOT42"), LotText::parse("lot42"));
    }

    #[test]
    fn refuses_what_no_label_can_carry() {
        for text in ["", "a b", "LOT#4", "ä", "x\u{1d}17271130", &"x".repeat(21)] {
            assert!(LotText::parse(text).is_err(), "{text}");
        }
        assert!(LotText::parse(&"x".repeat(20)).is_ok());
    }
}
