//! `coldtrail import`: every file is read and judged before anything of any of them is applied.

mod account;
mod destination;
mod registry;
mod table;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use ingest::clock::Clock;
use ingest::import::{self, Content, File, Lines, Recording};
use model::name::Name;

use crate::arguments::Import;
use crate::exit::{FOUND_WRONG, Failure};
use crate::progress::Progress;

use destination::Destination;
use registry::Declared;

/// A file that was read, and how it is called.
struct Source {
    path: String,
    name: String,
    gateway: Name,
    file: File,
}

/// What was applied.
#[derive(Clone, Copy, Debug, Default)]
struct Applied {
    accepted: u64,
    duplicate: u64,
    rejected: u64,
    /// How many readings are stored now that were not before; `None` when that could not be asked.
    new: Option<u64>,
    registry: Option<[u64; 3]>,
}

/// Reads files, says what is in them, and applies them whole or not at all.
pub(crate) async fn run(arguments: Import) -> Result<ExitCode, Failure> {
    let sources = read(&arguments)?;
    let declared = Declared::of(&sources);
    let refused: usize = sources.iter().map(|source| refused(&source.file)).sum();
    let not_declared = declared.refused > 0;
    let is_sound = (refused == 0 || arguments.accept_refused) && !not_declared && declared.problems.is_empty();
    let Some(target) = arguments.target() else {
        print(&arguments, &sources, &declared, None)?;
        return Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::from(FOUND_WRONG) });
    };
    if !is_sound {
        print(&arguments, &sources, &declared, None)?;
        let wrong = refused + declared.refused + declared.problems.len();
        let advice = if not_declared || !declared.problems.is_empty() {
            "mend the file"
        } else {
            "mend the file, or say --accept-refused to take the rest and keep what is refused in `rejected`"
        };
        return Err(Failure::Input(format!("nothing was applied, {wrong} rows are refused: {advice}")));
    }
    let into = Destination::open(&target).await?;
    let applied = apply(&into, &arguments, &sources, &declared).await;
    let closed = into.close().await;
    let applied = applied?;
    closed?;
    print(&arguments, &sources, &declared, Some(applied))?;
    Ok(ExitCode::SUCCESS)
}

fn read(arguments: &Import) -> Result<Vec<Source>, Failure> {
    let (options, now) = (arguments.options(), Clock::system().now());
    let (mut sources, mut wrong) = (Vec::new(), Vec::new());
    let mut progress = Progress::new("files read");
    for (done, path) in arguments.files.iter().enumerate() {
        progress.at(done, arguments.files.len());
        let shown = path.display();
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                wrong.push(format!("`{shown}` cannot be read: {error}"));
                continue;
            }
        };
        match import::read(&bytes, &options, now) {
            Ok(file) => {
                let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
                let gateway = arguments.gateway.clone().or_else(|| called(path)).ok_or_else(|| {
                    Failure::Input(format!("`{shown}` has no name to call its readings by: give one with `--gateway`"))
                })?;
                sources.push(Source { path: shown.to_string(), name, gateway, file });
            }
            Err(error) => wrong.push(format!("`{shown}`, {error}")),
        }
    }
    progress.end();
    if wrong.is_empty() {
        return Ok(sources);
    }
    Err(Failure::Input(format!("nothing was applied: {}", wrong.join("\n"))))
}

/// The name of a file without its ending, as a name.
fn called(path: &Path) -> Option<Name> {
    let stem = path.file_stem()?.to_string_lossy().into_owned();
    let allowed = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '_' | '-');
    let name: String = stem.chars().take(Name::MAX_LEN).map(|sign| if allowed(sign) { sign } else { '-' }).collect();
    Name::parse(&name).ok()
}

/// How many rows of readings are refused.
fn refused(file: &File) -> usize {
    match &file.content {
        Content::Recording(recording) => recording.refused.len(),
        Content::Declarations(_) => 0,
    }
}

async fn apply(
    into: &Destination,
    arguments: &Import,
    sources: &[Source],
    declared: &Declared,
) -> Result<Applied, Failure> {
    let mut applied = Applied { new: Some(0), ..Applied::default() };
    let (mut done, mut progress) = (0, Progress::new("readings"));
    let all = sources.iter().map(|source| match &source.file.content {
        Content::Recording(recording) => recording.taken.len() + recording.refused.len(),
        Content::Declarations(_) => 0,
    });
    let all = all.sum();
    // What can be refused as a whole comes first.
    if let Some(document) = &declared.document {
        let counts = into.register(declared, document, arguments.reason.as_deref()).await?;
        applied.registry = Some(counts);
    }
    for source in sources {
        let Content::Recording(recording) = &source.file.content else { continue };
        // What an earlier import put into `rejected` is there already.
        let known =
            if recording.refused.is_empty() { Lines::new() } else { into.rejected(&source.file.sha256).await? };
        let stored = stored(&arguments.site, &source.gateway, recording);
        let before = into.stored(&stored).await?;
        let origin = (source.name.as_str(), source.file.sha256.as_str());
        let is_new = |row: &import::Refused| !known.contains(&(row.line, row.part));
        for message in import::messages(recording, (&arguments.site, &source.gateway), origin, is_new) {
            let receipt = into.post(message.body).await.map_err(|failure| {
                let taken = applied.accepted + applied.duplicate;
                Failure::Failed(anyhow::anyhow!(
                    "`{}` was not taken to its end ({taken} of {all} rows are in): run the same import again, what is \
                     in changes nothing: {failure}",
                    source.path
                ))
            })?;
            applied.accepted += receipt.accepted;
            applied.duplicate += receipt.duplicate;
            applied.rejected += receipt.rejected;
            if receipt.rejected > message.refused as u64 {
                return Err(Failure::Failed(anyhow::anyhow!(
                    "the door refused {} readings of `{}` that were sound, for instance by its quota of names for one \
                     gateway: they are in `rejected`",
                    receipt.rejected - message.refused as u64,
                    source.path
                )));
            }
            done += message.readings + message.refused;
            progress.at(done, all);
        }
        let more = before.zip(into.stored(&stored).await?).map(|(before, after)| after.saturating_sub(before));
        applied.new = applied.new.zip(more).map(|(new, more)| new + more);
    }
    progress.end();
    Ok(applied)
}

/// The condition for readings of this gateway within the time of `recording`.
fn stored(site: &Name, gateway: &Name, recording: &Recording) -> String {
    let from = recording.sensors.iter().map(|sensor| sensor.from).min();
    let to = recording.sensors.iter().map(|sensor| sensor.to).max();
    let time = from.zip(to).map_or_else(
        || "false".to_owned(),
        |(from, to)| format!("measured_at >= TIMESTAMP '{from}' AND measured_at <= TIMESTAMP '{to}'"),
    );
    format!("site = '{site}' AND gateway = '{gateway}' AND {time}")
}

fn print(arguments: &Import, sources: &[Source], declared: &Declared, applied: Option<Applied>) -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &account::of(sources, declared, applied))?;
        writeln!(out)?;
    } else {
        table::write(&mut out, sources, declared, applied)?;
    }
    out.flush()?;
    Ok(())
}
