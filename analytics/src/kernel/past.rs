//! The past of a trace, folded: what a further reading costs does not depend on how many there were.
//!
//! A [`Past`] divides the readings of a trace into leaves of about equally many, by time. Of each leaf it holds its
//! [`Fold`]s, the readings between them, and what the rolling windows that end in it have shown. Leaves in a row are
//! joined into greater ones, and these again, so that years are a few dozen nodes. An assessment is the kernel's over a
//! trace of those nodes and of the newest readings ([`Past::trace`]); why it is the same to the byte as over all
//! readings, [`super::fold`] tells part by part.
//!
//! What a leaf holds depends on readings up to its [`Leaf::until`] alone, and on who makes the trace until then. So
//!
//! * a late reading takes away the leaves from the one it falls into on ([`Past::late`]), and they are made again from
//!   the readings after that;
//! * another custody takes away what comes after the first difference;
//! * as of an instant that has passed the leaves before it count, and the readings from there to the instant.
//!
//! Late readings are mostly of lately: what is older than they are likely to be is not kept leaf by leaf. The greater nodes
//! there become the *trunk* ([`Past::forget`]), and their leaves go. A reading that is later still takes away the node it
//! falls into with all that comes after it.
//!
//! How many readings lie between the folds of a node depends on how often something happened. So that an assessment does
//! not go through all of that again, what the older nodes come to is brought forward ([`settled`]), and the trace begins
//! after them.
//!
//! Rolling windows that end among the newest readings begin among old ones: the leaves there are opened, which is to say
//! that their readings are asked for again. They come from a [`Source`], as does all that is newer than the last leaf; a
//! leaf itself needs none.

mod settled;
mod trace;
mod trunk;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::bytes::{Carried, carried};
use super::fold::{Fold, Seen};
use super::plan::{BESIDE, Missing, Plan, Source, Stretch, same_until};
use super::profile::Profile;
use super::series::{Correction, Sample};
use super::watch::Quantity;
use settled::Settled;

/// So many nodes make a greater one; few in tests, so that short histories have all kinds.
const JOINED: usize = if cfg!(test) { 4 } else { 16 };
/// Leaves, and what is joined of them.
const LEVELS: usize = 2;
/// Leaves of a node of the highest level.
const GREATEST: usize = JOINED;
/// Leaves made at once, at most.
const LEAVES_AT_ONCE: usize = 64;
/// The past of one quantity of a unit's trace under one product.
#[derive(Clone, Debug)]
pub struct Past {
    quantity: Quantity,
    /// Readings of a leaf.
    grain: usize,
    /// What comes before the leaves, by time, with how often it was joined there.
    trunk: Vec<(u8, Arc<Leaf>)>,
    /// Leaves, and above them what is joined of [`JOINED`] each.
    levels: [Vec<Arc<Leaf>>; LEVELS],
    /// What the leaves were made under.
    stretches: Vec<Stretch>,
    corrections: Vec<Correction>,
    gap: Option<Duration>,
    /// Readings right before and right after stretches of a sensor: by sensor, end, and whether they are before it.
    beside: BTreeMap<(usize, i64, bool), Vec<Sample>>,
    /// What the older nodes come to, up to one instant and up to a later one.
    settled: Vec<Settled>,
    /// The end of the last node up to which it was tried to settle it, ms.
    tried: Option<i64>,
}

/// Readings in a row, folded.
#[derive(Clone, Debug)]
struct Leaf {
    /// Readings after `from` and up to `to`, ms.
    from: i64,
    to: i64,
    /// The last reading that anything here depends on.
    until: i64,
    folds: Vec<Arc<Fold>>,
    /// Of each sensor, the readings that are not left out.
    kept: Vec<Vec<Sample>>,
    seen: Seen,
}

carried!(Leaf { from, to, until, folds, kept, seen });

impl Leaf {
    /// The readings of a sensor that are not left out, instant by instant.
    fn instants(&self, sensor: usize) -> impl DoubleEndedIterator<Item = &[Sample]> {
        let kept = self.kept.get(sensor).map(Vec::as_slice).unwrap_or_default();
        kept.chunk_by(|one, next| one.at == next.at)
    }

    /// Nodes in a row as one.
    fn joined(
        nodes: &[Arc<Self>],
        profile: &Profile,
        begin: i64,
        sensors_of: &dyn Fn(&Fold) -> Vec<usize>,
    ) -> Option<Self> {
        let (first, last) = (nodes.first()?, nodes.last()?);
        let mut seen = Seen::default();
        nodes.iter().for_each(|node| seen.join(&node.seen));
        seen.prune(profile, begin);
        let mut folds: Vec<Arc<Fold>> = Vec::new();
        for fold in nodes.iter().flat_map(|node| &node.folds) {
            match folds.last_mut() {
                Some(last) => match last.joined(fold) {
                    Some(joined) => *last = Arc::new(joined),
                    None => folds.push(Arc::clone(fold)),
                },
                None => folds.push(Arc::clone(fold)),
            }
        }
        let sensors = nodes.iter().map(|node| node.kept.len()).max().unwrap_or(0);
        let mut kept = vec![Vec::new(); sensors];
        let spans = spans(&folds, sensors, sensors_of);
        for (sensor, (kept, spans)) in kept.iter_mut().zip(&spans).enumerate() {
            kept.extend(nodes.iter().filter_map(|node| node.kept.get(sensor)).flatten());
            retain_outside(kept, spans);
        }
        let until = nodes.iter().map(|node| node.until).max()?;
        Some(Self { from: first.from, to: last.to, until, folds, kept, seen })
    }
}

impl Past {
    /// Nothing yet of a trace of temperature; `grain` readings make a leaf.
    #[must_use]
    pub fn of_temperature(grain: usize) -> Self {
        Self::new(Quantity::Temperature, grain)
    }

    /// Nothing yet of a trace of humidity; `grain` readings make a leaf.
    #[must_use]
    pub fn of_humidity(grain: usize) -> Self {
        Self::new(Quantity::Humidity, grain)
    }

    fn new(quantity: Quantity, grain: usize) -> Self {
        Self {
            quantity,
            grain: grain.max(1),
            trunk: Vec::new(),
            levels: Default::default(),
            stretches: Vec::new(),
            corrections: Vec::new(),
            gap: None,
            beside: BTreeMap::new(),
            settled: Vec::new(),
            tried: None,
        }
    }

    /// Appends it as bytes.
    pub(crate) fn put(&self, bytes: &mut Vec<u8>) {
        self.trunk.put(bytes);
        self.levels[0].put(bytes);
        self.stretches.put(bytes);
        self.corrections.put(bytes);
        self.gap.map(|gap| (gap.as_secs(), gap.subsec_nanos() as usize)).put(bytes);
        let beside = self.beside.iter().map(|(&key, readings)| (key, readings.clone()));
        beside.collect::<Vec<_>>().put(bytes);
    }

    /// Takes up what was written of a past, under the same product, of the quantity and grain that this is of.
    pub(crate) fn take(self, bytes: &mut &[u8], profile: &Profile) -> Option<Self> {
        let trunk = Vec::take(bytes)?;
        let leaves = Vec::<Leaf>::take(bytes)?;
        let (stretches, corrections) = (Vec::take(bytes)?, Vec::take(bytes)?);
        let gap = match <Option<(u64, usize)> as Carried>::take(bytes)? {
            Some((seconds, nanos)) => Some(Duration::new(seconds, u32::try_from(nanos).ok()?)),
            None => None,
        };
        let beside = Vec::<((usize, i64, bool), Vec<Sample>)>::take(bytes)?.into_iter().collect();
        let mut past = Self { trunk, stretches, corrections, gap, beside, ..self };
        leaves.into_iter().for_each(|leaf| past.push(leaf, profile));
        Some(past)
    }

    /// The last reading, ms, that anything here depends on; `None` when there is no leaf.
    #[must_use]
    pub fn until(&self) -> Option<i64> {
        self.last().map(|leaf| leaf.until)
    }

    /// The nodes of the trunk and then the leaves, by number.
    fn node(&self, number: usize) -> Option<&Arc<Leaf>> {
        match self.trunk.get(number) {
            Some((_, node)) => Some(node),
            None => self.levels[0].get(number - self.trunk.len()),
        }
    }

    fn last(&self) -> Option<&Arc<Leaf>> {
        self.levels[0].last().or_else(|| self.trunk.last().map(|(_, node)| node))
    }

    /// How many nodes of the trunk and leaves there are.
    fn count(&self) -> usize {
        self.trunk.len() + self.levels[0].len()
    }

    /// How many of them from the first on are such that.
    fn partition(&self, is_such: impl Fn(&Leaf) -> bool) -> usize {
        let trunk = self.trunk.partition_point(|(_, node)| is_such(node));
        let leaves = if trunk < self.trunk.len() { 0 } else { self.levels[0].partition_point(|leaf| is_such(leaf)) };
        trunk + leaves
    }

    /// How many readings it holds that are not left out, in leaves.
    #[must_use]
    pub fn held(&self) -> usize {
        let nodes = self.trunk.iter().map(|(_, node)| node).chain(&self.levels[0]);
        nodes.flat_map(|node| &node.kept).map(Vec::len).sum()
    }

    /// Forgets what readings measured at `at`, ms, or later make wrong.
    pub fn late(&mut self, at: i64) {
        self.beside.retain(|&(_, end, is_before), readings| match is_before {
            true => at >= end,
            false => readings.last().is_some_and(|last| last.at < at),
        });
        let untouched = self.partition(|leaf| leaf.until < at);
        self.truncate(untouched);
        self.unsettle(|settled| at <= settled.until);
    }

    fn truncate(&mut self, nodes: usize) {
        let mut leaves = nodes.saturating_sub(self.trunk.len());
        self.trunk.truncate(nodes);
        for level in &mut self.levels {
            level.truncate(leaves);
            leaves /= JOINED;
        }
        let last = self.last().map_or(i64::MIN, |leaf| leaf.to);
        self.unsettle(|settled| last <= settled.at);
    }

    /// How many of the leaves hold under `plan`.
    fn holding(&self, plan: &Plan) -> usize {
        let sensors = self.stretches.iter().flat_map(|stretch| &stretch.sensors);
        let mut sensors = sensors.map(|sensor| (self.corrections.get(*sensor), plan.corrections.get(*sensor)));
        if self.gap != plan.gap || sensors.any(|(then, now)| then != now) {
            return 0;
        }
        // A unit whose time is over has the same stretches as of any later instant, and not the same readings after them.
        let until = same_until(&self.stretches, &plan.stretches).min(plan.as_of.saturating_add(1));
        self.partition(|leaf| leaf.until < until)
    }

    /// Takes up `plan` and folds what can be: all of `source` but for the newest readings.
    ///
    /// # Errors
    /// When readings are needed that are not at hand.
    pub fn follow(&mut self, profile: &Profile, plan: &Plan, source: &dyn Source) -> Result<(), Missing> {
        let holding = self.holding(plan);
        if self.stretches != plan.stretches {
            let stays: Vec<Vec<(i64, i64)>> = (0..plan.corrections.len()).map(|sensor| plan.stays(sensor)).collect();
            self.beside.retain(|&(sensor, end, is_before), _| {
                let ends = |&(from, to): &(i64, i64)| end == if is_before { from } else { to };
                stays.get(sensor).is_some_and(|stays| stays.iter().any(ends))
            });
        }
        self.truncate(holding);
        self.stretches.clone_from(&plan.stretches);
        self.gap = plan.gap;
        if self.corrections != plan.corrections {
            self.beside.retain(|&(sensor, ..), _| self.corrections.get(sensor) == plan.corrections.get(sensor));
            self.corrections.clone_from(&plan.corrections);
        }
        while self.grow(profile, plan, source)? {
            // So that no long past is gone through from its beginning for each of its parts.
            self.look_beside(plan, source)?;
            self.settle(profile, plan, source)?;
        }
        self.look_beside(plan, source)?;
        self.settle(profile, plan, source)
    }

    /// Makes further leaves; whether there may be more.
    fn grow(&mut self, profile: &Profile, plan: &Plan, source: &dyn Source) -> Result<bool, Missing> {
        let from = self.last().map_or(plan.window().0 - 1, |leaf| leaf.to);
        let most = self.grain * (LEAVES_AT_ONCE + 1);
        let instants = plan.instants(source, from, most)?;
        let leaves = (instants.len() / self.grain).saturating_sub(1);
        let Some(&last) = instants.last().filter(|_| leaves > 0) else { return Ok(false) };
        let mut bounds = vec![from];
        bounds.extend((1..=leaves).map(|leaf| instants[leaf * self.grain - 1]));
        // What follows shows whether an excursion is bridged, and what sensors that are read less often said.
        let count = self.count();
        let over = |plan: &Plan| self.over(profile, plan, source, self.settled_under(plan, count)..count);
        let mut trace = over(&plan.until(last))?;
        if trace.settled(from, bounds[1]).is_none() && last < plan.window().1 {
            trace = over(plan)?;
        }
        let settled: Vec<i64> = bounds.windows(2).map_while(|part| trace.settled(part[0], part[1])).collect();
        bounds.truncate(settled.len() + 1);
        if settled.is_empty() {
            return Ok(false);
        }
        let mut folds = trace.folds(profile, self.quantity, &bounds).into_iter().map(Arc::new).peekable();
        let seen = if self.has_windows(profile) { trace.seen(profile, &bounds) } else { Vec::new() };
        let mut seen = seen.into_iter();
        for (part, settled) in bounds.windows(2).zip(settled) {
            let mut own = Vec::new();
            while let Some(fold) = folds.next_if(|fold| fold.to() <= part[1]) {
                own.push(fold);
            }
            let spans = spans(&own, plan.corrections.len(), &|fold| sensors_of(&plan.stretches, fold));
            let mut kept = Vec::with_capacity(spans.len());
            for (sensor, spans) in spans.iter().enumerate() {
                let mut readings = plan.readings(source, sensor, (part[0], part[1]))?;
                retain_outside(&mut readings, spans);
                readings.shrink_to_fit();
                kept.push(readings);
            }
            let before = self.until().unwrap_or(i64::MIN);
            let until = own.iter().map(|fold| fold.until()).fold(settled.max(before), i64::max);
            let seen = seen.next().unwrap_or_default();
            self.push(Leaf { from: part[0], to: part[1], until, folds: own, kept, seen }, profile);
        }
        Ok(true)
    }

    /// Appends a leaf, and joins those that are enough for a greater one.
    fn push(&mut self, leaf: Leaf, profile: &Profile) {
        let begin = self.stretches.first().map_or(0, |stretch| stretch.from);
        let mut node = Some(leaf);
        let mut level = 0;
        while let Some(whole) = node.take() {
            self.levels[level].push(Arc::new(whole));
            let count = self.levels[level].len();
            if level + 1 < LEVELS && count.is_multiple_of(JOINED) {
                let nodes = &self.levels[level][count - JOINED..];
                node = Leaf::joined(nodes, profile, begin, &|fold| sensors_of(&self.stretches, fold));
            }
            level += 1;
        }
    }

    /// Finds the readings right before and after the stays of sensors that are over or that began.
    fn look_beside(&mut self, plan: &Plan, source: &dyn Source) -> Result<(), Missing> {
        for sensor in 0..plan.corrections.len() {
            for (from, to) in plan.stays(sensor) {
                // Once it has told of a later instant, only late readings lie before.
                if !self.beside.contains_key(&(sensor, from, true))
                    && !source.readings(sensor, from - 1, plan.as_of, 1)?.is_empty()
                {
                    self.beside.insert((sensor, from, true), plan.before(source, sensor, from)?);
                }
                if to < plan.as_of && !self.beside.contains_key(&(sensor, to, false)) {
                    let after = plan.after(source, sensor, to)?;
                    // Until there are enough, there may be more.
                    if plan.counting(sensor, &after) >= BESIDE {
                        self.beside.insert((sensor, to, false), after);
                    }
                }
            }
        }
        Ok(())
    }

    fn has_windows(&self, profile: &Profile) -> bool {
        self.quantity == Quantity::Temperature && profile.product.mkt.is_some() && profile.mkt.is_some()
    }
}

/// The sensors of the stretch that a fold lies in.
fn sensors_of(stretches: &[Stretch], fold: &Fold) -> Vec<usize> {
    let around = stretches.iter().find(|stretch| stretch.from <= fold.from() && fold.to() <= stretch.to);
    around.map(|stretch| stretch.sensors.clone()).unwrap_or_default()
}

/// Between which readings of each sensor others are left out.
fn spans(folds: &[Arc<Fold>], sensors: usize, sensors_of: &dyn Fn(&Fold) -> Vec<usize>) -> Vec<Vec<(i64, i64)>> {
    let mut spans = vec![Vec::new(); sensors];
    for fold in folds {
        for (number, sensor) in sensors_of(fold).into_iter().enumerate() {
            spans[sensor].extend(fold.readings(number));
        }
    }
    spans
}

/// Drops the readings within `spans`, which are by time.
fn retain_outside(readings: &mut Vec<Sample>, spans: &[(i64, i64)]) {
    if spans.is_empty() {
        return;
    }
    readings.retain(|reading| {
        let next = spans.partition_point(|(_, to)| *to <= reading.at);
        spans.get(next).is_none_or(|(from, _)| reading.at <= *from)
    });
}
