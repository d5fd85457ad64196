//! What stands against issuing a unit, as it is sent.

use model::hold::{Block, reason_json};
use model::instant::to_rfc3339;
use model::name::Name;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// The answer to the issuing question.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DispatchView {
    /// Whether nothing stands against it.
    allowed: bool,
    /// Everything that does.
    blocks: Vec<BlockView>,
}

impl DispatchView {
    /// The answer with these blocks.
    pub(crate) fn of(blocks: &[Block]) -> Self {
        Self { allowed: blocks.is_empty(), blocks: blocks.iter().map(BlockView::from).collect() }
    }
}

/// One thing that stands against issuing a unit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BlockView {
    /// `hold`, `review`, `expired` or `remaining_life`.
    code: &'static str,
    /// The unit.
    unit: String,
    /// What belongs to the code: the hold with its cause, state and incident; the reasons; the dates; the days.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    details: Map<String, Value>,
}

impl From<&Block> for BlockView {
    fn from(block: &Block) -> Self {
        let (unit, details): (&Name, Value) = match block {
            Block::Hold { unit, hold, scope, cause, state, incident, placed_at } => (
                unit,
                json!({
                    "hold": hold.to_string(),
                    "scope": scope.to_json(),
                    "cause": cause.to_json(),
                    "state": state.as_str(),
                    "incident": incident.name().as_str(),
                    "placed_at": to_rfc3339(placed_at.millis()),
                }),
            ),
            Block::Review { unit, reasons } => {
                (unit, json!({ "reasons": reasons.iter().map(reason_json).collect::<Vec<_>>() }))
            }
            Block::Expired { unit, labelled_expiry, effective_expiry, on } => (
                unit,
                json!({
                    "labelled_expiry": labelled_expiry.to_string(),
                    "effective_expiry": effective_expiry.to_string(),
                    "on": on.to_string(),
                }),
            ),
            Block::RemainingLife { unit, remaining_days, required_days, effective_expiry } => (
                unit,
                json!({
                    "remaining_days": remaining_days,
                    "required_days": required_days,
                    "effective_expiry": effective_expiry.to_string(),
                }),
            ),
        };
        let details = if let Value::Object(details) = details { details } else { Map::new() };
        Self { code: block.code(), unit: unit.to_string(), details }
    }
}
