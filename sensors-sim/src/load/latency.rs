//! A histogram of latencies with buckets 3 % wide.

/// Buckets per power of two.
const FINE: u64 = 32;
/// Below this many µs each µs has its own bucket.
const EXACT_US: u64 = 64;
const BUCKETS: usize = 64 + 40 * 32;

/// How often each latency was seen.
#[derive(Clone, Debug)]
pub(super) struct Latencies {
    counts: Vec<u64>,
    total: u64,
    max_us: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, max_us: 0 }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "an index below a few thousand")]
fn bucket(us: u64) -> usize {
    if us < EXACT_US {
        return us as usize;
    }
    let exponent = u64::from(us.ilog2());
    let fine = (us >> (exponent - 5)) & (FINE - 1);
    ((EXACT_US + (exponent - 6) * FINE + fine) as usize).min(BUCKETS - 1)
}

/// The least latency in a bucket, µs.
fn floor_us(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < EXACT_US {
        return bucket;
    }
    let (exponent, fine) = ((bucket - EXACT_US) / FINE + 6, (bucket - EXACT_US) % FINE);
    (FINE + fine) << (exponent - 5)
}

impl Latencies {
    pub(super) fn add(&mut self, us: u64) {
        self.counts[bucket(us)] += 1;
        self.total += 1;
        self.max_us = self.max_us.max(us);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
        self.max_us = self.max_us.max(other.max_us);
    }

    /// The latency that `share` of all do not exceed, ms; 0 when there are none.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank within the count"
    )]
    pub(super) fn quantile_ms(&self, share: f64) -> f64 {
        let us = if share >= 1.0 {
            self.max_us
        } else {
            let rank = ((self.total as f64 * share).ceil() as u64).max(1);
            let mut seen = 0;
            let found = self.counts.iter().position(|count| {
                seen += count;
                seen >= rank
            });
            found.map_or(0, floor_us).min(self.max_us)
        };
        us as f64 / 1000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_quantiles_within_three_percent() {
        let mut latencies = Latencies::default();
        (1..=100_000).for_each(|us| latencies.add(us));
        for (share, ms) in [(0.5, 50.0), (0.99, 99.0), (0.999, 99.9)] {
            let found = latencies.quantile_ms(share);
            assert!((found / ms - 1.0).abs() < 0.035, "{share}: {found} instead of {ms}");
        }
        assert!((latencies.quantile_ms(1.0) - 100.0).abs() < 1e-9);
        for us in [0, 63, 64, 65, 1_000_000, u64::MAX] {
            assert!(floor_us(bucket(us)) <= us, "{us}");
        }
    }
}
