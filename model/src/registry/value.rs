//! Reading single values of a registry document, and writing them back.
//!
//! Nothing is rounded: a limit with more decimals than a reading can have is refused, not bent.

use std::time::Duration;

use chrono::{DateTime, NaiveDate};
use serde_json::Value;

use super::amount::{HumiditySpan, TemperatureSpan};
use super::read::kind_of;
use crate::gs1::{Gln, Gtin, LotText, Sscc};
use crate::instant::{MeasuredAt, ValidAt, to_rfc3339};
use crate::name::Name;
use crate::quantity::{Humidity, Temperature};

/// The longest duration: 100 years.
const LONGEST_S: f64 = 3_155_760_000.0;

pub(crate) fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("is {}: use a text", kind_of(value)))
}

fn number(value: &Value) -> Result<f64, String> {
    value.as_f64().ok_or_else(|| format!("is {}: use a number", kind_of(value)))
}

/// Text for people: 1 to 200 characters, none of them a control character.
pub(crate) fn label(value: &Value) -> Result<Box<str>, String> {
    let label = text(value)?;
    if label.trim().is_empty() || label.chars().count() > 200 || label.chars().any(char::is_control) {
        return Err("must have 1 to 200 characters, no line break or other control character among them".into());
    }
    Ok(label.into())
}

pub(crate) fn flag(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("is {}: use true or false", kind_of(value)))
}

pub(crate) fn name(value: &Value) -> Result<Name, String> {
    Name::parse(text(value)?).map_err(|cause| cause.to_string())
}

/// A unit's name; 18 digits are an SSCC and must have its check digit.
pub(crate) fn unit_name(value: &Value) -> Result<Name, String> {
    let name = name(value)?;
    if name.as_str().len() == 18 && name.as_str().bytes().all(|byte| byte.is_ascii_digit()) {
        Sscc::parse(name.as_str()).map_err(|cause| cause.to_string())?;
    }
    Ok(name)
}

pub(crate) fn gtin(value: &Value) -> Result<Gtin, String> {
    Gtin::parse(text(value)?).map_err(|cause| cause.to_string())
}

pub(crate) fn gln(value: &Value) -> Result<Gln, String> {
    Gln::parse(text(value)?).map_err(|cause| cause.to_string())
}

pub(crate) fn lot(value: &Value) -> Result<LotText, String> {
    LotText::parse(text(value)?).map_err(|cause| cause.to_string())
}

pub(crate) fn time_zone(value: &Value) -> Result<chrono_tz::Tz, String> {
    let zone = text(value)?;
    let unknown = |_| format!("`{}` is not a time zone: use an IANA name such as `Europe/Berlin`", cut(zone));
    zone.parse().map_err(unknown)
}

pub(crate) fn date(value: &Value) -> Result<NaiveDate, String> {
    let date = text(value)?;
    let digits = date.len() == 10 && date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let parsed = digits.then(|| NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()).flatten();
    parsed.ok_or_else(|| format!("`{}` is not a date: use `YYYY-MM-DD`", cut(date)))
}

/// A time: RFC 3339 with any offset, or whole milliseconds since the epoch.
///
/// Milliseconds before 2000 are refused (but for 0, the epoch itself): they are seconds given by mistake.
pub(crate) fn instant(value: &Value) -> Result<ValidAt, String> {
    let end = 253_402_300_799_999; // 9999-12-31T23:59:59.999Z
    let beginning = -62_135_596_800_000; // 0001-01-01T00:00:00Z
    let millis = match value {
        Value::String(text) => {
            let wrong =
                |_| format!("`{}` is not a time: use RFC 3339 with an offset, or whole milliseconds", cut(text));
            DateTime::parse_from_rfc3339(text).map_err(wrong)?.timestamp_millis()
        }
        Value::Number(number) => {
            let millis = number.as_i64().ok_or("is not a time: use whole milliseconds since the epoch")?;
            if millis < MeasuredAt::MIN.millis() && millis != 0 {
                return Err(format!("is {}: give milliseconds since the epoch, not seconds", to_rfc3339(millis)));
            }
            millis
        }
        other => return Err(format!("is {}: use a time, RFC 3339 or whole milliseconds", kind_of(other))),
    };
    if !(beginning..=end).contains(&millis) {
        return Err("is beyond the years 1 to 9999".into());
    }
    Ok(ValidAt::from_millis(millis))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 3.2e12, whole")]
pub(crate) fn seconds(value: &Value) -> Result<Duration, String> {
    let seconds = number(value)?;
    let millis = (seconds * 1000.0).round();
    if !(0.0..=LONGEST_S).contains(&seconds) || millis / 1000.0 != seconds {
        return Err(format!("is {seconds} s: use 0 to {LONGEST_S} s, with at most 3 decimals"));
    }
    Ok(Duration::from_millis(millis as u64))
}

/// A duration above zero.
pub(crate) fn positive_seconds(value: &Value) -> Result<Duration, String> {
    let duration = seconds(value)?;
    if duration.is_zero() { Err("must be above 0 s".into()) } else { Ok(duration) }
}

pub(crate) fn celsius(value: &Value) -> Result<Temperature, String> {
    let celsius = number(value)?;
    let exact = Temperature::from_celsius(celsius).filter(|temperature| temperature.celsius() == celsius);
    exact.ok_or_else(|| format!("is {celsius} °C: use −200 to 200 °C, with at most 3 decimals"))
}

pub(crate) fn percent(value: &Value) -> Result<Humidity, String> {
    let percent = number(value)?;
    let exact = Humidity::from_percent(percent).filter(|humidity| humidity.percent() == percent);
    exact.ok_or_else(|| format!("is {percent} %RH: use 0 to 105 %RH, with at most 3 decimals"))
}

pub(crate) fn kelvin(value: &Value) -> Result<TemperatureSpan, String> {
    let kelvin = number(value)?;
    let exact = thousandths(kelvin).and_then(TemperatureSpan::from_millikelvin).filter(|span| span.kelvin() == kelvin);
    exact.ok_or_else(|| format!("is {kelvin} K: use −400 to 400 K, with at most 3 decimals"))
}

pub(crate) fn positive_kelvin(value: &Value) -> Result<TemperatureSpan, String> {
    let span = kelvin(value)?;
    if span.millikelvin() < 0 { Err("must not be negative".into()) } else { Ok(span) }
}

pub(crate) fn percent_span(value: &Value) -> Result<HumiditySpan, String> {
    let percent = number(value)?;
    let span = thousandths(percent).and_then(HumiditySpan::from_thousandths);
    let exact = span.filter(|span| span.percent() == percent && percent >= 0.0);
    exact.ok_or_else(|| format!("is {percent} %RH: use 0 to 105 %RH, with at most 3 decimals"))
}

#[expect(clippy::cast_possible_truncation, reason = "bounded to ±1000 before")]
fn thousandths(value: f64) -> Option<i32> {
    (value.abs() <= 1000.0).then(|| (value * 1000.0).round() as i32)
}

/// A range of temperatures [low, high], both given.
pub(crate) fn celsius_range(value: &Value) -> Result<(Temperature, Temperature), String> {
    match limits(celsius)(value)? {
        (Some(low), Some(high)) => Ok((low, high)),
        _ => Err("must have both ends: use `[low, high]`".into()),
    }
}

/// A pair [low, high] of limits, `null` for a side that has none.
pub(crate) fn limits<T: PartialOrd>(
    read: impl Fn(&Value) -> Result<T, String>,
) -> impl Fn(&Value) -> Result<(Option<T>, Option<T>), String> {
    move |value| {
        let Some([low, high]) = value.as_array().map(Vec::as_slice) else {
            return Err("must be an array of two: use `[low, high]`, with null for a side without a limit".into());
        };
        let side = |side: &Value| if side.is_null() { Ok(None) } else { read(side).map(Some) };
        let (low, high) = (side(low)?, side(high)?);
        match (&low, &high) {
            (Some(lowest), Some(highest)) if lowest > highest => Err("must have the lower limit first".into()),
            _ => Ok((low, high)),
        }
    }
}

/// Reads a positive amount with its type's own constructor.
pub(crate) fn amount<T>(
    new: impl Fn(f64) -> Option<T>,
    unit: &'static str,
    max: f64,
) -> impl Fn(&Value) -> Result<T, String> {
    move |value| {
        let given = number(value)?;
        new(given).ok_or_else(|| format!("is {given}{unit}: use a number above 0, at most {max}"))
    }
}

/// A whole number from `min` to `max`.
pub(crate) fn whole(min: u64, max: u64) -> impl Fn(&Value) -> Result<u64, String> {
    move |value| {
        // `480.0` is the same number as `480`.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and below 2⁵³")]
        let from_float = || {
            let float = value.as_f64().filter(|float| float.fract() == 0.0 && (0.0..9.0e15).contains(float));
            float.map(|float| float as u64)
        };
        let given = value.as_u64().or_else(from_float).filter(|given| (min..=max).contains(given));
        given.ok_or_else(|| format!("must be a whole number from {min} to {max}"))
    }
}

/// One of a closed list of words.
pub(crate) fn word<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(&Value) -> Result<T, String> {
    move |value| {
        let given = text(value)?;
        let found = words.iter().find(|(word, _)| *word == given).map(|(_, meaning)| *meaning);
        found.ok_or_else(|| {
            let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            format!("`{}` is not one of `{}`", cut(given), known.join("`, `"))
        })
    }
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

/// A time as it leaves us.
pub(crate) fn instant_json(at: ValidAt) -> Value {
    Value::String(to_rfc3339(at.millis()))
}

/// A duration in seconds, whole when it is.
pub(crate) fn seconds_json(duration: Duration) -> Value {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if millis % 1000 == 0 { Value::from(millis / 1000) } else { Value::from(millis as f64 / 1000.0) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_times_in_both_forms_and_refuses_seconds() {
        let at = Ok(ValidAt::from_millis(1_795_341_600_000));
        assert_eq!(instant(&json!("2026-11-22T11:00:00+01:00")), at);
        assert_eq!(instant(&json!(1_795_341_600_000_i64)), at);
        for wrong in [json!(1_795_341_600), json!("1795341600000"), json!("2026-11-22"), json!(1.5), json!(true)] {
            assert!(instant(&wrong).is_err(), "{wrong}");
        }
        assert!(instant(&json!(253_402_300_800_000_i64)).is_err());
    }

    #[test]
    fn bends_no_number() {
        assert_eq!(celsius(&json!(8)), celsius(&json!(8.0)));
        for wrong in [json!(8.0005), json!(200.1), json!("8")] {
            assert!(celsius(&wrong).is_err(), "{wrong}");
        }
        assert_eq!(seconds(&json!(0.25)), Ok(Duration::from_millis(250)));
        for wrong in [json!(-1), json!(0.0001), json!(1e12)] {
            assert!(seconds(&wrong).is_err(), "{wrong}");
        }
        assert_eq!(seconds_json(Duration::from_millis(250)), json!(0.25));
        assert_eq!(seconds_json(Duration::from_secs(1800)), json!(1800));
    }

    #[test]
    fn checks_names_of_eighteen_digits_as_sscc() {
        assert!(unit_name(&json!("106141411234567897")).is_ok());
        assert!(unit_name(&json!("106141411234567890")).is_err());
        assert!(unit_name(&json!("10614141123456789")).is_ok());
    }

    #[test]
    fn reads_dates_in_one_form() {
        assert!(date(&json!("2028-02-29")).is_ok());
        for wrong in ["2027-02-29", "2028-2-29", "28-02-2029", "+2028-2-29", "2028-02-29T00:00:00Z"] {
            assert!(date(&json!(wrong)).is_err(), "{wrong}");
        }
    }
}
