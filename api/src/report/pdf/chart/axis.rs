//! Where an axis has its marks.

use chrono::{DateTime, Datelike, Days, Months, NaiveTime, Utc};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Marks of an axis of time, at most.
const MOST: i64 = 8;

/// Lowest and highest value of an axis that shows `range`, and how far its marks are apart.
pub(super) fn values((low, high): (f64, f64)) -> (f64, f64, f64) {
    let span = (high - low).max(0.5);
    let rough = span / 5.0;
    let tens = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|part| part * tens).find(|step| *step >= rough).unwrap_or(rough);
    let (bottom, top) = ((low / step).floor() * step, (high / step).ceil() * step);
    if bottom < top { (bottom, top, step) } else { (bottom - step, top + step, step) }
}

/// A value at a mark.
pub(super) fn value_label(value: f64, step: f64) -> String {
    let value = if value.abs() < step / 1000.0 { 0.0 } else { value };
    match step {
        step if step >= 1.0 => format!("{value:.0}"),
        step if step >= 0.1 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// The marks between two instants, in UTC, each with its label.
pub(super) fn times((from, to): (i64, i64)) -> Vec<(i64, String)> {
    let span = (to - from).max(1);
    let steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720].map(|minutes| minutes * MINUTE);
    if let Some(step) = steps.into_iter().find(|step| span / step <= MOST) {
        let first = from.div_euclid(step) * step + if from.rem_euclid(step) == 0 { 0 } else { step };
        return (first..=to)
            .step_by(usize::try_from(step).unwrap_or(1))
            .filter_map(|at| Some((at, label(at, "%-d %b %H:%M")?)))
            .collect();
    }
    let days = [1, 2, 7, 14].into_iter().find(|days| span / (days * DAY) <= MOST);
    let months =
        [1_u32, 2, 3, 6, 12, 24, 60, 120].into_iter().find(|months| span / (i64::from(*months) * 30 * DAY) <= MOST);
    let Some(start) = DateTime::<Utc>::from_timestamp_millis(from) else { return Vec::new() };
    let midnight = start.date_naive();
    let mut marks = Vec::new();
    let mut day = match days {
        Some(_) => midnight,
        None => midnight.with_day(1).unwrap_or(midnight),
    };
    if let (None, Some(months)) = (days, months)
        && months >= 12
    {
        day = day.with_month(1).unwrap_or(day);
    }
    // One mark more or less than expected may lie between; this bounds odd calendars.
    for _ in 0..64 {
        let at = day.and_time(NaiveTime::MIN).and_utc().timestamp_millis();
        if at > to {
            break;
        }
        if at >= from {
            let form = if days.is_some() { "%-d %b" } else { "%b %Y" };
            marks.extend(label(at, form).map(|label| (at, label)));
        }
        let next = match (days, months) {
            (Some(days), _) => day.checked_add_days(Days::new(days.unsigned_abs())),
            (None, months) => day.checked_add_months(Months::new(months.unwrap_or(240))),
        };
        let Some(next) = next else { break };
        day = next;
    }
    marks
}

fn label(at: i64, form: &str) -> Option<String> {
    Some(DateTime::<Utc>::from_timestamp_millis(at)?.format(form).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_holds_what_it_shows() {
        for range in [(2.0, 8.0), (-0.5, 25.3), (4.0, 4.0), (-80.0, -60.0), (0.001, 0.002)] {
            let (low, high, step) = values(range);
            assert!(low <= range.0 && high >= range.1 && step > 0.0, "{range:?}: {low} {high} {step}");
            assert!((high - low) / step <= 12.0, "{range:?}");
        }
    }

    #[test]
    fn time_is_marked_at_round_instants() {
        let from = 1_795_341_600_000; // 2026-11-22T10:00:00Z
        assert_eq!(times((from, from + 3 * HOUR))[0], (from, "22 Nov 10:00".to_owned()));
        for span in [MINUTE, HOUR, DAY, 10 * DAY, 100 * DAY, 400 * DAY, 4000 * DAY, 40_000 * DAY] {
            let marks = times((from, from + span));
            assert!((1..=14).contains(&marks.len()), "{span}: {}", marks.len());
        }
    }
}
