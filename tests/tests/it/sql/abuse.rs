//! Statements that must not be run, and statements that would never end (faults 37 and 38).

use super::*;

/// Statements that are refused whatever the parser makes of them.
pub(super) const REFUSED: &[&str] = &[
    "",
    " ; ",
    "COPY readings TO '/tmp/x.parquet'",
    "COPY (SELECT * FROM readings) TO '/tmp/x.csv' STORED AS CSV",
    "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
    "CREATE TABLE t AS SELECT 1",
    "CREATE VIEW v AS SELECT 1",
    "CREATE FUNCTION f() RETURNS INT RETURN 1",
    "DROP TABLE readings",
    "ALTER TABLE readings ADD COLUMN x INT",
    "TRUNCATE TABLE readings",
    "INSERT INTO readings VALUES (1)",
    "WITH x AS (SELECT 1) INSERT INTO readings SELECT * FROM x",
    "UPDATE readings SET temperature_c = 4",
    "DELETE FROM readings",
    "MERGE INTO readings USING rejected ON true WHEN MATCHED THEN DELETE",
    "SET datafusion.execution.target_partitions = 1",
    "RESET datafusion.execution.target_partitions",
    "SHOW TABLES",
    "SHOW ALL",
    "DESCRIBE readings",
    "EXPLAIN ANALYZE SELECT 1",
    "EXPLAIN (ANALYZE) SELECT 1",
    "EXPLAIN VERBOSE SELECT 1",
    "EXPLAIN COPY readings TO '/tmp/x'",
    "EXPLAIN INSERT INTO readings VALUES (1)",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "BEGIN",
    "COMMIT",
    "ATTACH '/etc/passwd' AS x",
    "PRAGMA table_info(readings)",
    "CALL system()",
    "USE other",
    "GRANT ALL ON readings TO x",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE readings",
    "SELECT 1;/* */;DROP TABLE readings",
    "/* SELECT */ DROP TABLE readings",
    "-- SELECT\nDROP TABLE readings",
    "SELECT 1;\0DROP TABLE readings",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM \"/etc/passwd\"",
    "SELECT * FROM `/etc/passwd`",
    "SELECT * FROM 'file:///etc/passwd'",
    "SELECT * FROM 's3://bucket/x.parquet'",
    "SELECT * FROM \"readings.parquet\"",
    "SELECT * FROM \"READINGS\"",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM information_schema.df_settings",
    "SELECT * FROM pg_catalog.pg_tables",
    "SELECT * FROM other.readings",
    "SELECT * FROM sqlite_master",
    "SELECT * INTO t FROM readings",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_parquet('/etc/passwd')",
    "SELECT * FROM parquet_metadata('/etc/passwd')",
    "SELECT * FROM TABLE(read_csv('/etc/passwd'))",
    "SELECT * FROM generate_series(1, 1000000000000)",
    "SELECT * FROM range(1, 1000000000000)",
    "SELECT * FROM readings, LATERAL generate_series(1, 10)",
    "SELECT * FROM unnest(range(1, 1000000000))",
    "SELECT range(1, 1000000000)",
    "SELECT generate_series(1, 1000000000000)",
    "SELECT repeat('x', 1000000000)",
    "SELECT lpad('x', 1000000000, 'y')",
    "SELECT array_repeat(1, 1000000000)",
    "SELECT replace('xxxxxxxx', 'x', 'yyyyyyyyyyyyyyyy')",
    "SELECT input_file_name() FROM readings",
    "SELECT pg_sleep(100)",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT load_extension('x')",
    "SELECT system('id')",
    "SELECT (SELECT count(*) FROM secrets)",
    "SELECT 1 WHERE EXISTS (SELECT * FROM '/etc/passwd')",
    "SELECT sensor FROM readings WHERE sensor IN (SELECT x FROM other)",
    "SELECT * FROM readings UNION ALL SELECT * FROM '/etc/passwd'",
    "WITH x AS (SELECT * FROM '/etc/passwd') SELECT * FROM x",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT * FROM t",
    "SELECT * FROM readings FOR UPDATE",
    "SELECT $1",
    "SELECT ?",
    "SELECT regexp_like(sensor, sensor) FROM readings",
    "SELECT sensor ~ sensor FROM readings",
    "TABLE readings",
];

#[tokio::test]
async fn refuses_everything_but_queries_over_its_tables() {
    let engine = small().await;
    for sql in REFUSED {
        let error = failure(&engine, sql).await;
        assert_eq!(error.code(), "sql_refused", "`{sql}`: {error:?}");
    }
}

#[tokio::test]
async fn tells_what_is_wrong_with_a_query_that_makes_no_sense() {
    let engine = small().await;
    for sql in [
        "SELECT",
        "SELECT nothing FROM readings",
        "SELECT sensor + FROM readings",
        "SELECT 'unterminated",
        "SELECT sum(sensor) FROM readings",
        "SELECT 1 / 0",
        "SELECT CAST('x' AS INT)",
        "SELECT * FROM readings ORDER BY nothing",
        "SELECT temperature_c, count(*) FROM readings",
    ] {
        let error = failure(&engine, sql).await;
        assert_eq!(error.code(), "sql_invalid", "`{sql}`: {error:?}");
    }
}

/// Statements that are too large or too deep before anything runs.
pub(super) fn too_large() -> Vec<String> {
    let nested = format!("SELECT {}1{}", "(".repeat(100), ")".repeat(100));
    let subqueries = format!("SELECT * FROM {}readings{}", "(SELECT * FROM ".repeat(100), ")".repeat(100));
    let nots = format!("SELECT {}true", "NOT ".repeat(1_000));
    let minuses = format!("SELECT {}1", "- ".repeat(10_000));
    let cases = format!("SELECT {}1{}", "CASE WHEN true THEN ".repeat(200), " END".repeat(200));
    let ors = format!("SELECT * FROM readings WHERE {}", vec!["seq = 1"; 10_000].join(" OR "));
    let pluses = format!("SELECT {}", vec!["1"; 24_000].join("+"));
    let unions = vec!["SELECT 1"; 1_000].join(" UNION ALL ");
    let literal = format!("SELECT '{}'", "x".repeat(100_000));
    let text = format!("SELECT 1 -- {}", "x".repeat(300_000));
    vec![nested, subqueries, nots, minuses, cases, ors, pluses, unions, literal, text]
}

#[tokio::test]
async fn stops_statements_that_are_too_large() {
    let engine = small().await;
    for sql in too_large() {
        let error = failure(&engine, &sql).await;
        // the parser calls a chain of `NOT`s too deep in its own way
        assert!(matches!(error.code(), "sql_limit" | "sql_invalid"), "`{}`: {error:?}", &sql[..60.min(sql.len())]);
    }
}

/// Many readings in memory, for queries that multiply them.
async fn crowded(limits: Limits) -> Engine {
    let tail: Vec<Vec<Row>> = (0..10_i64)
        .map(|part| (0..2_000_i64).map(|at| row(&format!("s{part}"), TEN + part * 10_000 + at, 5.0)).collect())
        .collect();
    engine_over(Shelf::new(&[], &tail).await, limits)
}

/// Statements that multiply what is stored with itself.
pub(super) const ENDLESS: &[&str] = &[
    "SELECT sum(a.temperature_c * b.temperature_c) FROM readings a CROSS JOIN readings b CROSS JOIN readings c",
    "SELECT * FROM readings a, readings b",
    "SELECT a.sensor FROM readings a, readings b ORDER BY a.measured_at, b.measured_at",
    "SELECT DISTINCT concat(a.measured_at, b.measured_at) FROM readings a, readings b",
    "SELECT array_agg(a.sensor) FROM readings a, readings b",
    "SELECT string_agg(a.sensor, ',') FROM readings a, readings b",
    "SELECT sum(a.temperature_c) OVER () FROM readings a, readings b",
    "SELECT count(*) FROM readings a JOIN readings b ON a.temperature_c = b.temperature_c JOIN readings c ON true",
    "SELECT count(*) FROM readings a JOIN readings b ON a.temperature_c < b.temperature_c + a.seq JOIN readings c ON a.seq < c.temperature_c",
    "SELECT a.measured_at FROM readings a JOIN readings b ON a.sensor = b.sensor",
];

#[tokio::test]
async fn stops_queries_that_would_never_end() {
    let engine = crowded(Limits { max_concurrent: 1, max_wait: Duration::from_secs(60), ..tight() }).await;
    for sql in ENDLESS {
        let error = failure(&engine, sql).await;
        assert_eq!(error.code(), "sql_limit", "`{sql}`: {error:?}");
        // there is one turn, so an answer shows that the stopped query gave it back
        rows(&engine, "SELECT 1").await;
    }
    // whatever was stopped, the next question is answered
    assert_eq!(rows(&engine, "SELECT count(*) AS n FROM readings").await[0]["n"], 20_000);
}

/// Texts that double in every subquery.
pub(super) fn growing() -> Vec<String> {
    let grown = |step: &str| {
        let double = |sql, _| format!("SELECT {step} AS x FROM ({sql})");
        let sql = (0..30).fold("SELECT sensor AS x FROM readings".to_owned(), double);
        format!("SELECT octet_length(x) FROM ({sql})")
    };
    ["concat(x, x)", "x || x", "concat_ws('', x, x, x)"].map(grown).to_vec()
}

#[tokio::test]
async fn stops_texts_that_grow() {
    let engine = crowded(tight()).await;
    for sql in growing() {
        let error = failure(&engine, &sql).await;
        assert_eq!(error.code(), "sql_limit", "`{sql}`: {error:?}");
    }
}

#[tokio::test]
async fn answers_long_lists_and_survives_awful_patterns() {
    let engine = small().await;
    let list: Vec<String> = (0..10_000).map(|n| n.to_string()).collect();
    let sql = format!("SELECT count(*) AS n FROM readings WHERE seq IN ({})", list.join(","));
    assert_eq!(rows(&engine, &sql).await[0]["n"], 5);

    let bomb = "SELECT count(*) FROM readings WHERE regexp_like(sensor, '((((a{1,100}){1,100}){1,100}){1,100})')";
    let error = failure(&engine, bomb).await;
    assert_eq!(error.code(), "sql_invalid", "{error:?}");
    let backtracking = "SELECT count(*) AS n FROM readings WHERE regexp_like(sensor, '(a+)+$')";
    assert_eq!(rows(&engine, backtracking).await[0]["n"], 3);
}

#[tokio::test]
async fn makes_queries_wait_for_their_turn_and_not_for_ever() {
    let limits =
        Limits { max_concurrent: 1, max_wait: Duration::from_millis(10), timeout: Duration::from_secs(2), ..tight() };
    let engine = crowded(limits).await;
    let heavy = "SELECT sum(a.temperature_c * b.temperature_c) FROM readings a, readings b, readings c";
    let questions = (0..8).map(|_| failure(&engine, heavy));
    let mut overloaded = 0;
    for question in futures::future::join_all(questions).await {
        assert_eq!(question.code(), "sql_limit");
        overloaded += usize::from(matches!(question, SqlError::Overloaded));
    }
    assert!(overloaded >= 1, "{overloaded} of 8 were turned away");
}
