//! Questions in SQL: one guarded, bounded, read-only query at a time over one moment of the store.

mod answer;
mod functions;
mod limits;
mod look;
mod measures;
mod output;
mod plan;
mod restrain;
mod session;
mod statement;
mod texts;
mod threads;
mod truncate;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use datafusion::physical_plan::execute_stream;
use futures::{FutureExt, StreamExt};
use model::instant::ValidAt;
use store::ledger::Ledger;
use store::view::{Readable, View};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::AbortOnDropHandle;

use crate::error::{Limit, SqlError};
use crate::evaluator::Board;
use crate::fleet::Profiles;
use crate::tables::{
    self, ASSESS_AT, ASSESSED, AUDIT, CUSTODY, HOLDS, Kept, LAKE, Opened, REGISTRY, Tables, UNIT_READINGS,
};
use answer::Keep;
use output::Plain;
use session::Sessions;
use statement::Offered;
use threads::Threads;

pub use answer::{Answer, Encoded};
pub use limits::Limits;
pub(crate) use look::Look;
pub use output::Format;
pub(crate) use output::{Measured, Sink};

/// Reads the time a query calls `now()`.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Which tables a question may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All of them.
    Everything,
    /// All but the audit trail.
    NoAudit,
}

/// How an [`Engine`] is set up.
#[derive(Clone)]
pub struct EngineOptions {
    /// What one query may cost.
    pub limits: Limits,
    /// Threads queries run on, and partitions each is cut into; at least 1.
    pub threads: usize,
    /// The time of `now()`; the simulated one in a simulated world.
    pub clock: Clock,
    /// Shows the latest assessments; without it, and until it shows every unit, they are computed as of `now()`.
    pub board: Option<Board>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { limits: Limits::default(), threads: 2, clock: Arc::new(Utc::now), board: None }
    }
}

/// Answers queries. Cheap to clone.
///
/// Every query runs on threads of its own kind, below the priority of the rest of the process, so that a heavy one
/// delays no acknowledgement. An answer is complete or an error, never cut short.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    threads: Arc<Threads>,
}

/// What all queries of an engine share.
struct Shared {
    source: Arc<dyn Readable>,
    ledger: Option<Ledger>,
    sessions: Sessions,
    options: EngineOptions,
    turns: Arc<Semaphore>,
    profiles: Arc<Profiles>,
    kept: Kept,
}

impl Engine {
    /// An engine over `source` and, if given, the registry and the audit trail of `ledger`.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(source: Arc<dyn Readable>, ledger: Option<Ledger>, options: EngineOptions) -> Result<Self, SqlError> {
        let threads = Threads::start(options.threads.max(1))?;
        let sessions = Sessions::new(options.threads.max(1)).map_err(SqlError::internal)?;
        let turns = Arc::new(Semaphore::new(options.limits.max_concurrent));
        let shared =
            Shared { source, ledger, sessions, options, turns, profiles: Arc::default(), kept: Kept::default() };
        Ok(Self { shared: Arc::new(shared), threads: Arc::new(threads) })
    }

    /// The tables a query may name.
    #[must_use]
    pub fn tables(&self, reach: Reach) -> Vec<&'static str> {
        self.shared.offered(reach)
    }

    /// The answer to `sql`, encoded.
    ///
    /// # Errors
    /// Any [`SqlError`]. Dropping the future stops the query.
    pub async fn encoded(&self, sql: &str, format: Format, reach: Reach) -> Result<Encoded, SqlError> {
        let bytes = self.run(sql, reach, move |schema| output::encoder(format, schema)).await?;
        Ok(Encoded { bytes, format })
    }

    /// The answer to `sql`, as columns.
    ///
    /// # Errors
    /// Any [`SqlError`]. Dropping the future stops the query.
    pub async fn answer(&self, sql: &str, reach: Reach) -> Result<Answer, SqlError> {
        let keep = |schema: &SchemaRef| -> Result<Box<dyn Sink<Answer = Answer>>, SqlError> {
            Ok(Box::new(Keep::new(schema)))
        };
        self.run(sql, reach, keep).await
    }

    /// The rows of `sql`, poured into a sink of the asker's.
    pub(crate) async fn pour<A: Measured>(
        &self,
        sql: &str,
        reach: Reach,
        sink: impl FnOnce(&SchemaRef) -> Result<Box<dyn Sink<Answer = A>>, SqlError> + Send + 'static,
    ) -> Result<A, SqlError> {
        self.run(sql, reach, sink).await
    }

    /// Runs `sql` in turn and within its time.
    async fn run<A: Measured>(
        &self,
        sql: &str,
        reach: Reach,
        sink: impl FnOnce(&SchemaRef) -> Result<Box<dyn Sink<Answer = A>>, SqlError> + Send + 'static,
    ) -> Result<A, SqlError> {
        let sql = sql.to_owned();
        self.in_turn(async move |shared, opened| shared.execute(&sql, reach, sink, &opened).await).await
    }

    /// Lets `work` look at one moment of the lake, like a query: on the engine's threads, in turn and within its time.
    pub(crate) async fn look<A, F, W>(&self, work: W) -> Result<A, SqlError>
    where
        A: Send + 'static,
        W: FnOnce(Look) -> F + Send + 'static,
        F: Future<Output = Result<A, SqlError>> + Send + 'static,
    {
        let open = async move |shared: Arc<Shared>, opened: Opened| {
            let view = shared.view().await?;
            work(Look::new(view, opened, shared.sessions.caches(), shared.options.threads)).await
        };
        self.in_turn(open).await
    }

    /// Waits for a turn, then does `work` on the engine's threads within its time.
    async fn in_turn<A, F, W>(&self, work: W) -> Result<A, SqlError>
    where
        A: Send + 'static,
        W: FnOnce(Arc<Shared>, Opened) -> F + Send + 'static,
        F: Future<Output = Result<A, SqlError>> + Send + 'static,
    {
        let limits = &self.shared.options.limits;
        let started = Instant::now();
        let turn = tokio::time::timeout(limits.max_wait, Arc::clone(&self.shared.turns).acquire_owned());
        let result = match turn.await {
            Ok(Ok(turn)) => {
                let shared = Arc::clone(&self.shared);
                // the turn is given back when the work has really ended, not when the asker stopped waiting
                let work = async move {
                    let _turn = Turn::take(turn);
                    let opened = Opened::default();
                    // a decoder may panic over bytes that nobody wrote
                    let asked = AssertUnwindSafe(work(shared, opened.clone())).catch_unwind().await;
                    match asked.unwrap_or_else(|_| Err(SqlError::internal("a query panicked"))) {
                        Ok(answer) => Ok(answer),
                        Err(error) => Err(opened.explain(error).await),
                    }
                };
                let task = AbortOnDropHandle::new(self.threads.spawn(work));
                match tokio::time::timeout(limits.timeout, task).await {
                    Ok(Ok(result)) => result,
                    Ok(Err(panicked)) => Err(SqlError::internal(panicked)),
                    Err(_) => Err(SqlError::Timeout { seconds: limits.timeout.as_secs_f64() }),
                }
            }
            _ => Err(SqlError::Overloaded),
        };
        observe(&result, started);
        result
    }
}

/// A query's turn. Whoever looks at the metrics sees how many have one.
struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Turn {
    fn take(permit: OwnedSemaphorePermit) -> Self {
        metrics::gauge!("coldtrail_sql_queries_running").increment(1.0);
        Self { _permit: permit }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        metrics::gauge!("coldtrail_sql_queries_running").decrement(1.0);
    }
}

/// Counts how a query ended and how long it took; our own faults go to the log.
fn observe<A>(result: &Result<A, SqlError>, started: Instant) {
    let outcome = match result {
        Ok(_) => "ok",
        Err(error) => error.code(),
    };
    metrics::counter!("coldtrail_sql_queries_total", "outcome" => outcome).increment(1);
    metrics::histogram!("coldtrail_sql_query_seconds").record(started.elapsed());
    if let Err(SqlError::Internal { message, .. }) = result {
        tracing::error!(%message, "a query failed inside");
    }
}

impl Shared {
    /// The names of all tables offered.
    fn offered(&self, reach: Reach) -> Vec<&'static str> {
        let mut names = LAKE.to_vec();
        if self.ledger.is_some() {
            names.extend(REGISTRY);
            names.extend(HOLDS);
            names.extend(ASSESSED);
            names.extend([CUSTODY, UNIT_READINGS]);
            if reach == Reach::Everything {
                names.push(AUDIT);
            }
        }
        names
    }

    /// The table functions offered.
    fn functions(&self) -> &'static [&'static str] {
        if self.ledger.is_some() { &[ASSESS_AT] } else { &[] }
    }

    async fn execute<A: Measured>(
        &self,
        sql: &str,
        reach: Reach,
        sink: impl FnOnce(&SchemaRef) -> Result<Box<dyn Sink<Answer = A>>, SqlError>,
        opened: &Opened,
    ) -> Result<A, SqlError> {
        let limits = &self.options.limits;
        let (tables, functions) = (self.offered(reach), self.functions());
        let offered = Offered { tables: &tables, functions };
        let now = (self.options.clock)();
        let to_ours = |error| SqlError::from_engine(error, limits.max_memory_bytes, limits.max_nesting as u64);

        let checked = statement::check(sql, offered, limits)?;
        let tables = self.open_tables(&checked.tables, opened, now).await?;
        let state = self.sessions.open(tables, limits, now).map_err(SqlError::internal)?;
        let logical = state.statement_to_plan(checked.statement).await.map_err(to_ours)?;
        plan::check(&logical, offered)?;
        let physical = state.create_physical_plan(&logical).await.map_err(to_ours)?;
        let physical = restrain::restrain(physical).map_err(to_ours)?;

        let plain = Plain::new(&physical.schema());
        let mut sink = sink(plain.schema())?;
        let mut batches = execute_stream(physical, state.task_ctx()).map_err(to_ours)?;
        let mut rows = 0_u64;
        while let Some(batch) = batches.next().await {
            let batch = batch.map_err(to_ours)?;
            rows += batch.num_rows() as u64;
            if rows > limits.max_rows {
                return Err(SqlError::Limit { limit: Limit::Rows(limits.max_rows) });
            }
            sink.take(&plain.batch(&batch)?)?;
            check_size(sink.size(), limits)?;
        }
        let finished = sink.finish()?;
        check_size(finished.size(), limits)?;
        Ok(finished)
    }

    /// This moment of the lake.
    async fn view(&self) -> Result<View, SqlError> {
        self.source.view().await.map_err(|error| match error {
            store::Error::DecodingBehind => SqlError::Overloaded,
            error => SqlError::internal(error),
        })
    }

    /// The tables of `names` at this moment.
    async fn open_tables(
        &self,
        names: &BTreeSet<String>,
        opened: &Opened,
        now: DateTime<Utc>,
    ) -> Result<Tables, SqlError> {
        let mut tables = Tables::new(opened.clone(), self.kept.clone());
        let asked = ASSESSED.iter().any(|name| names.contains(*name));
        let shown = self.options.board.as_ref().filter(|_| asked).and_then(Board::all).map(Arc::new);
        if LAKE.iter().any(|name| names.contains(*name)) || tables::needs_readings(names, shown.is_some()) {
            tables.add_lake(self.view().await?)?;
        }
        if let Some(ledger) = &self.ledger {
            tables.add_ledger(ledger, names, self.options.limits.max_rows).await?;
            let now = ValidAt::from_millis(now.timestamp_millis());
            tables.add_units(ledger, shown, &self.profiles, names, now)?;
        }
        Ok(tables)
    }
}

fn check_size(size: usize, limits: &Limits) -> Result<(), SqlError> {
    if size as u64 > limits.max_result_bytes {
        return Err(SqlError::Limit { limit: Limit::ResultBytes(limits.max_result_bytes) });
    }
    Ok(())
}
