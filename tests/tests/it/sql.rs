//! Queries: what is refused, what is stopped, what is answered and how it is written.

mod abuse;
mod answers;
mod formats;
mod measures;
mod narrow;
mod pruning;
pub(crate) mod units;
mod while_publishing;

use std::sync::Arc;
use std::time::Duration;

use analytics::SqlError;
use analytics::sql::{Engine, EngineOptions, Format, Limits, Reach};

use crate::shelf::{Row, Shelf, row};

/// 2026-11-22T10:00:00Z.
const TEN: i64 = 1_795_341_600_000;

fn engine_over(shelf: Shelf, limits: Limits) -> Engine {
    Engine::new(Arc::new(shelf), None, EngineOptions { limits, ..EngineOptions::default() }).unwrap()
}

/// Two files on two days and a tail, five rows in all.
fn small_files() -> (Vec<Vec<Row>>, Vec<Vec<Row>>) {
    let day = 86_400_000;
    let files = vec![
        vec![row("a", TEN - day, 4.31), row("b", TEN - day + 1, -0.5)],
        vec![row("a", TEN, 5.0), row("c", TEN, 1e-3)],
    ];
    (files, vec![vec![row("a", TEN + 60_000, 8.125)]])
}

async fn small() -> Engine {
    let (files, tail) = small_files();
    engine_over(Shelf::new(&files, &tail).await, Limits::default())
}

/// Limits small enough for a test to meet.
fn tight() -> Limits {
    Limits {
        max_rows: 10_000,
        max_result_bytes: 1 << 20,
        max_memory_bytes: 32 << 20,
        timeout: Duration::from_millis(500),
        ..Limits::default()
    }
}

/// The rows of `sql` as JSON.
async fn rows(engine: &Engine, sql: &str) -> serde_json::Value {
    let encoded =
        engine.encoded(sql, Format::Json, Reach::NoAudit).await.unwrap_or_else(|error| panic!("`{sql}`: {error}"));
    let answer: serde_json::Value = serde_json::from_slice(&encoded.bytes).unwrap();
    answer["rows"].clone()
}

/// The code with which `sql` fails.
async fn failure(engine: &Engine, sql: &str) -> SqlError {
    match engine.encoded(sql, Format::Json, Reach::NoAudit).await {
        Ok(_) => panic!("answered: `{}`", sql.chars().take(200).collect::<String>()),
        Err(error) => error,
    }
}
