//! What can go wrong where bytes are kept.

use std::path::PathBuf;

/// A failure of the store. One enum for the crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused something.
    #[error("cannot {action} `{path}`: check the disk, its free space and the permissions")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },

    /// Bytes of a journal segment that had been fsynced do not read back.
    #[error("journal segment `{file}` is damaged at byte `{offset}`: {what}; {remedy}")]
    JournalDamaged {
        /// The segment.
        file: PathBuf,
        /// Where the damage begins, bytes from the start of the file.
        offset: u64,
        /// What was found there.
        what: &'static str,
        /// What to do.
        remedy: &'static str,
    },

    /// The segment files do not form one chain.
    #[error("journal segment `{file}` does not fit: {what}; {remedy}")]
    JournalBroken {
        /// The file that does not fit, or that is missing.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
        /// What to do.
        remedy: &'static str,
    },

    /// A segment was written by a newer program.
    #[error("journal segment `{file}` has format version `{found}`, this program reads up to `{known}`: start the version that wrote it, let it flush, then go back")]
    JournalVersion {
        /// The segment.
        file: PathBuf,
        /// The version it has.
        found: u16,
        /// The newest version known here.
        known: u16,
    },

    /// A reader asked for positions the journal does not hold.
    #[error("the journal holds positions `{first}` to `{last}` and was asked to go on from `{wanted}`: its directory and the lake do not belong together; restore both from the same backup")]
    JournalPosition {
        /// The position asked for.
        wanted: u64,
        /// The first position kept.
        first: u64,
        /// The last position kept.
        last: u64,
    },

    /// A journal has one feed at a time.
    #[error("the journal already has a feed: drop it first")]
    JournalFed,

    /// The limits given for a journal contradict each other.
    #[error("the limits of the journal do not fit together: {what}")]
    JournalLimits {
        /// Which ones, and what to do.
        what: &'static str,
    },
}
