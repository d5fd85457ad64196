//! `assess_at(TIMESTAMP)`: what was known of every unit at an instant, by what is known now.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use model::instant::{ValidAt, parse_millis};

use super::{ASSESSED, Assessed, Origin};
use crate::tables::evidence::Evidence;

/// The table function, over registry and readings of one moment.
#[derive(Debug)]
pub(crate) struct AssessAt {
    evidence: Arc<Evidence>,
}

impl AssessAt {
    pub(crate) fn new(evidence: Arc<Evidence>) -> Self {
        Self { evidence }
    }
}

impl TableFunctionImpl for AssessAt {
    fn call_with_args(&self, args: TableFunctionArgs<'_, '_>) -> Result<Arc<dyn TableProvider>> {
        let [Expr::Literal(value, _)] = args.exprs() else {
            return plan_err!("`assess_at` takes one time, written in the statement");
        };
        let Some(as_of) = instant(value) else {
            return plan_err!("`assess_at` takes a time such as `TIMESTAMP '2026-11-22T10:00:00Z'`, not {value}");
        };
        let origin = Origin::Computed(Arc::clone(&self.evidence), as_of);
        Ok(Arc::new(Assessed::new(ASSESSED[0], origin)))
    }
}

/// The instant a literal names: a timestamp (in UTC unless it says otherwise), RFC 3339, or milliseconds.
fn instant(value: &ScalarValue) -> Option<ValidAt> {
    let millis = match value {
        ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) => parse_millis(text)?,
        ScalarValue::Int64(Some(millis)) => *millis,
        other => match other.cast_to(&DataType::Timestamp(TimeUnit::Millisecond, None)) {
            Ok(ScalarValue::TimestampMillisecond(Some(millis), _)) => millis,
            _ => return None,
        },
    };
    Some(ValidAt::from_millis(millis))
}
