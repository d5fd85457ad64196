//! What a scanner gives: element strings, their form for people, and web addresses built on a key (Digital Link).
//!
//! Values are checked as the identifier in front of them wants it: letters, length, check digit, date. Sources: GS1
//! General Specifications, sections 3, 5.10 (symbology identifiers), 7.8 (separators) and 7.12 (centuries); GS1
//! Digital Link: URI Syntax, section 4.

mod date;
mod link;
mod text;

use chrono::{NaiveDate, NaiveDateTime};

use super::check_digit::has_valid_check_digit;
use super::identifier::{Identifier, Letters, Part, Rule};
use super::key::{Gln, Gtin, Sscc};
use super::lot::LotText;

pub use date::{Expiry, year_of};

/// The separator as scanners send it: FNC1 in the second place or later, or at the front.
const SEPARATOR: char = '\u{1d}';

/// The longest text looked at, in bytes.
const LONGEST: usize = 8 << 10;

/// What a code says: elements in the order they stand, each checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    elements: Vec<Element>,
}

/// One element: an application identifier and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// The identifier's digits.
    pub ai: Box<str>,
    /// The value as it stands in the code.
    pub value: Box<str>,
    /// The date it spells, where it is one.
    pub date: Option<NaiveDate>,
    /// Whether the code left the day of that date open.
    pub is_day_open: bool,
    /// The date and time of day it spells, where it does; without a time zone.
    pub local_time: Option<NaiveDateTime>,
}

/// Why a text is no code. Each has a stable word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanFault {
    /// There is nothing in it.
    Empty,
    /// It is of a symbology that carries no element strings.
    NotGs1Carrier,
    /// It begins with no known identifier.
    UnknownIdentifier,
    /// A character that no value may have.
    BadCharset,
    /// A value is too short, too long, or has other characters than its identifier wants.
    BadLengthOrCharset,
    /// A check digit is wrong.
    CheckDigit,
    /// A month that is none.
    IllegalMonth,
    /// A day that is none.
    IllegalDay,
    /// An hour that is none.
    IllegalHour,
    /// A minute that is none.
    IllegalMinute,
    /// An element without the one it belongs to.
    RequisiteMissing,
    /// An element twice, with different values.
    ConflictingRepeat,
    /// No web address.
    NotADlUri,
    /// A web address that ends in a slash.
    TrailingSlash,
    /// A web address without a key to identify anything by.
    NoPrimaryKey,
    /// A web address whose qualifiers are not those of its key, or in another order.
    BadKeyQualifier,
    /// A parameter of a web address without a value.
    EmptyValue,
    /// An expiry is expected and not there, as when a separator is missing and the lot swallowed it.
    ExpiryMissing,
}

impl ScanFault {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotGs1Carrier => "not_gs1_carrier",
            Self::UnknownIdentifier => "unknown_identifier",
            Self::BadCharset => "bad_charset",
            Self::BadLengthOrCharset => "bad_length_or_charset",
            Self::CheckDigit => "check_digit",
            Self::IllegalMonth => "illegal_month",
            Self::IllegalDay => "illegal_day",
            Self::IllegalHour => "illegal_hour",
            Self::IllegalMinute => "illegal_minute",
            Self::RequisiteMissing => "requisite_missing",
            Self::ConflictingRepeat => "conflicting_repeat",
            Self::NotADlUri => "not_a_dl_uri",
            Self::TrailingSlash => "trailing_slash",
            Self::NoPrimaryKey => "no_primary_key",
            Self::BadKeyQualifier => "bad_key_qualifier",
            Self::EmptyValue => "empty_value",
            Self::ExpiryMissing => "expiry_missing",
        }
    }
}

/// A text that is no code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct ScanError {
    /// What kind of thing is wrong.
    pub fault: ScanFault,
    /// What is wrong with it, and what to do.
    pub what: String,
}

impl ScanError {
    fn new(fault: ScanFault, what: impl Into<String>) -> Self {
        Self { fault, what: what.into() }
    }
}

impl Scan {
    /// The code that `text` is, whichever of the three forms it has. Two digits of a year are read as seen from
    /// `reference_year`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, reference_year: i32) -> Result<Self, ScanError> {
        let text = text.trim_matches([' ', '\r', '\n', '\t']);
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        if matches!(scheme.as_deref(), Some("http" | "https")) {
            return Self::of_link(text, reference_year);
        }
        if text.starts_with('(') {
            return Self::of_brackets(text, reference_year);
        }
        Self::of_elements(text, reference_year)
    }

    /// The elements `found`, checked each by itself and all together.
    fn checked(found: Vec<(&'static Identifier, String, String)>, reference_year: i32) -> Result<Self, ScanError> {
        let mut elements: Vec<Element> = Vec::new();
        let mut identifiers: Vec<&'static Identifier> = Vec::new();
        for (identifier, ai, value) in found {
            let element = Element::read(identifier, &ai, &value, reference_year)?;
            match elements.iter().find(|known| known.ai == element.ai) {
                None => {
                    elements.push(element);
                    identifiers.push(identifier);
                }
                Some(known) if known.value == element.value => {}
                Some(known) => {
                    let what = format!("({ai}) stands there twice, as `{}` and as `{value}`", known.value);
                    return Err(ScanError::new(ScanFault::ConflictingRepeat, what));
                }
            }
        }
        let scan = Self { elements };
        for (element, identifier) in scan.elements.iter().zip(identifiers) {
            for group in identifier.needs {
                if !group.iter().any(|needed| scan.value(needed).is_some()) {
                    let (ai, needed) = (&element.ai, group.join(") or ("));
                    let what = format!("({ai}) says nothing without ({needed}): scan the code that has both");
                    return Err(ScanError::new(ScanFault::RequisiteMissing, what));
                }
            }
        }
        Ok(scan)
    }

    /// The elements, in the order they stand.
    #[must_use]
    pub fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// The value of an identifier.
    #[must_use]
    pub fn value(&self, ai: &str) -> Option<&str> {
        self.elements.iter().find(|element| &*element.ai == ai).map(|element| &*element.value)
    }

    /// The logistic unit.
    #[must_use]
    pub fn sscc(&self) -> Option<Sscc> {
        self.value("00").and_then(|value| Sscc::parse(value).ok())
    }

    /// The product: of the item itself, or of what a logistic unit contains.
    #[must_use]
    pub fn gtin(&self) -> Option<Gtin> {
        self.value("01").or_else(|| self.value("02")).and_then(|value| Gtin::parse(value).ok())
    }

    /// The lot number.
    #[must_use]
    pub fn lot(&self) -> Option<LotText> {
        self.value("10").and_then(|value| LotText::parse(value).ok())
    }

    /// The serial number.
    #[must_use]
    pub fn serial(&self) -> Option<&str> {
        self.value("21")
    }

    /// The place.
    #[must_use]
    pub fn gln(&self) -> Option<Gln> {
        self.value("414").and_then(|value| Gln::parse(value).ok())
    }

    /// When it expires: to the minute where the code tells it, else a day.
    #[must_use]
    pub fn expiry(&self) -> Option<Expiry> {
        let of = |ai: &str| self.elements.iter().find(|element| &*element.ai == ai);
        let minute = of("7003").and_then(|element| element.local_time).map(Expiry::Minute);
        minute.or_else(|| of("17").and_then(|element| element.date).map(Expiry::Day))
    }

    /// The same code, which must have an expiry: a missing separator makes the lot swallow it without any other sign.
    ///
    /// # Errors
    /// When it has none.
    pub fn with_expiry(self) -> Result<Self, ScanError> {
        if self.expiry().is_some() {
            return Ok(self);
        }
        let what = match self.value("10") {
            Some(lot) => format!(
                "the code has no expiry (17), and its lot reads `{lot}`: the separator (FNC1) after the lot may be \
                 missing; have the scanner send it, or type lot and expiry"
            ),
            None => "the code has no expiry (17): scan the code that has it".to_owned(),
        };
        Err(ScanError::new(ScanFault::ExpiryMissing, what))
    }

    /// The lot and the expiry that a lot number would be if it had swallowed an expiry: `LOT42` and `271130` of
    /// `LOT4217271130`.
    #[must_use]
    pub fn swallowed(&self) -> Option<(LotText, &str)> {
        let lot = self.value("10").filter(|_| self.expiry().is_none())?;
        (1..lot.len()).find_map(|at| {
            let (before, rest) = (lot.get(..at)?, lot.get(at..)?);
            let expiry = rest.strip_prefix("17").filter(|date| date.len() == 6)?;
            let is_date = Element::read(Identifier::of("17")?, "17", expiry, 2000).is_ok();
            is_date.then_some((LotText::parse(before).ok()?, expiry))
        })
    }
}

impl Element {
    /// The value of an identifier, which must be as that wants it.
    fn read(identifier: &Identifier, ai: &str, value: &str, reference_year: i32) -> Result<Self, ScanError> {
        let mut element = Self { ai: ai.into(), value: value.into(), date: None, is_day_open: false, local_time: None };
        let misfit = || {
            let shown: String = value.chars().take(40).collect();
            let what = format!("`{shown}` is not what ({ai}) has: look for a missing separator (FNC1) after it");
            ScanError::new(ScanFault::BadLengthOrCharset, what)
        };
        let mut rest = value;
        for part in identifier.parts {
            let length = rest.len().min(part.max);
            let (own, after) = rest.split_at_checked(length).ok_or_else(misfit)?;
            if own.len() < part.min || !part.takes(own) {
                return Err(misfit());
            }
            if !own.is_empty() {
                element.keep_rule(part.rule, own, reference_year)?;
            }
            rest = after;
        }
        if rest.is_empty() { Ok(element) } else { Err(misfit()) }
    }

    fn keep_rule(&mut self, rule: Rule, own: &str, reference_year: i32) -> Result<(), ScanError> {
        let ai = &self.ai;
        match rule {
            Rule::Any => {}
            Rule::Hyphen if own == "-" => {}
            Rule::Hyphen => {
                let what = format!("({ai}) ends with `{own}`: only `-` may stand there");
                return Err(ScanError::new(ScanFault::BadLengthOrCharset, what));
            }
            Rule::CheckDigit if has_valid_check_digit(own) => {}
            Rule::CheckDigit => {
                let what = format!("the last digit of `{own}` is not its check digit: look for a mistyped digit");
                return Err(ScanError::new(ScanFault::CheckDigit, what));
            }
            Rule::Date | Rule::DateOrMonth => {
                // an older date is the careful one for what was made, a later one for what a label promises
                let first = matches!(&**ai, "11" | "13");
                let (date, is_day_open) = date::date(ai, own, reference_year, rule == Rule::DateOrMonth, first)?;
                (self.date, self.is_day_open) = (Some(date), is_day_open);
            }
            Rule::Time => {
                let time = date::time(ai, own)?;
                self.local_time = self.date.take().map(|date| date.and_time(time));
            }
        }
        Ok(())
    }

    /// The number it spells, where it is a measure or a temperature, as a decimal.
    #[must_use]
    pub fn decimal(&self) -> Option<String> {
        let is_temperature = matches!(&*self.ai, "4330" | "4331" | "4332" | "4333");
        let decimals = if is_temperature { 2 } else { Identifier::of(&self.ai)?.decimals(&self.ai)? };
        let (digits, sign) = match self.value.strip_suffix('-') {
            Some(digits) => (digits, "-"),
            None => (&*self.value, ""),
        };
        let (whole, fraction) = digits.split_at_checked(digits.len().checked_sub(decimals)?)?;
        let whole = Some(whole.trim_start_matches('0')).filter(|whole| !whole.is_empty()).unwrap_or("0");
        let point = if decimals == 0 { "" } else { "." };
        Some(format!("{sign}{whole}{point}{fraction}"))
    }
}

impl Part {
    fn takes(&self, text: &str) -> bool {
        text.bytes().all(|byte| match self.letters {
            Letters::Digits => byte.is_ascii_digit(),
            Letters::Set82 => super::lot::is_cset_82(byte),
            Letters::Set39 => byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"#-/".contains(&byte),
            Letters::Base64 => byte.is_ascii_alphanumeric() || b"-_=".contains(&byte),
        })
    }
}

#[cfg(test)]
mod tests;
