//! A hold as it is sent.

use model::hold::{Hold, Scope};
use model::sight::Sight;
use serde::Serialize;
use serde_json::{Map, Value, json};
use store::ledger::{Checked, record_hash};
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::state::Shared;

/// A hold: its record as it is signed, and beside it what it is on in single fields and the record's SHA-256.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HoldView {
    /// `id`, `scope`, `cause` (`code`, `rule`), `incident`, `state`, `placed_at`, `author`, `reason`,
    /// `inherited_from`, `evidence` (every version), `quarantine`, `acts` (every signature).
    #[serde(flatten)]
    #[schema(value_type = Object)]
    record: Map<String, Value>,
    /// The unit it is on.
    unit: Option<String>,
    /// The product of the lot it is on.
    gtin: Option<String>,
    /// The lot it is on.
    lot: Option<String>,
    /// The place it is on.
    place: Option<String>,
    /// SHA-256 of the canonical record: what the next signature binds. Null when not all of the record is told.
    record_sha256: Option<String>,
    /// Whether every signature still is on what it was put on; each of `acts` says so of its own.
    signature: SignatureView,
}

/// Whether a signature still is on what it was put on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignatureView {
    /// Null when nobody has signed yet.
    valid: Option<bool>,
    /// What is wrong with it.
    problem: Option<String>,
}

impl SignatureView {
    fn of(checked: &Checked) -> Self {
        Self { valid: Some(checked.is_ok()), problem: checked.as_ref().err().cloned() }
    }
}

impl HoldView {
    /// `hold` as it is sent to somebody with this `sight`, its signatures checked now.
    pub(crate) async fn of(hold: &Hold, shared: &Shared, sight: &Sight) -> Result<Self, Problem> {
        let signatures = shared.given.ledger.check_signatures(hold).await?;
        Ok(Self::checked(hold, &signatures, sight))
    }

    fn checked(hold: &Hold, signatures: &[Checked], sight: &Sight) -> Self {
        let (unit, lot, place) = match &hold.scope {
            Scope::Unit(unit) => (Some(unit.to_string()), None, None),
            Scope::Lot(key) => (None, Some((key.gtin.as_str().to_owned(), key.lot.to_string())), None),
            Scope::Place(place) => (None, None, Some(place.to_string())),
        };
        let (gtin, lot) = lot.unzip();
        let mut record = if let Value::Object(record) = sight.told(hold) { record } else { Map::new() };
        let acts = record.get_mut("acts").and_then(Value::as_array_mut).into_iter().flatten();
        for (act, checked) in acts.zip(signatures) {
            act["signature"] = json!(SignatureView::of(checked));
        }
        let worst = signatures.iter().find(|checked| checked.is_err()).or(signatures.first());
        let signature = worst.map_or(SignatureView { valid: None, problem: None }, SignatureView::of);
        let record_sha256 = sight.digests(hold).then(|| record_hash(hold).into());
        Self { record, unit, gtin, lot, place, record_sha256, signature }
    }
}
