//! The page and its parts, from inside the binary.

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::state::Shared;

/// Only our own script and style, and only our own API to talk to.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// `/` and what it needs. Holds no data: the page asks the API with the reader's token.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/", get(|| part("text/html; charset=utf-8", include_str!("../web/index.html"))))
        .route("/web/app.js", get(|| part("text/javascript; charset=utf-8", include_str!("../web/app.js"))))
        .route("/web/style.css", get(|| part("text/css; charset=utf-8", include_str!("../web/style.css"))))
}

async fn part(kind: &'static str, text: &'static str) -> Response {
    let policy = (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind)), policy], text).into_response()
}
