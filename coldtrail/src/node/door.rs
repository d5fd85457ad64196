//! The HTTP door of the ingest path, as the API sees it.

use api::door::{DoorError, ReadingsDoor, Receipt};
use async_trait::async_trait;
use ingest::http_door::{self, HttpDoor};

/// An [`HttpDoor`] behind the API's trait.
pub(crate) struct Door(HttpDoor);

impl Door {
    /// The door for the API.
    pub(crate) fn new(door: HttpDoor) -> Self {
        Self(door)
    }
}

#[async_trait]
impl ReadingsDoor for Door {
    async fn take(&self, client: &str, body: &[u8]) -> Result<Receipt, DoorError> {
        match self.0.post(client, body).await {
            Ok(receipt) => {
                Ok(Receipt { accepted: receipt.accepted, duplicate: receipt.duplicate, rejected: receipt.rejected })
            }
            Err(http_door::DoorError::Malformed { reason, what }) => Err(DoorError::Malformed { reason, detail: what }),
            Err(http_door::DoorError::TooLarge { .. }) => Err(DoorError::TooLarge),
            Err(http_door::DoorError::Unavailable) => Err(DoorError::Unavailable),
        }
    }
}
