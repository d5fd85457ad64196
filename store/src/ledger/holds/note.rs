//! That a person has taken note of an alarm.

use std::sync::Arc;

use model::hold::{Acknowledgement, AlarmId, RaisedAlarm};
use model::instant::RecordedAt;
use model::name::Name;

use super::event::HoldEvent;
use super::{Drafting, HoldRefusal, misfit};
use crate::Error;
use crate::ledger::append::{Prepared, Writing};
use crate::ledger::{Ledger, Snapshot};

impl Ledger {
    /// Notes that the person `by` has taken note of the alarm `id`. It ends nothing but the search for somebody who
    /// does.
    ///
    /// # Errors
    /// When the database refuses; an alarm that does not exist or was acknowledged before is a [`HoldRefusal`].
    pub async fn acknowledge_alarm(
        &self,
        id: AlarmId,
        by: &Name,
        reason: Option<Box<str>>,
    ) -> Result<Result<Arc<RaisedAlarm>, HoldRefusal>, Error> {
        let by = by.clone();
        let prepare = move |before: &Snapshot, at: RecordedAt| {
            let Some(alarm) = before.holds.alarm(id) else {
                return Prepared::Nothing(Ok(Err(HoldRefusal::UnknownAlarm(id))));
            };
            if let Some(earlier) = &alarm.acknowledged {
                return Prepared::Nothing(Ok(Err(HoldRefusal::Acknowledged { alarm: id, by: earlier.by.clone() })));
            }
            let mut writing = Drafting::after(before, 0, at);
            let acknowledgement = Acknowledgement { by: by.clone(), at, reason: reason.clone() };
            match writing.add(HoldEvent::AlarmAcknowledged { alarm: id, acknowledgement }) {
                Err(what) => Prepared::Nothing(Err(misfit(what))),
                Ok(()) => match writing.holds.alarm(id) {
                    Some(alarm) => Prepared::Write(Writing::of(writing.drafts), Ok(Ok(alarm))),
                    None => Prepared::Nothing(Ok(Err(HoldRefusal::UnknownAlarm(id)))),
                },
            }
        };
        self.append(prepare).await?
    }
}
