//! `coldtrail verify`.

use std::path::Path;
use std::process::ExitCode;

use store::lake::Lake;
use store::ledger::{Checkpoint, Ledger};
use store::outbox::Outbox;

use crate::arguments::Verify;
use crate::config::Config;
use crate::exit::{FOUND_WRONG, Failure};
use crate::node::{self, Layout};
use crate::progress::Progress;

/// Checks journal, lake, ledger and outbox of a data directory or a backup, and names the first bad thing of each.
///
/// Changes nothing. Beside a server it sees files come and go, so that it is for a directory that is not served.
pub(crate) async fn run(arguments: Verify) -> Result<ExitCode, Failure> {
    let config = Config::load(arguments.config.as_deref())?;
    let data = &arguments.data;
    node::must_exist(data)?;
    node::has_location(data, &config)?;
    let kept = arguments.checkpoint.as_deref().map(checkpoint).transpose()?;
    let mut sound = true;
    let mut tell = |part: &str, found: Result<String, String>| {
        sound &= found.is_ok();
        match found {
            Ok(what) => println!("{part}: ok, {what}"),
            Err(what) => println!("{part}: WRONG, {what}"),
        }
    };
    tell("journal", journal(&Layout::of(data)));
    tell("lake", lake(data, &config).await);
    tell("ledger", ledger(&Layout::of(data), kept).await);
    tell("outbox", outbox(&Layout::of(data)).await);
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::from(FOUND_WRONG) })
}

fn journal(layout: &Layout) -> Result<String, String> {
    if !layout.journal().is_dir() {
        return Ok("there is none".to_owned());
    }
    let report = store::journal::check(&layout.journal()).map_err(|error| error.to_string())?;
    Ok(format!(
        "{} segments, {} bytes, positions {} to {}, {} set aside, {} bytes of an unfinished commit at the end",
        report.segments,
        report.bytes,
        report.first.get(),
        report.last.get(),
        report.gap_positions,
        report.torn_bytes,
    ))
}

async fn lake(data: &Path, config: &Config) -> Result<String, String> {
    let layout = Layout::of(data);
    if config.s3.is_none() && !layout.lake().is_dir() {
        return Ok("there is none".to_owned());
    }
    let node = std::fs::read_to_string(layout.node()).unwrap_or_default();
    let objects = node::objects(data, config).map_err(|error| error.to_string())?;
    let lake = Lake::open_existing(objects, node.trim()).await.map_err(|error| error.to_string())?;
    let mut progress = Progress::new("files of the lake");
    let files = lake.check(|done, all| progress.at(done, all)).await.map_err(|error| error.to_string())?;
    progress.end();
    Ok(format!("{files} files"))
}

async fn ledger(layout: &Layout, kept: Option<Checkpoint>) -> Result<String, String> {
    if !layout.ledger().is_dir() {
        return Ok("there is none".to_owned());
    }
    let report = Ledger::verify_directory(&layout.ledger(), kept).await.map_err(|error| error.to_string())?;
    match report.wrong {
        Some(wrong) => Err(wrong.to_string()),
        None => Ok(format!("{} events, checkpoint {}", report.events, report.head)),
    }
}

async fn outbox(layout: &Layout) -> Result<String, String> {
    if !layout.ledger().join(store::outbox::FILE).is_file() {
        return Ok("there is none".to_owned());
    }
    let report = Outbox::check_directory(&layout.ledger()).await.map_err(|error| error.to_string())?;
    match report.wrong {
        Some(wrong) => Err(wrong),
        None => Ok(format!("{} notifications, {} deliveries to make", report.notifications, report.pending)),
    }
}

fn checkpoint(text: &str) -> Result<Checkpoint, Failure> {
    Checkpoint::parse(text)
        .ok_or_else(|| Failure::Input(format!("`{text}` is not a checkpoint: give `SEQ:HASH` as verify printed it")))
}
