//! How units stand right now: registry, holds and the latest assessments of one moment, read together.

use std::collections::BTreeMap;
use std::sync::Arc;

use analytics::custody::{self, Index};
use analytics::fleet::Fleet;
use analytics::history;
use chrono::NaiveDate;
use model::assessment::{Assessment, EndKind, Verdict};
use model::gs1::LotKey;
use model::hold::{Block, HoldId, blocks};
use model::instant::ValidAt;
use model::name::Name;
use model::registry::{Origin, Registry};
use model::sight::{Sight, Sites};
use store::ledger::Snapshot;
use store::newest::Newest;

use crate::access::Caller;
use crate::problem::Problem;
use crate::state::Shared;

/// Everything units are looked at with, at one moment.
pub(crate) struct Stock {
    pub(crate) now: ValidAt,
    pub(crate) snapshot: Snapshot,
    /// What whoever looks sees of it.
    pub(crate) sight: Sight,
    /// The latest assessments, by unit; `None` until there is one of each.
    latest: Option<Vec<Arc<Assessment>>>,
    newest: Newest,
    index: Index,
}

/// How one unit stands.
pub(crate) struct Standing {
    pub(crate) unit: Name,
    pub(crate) lot: LotKey,
    /// How many it was when it came to be.
    pub(crate) quantity: u64,
    /// How many were not split off since.
    pub(crate) remaining: u64,
    /// Where it is.
    pub(crate) place: Option<Name>,
    /// When it ended, and how.
    pub(crate) closed: Option<(ValidAt, Name)>,
    /// The latest assessment.
    pub(crate) assessment: Option<Arc<Assessment>>,
    /// The holds about it that are undecided.
    pub(crate) holds: Vec<HoldId>,
    /// Whatever stands against issuing it, so far as that is known.
    pub(crate) blocks: Vec<Block>,
}

impl Stock {
    /// How things stand now, as far as somebody sees it who is limited to `sites`, if they are.
    fn of(shared: &Shared, sites: Option<&Sites>) -> Self {
        // holds as they are after the assessments, so that those they led to meanwhile count
        let latest = shared.latest();
        let (now, snapshot) = (shared.now(), shared.given.ledger.snapshot());
        let newest = shared.given.newest.clone();
        let index = history::index(&snapshot.registry, &newest);
        let sight = Sight::of(sites, &snapshot.registry, now);
        Self { now, snapshot, sight, latest, newest, index }
    }

    /// Does `work` over how things stand as far as `caller` sees it, off the runtime's threads.
    pub(crate) async fn look<T: Send + 'static>(
        shared: &Shared,
        caller: &Caller,
        work: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (shared, sites) = (shared.clone(), caller.0.sites.clone());
        match tokio::task::spawn_blocking(move || work(&Self::of(&shared, sites.as_ref()))).await {
            Ok(done) => done,
            Err(join) => std::panic::resume_unwind(join.into_panic()),
        }
    }

    /// Everything registered.
    pub(crate) fn registry(&self) -> &Registry {
        &self.snapshot.registry
    }

    /// Whether every unit was assessed once.
    pub(crate) fn is_assessed(&self) -> bool {
        self.latest.is_some()
    }

    /// All units that are seen, by id: registered ones and split children.
    pub(crate) fn units(&self) -> Vec<Name> {
        let mut units = Fleet::units(self.registry());
        if self.sight.is_limited() {
            units.retain(|unit| self.sight.unit(unit));
        }
        units
    }

    /// The latest assessment of `unit`.
    pub(crate) fn assessment(&self, unit: &Name) -> Option<&Arc<Assessment>> {
        let latest = self.latest.as_deref()?;
        let found = latest.binary_search_by(|assessment| assessment.unit.cmp(unit)).ok()?;
        latest.get(found)
    }

    /// How `unit` stands by the latest assessment; `None` when there is no such unit, or it is not seen.
    pub(crate) fn standing(&self, unit: &Name) -> Option<Standing> {
        self.standing_by(unit, self.assessment(unit).cloned())
    }

    /// How `unit` stands by `assessment`; `None` when there is no such unit, or it is not seen.
    pub(crate) fn standing_by(&self, unit: &Name, assessment: Option<Arc<Assessment>>) -> Option<Standing> {
        if !self.sight.unit(unit) {
            return None;
        }
        let (registry, holds) = (self.registry(), &self.snapshot.holds);
        let (_, quantity) = registry.beginning(unit)?;
        let lot = registry.lot_of(unit)?;
        let split = registry.splits.of(unit).filter(|split| split.at <= self.now);
        let gone: u64 = split.flat_map(|split| split.into.iter().map(|child| child.quantity)).sum();
        let closure = registry.closures.of(unit).next().filter(|closure| closure.at <= self.now);
        let concerning = holds.concerning(registry, unit, self.now);
        let undecided = concerning.iter().filter(|hold| hold.state.is_undecided());
        let blocks = match &assessment {
            Some(assessment) => blocks(registry, holds, assessment, self.now, self.now),
            None => model::hold::holds_against(registry, holds, unit, self.now),
        };
        Some(Standing {
            unit: unit.clone(),
            lot,
            quantity,
            remaining: quantity.saturating_sub(gone),
            place: registry.place_of(unit, self.now),
            closed: closure.map(|closure| (closure.at, closure.kind.clone())),
            holds: undecided.map(|hold| hold.id).collect(),
            assessment,
            blocks,
        })
    }

    /// When one of the sensors that make the trace of `unit` now was heard of last.
    pub(crate) fn last_heard(&self, unit: &Name) -> Option<ValidAt> {
        let sensors = custody::sensors_at(self.registry(), &self.index, unit, self.now);
        let heard = sensors.iter().filter_map(|sensor| self.newest.of(sensor.as_str()));
        heard.map(|last| ValidAt::from_millis(last.measured_at.millis())).max()
    }

    /// The newest readings of all sensors.
    pub(crate) fn newest(&self) -> &Newest {
        &self.newest
    }

    /// Whether `unit` is of this product and this lot, as far as they are named.
    pub(crate) fn is_of(&self, unit: &Name, gtin: Option<&str>, lot: Option<&str>) -> bool {
        if gtin.is_none() && lot.is_none() {
            return true;
        }
        let is = |wanted: Option<&str>, value: &str| wanted.is_none_or(|wanted| wanted == value);
        self.registry().lot_of(unit).is_some_and(|key| is(gtin, key.gtin.as_str()) && is(lot, key.lot.as_str()))
    }

    /// Whether `unit` is in `place`, or in a place inside of it.
    pub(crate) fn is_in(&self, unit: &Name, place: &Name) -> bool {
        let at = self.registry().place_of(unit, self.now);
        at.is_some_and(|at| self.registry().places_around(&at).contains(place))
    }
}

impl Standing {
    /// Whether it has not ended.
    pub(crate) fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// Whether it may be issued now: it is there, it was assessed, and nothing stands against it.
    pub(crate) fn is_issuable(&self) -> bool {
        self.is_open() && self.assessment.is_some() && self.blocks.is_empty()
    }

    /// Whether a hold stands against it.
    pub(crate) fn is_held(&self) -> bool {
        self.blocks.iter().any(|block| matches!(block, Block::Hold { .. }))
    }

    /// How many of its excursions are under way.
    pub(crate) fn running_excursions(&self) -> usize {
        let excursions = self.assessment.iter().flat_map(|assessment| &assessment.excursions);
        excursions.filter(|excursion| excursion.end_kind == EndKind::Open).count()
    }

    /// What is left of its label, as far as that is known.
    pub(crate) fn effective_expiry(&self) -> Option<NaiveDate> {
        self.assessment.as_ref().map(|assessment| assessment.effective_expiry)
    }
}

/// How many units stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) open: usize,
    pub(crate) closed: usize,
    pub(crate) pass: usize,
    pub(crate) review: usize,
    pub(crate) indeterminate: usize,
    pub(crate) hold: usize,
    pub(crate) unassessed: usize,
    pub(crate) issuable: usize,
    pub(crate) held: usize,
}

impl Counts {
    /// Counts one more.
    pub(crate) fn add(&mut self, standing: &Standing) {
        if !standing.is_open() {
            self.closed += 1;
            return;
        }
        self.open += 1;
        self.issuable += usize::from(standing.is_issuable());
        self.held += usize::from(standing.is_held());
        let verdict = standing.assessment.as_ref().map(|assessment| assessment.verdict);
        *match verdict {
            Some(Verdict::Pass) => &mut self.pass,
            Some(Verdict::Review) => &mut self.review,
            Some(Verdict::Indeterminate) => &mut self.indeterminate,
            Some(Verdict::Hold) => &mut self.hold,
            None => &mut self.unassessed,
        } += 1;
    }
}

impl Counts {
    /// Counts what `other` counts, too.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.open += other.open;
        self.closed += other.closed;
        self.pass += other.pass;
        self.review += other.review;
        self.indeterminate += other.indeterminate;
        self.hold += other.hold;
        self.unassessed += other.unassessed;
        self.issuable += other.issuable;
        self.held += other.held;
    }
}

/// What there is of one lot.
#[derive(Clone, Debug, Default)]
pub(crate) struct LotStock {
    pub(crate) units: Counts,
    /// Quantities of units that have not ended.
    pub(crate) open: u64,
    pub(crate) issuable: u64,
    pub(crate) held: u64,
    /// The earliest effective expiry of a unit that has not ended.
    pub(crate) effective_expiry: Option<NaiveDate>,
    /// Where its units are, and what quantity of it.
    pub(crate) places: BTreeMap<Option<Name>, (usize, u64)>,
}

impl LotStock {
    /// What there is of every lot that has units, of one product when it is named.
    pub(crate) fn of(stock: &Stock, gtin: Option<&str>) -> BTreeMap<LotKey, Self> {
        let mut lots: BTreeMap<LotKey, Self> = BTreeMap::new();
        let units = stock.units();
        let wanted = units.iter().filter(|unit| stock.is_of(unit, gtin, None));
        for standing in wanted.filter_map(|unit| stock.standing(unit)) {
            lots.entry(standing.lot.clone()).or_default().add(&standing);
        }
        lots
    }

    /// Counts one more unit.
    pub(crate) fn add(&mut self, standing: &Standing) {
        self.units.add(standing);
        if !standing.is_open() {
            return;
        }
        self.open += standing.remaining;
        if standing.is_issuable() {
            self.issuable += standing.remaining;
        }
        if standing.is_held() {
            self.held += standing.remaining;
        }
        if let Some(expiry) = standing.effective_expiry() {
            self.effective_expiry = Some(self.effective_expiry.map_or(expiry, |earliest| earliest.min(expiry)));
        }
        let (units, quantity) = self.places.entry(standing.place.clone()).or_default();
        *units += 1;
        *quantity += standing.remaining;
    }
}

/// The unit that `unit` was split from, if it was.
pub(crate) fn split_from(registry: &Registry, unit: &Name) -> Option<Name> {
    match registry.origin(unit)? {
        Origin::Registered(_) => None,
        Origin::Split(split) => Some(split.unit.clone()),
    }
}
