//! Sensors by number with a few bytes each: there may be hundreds of thousands.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use model::instant::MeasuredAt;
use model::quantity::{Humidity, Temperature};
use model::reading::Reading;

/// Stands for no value: colder than absolute zero, drier than dry.
const NONE: i32 = i32::MIN;

/// Slots are added in blocks of so many: none is ever moved, and memory grows by what is needed.
const BLOCK: usize = 4096;

/// A reading, without who sent it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) measured_at: MeasuredAt,
    pub(super) revision: u64,
    millidegrees: i32,
    thousandths: i32,
}

/// Slots by number, numbers by name. Numbers count from 0 in order of first sight; nothing is ever removed.
#[derive(Debug, Default)]
pub(super) struct Slots {
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
    blocks: Vec<Vec<Slot>>,
    /// All names in the order of their numbers, without anything between them.
    names: String,
    /// Where each name ends.
    ends: Vec<u32>,
}

impl Slot {
    pub(super) fn new(reading: &Reading<'_>, revision: u64) -> Self {
        Self {
            measured_at: reading.measured_at,
            revision,
            millidegrees: reading.temperature.map_or(NONE, Temperature::millidegrees),
            thousandths: reading.humidity.map_or(NONE, Humidity::thousandths),
        }
    }

    pub(super) fn temperature(&self) -> Option<Temperature> {
        Temperature::from_millidegrees(self.millidegrees)
    }

    pub(super) fn humidity(&self) -> Option<Humidity> {
        Humidity::from_thousandths(self.thousandths)
    }
}

impl Slots {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn find(&self, name: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(name);
        self.numbers.find(hash, |&number| self.name(number) == name).copied()
    }

    /// Adds `name`, which is not there yet.
    pub(super) fn add(&mut self, name: &str, slot: Slot) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "a million names of at most 64 bytes each")]
        let (number, end) = (self.len() as u32, (self.names.len() + name.len()) as u32);
        match self.blocks.last_mut() {
            Some(block) if block.len() < BLOCK => block.push(slot),
            _ => {
                let mut block = Vec::with_capacity(BLOCK);
                block.push(slot);
                self.blocks.push(block);
            }
        }
        self.names.push_str(name);
        self.ends.push(end);
        let Self { numbers, hasher, names, ends, .. } = self;
        numbers.insert_unique(hasher.hash_one(name), number, |&other| hasher.hash_one(cut(names, ends, other)));
        number
    }

    pub(super) fn put(&mut self, number: u32, slot: Slot) {
        self.blocks[number as usize / BLOCK][number as usize % BLOCK] = slot;
    }

    /// # Panics
    ///
    /// If no name has this number.
    pub(super) fn at(&self, number: u32) -> &Slot {
        &self.blocks[number as usize / BLOCK][number as usize % BLOCK]
    }

    pub(super) fn name(&self, number: u32) -> &str {
        cut(&self.names, &self.ends, number)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (u32, &Slot)> {
        (0..).zip(self.blocks.iter().flatten())
    }
}

fn cut<'a>(names: &'a str, ends: &[u32], number: u32) -> &'a str {
    let at = number as usize;
    let begin = at.checked_sub(1).map_or(0, |before| ends[before]);
    &names[begin as usize..ends[at] as usize]
}
