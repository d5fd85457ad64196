//! What a unit may have gone through while nothing was known.

use model::registry::Product;

use super::envelope::Slope;

/// A reading beside a gap: when (ms since an origin), its value and its doubt, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Neighbour {
    pub(super) at: f64,
    pub(super) value: f64,
    pub(super) doubt: f64,
}

/// A gap between readings that may lie outside of it; one before or after all readings has one, or none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Gap {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) left: Option<Neighbour>,
    pub(super) right: Option<Neighbour>,
}

/// How warm a product can have become while nobody looked, in thousandths and thousandths per ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GapBound {
    bound: Option<f64>,
    slew: Option<f64>,
}

impl GapBound {
    pub(super) fn of(product: &Product) -> Self {
        let bound = product.gap_bound.map(|at| f64::from(at.millidegrees()));
        // Thousandths per ms: K/h · 1000 / 3.6e6.
        let slew = product.gap_slew.map(|slew| slew.kelvin_per_hour() / 3600.0);
        Self { bound, slew: slew.filter(|_| bound.is_some()) }
    }

    /// The highest value anywhere in a gap with ends of at most `highest`, in thousandths.
    pub(super) fn ceiling(&self, highest: f64) -> f64 {
        self.bound.map_or(highest, |bound| bound.max(highest))
    }

    /// The warmest path through the gap: rising from the left end, at the bound, falling to the right end. `None`
    /// when neither an end nor a bound says anything.
    pub(super) fn warmest(&self, gap: &Gap) -> Option<Vec<Slope>> {
        let end = |neighbour: Option<Neighbour>| neighbour.map(|end| (end.at, end.value + end.doubt));
        let (left, right) = (end(gap.left), end(gap.right));
        let ends = [left, right].into_iter().flatten().map(|(_, value)| value);
        let top = ends.chain(self.bound).reduce(f64::max)?;
        let level = || Some(vec![Slope { from: gap.from, to: gap.to, a: top, b: top }]);
        let Some(slew) = self.slew else { return level() };
        if let (Some((from, a)), Some((to, b))) = (left, right)
            && (b - a).abs() > slew * (to - from)
        {
            // It changed faster than was believed possible: the belief is no bound here.
            return level();
        }
        let rising = |at: f64| left.map_or(top, |(from, value)| (value + slew * (at - from)).min(top));
        let falling = |at: f64| right.map_or(top, |(to, value)| (value + slew * (to - at)).min(top));
        let warmest = |at: f64| rising(at).min(falling(at));
        let mut turns = vec![gap.from, gap.to];
        if let Some((from, value)) = left {
            turns.push(from + (top - value) / slew);
        }
        if let Some((to, value)) = right {
            turns.push(to - (top - value) / slew);
        }
        if let (Some((from, a)), Some((to, b))) = (left, right) {
            turns.push(f64::midpoint(from, to) + (b - a) / (2.0 * slew));
        }
        turns.retain(|turn| (gap.from..=gap.to).contains(turn));
        turns.sort_by(f64::total_cmp);
        let slope = |turn: &[f64]| Slope { from: turn[0], to: turn[1], a: warmest(turn[0]), b: warmest(turn[1]) };
        Some(turns.windows(2).filter(|turn| turn[0] < turn[1]).map(slope).collect())
    }
}

impl Gap {
    /// Straight between the readings on either side, level beyond the only one; less `doubts` times their doubt.
    /// `None` when there is none.
    pub(super) fn straight(&self, doubts: f64) -> Option<Slope> {
        let value = |end: Neighbour| end.value - doubts * end.doubt;
        let (a, b) = match (self.left, self.right) {
            (Some(left), Some(right)) if left.at < right.at => {
                let (a, b) = (value(left), value(right));
                let at = |instant: f64| a + (b - a) * (instant - left.at) / (right.at - left.at);
                (at(self.from), at(self.to))
            }
            (left, right) => {
                let level = left.or(right).map(value)?;
                (level, level)
            }
        };
        Some(Slope { from: self.from, to: self.to, a, b })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_stays_and_falls_as_fast_as_believed() {
        let end = |at, value| Some(Neighbour { at, value, doubt: 0.0 });
        let gap = Gap { from: 0.0, to: 43_200_000.0, left: end(0.0, 5000.0), right: end(43_200_000.0, 6000.0) };
        let bound = GapBound { bound: Some(25_000.0), slew: Some(5.0 / 3600.0) };
        let path = bound.warmest(&gap).unwrap_or_default();
        let lengths: Vec<f64> = path.iter().map(|slope| (slope.length() / 1000.0).round()).collect();
        assert_eq!(lengths, [14_400.0, 0.0 + 7_560.0, 7_560.0, 13_680.0].map(|s: f64| s));
        assert_eq!((path[0].a, path[0].b), (5000.0, 25_000.0));
    }
}
