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
use crate::kernel::{Missing, Profile};

/// Readings that come late by no more than this cost no look into the store, ms.
pub(super) const LATE_MS: i64 = 2 * 86_400_000;

/// What sensors have told, by name.
pub(super) type Sensors = HashMap<Name, Arc<Told>>;

/// The past of a cohort. A clone shares what is folded.
///
/// It is carried on only when somebody looks at the cohort: a reading that arrives costs it nothing until then.
#[derive(Clone, Debug)]
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

impl Heard {
    fn of(told: &Told) -> Self {
        Self { lates: told.lates.count(), last_at: told.kept.last_at() }
    }
}

impl Traced {
    /// Of which nothing is known yet; so many readings are folded together.
    pub(super) fn new(grain: usize) -> Self {
        Self { followed: Followed::with_grain(grain), heard: HashMap::new() }
    }

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

    /// As bytes; `None` when nothing is known yet.
    pub(super) fn to_bytes(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.followed.put(&mut bytes).then_some(bytes)
    }

    /// What was written of units of a product; of each sensor nothing that came later is in it, from `first_since` on, ms.
    pub(super) fn from_bytes(
        mut bytes: &[u8],
        profile: Arc<Profile>,
        first_since: &dyn Fn(&Name) -> Option<i64>,
    ) -> Option<Self> {
        let mut followed = Followed::take(&mut bytes, profile).filter(|_| bytes.is_empty())?;
        if let Some(first) = followed.sensors().filter_map(first_since).min() {
            followed.told(first, true);
        }
        Some(Self { followed, heard: HashMap::new() })
    }

    /// Notes that everything `told` has of a sensor is in it that could change it.
    pub(super) fn is_up_to(&mut self, sensor: &Name, told: &Told) {
        if self.followed.knows(sensor) {
            self.heard.entry(sensor.clone()).or_insert(Heard::of(told));
        }
    }

    /// Takes note of everything that was told until now.
    pub(super) fn catch_up<'t>(&mut self, told: impl Fn(&Name) -> Option<&'t Arc<Told>>) {
        let sensors: Vec<Name> = self.heard.keys().cloned().collect();
        for sensor in sensors {
            if let Some(told) = told(&sensor) {
                self.hear(&sensor, told);
            }
        }
    }

    /// Since when readings of `sensor` must be at hand, ms, unless some come that were measured before `late`; `None`: all.
    pub(super) fn needs(&self, sensor: &Name, late: i64) -> Option<i64> {
        self.followed.needs(sensor, late)
    }

    /// Joins what ended before `late`, ms, for good.
    pub(super) fn forget(&mut self, late: i64) {
        self.followed.forget(late);
    }

    /// Until when readings can matter, ms, to units whose time is over; `None` when that is not known yet.
    pub(super) fn settled(&self) -> Option<i64> {
        self.followed.settled()
    }

    /// Takes note of what a sensor told since it was looked at last.
    fn hear(&mut self, sensor: &Name, told: &Told) {
        let now = Heard::of(told);
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
    Some(if kept.reaches(after) { first } else { after.saturating_add(1) })
}
