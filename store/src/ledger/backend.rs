//! What a database must be able to do to hold a ledger.

use std::path::Path;

use super::audit::{Order, Where};
use super::event::{Checkpoint, Event, Sequence};
use super::holds::rows::{HoldEventRow, HoldRows};
use super::projection::{RegistryRow, StateChange, TokenRow, UserRow};
use super::sessions::{Gone, SessionRow};
use crate::Error;
use crate::journal::Position;

/// A database that holds one ledger.
///
/// It orders nothing and decides nothing: there is one appender, which hands over sealed events together with what
/// they change, and all of that becomes durable at once or not at all.
#[async_trait::async_trait]
pub(crate) trait Backend: Send + Sync {
    /// Writes `commit` in one durable transaction, if the ledger still ends at `commit.head`.
    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error>;

    /// Where the ledger ends, as the database keeps it beside the events.
    async fn head(&self) -> Result<Checkpoint, Error>;

    /// Events from `from` on, in order, at most `limit`.
    async fn events(&self, from: Sequence, limit: u32) -> Result<Vec<Result<Event, Unreadable>>, Error>;

    /// Events that are as `wanted`, in an order, behind the one named with it, at most `limit`.
    async fn find_events(
        &self,
        wanted: &Where,
        behind: (Order, Sequence),
        limit: u32,
    ) -> Result<Vec<Result<Event, Unreadable>>, Error>;

    /// What there is of the hold with this number: the one that was placed alone, or a member of those that were placed
    /// together.
    async fn hold_history(&self, hold: i64, member: i64) -> Result<HoldHistory, Error>;

    /// Which events made which hold what it is. `None` in a file older than that table.
    async fn hold_events(&self) -> Result<Option<Vec<HoldEventRow>>, Error>;

    /// One version of one record of the registry: canonical JSON.
    async fn registry_record(&self, kind: &str, key: &str, version: i64) -> Result<Option<String>, Error>;

    /// Rows of the registry that events after `after` wrote, in their order, every version.
    async fn registry_rows(&self, after: Sequence) -> Result<Vec<RegistryRow>, Error>;

    /// All tokens, by creation.
    async fn tokens(&self) -> Result<Vec<TokenRow>, Error>;

    /// All accounts with their password hashes, by name.
    async fn users(&self) -> Result<Vec<(UserRow, String)>, Error>;

    /// Accounts that were locked, and until when in milliseconds since the epoch, by name.
    async fn locks(&self) -> Result<Vec<(String, i64)>, Error>;

    /// Rows about holds that events after `after` wrote, each table in the order of its events.
    async fn hold_rows(&self, after: Sequence) -> Result<HoldRows, Error>;

    /// How far the evaluator has looked. Not part of the chain.
    async fn position(&self) -> Result<Position, Error>;

    /// Notes how far the evaluator has looked; it never goes back.
    async fn save_position(&self, position: Position) -> Result<(), Error>;

    /// When tokens were last used: (id, milliseconds since the epoch). Not part of the chain.
    async fn token_uses(&self) -> Result<Vec<(String, i64)>, Error>;

    /// Notes when tokens and sessions were last used.
    async fn save_uses(&self, uses: &Uses) -> Result<(), Error>;

    /// The session whose id has this SHA-256. Not part of the chain, as all of sessions.
    async fn session(&self, hash: &str) -> Result<Option<SessionRow>, Error>;

    /// Keeps a new session, and takes away what is `gone`.
    async fn put_session(&self, row: &SessionRow, gone: &Gone) -> Result<(), Error>;

    /// Takes a session away; whether it was there.
    async fn end_session(&self, hash: &str) -> Result<bool, Error>;

    /// What the database's own check finds wrong with its file.
    async fn check(&self) -> Result<Vec<String>, Error>;

    /// Writes a consistent copy to `path`, which must not exist.
    async fn backup_to(&self, path: &Path) -> Result<(), Error>;

    /// Lets go of every connection.
    async fn close(&self);
}

/// What the tables and the chain have of one hold.
#[derive(Debug)]
pub(crate) struct HoldHistory {
    /// Its record, canonical JSON.
    pub(crate) record: Option<String>,
    /// The events that made it, in order, each with what the ledger says its hash is: the event after it, or the
    /// ledger's own record of its end.
    pub(crate) events: Vec<(Result<Event, Unreadable>, String)>,
}

/// When what was last used: (id of a token or SHA-256 of a session's id, milliseconds since the epoch).
#[derive(Clone, Debug, Default)]
pub(crate) struct Uses {
    pub(crate) tokens: Vec<(String, i64)>,
    pub(crate) sessions: Vec<(String, i64)>,
}

/// Events and what they change.
#[derive(Debug)]
pub(crate) struct Commit {
    /// Where the ledger ended when the events were sealed.
    pub(crate) head: Checkpoint,
    /// The events, each with what it changes.
    pub(crate) events: Vec<(Event, StateChange)>,
    /// Password hashes the changes refer to: (account, Argon2id string).
    pub(crate) passwords: Vec<(String, String)>,
    /// Rows about holds as the events leave them, in their order; a later one replaces an earlier.
    pub(crate) rows: HoldRows,
    /// How far the evaluator has looked, if it is the evaluator who writes.
    pub(crate) position: Option<Position>,
}

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is durable.
    Done,
    /// Somebody else appended meanwhile; nothing was written.
    Moved,
}

/// An event whose row does not even have the form of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) seq: Sequence,
    pub(crate) what: String,
}
