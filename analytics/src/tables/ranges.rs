//! Which readings are wanted: of each sensor those within some spans of time, as a condition that rules files out.

use std::collections::{BTreeMap, HashSet};

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, col, lit};
use model::name::Name;

/// With more spans than these the condition is one box around all of them.
const MOST_SPANS: usize = 64;
/// Later than any reading: 2200-01-01. Further on an instant has no nanoseconds, which the engine compares by.
const LATEST_MS: i64 = 7_258_118_400_000;

/// Readings that are wanted: of each sensor within spans [from, to], ms, apart from each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranges(BTreeMap<Name, Vec<(i64, i64)>>);

impl Ranges {
    /// All of `spans`, in any order.
    pub(super) fn of(spans: impl IntoIterator<Item = (Name, i64, i64)>) -> Self {
        let mut ranges: BTreeMap<Name, Vec<(i64, i64)>> = BTreeMap::new();
        for (sensor, from, to) in spans {
            ranges.entry(sensor).or_default().push((from, to));
        }
        for spans in ranges.values_mut() {
            spans.sort_unstable();
            let mut apart: Vec<(i64, i64)> = Vec::with_capacity(spans.len());
            for &(from, to) in spans.iter() {
                match apart.last_mut() {
                    Some(last) if from <= last.1 => last.1 = last.1.max(to),
                    _ => apart.push((from, to)),
                }
            }
            *spans = apart;
        }
        Self(ranges)
    }

    /// Whether nothing is wanted.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sensors.
    pub(super) fn sensors(&self) -> HashSet<Name> {
        self.0.keys().cloned().collect()
    }

    /// A condition that holds for every reading that is wanted, and for few others; `None` when nothing is wanted.
    pub(super) fn condition(&self) -> Option<Expr> {
        let spans = self.0.values().map(Vec::len).sum::<usize>();
        if spans <= MOST_SPANS {
            let each = self.0.iter().flat_map(|(sensor, spans)| spans.iter().map(move |span| (sensor, span)));
            return each.map(|(sensor, span)| is(sensor).and(within(*span))).reduce(Expr::or);
        }
        let (first, last) = (self.0.keys().next()?, self.0.keys().next_back()?);
        let from = self.0.values().filter_map(|spans| spans.first()).map(|span| span.0).min()?;
        let to = self.0.values().filter_map(|spans| spans.last()).map(|span| span.1).max()?;
        let between = col("sensor").gt_eq(text(first)).and(col("sensor").lt_eq(text(last)));
        Some(between.and(within((from, to))))
    }
}

fn is(sensor: &Name) -> Expr {
    col("sensor").eq(text(sensor))
}

fn text(name: &Name) -> Expr {
    lit(ScalarValue::Utf8View(Some(name.as_str().to_owned())))
}

fn within((from, to): (i64, i64)) -> Expr {
    let at = |ms: i64| lit(ScalarValue::TimestampMillisecond(Some(ms), Some("UTC".into())));
    let after = col("measured_at").gt_eq(at(from.clamp(0, LATEST_MS)));
    if to >= LATEST_MS { after } else { after.and(col("measured_at").lt_eq(at(to.max(0)))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_what_touches_and_boxes_what_is_too_much() {
        let name = |text: &str| Name::parse(text).unwrap();
        let ranges = Ranges::of([(name("B"), 5, 9), (name("A"), 0, 3), (name("B"), 0, 5), (name("B"), 20, 30)]);
        let condition = ranges.condition().unwrap().to_string();
        assert_eq!(condition.matches("sensor = ").count(), 3, "{condition}");
        let many = Ranges::of((0..100).map(|number| (name(&format!("S{number}")), number, number)));
        let condition = many.condition().unwrap().to_string();
        assert_eq!(condition.matches("sensor").count(), 2, "{condition}");
        assert!(Ranges::default().condition().is_none());
    }
}
