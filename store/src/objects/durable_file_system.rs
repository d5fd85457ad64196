//! A local file system on which a put that returned survives a power cut.
//!
//! `object_store`'s own local store never syncs. Here the content is synced under a temporary name before the
//! final name appears, and the directory (and each directory made for it) is synced after.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};

/// The whole local file system (paths from `/`) with fsync after every put, copy, rename and upload.
#[derive(Debug)]
pub struct DurableFileSystem {
    inner: LocalFileSystem,
}

impl DurableFileSystem {
    /// The file system from its root.
    #[must_use]
    pub fn new() -> Self {
        Self { inner: LocalFileSystem::new() }
    }

    async fn sync_name(&self, location: &Path) -> Result<()> {
        let path = self.inner.path_to_filesystem(location)?;
        blocking(location, move || {
            File::open(&path)?.sync_all()?;
            sync_directory_of(&path)
        })
        .await
    }
}

impl Default for DurableFileSystem {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for DurableFileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DurableFileSystem")
    }
}

#[async_trait]
impl ObjectStore for DurableFileSystem {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let create = match opts.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            PutMode::Update(_) => {
                return Err(object_store::Error::NotImplemented {
                    operation: "`put_opts` with mode `Update`".into(),
                    implementer: self.to_string(),
                });
            }
        };
        let path = self.inner.path_to_filesystem(location)?;
        blocking(location, move || put_durably(&path, &payload, create)).await?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let path = self.inner.path_to_filesystem(location)?;
        blocking(location, {
            let path = path.clone();
            move || make_directories(parent(&path))
        })
        .await?;
        let upload = self.inner.put_multipart_opts(location, opts).await?;
        Ok(Box::new(DurableUpload { upload, location: location.clone(), path }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        // A copy is written like a put, so that its content is on disk before its name is.
        let create = matches!(options.mode, CopyMode::Create);
        let (source, target) = (self.inner.path_to_filesystem(from)?, self.inner.path_to_filesystem(to)?);
        blocking(to, move || put_durably(&target, &PutPayload::from(fs::read(source)?), create)).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.sync_name(from).await?;
        self.inner.rename_opts(from, to, options).await?;
        self.sync_name(to).await
    }
}

/// An upload in parts whose completion syncs the file and its directory.
#[derive(Debug)]
struct DurableUpload {
    upload: Box<dyn MultipartUpload>,
    location: Path,
    path: PathBuf,
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.upload.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.upload.complete().await?;
        let path = self.path.clone();
        blocking(&self.location, move || {
            File::open(&path)?.sync_all()?;
            sync_directory_of(&path)
        })
        .await?;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}

/// Writes `payload` under a temporary name, syncs it, gives it its name and syncs the directory.
///
/// With `create` an existing file is left as it is and the error is `AlreadyExists`.
fn put_durably(path: &FilePath, payload: &PutPayload, create: bool) -> io::Result<()> {
    make_directories(parent(path))?;
    // `#` and digits: the form that the local object store leaves out of its listings.
    let mut staged = path.as_os_str().to_owned();
    staged.push(format!("#{}", uuid::Uuid::new_v4().as_u128()));
    let staged = PathBuf::from(staged);
    let written = write_synced(&staged, payload)
        .and_then(|()| if create { fs::hard_link(&staged, path) } else { fs::rename(&staged, path) });
    if create || written.is_err() {
        // Best effort: a staged file that stays is an orphan nobody reads.
        drop(fs::remove_file(&staged));
    }
    written?;
    sync_directory_of(path)
}

fn write_synced(path: &FilePath, payload: &PutPayload) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    for part in payload {
        file.write_all(part)?;
    }
    file.sync_all()
}

/// Makes `dir` and its missing parents, each synced into the one above it.
fn make_directories(dir: &FilePath) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    make_directories(parent(dir))?;
    match fs::create_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_directory_of(dir)
}

fn sync_directory_of(path: &FilePath) -> io::Result<()> {
    File::open(parent(path))?.sync_all()
}

fn parent(path: &FilePath) -> &FilePath {
    path.parent().unwrap_or(FilePath::new("/"))
}

/// Runs file work off the runtime's threads and names `location` in its error.
async fn blocking<T: Send + 'static>(
    location: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let generic = |source| object_store::Error::Generic { store: "DurableFileSystem", source };
    let done = tokio::task::spawn_blocking(work).await.map_err(|join| generic(Box::new(join)))?;
    done.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => {
            object_store::Error::AlreadyExists { path: location.to_string(), source: source.into() }
        }
        io::ErrorKind::NotFound => object_store::Error::NotFound { path: location.to_string(), source: source.into() },
        _ => generic(format!("`{location}`: {source}").into()),
    })
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;

    use super::*;

    #[tokio::test]
    async fn creates_a_name_only_once_and_leaves_nothing_staged() {
        let dir = tempfile::tempdir().unwrap();
        let base = Path::from_absolute_path(dir.path().canonicalize().unwrap()).unwrap();
        let store = DurableFileSystem::new();
        let name = base.clone().join("a").join("b").join("00.json");
        let create = || PutOptions { mode: PutMode::Create, ..Default::default() };
        store.put_opts(&name, "first".into(), create()).await.unwrap();
        let again = store.put_opts(&name, "second".into(), create()).await;
        assert!(matches!(again, Err(object_store::Error::AlreadyExists { .. })), "{again:?}");
        assert_eq!(store.get(&name).await.unwrap().bytes().await.unwrap(), "first");
        store.put(&name, "third".into()).await.unwrap();
        assert_eq!(store.get(&name).await.unwrap().bytes().await.unwrap(), "third");
        assert_eq!(fs::read_dir(dir.path().join("a/b")).unwrap().count(), 1);
    }
}
