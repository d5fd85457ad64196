//! Opening a journal beside a lake that may be ahead of it.

use std::path::Path;

use super::{Journal, JournalOptions, Position, Recovery};
use crate::Error;

impl Journal {
    /// Opens the journal in `dir` for a lake in which everything up to `flushed` is committed.
    ///
    /// A position is given once only: a journal that ends before `flushed` (its directory was lost, or comes from a
    /// backup taken a moment before the lake's) holds nothing that is not in the lake, so its segments go and it
    /// begins anew after `flushed`. Otherwise new messages would pass for ones that are in the lake already.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn resume(dir: &Path, options: JournalOptions, flushed: Position) -> Result<(Self, Recovery), Error> {
        let options = JournalOptions { first: flushed.next(), ..options };
        let (journal, recovery) = Self::open(dir, options.clone())?;
        if recovery.last >= flushed {
            return Ok((journal, recovery));
        }
        journal.close();
        drop(journal);
        tracing::warn!(
            last = recovery.last.get(),
            flushed = flushed.get(),
            "the journal ends before what the lake holds; it begins anew after that"
        );
        let io = |action, path: &Path| {
            let path = path.to_owned();
            move |source| Error::Io { action, path, source }
        };
        let mut segments = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(io("list", dir))? {
            let path = entry.map_err(io("list", dir))?.path();
            if path.extension().is_some_and(|extension| extension == "wal") {
                segments.push(path);
            }
        }
        // Oldest first, so that a crash in between leaves a chain that begins later, not one with a hole.
        segments.sort();
        for path in segments {
            std::fs::remove_file(&path).map_err(io("remove", &path))?;
        }
        std::fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(io("fsync", dir))?;
        Self::open(dir, options)
    }
}
