//! Questions that name a few sensors, which are answered round the query engine's reader of files.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion};
use serde_json::json;

use super::units::{Asked, BEGIN};
use super::*;
use crate::shelf::parquet;

/// Conditions that name sensors, and the same in words from which the engine takes no names.
const PAIRS: [(&str, &str); 8] = [
    ("sensor = 'CR2-A'", "concat(sensor, '') = 'CR2-A'"),
    ("sensor IN ('CR2-A', 'LOGGER')", "concat(sensor, '') IN ('CR2-A', 'LOGGER')"),
    ("sensor = 'LOGGER' AND unit IS NOT NULL", "concat(sensor, '') = 'LOGGER' AND unit IS NOT NULL"),
    ("sensor = 'TRK7-F' AND temperature_c > 8", "concat(sensor, '') = 'TRK7-F' AND temperature_c > 8"),
    (
        "sensor = 'TRK7-F' AND measured_at >= '2026-11-21T18:00:00Z'",
        "concat(sensor, '') = 'TRK7-F' AND measured_at >= '2026-11-21T18:00:00Z'",
    ),
    ("sensor = 'NOBODY'", "concat(sensor, '') = 'NOBODY'"),
    ("sensor = 'CR2-A' AND sensor = 'LOGGER'", "concat(sensor, '') = 'CR2-A' AND concat(sensor, '') = 'LOGGER'"),
    ("sensor = 'CR2-A' OR sensor = 'TRK7-F'", "concat(sensor, '') = 'CR2-A' OR concat(sensor, '') = 'TRK7-F'"),
];

/// Same rows, however often they are asked for and whichever columns come first.
async fn alike(engine: &Engine) {
    for (narrow, wide) in PAIRS {
        for columns in
            ["*", "temperature_c, measured_at", "count(*) AS n, max(measured_at) AS last, max(temperature_c) AS most"]
        {
            let order = if columns.starts_with("count") { "" } else { "ORDER BY measured_at, sensor, temperature_c" };
            let asked = |condition: &str| format!("SELECT {columns} FROM readings WHERE {condition} {order}");
            let wide = rows(engine, &asked(wide)).await;
            for _ in 0..2 {
                assert_eq!(rows(engine, &asked(narrow)).await, wide, "{columns} where {narrow}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readings_of_a_sensor_are_the_same_read_by_themselves() {
    let asked = Asked::start().await;
    alike(&asked.engine).await;
    let plan = rows(&asked.engine, "EXPLAIN SELECT * FROM readings WHERE sensor = 'CR2-A'").await.to_string();
    assert!(plan.contains("NarrowExec: sensors=[CR2-A]"), "{plan}");
    let plan = rows(&asked.engine, "EXPLAIN SELECT * FROM readings WHERE sensor LIKE 'CR2%'").await.to_string();
    assert!(!plan.contains("NarrowExec"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sensor_is_found_among_the_pages_of_a_large_file() {
    // Values that no dictionary shortens: the file is read in parts, and a sensor is in some of its pages.
    let value = |number: i64| (number.wrapping_mul(7_919) % 1_000_003) as f64 / 1e5;
    let of = |sensor: &'static str, salt: i64| {
        (0..40_000).map(move |minute: i64| row(sensor, BEGIN + minute * 1000, value(minute + salt)))
    };
    let file: Vec<Row> = of("CR2-A", 1).chain(of("LOGGER", 2)).chain(of("TRK7-F", 3)).collect();
    let shelf = Shelf::new(&[file], &[]).await;
    let engine = Engine::new(Arc::new(shelf), None, EngineOptions::default()).unwrap();
    alike(&engine).await;
    let counted =
        "SELECT sensor, count(*) AS n FROM readings WHERE sensor IN ('LOGGER', 'TRK7-F') GROUP BY 1 ORDER BY 1";
    let expected = json!([{"sensor": "LOGGER", "n": 40_000}, {"sensor": "TRK7-F", "n": 40_000}]);
    assert_eq!(rows(&engine, counted).await, expected);
}

/// `rows` without the column `name`, or with it in another type.
fn otherwise(rows: &RecordBatch, name: &str, to: Option<&DataType>, nullable: bool) -> RecordBatch {
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns()).filter_map(|(field, column)| {
        let changed = field.name() == name;
        let column: ArrayRef = if changed { cast(column, to?).unwrap() } else { Arc::clone(column) };
        Some((field.name().clone(), column, field.is_nullable() || (changed && nullable)))
    });
    RecordBatch::try_from_iter_with_nullable(columns.collect::<Vec<_>>()).unwrap()
}

/// Small pages and row groups, compressed as the lake's are.
fn small_pages() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap()))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_write_batch_size(32)
        .set_data_page_row_count_limit(64)
        .set_max_row_group_row_count(Some(500))
}

/// Three sensors' readings, of which some have no temperature and some a unit; sorted by sensor unless `mixed`.
fn readings(mixed: bool) -> Vec<Row> {
    let count = 1200;
    let place = |number: usize| if mixed { number * 7919 % count } else { number };
    let reading = |number: usize| {
        let sensor = ["CR2-A", "LOGGER", "TRK7-F"][number / (count / 3)];
        let minute = i64::try_from(number % (count / 3)).unwrap();
        let mut row = row(sensor, BEGIN + minute * 60_000, (number % 83) as f64 / 4.0);
        row.temperature_c = row.temperature_c.filter(|_| !number.is_multiple_of(17));
        row.unit = number.is_multiple_of(3).then(|| format!("a unit with a name that is long {}", number % 5));
        row
    };
    (0..count).map(|number| reading(place(number))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sensor_is_read_alike_whoever_wrote_the_file_and_however() {
    type Write = Box<dyn Fn(&RecordBatch) -> Vec<u8>>;
    let by = |properties: WriterPropertiesBuilder| -> Write {
        let properties = properties.build();
        Box::new(move |rows: &RecordBatch| parquet(rows, properties.clone()))
    };
    let with = |name: &'static str, to: Option<DataType>, nullable: bool| -> Write {
        Box::new(move |rows: &RecordBatch| {
            parquet(&otherwise(rows, name, to.as_ref(), nullable), small_pages().build())
        })
    };
    let keyed = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let writers: Vec<(&str, Write)> = vec![
        ("as we do", by(small_pages())),
        ("without compression", by(small_pages().set_compression(Compression::UNCOMPRESSED))),
        ("without dictionaries", by(small_pages().set_dictionary_enabled(false))),
        ("with dictionaries that end", by(small_pages().set_dictionary_page_size_limit(16))),
        ("without an index of pages", by(small_pages().set_statistics_enabled(EnabledStatistics::Chunk))),
        ("without bounds", by(small_pages().set_statistics_enabled(EnabledStatistics::None))),
        ("in pages of another version", by(small_pages().set_writer_version(WriterVersion::PARQUET_2_0))),
        ("names that may be missing", with("sensor", Some(DataType::Utf8), true)),
        ("names by number", with("sensor", Some(keyed), false)),
        ("large texts", with("unit", Some(DataType::LargeUtf8), true)),
        (
            "microseconds",
            with("measured_at", Some(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))), false),
        ),
        ("no battery", with("battery_v", None, true)),
    ];
    for (what, write) in writers {
        for mixed in [false, true] {
            println!("{what}, mixed: {mixed}");
            let files = [readings(mixed), vec![row("LOGGER", BEGIN + 86_400_000, 3.0)]];
            let tail = [vec![row("CR2-A", BEGIN + 86_460_000, 4.0)]];
            let shelf = Shelf::written(&files, &tail, &write).await;
            alike(&Engine::new(Arc::new(shelf), None, EngineOptions::default()).unwrap()).await;
        }
    }
}
