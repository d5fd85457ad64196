//! The kernel as aggregate functions: figures of groups of readings.

use super::units::Asked;
use super::*;

/// The vectors' series of irregular intervals, as rows.
fn irregular() -> Vec<Row> {
    let series =
        [(0, 5.0), (600, 5.2), (1200, 12.0), (1260, 14.5), (1320, 15.0), (4920, 9.0), (8520, 5.5), (30_120, 5.0)];
    series.iter().map(|(second, celsius)| row("a", TEN + second * 1000, *celsius)).collect()
}

async fn number(engine: &Engine, sql: &str) -> Option<f64> {
    rows(engine, sql).await[0]["x"].as_f64()
}

fn assert_close(got: Option<f64>, expected: f64) {
    let got = got.unwrap();
    assert!((got / expected - 1.0).abs() < 1e-9, "{got} instead of {expected}");
}

/// However rows are dealt into files, tails and partitions (invariant A1).
#[tokio::test]
async fn a_mean_kinetic_temperature_is_weighted_by_time_and_does_not_depend_on_order() {
    let rows = irregular();
    let mut shuffled: Vec<Row> = rows.iter().rev().cloned().collect();
    shuffled.extend(rows[3..6].iter().cloned());
    let parts = [
        (vec![], vec![rows.clone()]),
        (vec![rows[..3].to_vec(), rows[3..5].to_vec()], vec![rows[5..].to_vec()]),
        (vec![shuffled[..4].to_vec()], vec![shuffled[4..7].to_vec(), shuffled[7..].to_vec()]),
    ];
    let mut all = Vec::new();
    for (files, tail) in parts {
        let engine = engine_over(Shelf::new(&files, &tail).await, Limits::default());
        // `vectors/mkt.json`, irregular_modes.
        for (mode, expected) in [
            ("'linear_exact'", 6.809_687_714_784_973),
            ("'trapezoid'", 6.915_308_066_119_961_5),
            ("'step_previous'", 7.805_010_116_314_101),
        ] {
            let sql = format!("SELECT mkt(temperature_c, measured_at, 83.144, {mode}, 21600) AS x FROM readings");
            assert_close(number(&engine, &sql).await, expected);
        }
        all.push(number(&engine, "SELECT mkt(temperature_c, measured_at, NULL, NULL, 21600) AS x FROM readings").await);
    }
    assert!(all.iter().all(|one| *one == all[0]), "{all:?}");
}

#[tokio::test]
async fn an_equivalent_age_and_time_beyond_limits_are_those_of_the_vectors() {
    // `vectors/arrhenius.json`, equivalent_age: 83.144 kJ/mol, reference 5 °C.
    let series = [(0, 5.0), (3600, 5.0), (5400, 22.0), (9000, 24.0), (10_800, 8.0), (86_400, 5.0)];
    let rows: Vec<Row> = series.iter().map(|(second, celsius)| row("a", TEN + second * 1000, *celsius)).collect();
    let engine = engine_over(Shelf::new(&[], &[rows]).await, Limits::default());
    let age = "SELECT equivalent_age(temperature_c, measured_at, 83.144, 5.0, 86400) AS x FROM readings";
    assert_close(number(&engine, age).await, 142_144.423_217_820_56);
    let above = "SELECT time_above(temperature_c, measured_at, 8, 86400) AS x FROM readings";
    // Crossed on the way from 5 to 22 °C, and left at the reading of 8.
    assert_close(number(&engine, above).await, 10_800.0 - 3600.0 - 1800.0 * 3.0 / 17.0);
    let below = "SELECT time_below(temperature_c, measured_at, 5) AS x FROM readings";
    assert_eq!(number(&engine, below).await, Some(0.0));
    let mean = "SELECT time_weighted_mean(temperature_c, measured_at) AS x FROM readings WHERE measured_at <= '2026-11-22T11:00:00Z'";
    assert_eq!(number(&engine, mean).await, Some(5.0));
}

/// Invariant A3: what lies further apart than the bound is unknown, and nothing is told of it.
#[tokio::test]
async fn silence_has_no_weight() {
    let engine = engine_over(Shelf::new(&[], &[irregular()]).await, Limits::default());
    // The last six hours are silence, one hour being believed.
    let bounded = number(&engine, "SELECT mkt(temperature_c, measured_at) AS x FROM readings").await;
    let cut = "SELECT mkt(temperature_c, measured_at, 83.144, NULL, 21600) AS x FROM readings WHERE seq = 1 AND measured_at < '2026-11-22T13:00:00Z'";
    assert_eq!(bounded, number(&engine, cut).await);
    let alone = "SELECT mkt(temperature_c, measured_at) AS x FROM readings WHERE measured_at > '2026-11-22T18:00:00Z'";
    assert_eq!(number(&engine, alone).await, None);
    assert_eq!(number(&engine, "SELECT mkt(temperature_c, measured_at) AS x FROM readings WHERE false").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_by_unit_and_hour() {
    let asked = Asked::start().await;
    let sql = "SELECT unit, sensor, mkt(temperature_c, measured_at) AS mkt_c,
                      time_above(temperature_c, measured_at, 8.0) AS warm_s
               FROM unit_readings WHERE lot = 'L1' GROUP BY unit, sensor ORDER BY unit, sensor";
    let grouped = rows(&asked.engine, sql).await;
    assert_eq!(grouped.as_array().unwrap().len(), 3, "{grouped}");
    assert!(grouped.as_array().unwrap().iter().all(|row| row["mkt_c"].is_f64()), "{grouped}");
    // From the crossing on the way to hour 14 to the one on the way back from 15:50.
    let truck = &grouped[1];
    assert_eq!((truck["sensor"].as_str(), truck["warm_s"].as_f64().map(f64::round)), (Some("TRK7-F"), Some(6943.0)));
    let hourly = "SELECT date_bin(INTERVAL '1 hour', measured_at) AS hour, min(temperature_c) AS low,
                         time_weighted_mean(temperature_c, measured_at) AS mean
                  FROM readings WHERE sensor = 'CR2-A' GROUP BY hour ORDER BY hour";
    let hours = rows(&asked.engine, hourly).await;
    assert_eq!(hours.as_array().unwrap().len(), 24);
    let cut = hourly.replace("date_bin(INTERVAL '1 hour', measured_at)", "date_trunc('hour', measured_at)");
    assert_eq!(rows(&asked.engine, &cut).await, hours);
}

#[tokio::test]
async fn tells_what_is_wrong_with_a_measure() {
    let engine = small().await;
    for call in [
        "mkt(temperature_c)",
        "mkt(sensor, measured_at)",
        "mkt(temperature_c, temperature_c)",
        "mkt(temperature_c, measured_at, -1)",
        "mkt(temperature_c, measured_at, 83.144, 'average')",
        "mkt(temperature_c, measured_at, 83.144, 'linear_exact', 0)",
        "mkt(temperature_c, measured_at, temperature_c)",
        "mkt(temperature_c * 1000, measured_at)",
        "equivalent_age(temperature_c, measured_at, 83.144)",
        "equivalent_age(temperature_c, measured_at, NULL, 5)",
        "time_above(temperature_c, measured_at, 1e9)",
    ] {
        let error = failure(&engine, &format!("SELECT {call} FROM readings GROUP BY sensor")).await;
        assert_eq!(error.code(), "sql_invalid", "`{call}`: {error:?}");
    }
    let over = "SELECT mkt(temperature_c, measured_at) OVER (ORDER BY measured_at) FROM readings";
    assert_eq!(failure(&engine, over).await.code(), "sql_refused");
}
