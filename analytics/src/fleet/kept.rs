//! What one sensor said, for somebody who follows it for years: the past packed, the newest readings at hand.

use std::sync::Arc;

use model::instant::ValidAt;
use model::name::Name;
use model::reading::Observation;
use model::registry::Registry;

use super::heard::{Heard, Push};
use super::packed::Packed;
use crate::kernel::{Last, Sample};
use crate::logs::Log;

/// The newest readings of a quantity are packed when there are twice as many.
const AT_HAND: usize = 512;

/// So many readings are the last few.
const FEW: usize = 4;

/// What one sensor said, by time.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    temperature: Packed,
    humidity: Packed,
    /// Later than everything packed; never empty when anything is.
    newest: Heard,
    /// Readings measured earlier are not kept.
    from: Option<i64>,
    /// The last of those, ms, if it is known.
    before: Option<i64>,
    /// When temperature and humidity were told first, ms, as far as it is known of those that are not kept.
    first: (Option<i64>, Option<i64>),
}

impl Kept {
    /// What `log` holds of `sensor`, which says nothing earlier than `from`.
    #[must_use]
    pub fn new(log: &Log, registry: &Registry, sensor: &Name, from: Option<ValidAt>) -> Self {
        let newest = Heard::new(log, registry, sensor, ValidAt::from_millis(i64::MAX));
        let mut kept = Self { newest, from: from.map(ValidAt::millis), ..Self::default() };
        kept.pack();
        kept
    }

    /// Notes what is known of readings that were measured before those kept: when the last of them was, if there was one, and
    /// when temperature and humidity were told first, ms.
    #[must_use]
    pub fn after(mut self, last: Option<i64>, first: (Option<i64>, Option<i64>)) -> Self {
        self.before = last.filter(|last| self.from.is_some_and(|from| *last < from));
        self.first = first;
        self
    }

    /// Takes in what it said before everything that is kept: all of it since `from`, or all there is when absent.
    pub fn prepend(&mut self, before: Log, from: Option<ValidAt>) {
        let in_order = |mut samples: Vec<Sample>| {
            samples.sort_unstable();
            samples.dedup();
            samples
        };
        let (temperature, humidity) = (in_order(before.temperature), in_order(before.humidity));
        self.from = from.map(ValidAt::millis);
        self.before = self.before.filter(|before| self.from.is_some_and(|from| *before < from));
        if self.is_empty() {
            self.newest = self.newest.with(temperature, humidity);
            self.pack();
        } else {
            self.temperature.prepend(&temperature);
            self.humidity.prepend(&humidity);
        }
    }

    /// Lets go of readings measured before `at`, ms, but for the newest ones and some beside them.
    pub fn trim(&mut self, at: i64) {
        let first = self.first_of_each();
        let dropped = self.temperature.trim(at).max(self.humidity.trim(at));
        if let Some(last) = dropped {
            self.first = first;
            self.before = self.before.max(dropped);
            self.from = self.from.max(Some(last + 1));
        }
    }

    /// The newest readings under another registry; those packed are as they came.
    pub fn correct(&mut self, registry: &Registry, sensor: &Name) {
        self.newest = self.newest.corrected(registry, sensor);
    }

    /// Takes one more reading in.
    pub fn push(&mut self, reading: &Observation) -> Push {
        let at = reading.measured_at.millis();
        if self.from.is_some_and(|from| at < from) {
            self.before = self.before.map(|before| before.max(at));
            return Push::Known;
        }
        let old = |packed: &Packed| packed.last().is_some_and(|last| at <= last.at);
        let (t_old, h_old) = (old(&self.temperature), old(&self.humidity));
        if !t_old && !h_old {
            let pushed = self.newest.push(reading);
            self.pack();
            return pushed;
        }
        let mut pushed = Push::Known;
        let mut take = |value: Option<i32>, is_old: bool, packed: &mut Packed| {
            if let (Some(value), true) = (value, is_old)
                && packed.insert(Sample { at, value })
            {
                pushed = Push::Late;
            }
        };
        take(reading.temperature.map(|value| value.millidegrees()), t_old, &mut self.temperature);
        take(reading.humidity.map(|value| value.thousandths()), h_old, &mut self.humidity);
        // Of a quantity that was told less often the same instant may be among the newest.
        let rest = Observation {
            temperature: reading.temperature.filter(|_| !t_old),
            humidity: reading.humidity.filter(|_| !h_old),
            ..reading.clone()
        };
        match self.newest.push(&rest) {
            Push::Known => pushed,
            Push::Next(_) | Push::Late => Push::Late,
        }
    }

    fn pack(&mut self) {
        if self.newest.raw_temperature().len().max(self.newest.raw_humidity().len()) >= 2 * AT_HAND {
            let (temperature, humidity) = self.newest.take_older(AT_HAND);
            self.temperature.append(&temperature);
            self.humidity.append(&humidity);
        }
    }

    /// The newest readings, ready to be asked for their values.
    #[must_use]
    pub fn newest(&self) -> &Heard {
        &self.newest
    }

    /// The last instant it was heard of, ms.
    #[must_use]
    pub fn last_at(&self) -> Option<i64> {
        self.newest.last_at().or(self.before)
    }

    /// How many values it holds, of both quantities.
    #[must_use]
    pub fn len(&self) -> usize {
        let newest = self.newest.raw_temperature().len() + self.newest.raw_humidity().len();
        self.temperature.len() + self.humidity.len() + newest
    }

    /// Whether nothing was heard of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Since when everything is here, ms; `None`: from the beginning.
    #[must_use]
    pub fn since(&self) -> Option<i64> {
        self.from
    }

    /// Whether everything measured after `after`, ms, is here.
    #[must_use]
    pub fn reaches(&self, after: i64) -> bool {
        let is_nothing_between = || self.before.is_some_and(|before| before <= after);
        self.from.is_none_or(|from| from <= after.saturating_add(1)) || is_nothing_between()
    }

    /// The first instant after `after` it was heard of, of those kept, ms.
    #[must_use]
    pub fn first_after(&self, after: i64) -> Option<i64> {
        if self.last_at().is_none_or(|last| last <= after) {
            return None;
        }
        let first = |samples: Vec<Sample>| samples.first().map(|sample| sample.at);
        let both = [self.temperatures(after, i64::MAX, 1), self.humidities(after, i64::MAX, 1)];
        both.into_iter().filter_map(first).min()
    }

    /// Temperatures measured after `after` and up to `until`, ms, as they came: of the first `most` instants.
    pub(super) fn temperatures(&self, after: i64, until: i64, most: usize) -> Vec<Sample> {
        between(&self.temperature, self.newest.raw_temperature(), (after, until), most)
    }

    /// As [`Kept::temperatures`], of humidity.
    pub(super) fn humidities(&self, after: i64, until: i64, most: usize) -> Vec<Sample> {
        between(&self.humidity, self.newest.raw_humidity(), (after, until), most)
    }

    /// Temperatures of the last `most` instants before `before`, ms.
    pub(super) fn temperatures_before(&self, before: i64, most: usize) -> Vec<Sample> {
        last_before(&self.temperature, self.newest.raw_temperature(), before, most)
    }

    /// As [`Kept::temperatures_before`], of humidity.
    pub(super) fn humidities_before(&self, before: i64, most: usize) -> Vec<Sample> {
        last_before(&self.humidity, self.newest.raw_humidity(), before, most)
    }

    /// The last few readings of each quantity before `before`, ms, of those kept.
    #[must_use]
    pub fn last_before(&self, before: i64) -> Last {
        let few = self.newest.with(self.temperatures_before(before, FEW), self.humidities_before(before, FEW));
        // A sensor that was never heard is one of temperature: its silence is missed.
        let (temperature, humidity) = self.first_of_each();
        let is_of_temperature = temperature.is_some() || humidity.is_none();
        (
            is_of_temperature.then(|| Arc::clone(few.temperature())),
            humidity.is_some().then(|| Arc::clone(few.humidity())),
        )
    }

    /// When it first told each quantity, temperature and humidity, of the readings kept, ms.
    #[must_use]
    pub fn first_of_each(&self) -> (Option<i64>, Option<i64>) {
        let first = |packed: &Packed, newest: &[Sample]| packed.first().or(newest.first().copied()).map(|one| one.at);
        let newest = (self.newest.raw_temperature(), self.newest.raw_humidity());
        let kept = (first(&self.temperature, newest.0), first(&self.humidity, newest.1));
        let earlier = |one: Option<i64>, other: Option<i64>| one.into_iter().chain(other).min();
        (earlier(self.first.0, kept.0), earlier(self.first.1, kept.1))
    }

    /// Everything up to `as_of`, ready to be cut into traces.
    #[must_use]
    pub fn whole(&self, as_of: ValidAt) -> Heard {
        let of = |packed: &Packed, newest: &[Sample]| {
            let mut samples = packed.samples();
            samples.extend_from_slice(newest);
            samples.truncate(samples.partition_point(|sample| sample.at <= as_of.millis()));
            samples
        };
        self.newest
            .with(of(&self.temperature, self.newest.raw_temperature()), of(&self.humidity, self.newest.raw_humidity()))
    }
}

/// Readings after `after` and up to `until` of the first `most` instants; the newest are later than those packed.
fn between(packed: &Packed, newest: &[Sample], (after, until): (i64, i64), most: usize) -> Vec<Sample> {
    let is_packed = packed.last().is_some_and(|last| last.at > after);
    let mut found = if is_packed { packed.between(after, until, most) } else { Vec::new() };
    let instants = found.chunk_by(|one, next| one.at == next.at).count();
    let first = newest.partition_point(|sample| sample.at <= after);
    let later = newest[first..].chunk_by(|one, next| one.at == next.at);
    let later = later.take_while(|readings| readings[0].at <= until).take(most.saturating_sub(instants));
    found.extend(later.flatten());
    found
}

/// Readings of the last `most` instants before `before`.
fn last_before(packed: &Packed, newest: &[Sample], before: i64, most: usize) -> Vec<Sample> {
    let mut newest = &newest[..newest.partition_point(|sample| sample.at < before)];
    let instants = newest.chunk_by(|one, next| one.at == next.at).count();
    if instants > most
        && let Some(last) = newest.chunk_by(|one, next| one.at == next.at).nth(instants - most - 1)
    {
        let at = last[0].at;
        newest = &newest[newest.partition_point(|sample| sample.at <= at)..];
    }
    let mut found = if instants < most { packed.before(before, most - instants) } else { Vec::new() };
    found.extend_from_slice(newest);
    found
}

#[cfg(test)]
mod tests {
    use model::instant::MeasuredAt;
    use model::quantity::{Humidity, Temperature};
    use proptest::prelude::*;

    use super::*;

    fn told(at: i64, celsius: Option<i32>, percent: Option<i32>) -> Observation {
        Observation {
            sensor: Name::parse("S").unwrap(),
            measured_at: MeasuredAt::from_millis(at),
            temperature: celsius.and_then(|celsius| Temperature::from_celsius(f64::from(celsius))),
            humidity: percent.and_then(|percent| Humidity::from_percent(f64::from(percent))),
            unit: None,
        }
    }

    /// Mostly in order, some late, some twice, some of one instant with two values, some of one quantity only.
    fn readings() -> impl Strategy<Value = Vec<Observation>> {
        let one = (0i64..40, 0i32..4, 0i32..3, 0u8..4);
        prop::collection::vec(one, 0..6000).prop_map(|all| {
            let told = |(step, (late, celsius, percent, which)): (usize, (i64, i32, i32, u8))| {
                let at = step as i64 - if late == 0 { step as i64 / 2 } else { late / 30 };
                told(at * 1000, (which != 1).then_some(celsius), (which != 2).then_some(40 + percent))
            };
            all.into_iter().enumerate().map(told).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Invariant A2: what is packed is what was told.
        #[test]
        fn is_what_the_plain_form_holds(readings in readings(), cut in 0i64..7_000_000) {
            let (mut kept, mut plain) = (Kept::default(), Heard::default());
            for reading in &readings {
                let (packed, pushed) = (kept.push(reading), plain.push(reading));
                prop_assert_eq!(packed == Push::Known, pushed == Push::Known);
                // Calling a reading late is never wrong in the quiet direction; calling a late one the next would be.
                prop_assert!(packed == pushed || packed == Push::Late, "{packed:?} {pushed:?}");
            }
            prop_assert_eq!(kept.last_at(), plain.last_at());
            for as_of in [cut, i64::MAX] {
                let whole = kept.whole(ValidAt::from_millis(as_of));
                let until = |samples: &[Sample]| -> Vec<Sample> {
                    samples.iter().copied().filter(|sample| sample.at <= as_of).collect()
                };
                prop_assert_eq!(whole.raw_temperature(), until(plain.raw_temperature()));
                prop_assert_eq!(whole.raw_humidity(), until(plain.raw_humidity()));
            }
        }
    }

    #[test]
    fn is_the_same_when_the_older_part_comes_second() {
        let samples = |range: std::ops::Range<i64>| -> Vec<Sample> {
            range.map(|at| Sample { at: at * 1000, value: (at % 7) as i32 }).collect()
        };
        let log = |range: std::ops::Range<i64>, humid: std::ops::Range<i64>| Log {
            temperature: samples(range),
            humidity: samples(humid),
            ..Log::default()
        };
        let (sensor, registry) = (Name::parse("S").unwrap(), Registry::default());
        for newer in [3000..5000, 4900..5000, 5000..5000] {
            let since = ValidAt::from_millis(newer.start * 1000);
            let mut kept = Kept::new(&log(newer.clone(), 0..0), &registry, &sensor, Some(since));
            assert_eq!(kept.since(), Some(since.millis()));
            kept.prepend(log(10..newer.start, 20..40), None);
            let whole = Kept::new(&log(10..5000, 20..40), &registry, &sensor, None);
            assert_eq!((kept.since(), kept.len()), (None, whole.len()));
            for (after, until) in [(0, i64::MAX), (25_000, 3_500_000), (2_999_000, 3_001_000)] {
                assert_eq!(kept.temperatures(after, until, 40), whole.temperatures(after, until, 40));
                assert_eq!(kept.humidities(after, until, 40), whole.humidities(after, until, 40));
            }
            assert_eq!(kept.first_of_each(), whole.first_of_each());
            assert_eq!(kept.first_after(15_500), Some(16_000));
        }
    }
}
