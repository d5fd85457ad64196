//! What the OpenAPI description says of every route alike.

use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, Info, OpenApi, OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder,
};

/// What any route with parameters answers.
const OF_PARAMETERS: [(&str, &str); 1] = [("400", "A parameter is wrong: `parameter`, `cursor`, `name`")];

/// What any route with a body answers.
const OF_BODIES: [(&str, &str); 4] = [
    ("400", "The body can't be read: `json`, `body`"),
    ("408", "`timeout`: the body took too long to arrive"),
    ("413", "`too_large`: the body, as sent or unpacked"),
    ("415", "`media_type`: the body is no JSON, or packed in an unknown way"),
];

/// What any route answers that changes something and asks who is there.
const OF_CHANGES: [(&str, &str); 1] = [("403", "`csrf`: a session without its secret in `X-CSRF-Token`")];

/// What any route answers.
const OF_ALL: [(&str, &str); 1] = [("500", "`internal`: the log tells why")];

/// The description before any route is in it.
pub(crate) fn document() -> OpenApi {
    let mut components = Components::new();
    components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    let cookie = ApiKey::Cookie(ApiKeyValue::with_description(
        "coldtrail_session",
        "As `POST /v1/session` sets it. With it, what is no GET needs `X-CSRF-Token` too",
    ));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    components.add_security_scheme("basic", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)));
    let mut info = Info::new("Coldtrail", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "Readings in, questions answered, the registry, holds and who decides about them, the audit trail.".to_owned(),
    );
    OpenApiBuilder::new().info(info).components(Some(components)).build()
}

/// Adds to every route what all of its kind answer. What a route says itself stays.
pub(crate) fn completed(mut description: OpenApi) -> OpenApi {
    for path in description.paths.paths.values_mut() {
        for operation in [&mut path.post, &mut path.put, &mut path.patch, &mut path.delete].into_iter().flatten() {
            let is_guarded = operation.security.is_some();
            add(operation, OF_CHANGES.iter().filter(|_| is_guarded));
        }
        for operation in operations(path) {
            let has_parameters = operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty());
            let has_body = operation.request_body.is_some();
            let is_guarded = operation.security.is_some();
            let parameters = OF_PARAMETERS.iter().filter(|_| has_parameters);
            let bodies = OF_BODIES.iter().filter(|_| has_body);
            let all = OF_ALL.iter().filter(|_| is_guarded);
            add(operation, bodies.chain(parameters).chain(all));
            // who may come with a token may come with a session
            if let Some(ways) = &mut operation.security {
                ways.push(SecurityRequirement::new("session", [""; 0]));
            }
        }
    }
    description
}

/// Adds what `operation` answers besides what it says itself.
fn add<'a>(operation: &mut Operation, answers: impl Iterator<Item = &'a (&'a str, &'a str)>) {
    for (status, what) in answers {
        let responses = &mut operation.responses.responses;
        responses.entry((*status).to_owned()).or_insert_with(|| RefOr::T(problem(what)));
    }
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.get, &mut path.put, &mut path.post, &mut path.delete, &mut path.patch].into_iter().flatten()
}

fn problem(what: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(what).content("application/problem+json", content).build()
}
