//! A disk that fails when told to, and remembers what a power cut would leave.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use store::journal::{Disk, Output};

/// What one call does instead of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Writes half of the bytes and says so.
    Short,
    /// Is interrupted before anything is written.
    Interrupted,
    /// Fails with EIO, after half of the bytes were written.
    Io,
    /// Fails with ENOSPC.
    NoSpace,
}

/// Which calls fail. Calls are counted from 1, over all files.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) write: Option<(u64, Fault)>,
    pub(crate) sync: Option<u64>,
    pub(crate) sync_dir: Option<u64>,
    /// The power goes at this sync (of a file or a directory), before it has any effect.
    pub(crate) power: Option<u64>,
    /// Every write fails with ENOSPC until told otherwise.
    pub(crate) full: bool,
    /// Cutting a file fails, so that what a failed commit wrote stays there.
    pub(crate) no_cuts: bool,
    /// What lies in the files that are opened was written and not fsynced, as after a kill.
    pub(crate) unsynced: bool,
}

#[derive(Default)]
struct State {
    plan: Plan,
    writes: u64,
    syncs: u64,
    dir_syncs: u64,
    dead: bool,
    files: BTreeMap<u64, FileState>,
    /// Names as they are, and as they are durable: to the number of a file.
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    next_file: u64,
    violations: Vec<String>,
}

#[derive(Default)]
struct FileState {
    /// As it reads now.
    bytes: Vec<u8>,
    /// As it was when it was last fsynced.
    synced: Vec<u8>,
    failed: bool,
}

/// The disk. Clones are the same disk.
#[derive(Clone, Default)]
pub(crate) struct FaultyDisk(Arc<Mutex<State>>);

impl FaultyDisk {
    pub(crate) fn new(plan: Plan) -> Self {
        let disk = Self::default();
        disk.state().plan = plan;
        disk
    }

    /// Writes succeed again.
    pub(crate) fn free_space(&self) {
        self.state().plan.full = false;
    }

    pub(crate) fn fill_up(&self) {
        self.state().plan.full = true;
    }

    /// Whether the planned fault was met.
    pub(crate) fn was_reached(&self) -> bool {
        let state = self.state();
        let Plan { write, sync, sync_dir, power, .. } = state.plan;
        write.is_some_and(|(n, _)| state.writes >= n)
            || sync.is_some_and(|n| state.syncs >= n)
            || sync_dir.is_some_and(|n| state.dir_syncs >= n)
            || power.is_some_and(|n| state.syncs + state.dir_syncs >= n)
    }

    /// What nobody may do: writing to or syncing a file after a sync of it failed.
    pub(crate) fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }

    /// What is in `to` after a power cut: all that was synced, and of the rest, per block of `block` bytes, whatever
    /// chance kept.
    pub(crate) fn power_cut(&self, to: &Path, seed: u64, block: usize) {
        let mut chance = StdRng::seed_from_u64(seed);
        let state = self.state();
        let mut names = state.durable_names.clone();
        for (path, number) in &state.names {
            if names.get(path) != Some(number) && chance.random_bool(0.5) {
                names.insert(path.clone(), *number);
            }
        }
        for (path, number) in names {
            let FileState { bytes, synced, .. } = &state.files[&number];
            let mut left = synced.clone();
            if chance.random_bool(0.8) && bytes.len() > left.len() {
                left.resize(chance.random_range(left.len()..=bytes.len()), 0);
            }
            for start in (0..left.len()).step_by(block) {
                let end = (start + block).min(left.len()).min(bytes.len());
                if start < end && chance.random_bool(0.5) {
                    // A block is a unit: what of it had been synced before is the same in both.
                    left[start..end].copy_from_slice(&bytes[start..end]);
                }
            }
            std::fs::write(to.join(path.file_name().unwrap()), left).unwrap();
        }
    }

    /// Nothing moves on the disk until the guard is dropped.
    pub(crate) fn hold(&self) -> impl Drop {
        self.state()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    fn alive(&self) -> io::Result<()> {
        if self.dead { Err(io::Error::other("the power is gone")) } else { Ok(()) }
    }

    fn power(&mut self) -> io::Result<()> {
        if self.plan.power == Some(self.syncs + self.dir_syncs) {
            self.dead = true;
        }
        self.alive()
    }
}

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        let mut state = self.state();
        state.alive()?;
        let file = OpenOptions::new().append(true).create_new(true).open(path)?;
        state.next_file += 1;
        let number = state.next_file;
        state.files.insert(number, FileState::default());
        state.names.insert(path.to_owned(), number);
        Ok(Box::new(FaultyOutput { disk: self.clone(), file, number }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        let mut state = self.state();
        state.alive()?;
        let file = OpenOptions::new().append(true).open(path)?;
        let number = match state.names.get(path) {
            Some(number) => *number,
            None => {
                state.next_file += 1;
                let number = state.next_file;
                let bytes = std::fs::read(path)?;
                let synced = if state.plan.unsynced { Vec::new() } else { bytes.clone() };
                state.files.insert(number, FileState { synced, bytes, failed: false });
                state.names.insert(path.to_owned(), number);
                state.durable_names.insert(path.to_owned(), number);
                number
            }
        };
        Ok(Box::new(FaultyOutput { disk: self.clone(), file, number }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.alive()?;
        std::fs::rename(from, to)?;
        let number = state.names.remove(from);
        state.names.extend(number.map(|number| (to.to_owned(), number)));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.alive()?;
        std::fs::remove_file(path)?;
        state.names.remove(path);
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.alive()?;
        state.dir_syncs += 1;
        state.power()?;
        if state.plan.sync_dir == Some(state.dir_syncs) {
            return Err(io::Error::from_raw_os_error(5));
        }
        let State { names, durable_names, .. } = &mut *state;
        durable_names.retain(|path, _| path.parent() != Some(dir));
        durable_names.extend(names.iter().filter(|(path, _)| path.parent() == Some(dir)).map(|(p, n)| (p.clone(), *n)));
        Ok(())
    }
}

struct FaultyOutput {
    disk: FaultyDisk,
    file: File,
    number: u64,
}

impl FaultyOutput {
    fn put(&mut self, state: &mut State, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        state.files.get_mut(&self.number).unwrap().bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }
}

impl Output for FaultyOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let disk = self.disk.clone();
        let mut state = disk.state();
        state.alive()?;
        state.writes += 1;
        if state.files[&self.number].failed {
            let violation = format!("write {} to a file that had failed", state.writes);
            state.violations.push(violation);
        }
        if state.plan.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let fault = state.plan.write.filter(|(n, _)| *n == state.writes).map(|(_, fault)| fault);
        match fault {
            None => self.put(&mut state, bytes),
            Some(Fault::Short) => self.put(&mut state, &bytes[..bytes.len().div_ceil(2)]),
            Some(Fault::Interrupted) => Err(io::ErrorKind::Interrupted.into()),
            Some(Fault::NoSpace) => {
                state.files.get_mut(&self.number).unwrap().failed = true;
                Err(io::ErrorKind::StorageFull.into())
            }
            Some(Fault::Io) => {
                self.put(&mut state, &bytes[..bytes.len() / 2])?;
                state.files.get_mut(&self.number).unwrap().failed = true;
                Err(io::Error::from_raw_os_error(5))
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.alive()?;
        state.syncs += 1;
        state.power()?;
        if state.files[&self.number].failed {
            let violation = format!("sync {} of a file that had failed", state.syncs);
            state.violations.push(violation);
        }
        let fails = state.plan.sync == Some(state.syncs);
        let file = state.files.get_mut(&self.number).unwrap();
        if fails {
            file.failed = true;
            return Err(io::Error::from_raw_os_error(5));
        }
        file.synced.clone_from(&file.bytes);
        Ok(())
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.alive()?;
        if state.plan.no_cuts {
            return Err(io::Error::from_raw_os_error(5));
        }
        self.file.set_len(len)?;
        let file = state.files.get_mut(&self.number).unwrap();
        file.bytes.truncate(usize::try_from(len).unwrap());
        Ok(())
    }
}
