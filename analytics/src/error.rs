//! What can go wrong with a question.

use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;

/// Why a query has no answer. Messages are for whoever asked; causes go to the log.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The statement is not one that may be asked: not a query, or over something that is not a table.
    #[error("{message}")]
    Refused {
        /// What was refused and what to do instead.
        message: String,
    },
    /// The statement is a query, but makes no sense: syntax, an unknown column, a type, a division by zero.
    #[error("{message}")]
    Invalid {
        /// What is wrong.
        message: String,
    },
    /// The statement or its answer is larger than a limit.
    #[error("the query was stopped at its limit of {limit}: ask for less, filter or aggregate, or raise the limit")]
    Limit {
        /// Which limit.
        limit: Limit,
    },
    /// The answer took too long.
    #[error("the query was stopped after {seconds} s: filter by `measured_at` or `sensor`, or raise the limit")]
    Timeout {
        /// The limit, in seconds.
        seconds: f64,
    },
    /// Too many queries at once, and this one waited long enough.
    #[error("too many queries are running: try again")]
    Overloaded,
    /// Our fault: a file that can't be read, a bug.
    #[error("{}", inside(.source.as_deref()))]
    Internal {
        /// What happened.
        message: String,
        /// Where it came from.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

/// What is told of a fault of ours: which file is damaged, and of anything else nothing.
fn inside(source: Option<&(dyn std::error::Error + Send + Sync + 'static)>) -> String {
    match source.and_then(|source| source.downcast_ref::<store::Error>()) {
        Some(damage @ store::Error::LakeDamaged { .. }) => format!("the query met a damaged file: {damage}"),
        _ => "the query failed inside: the log tells why".to_owned(),
    }
}

/// The limits a query can meet, other than time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Rows of the answer.
    Rows(u64),
    /// Bytes of the answer as it would be sent.
    ResultBytes(u64),
    /// Memory while it runs, in bytes.
    Memory(u64),
    /// Bytes of one value built by the query.
    ValueBytes(u64),
    /// Bytes of the statement's text.
    StatementBytes(u64),
    /// Words and signs of the statement.
    StatementTokens(u64),
    /// Levels of nesting of the statement.
    Nesting(u64),
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rows(n) => write!(f, "{n} rows"),
            Self::ResultBytes(n) => write!(f, "{n} bytes of answer"),
            Self::Memory(n) => write!(f, "{n} bytes of memory"),
            Self::ValueBytes(n) => write!(f, "{n} bytes in one text"),
            Self::StatementBytes(n) => write!(f, "{n} bytes of statement"),
            Self::StatementTokens(n) => write!(f, "{n} words in the statement"),
            Self::Nesting(n) => write!(f, "{n} levels of nesting"),
        }
    }
}

impl SqlError {
    /// The stable code: `sql_refused`, `sql_invalid`, `sql_limit` (time and overload too) or `internal`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "sql_refused",
            Self::Invalid { .. } => "sql_invalid",
            Self::Limit { .. } | Self::Timeout { .. } | Self::Overloaded => "sql_limit",
            Self::Internal { .. } => "internal",
        }
    }

    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::Refused { message: message.into() }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into() }
    }

    pub(crate) fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let source = source.into();
        Self::Internal { message: source.to_string(), source: Some(source) }
    }

    /// The engine's error as ours. `max_memory_bytes` and `max_nesting` name the limits in force.
    pub(crate) fn from_engine(error: DataFusionError, max_memory_bytes: u64, max_nesting: u64) -> Self {
        if let DataFusionError::External(inner) = error.find_root()
            && let Some(limit) = inner.downcast_ref::<Exceeded>()
        {
            return Self::Limit { limit: limit.0 };
        }
        // the engine calls a pattern it can't compile an internal error
        if error.to_string().contains("Regular expression did not compile") {
            return Self::invalid("a pattern is not a regular expression, or too large: make it simpler");
        }
        match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => Self::Limit { limit: Limit::Memory(max_memory_bytes) },
            DataFusionError::SQL(parser, _) if matches!(**parser, ParserError::RecursionLimitExceeded) => {
                Self::Limit { limit: Limit::Nesting(max_nesting) }
            }
            DataFusionError::SQL(..)
            | DataFusionError::Plan(_)
            | DataFusionError::SchemaError(..)
            | DataFusionError::NotImplemented(_)
            | DataFusionError::Configuration(_)
            | DataFusionError::Execution(_)
            | DataFusionError::ArrowError(..)
            | DataFusionError::Collection(_)
            | DataFusionError::Diagnostic(..) => Self::invalid(error.strip_backtrace()),
            _ => Self::internal(error),
        }
    }
}

/// A limit met inside the engine, on its way out through the engine's own error type.
#[derive(Debug, thiserror::Error)]
#[error("limit of {0}")]
pub(crate) struct Exceeded(pub(crate) Limit);
