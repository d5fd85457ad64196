//! Names as numbers: each distinct text is kept once, and what is known of a name is kept by its number.

mod by_name;
mod list;

use std::hash::BuildHasher;
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use hashbrown::{DefaultHashBuilder, HashTable};

pub use by_name::ByName;
pub use list::NameList;

/// The number of a name, counted from 0 in order of first sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameId(
    /// One more than the number, so that an `Option` of it is no larger.
    NonZeroU32,
);

impl NameId {
    pub(crate) const fn of(number: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(number))
    }

    pub(crate) const fn number(self) -> u32 {
        self.0.get() - 1
    }

    /// The number as an index into tables kept per name.
    #[must_use]
    pub const fn index(self) -> usize {
        self.number() as usize
    }
}

/// The one place that gives numbers to names. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Names(Arc<RwLock<Known>>);

#[derive(Debug, Default)]
struct Known {
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
    list: NameList,
}

impl Names {
    /// The number of `name`, new or known.
    pub fn intern(&self, name: &str) -> NameId {
        if let Some(known) = self.known(name) {
            return known;
        }
        self.0.write().unwrap_or_else(PoisonError::into_inner).intern(name)
    }

    /// The number of `name`, if it is known.
    #[must_use]
    pub fn known(&self, name: &str) -> Option<NameId> {
        let known = self.read();
        known.find(known.hasher.hash_one(name), name)
    }

    /// How many names are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read().list.len()
    }

    /// Whether no name is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names known at this moment, by number.
    #[must_use]
    pub fn list(&self) -> NameList {
        self.read().list.clone()
    }

    /// What `look` says of the names; none is added meanwhile.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&NameList) -> T) -> T {
        look(&self.read().list)
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn find(&self, hash: u64, name: &str) -> Option<NameId> {
        self.numbers.find(hash, |&number| self.list.known(number) == name).map(|&number| NameId::of(number))
    }

    fn intern(&mut self, name: &str) -> NameId {
        let hash = self.hasher.hash_one(name);
        // another may have been quicker
        if let Some(known) = self.find(hash, name) {
            return known;
        }
        let Self { numbers, hasher, list } = self;
        let number = list.push(name);
        numbers.insert_unique(hash, number, |&other| hasher.hash_one(list.known(other)));
        NameId::of(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_each_name_one_number_in_order_of_first_sight() {
        let names = Names::default();
        assert!(names.is_empty());
        for round in 0..2 {
            for number in 0..3000 {
                assert_eq!(names.intern(&format!("S{number}")).index(), number, "round {round}");
            }
        }
        assert_eq!(names.len(), 3000);
        assert_eq!(names.clone().known("S2999").map(NameId::index), Some(2999));
        assert_eq!(names.known("S3000"), None);
    }

    #[test]
    fn gives_one_number_to_all_who_ask_at_once() {
        let names = Names::default();
        let ask = || (0..2000).map(|number| names.intern(&number.to_string())).collect::<Vec<_>>();
        let (here, there) = std::thread::scope(|scope| {
            let there = scope.spawn(ask);
            (ask(), there.join().unwrap())
        });
        assert_eq!(here, there);
        assert_eq!(names.len(), 2000);
    }

    #[test]
    fn an_absent_number_takes_no_room() {
        assert_eq!(size_of::<Option<NameId>>(), 4);
    }
}
