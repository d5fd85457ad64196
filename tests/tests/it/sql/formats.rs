//! How answers are written.

use arrow::array::AsArray;
use arrow::datatypes::{Float64Type, TimestampMillisecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;

use super::*;

async fn text(sql: &str, format: Format) -> String {
    String::from_utf8(small().await.encoded(sql, format, Reach::NoAudit).await.unwrap().bytes).unwrap()
}

const QUESTION: &str =
    "SELECT sensor, measured_at, temperature_c, unit FROM readings ORDER BY measured_at, sensor LIMIT 2";

#[tokio::test]
async fn writes_json_to_the_letter() {
    assert_eq!(
        text(QUESTION, Format::Json).await,
        concat!(
            r#"{"columns":[{"name":"sensor","type":"VARCHAR"},{"name":"measured_at","type":"TIMESTAMP"},"#,
            r#"{"name":"temperature_c","type":"DOUBLE"},{"name":"unit","type":"VARCHAR"}],"rows":["#,
            r#"{"sensor":"a","measured_at":"2026-11-21T10:00:00.000Z","temperature_c":4.31,"unit":null},"#,
            r#"{"sensor":"b","measured_at":"2026-11-21T10:00:00.001Z","temperature_c":-0.5,"unit":null}]}"#,
        )
    );
}

#[tokio::test]
async fn writes_odd_values_as_json() {
    let odd = "SELECT CAST('NaN' AS DOUBLE) AS nan, CAST('inf' AS DOUBLE) AS inf, 1e300 AS big, 0.1 + 0.2 AS sum, -0.0 AS zero, \
               9007199254740993 AS long, true AS yes, DATE '2026-03-01' AS day, [1, 2] AS list, NULL AS nothing, \
               CAST(1.5 AS DECIMAL(5,2)) AS exact, TIMESTAMP '2026-03-01 12:00:00.123456' AS at, chr(7) AS bell, \
               CAST(0.1 AS REAL) AS single, INTERVAL '1 hour' AS span";
    let answer: serde_json::Value = serde_json::from_str(&text(odd, Format::Json).await).unwrap();
    let row = &answer["rows"][0];
    let expected = serde_json::json!({"nan": null, "inf": null, "big": 1e300, "sum": 0.30000000000000004, "zero": -0.0,
        "long": 9007199254740993_i64, "yes": true, "day": "2026-03-01", "list": [1, 2], "nothing": null, "exact": 1.5,
        "at": "2026-03-01T12:00:00.123Z", "bell": "\u{7}", "single": 0.1, "span": row["span"]});
    assert_eq!(row, &expected);
}

#[tokio::test]
async fn gives_two_columns_of_one_name_two_names() {
    let sql = "SELECT a.sensor, b.sensor FROM readings a JOIN readings b ON a.sensor = b.sensor AND a.measured_at = b.measured_at LIMIT 1";
    let answer: serde_json::Value = serde_json::from_str(&text(sql, Format::Json).await).unwrap();
    assert_eq!(answer["rows"][0].as_object().unwrap().keys().collect::<Vec<_>>(), ["sensor", "sensor_2"]);
}

#[tokio::test]
async fn writes_csv_that_reads_back() {
    assert_eq!(
        text(QUESTION, Format::Csv).await,
        "sensor,measured_at,temperature_c,unit\na,2026-11-21T10:00:00.000Z,4.31,\nb,2026-11-21T10:00:00.001Z,-0.5,\n"
    );
    let rejected = "SELECT payload, '' AS empty, '=1' AS formula, 'x' AS plain FROM rejected";
    let guarded = "payload,empty,formula,plain\n\"'=1+1,\"\"x\"\"\n\",\"\",\"'=1\",x\n";
    assert_eq!(text(rejected, Format::Csv).await, guarded);
    assert_eq!(text(rejected, Format::CsvExact).await, guarded.replace("\"'=", "\"="));
}

/// What stands first in a cell, apostrophes and spaces aside.
fn first(cell: &str) -> Option<char> {
    cell.trim_start_matches(['\'', ' ']).chars().next()
}

#[test]
fn no_text_in_csv_is_a_formula_and_each_can_be_told_from_its_cell() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let engine = runtime.block_on(small());
    let any = proptest::collection::vec("[-=+@\t\r\n' \"a1,;＝＠]{1,6}", 20);
    proptest!(ProptestConfig::with_cases(100), |(texts in any)| {
        let literals: Vec<String> = texts.iter().map(|text| format!("('{}')", text.replace('\'', "''"))).collect();
        let sql = format!("SELECT column1, -1 AS number FROM (VALUES {})", literals.join(", "));
        for format in [Format::Csv, Format::CsvExact] {
            let bytes = runtime.block_on(engine.encoded(&sql, format, Reach::NoAudit)).unwrap().bytes;
            let rows: Vec<csv::StringRecord> = csv::Reader::from_reader(bytes.as_slice()).records().map(Result::unwrap).collect();
            prop_assert_eq!(rows.len(), texts.len());
            for (row, stored) in rows.iter().zip(&texts) {
                let (cell, is_live) = (&row[0], first(stored).is_some_and(|sign| "=+-@\t\r\n＝＠".contains(sign)));
                let told = if format == Format::Csv && is_live { cell.strip_prefix('\'').unwrap() } else { cell };
                prop_assert_eq!(told, stored.as_str());
                prop_assert_eq!(&row[1], "-1");
            }
        }
    });
}

#[tokio::test]
async fn writes_a_table_for_people() {
    assert_eq!(
        text("SELECT sensor, temperature_c FROM readings ORDER BY measured_at, sensor LIMIT 2", Format::Table).await,
        "sensor | temperature_c\n-------+--------------\na      |          4.31\nb      |          -0.5\n(2 rows)\n"
    );
    assert!(text("SELECT payload FROM rejected", Format::Table).await.contains("\\n"));
}

#[tokio::test]
async fn writes_parquet_and_arrow_that_read_back() {
    let bytes = small().await.encoded(QUESTION, Format::Parquet, Reach::NoAudit).await.unwrap().bytes;
    let mut reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap().build().unwrap();
    let batch = reader.next().unwrap().unwrap();
    assert_eq!(batch.column(0).as_string::<i32>().value(1), "b");
    assert_eq!(batch.column(1).as_primitive::<TimestampMillisecondType>().value(0), TEN - 86_400_000);

    let bytes = small().await.encoded(QUESTION, Format::Arrow, Reach::NoAudit).await.unwrap().bytes;
    let mut reader = arrow::ipc::reader::StreamReader::try_new(bytes.as_slice(), None).unwrap();
    let batch = reader.next().unwrap().unwrap();
    assert_eq!(batch.column(2).as_primitive::<Float64Type>().value(0), 4.31);
}

#[tokio::test]
async fn never_cuts_an_answer_short() {
    let (files, tail) = small_files();
    let limits = Limits { max_rows: 4, ..Limits::default() };
    let engine = engine_over(Shelf::new(&files, &tail).await, limits);
    assert_eq!(failure(&engine, "SELECT * FROM readings").await.code(), "sql_limit");
    assert_eq!(rows(&engine, "SELECT * FROM readings LIMIT 4").await.as_array().unwrap().len(), 4);
    let engine = engine_over(Shelf::new(&files, &tail).await, Limits { max_result_bytes: 200, ..Limits::default() });
    for format in [Format::Json, Format::Csv, Format::CsvExact, Format::Parquet, Format::Arrow, Format::Table] {
        let error = engine.encoded("SELECT * FROM readings", format, Reach::NoAudit).await.unwrap_err();
        assert_eq!(error.code(), "sql_limit", "{format:?}");
    }
}
