//! Request bodies and parameters, with every refusal a problem.

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

use crate::problem::Problem;
use crate::state::Shared;

/// Bytes of a body from somebody who has not shown who they are.
const MAX_STRANGERS_BYTES: usize = 64 << 10;

/// The whole body, within its size and time.
pub(crate) struct Raw(pub(crate) Bytes);

impl FromRequest<Shared> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Problem> {
        Self::within(request, shared, shared.options.max_body_bytes).await
    }
}

impl Raw {
    async fn within(request: Request, shared: &Shared, limit: usize) -> Result<Self, Problem> {
        let json =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
                let media_type = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
                media_type == "application/json"
                    || (media_type.starts_with("application/") && media_type.ends_with("+json"))
            });
        if !json {
            let detail = "the body must be JSON: send `Content-Type: application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", detail));
        }
        let body = request.into_body();
        if body.size_hint().lower() > limit as u64 {
            return Err(too_large(limit));
        }
        match tokio::time::timeout(shared.options.body_timeout, read(body, limit)).await {
            Ok(read) => read.map(Self),
            Err(_) => {
                let detail = "the body took too long to arrive: send it again";
                Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", detail))
            }
        }
    }
}

async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(inner) = cause {
            if inner.to_string().contains("length limit exceeded") {
                return too_large(limit);
            }
            cause = inner.source();
        }
        Problem::bad_request("body", "the body can't be read: it ended early, or its encoding is not what was declared")
    })
}

fn too_large(limit: usize) -> Problem {
    let detail = format!("the body is larger than {limit} bytes: send less at once");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
}

/// The body as a JSON value of a known form.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Shared> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Problem> {
        parsed(&Raw::from_request(request, shared).await?).map(Self)
    }
}

/// The same where nobody has shown yet who they are: the body is short, so that many strangers take little memory.
pub(crate) struct Short<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Shared> for Short<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Problem> {
        let limit = shared.options.max_body_bytes.min(MAX_STRANGERS_BYTES);
        parsed(&Raw::within(request, shared, limit).await?).map(Self)
    }
}

fn parsed<T: DeserializeOwned>(Raw(bytes): &Raw) -> Result<T, Problem> {
    serde_json::from_slice(bytes)
        .map_err(|error| Problem::bad_request("json", format!("the body is not what is expected: {error}")))
}

/// Query parameters of a known form.
pub(crate) struct Parameters<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Shared> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, shared).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(error) => Err(Problem::bad_request("parameter", error.body_text())),
        }
    }
}

/// Parts of the path of a known form.
pub(crate) struct Place<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Shared> for Place<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, shared).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(error) => Err(Problem::bad_request("parameter", error.body_text())),
        }
    }
}
