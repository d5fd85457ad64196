//! The latest assessments, for everybody to read.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use model::assessment::Assessment;
use model::name::Name;

/// The latest assessment of every unit. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<RwLock<Shown>>);

#[derive(Debug, Default)]
struct Shown {
    units: BTreeMap<Name, Arc<Assessment>>,
    /// Every unit was assessed once.
    whole: bool,
}

impl Board {
    /// The latest assessment of `unit`.
    #[must_use]
    pub fn get(&self, unit: &Name) -> Option<Arc<Assessment>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).units.get(unit).cloned()
    }

    /// All of them, by unit; `None` until every unit was assessed once.
    #[must_use]
    pub fn all(&self) -> Option<Vec<Arc<Assessment>>> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        shown.whole.then(|| shown.units.values().cloned().collect())
    }

    pub(super) fn put(&self, assessments: impl IntoIterator<Item = Arc<Assessment>>) {
        let mut shown = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for assessment in assessments {
            shown.units.insert(assessment.unit.clone(), assessment);
        }
    }

    /// Keeps only these units, and says whether all of them are shown.
    pub(super) fn keep(&self, units: &dyn Fn(&Name) -> bool) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).units.retain(|unit, _| units(unit));
    }

    pub(super) fn is_whole(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).whole = true;
    }
}
