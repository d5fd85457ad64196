//! Every route, in one list.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::description;
use crate::endpoint::{
    acts, alarms, audit, dispatch, events, excursions, health, holds, lists, lots, moves, notifications, oidc,
    readings, recipients, registry, report, scan, session, sites, sql, tokens, units, users,
};
use crate::problem::Problem;
use crate::state::Shared;
use crate::web;

/// The routes and their description.
fn described() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(description::document())
        // is it well
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        // in, and ask
        .routes(routes!(sql::ask))
        .routes(routes!(readings::take))
        .routes(routes!(readings::of_sensor))
        // what is registered
        .routes(routes!(registry::apply))
        .routes(routes!(lists::products))
        .routes(routes!(lists::places))
        .routes(routes!(lists::sensors))
        .routes(routes!(lists::associations))
        // what is known of units
        .routes(routes!(units::list))
        .routes(routes!(units::one))
        .routes(routes!(units::assessment))
        .routes(routes!(readings::of_unit))
        .routes(routes!(lots::list))
        .routes(routes!(lots::one))
        .routes(routes!(scan::scan))
        .routes(routes!(sites::list))
        .routes(routes!(excursions::list))
        .routes(routes!(report::report))
        .routes(routes!(lists::moves, moves::record))
        // what is held, who decides about it, and what may go out
        .routes(routes!(holds::list, holds::place))
        .routes(routes!(holds::one))
        .routes(routes!(acts::review_hold))
        .routes(routes!(acts::release_hold))
        .routes(routes!(acts::reject_hold))
        .routes(routes!(acts::review_incident))
        .routes(routes!(acts::release_incident))
        .routes(routes!(acts::reject_incident))
        .routes(routes!(acts::accept))
        .routes(routes!(dispatch::check))
        .routes(routes!(alarms::list))
        .routes(routes!(alarms::acknowledge))
        // who is told
        .routes(routes!(notifications::list))
        .routes(routes!(notifications::state))
        .routes(routes!(recipients::list, recipients::register))
        .routes(routes!(events::stream))
        // who did what, and who may
        .routes(routes!(session::begin, session::show, session::end))
        .routes(routes!(oidc::provider))
        .routes(routes!(oidc::sign_in))
        .routes(routes!(oidc::sign_again))
        .routes(routes!(oidc::callback))
        .routes(routes!(audit::list))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::change))
        .routes(routes!(users::set_password))
}

/// The routes that somebody who is limited to sites may ask, with the method: each shows no more than they see, and does
/// nothing beyond it. Every other route is closed to them, so that a new one is until it is written down here.
const SITE_AWARE: [(&str, &str); 31] = [
    ("GET", "/v1/products"),
    ("GET", "/v1/places"),
    ("GET", "/v1/sensors"),
    ("GET", "/v1/associations"),
    ("GET", "/v1/moves"),
    ("POST", "/v1/moves"),
    ("GET", "/v1/units"),
    ("GET", "/v1/units/{id}"),
    ("GET", "/v1/units/{id}/assessment"),
    ("GET", "/v1/units/{id}/readings"),
    ("GET", "/v1/units/{id}/dispatch-check"),
    ("POST", "/v1/units/{id}/accept"),
    ("GET", "/v1/sensors/{id}/readings"),
    ("GET", "/v1/lots"),
    ("GET", "/v1/lots/{gtin}/{lot}"),
    ("GET", "/v1/scan"),
    ("GET", "/v1/sites"),
    ("GET", "/v1/excursions"),
    ("GET", "/v1/report"),
    ("GET", "/v1/holds"),
    ("POST", "/v1/holds"),
    ("GET", "/v1/holds/{id}"),
    ("POST", "/v1/holds/{id}/review"),
    ("POST", "/v1/holds/{id}/release"),
    ("POST", "/v1/holds/{id}/reject"),
    ("POST", "/v1/incidents/{id}/review"),
    ("POST", "/v1/incidents/{id}/release"),
    ("POST", "/v1/incidents/{id}/reject"),
    ("GET", "/v1/alarms"),
    ("POST", "/v1/alarms/{id}/acknowledge"),
    ("GET", "/v1/events"),
];

/// The routes that show nobody more than themselves, and so are open to whoever is limited to sites, too.
const OWN: [(&str, &str); 4] = [
    ("GET", "/v1/session"),
    ("DELETE", "/v1/session"),
    ("POST", "/v1/oidc/sign-again"),
    ("POST", "/v1/users/{id}/password"),
];

/// Whether somebody who is limited to sites may ask `route`, as it is described.
pub(crate) fn is_site_aware(method: &Method, route: &str) -> bool {
    let method = if *method == Method::HEAD { Method::GET.as_str() } else { method.as_str() };
    SITE_AWARE.iter().chain(&OWN).any(|open| *open == (method, route))
}

/// The OpenAPI 3.1 description of all routes.
#[must_use]
pub fn openapi() -> OpenApi {
    description::completed(described().split_for_parts().1)
}

/// The service: all routes, and what applies to every request.
pub(crate) fn service(shared: Shared) -> Router {
    let (router, openapi) = described().split_for_parts();
    let openapi = Arc::new(description::completed(openapi));
    let (limit, is_secure) = (shared.options.max_body_bytes, shared.options.is_secure());
    router
        .merge(web::routes())
        .route("/openapi.json", get(move || async move { axum::Json(openapi) }))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(shared)
        .layer(DefaultBodyLimit::disable())
        .layer(CompressionLayer::new())
        .layer(RequestDecompressionLayer::new())
        .layer(RequestBodyLimitLayer::new(limit))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(move |request, next| every_response(request, next, is_secure)))
}

async fn not_found(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::not_found(format!("there is nothing at `{path}`: see `/openapi.json`"))
}

async fn method_not_allowed(method: Method) -> Problem {
    let detail = format!("`{method}` is not answered here: see `/openapi.json`");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("an endpoint panicked");
    let detail = "the request failed inside: the log tells why";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response()
}

/// What every response carries and what is counted of it. Refusals of the layers below become problems.
async fn every_response(request: axum::extract::Request, next: Next, is_secure: bool) -> Response {
    let started = std::time::Instant::now();
    let mut response = next.run(request).await;
    if response.status().is_client_error() && response.headers().get(header::CONTENT_TYPE).is_none_or(is_plain_text) {
        response = problem_of_layer(response.status());
    }
    let class = match response.status().as_u16() / 100 {
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    };
    metrics::counter!("coldtrail_http_requests_total", "status" => class).increment(1);
    metrics::histogram!("coldtrail_http_request_seconds").record(started.elapsed());
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if is_secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

fn is_plain_text(value: &HeaderValue) -> bool {
    value.as_bytes().starts_with(b"text/plain")
}

fn problem_of_layer(status: StatusCode) -> Response {
    let (code, detail) = match status {
        StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "the body is too large: send less at once"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("media_type", "the body's encoding is not known: use gzip or none"),
        _ => ("bad_request", "the request can't be read"),
    };
    Problem::new(status, code, detail).into_response()
}
