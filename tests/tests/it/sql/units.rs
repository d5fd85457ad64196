//! Questions about units: where they were, their readings, their assessments and excursions.

use analytics::assessment_json;
use analytics::fleet::{Fleet, Profiles};
use analytics::logs::{self, Wanted};
use model::instant::ValidAt;
use serde_json::{Value, json};
use store::ledger::Ledger;

use super::*;
use crate::holds::apply;

const GTIN: &str = "09506000134352";
/// Units and readings begin here.
pub(crate) const BEGIN: i64 = TEN - 24 * HOUR;
const HOUR: i64 = 3_600_000;
const MINUTE: i64 = 60_000;

/// A unit that stays, one that moves to a truck, one with a logger of its own for a while, and one divided.
pub(crate) fn document() -> Value {
    let at = |hours: i64| BEGIN + hours * HOUR;
    let unit =
        |id: &str, lot: &str| json!({"id": id, "gtin": GTIN, "lot": lot, "quantity": 100, "place": "CR2", "at": at(0)});
    json!({
        "products": [{"gtin": GTIN, "storage": {"temperature_c": [2.0, 8.0]}, "max_gap_s": 3600,
            "kinetics": {"model": "arrhenius", "ea_kj_per_mol": 83.144, "reference_c": 5.0},
            "mkt": {"window_s": 86400},
            "rules": [{"id": "hot", "quantity": "temperature", "side": "high", "limit": 8.0, "comparator": "gt",
                       "mode": "single", "delay_s": 1800, "severity": "hold"}]}],
        "places": [{"id": "WH1", "kind": "site"}, {"id": "CR2", "kind": "cold_room", "parent": "WH1"},
                   {"id": "TRK7", "kind": "vehicle"}],
        "sensors": [{"id": "CR2-A", "accuracy_c": 0.5}, {"id": "TRK7-F"}, {"id": "LOGGER"}, {"id": "MUTE"}],
        "associations": [{"sensor": "CR2-A", "place": "CR2", "from": at(-48)},
                         {"sensor": "TRK7-F", "place": "TRK7", "from": at(-48)},
                         {"sensor": "MUTE", "place": "WH1", "from": at(-48)}],
        "lots": [{"gtin": GTIN, "lot": "L1", "expires_on": "2028-04-30"},
                 {"gtin": GTIN, "lot": "L2", "expires_on": "2028-05-31"}],
        "units": [unit("STAYS", "L1"), unit("MOVES", "L1"), unit("LOGGED", "L2"), unit("PARENT", "L2")],
        "moves": [{"unit": "MOVES", "to": "TRK7", "at": at(12)}],
        "splits": [{"unit": "PARENT", "into": [{"id": "CHILD", "quantity": 40}], "at": at(6)}],
        "closures": [{"unit": "PARENT", "at": at(18), "kind": "delivered"}],
    })
}

/// A reading every ten minutes of each sensor over two days, the truck warm from hour 14 to 16; the logger names its
/// unit from hour 2 to hour 4. The first day in one file, what follows in a second one and a tail.
fn readings() -> (Vec<Vec<Row>>, Vec<Vec<Row>>) {
    let all = (0..24 * 6).flat_map(|step: i64| {
        let at = BEGIN + step * 10 * MINUTE;
        let hour = step as f64 / 6.0;
        let warm = if (14.0..16.0).contains(&hour) { 9.0 } else { 5.5 };
        let mut logger = row("LOGGER", at, 3.0);
        logger.unit = (2.0..4.0).contains(&hour).then(|| "LOGGED".to_owned());
        [row("CR2-A", at, 5.0 + (step % 7) as f64 / 8.0), row("TRK7-F", at, warm), logger]
    });
    let mut rows: Vec<Row> = all.collect();
    rows.sort_by(|left, right| (&left.sensor, left.measured_at).cmp(&(&right.sensor, right.measured_at)));
    let half = BEGIN + 12 * HOUR;
    let tail_from = BEGIN + 20 * HOUR;
    let within =
        |from: i64, to: i64| rows.iter().filter(|row| (from..to).contains(&row.measured_at)).cloned().collect();
    (vec![within(BEGIN, half), within(half, tail_from)], vec![within(tail_from, i64::MAX)])
}

/// An engine over both, at the end of it.
pub(super) struct Asked {
    pub(super) engine: Engine,
    pub(super) ledger: Ledger,
    _directory: tempfile::TempDir,
}

impl Asked {
    pub(super) async fn start() -> Self {
        Self::over(Limits::default()).await
    }

    async fn over(limits: Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(|| model::instant::RecordedAt::from_millis(TEN));
        let ledger = Ledger::open(directory.path(), clock).await.unwrap();
        apply(&ledger, &document()).await;
        let (files, tail) = readings();
        let shelf = Shelf::new(&files, &tail).await;
        let now = Arc::new(|| chrono::DateTime::from_timestamp_millis(TEN).unwrap());
        let options = EngineOptions { limits, clock: now, ..EngineOptions::default() };
        let engine = Engine::new(Arc::new(shelf), Some(ledger.clone()), options).unwrap();
        Self { engine, ledger, _directory: directory }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn says_where_every_unit_was() {
    let asked = Asked::start().await;
    let custody = rows(&asked.engine, "SELECT * FROM custody ORDER BY unit, from_at").await;
    let told = |hours: i64| model::instant::to_rfc3339(BEGIN + hours * HOUR);
    let open = |unit: &str, place: &str, from: i64| json!({"unit": unit, "place": place, "from_at": told(from), "to_at": null});
    assert_eq!(
        custody,
        json!([
            open("CHILD", "CR2", 0),
            open("LOGGED", "CR2", 0),
            {"unit": "MOVES", "place": "CR2", "from_at": told(0), "to_at": told(12)},
            open("MOVES", "TRK7", 12),
            {"unit": "PARENT", "place": "CR2", "from_at": told(0), "to_at": told(18)},
            open("STAYS", "CR2", 0),
        ])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn joins_readings_with_the_units_whose_trace_they_make() {
    let asked = Asked::start().await;
    let sql = "SELECT unit, place, sensor, count(*) AS n, min(measured_at) AS first FROM unit_readings
               GROUP BY unit, place, sensor ORDER BY unit, first";
    let counted: Vec<String> = rows(&asked.engine, sql)
        .await
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let text = |column: &str| row[column].as_str().unwrap().to_owned();
            format!("{} {} {} {}", text("unit"), text("place"), text("sensor"), row["n"])
        })
        .collect();
    assert_eq!(
        counted,
        [
            "CHILD CR2 CR2-A 144",
            // Before the logger names the unit, and after its first reading that does not.
            "LOGGED CR2 CR2-A 132",
            "LOGGED CR2 LOGGER 12",
            "MOVES CR2 CR2-A 72",
            "MOVES TRK7 TRK7-F 72",
            // To the end of its time, that instant included.
            "PARENT CR2 CR2-A 109",
            "STAYS CR2 CR2-A 144",
        ]
    );
    let named = "SELECT count(*) AS n FROM unit_readings WHERE named_unit IS NOT NULL AND unit = 'LOGGED'";
    assert_eq!(rows(&asked.engine, named).await, json!([{"n": 12}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_alike_with_conditions_pushed_down_and_without() {
    let asked = Asked::start().await;
    for condition in [
        "unit = 'MOVES'",
        "unit IN ('MOVES', 'LOGGED') AND place <> 'CR2'",
        "lot = 'L2'",
        "lot = 'L2' AND sensor = 'LOGGER'",
        "place = 'TRK7' AND temperature_c > 8",
        "measured_at < '2026-11-21T18:00:00Z' AND unit LIKE 'S%'",
        "sensor = 'TRK7-F' OR unit = 'CHILD'",
        "measured_at BETWEEN '2026-11-21T21:55:00Z' AND '2026-11-21T22:05:00Z'",
        "unit = 'NOBODY'",
        "gtin = '09506000134352' AND seq = 1",
    ] {
        let columns = "unit, place, sensor, measured_at, temperature_c";
        let pushed = format!("SELECT {columns} FROM unit_readings WHERE {condition} ORDER BY 1, 3, 4");
        // A row number keeps conditions above it.
        let kept = format!(
            "SELECT {columns} FROM (SELECT *, row_number() OVER () AS turn FROM unit_readings)
             WHERE turn > 0 AND ({condition}) ORDER BY 1, 3, 4"
        );
        assert_eq!(rows(&asked.engine, &pushed).await, rows(&asked.engine, &kept).await, "{condition}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_only_files_of_the_sensors_and_times_of_the_units_asked_for() {
    let asked = Asked::start().await;
    let files = async |sql: &str| {
        let plan = rows(&asked.engine, &format!("EXPLAIN {sql}")).await.to_string();
        ["part-0", "part-1"].map(|file| plan.contains(file))
    };
    // The truck had the unit in the second file's time only.
    assert_eq!(files("SELECT * FROM unit_readings WHERE unit = 'MOVES' AND place = 'TRK7'").await, [false, true]);
    assert_eq!(files("SELECT * FROM unit_readings WHERE unit = 'MOVES'").await, [true, true]);
    assert_eq!(files("SELECT * FROM unit_readings WHERE lot = 'L2' AND sensor = 'LOGGER'").await, [true, false]);
    let early = "SELECT * FROM unit_readings WHERE lot = 'L1' AND measured_at < '2026-11-21T12:00:00Z'";
    assert_eq!(files(early).await, [true, false]);
    assert_eq!(files("SELECT * FROM unit_readings WHERE lot = 'L9'").await, [false, false]);
    assert_eq!(files("SELECT * FROM assess_at('2026-11-21T15:00:00Z')").await, [true, false]);
}

/// What the batch says of every unit at an instant.
async fn batch(asked: &Asked, as_of: i64) -> Vec<Value> {
    let as_of = ValidAt::from_millis(as_of);
    let wanted = Wanted { sensors: None, from: None, as_of, known_at: None };
    let logs = logs::from_engine(&asked.engine, &wanted).await.unwrap();
    let (registry, profiles) = (asked.ledger.registry(), Profiles::default());
    let fleet = Fleet::new(&registry, &logs, &profiles, as_of, None);
    let assessments = fleet.assess_all(&Fleet::units(&registry), 2, &|_| {});
    assessments.iter().map(assessment_json::assessment).collect()
}

/// Documents as they are written, to the last digit.
async fn documents(engine: &Engine, sql: &str) -> Vec<String> {
    let rows = rows(engine, sql).await;
    rows.as_array().unwrap().iter().map(|row| row["document"].as_str().unwrap().to_owned()).collect()
}

fn written(documents: &[Value]) -> Vec<String> {
    documents.iter().map(Value::to_string).collect()
}

/// Invariant A2, for SQL: a computed assessment is the one that files and stores give elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn computes_what_the_batch_computes() {
    let asked = Asked::start().await;
    for hours in [0, 3, 5, 13, 15, 24] {
        let as_of = BEGIN + hours * HOUR;
        let told = model::instant::to_rfc3339(as_of);
        let sql = format!("SELECT document FROM assess_at(TIMESTAMP '{told}') ORDER BY unit");
        assert_eq!(documents(&asked.engine, &sql).await, written(&batch(&asked, as_of).await), "{told}");
    }
    let some = "SELECT document FROM assess_at('2026-11-22T10:00:00Z') WHERE lot = 'L1' ORDER BY unit";
    let all = batch(&asked, TEN).await;
    let of_lot: Vec<Value> = all.iter().filter(|of| of["lot"] == "L1").cloned().collect();
    assert_eq!(documents(&asked.engine, some).await, written(&of_lot));
    // Nothing shows the latest here: they are computed as of the query's time.
    assert_eq!(documents(&asked.engine, "SELECT document FROM assessments ORDER BY unit").await, written(&all));
}

#[tokio::test(flavor = "multi_thread")]
async fn shows_assessments_and_excursions_in_columns() {
    let asked = Asked::start().await;
    let of_moves = batch(&asked, TEN).await.into_iter().find(|of| of["unit"] == "MOVES").unwrap();
    let row = rows(&asked.engine, "SELECT * FROM assessments WHERE unit = 'MOVES'").await[0].clone();
    for (column, pointer) in [
        ("verdict", "/verdict"),
        ("as_of", "/as_of"),
        ("window_from", "/window/from"),
        ("known_s", "/coverage/known_s"),
        ("coverage_fraction", "/coverage/fraction"),
        ("max_c", "/temperature/max_c"),
        ("mkt_c", "/mkt/value_c"),
        ("mkt_max_window_to", "/mkt/max_window_to"),
        ("equivalent_upper_s", "/life/equivalent_s/upper"),
        ("extra_s", "/life/extra_s"),
        ("frozen", "/frozen"),
        ("effective_expiry", "/effective_expiry"),
        ("readings", "/provenance/readings"),
        ("readings_digest", "/provenance/readings_digest"),
    ] {
        assert_eq!(Some(&row[column]), of_moves.pointer(pointer), "{column}");
    }
    assert_eq!(row["verdict"], "hold");
    let hot =
        rows(&asked.engine, "SELECT *, \"end\" AS finished FROM excursions WHERE unit = 'MOVES' AND rule = 'hot'")
            .await;
    let expected = &of_moves["excursions"][0];
    for (column, field) in [("start_at", "start"), ("end_at", "end"), ("start", "start"), ("finished", "end")] {
        assert_eq!(hot[0][column], expected[field], "{column}");
    }
    assert_eq!(hot[0]["duration_s"], expected["duration_s"]);
    let counted = "SELECT count(*) AS n, count(DISTINCT unit) AS units FROM excursions WHERE rule = 'hot'";
    assert_eq!(rows(&asked.engine, counted).await, json!([{"n": 1, "units": 1}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_a_table_function_of_one_literal_and_nothing_else() {
    let asked = Asked::start().await;
    for sql in [
        "SELECT * FROM assess_at",
        "SELECT * FROM assess_at()",
        "SELECT * FROM assess_at(now())",
        "SELECT * FROM assess_at('2026-11-22' || 'T10:00:00Z')",
        "SELECT * FROM assess_at((SELECT max(measured_at) FROM readings))",
        "SELECT * FROM assess_at('2026-11-22T10:00:00Z', 1)",
        "SELECT * FROM \"assess_at()\"",
        "SELECT * FROM readings('2026-11-22T10:00:00Z')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM custody, LATERAL assess_at('2026-11-22T10:00:00Z')",
        "SELECT assess_at('2026-11-22T10:00:00Z')",
    ] {
        let error = failure(&asked.engine, sql).await;
        assert_eq!(error.code(), "sql_refused", "`{sql}`: {error:?}");
    }
    for sql in ["SELECT * FROM assess_at('soon')", "SELECT * FROM assess_at(true)"] {
        let error = failure(&asked.engine, sql).await;
        assert_eq!(error.code(), "sql_invalid", "`{sql}`: {error:?}");
    }
    for literal in [
        "'2026-11-22T11:00:00+01:00'",
        "TIMESTAMP '2026-11-22 10:00:00'",
        "TIMESTAMP '2026-11-22T10:00:00Z'",
        "CAST('2026-11-22T10:00:00Z' AS TIMESTAMP)",
        "1795341600000",
    ] {
        let sql = format!("SELECT DISTINCT a.as_of FROM assess_at({literal}) AS a");
        assert_eq!(rows(&asked.engine, &sql).await, json!([{"as_of": "2026-11-22T10:00:00.000Z"}]), "{literal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn computes_within_the_limits_of_a_query() {
    let limits = Limits { max_memory_bytes: 1 << 14, ..Limits::default() };
    let asked = Asked::over(limits).await;
    let error = failure(&asked.engine, "SELECT unit, verdict FROM assess_at('2026-11-22T10:00:00Z')").await;
    assert_eq!(error.code(), "sql_limit", "{error:?}");
}

/// The statements of `docs/sql.md`, over the units of these tests.
#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_document_are_answered() {
    let asked = Asked::start().await;
    let path = tests::folder().join("../docs/sql.md");
    let document = std::fs::read_to_string(path).unwrap();
    let examples: Vec<&str> =
        document.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap().trim()).collect();
    assert!(examples.len() >= 8, "{examples:?}");
    for example in examples {
        let answer = rows(&asked.engine, example).await;
        assert!(answer.as_array().is_some_and(|rows| !rows.is_empty()), "no rows: {example}");
    }
}
