//! Lengths of time as people write them in scenarios and on the command line: `30s`, `10m`, `2h`, `7d`.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Deserialize, Deserializer};

/// A length of time in whole milliseconds; negative for "before".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(i64);

impl Span {
    /// A span of `millis` milliseconds.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// The same length for arithmetic on instants.
    #[must_use]
    pub fn delta(self) -> TimeDelta {
        TimeDelta::try_milliseconds(self.0).unwrap_or_default()
    }

    /// The same length of wall time; nothing when negative.
    #[must_use]
    pub fn duration(self) -> std::time::Duration {
        std::time::Duration::from_millis(u64::try_from(self.0).unwrap_or(0))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, millis) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
            if self.0 != 0 && self.0 % millis == 0 {
                return write!(f, "{}{unit}", self.0 / millis);
            }
        }
        write!(f, "{}ms", self.0)
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse =
            || format!("`{text}` is not a length of time: write a number and `ms`, `s`, `m`, `h` or `d`, as in `90s`");
        let split = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(refuse)?;
        let (number, unit) = text.split_at(split);
        let number: f64 = number.parse().map_err(|_| refuse())?;
        let unit_ms = match unit {
            "ms" => 1.0,
            "s" => 1e3,
            "m" | "min" => 6e4,
            "h" => 3.6e6,
            "d" => 8.64e7,
            _ => return Err(refuse()),
        };
        let millis = number * unit_ms;
        // A hundred years either way: longer is a slip of the pen.
        if !(-3.2e12..=3.2e12).contains(&millis) {
            return Err(refuse());
        }
        #[expect(clippy::cast_possible_truncation, reason = "bounded just above")]
        Ok(Self(millis.round() as i64))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        let millis = |text: &str| text.parse().map(Span::millis);
        assert_eq!(millis("250ms"), Ok(250));
        assert_eq!(millis("1.5h"), Ok(5_400_000));
        assert_eq!(millis("-2d"), Ok(-172_800_000));
        for text in ["", "5", "h", "5 weeks", "1e300d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
        assert_eq!(Span::from_millis(5_400_000).to_string(), "90m");
    }
}
