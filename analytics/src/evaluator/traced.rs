//! The past of a cohort, folded, and how far each sensor was followed for it.

use std::collections::HashMap;
use std::sync::Arc;

use model::assessment::Assessment;
use model::instant::ValidAt;
use model::name::Name;
use model::registry::Registry;

use super::told::Told;
use crate::custody::Custody;
use crate::fleet::{Followed, Kept, Profiles};
use crate::kernel::Missing;

/// What sensors have told, by name.
pub(super) type Sensors = HashMap<Name, Arc<Told>>;

/// The past of a cohort. A clone shares what is folded.
///
/// It is carried on only when somebody looks at the cohort: a reading that arrives costs it nothing until then.
#[derive(Clone, Debug, Default)]
pub(super) struct Traced {
    followed: Followed,
    /// What of each sensor is in it.
    heard: HashMap<Name, Heard>,
}

/// How far a sensor was followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Heard {
    /// So many of its late readings are in it.
    lates: u64,
    /// Nothing later is, ms.
    last_at: Option<i64>,
}

impl Traced {
    /// What is known of `unit` as of an instant, at which its custody is given; `None` when it is not registered.
    ///
    /// # Errors
    /// When readings are needed that `sensors` do not have.
    pub(super) fn assess(
        &mut self,
        registry: &Registry,
        profiles: &Profiles,
        custody: &Custody,
        unit: &Name,
        as_of: ValidAt,
        sensors: &Sensors,
    ) -> Result<Option<Assessment>, Missing> {
        for sensor in custody.pieces.iter().flat_map(|piece| &piece.sensors) {
            if let Some(told) = sensors.get(sensor) {
                self.hear(sensor, told);
            }
        }
        let kept = |sensor: &Name| sensors.get(sensor).map(|told| &told.kept);
        self.followed.assess(registry, profiles, custody, unit, as_of, &kept)
    }

    /// Takes note of what a sensor told since it was looked at last.
    fn hear(&mut self, sensor: &Name, told: &Told) {
        let now = Heard { lates: told.lates.count(), last_at: told.kept.last_at() };
        match self.heard.get(sensor) {
            Some(then) if *then == now => return,
            Some(then) => {
                if let Some(at) = told.lates.since(then.lates) {
                    self.followed.told(at, true);
                }
                if let Some(at) = next_after(&told.kept, then.last_at) {
                    self.followed.told(at, false);
                }
            }
            // It was not heard of when its silence made the trace.
            None if self.followed.knows(sensor) => self.followed.told(i64::MIN, true),
            None => {}
        }
        self.heard.insert(sensor.clone(), now);
    }
}

/// When the first reading after `last_at` was measured, ms, or something earlier.
fn next_after(kept: &Kept, last_at: Option<i64>) -> Option<i64> {
    let after = last_at.unwrap_or(i64::MIN);
    let first = kept.first_after(after)?;
    Some(if kept.since().is_some_and(|since| since > after.saturating_add(1)) {
        after.saturating_add(1)
    } else {
        first
    })
}
