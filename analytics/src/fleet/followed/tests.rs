use std::collections::{HashMap, HashSet};

use model::instant::MeasuredAt;
use model::quantity::Temperature;
use model::reading::Observation;
use proptest::prelude::*;

use super::super::heard::Push;
use super::*;
use crate::assessment_json;
use crate::custody::Index;
use crate::fleet::Fleet;
use crate::fleet::random::{BEGIN, Draw, MINUTE, readings, registry};
use crate::logs::Logs;

/// A quiet cold room is folded to almost nothing, and so is a warm one that stays warm.
#[test]
fn holds_few_readings_of_a_place_where_nothing_happens() {
    let mut draw = Draw::new(0);
    for base in [5.0, 9.0] {
        let registry = loop {
            let registry = registry(&mut draw, 0);
            let exclusions = registry.exclusions.iter().len();
            let closed = registry.closures.iter().len() + registry.moves.iter().len();
            if exclusions + closed == 0 && registry.associations.iter().len() == 2 {
                break registry;
            }
        };
        let (profiles, unit, sensor) = (Profiles::default(), Name::parse("U").unwrap(), Name::parse("A").unwrap());
        let mut kept = Kept::new(&crate::logs::Log::default(), &registry, &sensor, None);
        for minute in 0..20_000i64 {
            kept.push(&Observation {
                sensor: sensor.clone(),
                measured_at: MeasuredAt::from_millis(BEGIN + minute * MINUTE),
                temperature: Temperature::from_celsius(base + (minute % 7) as f64 / 100.0),
                humidity: None,
                unit: None,
            });
        }
        let (mut followed, as_of) = (Followed::default(), ValidAt::from_millis(BEGIN + 20_000 * MINUTE));
        let custody = Custody::of(&registry, &Index::new(&registry), &unit, as_of).unwrap();
        let of_sensor = |name: &Name| (*name == sensor).then_some(&kept);
        let shown = followed.assess(&registry, &profiles, &custody, &unit, as_of, &of_sensor).unwrap().unwrap();
        assert_eq!(shown.provenance.readings, 20_000);
        assert!(followed.held() < 200, "{}", followed.held());
    }
}

fn text(assessment: &Assessment) -> String {
    assessment_json::assessment(assessment).to_string()
}

/// What the three sensors said, since an instant.
fn read(registry: &Registry, logs: &Logs, since: Option<i64>) -> HashMap<Name, Kept> {
    let of = |name: &str| {
        let sensor = Name::parse(name).unwrap();
        let mut log = logs.get(&sensor).cloned().unwrap_or_default();
        for readings in [&mut log.temperature, &mut log.humidity] {
            readings.retain(|sample| since.is_none_or(|since| sample.at >= since));
        }
        let kept = Kept::new(&log, registry, &sensor, since.map(ValidAt::from_millis));
        (sensor, kept)
    };
    ["A", "B", "C"].map(of).into()
}

/// What the three sensors said, as far back as is needed unless readings come that were measured before `late`.
fn needed(registry: &Registry, logs: &Logs, followed: &Followed, late: i64) -> HashMap<Name, Kept> {
    let of = |name: &str| {
        let sensor = Name::parse(name).unwrap();
        let mut log = logs.get(&sensor).cloned().unwrap_or_default();
        let whole = Kept::new(&log, registry, &sensor, None);
        let Some(since) = followed.needs(&sensor, late).filter(|since| *since > i64::MIN) else {
            return (sensor, whole);
        };
        let since = since.min(late);
        let before = log.temperature.iter().chain(&log.humidity).map(|sample| sample.at).filter(|at| *at < since).max();
        for readings in [&mut log.temperature, &mut log.humidity] {
            readings.retain(|sample| sample.at >= since);
        }
        let kept = Kept::new(&log, registry, &sensor, Some(ValidAt::from_millis(since)));
        (sensor, kept.after(before, whole.first_of_each()))
    };
    ["A", "B", "C"].map(of).into()
}

/// Whether a unit that is followed is at any time what all of its readings together say it is; how often its older past
/// was not gone through again.
fn compare(seed: u64, grain: usize, count: usize, every: usize) -> usize {
    let mut draw = Draw::new(seed);
    let (registry, profiles, unit) = (registry(&mut draw, 0), Profiles::default(), Name::parse("U").unwrap());
    let readings = readings(&mut draw, count);
    let (mut logs, mut followed) = (Logs::default(), Followed::with_grain(grain));
    let mut kept = read(&registry, &logs, None);
    let (index, mut newest) = (Index::new(&registry), BEGIN);
    // Of several readings it is enough to tell of the earliest, and whether one came late.
    let tells_one_by_one = draw.is(50);
    let mut untold: Option<(i64, bool)> = None;
    let mut settled = 0;
    for (number, reading) in readings.iter().enumerate() {
        let at = reading.measured_at.millis();
        let log = logs.of(reading.sensor.clone());
        log.temperature.extend(reading.temperature.map(|value| Sample { at, value: value.millidegrees() }));
        log.humidity.extend(reading.humidity.map(|value| Sample { at, value: value.thousandths() }));
        newest = newest.max(at);
        let own = kept.get_mut(&reading.sensor).unwrap();
        let is_late = if own.since().is_some_and(|since| at < since) {
            kept = read(&registry, &logs, None);
            true
        } else {
            own.push(reading) == Push::Late
        };
        let (first, was_late) = untold.unwrap_or((at, false));
        untold = Some((first.min(at), was_late || is_late));
        let asked = number % every == every - 1 || number + 1 == readings.len();
        if let Some((at, is_late)) = untold.take_if(|_| tells_one_by_one || asked) {
            followed.told(at, is_late);
        }
        if !asked {
            continue;
        }
        if draw.is(15)
            && let Some(profile) = followed.profile.clone()
        {
            let mut bytes = Vec::new();
            assert!(followed.put(&mut bytes));
            followed = Followed::take(&mut bytes.as_slice(), profile).unwrap();
            // A start that reads the newest readings only.
            if draw.is(50) {
                let since = BEGIN + draw.below(u64::try_from(newest - BEGIN).unwrap_or(0) + 1);
                kept = read(&registry, &logs, Some(since));
            }
        }
        if draw.is(20) && followed.profile.is_some() {
            let late = newest - draw.of(&[0, 1, 60, 1000]) * MINUTE;
            followed.forget(late);
            kept = needed(&registry, &logs, &followed, late);
        }
        let past = BEGIN + draw.below(u64::try_from(newest - BEGIN).unwrap_or(0) + 1);
        let soon = newest + draw.of(&[0, 1, 90 * MINUTE]);
        for as_of in [soon, if draw.is(50) { past } else { draw.of(&readings[..=number]).measured_at.millis() }] {
            let as_of = ValidAt::from_millis(as_of);
            let Some(custody) = Custody::of(&registry, &index, &unit, as_of) else { continue };
            let mut here = followed.assess(&registry, &profiles, &custody, &unit, as_of, &|name| kept.get(name));
            if here.is_err() {
                kept = read(&registry, &logs, None);
                here = followed.assess(&registry, &profiles, &custody, &unit, as_of, &|name| kept.get(name));
            }
            let whole = Fleet::new(&registry, &logs, &profiles, as_of, None).assess(&unit);
            let (here, whole) = (here.unwrap().unwrap(), whole.unwrap());
            assert_eq!(text(&here), text(&whole), "seed {seed}, reading {number}, as of {}", as_of);
            settled += usize::from(followed.temperature.is_settled());
        }
    }
    settled
}

/// As [`is_what_all_readings_say`], and of a third of the histories the older past is settled after a while.
#[test]
fn is_what_all_readings_say_when_older_ones_are_settled() {
    let settled = (0..60).filter(|seed| compare(*seed, 12, 500, 20) > 0).count();
    assert!(settled >= 20, "{settled} of 60");
}

/// As [`is_what_all_readings_say`], of two sensors at a place that are never read at the same instant: settled as well.
#[test]
fn is_what_all_readings_say_of_two_sensors_that_share_no_instant() {
    let have_both = |seed: &u64| {
        let mut draw = Draw::new(*seed);
        let registry = registry(&mut draw, 0);
        let both = registry.associations.iter().any(|association| {
            association.sensor.as_str() == "B" && association.from.millis() < BEGIN && association.to.is_none()
        });
        let instants = |readings: &[Observation], sensor: &str| -> HashSet<i64> {
            let own = readings.iter().filter(|reading| reading.sensor.as_str() == sensor);
            own.map(|reading| reading.measured_at.millis()).collect()
        };
        both && registry.moves.iter().len() == 0 && {
            let readings = readings(&mut draw, 500);
            instants(&readings, "A").is_disjoint(&instants(&readings, "B"))
        }
    };
    let both: Vec<u64> = (0..4000).filter(have_both).collect();
    let settled = both.iter().filter(|seed| compare(**seed, 12, 500, 20) > 0).count();
    assert!(both.len() > 20 && settled * 2 > both.len(), "{settled} of {}", both.len());
}

proptest! {
    /// Invariant A2: wherever the past is cut, and whatever came late, the answer is the batch's to the byte.
    #[test]
    fn is_what_all_readings_say(seed in any::<u64>(), grain in 3usize..60, count in 20usize..500, every in 1usize..150) {
        compare(seed, grain, count, every);
    }
}
