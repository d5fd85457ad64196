//! `coldtrail restore`.

use std::path::Path;
use std::process::ExitCode;

use crate::arguments::Restore;
use crate::exit::Failure;
use crate::node::{self, Layout};

/// Copies a backup into an empty data directory. It takes its place under its name only when it is whole.
pub(crate) async fn run(arguments: Restore) -> Result<ExitCode, Failure> {
    let backup = Layout::of(&arguments.from);
    if !backup.ledger().is_dir() && !backup.journal().is_dir() {
        return Err(Failure::Input(format!(
            "`{}` is not a backup: it has no journal and no ledger",
            arguments.from.display()
        )));
    }
    node::empty_directory(&arguments.data)?;
    let staged = arguments.data.with_extension("restoring");
    node::empty_directory(&staged)?;
    let (from, into) = (arguments.from.clone(), staged.clone());
    tokio::task::spawn_blocking(move || copy(&from, &into)).await??;
    std::fs::remove_dir(&arguments.data)?;
    std::fs::rename(&staged, &arguments.data)?;
    println!("{}", serde_json::json!({ "restored": arguments.data }));
    Ok(ExitCode::SUCCESS)
}

fn copy(from: &Path, into: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(into)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = into.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
            std::fs::File::open(&target)?.sync_all()?;
        }
    }
    std::fs::File::open(into)?.sync_all()
}
