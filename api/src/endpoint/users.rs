//! People's accounts. Besides by token, an administrator comes in by name and password here: with the one-time
//! password of the first start, for instance.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::role::{Permission, Role};
use serde::Deserialize;
use store::ledger::UserInfo;
use utoipa::ToSchema;

use super::holds::name;
use crate::access::TokenOrPassword;
use crate::body::{self, Parameters, Place};
use crate::page::{Page, PageParams, bad_cursor};
use crate::problem::Problem;
use crate::state::Shared;
use crate::view::user::UserView;

/// An account to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    /// The person's name, as it will stand in signatures; their token has the same.
    name: String,
    /// `viewer`, `logistics`, `quality`, `auditor` or `admin`.
    role: String,
    /// 12 to 1024 characters.
    password: String,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    /// 12 to 1024 characters.
    password: String,
}

/// All accounts, by name.
#[utoipa::path(get, path = "/v1/users", tag = "access", params(PageParams),
    security(("bearer" = []), ("basic" = [])), responses(
    (status = 200, body = Page<UserView>),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "`locked_out`", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    TokenOrPassword(caller): TokenOrPassword,
    State(shared): State<Shared>,
    Parameters(page): Parameters<PageParams>,
) -> Result<Json<Page<UserView>>, Problem> {
    caller.must_have(Permission::ManageUsers)?;
    let limit = page.limit()?;
    let mut users = shared.given.ledger.users().into_iter();
    if let Some(after) = page.after()? {
        users.find(|user| user.name.as_str() == after).ok_or_else(bad_cursor)?;
    }
    let found = users.take(limit + 1).collect();
    Ok(Json(Page::cut(found, limit, |user: &UserInfo| user.name.to_string()).map(UserView::from)))
}

/// Creates a person's account.
#[utoipa::path(post, path = "/v1/users", tag = "access", request_body = NewUser,
    security(("bearer" = []), ("basic" = [])), responses(
    (status = 201, body = UserView),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "`locked_out`", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn create(
    TokenOrPassword(caller): TokenOrPassword,
    State(shared): State<Shared>,
    body::Json(wanted): body::Json<NewUser>,
) -> Result<(StatusCode, Json<UserView>), Problem> {
    caller.must_have(Permission::ManageUsers)?;
    let person = name(&wanted.name)?;
    let role = Role::parse(&wanted.role).map_err(|error| Problem::bad_request("role", error.to_string()))?;
    if role == Role::Gateway {
        return Err(Problem::bad_request("role", "a gateway is no person: make it a token"));
    }
    let ledger = &shared.given.ledger;
    ledger.create_user(&person, role, &wanted.password, caller.name()).await?;
    let made = ledger.users().into_iter().find(|user| user.name == person);
    let made = made.ok_or_else(|| Problem::not_found(format!("there is no account `{person}`")))?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Gives an account another password: an administrator any account, a person who comes in by password their own.
#[utoipa::path(post, path = "/v1/users/{id}/password", tag = "access", request_body = NewPassword,
    params(("id" = String, Path, description = "The account's name")),
    security(("bearer" = []), ("basic" = [])), responses(
    (status = 204),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "`locked_out`", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn set_password(
    TokenOrPassword(caller): TokenOrPassword,
    State(shared): State<Shared>,
    Place(id): Place<String>,
    body::Json(wanted): body::Json<NewPassword>,
) -> Result<StatusCode, Problem> {
    let own = caller.by_password() && caller.name().as_str() == id;
    if !own {
        caller.must_have(Permission::ManageUsers)?;
    }
    let ledger = &shared.given.ledger;
    let account = ledger.users().into_iter().find(|user| user.name.as_str() == id);
    let account = account.ok_or_else(|| {
        let shown: String = id.chars().take(64).collect();
        Problem::not_found(format!("there is no account `{shown}`"))
    })?;
    ledger.set_password(&account.name, &wanted.password, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}
