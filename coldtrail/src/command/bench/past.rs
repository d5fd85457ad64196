//! What one more reading costs the kernel, for a unit with little history and for one with years of it: without a server,
//! on one thread.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use analytics::custody::{Custody, Index};
use analytics::fleet::{Fleet, Followed, Kept, Profiles, Push};
use analytics::logs::Log;
use anyhow::Context;
use chrono::DateTime;
use model::assessment::Assessment;
use model::instant::{MeasuredAt, RecordedAt, ValidAt};
use model::name::Name;
use model::quantity::Temperature;
use model::reading::Observation;
use model::registry::{Registry, RegistryDocument};
use serde_json::json;

use super::world;

/// One reading a minute.
const STEP_MS: i64 = 60_000;
/// 2026-09-22.
const BEGIN_MS: i64 = 1_790_000_000_000;
/// Minutes of a year.
const YEAR: i64 = 365 * 24 * 60;
/// Further minutes whose readings are measured.
const FURTHER: i64 = 2000;

/// How long after one sensor the other one is read.
const APART_MS: i64 = 23_000;

/// Prints the tables.
pub(super) fn run() -> anyhow::Result<()> {
    for (sensors, under) in [(1, "one sensor"), (2, "two sensors, never read at one instant")] {
        println!("\none more reading and the assessment after it, one unit under {under}, µs");
        println!(
            "{:<28}{:>12}{:>12}{:>14}{:>16}",
            "readings the unit has", "over all", "further", "a day late", "ms at first"
        );
        for minutes in [1000, YEAR, 5 * YEAR] {
            let measured = Measured::of(minutes, sensors)?;
            let micros = |spent: Duration| spent.as_secs_f64() * 1e6;
            println!(
                "{:<28}{:>12.0}{:>12.0}{:>14.0}{:>16.0}",
                minutes * sensors,
                micros(measured.whole),
                micros(measured.further),
                micros(measured.late),
                micros(measured.first) / 1000.0,
            );
        }
    }
    Ok(())
}

struct Measured {
    /// An assessment over all readings.
    whole: Duration,
    /// The first assessment of a unit that is followed.
    first: Duration,
    /// One more reading and the assessment after it.
    further: Duration,
    /// As `further`, when the reading is a day late.
    late: Duration,
}

/// A cold room whose compressor goes on and off, and whose door is held open every third day.
fn celsius(minute: i64) -> f64 {
    let cycle = (minute % 40 - 20).abs() as f64 / 20.0;
    let noise = (minute.wrapping_mul(2_654_435_761) >> 7).rem_euclid(20) as f64 / 100.0;
    let door = if minute % (3 * 24 * 60) < 25 { 5.0 } else { 0.0 };
    4.0 + cycle + noise + door
}

/// The reading of a minute; the second sensor is read later, and is a little warmer.
fn reading(sensors: &[Name], number: usize, minute: i64, doubt: f64) -> Observation {
    let later = i64::try_from(number).unwrap_or(0);
    Observation {
        sensor: sensors[number].clone(),
        measured_at: MeasuredAt::from_millis(BEGIN_MS + minute * STEP_MS + later * APART_MS),
        temperature: Temperature::from_celsius(celsius(minute) + later as f64 * 0.3 + doubt),
        humidity: None,
        unit: None,
    }
}

/// A unit at a place, and what its sensors said.
struct Scene {
    registry: Registry,
    index: Index,
    profiles: Profiles,
    unit: Name,
    sensors: Vec<Name>,
    kept: HashMap<Name, Kept>,
    followed: Followed,
}

impl Scene {
    fn new(sensors: usize) -> anyhow::Result<Self> {
        let begin = world::text(DateTime::from_timestamp_millis(BEGIN_MS).context("a begin")?);
        let hot = world::rule("hot", world::HOT_C, world::HOT_DELAY_S);
        let mut document = world::registry(sensors, 1, &begin, &[hot]);
        for association in document["associations"].as_array_mut().into_iter().flatten() {
            association["place"] = json!("P000000");
        }
        let refused = |problems| anyhow::anyhow!("the registry of the benchmark is refused: {problems:?}");
        let document = RegistryDocument::from_value(&document).map_err(refused)?;
        let registry = Registry::default().plan(&document, RecordedAt::from_millis(0)).map_err(refused)?.after;
        let names = (0..sensors).map(|number| Name::parse(&format!("S{number:06}")));
        let sensors = names.collect::<Result<Vec<Name>, _>>()?;
        let nothing = |sensor: &Name| (sensor.clone(), Kept::new(&Log::default(), &registry, sensor, None));
        let (kept, index) = (sensors.iter().map(nothing).collect(), Index::new(&registry));
        let (profiles, followed) = (Profiles::default(), Followed::default());
        Ok(Self { unit: Name::parse(&world::unit(0))?, registry, index, profiles, sensors, kept, followed })
    }

    /// Takes a reading in; whether it came late.
    fn push(&mut self, reading: &Observation) -> bool {
        self.kept.get_mut(&reading.sensor).is_some_and(|kept| kept.push(reading) == Push::Late)
    }

    /// Takes a reading in, and assesses the unit as of the end of a minute.
    fn step(&mut self, reading: &Observation, minute: i64) -> anyhow::Result<Assessment> {
        let is_late = self.push(reading);
        self.followed.told(reading.measured_at.millis(), is_late);
        let as_of = as_of(minute);
        let custody = Custody::of(&self.registry, &self.index, &self.unit, as_of).context("the unit is known")?;
        let kept = |name: &Name| self.kept.get(name);
        let assessment = self.followed.assess(&self.registry, &self.profiles, &custody, &self.unit, as_of, &kept)?;
        assessment.context("the unit is assessed")
    }
}

/// When all sensors were read in a minute.
fn as_of(minute: i64) -> ValidAt {
    ValidAt::from_millis(BEGIN_MS + minute * STEP_MS + APART_MS)
}

impl Measured {
    fn of(minutes: i64, sensors: i64) -> anyhow::Result<Self> {
        let mut scene = Scene::new(usize::try_from(sensors)?)?;
        let names = scene.sensors.clone();
        let each = || 0..names.len();
        for minute in 0..minutes {
            for number in each() {
                scene.push(&reading(&names, number, minute, 0.0));
            }
        }
        let began = Instant::now();
        scene.step(&reading(&names, 0, minutes - 1, 0.0), minutes - 1)?;
        let first = began.elapsed();
        let began = Instant::now();
        for minute in minutes..minutes + FURTHER {
            for number in each() {
                scene.step(&reading(&names, number, minute, 0.0), minute)?;
            }
        }
        let further = began.elapsed() / u32::try_from(FURTHER * sensors)?;
        let last = minutes + FURTHER - 1;
        let began = Instant::now();
        for late in 0..20 {
            scene.step(&reading(&names, 0, last - 24 * 60 + late, 0.01), last)?;
        }
        let late = began.elapsed() / 20;
        let shown = scene.step(&reading(&names, 0, last, 0.0), last)?;
        let as_of = as_of(last);
        let heard = scene.kept.iter().map(|(sensor, kept)| (sensor.clone(), Arc::new(kept.whole(as_of)))).collect();
        let index = Arc::new(Index::new(&scene.registry));
        let fleet = Fleet::over(&scene.registry, index, heard, &scene.profiles, as_of);
        let began = Instant::now();
        let whole = fleet.assess(&scene.unit).context("the unit is assessed")?;
        let spent = began.elapsed();
        anyhow::ensure!(whole == shown, "an assessment over all readings says something else");
        Ok(Self { whole: spent, first, further, late })
    }
}
