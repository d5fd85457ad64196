//! Dates and times of day in codes.

use chrono::{Datelike, Days, FixedOffset, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;

use super::{ScanError, ScanFault};
use crate::instant::ValidAt;

/// The time zone in which a day ends first: where none is known, a date has passed when it has passed there.
const EARLIEST_ZONE_S: i32 = 14 * 3600;

/// When something expires, as a code says it; a time zone is never part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// At the end of this day.
    Day(NaiveDate),
    /// At this minute.
    Minute(NaiveDateTime),
}

impl Expiry {
    /// The day it names.
    #[must_use]
    pub fn day(self) -> NaiveDate {
        match self {
            Self::Day(day) => day,
            Self::Minute(minute) => minute.date(),
        }
    }

    /// The first instant at which it has passed, in `zone`; without one where it passes first, at UTC+14.
    #[must_use]
    pub fn ends(self, zone: Option<Tz>) -> ValidAt {
        let local = match self {
            Self::Day(day) => day.checked_add_days(Days::new(1)).unwrap_or(day).and_time(NaiveTime::MIN),
            Self::Minute(minute) => minute,
        };
        let earliest =
            || FixedOffset::east_opt(EARLIEST_ZONE_S).and_then(|zone| zone.from_local_datetime(&local).earliest());
        let millis = match zone {
            // a local time that a clock change leaves out is read an hour later
            Some(zone) => zone
                .from_local_datetime(&local)
                .earliest()
                .or_else(|| zone.from_local_datetime(&(local + chrono::TimeDelta::hours(1))).earliest())
                .map(|at| at.timestamp_millis()),
            None => earliest().map(|at| at.timestamp_millis()),
        };
        ValidAt::from_millis(millis.unwrap_or_else(|| local.and_utc().timestamp_millis()))
    }
}

/// The year that two digits mean as seen from `reference_year`: from 49 years before it to 50 after (GS1 General
/// Specifications, 7.12).
#[must_use]
pub fn year_of(digits: i32, reference_year: i32) -> i32 {
    let century = reference_year.div_euclid(100) * 100;
    match digits - reference_year.rem_euclid(100) {
        51.. => century - 100 + digits,
        ..=-50 => century + 100 + digits,
        _ => century + digits,
    }
}

/// The date `YYMMDD` spells, and whether its day is open (`00`): then the first or the last day of the month counts.
pub(super) fn date(
    ai: &str,
    text: &str,
    reference_year: i32,
    may_be_open: bool,
    first: bool,
) -> Result<(NaiveDate, bool), ScanError> {
    let number = |from: usize| text.get(from..from + 2).and_then(|digits| digits.parse::<u32>().ok()).unwrap_or(99);
    let (month, day) = (number(2), number(4));
    let year = year_of(i32::try_from(number(0)).unwrap_or_default(), reference_year);
    let Some(first_day) = NaiveDate::from_ymd_opt(year, month, 1) else {
        return Err(ScanError::new(ScanFault::IllegalMonth, format!("({ai}) `{text}` names no month: YYMMDD")));
    };
    let illegal = || ScanError::new(ScanFault::IllegalDay, format!("({ai}) `{text}` names no day: YYMMDD"));
    if day > 0 {
        return first_day.with_day(day).map(|date| (date, false)).ok_or_else(illegal);
    }
    if !may_be_open {
        return Err(illegal());
    }
    let last_day = first_day.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt());
    let date = if first { Some(first_day) } else { last_day };
    date.map(|date| (date, true)).ok_or_else(illegal)
}

/// The time of day `HHMM` spells.
pub(super) fn time(ai: &str, text: &str) -> Result<NaiveTime, ScanError> {
    let number = |from: usize| text.get(from..from + 2).and_then(|digits| digits.parse::<u32>().ok()).unwrap_or(99);
    let (hour, minute) = (number(0), number(2));
    if hour > 23 {
        return Err(ScanError::new(ScanFault::IllegalHour, format!("({ai}) `{text}` names no hour: HHMM")));
    }
    NaiveTime::from_hms_opt(hour, minute, 0)
        .ok_or_else(|| ScanError::new(ScanFault::IllegalMinute, format!("({ai}) `{text}` names no minute: HHMM")))
}
