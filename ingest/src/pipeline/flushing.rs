//! When the tail goes to the lake, and the lake's upkeep.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use model::instant::MeasuredAt;
use store::lake::flush_tail;
use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::Error;

/// The longest pause between tries while flushes fail.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Flushes by size, age and demand until `stop`; then everything.
pub(super) async fn run(shared: &Shared, stop: CancellationToken) -> Result<(), Error> {
    let mut maintained = Instant::now();
    let mut pause = Duration::from_millis(100);
    while !stop.is_cancelled() {
        tokio::select! {
            () = shared.flush_wanted.notified() => {}
            () = tokio::time::sleep(shared.options.flush_after) => {}
            () = stop.cancelled() => break,
        }
        match flush(shared).await {
            Ok(()) => pause = Duration::from_millis(100),
            Err(error) => {
                tracing::error!(error = %crate::error::chain(&error), "a flush failed; it will be tried again");
                metrics::counter!("coldtrail_flush_failures_total").increment(1);
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = stop.cancelled() => break,
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
                shared.flush_wanted.notify_one();
            }
        }
        if maintained.elapsed() >= shared.options.maintain_every {
            maintained = Instant::now();
            if let Err(error) = maintain(shared).await {
                tracing::error!(error = %crate::error::chain(&error), "the lake's upkeep failed; it will be tried again");
            }
        }
    }
    finish(shared).await
}

/// After the doors are closed: decodes and flushes all that is durable.
async fn finish(shared: &Shared) -> Result<(), Error> {
    let journal = shared.journal.clone();
    let closed = tokio::task::spawn_blocking(move || journal.close()).await;
    if let Err(join) = closed {
        std::panic::resume_unwind(join.into_panic());
    }
    let durable = shared.journal.durable().borrow().position;
    let mut decoded = shared.decoded.subscribe();
    let mut stopped = shared.stopped.subscribe();
    tokio::select! {
        _ = decoded.wait_for(|decoded| *decoded >= durable) => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
    flush(shared).await?;
    // A flush that failed before had its own part to finish first.
    flush(shared).await
}

pub(super) async fn flush(shared: &Shared) -> Result<(), Error> {
    let _one_at_a_time = shared.writing.lock().await;
    let began = Instant::now();
    let Some(flushed) = flush_tail(&shared.lake, &shared.tail).await? else { return Ok(()) };
    let seconds = began.elapsed().as_secs_f64();
    metrics::histogram!("coldtrail_flush_seconds").record(seconds);
    metrics::counter!("coldtrail_flushed_readings_total").increment(flushed.readings);
    metrics::counter!("coldtrail_flushed_bytes_total").increment(flushed.bytes);
    tracing::debug!(
        readings = flushed.readings,
        rejected = flushed.rejected,
        files = flushed.files,
        bytes = flushed.bytes,
        rewritten = flushed.rewritten,
        seconds,
        "flushed"
    );
    metrics::gauge!("coldtrail_flushed_at_seconds").set(chrono::Utc::now().timestamp() as f64);
    shared.counts.flushes.fetch_add(1, Ordering::Relaxed);
    if let Some(position) = shared.lake.flushed_to() {
        let journal = shared.journal.clone();
        match tokio::task::spawn_blocking(move || journal.prune(position)).await {
            Ok(pruned) => drop(pruned?),
            Err(join) => std::panic::resume_unwind(join.into_panic()),
        }
    }
    shared.flushes.send_modify(|flushes| *flushes += 1);
    Ok(())
}

async fn maintain(shared: &Shared) -> Result<(), Error> {
    let _one_at_a_time = shared.writing.lock().await;
    let today = MeasuredAt::from_millis(shared.clock.now().millis()).day();
    let compacted = shared.lake.compact(today, shared.options.busy_day_files).await?;
    if compacted.removed > 0 {
        tracing::info!(
            removed = compacted.removed,
            added = compacted.added,
            bytes_before = compacted.bytes_before,
            bytes_after = compacted.bytes_after,
            "compacted"
        );
        metrics::counter!("coldtrail_compacted_files_total").increment(compacted.removed as u64);
    }
    // Ages of files are by the machine's clock, whatever clock the readings follow.
    let removed = shared.lake.vacuum(chrono::Utc::now().timestamp_millis()).await?;
    if removed > 0 {
        tracing::info!(removed, "vacuumed");
    }
    Ok(())
}
