//! What one sensor has told, and which of it came late: whoever carries on from an earlier look finds out what changed.

use std::collections::VecDeque;

use crate::fleet::Kept;

/// So many late instants are told apart.
const LATES_MAX: usize = 64;

/// What one sensor has told.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) kept: Kept,
    pub(super) lates: Lates,
}

/// When readings were measured that came late, in the order they came.
///
/// What is asked of them is the earliest of those that came after some moment, so that of two the one that came before
/// and is not earlier need not be kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Lates {
    /// How many came.
    count: u64,
    /// The number of each, and when it was measured, ms: both rise.
    earliest: VecDeque<(u64, i64)>,
}

impl Lates {
    /// Notes one measured at `at`, ms.
    pub(super) fn push(&mut self, at: i64) {
        self.count += 1;
        while self.earliest.back().is_some_and(|(_, before)| *before >= at) {
            self.earliest.pop_back();
        }
        self.earliest.push_back((self.count, at));
        if self.earliest.len() > LATES_MAX
            && let Some((_, first)) = self.earliest.pop_front()
            && let Some(next) = self.earliest.front_mut()
        {
            // Earlier than it was, which is never wrong in the quiet direction.
            next.1 = first;
        }
    }

    /// How many came so far.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The earliest of those that came after the first `count`, ms.
    pub(super) fn since(&self, count: u64) -> Option<i64> {
        let next = self.earliest.partition_point(|(number, _)| *number <= count);
        self.earliest.get(next).map(|(_, at)| *at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_earliest_since_any_moment_is_known_or_something_earlier(all in prop::collection::vec(0i64..400, 0..300)) {
            let mut lates = Lates::default();
            for at in &all {
                lates.push(*at);
            }
            prop_assert_eq!(lates.count(), all.len() as u64);
            for count in 0..=all.len() {
                let earliest = all[count..].iter().min().copied();
                let known = lates.since(count as u64);
                prop_assert_eq!(known.is_some(), earliest.is_some());
                prop_assert!(known <= earliest);
                if lates.earliest.len() < LATES_MAX {
                    prop_assert_eq!(known, earliest);
                }
            }
        }
    }
}
