//! What one sensor said, for somebody who follows it for years: the past packed, the newest readings at hand.

use model::instant::ValidAt;
use model::name::Name;
use model::reading::Observation;
use model::registry::Registry;

use super::heard::{Heard, Push};
use super::packed::Packed;
use crate::kernel::Sample;
use crate::logs::Log;

/// The newest readings of a quantity are packed when there are twice as many.
const AT_HAND: usize = 512;

/// What one sensor said, by time.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    temperature: Packed,
    humidity: Packed,
    /// Later than everything packed; never empty when anything is.
    newest: Heard,
    /// Readings measured earlier are not kept.
    from: Option<i64>,
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

    /// Whether everything measured from `from` on is here, and the last reading before it; everything, when absent.
    #[must_use]
    pub fn reaches(&self, from: Option<i64>) -> bool {
        match (self.from, from) {
            (None, _) => true,
            (Some(_), Some(wanted)) => self.first_at().is_some_and(|first| first <= wanted),
            (Some(_), None) => false,
        }
    }

    /// The first instant it was heard of, of those kept, ms.
    fn first_at(&self) -> Option<i64> {
        let newest = [self.newest.raw_temperature(), self.newest.raw_humidity()];
        let newest = newest.into_iter().filter_map(<[Sample]>::first).map(|sample| sample.at);
        let packed = [&self.temperature, &self.humidity].into_iter().filter_map(Packed::first).map(|sample| sample.at);
        newest.chain(packed).min()
    }

    /// The newest readings under another registry; those packed are as they came.
    pub fn correct(&mut self, registry: &Registry, sensor: &Name) {
        self.newest = self.newest.corrected(registry, sensor);
    }

    /// Takes one more reading in.
    pub fn push(&mut self, reading: &Observation) -> Push {
        let at = reading.measured_at.millis();
        if self.from.is_some_and(|from| at < from) {
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
        self.newest.last_at()
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
    pub(super) fn since(&self) -> Option<i64> {
        self.from
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

    /// When it first told each quantity, temperature and humidity, of the readings kept, ms.
    pub(super) fn first_of_each(&self) -> (Option<i64>, Option<i64>) {
        let first = |packed: &Packed, newest: &[Sample]| packed.first().or(newest.first().copied()).map(|one| one.at);
        let newest = (self.newest.raw_temperature(), self.newest.raw_humidity());
        (first(&self.temperature, newest.0), first(&self.humidity, newest.1))
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
    fn reaches_an_instant_only_with_a_reading_before_it() {
        let log = |at: i64| Log { temperature: vec![Sample { at, value: 5000 }], ..Log::default() };
        let sensor = Name::parse("S").unwrap();
        let kept = Kept::new(&log(500), &Registry::default(), &sensor, Some(ValidAt::from_millis(100)));
        assert!(kept.reaches(Some(500)) && kept.reaches(Some(900)));
        // Readings from 300 on would be here, the last one before 300 is not.
        assert!(!kept.reaches(Some(300)) && !kept.reaches(None));
        assert!(Kept::new(&log(500), &Registry::default(), &sensor, None).reaches(Some(300)));
    }
}
