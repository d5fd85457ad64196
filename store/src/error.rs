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
    #[error(
        "journal segment `{file}` has format version `{found}`, this program reads up to `{known}`: start the version that wrote it, let it flush, then go back"
    )]
    JournalVersion {
        /// The segment.
        file: PathBuf,
        /// The version it has.
        found: u16,
        /// The newest version known here.
        known: u16,
    },

    /// A reader asked for positions the journal does not hold.
    #[error(
        "the journal holds positions `{first}` to `{last}` and was asked to go on from `{wanted}`: its directory and the lake do not belong together; restore both from the same backup"
    )]
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

    /// The configured place of the lake cannot be used.
    #[error("cannot use `{location}` for the lake: check the address and the credentials")]
    Location {
        /// The place.
        location: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The object store refused something.
    #[error("cannot {action} `{path}` in the lake: {source}")]
    Object {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file.
        path: String,
        /// What the store said.
        #[source]
        source: object_store::Error,
    },

    /// The log of a table refused something.
    #[error("cannot {action} table `{table}`: {source}")]
    Table {
        /// What was tried, as a verb.
        action: &'static str,
        /// The table.
        table: &'static str,
        /// What the table format's library said.
        #[source]
        source: Box<deltalake_core::DeltaTableError>,
    },

    /// A file that was to be replaced has been replaced by somebody else.
    #[error("file `{path}` of table `{table}` was replaced meanwhile: it is tried again with what took its place")]
    Replaced {
        /// The table.
        table: &'static str,
        /// The file, below the table.
        path: String,
    },

    /// A file of the lake is not what was written.
    #[error("file `{path}` of the lake is damaged: {what}; restore it from a backup")]
    LakeDamaged {
        /// The file, below the lake.
        path: String,
        /// What is wrong with it.
        what: String,
    },

    /// A file of the lake does not read as Parquet.
    #[error("file `{path}` of the lake cannot be read or written as Parquet: {source}")]
    Parquet {
        /// The file, below the lake.
        path: String,
        /// What the reader said.
        #[source]
        source: parquet::errors::ParquetError,
    },

    /// Columns do not fit together; a defect of this program.
    #[error("columns do not fit together: {0}")]
    Arrow(#[from] arrow::error::ArrowError),

    /// Decoding is behind, so that an answer would lack what is acknowledged.
    #[error("decoding has not caught up with what is acknowledged: ask again in a moment")]
    DecodingBehind,

    /// Decoding has stopped, so that nothing can be asked for the moment.
    #[error("decoding has stopped: see the log, then start again")]
    DecodingStopped,

    /// The ledger's database refused something.
    #[error("cannot {action} the ledger: {source}")]
    Ledger {
        /// What was tried, as a verb.
        action: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },

    /// The ledger's file was written by another version of the program.
    #[error("`{path}` has ledger format `{found}`, this program knows `{known}`: use the version that wrote it")]
    LedgerFormat {
        /// The file.
        path: PathBuf,
        /// The format it has; 0 is no ledger at all.
        found: i64,
        /// The format known here.
        known: i64,
    },

    /// The ledger holds what no ledger writes.
    #[error("the ledger is damaged: {what}; run `coldtrail verify` and restore a backup")]
    LedgerDamaged {
        /// What was found.
        what: String,
    },

    /// Other processes append to the ledger without pause.
    #[error("the ledger is busy: other processes keep appending to it; try again")]
    LedgerBusy,

    /// A task of the ledger ended before its time.
    #[error("a task of the ledger was stopped: {source}")]
    LedgerTask {
        /// Why.
        #[source]
        source: tokio::task::JoinError,
    },

    /// The outbox's database refused something.
    #[error("cannot {action} the outbox: {source}")]
    Outbox {
        /// What was tried, as a verb.
        action: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },

    /// The outbox's file was written by another version of the program.
    #[error("`{path}` has outbox format `{found}`, this program knows `{known}`: use the version that wrote it")]
    OutboxFormat {
        /// The file.
        path: PathBuf,
        /// The format it has.
        found: i64,
        /// The format known here.
        known: i64,
    },

    /// A token or an account cannot be as asked.
    #[error("{what}")]
    AccessRefused {
        /// What is wrong, and what to do.
        what: String,
    },

    /// A password cannot be hashed.
    #[error("cannot hash a password: {what}")]
    Password {
        /// What the hash function said.
        what: String,
    },
}
