//! Names of lake files: `day=YYYY-MM-DD/{position:020}-{part:04}-{crc32c:08x}.parquet`.
//!
//! The position says up to which message of the journal the flush went that wrote it; `c` in place of the part marks
//! the result of a compaction. The checksum is of all bytes of the file.

use std::fmt;

use chrono::{DateTime, NaiveDate};

/// What a file's name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName {
    /// The UTC day of all its rows.
    pub day: NaiveDate,
    /// The journal position, or the time of a rewrite in ms.
    pub position: u64,
    /// Tells apart files of one flush and how they were made.
    pub part: String,
    /// CRC32C of the file's bytes.
    pub crc32c: u32,
}

impl FileName {
    /// Reads a path below the table's root; `None` for a file that no flush of ours wrote.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let (day, name) = path.strip_prefix("day=")?.split_once('/')?;
        let mut fields = name.strip_suffix(".parquet")?.splitn(3, '-');
        let position = fields.next()?.parse().ok()?;
        let part = fields.next()?.to_owned();
        let crc32c = u32::from_str_radix(fields.next()?, 16).ok()?;
        Some(Self { day: day.parse().ok()?, position, part, crc32c })
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "day={}/{:020}-{}-{:08x}.parquet", self.day, self.position, self.part, self.crc32c)
    }
}

/// Whether `path`, below a table's root, leads to something below it. Other engines write into the log too, and so may whoever
/// can write there: nothing of it is followed out of the table (invariant S1).
pub(super) fn is_inside(path: &str) -> bool {
    let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\\');
    path.split('/').all(|part| is_plain(part) && !part.chars().any(char::is_control))
}

/// The calendar date of `day` days since 1970-01-01.
pub(super) fn date(day: i64) -> NaiveDate {
    // The days of admitted instants lie between 2000 and a few centuries ahead.
    DateTime::from_timestamp(day.saturating_mul(86_400), 0).map_or(NaiveDate::MAX, |at| at.date_naive())
}

/// The day in a path below a table's root, in days since 1970-01-01; `None` when there is none.
pub(super) fn day_of(path: &str) -> Option<i64> {
    let date: NaiveDate = path.strip_prefix("day=")?.split_once('/')?.0.parse().ok()?;
    Some(date.signed_duration_since(NaiveDate::default()).num_days())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_out_of_a_table_is_told_from_what_does_not() {
        for path in [
            "day=2026-11-22/1-2-3.parquet",
            "part-0000.parquet",
            "day=2026-11-22/a b.parquet",
            "a/b/c",
            "...",
            "day=../x",
        ] {
            assert!(is_inside(path), "{path}");
        }
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "day=2026-11-22/../../x",
            "a//b",
            "a/./b",
            "..",
            "a/",
            "C:\\x",
            "a\\..\\b",
            "file:///x",
            "a\0b",
        ] {
            assert!(!is_inside(path), "{path}");
        }
    }

    #[test]
    fn reads_back_what_it_writes_and_nothing_else() {
        let name = FileName { day: date(20_779), position: 42, part: "0003".into(), crc32c: 0xdead_beef };
        assert_eq!(name.to_string(), "day=2026-11-22/00000000000000000042-0003-deadbeef.parquet");
        assert_eq!(FileName::parse(&name.to_string()), Some(name));
        for other in ["", "day=x/1-2-3.parquet", "day=2026-11-22/part-0.parquet", "day=2026-11-22/1-2-zz.parquet"] {
            assert_eq!(FileName::parse(other), None, "{other}");
        }
    }
}
