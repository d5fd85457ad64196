//! The receipt of readings as it is sent.

use serde::Serialize;
use utoipa::ToSchema;

use crate::door::Receipt;

/// What became of the readings sent; the three add up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReceiptView {
    /// Readings that are new.
    accepted: u64,
    /// Readings known to be there already.
    duplicate: u64,
    /// Readings refused.
    rejected: Vec<RejectedView>,
}

/// A reading that was refused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RejectedView {
    /// Its place in `readings`, from 0.
    index: usize,
    /// Why: `shape`, `name`, `time`, `clock`, `range`, `quota` …
    reason: &'static str,
}

impl From<Receipt> for ReceiptView {
    fn from(receipt: Receipt) -> Self {
        let rejected =
            receipt.rejected.into_iter().map(|(index, reason)| RejectedView { index, reason: reason.as_str() });
        Self { accepted: receipt.accepted, duplicate: receipt.duplicate, rejected: rejected.collect() }
    }
}
