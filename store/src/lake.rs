//! The lake: two Delta tables of Parquet, `readings` and `rejected`, in a directory or a bucket.
//!
//! Every write is one commit that carries the journal position it reaches as an application transaction, so that a
//! flush repeated after a crash does nothing. Each file's name ends with the CRC32C of its bytes.
//!
//! The durable steps of a flush, in order: 1. refused messages' files, 2. their commit, 3. readings' files (new ones,
//! and rewritten ones whose rows turned out to be in conflict), 4. their commit; only then may the journal be pruned.
//! A crash between any two repeats from the journal what is not committed; files without a commit are never read and
//! go with the next vacuum.

mod apart;
mod at_hand;
mod compact;
mod compare;
mod copy;
mod encode;
mod file;
mod flush;
mod integrity;
mod lineage;
mod loaded;
mod mark;
mod merge;
mod sorted;
mod table;
mod vacuum;

pub use compact::Compacted;
pub use copy::copy;
pub use file::FileName;
pub use flush::{Flushed, flush_tail};
pub use lineage::Commit;
pub use table::Table;

use crate::journal::Position;
use crate::objects::Objects;
use crate::schema;
use crate::{Error, view};

/// The tables and where they lie. One writer.
#[derive(Debug)]
pub struct Lake {
    objects: Objects,
    readings: Table,
    rejected: Table,
    /// Held by whoever takes files of `readings` or `rejected` out: from choosing them, or looking whether they are
    /// still there, to the commit.
    exchanging: tokio::sync::Mutex<()>,
}

impl Lake {
    /// Opens the lake, making tables that do not exist yet. `node` names this writer in the tables' transactions.
    ///
    /// # Errors
    /// When the place cannot be read or written, or a table's log is damaged.
    pub async fn open(objects: Objects, node: &str) -> Result<Self, Error> {
        let readings = Table::open(&objects, "readings", &schema::READINGS, node).await?;
        let rejected = Table::open(&objects, "rejected", &schema::REJECTED, node).await?;
        Ok(Self { objects, readings, rejected, exchanging: tokio::sync::Mutex::default() })
    }

    /// As [`Lake::open`], but a table that does not exist is an error: changes nothing.
    ///
    /// # Errors
    /// As [`Lake::open`], and when there is no lake.
    pub async fn open_existing(objects: Objects, node: &str) -> Result<Self, Error> {
        for table in ["readings", "rejected"] {
            Table::expect(&objects, table).await?;
        }
        Self::open(objects, node).await
    }

    /// The table of admitted readings.
    #[must_use]
    pub fn readings(&self) -> &Table {
        &self.readings
    }

    /// The table of refused messages and readings.
    #[must_use]
    pub fn rejected(&self) -> &Table {
        &self.rejected
    }

    /// Where the files are.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// The last journal position whose readings are committed; `None` before the first flush.
    #[must_use]
    pub fn flushed_to(&self) -> Option<Position> {
        self.readings.committed()
    }

    /// The newest `measured_at` in the lake, in ms; `i64::MIN` when it is empty.
    #[must_use]
    pub fn newest(&self) -> i64 {
        self.readings.files().iter().map(|file| file.max_measured_at).max().unwrap_or(i64::MIN)
    }

    /// Lets readers see what is committed; see [`Table`].
    fn show(&self) {
        self.readings.show();
        self.rejected.show();
    }

    /// Both tables as queries see them, with nothing in the tails yet.
    #[must_use]
    pub fn view(&self) -> view::View {
        view::View { readings: self.readings.view(&self.objects), rejected: self.rejected.view(&self.objects) }
    }
}

#[cfg(test)]
mod tests;
