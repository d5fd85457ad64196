//! People's accounts. Besides by token, an administrator comes in by name and password here: with the one-time
//! password of the first start, for instance.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::role::{Permission, Role};
use model::sight::Sites;
use serde::{Deserialize, Deserializer};
use store::ledger::{UserChange, UserInfo};
use utoipa::ToSchema;

use super::holds::name;
use crate::access::TokenOrPassword;
use crate::body::{self, Parameters, Place};
use crate::page::{Page, PageParams, bad_cursor};
use crate::person::said;
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
    /// The sites the person is limited to: places, each with everything inside of it; no limit when absent or null.
    sites: Option<Vec<String>>,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    /// 12 to 1024 characters.
    password: String,
    /// The password until now: wanted of somebody who changes their own in a session, unless it was meant for once.
    current: Option<String>,
}

/// What changes of an account. What is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedUser {
    /// `viewer`, `logistics`, `quality`, `auditor` or `admin`.
    role: Option<String>,
    /// Whether nobody comes in with it.
    disabled: Option<bool>,
    /// The sites the person is limited to; null lifts the limit.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    sites: Option<Option<Vec<String>>>,
    /// Why.
    reason: Option<String>,
}

/// What was given, null too; absent is what is not given at all.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Vec<String>>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The limit that `places` are.
pub(crate) fn sites(places: &[String]) -> Result<Sites, Problem> {
    let places = places.iter().map(|place| name(place)).collect::<Result<Vec<_>, _>>()?;
    Sites::new(places).map_err(|error| Problem::bad_request("sites", error.to_string()))
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
    let role = of_person(&wanted.role)?;
    let ledger = &shared.given.ledger;
    let sites = wanted.sites.as_deref().map(sites).transpose()?;
    ledger.create_limited_user(&person, role, sites, &wanted.password, caller.name()).await?;
    Ok((StatusCode::CREATED, Json(account(&shared, person.as_str())?.into())))
}

/// Gives an account another role or another limit to sites, disables it, or lets it in again; its sessions end. Nobody
/// changes their own.
#[utoipa::path(patch, path = "/v1/users/{id}", tag = "access", request_body = ChangedUser,
    params(("id" = String, Path, description = "The account's name")),
    security(("bearer" = []), ("basic" = [])), responses(
    (status = 200, body = UserView),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "`locked_out`", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn change(
    TokenOrPassword(caller): TokenOrPassword,
    State(shared): State<Shared>,
    Place(id): Place<String>,
    body::Json(wanted): body::Json<ChangedUser>,
) -> Result<Json<UserView>, Problem> {
    caller.must_have(Permission::ManageUsers)?;
    let role = wanted.role.as_deref().map(of_person).transpose()?;
    let reason = wanted.reason.as_deref().map(said).transpose()?;
    let person = account(&shared, &id)?.name;
    let limit = |places: Option<Vec<String>>| places.as_deref().map(sites).transpose();
    let change = UserChange { role, disabled: wanted.disabled, sites: wanted.sites.map(limit).transpose()? };
    shared.given.ledger.change_user(&person, change, reason.as_deref(), caller.name()).await?;
    Ok(Json(account(&shared, &id)?.into()))
}

/// Gives an account another password: an administrator any account, a person who has signed in their own. Its sessions
/// end, this one too.
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
    let is_theirs = caller.name().as_str() == id;
    match caller.session().filter(|_| is_theirs) {
        // whoever finds a session left open must not make its person's signature their own
        Some(session) if !session.one_time => caller.shows(&shared, wanted.current.as_deref()).await?,
        Some(_) => {}
        None if is_theirs && caller.by_password() => {}
        None if caller.0.sites.is_some() => return Err(Problem::site_limited()),
        None => caller.must_have(Permission::ManageUsers)?,
    }
    let account = account(&shared, &id)?;
    shared.given.ledger.set_password(&account.name, &wanted.password, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A role that a person may have.
fn of_person(word: &str) -> Result<Role, Problem> {
    let role = Role::parse(word).map_err(|error| Problem::bad_request("role", error.to_string()))?;
    if role == Role::Gateway {
        return Err(Problem::bad_request("role", "a gateway is no person: make it a token"));
    }
    Ok(role)
}

/// The account `id`.
fn account(shared: &Shared, id: &str) -> Result<UserInfo, Problem> {
    let found = shared.given.ledger.users().into_iter().find(|user| user.name.as_str() == id);
    found.ok_or_else(|| {
        let shown: String = id.chars().take(64).collect();
        Problem::not_found(format!("there is no account `{shown}`"))
    })
}
