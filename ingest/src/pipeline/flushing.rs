//! When the tail goes to the lake.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use store::lake::{Flushed, flush_tail};
use tokio_util::sync::CancellationToken;

use super::{Shared, upkeep};
use crate::Error;

/// The longest pause between tries while flushes fail.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Flushes by size, age and demand until `stop`, with the lake's upkeep beside it; then everything.
pub(super) async fn run(shared: &Arc<Shared>, stop: CancellationToken) -> Result<(), Error> {
    shared.is_flushed.store(true, Ordering::Release);
    let upkeep = tokio::spawn(upkeep::run(Arc::clone(shared), stop.clone()));
    flush_until(shared, &stop).await;
    let finished = finish(shared).await;
    shared.is_flushed.store(false, Ordering::Release);
    if let Err(join) = upkeep.await {
        std::panic::resume_unwind(join.into_panic());
    }
    finished
}

async fn flush_until(shared: &Shared, stop: &CancellationToken) {
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
    }
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
    // What is left to decode may be more than the tail may hold.
    while tokio::select! {
        _ = decoded.wait_for(|decoded| *decoded >= durable) => false,
        _ = stopped.wait_for(|stopped| *stopped) => false,
        () = shared.flush_wanted.notified() => true,
    } {
        flush(shared).await?;
    }
    flush(shared).await?;
    // A flush that failed before had its own part to finish first.
    flush(shared).await
}

pub(super) async fn flush(shared: &Shared) -> Result<(), Error> {
    let _one_at_a_time = shared.writing.lock().await;
    let began = Instant::now();
    let attempt = shared.attempts.begin(began);
    let result = flush_and_prune(shared, began).await;
    attempt.ended(result.is_ok());
    result
}

async fn flush_and_prune(shared: &Shared, began: Instant) -> Result<(), Error> {
    let Some(flushed) = flush_tail(&shared.lake, &shared.tail).await? else { return Ok(()) };
    tell(&flushed, began.elapsed());
    shared.counts.flushes.fetch_add(1, Ordering::Relaxed);
    let Some(position) = shared.lake.flushed_to() else { return Ok(()) };
    let journal = shared.journal.clone();
    match tokio::task::spawn_blocking(move || journal.prune(position)).await {
        Ok(pruned) => drop(pruned?),
        Err(join) => std::panic::resume_unwind(join.into_panic()),
    }
    Ok(())
}

fn tell(flushed: &Flushed, took: Duration) {
    let seconds = took.as_secs_f64();
    metrics::histogram!("coldtrail_flush_seconds").record(seconds);
    metrics::counter!("coldtrail_flushed_readings_total").increment(flushed.readings);
    metrics::counter!("coldtrail_flushed_bytes_total").increment(flushed.bytes);
    metrics::gauge!("coldtrail_flushed_at_seconds").set(chrono::Utc::now().timestamp() as f64);
    tracing::debug!(
        readings = flushed.readings,
        rejected = flushed.rejected,
        files = flushed.files,
        bytes = flushed.bytes,
        rewritten = flushed.rewritten,
        seconds,
        "flushed"
    );
}
