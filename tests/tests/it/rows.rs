//! Readings as rows, from whoever tells them: the publisher's ledger, SQL, or another engine on the lake's files.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::DateTime;
use serde_json::Value;
use tests::site::Site;

/// What identifies a reading: sensor, and milliseconds since the epoch.
pub(crate) type Identity = (String, i64);

/// What it says: thousandths of a degree, thousandths of a percent, unit, sequence number.
pub(crate) type Said = (Option<i64>, Option<i64>, Option<String>, Option<i64>);

/// Every row, by identity. A reading that is there twice has two entries.
pub(crate) type Rows = BTreeMap<Identity, Vec<Said>>;

/// What SQL tells of all readings.
pub(crate) async fn of_sql(site: &Site) -> Rows {
    let mut rows = Rows::new();
    let query = "SELECT sensor, measured_at, temperature_c, humidity_pct, unit, seq FROM readings";
    for row in site.sql(query).await.unwrap() {
        let at = DateTime::parse_from_rfc3339(row["measured_at"].as_str().unwrap()).unwrap().timestamp_millis();
        let said = (
            thousandths(&row["temperature_c"]),
            thousandths(&row["humidity_pct"]),
            row["unit"].as_str().map(str::to_owned),
            row["seq"].as_i64(),
        );
        rows.entry((row["sensor"].as_str().unwrap().to_owned(), at)).or_default().push(said);
    }
    sorted(rows)
}

/// What delta-rs and DuckDB read in the lake of a data directory.
pub(crate) async fn of_lake(python: &Path, data: &Path) -> Rows {
    let mut command = tokio::process::Command::new(python);
    command.arg(tests::python::script("lake_rows.py")).arg(data.join("lake/readings"));
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut rows = Rows::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |cell: &str| (!cell.is_empty()).then(|| exact(cell.parse().unwrap()));
        let said = (number(cells[2]), number(cells[3]), text(cells[4]), cells[5].parse().ok());
        rows.entry((cells[0].to_owned(), cells[1].parse().unwrap())).or_default().push(said);
    }
    sorted(rows)
}

/// The readings in a file of the publisher, each once.
pub(crate) fn of_ledger(file: &Path) -> BTreeMap<Identity, Said> {
    let mut rows = BTreeMap::new();
    let ledger = std::fs::read_to_string(file).unwrap();
    // The publisher may be writing: its last line counts when it is whole.
    for line in ledger.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        let cells: Vec<&str> = line.split(',').collect();
        let said = (cells[2].parse().ok(), cells[3].parse().ok(), text(cells[4]), cells[5].parse().ok());
        rows.insert((cells[0].to_owned(), cells[1].parse().unwrap()), said);
    }
    rows
}

/// The promise: everything acknowledged is there exactly once with what it said, and nothing that was never sent.
pub(crate) fn check(rows: &Rows, acknowledged: &BTreeMap<Identity, Said>, sent: &BTreeMap<Identity, Said>) {
    let lost: Vec<_> = acknowledged.keys().filter(|identity| !rows.contains_key(*identity)).collect();
    assert!(lost.is_empty(), "{} acknowledged readings are lost, first {:?}", lost.len(), lost.first());
    for (identity, said) in rows {
        let Some(expected) = sent.get(identity) else { panic!("{identity:?} was never sent") };
        assert_eq!(said.as_slice(), std::slice::from_ref(expected), "{identity:?}");
    }
}

fn text(cell: &str) -> Option<String> {
    (!cell.is_empty()).then(|| cell.to_owned())
}

fn thousandths(value: &Value) -> Option<i64> {
    value.as_f64().map(exact)
}

/// Whole thousandths; the value must be the f64 nearest to them.
#[expect(clippy::cast_possible_truncation, reason = "a reading is far from the end of i64")]
fn exact(value: f64) -> i64 {
    let whole = (value * 1000.0).round();
    assert!((whole / 1000.0).to_bits() == value.to_bits() || value == 0.0, "{value} is not a thousandth");
    whole as i64
}

fn sorted(mut rows: Rows) -> Rows {
    rows.values_mut().for_each(|said| said.sort());
    rows
}
