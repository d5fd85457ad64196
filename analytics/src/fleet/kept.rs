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

    /// Whether everything measured from `from` on (everything, when absent) is here.
    #[must_use]
    pub fn reaches(&self, from: Option<i64>) -> bool {
        match (self.from, from) {
            (None, _) => true,
            (Some(kept), Some(wanted)) => kept <= wanted,
            (Some(_), None) => false,
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
