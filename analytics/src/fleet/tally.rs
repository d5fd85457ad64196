//! Which readings an assessment rests on: how many they are and what their digest is, carried on from where it was
//! found last.

use std::collections::BTreeMap;

use model::assessment::Provenance;
use model::instant::ValidAt;
use model::name::Name;

use super::kept::Kept;
use crate::custody::{Custody, Keeping};
use crate::kernel::bytes::{Carried, carried};
use crate::kernel::{Missing, Sample};
use crate::logs::{Digest, List};

/// The newest readings are counted anew each time: late ones mostly fall among them.
const NEWEST: usize = 256;
/// A mark is made after so many readings.
const APART: usize = 512;
/// So many marks stay as they are made; before them they stand twice as far apart, and before those again.
const RECENT: u64 = 16;

/// What is known of the readings of a sensor in a stretch of custody, up to an instant.
#[derive(Clone, Debug)]
struct Count {
    readings: u64,
    conflicts: u64,
    newest: Option<i64>,
    temperature: List,
    humidity: List,
}

/// A count that can be gone on with.
#[derive(Clone, Debug)]
struct Mark {
    number: u64,
    /// All readings up to then are counted, ms.
    until: i64,
    count: Count,
}

/// Marks by the beginning of the stretch and by sensor.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(BTreeMap<(i64, Name), Vec<Mark>>);

carried!(Count { readings, conflicts, newest, temperature, humidity });
carried!(Mark { number, until, count });

impl Count {
    fn of(sensor: &Name) -> Self {
        Self {
            readings: 0,
            conflicts: 0,
            newest: None,
            temperature: List::of(sensor.as_str(), b'T'),
            humidity: List::of(sensor.as_str(), b'H'),
        }
    }

    /// Adds all readings of a time after that of those before.
    fn add(&mut self, temperature: &[Sample], humidity: &[Sample]) {
        self.temperature.add(temperature);
        self.humidity.add(humidity);
        let (count, doubled) = identities(temperature, humidity);
        self.readings += count;
        self.conflicts += doubled;
        let last = |samples: &[Sample]| samples.last().map(|sample| sample.at);
        self.newest = self.newest.max(last(temperature)).max(last(humidity));
    }
}

/// What counts of several sensors add up to.
#[derive(Debug, Default)]
pub(super) struct Total {
    readings: u64,
    conflicts: u64,
    newest: Option<i64>,
    digest: Digest,
}

impl Total {
    /// Adds a sensor's readings of one stretch of custody.
    pub(super) fn of(&mut self, sensor: &Name, temperature: &[Sample], humidity: &[Sample]) {
        let mut count = Count::of(sensor);
        count.add(temperature, humidity);
        self.add(count);
    }

    fn add(&mut self, count: Count) {
        self.readings += count.readings;
        self.conflicts += count.conflicts;
        self.newest = self.newest.max(count.newest);
        self.digest.add(count.temperature);
        self.digest.add(count.humidity);
    }

    pub(super) fn provenance(self, product_version: u32) -> Provenance {
        Provenance {
            readings: self.readings,
            conflicts: self.conflicts,
            product_version,
            watermark: self.newest.map(ValidAt::from_millis),
            readings_digest: self.digest.finish(),
        }
    }
}

impl Tally {
    /// Appends it as bytes.
    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        let marks = self.0.iter().map(|((from, sensor), marks)| (*from, sensor.as_str().to_owned(), marks.clone()));
        marks.collect::<Vec<_>>().put(bytes);
    }

    /// Takes up what was written.
    pub(super) fn take(bytes: &mut &[u8]) -> Option<Self> {
        let all = Vec::<(i64, String, Vec<Mark>)>::take(bytes)?;
        let marks = all.into_iter().map(|(from, sensor, marks)| Some(((from, Name::parse(&sensor).ok()?), marks)));
        marks.collect::<Option<_>>().map(Self)
    }

    /// Forgets what a reading measured at `at`, ms, makes wrong.
    pub(super) fn late(&mut self, at: i64) {
        for ((from, _), marks) in &mut self.0 {
            if at >= *from {
                marks.truncate(marks.partition_point(|mark| mark.until < at));
            }
        }
    }

    /// Which readings `custody` rests on.
    ///
    /// # Errors
    /// When readings are needed that are not at hand.
    pub(super) fn total<'k>(
        &mut self,
        custody: &Custody,
        kept: &dyn Fn(&Name) -> Option<&'k Kept>,
    ) -> Result<Total, Missing> {
        let mut total = Total::default();
        for (number, piece) in custody.pieces.iter().enumerate() {
            let until = if number + 1 == custody.pieces.len() { piece.to.millis() } else { piece.to.millis() - 1 };
            for sensor in &piece.sensors {
                total.add(match kept(sensor) {
                    Some(kept) => self.count(piece, until, sensor, kept)?,
                    None => Count::of(sensor),
                });
            }
        }
        Ok(total)
    }

    /// The readings of a sensor in a piece, up to `until`.
    fn count(&mut self, piece: &Keeping, until: i64, sensor: &Name, kept: &Kept) -> Result<Count, Missing> {
        let begin = piece.from.millis();
        let marks = self.0.entry((begin, sensor.clone())).or_default();
        let last = marks.partition_point(|mark| mark.until <= until).checked_sub(1);
        let (mut count, since, mut number) = match last.and_then(|last| marks.get(last)) {
            Some(mark) => (mark.count.clone(), mark.until, mark.number),
            None => (Count::of(sensor), begin - 1, 0),
        };
        if let Some(from) = kept.since().filter(|from| since + 1 < *from) {
            return Err(Missing { from: since, to: from.min(until) });
        }
        let (temperature, humidity) =
            (kept.temperatures(since, until, usize::MAX), kept.humidities(since, until, usize::MAX));
        let (mut temperature, mut humidity) = (temperature.as_slice(), humidity.as_slice());
        let is_newest = last.is_none_or(|last| last + 1 == marks.len());
        while is_newest && temperature.len().max(humidity.len()) >= APART + NEWEST {
            let longer = if temperature.len() >= humidity.len() { temperature } else { humidity };
            let at = longer[APART - 1].at;
            let split = |samples: &'_ [Sample]| samples.partition_point(|sample| sample.at <= at);
            let (first_temperature, later_temperature) = temperature.split_at(split(temperature));
            let (first_humidity, later_humidity) = humidity.split_at(split(humidity));
            (temperature, humidity) = (later_temperature, later_humidity);
            count.add(first_temperature, first_humidity);
            number += 1;
            marks.push(Mark { number, until: at, count: count.clone() });
            marks.retain(|mark| {
                let age = (number - mark.number) / RECENT;
                mark.number.is_multiple_of(1 << age.checked_ilog2().map_or(0, |steps| steps + 1))
            });
        }
        count.add(temperature, humidity);
        Ok(count)
    }
}

/// How many instants two lists of readings have between them, and at how many of them a quantity has two values.
fn identities(temperature: &[Sample], humidity: &[Sample]) -> (u64, u64) {
    let (mut count, mut doubled) = (0, 0);
    let (mut t, mut h) = (0, 0);
    while t < temperature.len() || h < humidity.len() {
        let at = match (temperature.get(t), humidity.get(h)) {
            (Some(t), Some(h)) => t.at.min(h.at),
            (Some(t), None) => t.at,
            (None, Some(h)) => h.at,
            (None, None) => break,
        };
        let here =
            |samples: &[Sample], from: usize| samples[from..].iter().take_while(|sample| sample.at == at).count();
        let (ts, hs) = (here(temperature, t), here(humidity, h));
        count += 1;
        doubled += u64::from(ts > 1 || hs > 1);
        t += ts;
        h += hs;
    }
    (count, doubled)
}
