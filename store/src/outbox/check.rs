//! Whether an outbox is sound: its file, and what is to do against what was done.

use std::path::Path;

use sqlx::Row;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use super::{FILE, Outbox, failed};
use crate::Error;

/// What was found in an outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How much was ever told.
    pub notifications: u64,
    /// Deliveries still to be made.
    pub pending: u64,
    /// The first thing that is wrong.
    pub wrong: Option<String>,
}

/// Deliveries that are pending and done, or neither.
const ASTRAY: &str = "SELECT d.id FROM deliveries d LEFT JOIN pending p ON p.delivery = d.id \
     WHERE (p.delivery IS NULL) <> EXISTS \
     (SELECT 1 FROM attempts a WHERE a.delivery = d.id AND a.outcome IN ('delivered', 'withdrawn')) ORDER BY d.id LIMIT 1";

impl Outbox {
    /// Checks the outbox in `directory`, and changes nothing.
    ///
    /// # Errors
    /// When it cannot be opened or read.
    pub async fn check_directory(directory: &Path) -> Result<Report, Error> {
        let failed = failed("check");
        let options = SqliteConnectOptions::new().filename(directory.join(FILE));
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map_err(&failed)?;
        let rows = sqlx::query("PRAGMA integrity_check").fetch_all(&pool).await.map_err(&failed)?;
        let lines: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get(0)).collect();
        let mut wrong = lines.map_err(&failed)?.into_iter().find(|line| line != "ok");
        if wrong.is_none() {
            let astray = sqlx::query(ASTRAY).fetch_optional(&pool).await.map_err(&failed)?;
            let id = astray.map(|row| row.try_get::<i64, _>(0)).transpose().map_err(&failed)?;
            wrong = id.map(|id| format!("delivery {id} is not pending and was not made, or both"));
        }
        let mut counts = [0_u64; 2];
        for (count, query) in
            counts.iter_mut().zip(["SELECT count(*) FROM notifications", "SELECT count(*) FROM pending"])
        {
            let row = sqlx::query(query).fetch_one(&pool).await.map_err(&failed)?;
            *count = u64::try_from(row.try_get::<i64, _>(0).map_err(&failed)?).unwrap_or_default();
        }
        pool.close().await;
        let [notifications, pending] = counts;
        Ok(Report { notifications, pending, wrong })
    }
}
