//! A unit that is followed for years: what a further reading costs it does not depend on how many there were.

use std::sync::Arc;

use model::assessment::Assessment;
use model::instant::ValidAt;
use model::name::Name;
use model::registry::Registry;

use super::kept::Kept;
use super::profiles::Profiles;
use super::tally::Tally;
use crate::custody::{self, Custody, Keeping};
use crate::kernel::bytes::Carried;
use crate::kernel::{Correction, Missing, Past, Plan, Profile, Sample, Source, Stretch, Subject};

/// Readings of a leaf of a unit's past.
const GRAIN: usize = crate::evaluator::GRAIN;

/// The past of a unit, or of all units with the same past under one product, up to its newest readings.
#[derive(Clone, Debug)]
pub struct Followed {
    grain: usize,
    profile: Option<Arc<Profile>>,
    /// By the number the kernel knows them by.
    sensors: Vec<Name>,
    /// When each of them first told of temperature and of humidity, ms.
    first: Vec<(Option<i64>, Option<i64>)>,
    temperature: Past,
    humidity: Past,
    tally: Tally,
    /// The latest instant it was asked about, ms.
    as_of: i64,
}

impl Default for Followed {
    fn default() -> Self {
        Self::with_grain(GRAIN)
    }
}

/// One quantity of what is kept.
struct Kepts<'k> {
    kept: Vec<Option<&'k Kept>>,
    humidity: bool,
}

impl Source for Kepts<'_> {
    fn readings(&self, sensor: usize, after: i64, until: i64, most: usize) -> Result<Vec<Sample>, Missing> {
        let Some(kept) = self.kept.get(sensor).copied().flatten() else { return Ok(Vec::new()) };
        if !kept.reaches(after) {
            return Err(Missing { from: after, to: kept.since().map_or(until, |since| since.min(until)) });
        }
        Ok(if self.humidity { kept.humidities(after, until, most) } else { kept.temperatures(after, until, most) })
    }

    fn before(&self, sensor: usize, before: i64, most: usize) -> Result<Vec<Sample>, Missing> {
        let Some(kept) = self.kept.get(sensor).copied().flatten() else { return Ok(Vec::new()) };
        let found =
            if self.humidity { kept.humidities_before(before, most) } else { kept.temperatures_before(before, most) };
        let instants = found.chunk_by(|one, next| one.at == next.at).count();
        match kept.since().filter(|_| instants < most) {
            Some(since) => Err(Missing { from: i64::MIN, to: since.min(before) }),
            None => Ok(found),
        }
    }
}

impl Followed {
    /// Of which nothing is known yet; `grain` readings make a leaf of its past.
    #[must_use]
    pub fn with_grain(grain: usize) -> Self {
        Self {
            grain,
            profile: None,
            sensors: Vec::new(),
            first: Vec::new(),
            temperature: Past::of_temperature(grain),
            humidity: Past::of_humidity(grain),
            tally: Tally::default(),
            as_of: i64::MIN,
        }
    }

    /// Appends it as bytes; `false`, and nothing, when nothing is known yet.
    pub(crate) fn put(&self, bytes: &mut Vec<u8>) -> bool {
        let Some(profile) = &self.profile else { return false };
        told(profile).put(bytes);
        self.grain.put(bytes);
        self.sensors.iter().map(|sensor| sensor.as_str().to_owned()).collect::<Vec<_>>().put(bytes);
        self.first.put(bytes);
        self.temperature.put(bytes);
        self.humidity.put(bytes);
        self.tally.put(bytes);
        self.as_of.put(bytes);
        true
    }

    /// Takes up what was written of units of a product; `None` when it is damaged, or of another version of it.
    pub(crate) fn take(bytes: &mut &[u8], profile: Arc<Profile>) -> Option<Self> {
        if String::take(bytes)? != told(&profile) {
            return None;
        }
        let grain = usize::take(bytes)?;
        let sensors = Vec::<String>::take(bytes)?;
        Some(Self {
            grain,
            sensors: sensors.iter().map(|sensor| Name::parse(sensor).ok()).collect::<Option<_>>()?,
            first: Vec::take(bytes)?,
            temperature: Past::of_temperature(grain).take(bytes, &profile)?,
            humidity: Past::of_humidity(grain).take(bytes, &profile)?,
            tally: Tally::take(bytes)?,
            as_of: i64::take(bytes)?,
            profile: Some(profile),
        })
    }

    /// Takes note of readings of sensors that make the trace now or ever did, the earliest of them measured at `at`, ms;
    /// `is_late` when one of the sensors had told of later instants before.
    pub fn told(&mut self, at: i64, is_late: bool) {
        let is_past = |past: &Past| past.until().is_some_and(|until| at <= until);
        if is_late || is_past(&self.temperature) || is_past(&self.humidity) {
            self.temperature.late(at);
            self.humidity.late(at);
            self.tally.late(at);
        }
    }

    /// The sensors on whose readings what it knows may rest.
    pub fn sensors(&self) -> impl Iterator<Item = &Name> {
        self.sensors.iter()
    }

    /// Whether what it knows may rest on readings of `sensor`.
    #[must_use]
    pub fn knows(&self, sensor: &Name) -> bool {
        self.sensors.contains(sensor)
    }

    /// Since when readings of `sensor` must be at hand, ms, so that it goes on with further ones, and with late ones that
    /// were measured at `late` or later; `None` when all of them must be.
    #[must_use]
    pub fn needs(&self, sensor: &Name, late: i64) -> Option<i64> {
        let Some(number) = self.sensors.iter().position(|known| known == sensor) else {
            return self.profile.is_some().then_some(i64::MAX);
        };
        let profile = self.profile.as_ref()?;
        let pasts = [&self.temperature, &self.humidity];
        let beside = pasts.iter().filter_map(|past| past.needs_beside(number));
        let of_pasts = pasts.iter().map(|past| past.needs(number, profile, late));
        beside.chain(of_pasts).chain([self.tally.needs(sensor, late)]).min()
    }

    /// Joins what ended before `late`, ms, for good: a reading that was measured earlier costs more then.
    pub fn forget(&mut self, late: i64) {
        if let Some(profile) = &self.profile {
            self.temperature.forget(profile, late);
            self.humidity.forget(profile, late);
        }
    }

    /// Until when readings can matter, ms, to units whose time is over; `None` when that is not known yet.
    #[must_use]
    pub fn settled(&self) -> Option<i64> {
        let profile = self.profile.as_ref()?;
        let is_told =
            |first: &(Option<i64>, Option<i64>)| first.0.is_some() && (first.1.is_some() || !profile.limits_humidity());
        if !self.first.iter().all(is_told) {
            return None;
        }
        Some(self.temperature.settled()?.max(self.humidity.settled()?))
    }

    /// How many readings it holds itself.
    #[must_use]
    pub fn held(&self) -> usize {
        self.temperature.held() + self.humidity.held()
    }

    /// What is known of `unit`, whose custody as of `as_of` is given; `None` when it is not registered.
    ///
    /// # Errors
    /// When readings are needed that are not at hand.
    pub fn assess<'k>(
        &mut self,
        registry: &Registry,
        profiles: &Profiles,
        custody: &Custody,
        unit: &Name,
        as_of: ValidAt,
        kept: &dyn Fn(&Name) -> Option<&'k Kept>,
    ) -> Result<Option<Assessment>, Missing> {
        let Some(registered) = custody::registered(registry, unit) else { return Ok(None) };
        let Some(product) = registry.products.get(&registered.gtin) else { return Ok(None) };
        let Some(lot) = registry.lots.get(&registered.lot_key()) else { return Ok(None) };
        let profile = profiles.get(product);
        if self.profile.as_ref().is_none_or(|known| known.product() != profile.product()) {
            *self = Self { profile: Some(Arc::clone(&profile)), ..Self::with_grain(self.grain) };
        }
        let (temperature, humidity) = self.plans(registry, custody, as_of.millis(), product.max_gap, kept);
        let all = || self.sensors.iter().map(kept).collect();
        let (temperatures, humidities) =
            (Kepts { kept: all(), humidity: false }, Kepts { kept: all(), humidity: true });
        if as_of.millis() >= self.as_of {
            self.temperature.follow(&profile, &temperature, &temperatures)?;
            self.humidity.follow(&profile, &humidity, &humidities)?;
            self.as_of = as_of.millis();
        }
        let subject = Subject {
            unit: unit.clone(),
            gtin: registered.gtin,
            lot: registered.lot.clone(),
            as_of,
            known_at: None,
            window: custody.window,
            expires_on: lot.expires_on,
            zone: custody.zone(registry),
            provenance: self.tally.total(custody, kept)?.provenance(product.version),
            temperature: self.temperature.trace(&profile, &temperature, &temperatures)?,
            humidity: self.humidity.trace(&profile, &humidity, &humidities)?,
        };
        Ok(Some(subject.assess(&profile)))
    }

    /// Whose readings make the traces of temperature and of humidity when.
    fn plans<'k>(
        &mut self,
        registry: &Registry,
        custody: &Custody,
        as_of: i64,
        gap: Option<std::time::Duration>,
        kept: &dyn Fn(&Name) -> Option<&'k Kept>,
    ) -> (Plan, Plan) {
        for sensor in custody.pieces.iter().flat_map(|piece| &piece.sensors) {
            if !self.sensors.contains(sensor) {
                self.sensors.push(sensor.clone());
            }
        }
        // What is kept need not reach back to it.
        self.first.resize(self.sensors.len(), (None, None));
        for (sensor, first) in self.sensors.iter().zip(&mut self.first) {
            let (temperature, humidity) = kept(sensor).map_or((None, None), Kept::first_of_each);
            first.0 = first.0.into_iter().chain(temperature).min();
            first.1 = first.1.into_iter().chain(humidity).min();
        }
        let is_told = |first: Option<i64>| first.is_some_and(|first| first <= as_of);
        let told: Vec<(bool, bool)> = self.first.iter().map(|first| (is_told(first.0), is_told(first.1))).collect();
        // A sensor that was never heard is one of temperature: its silence is missed.
        let temperature = self.stretches(&custody.pieces, |sensor| told[sensor].0 || !told[sensor].1);
        let humidity = self.stretches(&custody.pieces, |sensor| told[sensor].1);
        let corrections = self.sensors.iter().map(|sensor| match kept(sensor) {
            Some(kept) => {
                let (temperature, humidity) = kept.newest().corrections();
                (temperature.clone(), humidity.clone())
            }
            None => corrections(registry, sensor),
        });
        let (temperatures, humidities): (Vec<Correction>, Vec<Correction>) = corrections.unzip();
        (
            Plan { stretches: temperature, corrections: temperatures, gap, as_of },
            Plan { stretches: humidity, corrections: humidities, gap, as_of },
        )
    }

    /// Where only the place changes, the same sensors go on.
    fn stretches(&self, pieces: &[Keeping], is_of_this: impl Fn(usize) -> bool) -> Vec<Stretch> {
        let number = |sensor: &Name| self.sensors.iter().position(|known| known == sensor);
        let mut stretches: Vec<Stretch> = Vec::new();
        for piece in pieces {
            let sensors = piece.sensors.iter().filter_map(number).filter(|sensor| is_of_this(*sensor)).collect();
            let (from, to) = (piece.from.millis(), piece.to.millis());
            match stretches.last_mut() {
                Some(last) if last.sensors == sensors => last.to = to,
                _ => stretches.push(Stretch { from, to, sensors }),
            }
        }
        stretches
    }
}

/// All that a product says, to know it again.
fn told(profile: &Profile) -> String {
    format!("{:?}", profile.product())
}

/// What the registry says of a sensor of which nothing is kept.
fn corrections(registry: &Registry, sensor: &Name) -> (Correction, Correction) {
    let known = registry.sensors.get(sensor).map(|sensor| sensor.record.as_ref());
    let exclusions = || registry.exclusions.of(sensor).map(|out| out.record.as_ref());
    (Correction::of_temperature(known, exclusions()), Correction::of_humidity(known, exclusions()))
}

#[cfg(test)]
mod tests;
