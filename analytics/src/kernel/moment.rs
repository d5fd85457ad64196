//! Instants and spans finer than a millisecond, exact enough to decide by.
//!
//! A limit is crossed at a rational instant. It is kept as a multiple of 2⁻⁶⁴ ms. Two values at most 800,000
//! thousandths apart give crossings whose fractions differ from a whole millisecond, and from each other, by more
//! than 10⁻¹² ms or not at all; so with a tolerance of 2⁻⁴⁸ ms every comparison below is the exact one.

use model::instant::ValidAt;

/// The bits below the millisecond.
const FRACTION_BITS: u32 = 64;
/// Closer than this, two instants are one.
const TOLERANCE: i128 = 1 << (FRACTION_BITS - 48);

/// An instant, in 2⁻⁶⁴ ms since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(i128);

/// A length of time, in 2⁻⁶⁴ ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span(i128);

impl Moment {
    /// The whole millisecond `millis`.
    #[must_use]
    pub(super) const fn from_millis(millis: i64) -> Self {
        Self((millis as i128) << FRACTION_BITS)
    }

    /// The instant between `from` and `to`, whole milliseconds, that divides them as `part` divides `whole`.
    ///
    /// `whole` is above zero and `part` within it.
    #[must_use]
    pub(super) fn dividing(from: i64, to: i64, part: i64, whole: i64) -> Self {
        let product = i128::from(part) * i128::from(to - from);
        let (quotient, rest) = (product.div_euclid(i128::from(whole)), product.rem_euclid(i128::from(whole)));
        let fraction = (rest << FRACTION_BITS) / i128::from(whole);
        Self(((i128::from(from) + quotient) << FRACTION_BITS) + fraction)
    }

    /// The last whole millisecond not after this.
    #[must_use]
    pub(super) fn floor(self) -> ValidAt {
        ValidAt::from_millis(whole(self.0 + TOLERANCE))
    }

    /// The first whole millisecond not before this.
    #[must_use]
    pub(super) fn ceil(self) -> ValidAt {
        ValidAt::from_millis(-whole(-self.0 + TOLERANCE))
    }

    /// Milliseconds from `origin` to this; exact to about 10⁻⁷ ms over a year.
    #[must_use]
    pub(super) fn millis_since(self, origin: i64) -> f64 {
        Span(self.0 - Self::from_millis(origin).0).millis()
    }

    /// Whether this is after `other`, by more than rounding.
    #[must_use]
    pub(super) fn is_after(self, other: Self) -> bool {
        self.0 > other.0 + TOLERANCE
    }
}

impl std::ops::Sub for Moment {
    type Output = Span;

    fn sub(self, earlier: Self) -> Span {
        Span(self.0 - earlier.0)
    }
}

impl std::ops::Add<Span> for Moment {
    type Output = Self;

    fn add(self, span: Span) -> Self {
        Self(self.0 + span.0)
    }
}

impl std::ops::Sub<Span> for Moment {
    type Output = Self;

    fn sub(self, span: Span) -> Self {
        Self(self.0 - span.0)
    }
}

impl Span {
    /// No time.
    pub(super) const ZERO: Self = Self(0);

    /// `millis` whole milliseconds.
    #[must_use]
    pub(super) const fn from_millis(millis: i64) -> Self {
        Self((millis as i128) << FRACTION_BITS)
    }

    /// Seconds.
    #[must_use]
    pub(super) fn seconds(self) -> f64 {
        self.millis() / 1000.0
    }

    /// Milliseconds.
    #[must_use]
    pub(super) fn millis(self) -> f64 {
        let whole = self.0 >> FRACTION_BITS;
        let fraction = (self.0 & ((1 << FRACTION_BITS) - 1)) as f64 / (1u128 << FRACTION_BITS) as f64;
        whole as f64 + fraction
    }

    /// Whether this is at least `other`, but for rounding.
    #[must_use]
    pub(super) fn reaches(self, other: Self) -> bool {
        self.0 + TOLERANCE >= other.0
    }

    /// Whether this is longer than `other`, by more than rounding.
    #[must_use]
    pub(super) fn exceeds(self, other: Self) -> bool {
        self.0 > other.0 + TOLERANCE
    }
}

impl std::ops::Add for Span {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::ops::Sub for Span {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl std::ops::AddAssign for Span {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl std::iter::Sum for Span {
    fn sum<I: Iterator<Item = Self>>(spans: I) -> Self {
        spans.fold(Self::ZERO, |sum, span| sum + span)
    }
}

/// Whole milliseconds not after `fixed`. Instants of the calendar are far inside `i64`.
fn whole(fixed: i128) -> i64 {
    (fixed >> FRACTION_BITS) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_crossings_down_and_up_and_whole_ones_not_at_all() {
        // 4 of 7 K below the limit: 300 + 900 · 4/7 s.
        let crossing = Moment::dividing(300_000, 1_200_000, 4, 7);
        assert_eq!(crossing.floor().millis(), 814_285);
        assert_eq!(crossing.ceil().millis(), 814_286);
        for part in 0..=3 {
            let whole = Moment::dividing(0, 3000, part, 3);
            assert_eq!((whole.floor().millis(), whole.ceil().millis()), (part * 1000, part * 1000));
        }
        let before = Moment::dividing(-1000, 0, 1, 3);
        assert_eq!((before.floor().millis(), before.ceil().millis()), (-667, -666));
    }

    #[test]
    fn a_span_between_two_crossings_of_the_same_third_is_whole() {
        let span = Moment::dividing(3600, 7200, 1, 7) - Moment::dividing(0, 3600, 1, 7);
        assert!(span.reaches(Span::from_millis(3600)) && !span.exceeds(Span::from_millis(3600)));
        assert_eq!(span.seconds(), 3.6);
    }
}
