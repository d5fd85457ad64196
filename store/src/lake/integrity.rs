//! Checking that the files of the lake are what was written (invariant D5).

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::{FileName, Lake};
use crate::Error;
use crate::view::{LakeFile, TableView};

/// Files up to so many bytes are summed up on the thread that asks.
const SUMMED_HERE_BYTES: usize = 1 << 20;

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
        let store = self.objects().store();
        let mut checked = 0;
        for table in tables {
            for file in table.files().iter() {
                load(store.as_ref(), &self.objects().path(table.name()), file).await?;
                checked += 1;
                progress(checked, all);
            }
        }
        Ok(checked)
    }
}

impl TableView {
    /// Reads `file` whole and compares size and checksum with the log and the file's name.
    ///
    /// # Errors
    /// [`Error::LakeDamaged`] when it is missing or not what was written.
    pub async fn check(&self, file: &LakeFile) -> Result<(), Error> {
        self.read(file).await.map(drop)
    }

    /// The bytes of `file`, compared like [`check`](Self::check) does.
    ///
    /// # Errors
    /// [`Error::LakeDamaged`] when it is missing or not what was written.
    pub async fn read(&self, file: &LakeFile) -> Result<Bytes, Error> {
        load(self.store.as_ref(), &self.prefix, file).await
    }
}

/// The bytes of a file of the table at `root`, when they are what was written.
pub(super) async fn load(store: &dyn ObjectStore, root: &Path, file: &LakeFile) -> Result<Bytes, Error> {
    let path = format!("{}/{}", root.filename().unwrap_or_default(), file.path);
    let damaged = |what: String| Error::LakeDamaged { path: path.clone(), what };
    let location = file.path.split('/').fold(root.clone(), |path, part| path.join(part));
    let object = match store.get(&location).await {
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
    // what takes microseconds is not worth another thread
    let sum = if bytes.len() <= SUMMED_HERE_BYTES {
        Ok(crc32c::crc32c(&bytes))
    } else {
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
