//! The lake's upkeep beside the flushes: few large files in place of many small ones, and old files removed.

use std::sync::Arc;

use model::instant::MeasuredAt;
use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::Error;

/// Compacts and vacuums in the rhythm of the options until `stop`; what is half done then is dropped.
pub(super) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(shared.options.maintain_every) => {}
            () = stop.cancelled() => return,
        }
        if let Err(error) = compact(&shared, &stop).await {
            failed("compaction", &error);
        }
        if stop.is_cancelled() {
            return;
        }
        if let Err(error) = vacuum(&shared).await {
            failed("vacuum", &error);
        }
    }
}

fn failed(what: &str, error: &Error) {
    tracing::error!(error = %crate::error::chain(error), "the lake's {what} failed; it will be tried again");
}

async fn compact(shared: &Shared, stop: &CancellationToken) -> Result<(), Error> {
    let today = MeasuredAt::from_millis(shared.clock.now().millis()).day();
    let stopping = {
        let stop = stop.clone();
        move || stop.is_cancelled()
    };
    let compacted = shared.lake.compact(today, shared.options.busy_day_files, stopping).await?;
    if compacted.removed > 0 || compacted.dropped > 0 {
        tracing::info!(
            removed = compacted.removed,
            added = compacted.added,
            bytes_before = compacted.bytes_before,
            bytes_after = compacted.bytes_after,
            dropped = compacted.dropped,
            "compacted"
        );
        metrics::counter!("coldtrail_compacted_files_total").increment(compacted.removed as u64);
    }
    Ok(())
}

async fn vacuum(shared: &Shared) -> Result<(), Error> {
    // Ages of files are by the machine's clock, whatever clock the readings follow.
    let removed = shared.lake.vacuum(chrono::Utc::now().timestamp_millis()).await?;
    if removed > 0 {
        tracing::info!(removed, "vacuumed");
    }
    Ok(())
}
