//! A sensor's newest reading in a few bytes: there may be hundreds of thousands.

use model::instant::MeasuredAt;
use model::quantity::{Humidity, Temperature};
use model::reading::Reading;

/// Stands for no value: colder than absolute zero, drier than dry.
const NONE: i32 = i32::MIN;

/// A reading, without who sent it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) measured_at: MeasuredAt,
    /// The change that brought it. Changes are counted from 1; 0 stands for no reading.
    pub(super) revision: u64,
    millidegrees: i32,
    thousandths: i32,
}

impl Slot {
    /// Of a sensor that was not heard of.
    pub(super) const EMPTY: Self =
        Self { measured_at: MeasuredAt::from_millis(i64::MIN), revision: 0, millidegrees: NONE, thousandths: NONE };

    pub(super) fn new(reading: &Reading<'_>, revision: u64) -> Self {
        Self {
            measured_at: reading.measured_at,
            revision,
            millidegrees: reading.temperature.map_or(NONE, Temperature::millidegrees),
            thousandths: reading.humidity.map_or(NONE, Humidity::thousandths),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.revision == 0
    }

    pub(super) fn temperature(&self) -> Option<Temperature> {
        Temperature::from_millidegrees(self.millidegrees)
    }

    pub(super) fn humidity(&self) -> Option<Humidity> {
        Humidity::from_thousandths(self.thousandths)
    }
}
