//! The one thread that writes: it makes a commit of all that came, fsyncs it, and tells everybody.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use super::disk::{Disk, Output, write_all};
use super::group::Pool;
use super::intake::{Intake, Work};
use super::queue::Queue;
use super::segment::{self, Header};
use super::segments::{Segment, Segments};
use super::{Durable, Group, Position};
use crate::Error;

/// The pause before the first try to go on after a failure; it doubles up to [`LONGEST_PAUSE`].
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What the writer shares with the rest of the journal.
pub(super) struct Shared {
    pub(super) dir: PathBuf,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) mark: u32,
    pub(super) intake: Intake,
    pub(super) segments: Segments,
    pub(super) queue: Queue,
    pub(super) pool: Arc<Pool>,
    pub(super) durable: watch::Sender<Durable>,
}

/// The segment being written.
pub(super) struct Current {
    /// `None` when it is not to be written any more.
    output: Option<Box<dyn Output>>,
    first: Position,
    /// Where its durable frames end, bytes.
    end: u64,
    /// What its header says of the segment before.
    previous: (Position, u64),
}

impl Current {
    /// A segment found at the start, cut to `end` and fsynced.
    pub(super) fn found(header: &Header, end: u64, output: Box<dyn Output>) -> Self {
        Self { output: Some(output), first: header.first, end, previous: (header.previous, header.previous_end) }
    }

    fn is_empty(&self) -> bool {
        self.end == segment::HEADER_BYTES as u64
    }
}

/// The writer's own state.
pub(super) struct Writer {
    shared: Arc<Shared>,
    current: Option<Current>,
    segment_bytes: u64,
}

impl Writer {
    /// A writer that goes on after `current`. When there is none it makes the first segment, at once if it can.
    pub(super) fn new(shared: Arc<Shared>, current: Option<Current>, segment_bytes: u64) -> Self {
        let mut writer = Self { shared, current, segment_bytes };
        if writer.current.is_some() {
            writer.shared.intake.resume();
        } else {
            writer.try_to_go_on();
        }
        writer
    }

    /// Writes until the journal is closed.
    pub(super) fn run(mut self) {
        let _ending = Ending(Arc::clone(&self.shared));
        let mut pause = SHORTEST_PAUSE;
        loop {
            if self.current.as_ref().is_none_or(|current| current.output.is_none()) {
                if self.shared.intake.is_closed() {
                    break;
                }
                self.shared.intake.pause(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
                self.try_to_go_on();
                continue;
            }
            pause = SHORTEST_PAUSE;
            match self.shared.intake.take(self.shared.pool.get()) {
                Work::Commit { bytes, first, last } => self.commit(bytes, first, last),
                Work::End => break,
            }
        }
    }

    /// Makes one group durable, or nothing of it and the epoch rises.
    fn commit(&mut self, bytes: Vec<u8>, first: Position, last: Position) {
        let started = Instant::now();
        let len = bytes.len() as u64;
        match self.put(&bytes, first) {
            Ok(end) => self.shared.segments.grow(last, end),
            Err(error) => {
                self.shared.pool.give(bytes);
                return self.fail(&error);
            }
        }
        self.shared.intake.committed(len);
        self.shared.durable.send_modify(|durable| durable.position = last);
        let messages = last.get() - first.get() + 1;
        metrics::histogram!("coldtrail_journal_commit_seconds").record(started.elapsed().as_secs_f64());
        metrics::histogram!("coldtrail_journal_group_messages").record(messages as f64);
        metrics::counter!("coldtrail_journal_appended_total").increment(messages);
        metrics::gauge!("coldtrail_journal_bytes_on_disk").set(self.shared.intake.on_disk() as f64);
        fail::fail_point!("journal-before-hand-over");
        self.shared.queue.push(Group::new(first, last, bytes, 0, Arc::clone(&self.shared.pool)));
    }

    /// Writes and fsyncs a group, in a new segment when it would make this one too long. Gives the new end.
    fn put(&mut self, bytes: &[u8], first: Position) -> Result<u64, Error> {
        let len = bytes.len() as u64;
        let full = |current: &Current| !current.is_empty() && current.end + len > self.segment_bytes;
        if self.current.as_ref().is_none_or(full) {
            self.next_segment(first)?;
        }
        let Some(Current { output: Some(output), end, first, .. }) = &mut self.current else {
            return Err(lost_output(&self.shared.dir));
        };
        let failed = |action, source| Error::Io { action, path: segment::path(&self.shared.dir, *first), source };
        fail::fail_point!("journal-before-write");
        write_all(output.as_mut(), bytes).map_err(|source| failed("write", source))?;
        fail::fail_point!("journal-before-sync");
        output.sync().map_err(|source| failed("fsync", source))?;
        fail::fail_point!("journal-after-sync");
        *end += len;
        Ok(*end)
    }

    /// After a failed write or fsync: what was taken is lost, and the file is left alone for good.
    fn fail(&mut self, error: &Error) {
        let durable = self.shared.durable.borrow().position;
        if let Some(current) = &mut self.current
            && let Some(mut output) = current.output.take()
        {
            // Its pages may look whole in memory and not be on disk: a process that starts next must not read
            // them. Nothing depends on this going well; the next segment's header says where this one ends.
            let cut = output.cut(current.end);
            tracing::debug!(?cut, "left a journal segment behind");
        }
        // The watch rises before appends can be taken in the new epoch, which needs a new segment first.
        let epoch = self.shared.intake.fail(durable.next());
        self.shared.durable.send_modify(|state| {
            state.epoch = epoch;
            state.rose_at = state.position;
        });
        metrics::counter!("coldtrail_journal_failed_commits_total").increment(1);
        tracing::error!(
            error = %error,
            cause = std::error::Error::source(error).map(ToString::to_string),
            "the journal could not commit: nothing of it is acknowledged, and a new segment is tried until the disk takes it"
        );
        self.try_to_go_on();
    }

    /// Makes a new segment and takes appends again, if the disk lets it.
    fn try_to_go_on(&mut self) {
        let next = self.shared.durable.borrow().position.next();
        match self.next_segment(next) {
            Ok(()) => self.shared.intake.resume(),
            Err(error) => tracing::error!(
                error = %error,
                cause = std::error::Error::source(&error).map(ToString::to_string),
                "the journal is stalled: no message is taken until a segment can be created"
            ),
        }
    }

    /// Creates the segment that begins with `first`, durable with its name before any frame is written to it.
    fn next_segment(&mut self, first: Position) -> Result<(), Error> {
        let previous = match &self.current {
            None => (Position::ZERO, 0),
            // An empty segment has the name of the one that takes its place.
            Some(current) if current.first == first => current.previous,
            Some(current) => (current.first, current.end),
        };
        let header = Header {
            mark: self.shared.mark,
            first,
            previous: previous.0,
            previous_end: previous.1,
            created_at_ms: now_ms(),
        };
        let output = create_segment(self.shared.disk.as_ref(), &self.shared.dir, &header)?;
        let end = segment::HEADER_BYTES as u64;
        let last = Position::new(first.get() - 1);
        let replaced = self.current.as_ref().is_some_and(|current| current.first == first);
        if !replaced {
            self.shared.intake.grew(end);
        }
        self.shared.segments.push(Segment { first, last, end });
        self.current = Some(Current { output: Some(output), first, end, previous });
        Ok(())
    }
}

/// Tells everybody when the writer ends, however it does.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.intake.close();
        if std::thread::panicking() {
            // Two epochs on, every ticket that is out counts as lost: nobody waits for ever.
            self.0.durable.send_modify(|durable| durable.epoch += 2);
        }
        self.0.queue.end();
    }
}

/// Creates a segment with its header, under its name and durable.
fn create_segment(disk: &dyn Disk, dir: &Path, header: &Header) -> Result<Box<dyn Output>, Error> {
    let path = segment::path(dir, header.first);
    let draft = path.with_extension("tmp");
    let failed = |action, path: &Path, source| Error::Io { action, path: path.to_owned(), source };
    match disk.remove(&draft) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed("remove", &draft, error)),
        _ => {}
    }
    let mut output = disk.create(&draft).map_err(|source| failed("create", &draft, source))?;
    write_all(output.as_mut(), &header.encode()).map_err(|source| failed("write", &draft, source))?;
    output.sync().map_err(|source| failed("fsync", &draft, source))?;
    fail::fail_point!("journal-segment-written");
    disk.rename(&draft, &path).map_err(|source| failed("rename", &draft, source))?;
    fail::fail_point!("journal-segment-named");
    disk.sync_dir(dir).map_err(|source| failed("fsync", dir, source))?;
    Ok(output)
}

fn lost_output(dir: &Path) -> Error {
    Error::Io { action: "write", path: dir.to_owned(), source: std::io::ErrorKind::NotConnected.into() }
}

/// The time, ms since the epoch; only for people who look at a segment's header.
fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
