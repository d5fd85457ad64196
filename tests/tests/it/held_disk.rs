//! A disk whose fsync waits, or fails, when the test says so.

use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use store::journal::{Disk, Output, RealDisk};

/// A real disk with a handle on its fsync.
#[derive(Clone, Default)]
pub(crate) struct HeldDisk(Arc<Gate>);

#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    held: bool,
    failures: u32,
}

impl HeldDisk {
    /// Holds every fsync until what it gives is dropped, by a failing test too.
    pub(crate) fn hold(&self) -> Held {
        self.change(|state| state.held = true);
        Held(self.clone())
    }

    /// Makes the next `count` fsyncs of files fail.
    pub(crate) fn fail(&self, count: u32) {
        self.change(|state| state.failures = count);
    }

    fn change(&self, with: impl FnOnce(&mut State)) {
        with(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.changed.notify_all();
    }

    fn wrap(&self, output: Box<dyn Output>) -> Box<dyn Output> {
        Box::new(HeldOutput { output, gate: Arc::clone(&self.0) })
    }
}

/// While it lives, fsync waits.
pub(crate) struct Held(HeldDisk);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.change(|state| state.held = false);
    }
}

impl Disk for HeldDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        RealDisk.create(path).map(|output| self.wrap(output))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        RealDisk.open(path).map(|output| self.wrap(output))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        RealDisk.sync_dir(dir)
    }
}

struct HeldOutput {
    output: Box<dyn Output>,
    gate: Arc<Gate>,
}

impl Output for HeldOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        let state = self.gate.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.gate.changed.wait_while(state, |state| state.held);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.failures > 0 {
            state.failures -= 1;
            return Err(io::Error::from_raw_os_error(5));
        }
        drop(state);
        self.output.sync()
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.output.cut(len)
    }
}
