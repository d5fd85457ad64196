//! All names in order, without anything between them.

use std::sync::Arc;

use super::NameId;

/// Names in a block: what is copied when the names of a moment are taken.
const BLOCK: usize = 1024;

/// Names by number, as they were known at one moment. Taking it copies little, and it never changes.
#[derive(Clone, Debug, Default)]
pub struct NameList {
    full: Vec<Arc<Block>>,
    /// Holds less than [`BLOCK`] names.
    open: Block,
}

/// Consecutive names.
#[derive(Clone, Debug, Default)]
struct Block {
    text: String,
    /// Where each name ends.
    ends: Vec<u32>,
}

impl NameList {
    /// The text of `id`, if it was known at that moment.
    #[must_use]
    pub fn text(&self, id: NameId) -> Option<&str> {
        (id.index() < self.len()).then(|| self.known(id.number()))
    }

    /// The numbers of those of `names` that were known.
    pub(crate) fn numbers(&self, names: &[&str]) -> Vec<u32> {
        #[expect(clippy::cast_possible_truncation, reason = "numbers are 32 bits by construction")]
        let all = 0..self.len() as u32;
        all.filter(|number| names.contains(&self.known(*number))).collect()
    }

    /// How many names were known.
    pub(crate) fn len(&self) -> usize {
        self.full.len() * BLOCK + self.open.ends.len()
    }

    /// The text of `number`, which was known at that moment.
    pub(crate) fn known(&self, number: u32) -> &str {
        let at = number as usize;
        let block = self.full.get(at / BLOCK).map_or(&self.open, Arc::as_ref);
        block.name(at % BLOCK)
    }

    /// Adds `name` and gives its number.
    pub(super) fn push(&mut self, name: &str) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "memory ends long before 4 billion names")]
        let number = self.len() as u32;
        self.open.push(name);
        if self.open.ends.len() == BLOCK {
            let mut full = std::mem::take(&mut self.open);
            full.text.shrink_to_fit();
            full.ends.shrink_to_fit();
            self.full.push(Arc::new(full));
        }
        number
    }
}

impl Block {
    fn push(&mut self, name: &str) {
        self.text.push_str(name);
        #[expect(clippy::cast_possible_truncation, reason = "names are far shorter than 4 MiB")]
        self.ends.push(self.text.len() as u32);
    }

    fn name(&self, at: usize) -> &str {
        let begin = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[begin as usize..self.ends[at] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_every_name_and_keeps_to_its_moment() {
        let mut list = NameList::default();
        let name = |number: usize| "é".repeat(number % 7) + &number.to_string();
        let mut moments = Vec::new();
        for number in 0..3 * BLOCK {
            moments.extend((number % 500 == 0).then(|| list.clone()));
            assert_eq!(list.push(&name(number)) as usize, number);
        }
        for (moment, list) in moments.iter().chain([&list]).enumerate() {
            assert_eq!(list.len(), (moment * 500).min(3 * BLOCK));
            for number in 0..list.len() {
                assert_eq!(list.text(NameId::of(number as u32)), Some(&*name(number)));
            }
            assert_eq!(list.text(NameId::of(list.len() as u32)), None);
        }
    }
}
