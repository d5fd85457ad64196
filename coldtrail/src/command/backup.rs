//! `coldtrail backup`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use ingest::clock::Clock;
use model::instant::RecordedAt;
use store::ledger::Ledger;
use store::outbox::Outbox;

use crate::arguments::Backup;
use crate::config::Config;
use crate::exit::Failure;
use crate::node::{self, Layout};
use crate::progress::Progress;

/// Copies a data directory, also while it is served.
///
/// In this order: 1. the journal, 2. the lake, 3. the outbox, 4. the ledger. What was flushed after the journal was copied is in the
/// lake's copy too, and a restored node leaves out of the journal what the lake has; so every reading acknowledged
/// before the backup began is in it once, whatever happens meanwhile. A lake in a bucket is copied too, into files.
pub(crate) async fn run(arguments: Backup) -> Result<ExitCode, Failure> {
    let (from, into) = (Layout::of(&arguments.data), Layout::of(&arguments.into));
    node::must_exist(&arguments.data)?;
    let config = Config::load(arguments.config.as_deref())?;
    node::has_location(&arguments.data, &config)?;
    node::empty_directory(&arguments.into)?;
    if from.journal().is_dir() {
        store::journal::copy(&from.journal(), &into.journal())?;
    }
    let mut progress = Progress::new("files of the lake");
    let files = match config.s3.is_some() || from.lake().is_dir() {
        true => {
            let (source, target) =
                (node::objects(&arguments.data, &config)?, store::objects::Objects::local(&into.lake())?);
            store::lake::copy(&source, &target, |done, all| progress.at(done, all)).await?
        }
        false => 0,
    };
    progress.end();
    if from.ledger().is_dir() {
        copy_ledger(&from, &into).await?;
    }
    if from.node().exists() {
        std::fs::copy(from.node(), into.node())?;
    }
    sync_tree(&arguments.into)?;
    println!("{}", serde_json::json!({ "backup": arguments.into, "lake_files": files }));
    Ok(ExitCode::SUCCESS)
}

async fn copy_ledger(from: &Layout, into: &Layout) -> Result<(), Failure> {
    let clock = Clock::system();
    let recorded = move || RecordedAt::from_millis(clock.now().millis());
    let ledger = Ledger::open(&from.ledger(), Arc::new(recorded)).await?;
    std::fs::create_dir_all(into.ledger())?;
    // first the outbox: what it has told is in the ledger's copy, and what it has not is told by the restored node
    if from.ledger().join(store::outbox::FILE).is_file() {
        let outbox = Outbox::open(&from.ledger(), ledger.head().seq).await?;
        outbox.backup_to(&into.ledger().join(store::outbox::FILE)).await?;
        outbox.close().await;
    }
    ledger.backup_to(&into.ledger().join(store::ledger::FILE)).await?;
    ledger.close().await?;
    Ok(())
}

/// Makes every file and directory below `dir` durable.
fn sync_tree(dir: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            sync_tree(&path)?;
        } else {
            std::fs::File::open(&path)?.sync_all()?;
        }
    }
    std::fs::File::open(dir)?.sync_all()
}
