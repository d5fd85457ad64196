//! Bounds rule files out and never change an answer.

use proptest::prelude::*;

use super::*;

/// Rows within four days, dealt into files and tail.
fn parts() -> impl Strategy<Value = (Vec<Vec<Row>>, Vec<Vec<Row>>)> {
    let reading = (0..5_u8, 0..96_i64, -20..20_i32)
        .prop_map(|(sensor, hour, value)| row(&format!("s{sensor}"), TEN + hour * 3_600_000, f64::from(value) / 8.0));
    let part = prop::collection::vec(reading, 1..6);
    (prop::collection::vec(part.clone(), 0..6), prop::collection::vec(part, 0..3))
}

/// A condition on time, sensor or both.
fn condition() -> impl Strategy<Value = String> {
    let sign = prop::sample::select(vec!["=", "<", "<=", ">", ">=", "<>"]);
    let time = (sign.clone(), 0..96_i64)
        .prop_map(|(sign, hour)| format!("measured_at {sign} to_timestamp_millis({})", TEN + hour * 3_600_000));
    let text_time = (0..96_i64, 0..48_i64).prop_map(|(from, length)| {
        let written = |hour: i64| model::instant::to_rfc3339(TEN + hour * 3_600_000);
        format!("measured_at BETWEEN '{}' AND '{}'", written(from), written(from + length))
    });
    let sensor = (sign, 0..6_u8).prop_map(|(sign, sensor)| format!("sensor {sign} 's{sensor}'"));
    let list = (0..6_u8, 0..6_u8).prop_map(|(a, b)| format!("sensor IN ('s{a}', 's{b}')"));
    let like = (0..6_u8).prop_map(|sensor| format!("sensor LIKE 's{sensor}%'"));
    let one = prop_oneof![time, text_time, sensor, list, like];
    prop::collection::vec((one, prop::bool::ANY, prop::bool::ANY), 1..4).prop_map(|terms| {
        let mut text = String::new();
        for (index, (term, or, not)) in terms.into_iter().enumerate() {
            text.push_str(if index == 0 {
                ""
            } else if or {
                " OR "
            } else {
                " AND "
            });
            text.push_str(&if not { format!("NOT ({term})") } else { term });
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn gives_the_same_answer_with_and_without_bounds((files, tail) in parts(), condition in condition()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let shelf = Shelf::new(&files, &tail).await;
            let sql = format!(
                "SELECT sensor, measured_at, temperature_c FROM readings WHERE {condition} ORDER BY 1, 2, 3"
            );
            let bounded = rows(&engine_over(shelf.clone(), Limits::default()), &sql).await;
            let unbounded = rows(&engine_over(shelf.without_bounds(), Limits::default()), &sql).await;
            prop_assert_eq!(bounded, unbounded);
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn opens_no_file_it_need_not() {
    let (files, tail) = small_files();
    let engine = engine_over(Shelf::new(&files, &tail).await.with_files_gone().await, Limits::default());
    for condition in [
        "measured_at > '2026-11-22T10:00:30Z'",
        "measured_at > '2026-11-22T10:00:30Z' AND sensor = 'a'",
        "sensor = 'zzz'",
        "sensor IN ('x', 'y')",
    ] {
        rows(&engine, &format!("SELECT * FROM readings WHERE {condition}")).await;
    }
    assert_eq!(failure(&engine, "SELECT * FROM readings WHERE measured_at > '2026-11-22'").await.code(), "internal");
    assert_eq!(rows(&engine, "SELECT count(*) AS n FROM readings").await[0]["n"], 5);
}
