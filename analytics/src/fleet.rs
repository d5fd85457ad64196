//! Units of a registry over readings of many sensors: who is assessed with which traces.

mod followed;
mod heard;
mod kept;
mod packed;
mod portrait;
mod profiles;
#[cfg(test)]
pub(crate) mod random;
mod tally;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use model::assessment::{Assessment, Provenance};
use model::instant::{RecordedAt, ValidAt};
use model::name::Name;
use model::registry::Registry;

use crate::custody::{self, Custody, Index, Keeping};
use crate::kernel::{Sample, Series, Subject, Trace};
use crate::logs::{Log, Logs};

pub use crate::kernel::Outline;
pub use followed::Followed;
pub use heard::{Heard, Push};
pub use kept::Kept;
pub use portrait::{PlacePortrait, Portrait, SensorPortrait};
pub use profiles::Profiles;
use tally::Total;

/// Everything units are assessed from at one instant.
#[derive(Debug)]
pub struct Fleet<'a> {
    registry: &'a Registry,
    index: Arc<Index>,
    profiles: &'a Profiles,
    as_of: ValidAt,
    known_at: Option<RecordedAt>,
    sensors: Sensors<'a>,
}

/// Where what sensors said comes from.
#[derive(Debug)]
enum Sensors<'a> {
    /// From logs, when it is first asked for.
    Logs(&'a Logs, HashMap<&'a Name, OnceLock<Heard>>),
    /// Kept ready by somebody who follows them.
    Kept(HashMap<Name, Arc<Heard>>),
}

impl<'a> Fleet<'a> {
    /// The units of `registry` as `logs` tell of them.
    #[must_use]
    pub fn new(
        registry: &'a Registry,
        logs: &'a Logs,
        profiles: &'a Profiles,
        as_of: ValidAt,
        known_at: Option<RecordedAt>,
    ) -> Self {
        let mut index = Index::new(registry);
        logs.tell(&mut index, as_of);
        // A sensor that was never heard is silent, each for itself.
        let named = registry.associations.iter().map(|association| &association.sensor);
        let sensors = logs.sensors().chain(named).map(|sensor| (sensor, OnceLock::new())).collect();
        Self { registry, index: Arc::new(index), profiles, as_of, known_at, sensors: Sensors::Logs(logs, sensors) }
    }

    /// The units of `registry` as `heard` tells of them, which holds nothing later than `as_of`.
    #[must_use]
    pub fn over(
        registry: &'a Registry,
        index: Arc<Index>,
        heard: HashMap<Name, Arc<Heard>>,
        profiles: &'a Profiles,
        as_of: ValidAt,
    ) -> Self {
        Self { registry, index, profiles, as_of, known_at: None, sensors: Sensors::Kept(heard) }
    }

    /// All units of the registry, by id: registered ones and split children.
    #[must_use]
    pub fn units(registry: &Registry) -> Vec<Name> {
        let registered = registry.units.iter().map(|unit| unit.id.clone());
        let children = registry.splits.iter().flat_map(|split| split.into.iter().map(|child| child.id.clone()));
        let mut units: Vec<Name> = registered.chain(children.collect::<Vec<_>>()).collect();
        units.sort();
        units.dedup();
        units
    }

    /// Where `unit` was and whose readings count, up to as-of.
    #[must_use]
    pub fn custody(&self, unit: &Name) -> Option<Custody> {
        Custody::of(self.registry, &self.index, unit, self.as_of)
    }

    /// What is known of `unit`; `None` when it is not registered, or begins after as-of.
    #[must_use]
    pub fn assess(&self, unit: &Name) -> Option<Assessment> {
        let custody = self.custody(unit)?;
        let registered = custody::registered(self.registry, unit)?;
        let product = self.registry.products.get(&registered.gtin)?;
        let lot = self.registry.lots.get(&registered.lot_key())?;
        let profile = self.profiles.get(product);
        let (temperature, humidity) = self.traces(&custody, product.max_gap);
        let subject = Subject {
            unit: unit.clone(),
            gtin: registered.gtin,
            lot: registered.lot.clone(),
            as_of: self.as_of,
            known_at: self.known_at,
            window: custody.window,
            expires_on: lot.expires_on,
            zone: custody.zone(self.registry),
            provenance: self.provenance(&custody, product.version),
            temperature,
            humidity,
        };
        Some(subject.assess(&profile))
    }

    /// As [`Fleet::assess`] for many units, on `threads` threads, in the order of `units`.
    #[must_use]
    pub fn assess_all(&self, units: &[Name], threads: usize, progress: &(dyn Fn(usize) + Sync)) -> Vec<Assessment> {
        let next = std::sync::atomic::AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            loop {
                let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let Some(unit) = units.get(number) else { return done };
                done.extend(self.assess(unit).map(|assessment| (number, assessment)));
                progress(number + 1);
            }
        };
        let mut all: Vec<(usize, Assessment)> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads.clamp(1, units.len().max(1))).map(|_| scope.spawn(work)).collect();
            let joined = workers.into_iter().map(|worker| worker.join());
            joined.flat_map(|done| done.unwrap_or_else(|cause| std::panic::resume_unwind(cause))).collect()
        });
        all.sort_by_key(|(number, _)| *number);
        all.into_iter().map(|(_, assessment)| assessment).collect()
    }

    /// The temperature of `unit` in `columns` of equal length over its window, for a picture.
    #[must_use]
    pub fn outline(&self, unit: &Name, columns: usize) -> Vec<Outline> {
        let Some(custody) = self.custody(unit) else { return Vec::new() };
        self.traces(&custody, self.gap(unit)).0.outline(columns)
    }

    /// How far apart readings of the product of `unit` may be.
    fn gap(&self, unit: &Name) -> Option<std::time::Duration> {
        let registered = custody::registered(self.registry, unit)?;
        self.registry.products.get(&registered.gtin)?.max_gap
    }

    fn traces(&self, custody: &Custody, gap: Option<std::time::Duration>) -> (Trace, Trace) {
        let stretches = |series: fn(&Heard) -> &Arc<Series>, is_of_this: fn(&&Heard) -> bool| {
            let pieces = custody.pieces.iter().map(|piece| {
                let all = piece.sensors.iter().map(|sensor| self.heard(sensor));
                let heard = all.filter(is_of_this).map(|heard| Arc::clone(series(heard)));
                (piece.from.millis(), piece.to.millis(), heard.collect::<Vec<_>>())
            });
            // Where only the place changes, the same sensors go on.
            let mut joined: Vec<(i64, i64, Vec<Arc<Series>>)> = Vec::new();
            for (from, to, heard) in pieces {
                let same = |before: &[Arc<Series>]| {
                    before.len() == heard.len() && before.iter().zip(&heard).all(|(one, other)| Arc::ptr_eq(one, other))
                };
                match joined.last_mut() {
                    Some(last) if same(&last.2) => last.1 = to,
                    _ => joined.push((from, to, heard)),
                }
            }
            Trace::new(joined, gap)
        };
        (
            stretches(Heard::temperature, |heard| heard.is_of_temperature()),
            stretches(Heard::humidity, |heard| heard.is_of_humidity()),
        )
    }

    fn heard(&self, sensor: &Name) -> &Heard {
        static NOTHING: OnceLock<Heard> = OnceLock::new();
        let nothing = || NOTHING.get_or_init(Heard::default);
        match &self.sensors {
            Sensors::Kept(kept) => kept.get(sensor).map_or_else(nothing, |heard| heard.as_ref()),
            Sensors::Logs(logs, made) => made.get(sensor).map_or_else(nothing, |slot| {
                slot.get_or_init(|| {
                    Heard::new(logs.get(sensor).unwrap_or(&Log::default()), self.registry, sensor, self.as_of)
                })
            }),
        }
    }

    fn provenance(&self, custody: &Custody, product_version: u32) -> Provenance {
        let mut total = Total::default();
        for (number, piece) in custody.pieces.iter().enumerate() {
            let last = number + 1 == custody.pieces.len();
            for sensor in &piece.sensors {
                let heard = self.heard(sensor);
                let temperature = within(heard.raw_temperature(), piece, last);
                total.of(sensor, temperature, within(heard.raw_humidity(), piece, last));
            }
        }
        total.provenance(product_version)
    }
}

/// The readings of a stretch of time; its end belongs to the last.
fn within<'a>(samples: &'a [Sample], piece: &Keeping, last: bool) -> &'a [Sample] {
    let (from, to) = (piece.from.millis(), piece.to.millis());
    let first = samples.partition_point(|sample| sample.at < from);
    let end = samples.partition_point(|sample| if last { sample.at <= to } else { sample.at < to });
    &samples[first..end.max(first)]
}
