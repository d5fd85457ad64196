//! `date_trunc` of instants in UTC, by whole numbers.
//!
//! The engine's own goes through calendar and time zone for every row. In UTC a day and what is shorter has a fixed
//! length, so that the instant a reading is counted under is a remainder; months and other zones stay with the engine.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::datatypes::{DataType, TimeUnit, TimestampMillisecondType};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

/// `function`, which is `date_trunc`, with a short way for columns of UTC instants.
pub(super) fn short(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(Truncate { inner: function }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Truncate {
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for Truncate {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arguments)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<arrow::datatypes::FieldRef> {
        self.inner.return_field_from_args(arguments)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match shortened(&arguments.args) {
            Some(truncated) => Ok(ColumnarValue::Array(truncated)),
            None => self.inner.invoke_with_args(arguments),
        }
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.inner.output_ordering(inputs)
    }
}

/// The column of UTC instants among `arguments` cut to a unit of fixed length; `None` for anything else.
fn shortened(arguments: &[ColumnarValue]) -> Option<ArrayRef> {
    let [ColumnarValue::Scalar(ScalarValue::Utf8(Some(unit)) | ScalarValue::Utf8View(Some(unit))), column] = arguments
    else {
        return None;
    };
    let ColumnarValue::Array(column) = column else { return None };
    let DataType::Timestamp(TimeUnit::Millisecond, Some(zone)) = column.data_type() else { return None };
    let length = length_ms(unit).filter(|_| zone.as_ref() == "UTC")?;
    let instants = column.as_primitive_opt::<TimestampMillisecondType>()?;
    // Before the first whole unit that has a number there is nothing to cut to: the engine says what of it.
    let cut: PrimitiveArray<TimestampMillisecondType> = instants.unary_opt(|at| at.checked_sub(at.rem_euclid(length)));
    let is_whole =
        cut.nulls().map_or(0, |nulls| nulls.null_count()) == instants.nulls().map_or(0, |nulls| nulls.null_count());
    is_whole.then(|| Arc::new(cut.with_timezone("UTC")) as ArrayRef)
}

/// How long `unit` is in UTC, ms.
fn length_ms(unit: &str) -> Option<i64> {
    match unit.to_ascii_lowercase().as_str() {
        "second" => Some(1000),
        "minute" => Some(60_000),
        "hour" => Some(3_600_000),
        "day" => Some(86_400_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::TimestampMillisecondArray;
    use datafusion::common::config::ConfigOptions;
    use datafusion::execution::SessionStateDefaults;
    use proptest::prelude::*;

    use super::*;

    fn cut(function: &ScalarUDF, unit: &str, column: &ArrayRef) -> ArrayRef {
        use arrow::datatypes::Field;
        let args = ScalarFunctionArgs {
            args: vec![ColumnarValue::Scalar(ScalarValue::from(unit)), ColumnarValue::Array(Arc::clone(column))],
            arg_fields: vec![
                Arc::new(Field::new("unit", DataType::Utf8, false)),
                Arc::new(Field::new("at", column.data_type().clone(), true)),
            ],
            number_rows: column.len(),
            return_field: Arc::new(Field::new("cut", column.data_type().clone(), true)),
            config_options: Arc::new(ConfigOptions::default()),
        };
        function.invoke_with_args(args).unwrap().into_array(column.len()).unwrap()
    }

    proptest! {
        #[test]
        fn cuts_as_the_engine_does(
            instants in proptest::collection::vec(proptest::option::of(-4_000_000_000_000i64..7_000_000_000_000), 0..40),
            unit in proptest::sample::select(vec!["second", "Minute", "hour", "day", "month"]),
            zone in proptest::sample::select(vec!["UTC", "+02:00"]),
        ) {
            let all = SessionStateDefaults::default_scalar_functions();
            let engines = all.into_iter().find(|function| function.name() == "date_trunc").unwrap();
            let column: ArrayRef = Arc::new(TimestampMillisecondArray::from(instants).with_timezone(zone));
            let ours = short(Arc::clone(&engines));
            prop_assert_eq!(&cut(&ours, unit, &column), &cut(&engines, unit, &column));
        }
    }

    #[test]
    fn takes_the_short_way_for_instants_in_utc_alone() {
        let column =
            |zone| -> ArrayRef { Arc::new(TimestampMillisecondArray::from(vec![90_061_001]).with_timezone(zone)) };
        let is_short = |unit: &str, zone| {
            let unit = ColumnarValue::Scalar(ScalarValue::from(unit));
            shortened(&[unit, ColumnarValue::Array(column(zone))]).is_some()
        };
        assert!(is_short("hour", "UTC") && is_short("DAY", "UTC"));
        assert!(!is_short("hour", "+02:00") && !is_short("month", "UTC"));
    }
}
