//! How long is waited before something that failed is tried again.

use std::time::Duration;

use rand::Rng;

/// Twice as long after each failure, from `min` to `max`, and up to half of it less by chance, so that what failed
/// together is not tried again together.
pub(crate) fn after(failures: u32, min: Duration, max: Duration) -> Duration {
    let doubled = min.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(30)));
    doubled.min(max).mul_f64(rand::rng().random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_the_limit_and_stays_there() {
        let (min, max) = (Duration::from_secs(1), Duration::from_secs(300));
        for failures in [1, 2, 5, 9, 10, 50, u32::MAX] {
            let whole = Duration::from_secs(1 << (failures - 1).min(20)).min(max);
            let waited = after(failures, min, max);
            assert!(waited <= whole && waited >= whole / 2, "{failures}: {waited:?}");
        }
    }
}
