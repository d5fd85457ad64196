//! Removing files that no version of the last 24 hours names.

use std::collections::HashSet;

use futures::TryStreamExt;
use object_store::ObjectStoreExt;

use super::{Lake, Table};
use crate::Error;

/// How long a removed file, or one that was never committed, is kept: readers outside hold no lease.
const KEPT_MS: i64 = 24 * 3600 * 1000;

impl Lake {
    /// Deletes files last written before `now_ms` − 24 h that the newest versions do not name; returns how many.
    ///
    /// The age is the file's own, so that a file just written and not yet committed survives. A file that was
    /// committed long ago and removed lately is kept for 24 hours after the removal, which `retired` tells.
    ///
    /// # Errors
    /// When the lake cannot be listed or a file cannot be deleted.
    pub async fn vacuum(&self, now_ms: i64) -> Result<usize, Error> {
        Ok(self.vacuum_table(self.readings(), now_ms).await? + self.vacuum_table(self.rejected(), now_ms).await?)
    }

    async fn vacuum_table(&self, table: &Table, now_ms: i64) -> Result<usize, Error> {
        let root = self.objects().path(table.name());
        let failed = |action, path: String| move |source| Error::Object { action, path, source };
        let live: HashSet<String> = table.files().iter().map(|file| file.path.clone()).collect();
        let retired = table.retired_since(now_ms - KEPT_MS).await?;
        let listed: Vec<_> =
            self.objects().store().list(Some(&root)).try_collect().await.map_err(failed("list", root.to_string()))?;
        let mut deleted = 0;
        for object in listed {
            let Some(parts) = object.location.prefix_match(&root) else { continue };
            let path = parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/");
            let ours = super::FileName::parse(&path).is_some();
            let old = object.last_modified.timestamp_millis() < now_ms - KEPT_MS;
            if ours && old && !live.contains(&path) && !retired.contains(&path) {
                let gone = self.objects().store().delete(&object.location).await;
                gone.map_err(failed("delete", path))?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }
}
