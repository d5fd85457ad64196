//! What one group of a query gathers for the kernel.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float64Type, Int32Type, Int64Type, TimestampMillisecondType};
use datafusion::common::{ScalarValue, exec_err, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;
use model::quantity::Temperature;
use model::registry::{Kinetics, MolarEnergy, Side};

use crate::kernel::{Course, Figures, Sample};

/// What is asked of a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) figure: Figure,
    pub(super) max_gap: Duration,
}

/// The figure that is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Figure {
    MeanKinetic {
        dh: MolarEnergy,
        course: Course,
    },
    EquivalentAge(Kinetics),
    /// Strictly above so many thousandths.
    Above(i32),
    /// Strictly below so many thousandths.
    Below(i32),
    Mean,
}

/// The readings of one group so far.
#[derive(Debug)]
pub(super) struct Gathered {
    function: &'static str,
    asked: Asked,
    samples: Vec<Sample>,
}

impl Gathered {
    pub(super) fn new(function: &'static str, asked: Asked) -> Self {
        Self { function, asked, samples: Vec::new() }
    }
}

/// One list as a value.
fn list(values: ArrayRef) -> Result<ScalarValue> {
    let item = Field::new_list_field(values.data_type().clone(), true);
    let offsets = OffsetBuffer::from_lengths([values.len()]);
    Ok(ScalarValue::List(Arc::new(ListArray::try_new(Arc::new(item), offsets, values, None)?)))
}

impl Accumulator for Gathered {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (Some(value), Some(at)) = (
            values.first().and_then(|values| values.as_primitive_opt::<Float64Type>()),
            values.get(1).and_then(|values| values.as_primitive_opt::<TimestampMillisecondType>()),
        ) else {
            return internal_err!("`{}` was given other columns than it asked for", self.function);
        };
        self.samples.reserve(value.len());
        for row in (0..value.len()).filter(|row| value.is_valid(*row) && at.is_valid(*row)) {
            let Some(rounded) = Temperature::from_celsius(value.value(row)) else {
                return exec_err!("`{}` takes values from -200 to 200, not {}", self.function, value.value(row));
            };
            self.samples.push(Sample { at: at.value(row), value: rounded.millidegrees() });
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let figures = Figures::of(std::mem::take(&mut self.samples), self.asked.max_gap);
        Ok(ScalarValue::Float64(match &self.asked.figure {
            Figure::MeanKinetic { dh, course } => figures.mean_kinetic_c(*dh, *course),
            Figure::EquivalentAge(kinetics) => figures.equivalent_s(kinetics),
            Figure::Above(limit) => figures.beyond_s(Side::High, *limit),
            Figure::Below(limit) => figures.beyond_s(Side::Low, *limit),
            Figure::Mean => figures.mean(),
        }))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.samples.capacity() * size_of::<Sample>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let samples = std::mem::take(&mut self.samples);
        let at = Int64Array::from_iter_values(samples.iter().map(|sample| sample.at));
        let value = Int32Array::from_iter_values(samples.iter().map(|sample| sample.value));
        Ok(vec![list(Arc::new(at))?, list(Arc::new(value))?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let (Some(at), Some(value)) = (
            states.first().and_then(|states| states.as_list_opt::<i32>()),
            states.get(1).and_then(|states| states.as_list_opt::<i32>()),
        ) else {
            return internal_err!("`{}` was given other states than it made", self.function);
        };
        for row in (0..at.len()).filter(|row| at.is_valid(*row)) {
            let (at, value) = (at.value(row), value.value(row));
            match (at.as_primitive_opt::<Int64Type>(), value.as_primitive_opt::<Int32Type>()) {
                (Some(at), Some(value)) if at.len() == value.len() => {
                    let pairs = at.values().iter().zip(value.values());
                    self.samples.extend(pairs.map(|(at, value)| Sample { at: *at, value: *value }));
                }
                _ => return internal_err!("`{}` was given {} for a list", self.function, DataType::Null),
            }
        }
        Ok(())
    }
}
