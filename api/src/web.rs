//! The page and its parts, from inside the binary.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::problem::Problem;
use crate::state::Shared;

/// Only our own script and style, and only our own API to talk to. A camera's picture is shown from memory.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Everything below `web/`, as it is there.
#[derive(RustEmbed)]
#[folder = "web/"]
struct Parts;

/// `/` and what it needs. Holds no data: the page asks the API in the reader's name.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/", get(async |headers: HeaderMap| part("index.html", &headers)))
        .route("/web/{*path}", get(async |Path(path): Path<String>, headers: HeaderMap| part(&path, &headers)))
}

fn part(path: &str, asked: &HeaderMap) -> Response {
    let Some((file, kind)) = Parts::get(path).zip(kind(path)) else {
        let path: String = path.chars().take(200).collect();
        return Problem::not_found(format!("the page has no part `{path}`")).into_response();
    };
    let tag = tag(&file);
    let known = asked.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).is_some_and(|tags| {
        tags.split(',').any(|known| known.trim() == "*" || known.trim().trim_start_matches("W/") == tag)
    });
    let mut response =
        if known { StatusCode::NOT_MODIFIED.into_response() } else { file.data.into_owned().into_response() };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // kept, and asked for again each time: a new binary shows its own page at once
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::try_from(format!("W/{tag}")) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// The type of what is served; other files below `web/` are not parts of the page.
fn kind(path: &str) -> Option<&'static str> {
    let (_, ending) = path.rsplit_once('.')?;
    Some(match ending {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "md" | "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

/// Quoted, from the content. Weak where it is sent: an answer may be compressed or not.
fn tag(file: &EmbeddedFile) -> String {
    let digits: String = file.metadata.sha256_hash().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}
