//! Aggregate functions over readings: mean kinetic temperature, equivalent age, time beyond a limit, mean over time.
//!
//! Each gathers (value, instant) pairs, in any order and from as many parts as a query is cut into, and asks the
//! kernel for the figure once it has them all: sorted, each instant once. So an answer does not depend on the order of
//! rows (invariant A1), and no formula is written twice.

mod gathered;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, TimeUnit};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, Signature, Volatility};
use model::quantity::Temperature;
use model::registry::{Kinetics, Model, MolarEnergy};

use crate::kernel::Course;
use gathered::{Asked, Figure, Gathered};

/// Time between two readings further apart than this is unknown, unless the statement says another bound, s.
const DEFAULT_GAP_S: f64 = 3600.0;
/// The longest gap bound: ten years.
const LONGEST_GAP_S: f64 = 315_576_000.0;

/// The names of these functions; they are answered with GROUP BY, not over windows, where each row would ask for all
/// of it anew.
pub(super) const NAMES: [&str; 5] = ["equivalent_age", "mkt", "time_above", "time_below", "time_weighted_mean"];

/// The functions.
pub(super) fn all() -> impl Iterator<Item = Arc<AggregateUDF>> {
    NAMES.into_iter().map(|name| Arc::new(AggregateUDF::from(Measure::new(name))))
}

/// One of the functions.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Measure {
    name: &'static str,
    signature: Signature,
}

/// An argument after value and instant, which must be written in the statement.
struct Parameter {
    name: &'static str,
    data_type: DataType,
    required: bool,
}

impl Measure {
    fn new(name: &'static str) -> Self {
        Self { name, signature: Signature::user_defined(Volatility::Immutable) }
    }

    fn parameters(&self) -> Vec<Parameter> {
        let of = |name, data_type, required| Parameter { name, data_type, required };
        let mut parameters = match self.name {
            "mkt" => vec![of("dh_kj_per_mol", DataType::Float64, false), of("mode", DataType::Utf8, false)],
            "equivalent_age" => {
                vec![of("ea_kj_per_mol", DataType::Float64, true), of("reference_c", DataType::Float64, true)]
            }
            "time_above" | "time_below" => vec![of("limit", DataType::Float64, true)],
            _ => Vec::new(),
        };
        parameters.push(of("max_gap_s", DataType::Float64, false));
        parameters
    }

    /// What is asked, by the arguments after value and instant.
    fn asked(&self, given: &[ScalarValue]) -> Result<Asked> {
        let parameters = self.parameters();
        let position = |name: &str| parameters.iter().position(|parameter| parameter.name == name);
        let given = |name: &str| position(name).and_then(|at| given.get(at)).filter(|value| !value.is_null());
        let number = |name: &str| match given(name) {
            Some(ScalarValue::Float64(Some(number))) => Some(*number),
            _ => None,
        };
        let energy = |name: &str| match number(name).map(MolarEnergy::new) {
            Some(None) => plan_err!("`{name}` of `{}` must be above 0 and at most 1000 kJ/mol", self.name),
            Some(energy) => Ok(energy),
            None => Ok(None),
        };
        let degrees = |name: &str| match number(name).and_then(Temperature::from_celsius) {
            Some(value) => Ok(value),
            None => plan_err!("`{name}` of `{}` must be a number from -200 to 200", self.name),
        };
        let max_gap_s = number("max_gap_s").unwrap_or(DEFAULT_GAP_S);
        if !(max_gap_s > 0.0 && max_gap_s <= LONGEST_GAP_S) {
            return plan_err!("`max_gap_s` of `{}` must be above 0 and at most ten years", self.name);
        }
        let figure = match self.name {
            "mkt" => {
                let course = match given("mode") {
                    None => Course::LinearExact,
                    Some(ScalarValue::Utf8(Some(mode))) if mode == "linear_exact" => Course::LinearExact,
                    Some(ScalarValue::Utf8(Some(mode))) if mode == "trapezoid" => Course::Trapezoid,
                    Some(ScalarValue::Utf8(Some(mode))) if mode == "step_previous" => Course::StepPrevious,
                    Some(_) => return plan_err!("`mode` of `mkt` is `linear_exact`, `trapezoid` or `step_previous`"),
                };
                Figure::MeanKinetic { dh: energy("dh_kj_per_mol")?.unwrap_or(MolarEnergy::CONVENTIONAL), course }
            }
            "equivalent_age" => {
                let Some(ea) = energy("ea_kj_per_mol")? else {
                    return plan_err!("`equivalent_age` needs `ea_kj_per_mol`");
                };
                Figure::EquivalentAge(Kinetics {
                    model: Model::Arrhenius { ea, ea_low: None, ea_high: None },
                    reference: Some(degrees("reference_c")?),
                    valid: None,
                    credit_below_reference: true,
                })
            }
            "time_above" => Figure::Above(degrees("limit")?.millidegrees()),
            "time_below" => Figure::Below(degrees("limit")?.millidegrees()),
            _ => Figure::Mean,
        };
        Ok(Asked { figure, max_gap: std::time::Duration::from_secs_f64(max_gap_s) })
    }
}

impl AggregateUDFImpl for Measure {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let parameters = self.parameters();
        let fewest = 2 + parameters.iter().filter(|parameter| parameter.required).count();
        if !(fewest..=2 + parameters.len()).contains(&given.len()) {
            let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name).collect();
            return plan_err!(
                "`{}` takes a value, its `measured_at`, and `{}`: {fewest} to {} arguments",
                self.name,
                names.join("`, `"),
                2 + parameters.len()
            );
        }
        let number = |data_type: &DataType| data_type.is_numeric() || data_type.is_null();
        if !number(&given[0]) || !matches!(given[1], DataType::Timestamp(..) | DataType::Null) {
            return plan_err!("`{}` takes a number and the time it was measured at", self.name);
        }
        let mut wanted = vec![DataType::Float64, DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))];
        for (parameter, given) in parameters.into_iter().zip(&given[2..]) {
            let fits = match parameter.data_type {
                DataType::Utf8 => given.is_string() || given.is_null(),
                _ => number(given),
            };
            if !fits {
                return plan_err!("`{}` of `{}` can't be a {given}", parameter.name, self.name);
            }
            wanted.push(parameter.data_type);
        }
        Ok(wanted)
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let nothing = RecordBatch::new_empty(Arc::new(Schema::empty()));
        let mut given = Vec::new();
        for expr in arguments.exprs.iter().skip(2) {
            match expr.evaluate(&nothing) {
                Ok(ColumnarValue::Scalar(value)) => given.push(value),
                _ => {
                    return plan_err!(
                        "the arguments of `{}` after the time must be written in the statement",
                        self.name
                    );
                }
            }
        }
        Ok(Box::new(Gathered::new(self.name, self.asked(&given)?)))
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let list = |name: &str, of: DataType| {
            Arc::new(Field::new(format_state_name(arguments.name, name), DataType::new_list(of, true), true))
        };
        Ok(vec![list("at", DataType::Int64), list("value", DataType::Int32)])
    }
}
