//! What must be well for a node to take requests.

use std::sync::Arc;

use api::{Check, Readiness};
use ingest::pipeline::Pipeline;

/// Messages that may be durable and not decoded before the node says it lags.
const LAG_MAX: u64 = 1_000_000;

/// Looks at the journal and at decoding.
pub(crate) fn of(pipeline: &Pipeline) -> Readiness {
    let pipeline = pipeline.clone();
    Arc::new(move || {
        let open = pipeline.journal().is_open();
        let lag = pipeline.lag();
        vec![
            Check {
                name: "journal",
                ok: open,
                detail: if open { "takes messages".into() } else { "takes no messages: see the log".into() },
            },
            Check {
                name: "decoding",
                ok: pipeline.is_decoding() && lag <= LAG_MAX,
                detail: match pipeline.is_decoding() {
                    true => format!("{lag} messages behind"),
                    false => "has stopped: see the log".into(),
                },
            },
        ]
    })
}
