//! Numbers, times and durations as they are printed.

use serde_json::Value;

/// What stands where nothing is known.
pub(super) const NONE: &str = "–";

const DAY_MS: i64 = 86_400_000;

/// A temperature or a humidity, to a thousandth: the resolution of readings.
pub(super) fn exact(value: Option<f64>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| format!("{:.3}", tidy(value)))
}

/// A number as its shortest decimal.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => NONE.to_owned(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < 1e15 => format!("{float:.0}"),
            _ => number.to_string(),
        },
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// How often a unit was out of limits, and how often a rule fired for it.
pub(super) fn excursions_and_alarms(over_all_time: &Value) -> String {
    format!("{}, {}", plain(&over_all_time["excursions"]), plain(&over_all_time["alarms"]))
}

/// Minus zero is zero.
fn tidy(value: f64) -> f64 {
    if value == 0.0 { 0.0 } else { value }
}

/// A share that must not look larger than it is.
pub(super) fn percent_down(fraction: Option<f64>) -> String {
    fraction.map_or_else(|| NONE.to_owned(), |part| format!("{:.2}\u{a0}%", (part * 10_000.0 + 1e-7).floor() / 100.0))
}

/// A share that must not look smaller than it is.
pub(super) fn percent_up(fraction: Option<f64>) -> String {
    fraction.map_or_else(
        || NONE.to_owned(),
        |part| format!("{:.2}\u{a0}%", (part * 10_000.0 - 1e-7).ceil().max(0.0) / 100.0 + 0.0),
    )
}

/// Seconds as days, hours, minutes and seconds; milliseconds where there are any.
pub(super) fn duration(seconds: Option<f64>) -> String {
    let Some(seconds) = seconds else { return NONE.to_owned() };
    #[expect(clippy::cast_possible_truncation, reason = "a duration in ms")]
    let millis = (seconds * 1000.0).round() as i64;
    let (sign, millis) = if millis < 0 { ("-", -millis) } else { ("", millis) };
    let (days, rest) = (millis / DAY_MS, millis % DAY_MS);
    let clock = format!("{}:{:02}:{:02}", rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
    let clock = if rest % 1000 == 0 { clock } else { format!("{clock}.{:03}", rest % 1000) };
    if days == 0 { format!("{sign}{clock}") } else { format!("{sign}{days}\u{a0}d\u{a0}{clock}") }
}

/// Seconds as days, never fewer than they are; the exact duration stands elsewhere.
pub(super) fn days_up(seconds: Option<f64>) -> String {
    seconds.map_or_else(
        || NONE.to_owned(),
        |seconds| format!("{:.2}", (seconds / 864.0 - 1e-9).ceil().max(0.0) / 100.0 + 0.0),
    )
}

/// An instant in UTC, milliseconds where there are any.
pub(super) fn time(text: &str) -> String {
    if text.is_empty() {
        return NONE.to_owned();
    }
    let short = text.trim_end_matches('Z').replacen('T', " ", 1);
    match short.strip_suffix(".000") {
        Some(whole) => whole.to_owned(),
        None => short,
    }
}

/// An instant in milliseconds since the epoch.
pub(super) fn millis(text: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(text).ok().map(|at| at.timestamp_millis())
}

/// A text, or what stands for none.
pub(super) fn or_none(text: &str) -> String {
    if text.is_empty() { NONE.to_owned() } else { text.to_owned() }
}

/// A word with the lines of its underscores as spaces.
pub(super) fn words(text: &str) -> String {
    text.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_never_flatter() {
        assert_eq!(percent_down(Some(0.999_999)), "99.99\u{a0}%");
        assert_eq!(percent_down(Some(1.0)), "100.00\u{a0}%");
        assert_eq!(percent_up(Some(0.000_001)), "0.01\u{a0}%");
        assert_eq!(percent_up(Some(0.25)), "25.00\u{a0}%");
        assert_eq!(percent_up(Some(0.0)), "0.00\u{a0}%");
        assert_eq!(days_up(Some(1.0)), "0.01");
        assert_eq!(percent_down(None), NONE);
    }

    #[test]
    fn durations_and_times_keep_their_milliseconds() {
        assert_eq!(duration(Some(1200.0)), "0:20:00");
        assert_eq!(duration(Some(90_061.5)), "1\u{a0}d\u{a0}1:01:01.500");
        assert_eq!(time("2026-11-22T10:00:00.000Z"), "2026-11-22 10:00:00");
        assert_eq!(time("2026-11-22T10:00:00.250Z"), "2026-11-22 10:00:00.250");
        assert_eq!(exact(Some(-0.0)), "0.000");
    }
}
