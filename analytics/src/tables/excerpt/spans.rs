//! Which instants of which sensors are wanted.

use std::collections::BTreeMap;
use std::ops::Bound;

/// Of each sensor the spans [from, to), ms, that are wanted: in order, apart from each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spans(BTreeMap<Box<str>, Vec<(i64, i64)>>);

impl Spans {
    /// All of `wanted`: of a sensor a span [from, to), ms. An instant in several of them is wanted once.
    pub(crate) fn of<'a>(wanted: impl IntoIterator<Item = (&'a str, (i64, i64))>) -> Self {
        let mut spans: BTreeMap<Box<str>, Vec<(i64, i64)>> = BTreeMap::new();
        for (sensor, span) in wanted.into_iter().filter(|(_, span)| span.0 < span.1) {
            spans.entry(sensor.into()).or_default().push(span);
        }
        for spans in spans.values_mut() {
            spans.sort_unstable();
            spans.dedup_by(|next, before| {
                let touches = next.0 <= before.1;
                if touches {
                    before.1 = before.1.max(next.1);
                }
                touches
            });
        }
        Self(spans)
    }

    /// Whether nothing is wanted.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sensors of which something is wanted.
    pub(crate) fn sensors(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(AsRef::as_ref)
    }

    /// What is wanted of `sensor`.
    pub(crate) fn of_sensor(&self, sensor: &str) -> Option<&[(i64, i64)]> {
        self.0.get(sensor).map(Vec::as_slice)
    }

    /// Whether something is wanted of the sensors from `low` to `high` at instants from `from` to `to`, ends included. What is
    /// not known rules nothing out.
    pub(crate) fn may_have(&self, (low, high): (Option<&str>, Option<&str>), (from, to): (i64, i64)) -> bool {
        let is_empty = low.zip(high).is_some_and(|(low, high)| low > high);
        let low = low.map_or(Bound::Unbounded, Bound::Included);
        let high = high.map_or(Bound::Unbounded, Bound::Included);
        let reaches = |spans: &[(i64, i64)]| spans.iter().any(|span| span.0 <= to && from < span.1);
        is_empty || self.0.range::<str, _>((low, high)).any(|(_, spans)| reaches(spans))
    }
}

/// Whether `at` is in one of `spans`.
pub(crate) fn has(spans: &[(i64, i64)], at: i64) -> bool {
    spans.iter().any(|span| span.0 <= at && at < span.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_what_touches_and_knows_what_may_be_there() {
        let wanted = [("B", (0, 10)), ("D", (0, 10)), ("B", (10, 20)), ("B", (30, i64::MAX)), ("X", (5, 5))];
        let spans = Spans::of(wanted);
        assert_eq!(spans.of_sensor("B"), Some([(0, 20), (30, i64::MAX)].as_slice()));
        assert_eq!(spans.of_sensor("X"), None, "nothing is wanted of it");
        for (sensors, times, expected) in [
            ((Some("A"), Some("C")), (5, 6), true),
            ((Some("B"), Some("B")), (20, 29), false),
            ((Some("B"), Some("B")), (20, 30), true),
            ((Some("C"), Some("C")), (5, 6), false),
            ((Some("E"), None), (5, 6), false),
            ((None, None), (-5, -1), false),
            ((None, None), (-5, 0), true),
        ] {
            assert_eq!(spans.may_have(sensors, times), expected, "{sensors:?} {times:?}");
        }
        assert!(has(&[(0, 10)], 0) && !has(&[(0, 10)], 10));
        assert!(Spans::of([]).is_empty());
    }
}
