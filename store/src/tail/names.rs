//! Names as numbers: each distinct text is kept once.

use std::sync::{Arc, RwLock};

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

/// The names by number; a handle that other threads read while the owner of [`Names`] adds.
#[derive(Clone, Debug, Default)]
pub struct NameList(Arc<RwLock<Vec<Arc<str>>>>);

impl NameList {
    /// Runs `read` over the names known now. Later names are not in the slice.
    pub fn with<T>(&self, read: impl FnOnce(&[Arc<str>]) -> T) -> T {
        // A poisoned list is still whole: the only writer pushes one finished element.
        read(&self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// The text of `id`.
    #[must_use]
    pub fn text(&self, id: NameId) -> Option<Arc<str>> {
        self.with(|names| names.get(id.index()).cloned())
    }

    fn push(&self, name: Arc<str>) {
        self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner).push(name);
    }
}

/// The one place that gives numbers to names.
#[derive(Debug, Default)]
pub struct Names {
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
    texts: Vec<Arc<str>>,
    list: NameList,
}

impl Names {
    /// The number of `name`, new or known.
    pub fn intern(&mut self, name: &str) -> NameId {
        let hash = self.hasher.hash_one(name);
        let same = |&number: &u32| &*self.texts[number as usize] == name;
        if let Some(&number) = self.numbers.find(hash, same) {
            return NameId(number);
        }
        #[expect(clippy::cast_possible_truncation, reason = "memory ends long before 4 billion names")]
        let number = self.texts.len() as u32;
        let text: Arc<str> = name.into();
        self.list.push(Arc::clone(&text));
        self.texts.push(text);
        let rehash = |&number: &u32| self.hasher.hash_one(&*self.texts[number as usize]);
        self.numbers.insert_unique(hash, number, rehash);
        NameId(number)
    }

    /// The number of `name`, if it is known.
    #[must_use]
    pub fn known(&self, name: &str) -> Option<NameId> {
        let hash = self.hasher.hash_one(name);
        self.numbers.find(hash, |&number| &*self.texts[number as usize] == name).map(|&number| NameId(number))
    }

    /// How many names are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether no name is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The names by number.
    #[must_use]
    pub fn list(&self) -> &NameList {
        &self.list
    }
}
