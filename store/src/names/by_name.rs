//! Tables by number of name.

use super::NameId;

/// Values in a block.
const BLOCK: usize = 4096;

/// One value for each name. What nobody set is one and the same.
///
/// It grows block by block: nothing is moved, so that no room is left empty for what may come, and no holes where
/// it was.
#[derive(Clone, Debug)]
pub struct ByName<T> {
    blocks: Vec<Box<[T]>>,
    unset: T,
}

impl<T: Copy> ByName<T> {
    /// A table with `unset` for every name.
    #[must_use]
    pub fn new(unset: T) -> Self {
        Self { blocks: Vec::new(), unset }
    }

    /// The value of `id`.
    #[must_use]
    pub fn get(&self, id: NameId) -> T {
        self.blocks.get(id.index() / BLOCK).map_or(self.unset, |block| block[id.index() % BLOCK])
    }

    /// Sets the value of `id`, and gives the one it had.
    pub fn set(&mut self, id: NameId, value: T) -> T {
        let block = id.index() / BLOCK;
        if self.blocks.len() <= block {
            self.grow_to(block);
        }
        std::mem::replace(&mut self.blocks[block][id.index() % BLOCK], value)
    }

    #[cold]
    fn grow_to(&mut self, block: usize) {
        self.blocks.resize_with(block + 1, || vec![self.unset; BLOCK].into_boxed_slice());
    }

    /// The values by number, up to the last that was set and perhaps further.
    pub fn iter(&self) -> impl Iterator<Item = (NameId, &T)> {
        (0..).map(NameId::of).zip(self.blocks.iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_set_is_unset() {
        let mut table = ByName::new(-1);
        let at = |number: usize| NameId::of(number as u32);
        assert_eq!(table.get(at(7)), -1);
        assert_eq!(table.set(at(2 * BLOCK), 5), -1);
        assert_eq!(table.set(at(0), 3), -1);
        assert_eq!(table.set(at(0), 4), 3);
        assert_eq!([0, 1, 2 * BLOCK, 9 * BLOCK].map(|number| table.get(at(number))), [4, -1, 5, -1]);
        let set: Vec<_> =
            table.iter().filter(|(_, value)| **value != -1).map(|(id, value)| (id.index(), *value)).collect();
        assert_eq!(set, [(0, 4), (2 * BLOCK, 5)]);
    }
}
