//! Dates on labels, and the instants they pass.

use chrono::{Days, LocalResult, NaiveDate, NaiveTime, TimeZone};
use model::instant::ValidAt;

/// Where no time zone is known, a date passes at UTC+14, where it passes first.
const EARLIEST_OFFSET_MS: i64 = 14 * 3_600_000;
/// Extra ageing below this is rounding, s.
const ROUNDING_S: f64 = 1e-6;

/// The instant `date` has passed: 00:00 of the next day in `zone`.
#[must_use]
pub fn passes_at(date: NaiveDate, zone: Option<chrono_tz::Tz>) -> ValidAt {
    let next = date.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX).and_time(NaiveTime::MIN);
    let utc = next.and_utc().timestamp_millis();
    let Some(zone) = zone else { return ValidAt::from_millis(utc - EARLIEST_OFFSET_MS) };
    let millis = match zone.from_local_datetime(&next) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.timestamp_millis(),
        // A clock put forward at midnight: the day begins when it goes on.
        LocalResult::None => {
            let later = (1..=24).map(|quarter| next + chrono::TimeDelta::minutes(15 * quarter));
            let found = later.filter_map(|later| zone.from_local_datetime(&later).earliest()).next();
            found.map_or(utc - EARLIEST_OFFSET_MS, |at| at.timestamp_millis())
        }
    };
    ValidAt::from_millis(millis)
}

/// The label less `extra_s` of ageing, in whole days rounded up; never later than the label.
#[must_use]
pub fn effective(label: NaiveDate, extra_s: f64) -> NaiveDate {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and saturating")]
    let days = ((extra_s - ROUNDING_S) / 86_400.0).ceil().max(0.0) as u64;
    label.checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_passes_at_the_next_midnight_of_its_place() {
        let date = NaiveDate::from_ymd_opt(2026, 3, 28).unwrap();
        let at = |zone: Option<chrono_tz::Tz>| passes_at(date, zone).to_string();
        assert_eq!(at(Some(chrono_tz::Europe::Berlin)), "2026-03-28T23:00:00.000Z");
        assert_eq!(at(Some(chrono_tz::Asia::Shanghai)), "2026-03-28T16:00:00.000Z");
        assert_eq!(at(None), "2026-03-28T10:00:00.000Z");
        // Beirut goes forward at midnight: the day begins at 01:00.
        assert_eq!(at(Some(chrono_tz::Asia::Beirut)), "2026-03-28T22:00:00.000Z");
    }

    #[test]
    fn every_begun_day_counts_and_none_is_given_back() {
        let label = NaiveDate::from_ymd_opt(2028, 4, 30).unwrap();
        assert_eq!(effective(label, 0.0), label);
        assert_eq!(effective(label, -5.0), label);
        assert_eq!(effective(label, 1.0).to_string(), "2028-04-29");
        assert_eq!(effective(label, 86_400.0).to_string(), "2028-04-29");
        assert_eq!(effective(label, 86_401.0).to_string(), "2028-04-28");
    }
}
