//! Times of rows: from text to a local time or an instant.

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};

use super::dates::{DateOrder, Evidence, Written, cut};
use super::zone::offset;

/// A time as a row has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// With its offset: ms since the epoch.
    Instant(i64),
    /// By the clock on the wall.
    Local(NaiveDateTime),
}

/// A time half read: the date may wait for what other rows prove.
#[derive(Clone, Copy, Debug)]
pub(super) enum Read {
    /// A whole number of milliseconds.
    Millis(i64),
    /// Date, time of day, and the offset if there is one.
    Parts(Written, NaiveTime, Option<FixedOffset>),
    /// Read by the caller's format.
    Formatted(NaiveDateTime, Option<FixedOffset>),
}

/// How times are written.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    format: Option<String>,
}

impl Reader {
    /// A reader of times in any of the forms that are known by sight, or in `format` alone.
    pub(super) fn new(format: Option<&str>) -> Result<Self, String> {
        let known = |format: &str| StrftimeItems::new(format).all(|item| item != Item::Error);
        match format {
            Some(format) if !known(format) => {
                Err(format!("`{format}` is no format of times: use `strftime`'s signs, for instance `%d.%m.%y %H:%M`"))
            }
            _ => Ok(Self { format: format.map(str::to_owned) }),
        }
    }

    /// Reads `text`, as far as it goes without other rows.
    pub(super) fn read(&self, text: &str) -> Result<Read, String> {
        let text = text.trim();
        match &self.format {
            Some(format) => formatted(text, format),
            None => by_sight(text),
        }
    }
}

impl Read {
    /// Tells `evidence` what this time proves about the order of day and month.
    pub(super) fn prove(self, evidence: &mut Evidence) {
        if let Self::Parts(written, ..) = self {
            evidence.note(written);
        }
    }

    /// The time, once the order of day and month is known.
    pub(super) fn told(self, order: Option<DateOrder>) -> Result<Told, String> {
        let (local, offset) = match self {
            Self::Millis(millis) => return Ok(Told::Instant(millis)),
            Self::Formatted(local, offset) => (local, offset),
            Self::Parts(written, time, offset) => (written.date(order)?.and_time(time), offset),
        };
        Ok(match offset.map(|offset| local.and_local_timezone(offset).single()) {
            Some(Some(at)) => Told::Instant(at.timestamp_millis()),
            Some(None) => return Err("lies beyond the calendar".into()),
            None => Told::Local(local),
        })
    }
}

fn formatted(text: &str, format: &str) -> Result<Read, String> {
    if let Ok(at) = DateTime::parse_from_str(text, format) {
        return Ok(Read::Formatted(at.naive_local(), Some(*at.offset())));
    }
    if let Ok(local) = NaiveDateTime::parse_from_str(text, format) {
        // Seconds since the epoch are an instant, though chrono reads them as a time without a zone.
        let epoch = format.contains("%s").then(|| FixedOffset::east_opt(0)).flatten();
        return Ok(Read::Formatted(local, epoch));
    }
    let day = NaiveDate::parse_from_str(text, format).map(|date| Read::Formatted(date.and_time(NaiveTime::MIN), None));
    day.map_err(|_| format!("`{}` is not a time of the form `{format}`", cut(text)))
}

fn by_sight(text: &str) -> Result<Read, String> {
    let wrong = || {
        format!(
            "`{}` is not a time: use 2026-12-31 23:59, RFC 3339 or whole milliseconds, or say --time-format",
            cut(text)
        )
    };
    if let Ok(number) = text.parse::<i64>() {
        return match text.len() {
            9 | 10 => Err(format!("`{text}` looks like seconds since the epoch: say --time-format %s if it is that")),
            _ => Ok(Read::Millis(number)),
        };
    }
    let split = text.find(['T', 't', ' ']).ok_or_else(|| match Written::parse(text) {
        Ok(_) => format!("`{}` is a date without a time of day", cut(text)),
        Err(_) => wrong(),
    })?;
    let (date, rest) = (&text[..split], text[split + 1..].trim());
    let written = Written::parse(date)?;
    let (time, zone) = match rest.char_indices().find(|(at, sign)| *at > 0 && matches!(sign, '+' | '-' | 'Z' | 'z')) {
        Some((at, _)) => (rest[..at].trim_end(), Some(offset(&rest[at..]).ok_or_else(wrong)?)),
        None => (rest, None),
    };
    let time = time_of_day(time).ok_or_else(wrong)?;
    Ok(Read::Parts(written, time, zone))
}

/// `h:mm`, `h:mm:ss` or `h:mm:ss.fff`, with `AM` or `PM` behind it or not.
pub(super) fn time_of_day(text: &str) -> Option<NaiveTime> {
    let upper = text.to_ascii_uppercase();
    let (digits, half) = match (upper.strip_suffix("AM"), upper.strip_suffix("PM")) {
        (Some(digits), _) => (digits.trim_end(), Some(0)),
        (_, Some(digits)) => (digits.trim_end(), Some(12)),
        _ => (upper.as_str(), None),
    };
    let mut parts = digits.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next().unwrap_or("0"));
    let (second, fraction) = second.split_once(['.', ',']).unwrap_or((second, ""));
    let number = |part: &str, longest: usize| -> Option<u32> {
        let digits = (1..=longest).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    };
    let (mut hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    if let Some(half) = half {
        hour = (1..=12).contains(&hour).then_some(hour % 12 + half)?;
    }
    let millis = match fraction {
        "" => 0,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{digits:0<3}").get(..3).and_then(|millis| millis.parse().ok())?
        }
        _ => return None,
    };
    if parts.next().is_some() {
        return None;
    }
    NaiveTime::from_hms_milli_opt(hour, minute, second, millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, order: Option<DateOrder>) -> Result<Told, String> {
        Reader::new(None).unwrap().read(text)?.told(order)
    }

    fn local(text: &str) -> Told {
        Told::Local(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").unwrap())
    }

    #[test]
    fn reads_the_forms_loggers_write() {
        let instant = Told::Instant(1_795_341_600_000);
        for text in
            ["2026-11-22T10:00:00Z", "2026-11-22 11:00:00+01:00", "1795341600000", "2026-11-22 05:00:00.000 -0500"]
        {
            assert_eq!(told(text, None), Ok(instant.clone()), "{text}");
        }
        for text in ["2026-11-22 10:00", "2026/11/22 10:00:00", "2026-11-22T10:00", "2026-11-22 10:00:00 AM"] {
            assert_eq!(told(text, None), Ok(local("2026-11-22 10:00:00")), "{text}");
        }
        assert_eq!(told("22.11.2026 10:00:00,250", Some(DateOrder::DayFirst)), Ok(local("2026-11-22 10:00:00.250")));
        assert_eq!(told("11/22/2026 12:05 AM", Some(DateOrder::MonthFirst)), Ok(local("2026-11-22 00:05:00")));
        assert_eq!(told("11/22/2026 12:05 PM", Some(DateOrder::MonthFirst)), Ok(local("2026-11-22 12:05:00")));
    }

    #[test]
    fn refuses_what_may_mean_something_else() {
        for wrong in
            ["", "now", "1795341600", "2026-11-22", "22.11.26 10:00", "2026-11-22 25:00", "2026-11-22 13:00 PM"]
        {
            assert!(told(wrong, None).is_err(), "{wrong}");
        }
        assert!(told("04/05/2026 10:00", None).is_err());
    }

    #[test]
    fn reads_a_form_that_was_named_and_no_other() {
        let reader = Reader::new(Some("%d.%m.%y %H:%M")).unwrap();
        assert_eq!(reader.read("22.11.26 10:00").unwrap().told(None), Ok(local("2026-11-22 10:00:00")));
        assert!(reader.read("2026-11-22 10:00").is_err());
        let seconds = Reader::new(Some("%s")).unwrap();
        assert_eq!(seconds.read("1795341600").unwrap().told(None), Ok(Told::Instant(1_795_341_600_000)));
        assert!(Reader::new(Some("%Q")).is_err());
    }
}
