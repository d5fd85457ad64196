//! Names given by people: of sites, gateways, sensors, places and units.

use std::fmt;

/// A name: 1 to 64 characters of `A-Z a-z 0-9 . _ -`.
///
/// Only names leave the edge of the system; anything else from a topic or a payload is refused with reason
/// `name`, so that no path, partition or statement is ever built from unchecked text (invariant S1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

impl Name {
    /// The longest name, in characters (all of them one byte).
    pub const MAX_LEN: usize = 64;

    /// The name `text` spells, or what is wrong with it.
    ///
    /// # Errors
    /// When `text` is empty, longer than [`Name::MAX_LEN`] or has a character outside the alphabet.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if !Self::is_valid(text) {
            return Err(NameError { text: text.chars().take(80).collect() });
        }
        Ok(Self(text.into()))
    }

    /// Whether `text` spells a name; for hot paths that intern the text themselves.
    #[must_use]
    pub fn is_valid(text: &str) -> bool {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        (1..=Self::MAX_LEN).contains(&text.len()) && text.bytes().all(allowed)
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A text that is not a [`Name`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a name: use 1 to 64 of `A-Z a-z 0-9 . _ -`")]
pub struct NameError {
    /// What was given, cut after 80 characters.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_to_the_alphabet() {
        for text in ["WH1-CR2-A", "a", "0._-", &"x".repeat(64)] {
            assert!(Name::is_valid(text), "{text}");
        }
        for text in ["", "../x", "lot=1", "a b", "ä", "a\u{202e}", "%2e", "a/b", "a\0", &"x".repeat(65)] {
            assert!(Name::parse(text).is_err(), "{text}");
        }
    }
}
