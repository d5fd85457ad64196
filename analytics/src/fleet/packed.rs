//! One quantity of one sensor's past, packed: two to three bytes a reading in place of sixteen.
//!
//! A block holds up to [`BLOCK`] readings in order. Of each it has the difference of its distance in time from that of
//! the reading before (0 on a regular tick), and the difference of its value, both as zigzag LEB128: signed numbers
//! whose size in bytes goes with their magnitude.

use std::sync::Arc;

use crate::kernel::Sample;

/// Readings in a block, at most.
const BLOCK: usize = 1024;

/// Readings by time, each once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packed {
    blocks: Vec<Block>,
    count: usize,
}

#[derive(Clone, Debug)]
struct Block {
    first: Sample,
    last: Sample,
    count: u32,
    /// Shared by clones: who looks at a past while it goes on copies none of it.
    bytes: Arc<[u8]>,
}

impl Packed {
    /// How many readings it holds.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The first reading.
    pub(crate) fn first(&self) -> Option<Sample> {
        self.blocks.first().map(|block| block.first)
    }

    /// The last reading.
    pub(crate) fn last(&self) -> Option<Sample> {
        self.blocks.last().map(|block| block.last)
    }

    /// Appends readings in order, all later than those it holds.
    pub(crate) fn append(&mut self, samples: &[Sample]) {
        for part in samples.chunks(BLOCK) {
            self.blocks.extend(Block::of(part));
            self.count += part.len();
        }
    }

    /// Puts readings in order, all earlier than those it holds, before them.
    pub(crate) fn prepend(&mut self, samples: &[Sample]) {
        self.blocks.splice(0..0, samples.chunks(BLOCK).filter_map(Block::of));
        self.count += samples.len();
    }

    /// Lets go of the first readings, all before `at`, ms: as many as are in blocks of their own; when the last of them was
    /// measured, if there was one.
    pub(crate) fn trim(&mut self, at: i64) -> Option<i64> {
        let first = self.blocks.partition_point(|block| block.last.at < at);
        let gone = self.blocks.drain(..first);
        let (count, last) = gone.fold((0, None), |(count, _), block| (count + block.count, Some(block.last.at)));
        self.count -= count as usize;
        last
    }

    /// Takes in a reading that is no later than the last; `false` when it is known.
    pub(crate) fn insert(&mut self, sample: Sample) -> bool {
        let place = self.blocks.partition_point(|block| block.last < sample);
        let Some(block) = self.blocks.get(place) else {
            self.append(&[sample]);
            return true;
        };
        let mut samples = block.samples();
        let Err(index) = samples.binary_search(&sample) else { return false };
        samples.insert(index, sample);
        // A block that is full becomes two, with room in both.
        let half = if samples.len() > BLOCK { samples.len() / 2 } else { samples.len() };
        let halves = [&samples[..half], &samples[half..]];
        self.blocks.splice(place..=place, halves.into_iter().filter_map(Block::of));
        self.count += 1;
        true
    }

    /// The readings after `after` and up to `until`, ms: of the first `most` instants.
    pub(crate) fn between(&self, after: i64, until: i64, most: usize) -> Vec<Sample> {
        let first = self.blocks.partition_point(|block| block.last.at <= after);
        let (mut found, mut instants) = (Vec::new(), 0);
        let mut samples = Vec::with_capacity(BLOCK);
        for block in self.blocks[first..].iter().take_while(|block| block.first.at <= until) {
            samples.clear();
            block.read(&mut samples);
            for sample in samples.iter().filter(|sample| sample.at > after && sample.at <= until) {
                if found.last().is_none_or(|last: &Sample| last.at < sample.at) {
                    if instants == most {
                        return found;
                    }
                    instants += 1;
                }
                found.push(*sample);
            }
        }
        found
    }

    /// The readings of the last `most` instants before `before`, ms.
    pub(crate) fn before(&self, before: i64, most: usize) -> Vec<Sample> {
        let end = self.blocks.partition_point(|block| block.first.at < before);
        let mut found: Vec<Sample> = Vec::new();
        let mut instants = 0;
        for block in self.blocks[..end].iter().rev() {
            let samples = block.samples();
            for sample in samples.iter().rev().filter(|sample| sample.at < before) {
                if found.last().is_none_or(|last| sample.at < last.at) {
                    if instants == most {
                        found.reverse();
                        return found;
                    }
                    instants += 1;
                }
                found.push(*sample);
            }
        }
        found.reverse();
        found
    }

    /// All readings, in order.
    pub(crate) fn samples(&self) -> Vec<Sample> {
        let mut all = Vec::with_capacity(self.count);
        for block in &self.blocks {
            block.read(&mut all);
        }
        all
    }
}

impl Block {
    /// `None` of no readings.
    fn of(samples: &[Sample]) -> Option<Self> {
        let (&first, &last) = (samples.first()?, samples.last()?);
        let mut bytes = Vec::with_capacity(samples.len() * 3);
        let (mut before, mut distance) = (first, 0i64);
        for sample in &samples[1..] {
            let next = sample.at.wrapping_sub(before.at);
            put(next.wrapping_sub(distance), &mut bytes);
            put(i64::from(sample.value) - i64::from(before.value), &mut bytes);
            (before, distance) = (*sample, next);
        }
        let count = u32::try_from(samples.len()).unwrap_or(u32::MAX);
        Some(Self { first, last, count, bytes: bytes.into() })
    }

    fn samples(&self) -> Vec<Sample> {
        let mut samples = Vec::with_capacity(self.count as usize);
        self.read(&mut samples);
        samples
    }

    fn read(&self, into: &mut Vec<Sample>) {
        let (mut bytes, mut current, mut distance) = (self.bytes.iter(), self.first, 0i64);
        into.push(current);
        for _ in 1..self.count {
            distance = distance.wrapping_add(take(&mut bytes));
            #[expect(clippy::cast_possible_truncation, reason = "a difference of two i32 was put")]
            let value = (i64::from(current.value) + take(&mut bytes)) as i32;
            current = Sample { at: current.at.wrapping_add(distance), value };
            into.push(current);
        }
    }
}

/// Small magnitudes, of either sign, become small numbers.
fn put(number: i64, bytes: &mut Vec<u8>) {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while rest >= 0x80 {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
}

#[inline]
fn take(bytes: &mut std::slice::Iter<'_, u8>) -> i64 {
    let (mut number, mut shift) = (0u64, 0);
    for byte in bytes {
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
        shift += 7;
    }
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn sample() -> impl Strategy<Value = Sample> {
        let near = (1_790_000_000_000i64..1_790_000_100_000, -300i32..300);
        prop_oneof![9 => near, 1 => (any::<i64>(), any::<i32>())].prop_map(|(at, value)| Sample { at, value })
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out_in_order_and_once(
            first in prop::collection::btree_set(sample(), 0..4000),
            late in prop::collection::vec(sample(), 0..300),
        ) {
            let sorted: Vec<Sample> = first.iter().copied().collect();
            let mut packed = Packed::default();
            packed.append(&sorted);
            let mut expected: BTreeSet<Sample> = first;
            for sample in late {
                if packed.last().is_some_and(|last| sample <= last) {
                    prop_assert_eq!(packed.insert(sample), expected.insert(sample));
                }
            }
            prop_assert_eq!(packed.len(), expected.len());
            prop_assert_eq!(packed.last(), expected.last().copied());
            prop_assert_eq!(packed.samples(), expected.iter().copied().collect::<Vec<_>>());
        }

        #[test]
        fn a_part_is_that_part_of_the_whole(
            all in prop::collection::btree_set((0i64..900, 0i32..3), 0..3000),
            bounds in (-10i64..910, -10i64..910),
            most in 1usize..40,
        ) {
            let all: Vec<Sample> = all.into_iter().map(|(at, value)| Sample { at, value }).collect();
            let mut packed = Packed::default();
            packed.append(&all);
            let (after, until) = bounds;
            let mut instants: Vec<i64> =
                all.iter().map(|sample| sample.at).filter(|at| *at > after && *at <= until).collect();
            instants.dedup();
            let first = &instants[..most.min(instants.len())];
            let expected: Vec<Sample> = all.iter().filter(|sample| first.contains(&sample.at)).copied().collect();
            prop_assert_eq!(packed.between(after, until, most), expected);
            let mut instants: Vec<i64> = all.iter().map(|sample| sample.at).filter(|at| *at < until).collect();
            instants.dedup();
            let last = &instants[instants.len().saturating_sub(most)..];
            let expected: Vec<Sample> = all.iter().filter(|sample| last.contains(&sample.at)).copied().collect();
            prop_assert_eq!(packed.before(until, most), expected);
        }
    }

    #[test]
    fn a_regular_tick_in_hundredths_takes_under_three_bytes() {
        let samples: Vec<Sample> =
            (0..100_000).map(|tick| Sample { at: tick * 60_000, value: 4000 + (tick % 7) as i32 * 10 }).collect();
        let mut packed = Packed::default();
        packed.append(&samples);
        let bytes: usize = packed.blocks.iter().map(|block| block.bytes.len() + size_of::<Block>()).sum();
        assert!(bytes < 3 * samples.len(), "{bytes}");
    }
}
