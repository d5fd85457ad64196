//! Dates: the year first, or day and month in the order the file proves or the caller says.

use chrono::NaiveDate;

/// Which comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateOrder {
    /// 31/12/2026.
    DayFirst,
    /// 12/31/2026.
    MonthFirst,
}

/// The three numbers of a date as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// Year, month, day.
    YearFirst(i32, u32, u32),
    /// Two numbers, of which one is the month, and the year.
    YearLast(u32, u32, i32),
}

impl Written {
    /// The date `text` writes; what is wrong with it otherwise.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is not a date: write for instance 2026-12-31", cut(text));
        let separator = text.chars().find(|sign| matches!(sign, '-' | '/' | '.')).ok_or_else(wrong)?;
        let parts: Vec<&str> = text.split(separator).collect();
        let [first, second, third] = parts[..] else { return Err(wrong()) };
        let digits = |part: &str| !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
        if ![first, second, third].into_iter().all(digits) {
            return Err(wrong());
        }
        let number = |part: &str| part.parse::<u32>().map_err(|_| wrong());
        let year = |part: &str| part.parse::<i32>().map_err(|_| wrong());
        match (first.len(), third.len()) {
            (4, 1 | 2) => Ok(Self::YearFirst(year(first)?, number(second)?, number(third)?)),
            (1 | 2, 4) => Ok(Self::YearLast(number(first)?, number(second)?, year(third)?)),
            _ => Err(format!("`{}` has no year of four digits: say how it is written with --time-format", cut(text))),
        }
    }

    /// The day, with `order` for what is written with the year last.
    pub(super) fn date(self, order: Option<DateOrder>) -> Result<NaiveDate, String> {
        let (year, month, day) = match (self, order) {
            (Self::YearFirst(year, month, day), _) => (year, month, day),
            (Self::YearLast(day, month, year), Some(DateOrder::DayFirst)) => (year, month, day),
            (Self::YearLast(month, day, year), Some(DateOrder::MonthFirst)) => (year, month, day),
            (Self::YearLast(..), None) => return Err("may have the day or the month first".into()),
        };
        NaiveDate::from_ymd_opt(year, month, day)
            .ok_or_else(|| format!("the day {year}-{month:02}-{day:02} does not exist"))
    }
}

/// What the dates of a file prove together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    any: bool,
    day_first: bool,
    month_first: bool,
}

impl Evidence {
    /// Takes one more date into account.
    pub(super) fn note(&mut self, written: Written) {
        if let Written::YearLast(first, second, _) = written {
            self.any = true;
            self.day_first |= first > 12;
            self.month_first |= second > 12;
        }
    }

    /// The order, said by the caller or proved; what to say when it is neither.
    pub(super) fn order(self, said: Option<DateOrder>, assumed: &mut Vec<String>) -> Result<Option<DateOrder>, String> {
        match (said, self) {
            (Some(order), _) => Ok(Some(order)),
            (None, Self { any: false, .. }) => Ok(None),
            (None, Self { day_first: true, month_first: false, .. }) => {
                assumed.push("dates have the day first: some have a first number above 12".into());
                Ok(Some(DateOrder::DayFirst))
            }
            (None, Self { day_first: false, month_first: true, .. }) => {
                assumed.push("dates have the month first: some have a second number above 12".into());
                Ok(Some(DateOrder::MonthFirst))
            }
            (None, Self { day_first: true, .. }) => {
                Err("some dates can only have the day first and some only the month \
                 first: say which is right with --dates day-first or --dates month-first"
                    .into())
            }
            (None, _) => Err("the dates may have the day or the month first, and none of them tells which: say \
                 --dates day-first or --dates month-first"
                .into()),
        }
    }
}

pub(super) fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(dates: &[&str]) -> Result<Option<DateOrder>, String> {
        let mut evidence = Evidence::default();
        dates.iter().for_each(|date| evidence.note(Written::parse(date).unwrap()));
        evidence.order(None, &mut Vec::new())
    }

    #[test]
    fn believes_an_order_only_when_the_file_proves_it() {
        assert_eq!(order(&["2026-05-04"]), Ok(None));
        assert_eq!(order(&["04.05.2026", "13.05.2026"]), Ok(Some(DateOrder::DayFirst)));
        assert_eq!(order(&["04/05/2026", "04/13/2026"]), Ok(Some(DateOrder::MonthFirst)));
        assert!(order(&["04/05/2026", "12/12/2026"]).unwrap_err().contains("--dates"));
        assert!(order(&["13/05/2026", "05/13/2026"]).unwrap_err().contains("only the month"));
    }

    #[test]
    fn refuses_days_that_are_none() {
        for wrong in ["31/31/2026", "30/02/2026", "00/01/2026"] {
            assert!(Written::parse(wrong).unwrap().date(Some(DateOrder::DayFirst)).is_err(), "{wrong}");
        }
        for wrong in ["", "today", "1/2/26", "2026-1", "2026-1-2-3", "１/2/2026", "20260102"] {
            assert!(Written::parse(wrong).is_err(), "{wrong}");
        }
    }
}
