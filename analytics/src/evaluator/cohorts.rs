//! Units that share one past: what is known of one is known of all, but for its id.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use model::gs1::{Gtin, LotKey, LotText};
use model::instant::ValidAt;
use model::name::Name;
use model::registry::{Origin, Registry};

use super::traced::Traced;
use crate::custody::{self, Custody};

/// Which cohort; a cohort with other units or another past is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct CohortId(u64);

/// What an assessment depends on besides readings, product, lot and time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Past {
    pub(super) gtin: Gtin,
    lot: LotText,
    pub(super) custody: Custody,
}

/// Units with one past.
#[derive(Clone, Debug)]
pub(super) struct Cohort {
    pub(super) past: Arc<Past>,
    /// By name.
    pub(super) units: Arc<[Name]>,
    /// The sensors of the past, piece by piece: cohorts that share them share incidents.
    pub(super) trace: Box<str>,
    /// What is folded of it.
    pub(super) traced: Traced,
    /// What it took to assess it last.
    pub(super) cost: Duration,
    /// As of when it was assessed last, or is being assessed.
    pub(super) looked_at: Option<ValidAt>,
    /// Whether that was done once.
    pub(super) is_known: bool,
    /// Since when readings were lacking when it was looked at, ms.
    pub(super) lacks: Option<i64>,
    /// Set when its time has been over for long: nothing measured after that instant, ms, can change what is known of it.
    pub(super) rests: Option<i64>,
}

/// All cohorts.
#[derive(Clone, Debug, Default)]
pub(super) struct Cohorts {
    all: BTreeMap<CohortId, Cohort>,
    of_unit: HashMap<Name, CohortId>,
    /// Cohorts each sensor ever stood for.
    of_sensor: HashMap<Name, Vec<CohortId>>,
    units: Arc<[Name]>,
    /// What was folded of units before the start, until somebody follows them.
    inherited: HashMap<Name, Traced>,
    /// So many readings are folded together.
    grain: usize,
    next: u64,
}

/// What became of cohorts when units were put together anew.
#[derive(Debug, Default)]
pub(super) struct Regrouped {
    pub(super) made: Vec<CohortId>,
    pub(super) gone: Vec<CohortId>,
}

impl Past {
    /// What `unit`, whose custody is given, depends on; `None` when it is not registered.
    pub(super) fn of(registry: &Registry, unit: &Name, custody: Custody) -> Option<Self> {
        let registered = custody::registered(registry, unit)?;
        Some(Self { gtin: registered.gtin, lot: registered.lot.clone(), custody })
    }

    pub(super) fn lot_key(&self) -> LotKey {
        LotKey { gtin: self.gtin, lot: self.lot.clone() }
    }

    /// What custody says of an instant: it reaches as far as anybody declared, and what is to come does not count yet.
    fn keeping(&self, at: ValidAt) -> Option<&custody::Keeping> {
        let begun = self.custody.pieces.partition_point(|piece| piece.from <= at);
        self.custody.pieces[..begun].last()
    }

    /// The sensors whose readings make the trace at an instant.
    pub(super) fn sensors_at(&self, at: ValidAt) -> &[Name] {
        self.keeping(at).map_or(&[], |piece| piece.sensors.as_slice())
    }

    /// Since when these make it.
    pub(super) fn under_them_since(&self, at: ValidAt) -> Option<ValidAt> {
        self.keeping(at).map(|piece| piece.from)
    }

    /// Whether a closure has ended it by an instant.
    pub(super) fn is_closed(&self, at: ValidAt) -> bool {
        self.custody.closed && self.custody.window.to <= at
    }

    /// When something of this is different next, after an instant, without anybody saying anything more.
    pub(super) fn changes_after(&self, at: ValidAt) -> Option<ValidAt> {
        let begun = self.custody.pieces.partition_point(|piece| piece.from <= at);
        let next = self.custody.pieces.get(begun).map(|piece| piece.from);
        let end = Some(self.custody.window.to).filter(|end| self.custody.closed && *end > at);
        next.into_iter().chain(end).min()
    }

    /// All sensors that ever made the trace, each once.
    pub(super) fn sensors(&self) -> BTreeSet<&Name> {
        self.custody.pieces.iter().flat_map(|piece| &piece.sensors).collect()
    }

    fn trace(&self) -> Box<str> {
        let piece = |piece: &custody::Keeping| piece.sensors.iter().map(Name::as_str).collect::<Vec<_>>().join(" ");
        self.custody.pieces.iter().map(piece).collect::<Vec<_>>().join("; ").into()
    }
}

impl Cohorts {
    /// None yet; so many readings are folded together.
    pub(super) fn new(grain: usize) -> Self {
        Self { grain, ..Self::default() }
    }

    /// Puts all units together by their past. A cohort whose past and units stay the same stays; what is folded of one that
    /// goes is carried on by those its units are in then.
    pub(super) fn regroup(
        &mut self,
        registry: &Registry,
        units: impl Iterator<Item = (Option<Custody>, Name)>,
    ) -> Regrouped {
        let together = together(registry, units);
        let before = std::mem::take(&mut self.all);
        self.put_together(registry, together, before)
    }

    /// As [`Cohorts::regroup`], when only these units may have another past than before.
    pub(super) fn regroup_few(
        &mut self,
        registry: &Registry,
        units: impl Iterator<Item = (Option<Custody>, Name)>,
    ) -> Regrouped {
        let units: Vec<(Option<Custody>, Name)> = units.collect();
        let leaving: HashSet<Name> = units.iter().map(|(_, unit)| unit.clone()).collect();
        let left: HashSet<CohortId> = leaving.iter().filter_map(|unit| self.of_unit.get(unit)).copied().collect();
        let mut together = together(registry, units.into_iter());
        // What they leave, and what they come to.
        let is_concerned =
            |(id, cohort): &(&CohortId, &Cohort)| left.contains(id) || together.contains_key(cohort.past.as_ref());
        let concerned: Vec<CohortId> = self.all.iter().filter(is_concerned).map(|(id, _)| *id).collect();
        let mut before = BTreeMap::new();
        for id in concerned {
            let Some(cohort) = self.all.remove(&id) else { continue };
            let staying: Vec<Name> = cohort.units.iter().filter(|unit| !leaving.contains(*unit)).cloned().collect();
            if !staying.is_empty() {
                together.entry(Past::clone(&cohort.past)).or_default().extend(staying);
            }
            before.insert(id, cohort);
        }
        self.put_together(registry, together, before)
    }

    /// Makes cohorts of units that are together, in place of those `before`, of which the same ones stay.
    fn put_together(
        &mut self,
        registry: &Registry,
        mut together: HashMap<Past, Vec<Name>>,
        before: BTreeMap<CohortId, Cohort>,
    ) -> Regrouped {
        let mut regrouped = Regrouped::default();
        let mut gone = BTreeMap::new();
        for (id, cohort) in before {
            let is_same = together.get_mut(cohort.past.as_ref()).is_some_and(|units| {
                units.sort_unstable();
                units.as_slice() == cohort.units.as_ref()
            });
            if is_same {
                together.remove(cohort.past.as_ref());
                self.all.insert(id, cohort);
            } else {
                regrouped.gone.push(id);
                gone.insert(id, cohort);
            }
        }
        // Those under the same sensors get numbers in a row, so that they are looked at one after another.
        let mut new: Vec<(Box<str>, Past, Vec<Name>)> =
            together.into_iter().map(|(past, units)| (past.trace(), past, units)).collect();
        for (_, _, units) in &mut new {
            units.sort_unstable();
        }
        new.sort_by(|one, other| (&one.0, one.2.first()).cmp(&(&other.0, other.2.first())));
        for (trace, past, units) in new {
            self.next += 1;
            let id = CohortId(self.next);
            let traced = self.heir(registry, &gone, &past, &units);
            let (past, units) = (Arc::new(past), units.into());
            let cohort = Cohort {
                past,
                units,
                trace,
                traced,
                cost: Duration::ZERO,
                looked_at: None,
                is_known: false,
                lacks: None,
                rests: None,
            };
            self.all.insert(id, cohort);
            regrouped.made.push(id);
        }
        if !regrouped.made.is_empty() || !regrouped.gone.is_empty() {
            self.index();
        }
        regrouped
    }

    /// What was folded of units that are put together now: of the same past if there is one, or else of one that began
    /// like it.
    fn heir(&self, registry: &Registry, gone: &BTreeMap<CohortId, Cohort>, past: &Past, units: &[Name]) -> Traced {
        let former = |unit: &Name| {
            let id = self.of_unit.get(unit)?;
            gone.get(id).or_else(|| self.all.get(id)).filter(|former| former.past.gtin == past.gtin)
        };
        let parent = |unit: &Name| match registry.origin(unit)? {
            Origin::Split(split) => former(&split.unit),
            Origin::Registered(_) => None,
        };
        let of_same_past = units.iter().filter_map(former).find(|former| *former.past == *past);
        let one = of_same_past.or_else(|| units.iter().find_map(former)).or_else(|| units.iter().find_map(parent));
        let inherited = || units.iter().find_map(|unit| self.inherited.get(unit));
        one.map(|former| &former.traced).or_else(inherited).cloned().unwrap_or_else(|| Traced::new(self.grain))
    }

    /// Takes up what was folded of units before the start; what nobody took then is forgotten.
    pub(super) fn inherit(&mut self, inherited: HashMap<Name, Traced>) {
        self.inherited = inherited;
    }

    fn index(&mut self) {
        let mut units: Vec<Name> = self.all.values().flat_map(|cohort| cohort.units.iter().cloned()).collect();
        units.sort_unstable();
        self.units = units.into();
        self.of_unit.clear();
        self.of_sensor.clear();
        for (id, cohort) in &self.all {
            self.of_unit.extend(cohort.units.iter().map(|unit| (unit.clone(), *id)));
            for sensor in cohort.past.sensors() {
                self.of_sensor.entry(sensor.clone()).or_default().push(*id);
            }
        }
    }

    pub(super) fn get(&self, id: CohortId) -> Option<&Cohort> {
        self.all.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: CohortId) -> Option<&mut Cohort> {
        self.all.get_mut(&id)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Cohort> {
        self.all.values_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (CohortId, &Cohort)> {
        self.all.iter().map(|(id, cohort)| (*id, cohort))
    }

    /// The cohort after `last`; after the last comes the first.
    pub(super) fn next_after(&self, last: Option<CohortId>) -> Option<CohortId> {
        let behind =
            last.and_then(|last| self.all.range((std::ops::Bound::Excluded(last), std::ops::Bound::Unbounded)).next());
        behind.or_else(|| self.all.iter().next()).map(|(id, _)| *id)
    }

    /// All units, by name.
    pub(super) fn units(&self) -> Arc<[Name]> {
        Arc::clone(&self.units)
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The cohorts that `sensor` ever stood for.
    pub(super) fn of_sensor(&self, sensor: &Name) -> &[CohortId] {
        self.of_sensor.get(sensor).map_or(&[], Vec::as_slice)
    }

    /// The cohort of `unit`, and which it is.
    pub(super) fn of_unit_mut(&mut self, unit: &Name) -> Option<(CohortId, &mut Cohort)> {
        let id = *self.of_unit.get(unit)?;
        Some((id, self.all.get_mut(&id)?))
    }

    /// The cohort of `unit`.
    pub(super) fn of_unit(&self, unit: &Name) -> Option<&Cohort> {
        self.all.get(self.of_unit.get(unit)?)
    }
}

/// Units by their past.
fn together(registry: &Registry, units: impl Iterator<Item = (Option<Custody>, Name)>) -> HashMap<Past, Vec<Name>> {
    let mut together: HashMap<Past, Vec<Name>> = HashMap::new();
    for (custody, unit) in units {
        let past = custody.and_then(|custody| Past::of(registry, &unit, custody));
        if let Some(past) = past {
            together.entry(past).or_default().push(unit);
        }
    }
    together
}
