//! Knowing a table's past again: whether what it holds now came of what it held then.

use object_store::ObjectStoreExt;
use sha2::{Digest as _, Sha256};

use super::{Lake, Table};
use crate::Error;
use crate::objects::Objects;

/// One commit of a table, as its log has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// The version it made.
    pub version: u64,
    /// SHA-256 over its entry in the log.
    pub digest: [u8; 32],
}

impl Lake {
    /// The newest commit of `readings`.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn newest_commit(&self) -> Result<Commit, Error> {
        let version = self.readings().version().await;
        let digest = digest_of(self.objects(), self.readings(), version).await?;
        Ok(Commit { version, digest: digest.unwrap_or_default() })
    }

    /// Whether `readings` went through `commit`: every row it had then it has now. `false` as well when its log does not go
    /// back so far any more.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn has_commit(&self, commit: &Commit) -> Result<bool, Error> {
        if self.readings().version().await < commit.version {
            return Ok(false);
        }
        Ok(digest_of(self.objects(), self.readings(), commit.version).await? == Some(commit.digest))
    }
}

async fn digest_of(objects: &Objects, table: &Table, version: u64) -> Result<Option<[u8; 32]>, Error> {
    let path = objects.path(table.name()).join("_delta_log").join(format!("{version:020}.json"));
    let failed = |source| Error::Object { action: "read", path: path.to_string(), source };
    let entry = match objects.store().get(&path).await {
        Ok(entry) => entry.bytes().await.map_err(failed)?,
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        Err(source) => return Err(failed(source)),
    };
    Ok(Some(Sha256::digest(&entry).into()))
}
