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
use model::instant::{MeasuredAt, RecordedAt, ValidAt};
use model::name::Name;
use model::quantity::Temperature;
use model::reading::Observation;
use model::registry::{Registry, RegistryDocument};

use super::world;

/// One reading a minute.
const STEP_MS: i64 = 60_000;
/// 2026-09-22.
const BEGIN_MS: i64 = 1_790_000_000_000;
/// Readings in a year.
const YEAR: i64 = 365 * 24 * 60;
/// Further readings that are measured.
const FURTHER: i64 = 2000;

/// Prints the table.
pub(super) fn run() -> anyhow::Result<()> {
    println!("\none more reading and the assessment after it, one unit under one sensor, µs");
    println!(
        "{:<28}{:>12}{:>12}{:>14}{:>16}",
        "readings the unit has", "over all", "further", "a day late", "ms at first"
    );
    for history in [1000, YEAR, 5 * YEAR] {
        let measured = Measured::of(history)?;
        let micros = |spent: Duration| spent.as_secs_f64() * 1e6;
        println!(
            "{history:<28}{:>12.0}{:>12.0}{:>14.0}{:>16.0}",
            micros(measured.whole),
            micros(measured.further),
            micros(measured.late),
            micros(measured.first) / 1000.0,
        );
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

fn reading(sensor: &Name, minute: i64, doubt: f64) -> Observation {
    Observation {
        sensor: sensor.clone(),
        measured_at: MeasuredAt::from_millis(BEGIN_MS + minute * STEP_MS),
        temperature: Temperature::from_celsius(celsius(minute) + doubt),
        humidity: None,
        unit: None,
    }
}

impl Measured {
    fn of(history: i64) -> anyhow::Result<Self> {
        let begin = DateTime::from_timestamp_millis(BEGIN_MS).context("a begin")?;
        let hot = world::rule("hot", world::HOT_C, world::HOT_DELAY_S);
        let document = world::registry(1, 1, &world::text(begin), &[hot]);
        let refused = |problems| anyhow::anyhow!("the registry of the benchmark is refused: {problems:?}");
        let document = RegistryDocument::from_value(&document).map_err(refused)?;
        let registry = Registry::default().plan(&document, RecordedAt::from_millis(0)).map_err(refused)?.after;
        let (sensor, unit) = (Name::parse("S000000")?, Name::parse(&world::unit(0))?);
        let mut kept = Kept::new(&Log::default(), &registry, &sensor, None);
        for minute in 0..history {
            kept.push(&reading(&sensor, minute, 0.0));
        }
        let (profiles, index) = (Profiles::default(), Index::new(&registry));
        let mut followed = Followed::default();
        let mut step = |kept: &mut Kept, minute: i64, measured: i64, doubt: f64| -> anyhow::Result<_> {
            let reading = reading(&sensor, measured, doubt);
            let is_late = kept.push(&reading) == Push::Late;
            followed.told(reading.measured_at.millis(), is_late);
            let as_of = ValidAt::from_millis(BEGIN_MS + minute * STEP_MS);
            let custody = Custody::of(&registry, &index, &unit, as_of).context("the unit is known")?;
            let of_sensor = |name: &Name| (*name == sensor).then_some(&*kept);
            let assessment = followed.assess(&registry, &profiles, &custody, &unit, as_of, &of_sensor)?;
            assessment.context("the unit is assessed")
        };
        let began = Instant::now();
        step(&mut kept, history - 1, history - 1, 0.0)?;
        let first = began.elapsed();
        let began = Instant::now();
        for minute in history..history + FURTHER {
            step(&mut kept, minute, minute, 0.0)?;
        }
        let further = began.elapsed() / u32::try_from(FURTHER)?;
        let last = history + FURTHER - 1;
        let began = Instant::now();
        for late in 0..20 {
            step(&mut kept, last, last - 24 * 60 + late, 0.01)?;
        }
        let late = began.elapsed() / 20;
        let shown = step(&mut kept, last, last, 0.0)?;
        let as_of = ValidAt::from_millis(BEGIN_MS + last * STEP_MS);
        let heard = HashMap::from([(sensor.clone(), Arc::new(kept.whole(as_of)))]);
        let fleet = Fleet::over(&registry, Arc::new(Index::new(&registry)), heard, &profiles, as_of);
        let began = Instant::now();
        let whole = fleet.assess(&unit).context("the unit is assessed")?;
        let spent = began.elapsed();
        anyhow::ensure!(whole == shown, "an assessment over all readings says something else");
        Ok(Self { whole: spent, first, further, late })
    }
}
