//! Quantities that sensors report, held as exact whole thousandths.
//!
//! A value is rounded once, at admission, to whole thousandths (half away from zero); from there on it is an
//! integer, so that two machines never disagree about whether a limit was passed.

use std::fmt;

/// A temperature in thousandths of a degree Celsius, from −200 °C to 200 °C.
///
/// The range is what the plausibility check admits; everything outside is refused with reason `range`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Temperature(i32);

impl Temperature {
    /// The lowest admitted temperature: −200 °C.
    pub const MIN: Self = Self(-200_000);
    /// The highest admitted temperature: 200 °C.
    pub const MAX: Self = Self(200_000);

    /// The temperature nearest to `celsius` in whole thousandths, or `None` outside the admitted range.
    ///
    /// The range is judged on the value as sent, before rounding; NaN and infinities are outside it.
    #[must_use]
    pub fn from_celsius(celsius: f64) -> Option<Self> {
        let within = (Self::MIN.celsius()..=Self::MAX.celsius()).contains(&celsius);
        within.then(|| Self(to_thousandths(celsius)))
    }

    /// A temperature from whole thousandths of a degree, or `None` outside the admitted range.
    #[must_use]
    pub fn from_millidegrees(millidegrees: i32) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&millidegrees).then_some(Self(millidegrees))
    }

    /// Whole thousandths of a degree Celsius.
    #[must_use]
    pub const fn millidegrees(self) -> i32 {
        self.0
    }

    /// Degrees Celsius: the f64 nearest to the whole thousandth.
    #[must_use]
    pub fn celsius(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

impl fmt::Display for Temperature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} °C", self.celsius())
    }
}

/// A relative humidity in thousandths of a percent, from 0 to 105 %RH.
///
/// The overshoot above 100 is what capacitive sensors report in condensing air; it is kept as sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Humidity(i32);

impl Humidity {
    /// The lowest admitted humidity: 0 %RH.
    pub const MIN: Self = Self(0);
    /// The highest admitted humidity: 105 %RH.
    pub const MAX: Self = Self(105_000);

    /// The humidity nearest to `percent` in whole thousandths, or `None` outside the admitted range.
    #[must_use]
    pub fn from_percent(percent: f64) -> Option<Self> {
        let within = (Self::MIN.percent()..=Self::MAX.percent()).contains(&percent);
        within.then(|| Self(to_thousandths(percent)))
    }

    /// A humidity from whole thousandths of a percent, or `None` outside the admitted range.
    #[must_use]
    pub fn from_thousandths(thousandths: i32) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&thousandths).then_some(Self(thousandths))
    }

    /// Whole thousandths of a percent of relative humidity.
    #[must_use]
    pub const fn thousandths(self) -> i32 {
        self.0
    }

    /// Percent of relative humidity: the f64 nearest to the whole thousandth.
    #[must_use]
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

impl fmt::Display for Humidity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %RH", self.percent())
    }
}

/// Rounds half away from zero, as the shortest decimal of `value` says: 4.0005 is a tie, although the f64 nearest to it
/// lies a little below. The callers have bounded `value` to a few hundred, far inside `i32`.
#[expect(clippy::cast_possible_truncation, reason = "bounded by the caller to ±200")]
fn to_thousandths(value: f64) -> i32 {
    let scaled = value * 1000.0;
    let near_tie = (scaled.abs().fract() - 0.5).abs() < 1e-6;
    if near_tie { decimal_thousandths(value) } else { scaled.round() as i32 }
}

/// The slow and exact way, for values within a billionth of a tie.
fn decimal_thousandths(value: f64) -> i32 {
    let decimal = value.abs().to_string();
    let (whole, fraction) = decimal.split_once('.').unwrap_or((&decimal, ""));
    let digit = |place: usize| fraction.as_bytes().get(place).map_or(0, |digit| i32::from(digit - b'0'));
    let kept = whole.parse::<i32>().unwrap_or_default() * 1000 + digit(0) * 100 + digit(1) * 10 + digit(2);
    let rounded = kept + i32::from(digit(3) >= 5);
    if value < 0.0 { -rounded } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_away_from_zero_to_whole_thousandths() {
        let millidegrees = |celsius| Temperature::from_celsius(celsius).map(Temperature::millidegrees);
        assert_eq!(millidegrees(4.31), Some(4310));
        assert_eq!(millidegrees(0.0005), Some(1));
        assert_eq!(millidegrees(-0.0005), Some(-1));
        assert_eq!(millidegrees(4.0005), Some(4001));
        assert_eq!(millidegrees(-4.0005), Some(-4001));
        assert_eq!(millidegrees(4.3105), Some(4311));
        assert_eq!(millidegrees(4.000_499_999), Some(4000));
        assert_eq!(millidegrees(4.0625), Some(4063));
        assert_eq!(millidegrees(1e-320), Some(0));
        assert_eq!(millidegrees(-200.0), Some(-200_000));
    }

    #[test]
    fn refuses_what_no_probe_can_measure() {
        for celsius in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308, -300.0, 200.000_1] {
            assert_eq!(Temperature::from_celsius(celsius), None, "{celsius}");
        }
        for percent in [-0.001, 105.1, f64::NAN] {
            assert_eq!(Humidity::from_percent(percent), None, "{percent}");
        }
        assert_eq!(Humidity::from_percent(100.6).map(Humidity::thousandths), Some(100_600));
    }

    #[test]
    fn gives_back_the_nearest_f64_of_every_thousandth() {
        for millidegrees in [-199_999, -1, 0, 1, 4310, 5021, 8001] {
            let text = format!("{}e-3", millidegrees);
            let temperature = Temperature::from_millidegrees(millidegrees).map(Temperature::celsius);
            assert_eq!(temperature, text.parse().ok());
        }
    }
}
