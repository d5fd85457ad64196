//! Which readings an assessment rests on: how many they are and what their digest is, carried on from where it was
//! found last.

use std::collections::BTreeMap;
use std::sync::Arc;

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
    /// The stretch ends there, and the sensor has told of later instants.
    is_last: bool,
    count: Count,
}

/// Marks by the beginning of the stretch and by sensor.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(BTreeMap<(i64, Name), Arc<Vec<Mark>>>);

carried!(Count { readings, conflicts, newest, temperature, humidity });
carried!(Mark { number, until, is_last, count });

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
        let marks = self.0.iter().map(|((from, sensor), marks)| (*from, sensor.as_str().to_owned(), Arc::clone(marks)));
        marks.collect::<Vec<_>>().put(bytes);
    }

    /// Takes up what was written.
    pub(super) fn take(bytes: &mut &[u8]) -> Option<Self> {
        let all = Vec::<(i64, String, Arc<Vec<Mark>>)>::take(bytes)?;
        let marks = all.into_iter().map(|(from, sensor, marks)| Some(((from, Name::parse(&sensor).ok()?), marks)));
        marks.collect::<Option<_>>().map(Self)
    }

    /// Forgets what readings measured at `at`, ms, or later make wrong.
    pub(super) fn late(&mut self, at: i64) {
        for marks in self.0.values_mut() {
            if marks.last().is_some_and(|last| last.until >= at) {
                let marks = Arc::make_mut(marks);
                marks.truncate(marks.partition_point(|mark| mark.until < at));
            }
        }
    }

    /// Since when readings of `sensor` must be at hand, ms, so that it goes on with further ones, and with late ones that
    /// were measured at `late` or later.
    pub(super) fn needs(&self, sensor: &Name, late: i64) -> i64 {
        let of_sensor = self.0.iter().filter(|((_, of), _)| of == sensor);
        let needs = of_sensor.filter_map(|((from, _), marks)| {
            let last = marks.partition_point(|mark| mark.until < late).checked_sub(1).and_then(|last| marks.get(last));
            match last {
                Some(mark) if mark.is_last => None,
                Some(mark) => Some(mark.until + 1),
                None => Some(*from),
            }
        });
        needs.min().unwrap_or(i64::MAX)
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
            let is_last = number + 1 == custody.pieces.len();
            let until = if is_last { piece.to.millis() } else { piece.to.millis() - 1 };
            let is_over = !is_last || custody.closed;
            for sensor in &piece.sensors {
                total.add(match kept(sensor) {
                    Some(kept) => self.count(piece, (until, is_over), sensor, kept)?,
                    None => Count::of(sensor),
                });
            }
        }
        Ok(total)
    }

    /// The readings of a sensor in a piece, up to `until`; whether that is where it ends for good.
    fn count(
        &mut self,
        piece: &Keeping,
        (until, is_over): (i64, bool),
        sensor: &Name,
        kept: &Kept,
    ) -> Result<Count, Missing> {
        let begin = piece.from.millis();
        let marks = self.0.entry((begin, sensor.clone())).or_default();
        let last = marks.partition_point(|mark| mark.until <= until).checked_sub(1);
        let (mut count, since, mut number) = match last.and_then(|last| marks.get(last)) {
            Some(mark) => (mark.count.clone(), mark.until, mark.number),
            None => (Count::of(sensor), begin - 1, 0),
        };
        if since >= until {
            return Ok(count);
        }
        if !kept.reaches(since) {
            return Err(Missing { from: since, to: kept.since().map_or(until, |from| from.min(until)) });
        }
        let (temperature, humidity) =
            (kept.temperatures(since, until, usize::MAX), kept.humidities(since, until, usize::MAX));
        let (mut temperature, mut humidity) = (temperature.as_slice(), humidity.as_slice());
        let is_newest = last.is_none_or(|last| last + 1 == marks.len());
        while is_newest && temperature.len().max(humidity.len()) >= APART + NEWEST {
            let marks = Arc::make_mut(marks);
            let longer = if temperature.len() >= humidity.len() { temperature } else { humidity };
            let at = longer[APART - 1].at;
            let split = |samples: &'_ [Sample]| samples.partition_point(|sample| sample.at <= at);
            let (first_temperature, later_temperature) = temperature.split_at(split(temperature));
            let (first_humidity, later_humidity) = humidity.split_at(split(humidity));
            (temperature, humidity) = (later_temperature, later_humidity);
            count.add(first_temperature, first_humidity);
            number += 1;
            marks.push(Mark { number, until: at, is_last: false, count: count.clone() });
            marks.retain(|mark| {
                let age = (number - mark.number) / RECENT;
                mark.number.is_multiple_of(1 << age.checked_ilog2().map_or(0, |steps| steps + 1))
            });
        }
        count.add(temperature, humidity);
        // What comes up to there now comes late.
        if is_newest && is_over && kept.last_at().is_some_and(|last| last > until) {
            Arc::make_mut(marks).push(Mark { number: number + 1, until, is_last: true, count: count.clone() });
        }
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
