//! Telling whoever evaluates readings what was admitted, in the order of the journal.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use model::name::Name;
use model::reading::{Observation, Reading};
use tokio::sync::mpsc;

/// Groups that may wait to be taken.
const WAITING_GROUPS: usize = 1024;

/// The sensors somebody wants to be told of; shared, and changed while it is used.
#[derive(Clone, Debug, Default)]
pub struct Watched(Arc<RwLock<HashSet<Name>>>);

impl Watched {
    /// Watches these sensors from now on.
    pub fn set(&self, sensors: HashSet<Name>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = sensors;
    }
}

/// Where observations go.
#[derive(Clone, Debug)]
pub(super) struct Observer {
    watched: Watched,
    to: mpsc::Sender<Vec<Observation>>,
}

impl Observer {
    pub(super) fn new(watched: Watched) -> (Self, mpsc::Receiver<Vec<Observation>>) {
        let (to, told) = mpsc::channel(WAITING_GROUPS);
        (Self { watched, to }, told)
    }

    /// What is watched now; it does not change while this is held, which is to be short.
    pub(super) fn watching(&self) -> Watching<'_> {
        Watching(self.watched.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells it; waits for room. A watcher that has gone is told nothing.
    pub(super) fn tell(&self, observed: Vec<Observation>) {
        if !observed.is_empty() {
            drop(self.to.blocking_send(observed));
        }
    }
}

/// What is watched at one moment.
#[derive(Debug)]
pub(super) struct Watching<'a>(RwLockReadGuard<'a, HashSet<Name>>);

impl Watching<'_> {
    /// The reading, if it is to be told.
    pub(super) fn observe(&self, reading: &Reading<'_>) -> Option<Observation> {
        let wanted = reading.unit.is_some() || self.0.contains(reading.sensor);
        wanted.then(|| Observation::of(reading)).flatten()
    }
}
