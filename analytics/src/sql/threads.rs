//! The threads queries run on: few, below the priority of the rest of the process, with room for deep plans.

use std::future::Future;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::error::SqlError;

/// How much nicer than the rest of the process queries are.
const NICENESS: i32 = 10;

/// Stack of each thread, in bytes. Only what is touched takes memory; a chain of a thousand `OR`s touches a lot.
const STACK_BYTES: usize = 64 << 20;

/// A small runtime of its own.
pub(super) struct Threads {
    runtime: Option<Runtime>,
}

impl Threads {
    /// Starts `workers` threads, and more that only wait for the disk.
    pub(super) fn start(workers: usize) -> Result<Self, SqlError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(workers)
            .max_blocking_threads(4 * workers)
            .thread_name("sql")
            .thread_stack_size(STACK_BYTES)
            .on_thread_start(|| {
                // without a pid Linux sets the calling thread alone; where it is refused queries are merely less polite
                let _ = rustix::process::setpriority_process(None, NICENESS);
            })
            .enable_all()
            .build()
            .map_err(SqlError::internal)?;
        Ok(Self { runtime: Some(runtime) })
    }

    /// Runs `work` on these threads.
    pub(super) fn spawn<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match &self.runtime {
            Some(runtime) => runtime.spawn(work),
            None => tokio::spawn(work),
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // dropping a runtime waits, which is not allowed on a thread that runs tasks
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
