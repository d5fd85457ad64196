//! Checking that the files of the lake are what was written (invariant D5).

use bytes::Bytes;
use object_store::ObjectStoreExt;

use super::{FileName, Lake, Table};
use crate::Error;
use crate::objects::Objects;
use crate::view::LakeFile;

impl Lake {
    /// Reads every file of the newest versions and compares size and checksum with the log and the file's name.
    ///
    /// Calls `progress` after each file; returns the number of files and the first error found.
    ///
    /// # Errors
    /// [`Error::LakeDamaged`] for the first file that is missing or not what was written.
    pub async fn check(&self, mut progress: impl FnMut(usize, usize)) -> Result<usize, Error> {
        let tables = [self.readings(), self.rejected()];
        let all: usize = tables.iter().map(|table| table.files().len()).sum();
        let mut checked = 0;
        for table in tables {
            for file in table.files().iter() {
                load(self.objects(), table, file).await?;
                checked += 1;
                progress(checked, all);
            }
        }
        Ok(checked)
    }
}

/// The bytes of a file, when they are what was written.
pub(super) async fn load(objects: &Objects, table: &Table, file: &LakeFile) -> Result<Bytes, Error> {
    let path = format!("{}/{}", table.name(), file.path);
    let damaged = |what: String| Error::LakeDamaged { path: path.clone(), what };
    let object = match objects.store().get(&table.path(objects, &file.path)).await {
        Ok(object) => object.bytes().await,
        Err(error) => Err(error),
    };
    let bytes = match object {
        Ok(bytes) => bytes,
        Err(object_store::Error::NotFound { .. }) => return Err(damaged("it is missing".into())),
        Err(source) => return Err(Error::Object { action: "read", path, source }),
    };
    if bytes.len() as u64 != file.size {
        return Err(damaged(format!("it has {} bytes and the log says {}", bytes.len(), file.size)));
    }
    let Some(name) = FileName::parse(&file.path) else { return Ok(bytes) };
    let sum = {
        let bytes = bytes.clone();
        tokio::task::spawn_blocking(move || crc32c::crc32c(&bytes)).await
    };
    let found = match sum {
        Ok(found) => found,
        Err(join) => std::panic::resume_unwind(join.into_panic()),
    };
    if found == name.crc32c {
        return Ok(bytes);
    }
    Err(damaged(format!("its checksum is {found:08x} and its name says {:08x}", name.crc32c)))
}
