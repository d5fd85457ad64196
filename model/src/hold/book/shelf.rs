//! A map in boards: a copy shares all of them, and a change copies only the board it is on.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::hold::{AlarmId, HoldId, IncidentId, Subject};
use crate::name::Name;

/// Boards of keys that have no order of their own.
const BOARDS: u64 = 1024;
/// Numbers on a board, as a power of two.
const NUMBERS_LOG2: u32 = 8;

/// Tells the board a key is on. Keys that are numbers stand in their order, board by board.
pub(super) trait Key: Ord + Clone {
    /// The number of the board.
    fn board(&self) -> u64;
}

impl Key for u64 {
    fn board(&self) -> u64 {
        self >> NUMBERS_LOG2
    }
}

impl Key for HoldId {
    fn board(&self) -> u64 {
        self.get().board()
    }
}

impl Key for AlarmId {
    fn board(&self) -> u64 {
        self.get().board()
    }
}

impl Key for Name {
    fn board(&self) -> u64 {
        spread(self.as_str())
    }
}

impl Key for IncidentId {
    fn board(&self) -> u64 {
        self.name().board()
    }
}

impl Key for Subject {
    fn board(&self) -> u64 {
        self.parts().1.board()
    }
}

/// FNV-1a: the same in every process, so that two maps with the same entries are equal.
fn spread(text: &str) -> u64 {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    (hash ^ (hash >> 32)) % BOARDS
}

/// A map that is cheap to copy and to change a little.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shelf<K, V>(Arc<BTreeMap<u64, Arc<BTreeMap<K, V>>>>);

impl<K, V> Default for Shelf<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Key, V: Clone> Shelf<K, V> {
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.0.get(&key.board())?.get(key)
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        self.board(&key).insert(key, value);
    }

    pub(super) fn remove(&mut self, key: &K) {
        self.board(key).remove(key);
    }

    /// What stands at `key`, made if it is not there.
    pub(super) fn entry(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        self.board(&key).entry(key).or_default()
    }

    fn board(&mut self, key: &K) -> &mut BTreeMap<K, V> {
        Arc::make_mut(Arc::make_mut(&mut self.0).entry(key.board()).or_default())
    }

    /// All entries; in the order of the keys where these are numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.values().flat_map(|board| board.iter())
    }

    /// Entries from `key` on, of keys that are numbers.
    pub(super) fn from(&self, key: K) -> impl Iterator<Item = (&K, &V)> {
        let boards = self.0.range(key.board()..);
        boards.flat_map(|(_, board)| board.iter()).skip_while(move |(other, _)| **other < key)
    }
}
