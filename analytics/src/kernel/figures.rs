//! Figures of readings by themselves, as a question asks for them: no unit, no product, no rule.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::registry::{Kinetics, MolarEnergy, Side};

use super::exposure::{Exposure, Integrator};
use super::fixed::Sum;
use super::heat;
use super::level::{Level, View};
use super::moment::Span;
use super::rate::{Bound, Rate, mean_kinetic_celsius};
use super::series::{Correction, Sample, Series};
use super::trace::Trace;

/// Rates whose integrals are kept between questions.
const KEPT: usize = 8;

/// How a temperature is taken to go between two readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// Straight, the rate integrated along the way.
    LinearExact,
    /// The mean of the rates at both readings; for comparison with figures published so.
    Trapezoid,
    /// It stays until the next reading; for comparison with figures published so.
    StepPrevious,
}

/// What readings tell by themselves. Time between two of them further apart than the gap bound is unknown and has no
/// weight in anything (invariant A3); of several values at one instant the worst counts.
#[derive(Debug)]
pub(crate) struct Figures {
    trace: Trace,
    known: heat::Known,
}

impl Figures {
    /// Of `samples`, in any order and as often as they came.
    pub(crate) fn of(samples: Vec<Sample>, max_gap: Duration) -> Self {
        let series = Series::new(samples, &Correction::default());
        let instants = series.instants();
        let (from, to) = (instants.first().copied().unwrap_or(0), instants.last().copied().unwrap_or(0));
        let trace = Trace::new(vec![(from, to, vec![Arc::new(series)])], Some(max_gap));
        let known = heat::Known::of(&trace);
        Self { trace, known }
    }

    /// Mean kinetic temperature over known time, °C; `None` without any.
    pub(crate) fn mean_kinetic_c(&self, dh: MolarEnergy, course: Course) -> Option<f64> {
        let integrator = self.integrator(Rate::of_mkt(dh));
        let (integral, length) = self.integrate(&integrator, course);
        (length > 0.0).then(|| mean_kinetic_celsius(dh, integral / length))
    }

    /// The age known time stands for at the reference of `kinetics`, in seconds; `None` without any.
    pub(crate) fn equivalent_s(&self, kinetics: &Kinetics) -> Option<f64> {
        let (beyond, length) = match Rate::beyond_clock(kinetics, Bound::Nominal) {
            Some(rate) => self.integrate(&self.integrator(rate), Course::LinearExact),
            None => (0.0, self.known_s()),
        };
        (length > 0.0).then_some(length + beyond)
    }

    /// Known time beyond a limit in whole thousandths, strictly, in seconds; `None` without known time.
    pub(crate) fn beyond_s(&self, side: Side, limit: i32) -> Option<f64> {
        let (view, at) = match side {
            Side::High => (View::Hot, limit),
            Side::Low => (View::Cold, -limit),
        };
        let times = Level { view, at, inclusive: false, step: false }.times(&self.trace);
        let beyond: Span = times.iter().map(super::level::Beyond::length).sum();
        (self.known_s() > 0.0).then(|| beyond.seconds())
    }

    /// The mean over known time, linear between readings; `None` without any.
    pub(crate) fn mean(&self) -> Option<f64> {
        self.known.extent(&self.trace).mean
    }

    fn known_s(&self) -> f64 {
        let mut length = Sum::default();
        self.known.slopes().iter().for_each(|slope| length.add(slope.length() / 1000.0));
        length.value()
    }

    /// The integral of a rate over known time, and known time itself, s.
    fn integrate(&self, integrator: &Integrator, course: Course) -> (f64, f64) {
        let (mut integral, mut length) = (Sum::default(), Sum::default());
        for slope in self.known.slopes() {
            let seconds = slope.length() / 1000.0;
            let at = |value: f64| integrator.mean_between(value, value);
            let mean = match course {
                Course::LinearExact => integrator.mean_between(slope.a, slope.b),
                Course::Trapezoid => f64::midpoint(at(slope.a), at(slope.b)),
                Course::StepPrevious => at(slope.a),
            };
            integral.add(seconds * mean);
            length.add(seconds);
        }
        (integral.value(), length.value())
    }

    fn integrator(&self, rate: Rate) -> Integrator {
        let values = self.known.slopes().iter().flat_map(|slope| [slope.a, slope.b]);
        let (lowest, highest) = values.fold((0.0f64, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
        #[expect(clippy::cast_possible_truncation, reason = "thousandths of a degree are far inside i32")]
        let (lowest, highest) = (lowest.floor() as i32, highest.ceil() as i32 + 1);
        kept(rate).between(lowest, highest)
    }
}

/// The integrals of `rate`, which groups of one question and questions after each other share.
fn kept(rate: Rate) -> Exposure {
    static MADE: Mutex<Vec<(Rate, Exposure)>> = Mutex::new(Vec::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, exposure)) = made.iter().find(|(known, _)| *known == rate) {
        return exposure.clone();
    }
    if made.len() >= KEPT {
        made.remove(0);
    }
    let exposure = Exposure::new(rate);
    made.push((rate, exposure.clone()));
    exposure
}

#[cfg(test)]
mod tests;
