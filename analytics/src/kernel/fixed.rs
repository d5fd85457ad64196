//! Sums that do not depend on their order.

use super::bytes::Carried;

/// A sum of contributions, each rounded once to a multiple of 2⁻⁶⁴: adding is associative to the bit, so that any way
/// of cutting a trace gives the same total (invariant A1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum(i128);

/// 2⁶⁴.
const SCALE: f64 = 18_446_744_073_709_551_616.0;

impl Sum {
    /// Adds `contribution`, up to 2⁶² in size.
    #[inline]
    pub(super) fn add(&mut self, contribution: f64) {
        // Whole and fraction apart: both conversions are single instructions.
        let whole = contribution.floor();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within 2^62, and 0 to 2^64")]
        let (whole, fraction) = (whole as i64, ((contribution - whole) * SCALE) as u64);
        self.0 += (i128::from(whole) << 64) + i128::from(fraction);
    }

    pub(super) fn value(self) -> f64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the lower half is meant")]
        let fraction = self.0 as u64 as f64 / SCALE;
        (self.0 >> 64) as f64 + fraction
    }
}

impl Carried for Sum {
    fn put(&self, bytes: &mut Vec<u8>) {
        self.0.put(bytes);
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        i128::take(bytes).map(Self)
    }
}

impl std::ops::Sub for Sum {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl std::ops::AddAssign for Sum {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_order_gives_the_same_bits() {
        let parts = [1.0 / 3.0, -7.25, 1e9 / 7.0, 1e-12, 86_400.0];
        let sum = |parts: &[f64]| {
            let mut sum = Sum::default();
            parts.iter().for_each(|part| sum.add(*part));
            sum
        };
        let mut reversed = parts;
        reversed.reverse();
        assert_eq!(sum(&parts), sum(&reversed));
        let mut halves = sum(&parts[..2]);
        halves += sum(&parts[2..]);
        assert_eq!(halves, sum(&parts));
        assert!((sum(&parts).value() - parts.iter().sum::<f64>()).abs() < 1e-6);
    }
}
