//! Zones of times that name none, and what a clock that is set forward or back does to them.

use chrono::{FixedOffset, MappedLocalTime, NaiveDateTime, TimeZone};
use chrono_tz::Tz;

/// A zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Always so far from UTC.
    Fixed(FixedOffset),
    /// Of a place, with its daylight-saving time.
    Named(Tz),
}

/// What becomes of times in an hour that a clock set back shows twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RepeatedHour {
    /// They are refused: they may mean either.
    #[default]
    Refuse,
    /// They are of the first time through it.
    First,
    /// They are of the second time through it.
    Second,
    /// They are of the first until the clock goes back within the hour, and of the second then; rows stand in time order.
    ByOrder,
}

/// Where a local time lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// At this instant, ms since the epoch.
    Once(i64),
    /// At either of two.
    Twice(i64, i64),
    /// Nowhere: the clock was set forward over it.
    Never,
}

impl Zone {
    /// The zone `text` names: an IANA name, `UTC`, or an offset such as `+02:00`.
    ///
    /// # Errors
    /// When it names none.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(offset) = offset(text) {
            return Ok(Self::Fixed(offset));
        }
        let named = text.parse().map(Self::Named);
        named.map_err(|_| format!("`{text}` is no time zone: use an IANA name such as `Europe/Berlin`, or `+02:00`"))
    }

    /// The zone `hours` ahead of UTC, as loggers write it.
    pub(super) fn of_hours(hours: f64) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, reason = "bounded")]
        let seconds = ((-18.0..=18.0).contains(&hours)).then(|| (hours * 3600.0).round() as i32)?;
        FixedOffset::east_opt(seconds).map(Self::Fixed)
    }

    pub(super) fn place(self, local: NaiveDateTime) -> Placed {
        match self {
            Self::Fixed(zone) => placed(&zone, local),
            Self::Named(zone) => placed(&zone, local),
        }
    }
}

impl std::fmt::Display for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(offset) if offset.local_minus_utc() == 0 => f.write_str("UTC"),
            Self::Fixed(offset) => offset.fmt(f),
            Self::Named(zone) => f.write_str(zone.name()),
        }
    }
}

fn placed<Z: TimeZone>(zone: &Z, local: NaiveDateTime) -> Placed {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(at) => Placed::Once(at.timestamp_millis()),
        MappedLocalTime::Ambiguous(first, second) => {
            let (first, second) = (first.timestamp_millis(), second.timestamp_millis());
            Placed::Twice(first.min(second), first.max(second))
        }
        MappedLocalTime::None => Placed::Never,
    }
}

/// `Z`, `UTC`, `+02:00`, `+0200`, `+02` or `-5`.
pub(super) fn offset(text: &str) -> Option<FixedOffset> {
    if matches!(text, "Z" | "z" | "UTC" | "GMT") {
        return FixedOffset::east_opt(0);
    }
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match (digits.split_once(':'), digits.len()) {
        (Some(parts), _) => parts,
        (None, 1 | 2) => (digits, "0"),
        (None, 4) => digits.split_at_checked(2)?,
        _ => return None,
    };
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i32>().ok())?;
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    if hours > 18 || minutes > 59 {
        return None;
    }
    FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_local_times_over_both_changes_of_the_clock() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let at = |text: &str| berlin.place(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap());
        let millis = |text: &str| model::instant::parse_millis(text).unwrap();
        assert_eq!(at("2026-07-01 12:00"), Placed::Once(millis("2026-07-01T10:00:00Z")));
        assert_eq!(at("2026-03-29 02:30"), Placed::Never);
        let twice = Placed::Twice(millis("2026-10-25T00:30:00Z"), millis("2026-10-25T01:30:00Z"));
        assert_eq!(at("2026-10-25 02:30"), twice);
    }

    #[test]
    fn reads_offsets_in_the_forms_people_write() {
        for (text, minutes) in [("Z", 0), ("+02:00", 120), ("+0530", 330), ("-5", -300), ("+08", 480)] {
            assert_eq!(offset(text).unwrap().local_minus_utc(), minutes * 60, "{text}");
        }
        for wrong in ["", "2", "+25:00", "+2:99", "Europe/Berlin", "+a", "+-2", "é"] {
            assert_eq!(offset(wrong), None, "{wrong}");
        }
    }
}
