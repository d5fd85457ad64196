//! Functions that build longer texts from shorter ones, with a bound.
//!
//! A text that doubles in every subquery is a gigabyte after thirty of them, in one value that no memory pool sees
//! before it is there. The result is therefore bounded before it is built.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::compute::kernels::concat_elements::concat_elements_utf8;
use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{
    ColumnarValue, Expr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::error::{Exceeded, Limit};

/// The longest text a function builds, in bytes.
const MAX_TEXT_BYTES: usize = 64 << 10;

/// The texts a function builds for one batch, in bytes.
const MAX_BATCH_BYTES: usize = 64 << 20;

/// `function` with its result bounded. Only for functions whose result is at most as long as their arguments together.
pub(super) fn bounded(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(Bounded { inner: function }))
}

/// A function that refuses to build too much. It is never simplified to the function inside it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for Bounded {
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

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.inner().coerce_types(arguments)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        // the separator of `concat_ws` is written between all the others
        let repeats = if self.inner.name() == "concat_ws" { arguments.args.len() } else { 1 };
        check(&arguments.args, arguments.number_rows, repeats)?;
        self.inner.invoke_with_args(arguments)
    }
}

/// Fails when `arguments` together, the first of them `repeats` times, are too long.
fn check(arguments: &[ColumnarValue], rows: usize, repeats: usize) -> Result<()> {
    let (mut longest, mut total) = (0, 0);
    for (index, argument) in arguments.iter().enumerate() {
        let (one, all) = match argument {
            ColumnarValue::Array(array) => lengths(array)?,
            ColumnarValue::Scalar(scalar) => {
                let (one, _) = lengths(&scalar.to_array()?)?;
                (one, one * rows)
            }
        };
        let times = if index == 0 { repeats } else { 1 };
        longest += one * times;
        total += all * times;
    }
    if longest > MAX_TEXT_BYTES || total > MAX_BATCH_BYTES {
        return Err(DataFusionError::External(Box::new(Exceeded(Limit::ValueBytes(MAX_TEXT_BYTES as u64)))));
    }
    Ok(())
}

/// The longest value of `array` and all together, as text, in bytes.
fn lengths(array: &ArrayRef) -> Result<(usize, usize)> {
    let sum = |lengths: &mut dyn Iterator<Item = usize>| {
        lengths.fold((0, 0), |(longest, total): (usize, usize), length| (longest.max(length), total + length))
    };
    Ok(match array.data_type() {
        DataType::Utf8 => sum(&mut array.as_string::<i32>().iter().map(|text| text.map_or(0, str::len))),
        DataType::LargeUtf8 => sum(&mut array.as_string::<i64>().iter().map(|text| text.map_or(0, str::len))),
        DataType::Utf8View => sum(&mut array.as_string_view().iter().map(|text| text.map_or(0, str::len))),
        // numbers and times are short
        other if !other.is_nested() && !other.is_binary() => (64, 64 * array.len()),
        _ => {
            let text = cast(array, &DataType::Utf8)?;
            sum(&mut text.as_string::<i32>().iter().map(|text| text.map_or(0, str::len)))
        }
    })
}

/// Turns `a || b` into a bounded function.
#[derive(Debug)]
pub(super) struct BoundConcatenation {
    function: Arc<ScalarUDF>,
}

impl BoundConcatenation {
    pub(super) fn new() -> Self {
        let signature = Signature::any(2, Volatility::Immutable);
        Self { function: Arc::new(ScalarUDF::new_from_impl(Concatenation { signature })) }
    }
}

impl FunctionRewrite for BoundConcatenation {
    fn name(&self) -> &str {
        "bound_concatenation"
    }

    fn rewrite(&self, expr: Expr, _: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        match expr {
            Expr::BinaryExpr(binary) if binary.op == Operator::StringConcat => {
                let call = ScalarFunction::new_udf(Arc::clone(&self.function), vec![*binary.left, *binary.right]);
                Ok(Transformed::yes(Expr::ScalarFunction(call)))
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

/// `a || b`: null when either is.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Concatenation {
    signature: Signature,
}

impl ScalarUDFImpl for Concatenation {
    fn name(&self) -> &str {
        "||"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        check(&arguments.args, arguments.number_rows, 1)?;
        let texts = ColumnarValue::values_to_arrays(&arguments.args)?;
        let [left, right] = texts.as_slice() else {
            return Err(DataFusionError::Plan("`||` takes two texts".to_owned()));
        };
        let (left, right) = (cast(left, &DataType::Utf8)?, cast(right, &DataType::Utf8)?);
        let joined: StringArray = concat_elements_utf8(left.as_string(), right.as_string())?;
        Ok(ColumnarValue::Array(Arc::new(joined)))
    }
}
