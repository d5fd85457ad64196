//! Lots: what there is of each, where, and what to take first.

use axum::Json;
use axum::extract::State;
use model::gs1::{Gtin, LotKey, LotText};
use model::role::Permission;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::Sighted;
use crate::body::{Parameters, Place};
use crate::page::{Page, PageParams, bad_cursor};
use crate::problem::Problem;
use crate::state::Shared;
use crate::stock::{LotStock, Standing, Stock};
use crate::view::unit::{LotView, UnitView};

/// Which lots, and in what order.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LotParams {
    /// Only lots of this product.
    gtin: Option<String>,
    /// Only lots with units that have not ended, or only those without.
    in_stock: Option<bool>,
    /// `lot` (default): by product and lot number. `effective_expiry`: what to take first comes first.
    order: Option<String>,
    /// `next_cursor` of the page before; absent for the first page.
    cursor: Option<String>,
    /// Items on the page, 1 to 1000; 100 when absent.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

/// Lots with what there is of them.
///
/// The effective expiry of a lot is the earliest of its units that have not ended. Pages of the order
/// `effective_expiry` are told as things stand when each is asked for.
#[utoipa::path(get, path = "/v1/lots", tag = "assessments", params(LotParams), security(("bearer" = [])), responses(
    (status = 200, body = Page<LotView>),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    Parameters(params): Parameters<LotParams>,
) -> Result<Json<Page<LotView>>, Problem> {
    caller.must_have(Permission::Read)?;
    let page = PageParams { cursor: params.cursor.clone(), limit: params.limit };
    let (limit, after) = (page.limit()?, page.after()?);
    let by_expiry = match params.order.as_deref() {
        None | Some("lot") => false,
        Some("effective_expiry") => true,
        Some(word) => {
            let word: String = word.chars().take(40).collect();
            let detail = format!("`order` is `{word}`: use `lot` or `effective_expiry`");
            return Err(Problem::bad_request("parameter", detail));
        }
    };
    if after.as_deref().is_some_and(|after| !is_key(after, by_expiry)) {
        return Err(bad_cursor());
    }
    let gtin = params.gtin.as_deref().map(gtin).transpose()?;
    let look = move |stock: &Stock| {
        let found = lots(stock, gtin, params.in_stock, by_expiry);
        let behind = found.into_iter().filter(|(key, ..)| after.as_ref().is_none_or(|after| key > after));
        let page = Page::cut(behind.take(limit + 1).collect(), limit, |(key, ..)| key.clone());
        Ok(Json(page.map(|(_, _, view)| view)))
    };
    Stock::look(&shared, &caller, look).await
}

/// The lots, each with what the list is ordered by.
pub(crate) fn lots(
    stock: &Stock,
    gtin: Option<Gtin>,
    in_stock: Option<bool>,
    by_expiry: bool,
) -> Vec<(String, LotKey, LotView)> {
    let mut there = LotStock::of(stock, gtin.as_ref().map(Gtin::as_str));
    let wanted = stock.registry().lots.iter().filter(|lot| gtin.is_none_or(|gtin| gtin == lot.gtin));
    let registered = wanted.filter(|lot| stock.sight.lot(&LotKey { gtin: lot.gtin, lot: lot.lot.clone() }));
    let mut found: Vec<(String, LotKey, LotView)> = registered
        .filter_map(|lot| {
            let key = LotKey { gtin: lot.gtin, lot: lot.lot.clone() };
            let of_lot = there.remove(&key).unwrap_or_default();
            if in_stock.is_some_and(|in_stock| in_stock != (of_lot.units.open > 0)) {
                return None;
            }
            let expiry = of_lot.effective_expiry.unwrap_or(lot.expires_on);
            let order = if by_expiry { format!("{expiry} {key}") } else { key.to_string() };
            let view = LotView::of(stock, &key, &of_lot)?;
            Some((order, key, view))
        })
        .collect();
    found.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    found
}

/// Whether a cursor's key may be one of the list.
fn is_key(key: &str, by_expiry: bool) -> bool {
    let lot = if by_expiry { key.split_once(' ').map(|(_, lot)| lot) } else { Some(key) };
    lot.is_some_and(|lot| LotKey::parse(lot).is_ok())
}

/// The product that `text` spells.
pub(crate) fn gtin(text: &str) -> Result<Gtin, Problem> {
    Gtin::parse(text).map_err(|error| Problem::bad_request("name", error.to_string()))
}

/// A lot, where it is, and its units.
#[derive(Serialize, ToSchema)]
pub(crate) struct LotInFull {
    #[serde(flatten)]
    lot: LotView,
    /// Where units of it are that have not ended.
    places: Vec<LotPlace>,
    /// Its units, by id; those that have ended too.
    units: Page<UnitView>,
}

/// How much of a lot is in a place.
#[derive(Serialize, ToSchema)]
pub(crate) struct LotPlace {
    /// The place; null when nobody said where.
    place: Option<String>,
    /// The site it is on.
    site: Option<String>,
    /// How many units are there.
    units: usize,
    /// The quantity in them.
    quantity: u64,
}

/// One lot: what there is of it, where it is, and its units page by page.
#[utoipa::path(get, path = "/v1/lots/{gtin}/{lot}", tag = "assessments", security(("bearer" = [])),
    params(("gtin" = String, Path, description = "The product"), ("lot" = String, Path, description = "The lot number"),
           PageParams), responses(
    (status = 200, body = LotInFull),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn one(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    Place((product, lot)): Place<(String, String)>,
    Parameters(page): Parameters<PageParams>,
) -> Result<Json<LotInFull>, Problem> {
    caller.must_have(Permission::Read)?;
    let (limit, after) = (page.limit()?, page.after()?);
    let lot = LotText::parse(&lot).map_err(|error| Problem::bad_request("name", error.to_string()))?;
    let key = LotKey { gtin: gtin(&product)?, lot };
    let look = move |stock: &Stock| {
        let registry = stock.registry();
        let mut there = LotStock::default();
        let units = stock.units();
        let of_lot = units.iter().filter(|unit| registry.lot_of(unit).as_ref() == Some(&key));
        let standing: Vec<Standing> = of_lot.filter_map(|unit| stock.standing(unit)).collect();
        standing.iter().for_each(|standing| there.add(standing));
        let unknown = || Problem::not_found(format!("there is no lot `{key}`"));
        let lot = LotView::of(stock, &key, &there).filter(|_| stock.sight.lot(&key)).ok_or_else(unknown)?;
        let places = there.places.iter().map(|(place, (units, quantity))| LotPlace {
            place: place.as_ref().map(ToString::to_string),
            site: place.as_ref().and_then(|place| registry.site_of(place)).map(|site| site.to_string()),
            units: *units,
            quantity: *quantity,
        });
        let places = places.collect();
        if after.as_ref().is_some_and(|after| !standing.iter().any(|standing| standing.unit.as_str() == after)) {
            return Err(bad_cursor());
        }
        let behind = standing.iter().filter(|one| after.as_deref().is_none_or(|after| one.unit.as_str() > after));
        let page = Page::cut(behind.take(limit + 1).collect(), limit, |standing| standing.unit.to_string());
        Ok(Json(LotInFull { lot, places, units: page.map(|standing| UnitView::of(stock, standing)) }))
    };
    Stock::look(&shared, &caller, look).await
}
