//! The files around the database: made durable, and secret where they must be.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::Error;

/// Makes `path`'s content and its name in the directory durable.
pub(crate) fn sync(path: &Path) -> Result<(), Error> {
    let failed = |source| Error::Io { action: "sync", path: path.to_owned(), source };
    File::open(path).and_then(|file| file.sync_all()).map_err(failed)?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed),
        None => Ok(()),
    }
}

/// Makes the directory `path` with its parents, durably.
pub(crate) fn create_directory(path: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(path).map_err(|source| Error::Io { action: "create", path: path.to_owned(), source })?;
    sync(path)
}

/// Writes `text` and a line end to `path`, readable by its owner only; what stood there is replaced.
pub(crate) fn write_secret(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |source| Error::Io { action: "write", path: path.to_owned(), source };
    // A file that is there already keeps its mode when it is opened: it goes first.
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => return Err(failed(source)),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
    sync(path)
}
