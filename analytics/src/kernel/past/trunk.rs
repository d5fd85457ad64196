//! What of a past is joined for good, and which readings it takes to go on.

use std::sync::Arc;

use super::{GREATEST, JOINED, LEVELS, Leaf, Past, sensors_of};
use crate::kernel::heat::window_of;
use crate::kernel::plan::Plan;
use crate::kernel::profile::Profile;

impl Past {
    /// Since when readings of a sensor must be at hand, ms, so that it goes on with further ones, and with late ones that
    /// were measured at `late` or later; those beside stays of sensors apart, see [`Past::needs_beside`].
    #[must_use]
    pub fn needs(&self, sensor: usize, profile: &Profile, late: i64) -> i64 {
        if !self.stretches.iter().any(|stretch| stretch.sensors.contains(&sensor)) {
            return i64::MAX;
        }
        let begin = self.stretches.first().map_or(i64::MIN, |stretch| stretch.from);
        let first = self.partition(|leaf| leaf.until < late);
        let before = first.checked_sub(1).and_then(|last| self.node(last));
        let since = before.map_or(begin.saturating_sub(1), |leaf| leaf.to);
        let opened = self.windows_before(profile, since).min(first);
        self.node(opened).filter(|_| opened < first).map_or(since, |leaf| leaf.from) + 1
    }

    /// Since when readings of a sensor must be at hand, ms, because those right after one of its stays may not all be there
    /// yet.
    #[must_use]
    pub fn needs_beside(&self, sensor: usize) -> Option<i64> {
        let plan = Plan { stretches: self.stretches.clone(), ..Plan::default() };
        let end = self.stretches.last().map_or(i64::MAX, |stretch| stretch.to);
        let over = plan.stays(sensor).into_iter().map(|(_, to)| to);
        over.filter(|to| *to < end && !self.beside.contains_key(&(sensor, *to, false))).min().map(|to| to + 1)
    }

    /// Until when readings of all sensors that make the trace at its end can matter, ms, when it has come to an end; `None`
    /// when that is not known yet.
    #[must_use]
    pub fn settled(&self) -> Option<i64> {
        let plan = Plan { stretches: self.stretches.clone(), ..Plan::default() };
        let stays =
            (0..self.corrections.len()).flat_map(|sensor| plan.stays(sensor).into_iter().map(move |of| (sensor, of)));
        let last =
            |(sensor, (_, to)): (usize, (i64, i64))| self.beside.get(&(sensor, to, false))?.last().map(|last| last.at);
        let until = self.stretches.last().map_or(i64::MIN, |stretch| stretch.to);
        stays.map(last).try_fold(until, |until, last| Some(until.max(last?)))
    }

    /// Joins what ended before `late`, ms, for good, but for what windows that end later begin in.
    pub fn forget(&mut self, profile: &Profile, late: i64) {
        loop {
            let first = self.partition(|leaf| leaf.until < late);
            let since = first.checked_sub(1).and_then(|last| self.node(last)).map_or(i64::MIN, |leaf| leaf.to);
            let unneeded = self.windows_before(profile, since).min(first).saturating_sub(self.trunk.len());
            if unneeded < GREATEST || self.levels[LEVELS - 1].is_empty() {
                return;
            }
            self.trunk.push((0, self.levels[LEVELS - 1].remove(0)));
            let mut leaves = GREATEST;
            for level in &mut self.levels[..LEVELS - 1] {
                level.drain(..leaves);
                leaves /= JOINED;
            }
            self.join_trunk(profile);
        }
    }

    /// Joins nodes of the trunk that are enough for a greater one.
    fn join_trunk(&mut self, profile: &Profile) {
        let begin = self.stretches.first().map_or(0, |stretch| stretch.from);
        while let Some(first) = self.trunk.len().checked_sub(JOINED) {
            let rank = self.trunk[first].0;
            if self.trunk[first..].iter().any(|(other, _)| *other != rank) {
                return;
            }
            let nodes: Vec<Arc<Leaf>> = self.trunk.drain(first..).map(|(_, node)| node).collect();
            let joined = Leaf::joined(&nodes, profile, begin, &|fold| sensors_of(&self.stretches, fold));
            self.trunk.extend(joined.map(|node| (rank + 1, Arc::new(node))));
        }
    }

    /// The number of the node in which the windows begin that end right after `since`, ms; the number of nodes when there
    /// are no windows.
    fn windows_before(&self, profile: &Profile, since: i64) -> usize {
        match &profile.product.mkt {
            Some(mkt) if self.has_windows(profile) => {
                let first = since.saturating_sub(window_of(mkt));
                self.partition(|leaf| leaf.to <= first)
            }
            _ => self.count(),
        }
    }
}
