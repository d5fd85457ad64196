//! Numbers of rows: decimal signs, scales, and the signs for a value that is missing.

use super::dates::cut;

/// The decimal sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decimal {
    /// 4.3
    Point,
    /// 4,3
    Comma,
}

/// The scale of temperatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Degrees {
    /// °C.
    Celsius,
    /// °F.
    Fahrenheit,
}

impl Degrees {
    /// Degrees Celsius of a value on this scale.
    pub(super) fn celsius(self, value: f64) -> f64 {
        match self {
            Self::Celsius => value,
            Self::Fahrenheit => (value - 32.0) * 5.0 / 9.0,
        }
    }

    /// The scale a column's name states.
    pub(super) fn stated(header: &str) -> Option<Self> {
        let mut signs = header.chars().filter(|sign| !sign.is_whitespace()).collect::<String>().to_lowercase();
        signs = signs.replace(['º', '˚'], "°");
        let ends = |word: &str| signs.strip_suffix([')', ']']).unwrap_or(&signs).ends_with(word);
        let fahrenheit = signs.contains("°f") || signs.contains('℉') || ends("_f") || ends("(f") || ends("[f");
        let celsius = signs.contains("°c") || signs.contains('℃') || ends("_c") || ends("(c") || ends("[c");
        let words = (signs.contains("fahrenheit") || fahrenheit, signs.contains("celsius") || celsius);
        match words {
            (true, false) => Some(Self::Fahrenheit),
            (false, true) => Some(Self::Celsius),
            _ => None,
        }
    }
}

/// Whether `text` is a sign for a value that is missing.
pub(super) fn is_missing(text: &str) -> bool {
    let only_dashes = text.chars().all(|sign| matches!(sign, '-' | '–' | '—' | '.' | ','));
    only_dashes || matches!(text.to_ascii_lowercase().as_str(), "n/a" | "na" | "#n/a" | "null" | "nan")
}

/// The number `text` writes, without the unit behind it.
pub(super) fn parse(text: &str, decimal: Decimal) -> Result<f64, String> {
    let wrong = |what: &str| format!("`{}` {what}", cut(text));
    let number = text.trim_end_matches(|sign: char| !sign.is_ascii_digit() && sign != '.' && sign != ',').trim();
    let number = number.replace('\u{2212}', "-");
    let digits = number.trim_start_matches(['+', '-']);
    let (sign, other) = match decimal {
        Decimal::Point => ('.', ','),
        Decimal::Comma => (',', '.'),
    };
    if digits.contains(other) {
        return Err(wrong(match decimal {
            Decimal::Point => "has a decimal comma: say --decimal comma",
            Decimal::Comma => "has a decimal point, where other numbers have a comma",
        }));
    }
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let plain = mantissa.bytes().all(|byte| byte.is_ascii_digit() || char::from(byte) == sign);
    if !plain || exponent.parse::<i32>().is_err() || number.len() > digits.len() + 1 {
        return Err(wrong("is not a number"));
    }
    let value: f64 = number.replace(',', ".").parse().map_err(|_| wrong("is not a number"))?;
    if value.is_finite() { Ok(value) } else { Err(wrong("is beyond all numbers")) }
}

/// What stands behind the number in `text`.
pub(super) fn unit_of(text: &str) -> &str {
    text.rfind(|sign: char| sign.is_ascii_digit()).map_or("", |last| text[last + 1..].trim_matches([' ', '.', ',']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_decimal_signs_and_mixes_none() {
        for (text, value) in
            [("4.3", 4.3), ("+4", 4.0), ("-0.5", -0.5), ("\u{2212}18.25", -18.25), ("4.3 °C", 4.3), (".5", 0.5)]
        {
            assert_eq!(parse(text, Decimal::Point), Ok(value), "{text}");
        }
        assert_eq!(parse("-4,3", Decimal::Comma), Ok(-4.3));
        for (wrong, decimal) in [
            ("4,3", Decimal::Point),
            ("4.3", Decimal::Comma),
            ("1.2.3", Decimal::Point),
            ("0x1F", Decimal::Point),
            ("1e3e3", Decimal::Point),
            ("--4", Decimal::Point),
            ("hot", Decimal::Point),
            ("", Decimal::Point),
        ] {
            assert!(parse(wrong, decimal).is_err(), "{wrong}");
        }
    }

    #[test]
    fn finds_the_scale_in_a_header() {
        for (header, degrees) in [
            ("Temperature (°C)", Some(Degrees::Celsius)),
            ("temperature_c", Some(Degrees::Celsius)),
            ("Temp [F]", Some(Degrees::Fahrenheit)),
            ("温度(℃)", Some(Degrees::Celsius)),
            ("value", None),
            ("CF", None),
        ] {
            assert_eq!(Degrees::stated(header), degrees, "{header}");
        }
        assert_eq!(Degrees::Fahrenheit.celsius(212.0), 100.0);
    }

    #[test]
    fn knows_the_signs_of_a_missing_probe() {
        for text in ["", "--.-", "-", "N/A", "NaN", "null"] {
            assert!(is_missing(text), "{text}");
        }
        assert!(!is_missing("-1") && !is_missing("0"));
    }
}
