//! The door readings come in by, as the endpoints see it.

use async_trait::async_trait;
use model::rejection::Reason;

/// Takes readings in. They are on disk when it answers (invariant D1).
#[async_trait]
pub trait ReadingsDoor: Send + Sync {
    /// Takes the readings of `body`, sent by `client`.
    ///
    /// # Errors
    /// When nothing of it was taken.
    async fn take(&self, client: &str, body: &[u8]) -> Result<Receipt, DoorError>;
}

/// What became of the readings of one request; the three add up to what was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Readings that are new.
    pub accepted: u64,
    /// Readings known to be there already.
    pub duplicate: u64,
    /// Readings refused: their place in the request, and why.
    pub rejected: Vec<(usize, Reason)>,
}

/// Why nothing was taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DoorError {
    /// The body is not a message of readings.
    #[error("{detail}")]
    Malformed {
        /// The word for it.
        reason: Reason,
        /// What is wrong, and what to do.
        detail: String,
    },
    /// The body has more bytes or readings than a message may have.
    #[error("the message is too large: send fewer readings at once")]
    TooLarge,
    /// The journal can't take it now.
    #[error("readings can't be written now: send them again later")]
    Unavailable,
}
