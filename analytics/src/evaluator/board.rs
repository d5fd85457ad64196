//! The latest assessments, for everybody to read.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use model::assessment::Assessment;
use model::name::Name;

use super::cohorts::CohortId;

/// The latest assessment of every unit. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<RwLock<Shown>>);

#[derive(Debug, Default)]
struct Shown {
    /// Where each unit's is found: the cohort that was shown for it last, and its place there.
    units: BTreeMap<Name, (CohortId, usize)>,
    cohorts: HashMap<CohortId, Together>,
    /// Every unit was assessed once.
    whole: bool,
}

/// What is shown of a cohort.
#[derive(Debug)]
struct Together {
    units: Arc<[Name]>,
    assessment: Arc<Assessment>,
    /// Each unit's own, made when somebody asks.
    each: OnceLock<Vec<Arc<Assessment>>>,
    /// How many units are shown here.
    shown: usize,
}

impl Together {
    fn of(&self, index: usize) -> Option<&Arc<Assessment>> {
        let own = |unit: &Name| match *unit == self.assessment.unit {
            true => Arc::clone(&self.assessment),
            false => Arc::new(Assessment { unit: unit.clone(), ..Assessment::clone(&self.assessment) }),
        };
        self.each.get_or_init(|| self.units.iter().map(own).collect()).get(index)
    }
}

impl Board {
    /// The latest assessment of `unit`.
    #[must_use]
    pub fn get(&self, unit: &Name) -> Option<Arc<Assessment>> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (id, index) = shown.units.get(unit)?;
        shown.cohorts.get(id)?.of(*index).cloned()
    }

    /// All of them, by unit; `None` until every unit was assessed once.
    #[must_use]
    pub fn all(&self) -> Option<Vec<Arc<Assessment>>> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let all = || shown.units.values().filter_map(|(id, index)| shown.cohorts.get(id)?.of(*index).cloned());
        shown.whole.then(|| all().collect())
    }

    /// Shows `assessment` for the `units` of a cohort.
    pub(super) fn put(&self, id: CohortId, units: &Arc<[Name]>, assessment: Arc<Assessment>) {
        let mut shown = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let shown = &mut *shown;
        if let Some(together) = shown.cohorts.get_mut(&id) {
            (together.assessment, together.each) = (assessment, OnceLock::new());
            return;
        }
        for (index, unit) in units.iter().enumerate() {
            if let Some((before, _)) = shown.units.insert(unit.clone(), (id, index)) {
                leave(&mut shown.cohorts, before);
            }
        }
        let (units, each, count) = (Arc::clone(units), OnceLock::new(), units.len());
        shown.cohorts.insert(id, Together { units, assessment, each, shown: count });
    }

    /// Keeps only these units.
    pub(super) fn keep(&self, units: &dyn Fn(&Name) -> bool) {
        let mut shown = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let shown = &mut *shown;
        shown.units.retain(|unit, (id, _)| {
            let stays = units(unit);
            if !stays {
                leave(&mut shown.cohorts, *id);
            }
            stays
        });
    }

    /// Notes that every unit was assessed once.
    pub(super) fn is_whole(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).whole = true;
    }
}

/// Takes one unit from what is shown of a cohort; with the last of them it goes.
fn leave(cohorts: &mut HashMap<CohortId, Together>, id: CohortId) {
    if let Some(together) = cohorts.get_mut(&id) {
        together.shown -= 1;
        if together.shown == 0 {
            cohorts.remove(&id);
        }
    }
}
