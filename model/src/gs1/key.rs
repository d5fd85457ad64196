//! The numeric keys: GTIN of a product, SSCC of a logistic unit, GLN of a place.

use std::fmt;

use super::check_digit::has_valid_check_digit;

/// Defines one numeric key: a newtype over its digits, built by `parse` alone.
macro_rules! key {
    ($(#[$doc:meta])* $name:ident, $title:literal, $stored:literal, $accepted:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $stored]);

        impl $name {
            /// The key `text` spells, its check digit verified.
            ///
            /// # Errors
            /// When `text` has another length, anything but digits, or a wrong check digit.
            pub fn parse(text: &str) -> Result<Self, KeyError> {
                let refuse = |cause| KeyError { key: $title, text: text.chars().take(40).collect(), cause };
                if !text.bytes().all(|byte| byte.is_ascii_digit()) || !$accepted.contains(&text.len()) {
                    return Err(refuse(concat!("use ", stringify!($stored), " digits")));
                }
                if !has_valid_check_digit(text) {
                    return Err(refuse("its last digit is not its check digit; look for a mistyped digit"));
                }
                let mut digits = [b'0'; $stored];
                digits[$stored - text.len()..].copy_from_slice(text.as_bytes());
                Ok(Self(digits))
            }

            /// The key as text, always of its full length.
            #[must_use]
            pub fn as_str(&self) -> &str {
                // Only digits are ever stored, so this never takes the other branch.
                std::str::from_utf8(&self.0).unwrap_or_default()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.as_str())
            }
        }
    };
}

key! {
    /// A global trade item number, 14 digits: which product.
    ///
    /// Read from 8, 12, 13 or 14 digits, kept as GTIN-14 with leading zeros: the check digit is the same in
    /// every form (GS1 General Specifications, 3.3).
    Gtin, "GTIN", 14, [8, 12, 13, 14]
}

key! {
    /// A serial shipping container code, 18 digits: which logistic unit.
    Sscc, "SSCC", 18, [18]
}

key! {
    /// A global location number, 13 digits: which place.
    Gln, "GLN", 13, [13]
}

/// A text that is not the key it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {key}: {cause}")]
pub struct KeyError {
    /// Which key was expected: `GTIN`, `SSCC` or `GLN`.
    pub key: &'static str,
    /// What was given, cut after 40 characters.
    pub text: String,
    /// What is wrong with it, and what to do.
    pub cause: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_every_gtin_as_fourteen_digits() {
        assert_eq!(Gtin::parse("09506000134352").unwrap(), Gtin::parse("9506000134352").unwrap());
        assert_eq!(Gtin::parse("02345673").unwrap().as_str(), "00000002345673");
        assert_eq!(Gtin::parse("416000336108").unwrap().to_string(), "00416000336108");
    }

    #[test]
    fn refuses_other_lengths_letters_and_wrong_check_digits() {
        for text in ["", "09506000134353", "0950600013435", "095060001343520", "0950600013435x", " 9506000134352"] {
            assert!(Gtin::parse(text).is_err(), "{text}");
        }
        assert!(Sscc::parse("106141411234567897").is_ok());
        assert!(Sscc::parse("106141411234567898").is_err());
        assert!(Gln::parse("9506000140445").is_ok());
        assert!(Gln::parse("09506000140445").is_err());
        let message = Gln::parse("9506000140446").unwrap_err().to_string();
        assert!(message.starts_with("`9506000140446` is not a GLN: its last digit"), "{message}");
    }
}
