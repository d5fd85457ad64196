//! The trace that a past makes with the newest readings: what is settled comes before it, then the nodes that are not, and
//! readings where they are wanted one by one.

use std::ops::Range;
use std::sync::Arc;

use super::{JOINED, Leaf, Past, retain_outside, sensors_of, spans};
use crate::kernel::fold::{Fold, Seen};
use crate::kernel::heat::window_of;
use crate::kernel::plan::{Missing, Plan, Source};
use crate::kernel::profile::Profile;
use crate::kernel::series::{Sample, Series};
use crate::kernel::trace::Trace;

/// What a trace is made of besides readings of a source.
pub(super) struct Bones<'a> {
    /// So many of the first nodes come before, and what they come to is known.
    pub(super) settled: usize,
    pub(super) nodes: Vec<&'a Arc<Leaf>>,
    /// The node that follows where the trace ends, when nothing else does: sensors go straight to their first readings in it.
    pub(super) ahead: Option<&'a Arc<Leaf>>,
}

impl Past {
    /// The trace of `plan`: of what is folded, and of readings of `source`.
    ///
    /// # Errors
    /// When readings are needed that are not at hand.
    pub fn trace(&self, profile: &Profile, plan: &Plan, source: &dyn Source) -> Result<Trace, Missing> {
        let holding = self.holding(plan);
        let settled = self.settled_under(plan, holding);
        self.over(profile, plan, source, settled..holding)
    }

    /// The trace of `plan` over some of the leaves and what follows them; those before are settled.
    pub(super) fn over(
        &self,
        profile: &Profile,
        plan: &Plan,
        source: &dyn Source,
        leaves: Range<usize>,
    ) -> Result<Trace, Missing> {
        let (begin, end) = plan.window();
        let before = leaves.end.checked_sub(1).and_then(|last| self.node(last));
        let since = before.map_or(begin - 1, |leaf| leaf.to);
        // Where windows begin that end after the last leaf.
        let open = match &profile.product.mkt {
            Some(mkt) if self.has_windows(profile) => {
                let (first, last) = (since.saturating_sub(window_of(mkt)), end.saturating_sub(window_of(mkt)));
                let part = self.partition(|leaf| leaf.to <= first)..self.partition(|leaf| leaf.from < last);
                part.start.min(leaves.end)..part.end.min(leaves.end)
            }
            _ => leaves.end..leaves.end,
        };
        let settled = if leaves.start <= open.start { leaves.start } else { 0 };
        let leaves = leaves.end;
        let mut nodes: Vec<&Arc<Leaf>> = self.cover(settled, open.start);
        let mut opened = Vec::new();
        if open.start < open.end
            && let (Some(first), Some(last)) = (self.node(open.start), self.node(open.end - 1))
        {
            opened.push((first.from, last.to));
        }
        let after = self.cover(open.end.max(open.start), leaves);
        let mut seen = Seen::default();
        let within = open.clone().filter_map(|number| self.node(number));
        for node in
            self.cover(0, settled).into_iter().chain(nodes.iter().copied()).chain(within).chain(after.iter().copied())
        {
            seen.join(&node.seen);
        }
        nodes.extend(after);
        let parts = opened.into_iter().chain([(since, end)]).collect::<Vec<_>>();
        let bones = Bones { settled, nodes, ahead: None };
        let trace = self.of_bones(plan, source, &bones, &parts, (begin, end))?;
        Ok(trace.showing(seen))
    }

    /// The trace of `plan` between two instants, of some nodes and of readings of `source`, each after an instant and up to
    /// another.
    pub(super) fn of_bones(
        &self,
        plan: &Plan,
        source: &dyn Source,
        bones: &Bones<'_>,
        parts: &[(i64, i64)],
        (begin, end): (i64, i64),
    ) -> Result<Trace, Missing> {
        let Bones { settled, nodes, ahead } = bones;
        let last = settled.checked_sub(1).and_then(|last| self.node(last));
        let begin = last.map_or(begin, |last| last.to);
        let sensors = plan.corrections.len();
        let folds: Vec<Arc<Fold>> = nodes.iter().flat_map(|node| &node.folds).map(Arc::clone).collect();
        let spans = spans(&folds, sensors, &|fold| sensors_of(&plan.stretches, fold));
        let mut series: Vec<Arc<Series>> = Vec::with_capacity(sensors);
        for (sensor, spans) in spans.iter().enumerate() {
            let mut stays = plan.stays(sensor);
            stays.retain(|(from, to)| *from <= end && begin <= *to);
            if stays.is_empty() {
                series.push(Arc::default());
                continue;
            }
            // The trace begins within what is settled: each sensor goes straight on from its last reading there.
            let goes_on = |at: i64| stays.iter().any(|(from, to)| *from < at && at < *to);
            let mut readings = Vec::new();
            if let Some(last) = last.filter(|_| goes_on(begin)) {
                readings.extend(last.instants(sensor).next_back().into_iter().flatten());
            }
            if let Some(ahead) = ahead.filter(|_| goes_on(end)) {
                readings.extend(ahead.instants(sensor).next().into_iter().flatten());
            }
            for node in nodes {
                readings.extend(node.kept.get(sensor).into_iter().flatten());
            }
            for part in parts {
                readings.extend(plan.readings(source, sensor, *part)?);
            }
            let mut beside = Vec::new();
            for stay in stays {
                self.beside(plan, source, sensor, stay, (begin, end), &mut beside)?;
            }
            // What lies beside one stay may have been left out of another.
            retain_outside(&mut beside, spans);
            readings.append(&mut beside);
            readings.sort_unstable();
            readings.dedup();
            series.push(Arc::new(Series::thinned(readings, &plan.corrections[sensor], spans)));
        }
        let within =
            plan.stretches.iter().filter(|stretch| stretch.from <= end && (last.is_none() || begin < stretch.to));
        let stretches = within.map(|stretch| {
            let own = stretch.sensors.iter().map(|sensor| Arc::clone(&series[*sensor])).collect();
            (stretch.from.max(begin), stretch.to.min(end), own)
        });
        let before = self.settled.iter().find(|settled| last.is_some_and(|last| last.to == settled.at));
        let before = before.map(|settled| Arc::clone(&settled.balance));
        Ok(Trace::new(stretches.collect(), plan.gap).with_folds(folds).after(before))
    }

    /// The fewest nodes that hold those of the trunk and the leaves `first..end` and nothing else.
    pub(super) fn cover(&self, first: usize, end: usize) -> Vec<&Arc<Leaf>> {
        let trunk = self.trunk.len();
        let mut nodes: Vec<&Arc<Leaf>> =
            self.trunk[first.min(trunk)..end.min(trunk)].iter().map(|(_, node)| node).collect();
        let (mut at, end) = (first.saturating_sub(trunk), end.saturating_sub(trunk));
        while at < end {
            let (mut level, mut size) = (0, 1);
            while at.is_multiple_of(size * JOINED)
                && at + size * JOINED <= end
                && self.levels.get(level + 1).is_some_and(|greater| at / (size * JOINED) < greater.len())
            {
                level += 1;
                size *= JOINED;
            }
            nodes.push(&self.levels[level][at / size]);
            at += size;
        }
        nodes
    }

    /// The readings beside a stay, as far as they count as of the plan's instant: at those of its ends that lie within
    /// `part`.
    fn beside(
        &self,
        plan: &Plan,
        source: &dyn Source,
        sensor: usize,
        (from, to): (i64, i64),
        part: (i64, i64),
        readings: &mut Vec<Sample>,
    ) -> Result<(), Missing> {
        if part.0 <= from {
            match self.beside.get(&(sensor, from, true)) {
                Some(before) => readings.extend(before),
                None => readings.extend(plan.before(source, sensor, from)?),
            }
        }
        if to < plan.as_of && to <= part.1 {
            match self.beside.get(&(sensor, to, false)) {
                Some(after) => readings.extend(after.iter().filter(|reading| reading.at <= plan.as_of)),
                None => readings.extend(plan.after(source, sensor, to)?),
            }
        }
        Ok(())
    }
}
