//! API tokens: who may come in.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::name::Name;
use model::role::{Permission, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::users;
use crate::access::{Caller, TokenOrPassword};
use crate::body::{self, Parameters, Place};
use crate::page::{Page, PageParams, bad_cursor};
use crate::person::Because;
use crate::problem::Problem;
use crate::state::Shared;
use crate::view;
use crate::view::token::TokenView;

/// A token to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    /// The name that will stand in the audit trail.
    name: String,
    /// `gateway`, `viewer`, `logistics`, `quality`, `auditor` or `admin`.
    role: String,
    /// The only gateway it may publish as; for the role `gateway`, its name when absent.
    gateway: Option<String>,
    /// The sites it is limited to: places, each with everything inside of it; no limit when absent or null. A gateway,
    /// which reads nothing, has none.
    sites: Option<Vec<String>>,
}

/// A token that was made, shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedToken {
    /// The token: it can't be shown again.
    token: String,
    /// Its name.
    name: String,
    /// Its role.
    role: &'static str,
    /// The gateway it is bound to.
    gateway: Option<String>,
    /// The sites it is limited to; absent without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    sites: Option<Vec<String>>,
}

/// All tokens ever created, revoked ones too, by creation.
#[utoipa::path(get, path = "/v1/tokens", tag = "access", params(PageParams), security(("bearer" = [])), responses(
    (status = 200, body = Page<TokenView>),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    caller: Caller,
    State(shared): State<Shared>,
    Parameters(page): Parameters<PageParams>,
) -> Result<Json<Page<TokenView>>, Problem> {
    caller.must_have(Permission::ManageTokens)?;
    let limit = page.limit()?;
    let mut tokens = shared.given.ledger.tokens().await?.into_iter();
    if let Some(after) = page.after()? {
        tokens.find(|token| token.id == after).ok_or_else(bad_cursor)?;
    }
    let found = tokens.take(limit + 1).collect();
    Ok(Json(Page::cut(found, limit, |token| token.id.clone()).map(TokenView::from)))
}

/// Makes a token and shows it, this once.
#[utoipa::path(post, path = "/v1/tokens", tag = "access", request_body = NewToken,
    security(("bearer" = []), ("basic" = [])), responses(
    (status = 201, body = CreatedToken),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn create(
    TokenOrPassword(caller): TokenOrPassword,
    State(shared): State<Shared>,
    body::Json(wanted): body::Json<NewToken>,
) -> Result<(StatusCode, Json<CreatedToken>), Problem> {
    caller.must_have(Permission::ManageTokens)?;
    let name = parse_name(&wanted.name)?;
    let role = Role::parse(&wanted.role).map_err(|error| Problem::bad_request("role", error.to_string()))?;
    let gateway = match (wanted.gateway.as_deref().map(parse_name).transpose()?, role) {
        (None, Role::Gateway) => Some(name.clone()),
        (gateway, _) => gateway,
    };
    let sites = wanted.sites.as_deref().map(users::sites).transpose()?;
    if sites.is_some() && role == Role::Gateway {
        return Err(Problem::bad_request("sites", "a gateway reads nothing: leave `sites` out"));
    }
    let (ledger, told) = (&shared.given.ledger, sites.as_ref().map(view::sites));
    let token = ledger.create_limited_token(role, &name, gateway.as_ref(), sites, caller.name()).await?;
    let created = CreatedToken {
        sites: told,
        token,
        name: name.to_string(),
        role: role.as_str(),
        gateway: gateway.map(|gateway| gateway.to_string()),
    };
    Ok((StatusCode::CREATED, Json(created)))
}

/// Revokes a token: whoever shows it is a stranger from then on.
#[utoipa::path(delete, path = "/v1/tokens/{id}", tag = "access", params(("id" = String, Path, description = "Its id"), Because),
    security(("bearer" = [])), responses(
    (status = 204),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn revoke(
    caller: Caller,
    State(shared): State<Shared>,
    Place(id): Place<String>,
    Parameters(because): Parameters<Because>,
) -> Result<StatusCode, Problem> {
    caller.must_have(Permission::ManageTokens)?;
    let reason = because.said()?;
    match shared.given.ledger.revoke_token(&id, caller.name(), reason.as_deref()).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(store::Error::AccessRefused { what }) => Err(Problem::not_found(what)),
        Err(error) => Err(error.into()),
    }
}

fn parse_name(text: &str) -> Result<Name, Problem> {
    Name::parse(text).map_err(|error| Problem::bad_request("name", error.to_string()))
}
