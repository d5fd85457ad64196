//! Units that stand under the same sensors: what one of them is found to have gone through there, all of them have that
//! were there for long enough, whatever each of them went through before.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use model::assessment::ReasonCode;
use model::hold::{Alike, Cause};
use model::instant::ValidAt;
use model::name::Name;
use model::registry::{Origin, Registry};

use super::findings::Finding;

/// The units of one product that stand under the same sensors, by the instant since when. Parts of splits are not among them:
/// what holds and releases of the unit they come from say of them is a matter of each alone.
#[derive(Debug, Default)]
pub struct Neighbours {
    units: Vec<(ValidAt, Arc<[Name]>)>,
    /// What was asked for last: how many of `units`, and these by name.
    asked: Mutex<(usize, Arc<[Name]>)>,
}

/// What neighbours have as well, found out when somebody asks: mostly there is nothing that is news for anybody.
#[derive(Clone, Debug)]
pub struct AlikeLazily(Arc<LazyLock<Vec<Alike>, Find>>);

type Find = Box<dyn FnOnce() -> Vec<Alike> + Send>;

impl AlikeLazily {
    /// What `find` finds.
    #[must_use]
    pub fn new(find: impl FnOnce() -> Vec<Alike> + Send + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(find))))
    }

    pub(super) fn get(&self) -> &[Alike] {
        &self.0
    }
}

impl Default for AlikeLazily {
    fn default() -> Self {
        Self::new(Vec::new)
    }
}

impl Neighbours {
    /// Units of `registry` that stand there since an instant, which is no earlier than that at which they began; in any
    /// order.
    #[must_use]
    pub fn new(registry: &Registry, mut units: Vec<(ValidAt, Arc<[Name]>)>) -> Self {
        if registry.splits.iter().next().is_some() {
            let is_whole = |unit: &Name| matches!(registry.origin(unit), Some(Origin::Registered(_)));
            for (_, units) in &mut units {
                if !units.iter().all(is_whole) {
                    *units = units.iter().filter(|unit| is_whole(unit)).cloned().collect();
                }
            }
        }
        units.sort_by_key(|(since, _)| *since);
        Self { units, asked: Mutex::default() }
    }

    fn longer(&self, since: ValidAt) -> &[(ValidAt, Arc<[Name]>)] {
        &self.units[..self.units.partition_point(|(from, _)| *from <= since)]
    }

    /// Those that stand there since `since` or longer, by name.
    #[must_use]
    pub fn since(&self, since: ValidAt) -> Arc<[Name]> {
        let longer = self.longer(since);
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.0 != longer.len() {
            let mut units: Vec<Name> = longer.iter().flat_map(|(_, units)| units.iter().cloned()).collect();
            units.sort_unstable();
            *asked = (longer.len(), units.into());
        }
        Arc::clone(&asked.1)
    }
}

impl Finding {
    /// What its unit's neighbours have as well of what is the reason for `cause`.
    pub(super) fn alike_for(&self, cause: &Cause) -> Option<&Alike> {
        let Cause::Finding { code: ReasonCode::Excursion | ReasonCode::Frozen, rule: Some(rule) } = cause else {
            return None;
        };
        self.alike.get().iter().find(|alike| alike.rule == *rule)
    }

    /// The units that have a firing as well, all of `own` among them; `None` when that is nobody else.
    pub(super) fn neighbours_with(&self, alike: &Alike, own: &[Name]) -> Option<Arc<[Name]>> {
        let count: usize = self.neighbours.longer(alike.since).iter().map(|(_, units)| units.len()).sum();
        if count <= own.len() {
            return None;
        }
        let all = self.neighbours.since(alike.since);
        own.iter().all(|unit| all.binary_search(unit).is_ok()).then_some(all)
    }
}
