//! Integrals of a rate over linear pieces of a trace.
//!
//! Over a linear piece the mean rate is a difference of one antiderivative F at both ends, over their distance. F is
//! tabulated at every whole thousandth of a degree, as temperatures are whole thousandths; between two of them, and
//! for the table's own steps, a two-point Gauss-Legendre rule is exact to 10⁻¹⁵ (the step is 0.001 K). F is kept in
//! two floats, so that a difference is as exact as its smallest part: relative errors stay below 10⁻¹² from −200 to
//! 200 °C. The table grows outwards from 0 °C, so a value does not depend on what was asked before (invariant A1).

use std::sync::{Arc, PoisonError, RwLock};

use super::rate::Rate;

/// Half the distance of the two Gauss-Legendre nodes, as a part of the interval: 1/(2√3).
const NODE: f64 = 0.288_675_134_594_812_9;
/// The table grows by this many thousandths at once.
const CHUNK: usize = 4096;

/// A rate's antiderivative, shared between threads.
#[derive(Clone, Debug)]
pub(super) struct Exposure {
    rate: Rate,
    table: Arc<RwLock<Arc<Table>>>,
}

/// A moment of the table, for many look-ups.
#[derive(Clone, Debug)]
pub(super) struct Integrator {
    rate: Rate,
    table: Arc<Table>,
}

/// F at whole thousandths from `first` on.
#[derive(Clone, Debug, Default)]
struct Table {
    first: i32,
    nodes: Vec<Node>,
}

/// F at one whole thousandth (in two parts), and the rate there. F is in K times the rate's unit.
#[derive(Clone, Copy, Debug)]
struct Node {
    high: f64,
    low: f64,
    rate: f64,
}

impl Exposure {
    /// The integrals of `rate`.
    #[must_use]
    pub(super) fn new(rate: Rate) -> Self {
        let nodes = vec![Node { high: 0.0, low: 0.0, rate: rate.at(0.0) }];
        Self { rate, table: Arc::new(RwLock::new(Arc::new(Table { first: 0, nodes }))) }
    }

    /// An integrator for temperatures from `lowest` to `highest`, in thousandths of a degree.
    #[must_use]
    pub(super) fn between(&self, lowest: i32, highest: i32) -> Integrator {
        let covers = |table: &Table| table.first <= lowest && table.last() > highest;
        {
            let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
            if covers(&table) {
                return Integrator { rate: self.rate, table: Arc::clone(&table) };
            }
        }
        let mut shared = self.table.write().unwrap_or_else(PoisonError::into_inner);
        if !covers(&shared) {
            let mut grown = Table::clone(&shared);
            grown.grow(&self.rate, lowest, highest);
            *shared = Arc::new(grown);
        }
        Integrator { rate: self.rate, table: Arc::clone(&shared) }
    }
}

impl Table {
    fn last(&self) -> i32 {
        self.first + i32::try_from(self.nodes.len()).unwrap_or(i32::MAX) - 1
    }

    fn grow(&mut self, rate: &Rate, lowest: i32, highest: i32) {
        while self.last() <= highest {
            for _ in 0..CHUNK {
                let from = self.last();
                let node = self.nodes[self.nodes.len() - 1].after(step(rate, from), rate, from + 1);
                self.nodes.push(node);
            }
        }
        if self.first > lowest {
            let mut below = Vec::new();
            let mut edge = self.nodes[0];
            let mut at = self.first;
            while at > lowest {
                for _ in 0..CHUNK {
                    at -= 1;
                    edge = edge.after(-step(rate, at), rate, at);
                    below.push(edge);
                }
            }
            below.reverse();
            below.append(&mut self.nodes);
            self.nodes = below;
            self.first = at;
        }
    }
}

impl Node {
    fn after(self, step: f64, rate: &Rate, at: i32) -> Self {
        let (high, rest) = two_sum(self.high, step);
        let (high, low) = two_sum(high, self.low + rest);
        Self { high, low, rate: rate.at(f64::from(at) / 1000.0) }
    }
}

/// The integral over the thousandth that begins at `from`, in K.
fn step(rate: &Rate, from: i32) -> f64 {
    gauss(rate, f64::from(from), f64::from(from) + 1.0)
}

/// The integral of the rate between two temperatures in thousandths with no kink between them, in K.
fn gauss(rate: &Rate, from: f64, to: f64) -> f64 {
    let (middle, width) = (f64::midpoint(from, to), to - from);
    let sum = rate.at((middle - NODE * width) / 1000.0) + rate.at((middle + NODE * width) / 1000.0);
    sum * width / 2000.0
}

/// a + b and what rounding took from it.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    (sum, (a - (sum - b_part)) + (b - b_part))
}

impl Integrator {
    /// The mean rate while the temperature goes evenly from `from` to `to`, in whole thousandths of a degree.
    #[inline]
    #[must_use]
    pub(super) fn mean(&self, from: i32, to: i32) -> f64 {
        let a = self.node(from);
        if from == to {
            return a.rate;
        }
        let b = self.node(to);
        self.rate.bounded(((b.high - a.high) + (b.low - a.low)) * 1000.0 / f64::from(to - from))
    }

    /// As [`Integrator::mean`], for temperatures between whole thousandths.
    #[must_use]
    pub(super) fn mean_between(&self, from: f64, to: f64) -> f64 {
        let (lower, upper) = (from.min(to), from.max(to));
        if upper - lower < 1e-6 {
            return self.rate.at(f64::midpoint(lower, upper) / 1000.0);
        }
        let (first, last) = (lower.ceil(), upper.floor());
        let integral = if first > last {
            gauss(&self.rate, lower, upper)
        } else {
            #[expect(clippy::cast_possible_truncation, reason = "temperatures in thousandths are far inside i32")]
            let (a, b) = (self.node(first as i32), self.node(last as i32));
            let edge = |from: f64, to: f64| if from < to { gauss(&self.rate, from, to) } else { 0.0 };
            ((b.high - a.high) + (b.low - a.low)) + edge(lower, first) + edge(last, upper)
        };
        self.rate.bounded(integral * 1000.0 / (upper - lower))
    }

    #[inline]
    fn node(&self, thousandths: i32) -> Node {
        let index = usize::try_from(thousandths - self.table.first).unwrap_or(0);
        self.table.nodes[index.min(self.table.nodes.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use model::registry::MolarEnergy;

    use super::*;

    fn conventional() -> Exposure {
        Exposure::new(Rate::of_mkt(MolarEnergy::CONVENTIONAL))
    }

    #[test]
    fn a_value_does_not_depend_on_what_was_asked_before() {
        let (wide, narrow) = (conventional(), conventional());
        let wide = wide.between(-80_000, 60_000);
        let first = narrow.between(1000, 1010);
        let then = narrow.between(-2000, 50_000);
        assert_eq!(wide.mean(1000, 1010), first.mean(1000, 1010));
        assert_eq!(wide.mean(-2000, 49_999), then.mean(-2000, 49_999));
    }

    #[test]
    fn agrees_with_a_fine_sum_and_between_its_two_forms() {
        let exposure = conventional();
        let integrator = exposure.between(-80_000, 60_000);
        let rate = Rate::of_mkt(MolarEnergy::CONVENTIONAL);
        for (from, to) in [(5000i32, 22_000i32), (22_000, 5000), (-80_000, -79_999), (8000, 8001), (-20_000, 40_000)] {
            let (from_f, to_f) = (f64::from(from), f64::from(to));
            // Two steps a thousandth: their ends are exact.
            let steps: i32 = 2 * i32::abs(to - from);
            let width = (to_f - from_f) / f64::from(steps);
            let pieces = (0..steps).map(|step| {
                let start = from_f + f64::from(step) * width;
                gauss(&rate, start, start + width) * 1000.0 / width
            });
            let expected = pieces.sum::<f64>() / f64::from(steps);
            let close = |mean: f64| (mean / expected - 1.0).abs() < 1e-11;
            assert!(close(integrator.mean(from, to)), "{from} {to}");
            assert!(close(integrator.mean_between(from_f, to_f)), "{from} {to}");
        }
        let (whole, cut) = (integrator.mean_between(5000.5, 5001.25), rate.at(5.000_875));
        assert!((whole / cut - 1.0).abs() < 1e-8);
    }
}
