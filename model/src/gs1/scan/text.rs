//! Element strings as scanners send them, and as people write them.

use super::{LONGEST, SEPARATOR, Scan, ScanError, ScanFault};
use crate::gs1::identifier::Identifier;
use crate::gs1::lot::is_cset_82;

/// Symbology identifiers of codes that carry element strings: GS1-128, GS1 DataMatrix, GS1 QR, GS1 DataBar, GS1 DotCode.
const CARRIERS: [&str; 5] = ["]C1", "]d2", "]Q3", "]e0", "]J1"];

type Found = Vec<(&'static Identifier, String, String)>;

impl Scan {
    /// The code that a scanner sent: a symbology identifier or none, elements, and the separator GS (FNC1) after
    /// those whose length is not known.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of_elements(text: &str, reference_year: i32) -> Result<Self, ScanError> {
        let text = match text.starts_with(']') {
            false => text,
            true => CARRIERS.iter().find_map(|carrier| text.strip_prefix(carrier)).ok_or_else(|| {
                let shown: String = text.chars().take(3).collect();
                let what = format!(
                    "`{shown}` is a code without GS1 elements: use GS1-128, DataMatrix, QR, DataBar or DotCode, or type \
                     the number"
                );
                ScanError::new(ScanFault::NotGs1Carrier, what)
            })?,
        };
        let text = text.strip_prefix(SEPARATOR).unwrap_or(text);
        fits(text)?;
        let mut found: Found = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (identifier, ai) = Identifier::before(rest).ok_or_else(|| unknown(rest))?;
            let behind = &rest[ai.len()..];
            let value = if identifier.is_predefined {
                &behind[..behind.len().min(identifier.longest())]
            } else {
                behind.split(SEPARATOR).next().unwrap_or_default()
            };
            found.push((identifier, ai.to_owned(), value.to_owned()));
            let after = &behind[value.len()..];
            // a separator after a value of known length is not needed, and does no harm
            rest = after.strip_prefix(SEPARATOR).unwrap_or(after);
        }
        Self::checked(found, reference_year)
    }

    /// The code as it is written under the bars: `(01)09520123456788(10)LOT42`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of_brackets(text: &str, reference_year: i32) -> Result<Self, ScanError> {
        fits(text)?;
        let mut found: Found = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (ai, behind) = bracketed(rest).ok_or_else(|| unknown(rest))?;
            let identifier = Identifier::of(ai).ok_or_else(|| unknown(ai))?;
            // a value may have brackets of its own, but none around an identifier
            let known = |at: &usize| bracketed(&behind[*at..]).is_some_and(|(ai, _)| Identifier::of(ai).is_some());
            let end = behind.match_indices('(').map(|(at, _)| at).find(known).unwrap_or(behind.len());
            let (value, after) = behind.split_at(end);
            found.push((identifier, ai.to_owned(), value.to_owned()));
            rest = after;
        }
        Self::checked(found, reference_year)
    }
}

/// The digits in the brackets that `text` begins with, and what stands behind them.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let (ai, behind) = text.strip_prefix('(')?.split_once(')')?;
    let fits = (2..=4).contains(&ai.len()) && ai.bytes().all(|byte| byte.is_ascii_digit());
    fits.then_some((ai, behind))
}

/// Whether `text` has something in it, and nothing that no value has. It is plain ASCII then.
fn fits(text: &str) -> Result<(), ScanError> {
    if text.is_empty() {
        return Err(ScanError::new(ScanFault::Empty, "the code is empty: scan it again"));
    }
    if text.len() > LONGEST {
        return Err(ScanError::new(ScanFault::BadLengthOrCharset, "the code is too long to be one"));
    }
    let odd = |character: &char| {
        *character != SEPARATOR && !u8::try_from(*character).is_ok_and(|byte| byte.is_ascii() && is_cset_82(byte))
    };
    match text.chars().find(odd) {
        None => Ok(()),
        Some(character) => {
            let what = format!("`{}` stands in no GS1 code: look for a mistyped one", character.escape_default());
            Err(ScanError::new(ScanFault::BadCharset, what))
        }
    }
}

pub(super) fn unknown(rest: &str) -> ScanError {
    let shown: String = rest.chars().take(20).collect();
    let what = format!("`{}` begins with no application identifier", shown.escape_default());
    ScanError::new(ScanFault::UnknownIdentifier, what)
}
