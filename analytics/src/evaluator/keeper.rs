//! When checkpoints are made.

use std::sync::Arc;
use std::time::{Duration, Instant};

use store::view::LakeFile;
use tokio::task::JoinHandle;

use super::checkpoint::{Checkpoints, Snapshot};
use super::state::State;

/// A checkpoint is followed by none for so many times what it took.
const REST_COSTS: u32 = 50;

/// Makes checkpoints from time to time.
///
/// One speaks of the files the lake had when all their readings had been taken in, and of readings up to a position of the
/// journal. It is written only when the lake has all of those too.
pub(super) struct Keeper {
    checkpoints: Checkpoints,
    /// Everything up to a position is taken in once so many groups of readings are.
    awaited: Option<(u64, u64)>,
    taken: u64,
    made: Instant,
    rest: Duration,
    /// The positions that the last one reached and up to which everything was taken in, and the files it was of.
    reached: Option<(u64, u64, Arc<Vec<LakeFile>>)>,
    writing: Option<JoinHandle<Duration>>,
}

impl Keeper {
    pub(super) fn new(checkpoints: Checkpoints) -> Self {
        let rest = checkpoints.every();
        Self { checkpoints, awaited: None, taken: 0, made: Instant::now(), rest, reached: None, writing: None }
    }

    /// Goes on making one. Everything up to `told` has been told, and of that `waiting` groups of readings wait to be taken
    /// in, at the most.
    pub(super) async fn go_on(&mut self, state: &State, told: u64, waiting: usize) {
        let (position, groups) = *self.awaited.get_or_insert((told, state.groups() + waiting as u64));
        if state.groups() >= groups {
            self.taken = self.taken.max(position);
            self.awaited = None;
        }
        if self.writing.as_ref().is_some_and(JoinHandle::is_finished) {
            self.written().await;
        }
        if self.writing.is_none() && self.checkpoints.is_ripe() {
            let checkpoints = self.checkpoints.clone();
            self.writing = Some(tokio::spawn(async move {
                let began = Instant::now();
                checkpoints.write().await;
                began.elapsed()
            }));
        }
        if self.writing.is_none() && !self.checkpoints.is_waiting() && self.made.elapsed() >= self.rest {
            self.make(state);
        }
    }

    /// Everything up to this position of the journal has been told.
    pub(super) fn told(&self) -> u64 {
        self.checkpoints.ground().told()
    }

    /// Whether the lake has readings that came after this position.
    pub(super) fn is_behind(&self, told: u64) -> bool {
        self.checkpoints.ground().files().1 > told
    }

    /// Makes the last one: everything that was told up to `told` has been taken in.
    pub(super) async fn end(&mut self, state: &State, told: u64) {
        self.taken = self.taken.max(told);
        self.make(state);
        // An older one that is being written must not come after it, nor be cut off.
        self.written().await;
    }

    /// Waits until the one that is being written is, if there is one.
    async fn written(&mut self) {
        let Some(writing) = self.writing.take() else { return };
        match writing.await {
            Ok(took) => self.rest = self.checkpoints.every().max(took * REST_COSTS),
            Err(join) => std::panic::resume_unwind(join.into_panic()),
        }
    }

    fn make(&mut self, state: &State) {
        let ground = self.checkpoints.ground();
        let (files, position) = ground.files();
        let journal = ground.durable();
        let is_same = |(reached, taken, before): &(u64, u64, Arc<Vec<LakeFile>>)| {
            (*reached, *taken) == (journal, self.taken) && Arc::ptr_eq(before, &files)
        };
        if position > self.taken || self.reached.as_ref().is_some_and(is_same) || !state.is_whole() {
            return;
        }
        (self.made, self.reached) = (Instant::now(), Some((journal, self.taken, Arc::clone(&files))));
        let files = files.iter().map(|file| file.path.clone()).collect();
        let (sensors, pasts) = (state.facts(), state.pasts());
        self.checkpoints.put(Snapshot { journal, taken: self.taken, files, sensors, pasts });
    }
}
