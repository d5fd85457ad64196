//! Copying a journal while it is written to.

use std::io::ErrorKind;
use std::path::Path;

use crate::Error;

/// Copies the segments in `from` to the new directory `into`, oldest first.
///
/// A segment that is pruned meanwhile is left out: what it held is in the lake. The newest segment may be copied in the
/// middle of a commit; its end is then cut when the copy is opened, and nobody was promised what is cut.
///
/// # Errors
/// When a file cannot be read or written.
pub fn copy(from: &Path, into: &Path) -> Result<(), Error> {
    let io = |action, path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io { action, path, source }
    };
    std::fs::create_dir_all(into).map_err(io("make", into))?;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(from).map_err(io("list", from))? {
        let name = entry.map_err(io("list", from))?.file_name();
        // What is still being made has another ending, and is empty.
        let ending = Path::new(&name).extension().and_then(|ending| ending.to_str());
        if matches!(ending, Some("wal" | "bin")) {
            names.push(name);
        }
    }
    names.sort();
    let mut copied = Vec::new();
    for name in names {
        let (source, target) = (from.join(&name), into.join(&name));
        match std::fs::copy(&source, &target) {
            Ok(_) if target.extension().is_some_and(|ending| ending == "wal") => copied.push(target),
            Ok(_) => {}
            // Segments are pruned oldest first: what was copied before this one was in the lake too, and would leave
            // a hole in the chain.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                for earlier in copied.drain(..) {
                    std::fs::remove_file(&earlier).map_err(io("remove", &earlier))?;
                }
            }
            Err(error) => return Err(io("copy", &source)(error)),
        }
    }
    Ok(())
}
