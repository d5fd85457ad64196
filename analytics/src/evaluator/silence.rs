//! Sensors that are not heard of any more.

use model::hold::{AlarmCode, Subject};
use model::instant::ValidAt;
use model::registry::Registry;
use store::ledger::NewAlarm;

use super::memory::Memory;

/// Sensors that are somewhere right now and have been silent for longer than they may, and since when.
///
/// A sensor may be silent for four of its intervals, at most an hour. One that was never heard is silent since its
/// association began.
pub(super) fn silent(registry: &Registry, memory: &Memory, now: ValidAt) -> Vec<NewAlarm> {
    let present = registry
        .associations
        .iter()
        .filter(|association| association.from <= now && association.to.is_none_or(|to| now < to));
    let alarm = present.filter_map(|association| {
        let sensor = registry.sensors.get(&association.sensor)?;
        let longest = longest(sensor.interval?);
        let last = memory.last_at(&association.sensor);
        let since = last.map_or(association.from, ValidAt::from_millis).max(association.from);
        let due = ValidAt::from_millis(since.millis().saturating_add(longest));
        (due < now).then(|| NewAlarm {
            code: AlarmCode::SensorSilent,
            subject: Subject::Sensor(association.sensor.clone()),
            rule: None,
            at: due,
            detail: format!("nothing was heard of it since {since}").into(),
        })
    });
    alarm.collect()
}

/// How long a sensor may be silent, ms.
pub(super) fn longest(interval: std::time::Duration) -> i64 {
    i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).saturating_mul(4).min(3_600_000)
}
