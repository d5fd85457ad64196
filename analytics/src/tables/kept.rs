//! What was read of a sensor in a file, kept for whoever asks next: files never change, and who looks at a sensor looks again.

use std::sync::Arc;

use arrow::array::RecordBatch;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use store::view::LakeFile;

/// Memory for what is kept, bytes: a month of some eighty sensors at a reading a minute.
const KEPT_BYTES: u64 = 64 << 20;
/// What a piece takes, about: a day of a reading a minute.
const PIECE_BYTES: usize = 24 << 10;
/// Files that are known to be what was written: as many small ones as days of twenty years have.
const CHECKED_FILES: usize = 8 << 10;

/// A file as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Written {
    path: Box<str>,
    size: u64,
    modified_at: i64,
}

impl Written {
    fn of(file: &LakeFile) -> Self {
        Self { path: file.path.as_str().into(), size: file.size, modified_at: file.modified_at }
    }
}

/// Rows of one sensor in one file, some columns of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    file: Written,
    sensor: Box<str>,
    columns: Arc<[usize]>,
}

impl Key {
    pub(super) fn new(file: &LakeFile, sensor: &str, columns: &Arc<[usize]>) -> Self {
        Self { file: Written::of(file), sensor: sensor.into(), columns: Arc::clone(columns) }
    }
}

#[derive(Clone, Debug)]
struct Bytes;

impl Weighter<Key, RecordBatch> for Bytes {
    fn weight(&self, key: &Key, rows: &RecordBatch) -> u64 {
        (size_of::<Key>() + key.file.path.len() + key.sensor.len() + rows.get_array_memory_size()) as u64
    }
}

/// The pieces that were read last, and the files whose checksum was looked at. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pieces: Arc<Cache<Key, RecordBatch, Bytes>>,
    checked: Arc<Cache<Written, ()>>,
}

impl Default for Kept {
    fn default() -> Self {
        let pieces = usize::try_from(KEPT_BYTES).unwrap_or(usize::MAX) / PIECE_BYTES;
        let pieces = Arc::new(Cache::with_weighter(pieces, KEPT_BYTES, Bytes));
        Self { pieces, checked: Arc::new(Cache::new(CHECKED_FILES)) }
    }
}

impl Kept {
    /// Whether `file` was found to be what was written.
    pub(super) fn is_checked(&self, file: &LakeFile) -> bool {
        self.checked.get(&Written::of(file)).is_some()
    }

    /// Notes that `file` is what was written.
    pub(super) fn note_checked(&self, file: &LakeFile) {
        self.checked.insert(Written::of(file), ());
    }

    /// The piece of `key`, from `read` when it is not here. Those who want the same piece at once wait for one of them.
    pub(super) async fn get_or<E>(
        &self,
        key: Key,
        read: impl Future<Output = Result<RecordBatch, E>>,
    ) -> Result<RecordBatch, E> {
        self.pieces.get_or_insert_async(&key, read).await
    }
}
