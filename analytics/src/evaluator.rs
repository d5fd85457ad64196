//! The evaluator: turns readings as they arrive into assessments, holds and alarms.
//!
//! It keeps what the sensors of tracked units said lately in memory, packed, and what they said before as the folded pasts
//! of units, takes each reading once, and asks the kernel only when a reading can change something in kind: the newest value passes a level of a product, a rule may have met its
//! delay, a reading is late, a registry entry changes, or an instant passes by itself (expiry, silence). Units that share
//! one past are a cohort, which is assessed once. What is shown of the others is kept new within a small share of
//! processor time; who asks about a unit is answered as of now all the same. Its answer for any unit equals the batch
//! answer over the same data (invariant A2), which it checks on itself while it runs.
//!
//! The loop here takes readings and decides who is looked at; the looking goes on beside it, in small pieces, so that
//! what becomes urgent never waits for others.
//!
//! Order of durable steps: 1. the reading is in the journal (its acknowledgement went out); 2. what a piece of work
//! found (holds, new evidence, alarms of all its cohorts) is written to the ledger in one transaction, idempotently:
//! one event for all units of a cohort, or for all that stand under the same sensors and have it in common; 3. they are shown; 4. what later readings say of the same is a later piece's
//! transaction. After a start the state is made again from lake, tail and ledger, from the last checkpoint on if there is one
//! ([`Checkpoints`]), and every cohort is looked at, so that a crash between any two steps repeats the second, which then
//! finds what it had written and adds what it had not.

mod board;
mod checkpoint;
mod cohorts;
mod groups;
mod keeper;
mod memory;
mod neighbours;
mod rounds;
mod schedule;
mod selfcheck;
mod silence;
mod state;
mod told;
mod touched;
mod traced;
mod work;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use model::instant::ValidAt;
use model::name::Name;
use model::reading::Observation;
use store::ledger::Ledger;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::assess::{AssessError, StoreAssess};
use crate::sql::Engine;

pub use board::Board;
pub use checkpoint::{Checkpoints, Ground};

/// Reads the time of the system the readings follow.
pub type Now = Arc<dyn Fn() -> ValidAt + Send + Sync>;
/// Says whose readings are wanted.
pub type Watch = Box<dyn Fn(HashSet<Name>) + Send + Sync>;

/// Readings that are folded together.
pub const GRAIN: usize = 256;
/// How often instants that pass by themselves are looked at.
const TICK: Duration = Duration::from_millis(200);
/// How long an end waits to be told what the lake has.
const LAST_TOLD: Duration = Duration::from_secs(5);
/// Batches of readings taken before units are assessed.
const BATCHES_AT_ONCE: usize = 256;

/// What the evaluator works with.
pub struct Parts {
    /// Reads lake and tail, without limits.
    pub engine: Engine,
    /// Registry and holds.
    pub ledger: Ledger,
    /// The time.
    pub now: Now,
    /// Says whose readings are wanted.
    pub watch: Watch,
    /// The readings, as they are admitted.
    pub told: mpsc::Receiver<Vec<Observation>>,
    /// Where the latest assessments are shown.
    pub board: Board,
    /// Where what is known is kept from one start to the next.
    pub checkpoints: Option<Checkpoints>,
    /// So many readings are folded together; [`GRAIN`], but for tests that want many folds of few readings.
    pub grain: usize,
}

/// Runs until `stop`; ends with an error when the ledger or the store cannot be used any more.
///
/// # Errors
/// Why it cannot go on. Readings go on being recorded; nobody must take their silence for a pass.
pub async fn run(parts: Parts, stop: CancellationToken) -> Result<(), AssessError> {
    let Parts { engine, ledger, now, watch, mut told, board, checkpoints, grain } = parts;
    let store = StoreAssess::new(engine.clone(), ledger.clone(), now.clone(), board.clone());
    let mut state = state::State::new(engine, ledger.clone(), now, watch, board, grain);
    let mut changes = ledger.changes();
    state.start(checkpoints.as_ref()).await?;
    state.waiting(told.len());
    let mut keeper = checkpoints.map(keeper::Keeper::new);
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let mut batches = Vec::new();
        tokio::select! {
            taken = told.recv_many(&mut batches, BATCHES_AT_ONCE) => if taken == 0 { return Ok(()) },
            changed = changes.changed() => if changed.is_err() { return Ok(()) },
            _ = tick.tick() => {
                state.pass_time();
                state.trim();
                state.check(&store).await;
                if let Some(keeper) = &mut keeper {
                    let position = keeper.told();
                    keeper.go_on(&state, position, told.len()).await;
                }
            }
            outcome = state.finished() => state.finish(outcome?),
            () = stop.cancelled() => break,
        }
        let newest = changes.borrow_and_update().registry.clone();
        if !Arc::ptr_eq(&newest, state.registry()) {
            state.registry_changed().await?;
            state.waiting(batches.len() + told.len());
        }
        for group in &batches {
            group.iter().for_each(|reading| state.take(reading));
            state.took();
        }
        state.follow().await?;
        state.waiting(told.len());
        state.tell().await?;
        state.begin();
    }
    if let Some(keeper) = &mut keeper {
        let patience = tokio::time::Instant::now() + LAST_TOLD;
        let position = loop {
            let position = keeper.told();
            while let Ok(group) = told.try_recv() {
                group.iter().for_each(|reading| state.take(reading));
                state.took();
            }
            // Whoever tells says how far only after it told, and the lake may be there already.
            if !keeper.is_behind(position) || tokio::time::Instant::now() >= patience {
                break position;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        keeper.end(&state, position).await;
    }
    Ok(())
}
