//! GS1 identification keys: which product, which lot, which logistic unit, which place.
//!
//! A key is only ever built by parsing, its check digit verified, so whoever holds one need not look again.
//! Source: GS1 General Specifications, sections 3 (application identifiers) and 7.9 (check digit, CSET 82).

mod check_digit;
mod identifier;
mod key;
mod lot;
pub mod scan;

pub use check_digit::{check_digit, has_valid_check_digit};
pub use key::{Gln, Gtin, KeyError, Sscc};
pub use lot::{LotError, LotKey, LotText};
