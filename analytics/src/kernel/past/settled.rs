//! What the older nodes of a past come to, so that nobody goes through them again.
//!
//! The nodes are divided where nothing is under way: folds end and begin there, and the readings of every sensor of the trace right
//! before and right after, if it is not read at that instant, are beyond no level of the product. What comes before is a [`Balance`] then, and it is made by going on from the
//! one before. It is not carried to disk: a start makes it from the nodes.

use std::ops::Range;
use std::sync::Arc;

use super::trace::Bones;
use super::{GREATEST, Leaf, Past};
use crate::kernel::balance::Balance;
use crate::kernel::fold::levels;
use crate::kernel::plan::{Missing, Plan, Source};
use crate::kernel::profile::Profile;
use crate::kernel::series::Series;

/// So many are kept.
const KEPT: usize = 2;

/// What the nodes up to an instant come to.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    /// Where the last of them ends, ms.
    pub(super) at: i64,
    /// The last reading, ms, that it depends on.
    pub(super) until: i64,
    pub(super) balance: Arc<Balance>,
}

impl Past {
    /// Whether the older nodes are settled.
    #[cfg(test)]
    pub(crate) fn is_settled(&self) -> bool {
        !self.settled.is_empty()
    }

    /// Forgets what the older nodes come to, where it is such.
    pub(super) fn unsettle(&mut self, is_such: impl Fn(&Settled) -> bool) {
        let before = self.settled.len();
        self.settled.retain(|settled| !is_such(settled));
        if self.settled.len() < before {
            self.tried = None;
        }
    }

    /// How many of the first `holding` nodes are settled, as of the plan's instant.
    pub(super) fn settled_under(&self, plan: &Plan, holding: usize) -> usize {
        let told = self.settled.iter().rev().filter(|settled| settled.until <= plan.as_of);
        let mut counts = told.filter_map(|settled| self.ending_at(settled.at));
        counts.find(|count| *count < holding).unwrap_or(0)
    }

    /// How many nodes there are up to the one that ends at `at`, ms; `None` when none does.
    fn ending_at(&self, at: i64) -> Option<usize> {
        let count = self.partition(|node| node.to <= at);
        let last = count.checked_sub(1).and_then(|last| self.node(last))?;
        (last.to == at).then_some(count)
    }

    /// Settles what no window reaches back to that ends later than the last leaf, as far as it can be.
    pub(super) fn settle(&mut self, profile: &Profile, plan: &Plan, source: &dyn Source) -> Result<(), Missing> {
        let Some(newest) = self.last().map(|leaf| leaf.to) else { return Ok(()) };
        // Whose last node has become a part of a greater one.
        let ends = self.settled.iter().map(|settled| settled.at);
        let lost: Vec<i64> = ends.filter(|at| self.ending_at(*at).is_none()).collect();
        self.unsettle(|settled| lost.contains(&settled.at));
        let most = self.windows_before(profile, newest).min(self.count() - 1);
        let trunk = self.trunk.len();
        // Leaves are settled in greater nodes, so that the work is seldom.
        let most = if most <= trunk { most } else { trunk + (most - trunk) / GREATEST * GREATEST };
        let Some(end) = most.checked_sub(1).and_then(|last| self.node(last)).map(|node| node.to) else { return Ok(()) };
        if self.tried == Some(end) {
            return Ok(());
        }
        self.tried = Some(end);
        let before = self.settled.last().and_then(|settled| self.ending_at(settled.at)).unwrap_or(0);
        for count in (before + 1..=most).rev().take(GREATEST) {
            if let Some(settled) = self.settled_at(profile, plan, source, before..count)? {
                self.settled.push(settled);
                // The one before is for a reading so late that the newest one does not hold.
                let more = self.settled.len().saturating_sub(KEPT);
                self.settled.drain(..more);
                return Ok(());
            }
        }
        Ok(())
    }

    /// What the first nodes come to, those before `nodes` being settled; `None` when something may be under way at their
    /// end.
    fn settled_at(
        &self,
        profile: &Profile,
        plan: &Plan,
        source: &dyn Source,
        nodes: Range<usize>,
    ) -> Result<Option<Settled>, Missing> {
        let (Some(last), Some(next)) = (self.node(nodes.end - 1), self.node(nodes.end)) else { return Ok(None) };
        let at = last.to;
        if !self.is_quiet(profile, last, next) {
            return Ok(None);
        }
        let mut until = next.until;
        for sensor in 0..self.corrections.len() {
            for (_, to) in plan.stays(sensor).into_iter().filter(|(_, to)| *to <= at) {
                // As long as it is not known what comes after a stay, it is not known what its silence was.
                let Some(after) = self.beside.get(&(sensor, to, false)) else { return Ok(None) };
                until = after.last().map_or(until, |last| until.max(last.at));
            }
        }
        let bones = Bones { settled: nodes.start, nodes: self.cover(nodes.start, nodes.end), ahead: Some(next) };
        let trace = self.of_bones(plan, source, &bones, &[], (plan.window().0, at))?;
        let mut balance = Balance::before(profile, self.quantity, &trace);
        balance.take(profile, &trace);
        Ok(balance.carries(at).then(|| Settled { at, until, balance: Arc::new(balance) }))
    }

    /// Whether nothing is under way where `last` ends and `next` begins.
    fn is_quiet(&self, profile: &Profile, last: &Leaf, next: &Leaf) -> bool {
        let at = last.to;
        let (Some(before), Some(after)) = (last.folds.last(), next.folds.first()) else { return false };
        if before.to() != at || after.from() != at || !before.is_free() || !after.is_free() {
            return false;
        }
        let around = self.stretches.iter().find(|stretch| stretch.from < at && at < stretch.to);
        let levels = levels(profile, self.quantity);
        around.is_some_and(|stretch| {
            stretch.sensors.iter().enumerate().all(|(number, &sensor)| {
                let (Some((_, before)), Some((after, _))) = (before.ends_of(number), after.ends_of(number)) else {
                    return false;
                };
                let kept = [last, next].into_iter().filter_map(|node| node.kept.get(sensor)).flatten();
                let beside = kept.filter(|reading| reading.at == before || reading.at == after);
                let there = Series::new(beside.copied().collect(), &self.corrections[sensor]);
                let is_within = |index| !levels.iter().any(|level| level.is_beyond(level.view.value(&there, index)));
                there.len() == if before == after { 1 } else { 2 } && (0..there.len()).all(is_within)
            })
        })
    }
}
