//! Names as numbers: each distinct text is kept once.

use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// The number of an interned name, counted from 0 in order of first sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameId(pub(crate) u32);

impl NameId {
    /// The number as an index into tables kept per name.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The names by number; a handle that other threads read, without waiting, while the owner of [`Names`] adds.
#[derive(Clone, Debug, Default)]
pub struct NameList(Arc<boxcar::Vec<Arc<str>>>);

impl NameList {
    /// The text of `id`.
    #[must_use]
    pub fn text(&self, id: NameId) -> Option<Arc<str>> {
        self.0.get(id.index()).cloned()
    }

    /// How many names are known now.
    pub(crate) fn len(&self) -> usize {
        self.0.count()
    }

    /// The text of `number`, which was given out by [`Names::intern`].
    pub(crate) fn known(&self, number: u32) -> &str {
        &self.0[number as usize]
    }
}

/// The one place that gives numbers to names.
#[derive(Debug, Default)]
pub struct Names {
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
    list: NameList,
}

impl Names {
    /// The number of `name`, new or known.
    pub fn intern(&mut self, name: &str) -> NameId {
        let Self { numbers, hasher, list } = self;
        let hash = hasher.hash_one(name);
        if let Some(&number) = numbers.find(hash, |&number| list.known(number) == name) {
            return NameId(number);
        }
        #[expect(clippy::cast_possible_truncation, reason = "memory ends long before 4 billion names")]
        let number = list.0.push(name.into()) as u32;
        numbers.insert_unique(hash, number, |&number| hasher.hash_one(list.known(number)));
        NameId(number)
    }

    /// The number of `name`, if it is known.
    #[must_use]
    pub fn known(&self, name: &str) -> Option<NameId> {
        let hash = self.hasher.hash_one(name);
        self.numbers.find(hash, |&number| self.list.known(number) == name).map(|&number| NameId(number))
    }

    /// How many names are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether no name is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The names by number.
    #[must_use]
    pub fn list(&self) -> &NameList {
        &self.list
    }
}
