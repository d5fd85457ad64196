//! The audit trail, asked for in parts.

use model::instant::RecordedAt;
use model::registry::{from_canonical, to_canonical};
use serde_json::Value;

use super::event::{Event, Sequence};
use super::{Ledger, backend};
use crate::Error;

/// Events looked at at once.
const CHUNK: u32 = 1000;

/// Events looked at for one page: a page may end early, and says where the next one begins.
const LOOKED_AT: usize = 50_000;

/// Which events are asked for. What is absent does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// What the database can tell.
    pub wanted: Where,
    /// Whatever one of these stands in, as a whole text: a unit, the ids of its holds.
    pub about: Option<Vec<String>>,
    /// From which end.
    pub order: Order,
}

/// From which end of the audit trail events are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The first one first.
    #[default]
    OldestFirst,
    /// The last one first.
    NewestFirst,
}

/// What the database can tell of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Where {
    /// Who did it.
    pub actor: Option<String>,
    /// Its kind, or the word before the dot of its kind.
    pub kind: Option<String>,
    /// Recorded at this instant or later.
    pub from: Option<RecordedAt>,
    /// Recorded before this instant.
    pub to: Option<RecordedAt>,
}

/// A page of the audit trail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// The events, in order.
    pub events: Vec<Event>,
    /// The last event that was looked at, if there may be more behind it.
    pub more_after: Option<Sequence>,
}

impl Ledger {
    /// Events behind `after`, or from the end they are told from, that `filter` asks for, in its order, at most `limit`.
    ///
    /// # Errors
    /// When the database refuses, or a row is not an event.
    pub async fn audit_page(
        &self,
        filter: &AuditFilter,
        after: Option<Sequence>,
        limit: usize,
    ) -> Result<AuditPage, Error> {
        let first = match filter.order {
            Order::OldestFirst => Sequence::ZERO,
            Order::NewestFirst => Sequence::new(u64::MAX),
        };
        let (mut page, mut end, mut looked_at) = (AuditPage::default(), after.unwrap_or(first), 0);
        // as they stand in a body
        let quote = |name: &String| to_canonical(&Value::String(name.clone()));
        let quoted: Vec<String> = filter.about.iter().flatten().map(quote).collect();
        loop {
            let chunk = self.0.backend.find_events(&filter.wanted, (filter.order, end), CHUNK).await?;
            let is_last = chunk.len() < CHUNK as usize;
            looked_at += chunk.len();
            for row in chunk {
                let damaged = |row: backend::Unreadable| Error::LedgerDamaged {
                    what: format!("event {}: {}", row.seq, row.what),
                };
                let event = row.map_err(damaged)?;
                if !filter.about.as_ref().is_none_or(|about| names(&event, about, &quoted)) {
                    end = event.seq;
                    continue;
                }
                if page.events.len() == limit {
                    page.more_after = Some(end);
                    return Ok(page);
                }
                end = event.seq;
                page.events.push(event);
            }
            if is_last {
                return Ok(page);
            }
            if looked_at >= LOOKED_AT {
                page.more_after = Some(end);
                return Ok(page);
            }
        }
    }

    /// The record of the registry that `event` replaced: canonical JSON. `None` when there was none before it, or the
    /// event is about something else.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn registry_before(&self, event: &Event) -> Result<Option<String>, Error> {
        if event.kind != super::projection::kind::REGISTRY {
            return Ok(None);
        }
        let Ok(body) = from_canonical(&event.body) else { return Ok(None) };
        let text = |field: &str| body.get(field).and_then(Value::as_str);
        let (Some(kind), Some(key), Some(version)) =
            (text("kind"), text("key"), body.get("before").and_then(Value::as_i64))
        else {
            return Ok(None);
        };
        self.0.backend.registry_record(kind, key, version).await
    }
}

/// Whether one of `about` stands in `event`, as a whole text; `quoted` are the same as JSON.
fn names(event: &Event, about: &[String], quoted: &[String]) -> bool {
    let is_there = quoted.iter().any(|text| event.body.contains(text.as_str()));
    is_there && from_canonical(&event.body).is_ok_and(|body| has(&body, about))
}

fn has(value: &Value, about: &[String]) -> bool {
    match value {
        Value::String(text) => about.iter().any(|name| name == text),
        Value::Array(items) => items.iter().any(|item| has(item, about)),
        Value::Object(members) => members.values().any(|member| has(member, about)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
