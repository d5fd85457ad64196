//! Deliveries as people ask for them.

use model::instant::RecordedAt;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use super::row::instant;
use super::{Outbox, failed};
use crate::Error;

/// Which deliveries.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only those about this incident.
    pub incident: Option<String>,
    /// Only those to this person.
    pub recipient: Option<String>,
    /// Only those in this state.
    pub state: Option<ListedState>,
    /// Only those older than this delivery.
    pub before: Option<i64>,
    /// How many at most.
    pub limit: usize,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListedState {
    /// It is still to be made.
    Pending,
    /// It was made.
    Delivered,
    /// There was nobody any more to whom it could go.
    Withdrawn,
}

impl ListedState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Withdrawn];

    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state a stable word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// One delivery with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The delivery.
    pub delivery: i64,
    /// The notice's id.
    pub notification: String,
    /// The notice's kind.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// The incident, when holds are concerned.
    pub incident: Option<String>,
    /// By which channel.
    pub channel: String,
    /// To whom; empty for a channel that tells no person in particular.
    pub recipient: String,
    /// The level of escalation, from 1.
    pub level: u32,
    /// Since when it was to be made.
    pub created_at: RecordedAt,
    /// What became of it.
    pub state: ListedState,
    /// How often it was tried.
    pub attempts: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was made.
    pub delivered_at: Option<RecordedAt>,
    /// When it is tried again, at the earliest.
    pub retry_at: Option<RecordedAt>,
}

/// One row for each delivery. The last attempt tells what became of it, the last failed one what went wrong.
const LISTED: &str = "SELECT d.id, n.id, n.kind, n.subject, n.incident, d.channel, d.recipient, d.level, d.created_at, \
     (SELECT count(*) FROM attempts a WHERE a.delivery = d.id), \
     (SELECT a.detail FROM attempts a WHERE a.delivery = d.id AND a.outcome <> 'delivered' ORDER BY a.id DESC LIMIT 1), \
     (SELECT a.at FROM attempts a WHERE a.delivery = d.id AND a.outcome = 'delivered' ORDER BY a.id LIMIT 1), \
     p.retry_at \
     FROM deliveries d JOIN notifications n ON n.id = d.notification LEFT JOIN pending p ON p.delivery = d.id";

impl Listed {
    fn read(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let delivered_at = row.try_get::<Option<i64>, _>(11)?.map(RecordedAt::from_millis);
        let retry_at = row.try_get::<Option<i64>, _>(12)?.map(RecordedAt::from_millis);
        let state = match (retry_at, delivered_at) {
            (Some(_), _) => ListedState::Pending,
            (None, Some(_)) => ListedState::Delivered,
            (None, None) => ListedState::Withdrawn,
        };
        Ok(Self {
            delivery: row.try_get(0)?,
            notification: row.try_get(1)?,
            kind: row.try_get(2)?,
            subject: row.try_get(3)?,
            incident: row.try_get(4)?,
            channel: row.try_get(5)?,
            recipient: row.try_get(6)?,
            level: u32::try_from(row.try_get::<i64, _>(7)?).unwrap_or(u32::MAX),
            created_at: instant(row, 8)?,
            state,
            attempts: u64::try_from(row.try_get::<i64, _>(9)?).unwrap_or_default(),
            last_error: row.try_get(10)?,
            delivered_at,
            retry_at,
        })
    }
}

impl Outbox {
    /// The deliveries `wanted`, newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn list(&self, wanted: &Wanted) -> Result<Vec<Listed>, Error> {
        let mut query = QueryBuilder::<Sqlite>::new(LISTED);
        query.push(" WHERE d.id < ").push_bind(wanted.before.unwrap_or(i64::MAX));
        if let Some(incident) = &wanted.incident {
            query.push(" AND n.incident = ").push_bind(incident);
        }
        if let Some(recipient) = &wanted.recipient {
            query.push(" AND d.recipient = ").push_bind(recipient);
        }
        match wanted.state {
            None => {}
            Some(ListedState::Pending) => {
                query.push(" AND p.delivery IS NOT NULL");
            }
            Some(state) => {
                let made = "EXISTS (SELECT 1 FROM attempts a WHERE a.delivery = d.id AND a.outcome = ";
                query.push(" AND p.delivery IS NULL AND ").push(made).push_bind(state.as_str()).push(")");
            }
        }
        let limit = i64::try_from(wanted.limit).unwrap_or(i64::MAX);
        query.push(" ORDER BY d.id DESC LIMIT ").push_bind(limit);
        let rows = query.build().fetch_all(&self.pool).await.map_err(failed("read"))?;
        rows.iter().map(Listed::read).collect::<Result<_, _>>().map_err(failed("read"))
    }
}
