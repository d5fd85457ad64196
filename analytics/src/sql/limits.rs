//! What a query may cost.

use std::time::Duration;

/// What one query may cost, and how many may run at once.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of the statement's text.
    pub max_statement_bytes: usize,
    /// Words and signs of the statement.
    pub max_statement_tokens: usize,
    /// Levels of parentheses and subqueries.
    pub max_nesting: usize,
    /// Levels of one expression; a chain of `OR` is as deep as it is long.
    pub max_expression_depth: usize,
    /// Bytes of one text literal: a literal is copied for every row it meets.
    pub max_literal_bytes: usize,
    /// Rows of the answer.
    pub max_rows: u64,
    /// Bytes of the answer as it is sent.
    pub max_result_bytes: u64,
    /// Memory of one query while it runs, in bytes.
    pub max_memory_bytes: u64,
    /// How long one query may take, waiting for its turn excluded.
    pub timeout: Duration,
    /// Queries that run at once; others wait for their turn.
    pub max_concurrent: usize,
    /// How long a query waits for its turn.
    pub max_wait: Duration,
}

impl Limits {
    /// Limits for what the system asks of itself: as much as it takes.
    #[must_use]
    pub fn own() -> Self {
        Self {
            max_statement_bytes: usize::MAX,
            max_statement_tokens: usize::MAX,
            max_rows: u64::MAX,
            max_result_bytes: u64::MAX,
            max_memory_bytes: 4 << 30,
            timeout: Duration::from_secs(24 * 3600),
            max_wait: Duration::from_secs(3600),
            ..Self::default()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_statement_bytes: 256 << 10,
            max_statement_tokens: 50_000,
            max_nesting: 40,
            max_expression_depth: 1_000,
            max_literal_bytes: 8 << 10,
            max_rows: 2_000_000,
            max_result_bytes: 256 << 20,
            max_memory_bytes: 1 << 30,
            timeout: Duration::from_secs(30),
            max_concurrent: 4,
            max_wait: Duration::from_secs(5),
        }
    }
}
