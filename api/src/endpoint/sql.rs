//! Questions in SQL.

use analytics::sql::{Format, Reach};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use model::role::Permission;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::access::Caller;
use crate::body;
use crate::problem::Problem;
use crate::state::Shared;

/// Bytes handed to the connection at once.
const CHUNK_BYTES: usize = 64 << 10;

/// Says of CSV whether its texts have apostrophes before what a spreadsheet would take for a formula.
const CSV_TEXTS: HeaderName = HeaderName::from_static("coldtrail-csv-texts");

/// A question.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// One query: `SELECT`, `WITH … SELECT`, `VALUES`, or `EXPLAIN` of one.
    #[schema(example = "SELECT sensor, max(temperature_c) AS hot FROM readings GROUP BY sensor")]
    sql: String,
    /// `json` (default), `csv`, `csv-exact`, `parquet` or `arrow`.
    #[serde(default)]
    format: Option<String>,
}

/// Answers one read-only query, whole or not at all.
#[utoipa::path(post, path = "/v1/sql", tag = "sql", request_body = Question, security(("bearer" = [])), responses(
    (status = 200, description = "The answer: `{\"columns\":[{\"name\",\"type\"}],\"rows\":[{…}]}`, or the format asked for"),
    (status = 400, description = "`sql_refused`, `sql_invalid`", body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`sql_limit`: rows, bytes or memory", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "`sql_limit`: too many queries", body = Problem, content_type = "application/problem+json"),
    (status = 504, description = "`sql_limit`: time", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn ask(
    caller: Caller,
    State(shared): State<Shared>,
    body::Json(question): body::Json<Question>,
) -> Result<Response, Problem> {
    caller.must_have(Permission::Sql)?;
    let format = match question.format.as_deref() {
        None => Format::Json,
        Some(name) => Format::parse(name).filter(|format| *format != Format::Table).ok_or_else(|| {
            Problem::bad_request(
                "format",
                "the format is not known: use `json`, `csv`, `csv-exact`, `parquet` or `arrow`",
            )
        })?,
    };
    let reach = if caller.0.role.may(Permission::ReadAudit) { Reach::Everything } else { Reach::NoAudit };
    let encoded = shared.given.engine.encoded(&question.sql, format, reach).await?;
    let mut response = send(&shared, encoded.bytes, format.media_type())?;
    if let Some(texts) = format.texts() {
        response.headers_mut().insert(CSV_TEXTS, HeaderValue::from_static(texts));
    }
    Ok(response)
}

/// The room an answer takes while it is on its way. Whoever looks at the metrics sees how much that is.
struct Room {
    _permit: OwnedSemaphorePermit,
    bytes: f64,
}

impl Room {
    fn take(permit: OwnedSemaphorePermit, bytes: usize) -> Self {
        let bytes = bytes as f64;
        metrics::gauge!("coldtrail_http_sending_bytes").increment(bytes);
        Self { _permit: permit, bytes }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        metrics::gauge!("coldtrail_http_sending_bytes").decrement(self.bytes);
    }
}

/// `bytes` as a response that counts against what is being sent, and is cut off when it takes too long: a client
/// that reads a byte a second holds its answer for a while and no longer.
fn send(shared: &Shared, bytes: Vec<u8>, media_type: &'static str) -> Result<Response, Problem> {
    let kibibytes = u32::try_from((bytes.len() >> 10) + 1).unwrap_or(u32::MAX);
    let Ok(room) = std::sync::Arc::clone(&shared.sending).try_acquire_many_owned(kibibytes) else {
        return Err(Problem::unavailable("sql_limit", "too many answers are being sent: try again"));
    };
    let (length, bytes) = (bytes.len(), Bytes::from(bytes));
    let room = Room::take(room, length);
    let deadline = Instant::now() + shared.options.send_timeout;
    let chunks = futures::stream::iter((0..length).step_by(CHUNK_BYTES)).map(move |from| {
        let _room = &room;
        if Instant::now() > deadline {
            return Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "the client reads too slowly"));
        }
        Ok(bytes.slice(from..length.min(from + CHUNK_BYTES)))
    });
    let headers = [(header::CONTENT_TYPE, media_type.to_owned()), (header::CONTENT_LENGTH, length.to_string())];
    Ok((headers, Body::from_stream(chunks)).into_response())
}
