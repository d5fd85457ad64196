//! Histories of sensors, asked of the query engine.
//!
//! Statements are only ever built from checked names and whole numbers (invariant S1).

use analytics::sql::{Engine, Format, Reach};
use model::instant::to_rfc3339;
use model::name::Name;
use serde_json::{Value, json};

use crate::page::{Page, PageParams, bad_cursor};
use crate::problem::Problem;

/// A part of a sensor's history; ends are milliseconds since the epoch.
pub(crate) struct Span {
    pub(crate) sensor: Name,
    pub(crate) from: Option<i64>,
    pub(crate) to: Option<i64>,
}

impl Span {
    /// The condition that holds for its readings.
    fn condition(&self) -> String {
        let mut condition = format!("sensor = '{}'", self.sensor);
        if let Some(from) = self.from {
            condition.push_str(&format!(" AND measured_at >= to_timestamp_millis({from})"));
        }
        if let Some(to) = self.to {
            condition.push_str(&format!(" AND measured_at < to_timestamp_millis({to})"));
        }
        condition
    }
}

/// Each reading of `span`, by instant.
pub(crate) async fn readings(engine: &Engine, span: &Span, page: &PageParams) -> Result<Page<Value>, Problem> {
    let limit = page.limit()?;
    // the instant of the last reading given out, and how many of that instant were: conflicts share one
    let (after, skip) = match page.after()? {
        None => (None, 0),
        Some(text) => {
            let (at, skip) = text.split_once('/').ok_or_else(bad_cursor)?;
            let at: i64 = at.parse().map_err(|_| bad_cursor())?;
            (Some(at), skip.parse::<u32>().map_err(|_| bad_cursor())?)
        }
    };
    let from = after.max(span.from);
    let span = Span { sensor: span.sensor.clone(), from, to: span.to };
    let sql = format!(
        "SELECT CAST(measured_at AS BIGINT) AS ms, measured_at, received_at, temperature_c, humidity_pct, unit, seq, quality \
         FROM readings WHERE {} ORDER BY ms, received_at, temperature_c, humidity_pct LIMIT {} OFFSET {skip}",
        span.condition(),
        limit + 1,
    );
    let mut rows = ask(engine, &sql).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let instants: Vec<i64> = rows.iter().filter_map(|row| row["ms"].as_i64()).collect();
    let cursor = instants.last().map(|last| {
        let same = instants.iter().filter(|at| *at == last).count();
        let before = if after == Some(*last) { skip as usize } else { 0 };
        format!("{last}/{}", same + before)
    });
    for row in &mut rows {
        if let Some(fields) = row.as_object_mut() {
            fields.shift_remove("ms");
        }
    }
    Ok(Page::of(rows, cursor.filter(|_| more)))
}

/// At most `points` buckets of `span`, each with the extremes and the last of its readings.
pub(crate) async fn buckets(engine: &Engine, span: &Span, points: u32) -> Result<Page<Value>, Problem> {
    let condition = span.condition();
    let ends = format!(
        "SELECT CAST(min(measured_at) AS BIGINT) AS low, CAST(max(measured_at) AS BIGINT) AS high FROM readings WHERE {condition}"
    );
    let ends = ask(engine, &ends).await?;
    let end = |name: &str| ends.first().and_then(|row| row[name].as_i64());
    let (Some(low), Some(high)) = (end("low"), end("high")) else { return Ok(Page::of(Vec::new(), None)) };
    let (from, to) = (span.from.unwrap_or(low), span.to.unwrap_or(high.saturating_add(1)));
    let length = to.saturating_sub(from).max(1);
    let width = length.saturating_add(i64::from(points) - 1) / i64::from(points);

    let of = |column: &str| {
        format!(
            "min({column}) AS {column}_min, max({column}) AS {column}_max, \
             last_value({column} ORDER BY measured_at) FILTER (WHERE {column} IS NOT NULL) AS {column}_last"
        )
    };
    let sql = format!(
        "SELECT (CAST(measured_at AS BIGINT) - {from}) / {width} AS bucket, count(*) AS readings, max(measured_at) AS last_at, \
         {}, {} FROM readings WHERE {condition} GROUP BY 1 ORDER BY 1",
        of("temperature_c"),
        of("humidity_pct"),
    );
    let bucket = |row: Value| {
        let start = from + row["bucket"].as_i64().unwrap_or_default() * width;
        let quantity = |name: &str| json!({"min": row[format!("{name}_min")], "max": row[format!("{name}_max")], "last": row[format!("{name}_last")]});
        json!({
            "from": to_rfc3339(start),
            "to": to_rfc3339(start.saturating_add(width).min(to)),
            "readings": row["readings"],
            "last_at": row["last_at"],
            "temperature_c": quantity("temperature_c"),
            "humidity_pct": quantity("humidity_pct"),
        })
    };
    Ok(Page::of(ask(engine, &sql).await?.into_iter().map(bucket).collect(), None))
}

/// The rows of `sql`.
async fn ask(engine: &Engine, sql: &str) -> Result<Vec<Value>, Problem> {
    let encoded = engine.encoded(sql, Format::Json, Reach::NoAudit).await?;
    let mut answer: Value = serde_json::from_slice(&encoded.bytes).map_err(|error| Problem::internal(&error))?;
    match answer["rows"].take() {
        Value::Array(rows) => Ok(rows),
        _ => Ok(Vec::new()),
    }
}
