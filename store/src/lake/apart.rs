//! Computing work on a thread of its own.
//!
//! A thread that ends gives its part of the heap to the next one that begins: work that takes much memory for a moment
//! leaves less of it behind than on a pool of threads that each keep some.

use crate::Error;

/// Runs `work` on a new thread, `niceness` below the priority of the rest of the process.
///
/// # Errors
/// What `work` says, and when there is no thread to be had.
pub(super) async fn apart<T: Send + 'static>(
    name: &'static str,
    niceness: i32,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (done, result) = tokio::sync::oneshot::channel();
    let run = move || {
        if niceness > 0 {
            // Without a pid Linux sets the calling thread alone; where it is refused the work is merely less polite.
            let _ = rustix::process::setpriority_process(None, niceness);
        }
        // Nobody may wait any more: then the result goes.
        drop(done.send(work()));
    };
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    let thread = thread.map_err(|source| Error::Io { action: "start a thread to", path: name.into(), source })?;
    match result.await {
        Ok(result) => result,
        // It ended without an answer: its panic goes on here.
        Err(gone) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => std::panic::resume_unwind(Box::new(gone)),
        },
    }
}
