//! Where a door puts the messages it takes. The listener and the collector share it.

use store::journal::{Delivery, Durable, Journal, Refused, Ticket};
use tokio::sync::watch;

/// The journal, or nothing: a door that stores nothing and acknowledges at once is what a benchmark compares with.
#[derive(Clone, Debug)]
pub enum Sink {
    /// Journal every message; acknowledge when it is durable.
    Journal(Journal),
    /// Forget every message and acknowledge at once. For measuring only: an acknowledgement means nothing here.
    Null,
}

impl From<Journal> for Sink {
    fn from(journal: Journal) -> Self {
        Self::Journal(journal)
    }
}

impl Sink {
    /// Takes a message. The ticket to wait for, or `None` when there is nothing to wait for.
    ///
    /// # Errors
    /// [`Refused`] as from [`Journal::append`].
    pub fn append(&self, delivery: &Delivery<'_>) -> Result<Option<Ticket>, Refused> {
        match self {
            Self::Journal(journal) => journal.append(delivery).map(Some),
            Self::Null => Ok(None),
        }
    }

    /// What settles the tickets of [`append`](Self::append); `None` when it gives none.
    #[must_use]
    pub fn durable(&self) -> Option<watch::Receiver<Durable>> {
        match self {
            Self::Journal(journal) => Some(journal.durable()),
            Self::Null => None,
        }
    }

    /// Whether messages are taken now. Cheap: to be asked before reading more from a socket.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::Journal(journal) => journal.is_open(),
            Self::Null => true,
        }
    }

    /// Waits until messages are taken (again).
    pub async fn room(&self) {
        if let Self::Journal(journal) = self {
            journal.room().await;
        }
    }
}
