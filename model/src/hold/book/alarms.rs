//! The alarms of the book: each by itself, and those that were raised together.

use std::sync::Arc;

use super::{Holds, List};
use crate::hold::alarm::{Acknowledgement, AlarmId, RaisedAlarm, Subject};
use crate::hold::joint::{Joint, JointAlarm, Listing};
use crate::instant::ValidAt;
use crate::name::Name;

impl Holds {
    /// Whether a person has taken note of the alarm `id`, or, when it is the event's of many, of one of these.
    #[must_use]
    pub fn is_acknowledged(&self, id: AlarmId) -> bool {
        let joint = self.joint_alarms.get(&id.get()).filter(|_| id.member() == 0);
        let apart = joint.into_iter().flat_map(|joint| &joint.apart);
        let ids = std::iter::once(id).chain(apart.map(|member| AlarmId::of_member(id.get(), *member)));
        ids.filter_map(|id| self.alarms.get(&id)).any(|alarm| alarm.acknowledged.is_some())
    }

    /// The alarms that the event raised together.
    #[must_use]
    pub fn joint_alarm(&self, event: u64) -> Option<&Arc<Joint<JointAlarm>>> {
        self.joint_alarms.get(&event)
    }

    /// All alarms, by id.
    pub fn alarms(&self) -> impl DoubleEndedIterator<Item = Arc<RaisedAlarm>> {
        self.alarms_after(None)
    }

    /// The alarms behind `after`, by id; all of them without it.
    pub fn alarms_after(&self, after: Option<AlarmId>) -> impl DoubleEndedIterator<Item = Arc<RaisedAlarm>> {
        let first = after.unwrap_or(AlarmId::new(0));
        let alone = self.alarms.from(first).map(|(id, _)| *id);
        let joint = self
            .joint_alarms
            .from(first.get())
            .flat_map(|(_, joint)| joint.together().map(|member| AlarmId::of_member(joint.event, member)));
        let mut ids: Vec<AlarmId> = alone.chain(joint).filter(|id| after.is_none_or(|after| *id > after)).collect();
        ids.sort();
        ids.into_iter().filter_map(|id| self.alarm(id))
    }

    /// Alarms that were not raised together with others, by id; those about a sensor, a place, a channel or an account
    /// are all among them.
    pub fn single_alarms(&self) -> impl Iterator<Item = &Arc<RaisedAlarm>> {
        self.alarms.iter().map(|(_, alarm)| alarm)
    }

    /// The alarm `id`.
    #[must_use]
    pub fn alarm(&self, id: AlarmId) -> Option<Arc<RaisedAlarm>> {
        if let Some(alarm) = self.alarms.get(&id) {
            return Some(Arc::clone(alarm));
        }
        self.joint_alarms.get(&id.get())?.alarm(id.member()).map(Arc::new)
    }

    /// Raises alarms together, as the event `event` says, or puts them back.
    ///
    /// # Errors
    /// When the units are nowhere listed.
    pub fn put_joint_alarm(&mut self, event: u64, shared: JointAlarm, listing: &Listing) -> Result<(), String> {
        let (listed_in, units) = self.list(event, listing)?;
        let before = self.joint_alarms.get(&event).map(|joint| joint.apart.clone());
        if let Some(list) = self.lists.get(&listed_in).filter(|_| before.is_none()) {
            let mut list = List::clone(list);
            list.alarms.push(event);
            self.lists.insert(listed_in, Arc::new(list));
        }
        let joint = Joint { event, shared, listed_in, units, apart: before.unwrap_or_default() };
        self.joint_alarms.insert(event, Arc::new(joint));
        Ok(())
    }

    /// The alarms about `subject`, by id.
    pub fn alarms_about<'a>(&'a self, subject: &Subject) -> impl Iterator<Item = Arc<RaisedAlarm>> + use<'a> {
        let alone = self.of_subjects.get(subject).into_iter().flatten().copied();
        let unit = if let Subject::Unit(unit) = subject { Some(unit) } else { None };
        let joint = unit.into_iter().flat_map(|unit| {
            self.lists_of(unit).flat_map(|list| &list.alarms).filter_map(|event| {
                let member = self.joint_alarms.get(event)?.member_of(unit)?;
                Some(AlarmId::of_member(*event, member))
            })
        });
        let mut ids: Vec<AlarmId> = alone.chain(joint).collect();
        ids.sort_unstable();
        ids.into_iter().filter_map(|id| self.alarm(id))
    }

    /// Whether `alarm` was raised before.
    #[must_use]
    pub fn has_alarm(&self, alarm: &RaisedAlarm) -> bool {
        self.alarms_about(&alarm.subject).any(|known| known.is_same(alarm))
    }

    /// The units of `units` for which `alarm` was not raised before.
    #[must_use]
    pub fn without_alarm(&self, alarm: &JointAlarm, units: &Arc<[Name]>) -> Arc<[Name]> {
        let is_told = |list: &List| {
            let mut joint = list.alarms.iter().filter_map(|event| self.joint_alarms.get(event));
            joint.any(|joint| joint.shared.is_same(alarm))
        };
        let listed = self.list_of(units).map(|(_, list)| list);
        match listed {
            Some(list) if is_told(list) => return Arc::default(),
            Some(list) if !list.is_mixed => return Arc::clone(units),
            _ => {}
        }
        let is_new = |unit: &Name| {
            let subject = Subject::Unit(unit.clone());
            let alone = self.of_subjects.get(&subject).into_iter().flatten().filter_map(|id| self.alarms.get(id));
            let mut others = self.lists_of(unit).filter(|list| listed.is_none_or(|this| !Arc::ptr_eq(this, list)));
            let same = alarm.of(AlarmId::new(0), subject.clone());
            !others.any(|list| is_told(list)) && !alone.into_iter().any(|known| known.is_same(&same))
        };
        if units.iter().all(is_new) {
            return Arc::clone(units);
        }
        units.iter().filter(|unit| is_new(unit)).cloned().collect()
    }

    /// The alarm about what lasts of `subject` (that a sensor is silent, that a channel does not deliver), if it still
    /// does.
    #[must_use]
    pub fn lasting(&self, subject: &Subject) -> Option<AlarmId> {
        let alarms = self.of_subjects.get(subject)?.iter().filter_map(|id| self.alarms.get(id));
        alarms.into_iter().find(|alarm| alarm.code.lasts() && alarm.cleared_at.is_none()).map(|alarm| alarm.id)
    }

    /// Puts an alarm. One that was raised together with others stands apart from then on.
    pub fn put_alarm(&mut self, alarm: RaisedAlarm) {
        let id = alarm.id;
        if id.member() > 0 {
            if let Some(joint) = self.joint_alarms.get(&id.get()).filter(|joint| !joint.apart.contains(&id.member())) {
                let mut joint = Joint::clone(joint);
                joint.apart.insert(id.member());
                self.joint_alarms.insert(id.get(), Arc::new(joint));
            }
        } else if !self.alarms.contains(&id) {
            self.of_subjects.entry(alarm.subject.clone()).push(id);
            if let Subject::Unit(unit) = &alarm.subject {
                self.mix(unit);
            }
        }
        self.alarms.insert(id, Arc::new(alarm));
    }

    /// Ends an alarm.
    ///
    /// # Errors
    /// When there is no such alarm, or it has ended.
    pub fn clear_alarm(&mut self, id: AlarmId, at: ValidAt) -> Result<(), String> {
        let alarm = self.alarm(id).ok_or_else(|| format!("there is no alarm `{id}`"))?;
        if alarm.cleared_at.is_some() {
            return Err(format!("alarm `{id}` has ended already"));
        }
        let mut alarm = Arc::unwrap_or_clone(alarm);
        alarm.cleared_at = Some(at);
        self.put_alarm(alarm);
        Ok(())
    }

    /// Notes that a person has taken note of an alarm.
    ///
    /// # Errors
    /// When there is no such alarm, or somebody has before.
    pub fn acknowledge_alarm(&mut self, id: AlarmId, acknowledgement: Acknowledgement) -> Result<(), String> {
        let alarm = self.alarm(id).ok_or_else(|| format!("there is no alarm `{id}`"))?;
        if let Some(earlier) = &alarm.acknowledged {
            return Err(format!("alarm `{id}` was acknowledged already, by `{}`", earlier.by));
        }
        let mut alarm = Arc::unwrap_or_clone(alarm);
        alarm.acknowledged = Some(acknowledgement);
        self.put_alarm(alarm);
        Ok(())
    }
}
