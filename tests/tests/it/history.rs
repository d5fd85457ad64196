//! Histories in buckets, against what anybody would count by hand: over files small and large, the tail, and stretches of every kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use analytics::history::{self, Stretch};
use analytics::sql::{Engine, EngineOptions};
use model::name::Name;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::shelf::{Row, Shelf, row};

const DAY_MS: i64 = 86_400_000;
const SENSORS: i64 = 30;

/// What a bucket has: its end, how many readings, the first and last of them, and of the temperature lowest, highest and last.
type Counted = (i64, u64, i64, i64, Option<(f64, f64, f64)>);

/// A day of every sensor, a reading every `step_ms`, by sensor and time; now and then without a temperature, or with two.
fn day(random: &mut StdRng, day: i64, step_ms: i64) -> Vec<Row> {
    let mut rows = Vec::new();
    for sensor in 0..SENSORS {
        for step in 0..DAY_MS / step_ms {
            let at = day * DAY_MS + step * step_ms + random.random_range(0..1000);
            let mut reading = row(&format!("S{sensor:02}"), at, f64::from(random.random_range(-2000..9000)) / 1000.0);
            if random.random_bool(0.05) {
                reading.temperature_c = None;
            }
            if random.random_bool(0.02) {
                rows.push(Row { temperature_c: Some(9.5), ..reading.clone() });
            }
            rows.push(reading);
        }
    }
    rows
}

/// The same by hand: readings of `stretches` in at most `points` buckets over all sensors.
fn by_hand(rows: &[Row], stretches: &[Stretch], points: i64) -> BTreeMap<(i64, String), Counted> {
    let wanted: Vec<&Row> = rows
        .iter()
        .filter(|row| {
            stretches.iter().any(|stretch| {
                stretch.sensors.iter().any(|name| name.as_str() == row.sensor)
                    && stretch.from.is_none_or(|from| from <= row.measured_at)
                    && stretch.to.is_none_or(|to| row.measured_at < to)
            })
        })
        .collect();
    let first = wanted.iter().map(|row| row.measured_at).min();
    let last = wanted.iter().map(|row| row.measured_at).max();
    let is_open = |end: fn(&Stretch) -> Option<i64>| stretches.iter().any(|stretch| end(stretch).is_none());
    let from = if is_open(|it| it.from) { first } else { stretches.iter().filter_map(|it| it.from).min() };
    let to = if is_open(|it| it.to) { last.map(|at| at + 1) } else { stretches.iter().filter_map(|it| it.to).max() };
    let Some((from, to)) = from.zip(to) else { return BTreeMap::new() };
    let sensors = stretches.iter().map(|stretch| stretch.sensors.len()).max().unwrap_or(1).max(1) as i64;
    let points = (points / sensors).max(1);
    let width = ((to - from).max(1) + points - 1) / points;
    let mut all: BTreeMap<(i64, String), Vec<&Row>> = BTreeMap::new();
    for row in wanted {
        all.entry((from + (row.measured_at - from) / width * width, row.sensor.clone())).or_default().push(row);
    }
    let counted = |start: i64, rows: &[&Row]| {
        let times = || rows.iter().map(|row| row.measured_at);
        let values = || rows.iter().filter_map(|row| Some((row.measured_at, row.temperature_c?)));
        let newest = values().max_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
        let extremes = newest.map(|(_, last)| {
            let (low, high) =
                values().fold((f64::MAX, f64::MIN), |(low, high), (_, value)| (low.min(value), high.max(value)));
            (low, high, last)
        });
        ((start + width).min(to), rows.len() as u64, times().min().unwrap(), times().max().unwrap(), extremes)
    };
    all.into_iter().map(|(key, rows)| (key.clone(), counted(key.0, &rows))).collect()
}

async fn compare(engine: &Engine, rows: &[Row], stretches: &[Stretch], points: u32) {
    let found = history::buckets(engine, stretches, points).await.unwrap();
    let order: Vec<(i64, &str)> = found.iter().map(|bucket| (bucket.from, &*bucket.sensor)).collect();
    assert!(order.is_sorted(), "{stretches:?}");
    let found: BTreeMap<(i64, String), Counted> = found
        .iter()
        .map(|bucket| {
            let extremes = bucket.temperature_c.map(|values| (values.min, values.max, values.last));
            let counted = (bucket.to, bucket.readings, bucket.first_at, bucket.last_at, extremes);
            ((bucket.from, bucket.sensor.to_string()), counted)
        })
        .collect();
    assert_eq!(found, by_hand(rows, stretches, i64::from(points)), "{stretches:?}, {points}");
}

fn stretch(sensors: &[&str], from: Option<i64>, to: Option<i64>) -> Stretch {
    Stretch { sensors: sensors.iter().map(|name| Name::parse(name).unwrap()).collect(), from, to }
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets_are_what_one_would_count_by_hand() {
    let seed = 77;
    let mut random = StdRng::seed_from_u64(seed);
    // the second day is large enough to be read in parts, with pages that are told apart
    let files = [day(&mut random, 0, 3_600_000), day(&mut random, 1, 40_000), day(&mut random, 2, 600_000)];
    assert!(files[1].len() > 60_000);
    let tail = [day(&mut random, 3, 3_600_000)];
    let rows: Vec<Row> = files.iter().chain(&tail).flatten().cloned().collect();
    let shelf = Shelf::new(&files, &tail).await;
    for shelf in [shelf.clone(), shelf.without_bounds()] {
        let engine = Engine::new(Arc::new(shelf), None, EngineOptions::default()).unwrap();
        for (stretches, points) in [
            (vec![stretch(&["S07"], None, None)], 100),
            (vec![stretch(&["S00"], Some(DAY_MS), Some(2 * DAY_MS))], 1500),
            (vec![stretch(&["S29"], Some(DAY_MS + 5), Some(DAY_MS + 100_000))], 10_000),
            (vec![stretch(&["S03"], Some(3 * DAY_MS), None)], 7),
            (vec![stretch(&["S03"], None, Some(DAY_MS / 2))], 7),
            (vec![stretch(&["S01", "S15", "none"], Some(0), Some(4 * DAY_MS))], 50),
            // handed over, back again, and two that overlap: a reading counts once
            (
                vec![
                    stretch(&["S02"], Some(0), Some(DAY_MS)),
                    stretch(&["S04"], Some(DAY_MS), Some(2 * DAY_MS)),
                    stretch(&["S02"], Some(2 * DAY_MS), Some(3 * DAY_MS + 7)),
                    stretch(&["S02"], Some(2 * DAY_MS + 9), Some(3 * DAY_MS)),
                ],
                200,
            ),
            (vec![stretch(&["S05"], Some(9 * DAY_MS), Some(10 * DAY_MS))], 10),
            (vec![stretch(&["none"], None, None)], 10),
            (vec![stretch(&[], None, None)], 10),
            (Vec::new(), 10),
        ] {
            compare(&engine, &rows, &stretches, points).await;
        }
        for _ in 0..20 {
            let (from, length) = (random.random_range(0..3 * DAY_MS), random.random_range(1..2 * DAY_MS));
            let sensor = format!("S{:02}", random.random_range(0..SENSORS));
            let stretches = [stretch(&[&sensor], Some(from), Some(from + length))];
            compare(&engine, &rows, &stretches, random.random_range(1..3000)).await;
        }
    }
}

#[tokio::test]
async fn a_file_that_is_gone_is_an_error_and_not_a_gap() {
    let mut random = StdRng::seed_from_u64(1);
    let shelf = Shelf::new(&[day(&mut random, 0, 3_600_000)], &[]).await.with_files_gone().await;
    let engine = Engine::new(Arc::new(shelf), None, EngineOptions::default()).unwrap();
    let error = history::buckets(&engine, &[stretch(&["S01"], None, None)], 10).await.unwrap_err();
    assert_eq!(error.code(), "internal", "{error}");
    assert!(
        history::buckets(&engine, &[stretch(&["T"], None, None)], 10).await.unwrap().is_empty(),
        "ruled out by its bounds"
    );
}
