//! Copying a lake while it is written to.

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};

use super::Lake;
use crate::Error;
use crate::objects::Objects;

/// Copies the newest versions of both tables of `from` into the empty place `into`; returns the number of data files.
///
/// For each table first its log as it is now, then the files that log names: files removed meanwhile are kept for 24
/// hours, so they are there. `progress` is told (files done, files in all).
///
/// # Errors
/// When a file cannot be read or written.
pub async fn copy(from: &Objects, into: &Objects, mut progress: impl FnMut(usize, usize)) -> Result<usize, Error> {
    for table in ["readings", "rejected"] {
        let log = from.path(table).join("_delta_log");
        let listed: Vec<_> = from.store().list(Some(&log)).try_collect().await.map_err(|source| Error::Object {
            action: "list",
            path: log.to_string(),
            source,
        })?;
        for object in listed {
            let Some(name) = object.location.filename() else { continue };
            copy_file(from, &object.location, into, &into.path(&format!("{table}/_delta_log/{name}"))).await?;
        }
    }
    let copied = Lake::open_existing(into.clone(), "backup").await?;
    let tables = [copied.readings(), copied.rejected()];
    let all = tables.iter().map(|table| table.files().len()).sum();
    let mut done = 0;
    for table in tables {
        for file in table.files().iter() {
            copy_file(from, &table.path(from, &file.path), into, &table.path(into, &file.path)).await?;
            done += 1;
            progress(done, all);
        }
    }
    Ok(all)
}

async fn copy_file(from: &Objects, source: &Path, into: &Objects, target: &Path) -> Result<(), Error> {
    let failed = |action, path: &Path| {
        let path = path.to_string();
        move |source| Error::Object { action, path, source }
    };
    let object = from.store().get(source).await.map_err(failed("read", source))?;
    let bytes = object.bytes().await.map_err(failed("read", source))?;
    into.store().put(target, PutPayload::from(bytes)).await.map_err(failed("write", target))?;
    Ok(())
}
