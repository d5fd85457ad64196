//! Holds: found, looked at, and placed by people.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::gs1::{Gtin, LotKey, LotText};
use model::hold::{Hold, HoldId, HoldState, Holds, IncidentId, Scope};
use model::instant::ValidAt;
use model::name::Name;
use model::registry::Registry;
use model::role::Permission;
use model::sight::Sight;
use serde::Deserialize;
use store::ledger::{HoldRefusal, NewHold};
use utoipa::{IntoParams, ToSchema};

use crate::access::Sighted;
use crate::body::{self, Parameters, Place};
use crate::page::{Page, PageParams, bad_cursor};
use crate::person::said;
use crate::problem::Problem;
use crate::state::Shared;
use crate::view::hold::HoldView;

/// Which holds.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HoldParams {
    /// `open`, `under_review`, `released` or `rejected`.
    state: Option<String>,
    /// Only holds that concern this unit: its own, its lot's, those of the places it is in.
    unit: Option<String>,
    /// Only holds on lots of this product, or on units of it.
    gtin: Option<String>,
    /// Only holds on this lot, or on units of it.
    lot: Option<String>,
    /// Only holds on this place, or on units in it.
    place: Option<String>,
    /// `manual`, or the code of a reason, for instance `excursion`.
    cause: Option<String>,
    /// Only holds of this incident.
    incident: Option<String>,
    /// `next_cursor` of the page before; absent for the first page.
    cursor: Option<String>,
    /// Items on the page, 1 to 1000; 100 when absent.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

/// The filters, read.
struct Wanted<'a> {
    params: &'a HoldParams,
    state: Option<HoldState>,
    /// The holds that concern the unit, by id, when one is asked about.
    concerning: Option<Vec<Arc<Hold>>>,
    registry: &'a Registry,
    sight: &'a Sight,
    now: ValidAt,
}

impl<'a> Wanted<'a> {
    fn of(
        params: &'a HoldParams,
        (registry, sight): (&'a Registry, &'a Sight),
        holds: &Holds,
        now: ValidAt,
    ) -> Result<Self, Problem> {
        let state = match &params.state {
            None => None,
            Some(word) => Some(HoldState::parse(word).ok_or_else(|| {
                let detail = format!("`state` is `{word}`: use `open`, `under_review`, `released` or `rejected`");
                Problem::bad_request("parameter", detail)
            })?),
        };
        let unit = params.unit.as_deref().map(name).transpose()?;
        // of a unit that is not seen nothing is told, not even what concerns its lot
        let of_seen = |unit: Name| if sight.unit(&unit) { holds.concerning(registry, &unit, now) } else { Vec::new() };
        let concerning = unit.map(of_seen);
        params.place.as_deref().map(name).transpose()?;
        Ok(Self { params, state, concerning, registry, sight, now })
    }

    fn includes(&self, hold: &Hold) -> bool {
        let is = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|wanted| wanted == value);
        self.sight.hold(hold)
            && self.state.is_none_or(|state| state == hold.state)
            && is(&self.params.cause, hold.cause.code())
            && is(&self.params.incident, hold.incident.name().as_str())
            && self.is_of_lot(hold)
            && self.params.place.as_deref().is_none_or(|place| self.is_in(hold, place))
    }

    fn is_of_lot(&self, hold: &Hold) -> bool {
        let HoldParams { gtin, lot, .. } = self.params;
        if gtin.is_none() && lot.is_none() {
            return true;
        }
        let key = match &hold.scope {
            Scope::Unit(unit) => self.registry.lot_of(unit),
            Scope::Lot(key) => Some(key.clone()),
            Scope::Place(_) => None,
        };
        let is = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|wanted| wanted == value);
        key.is_some_and(|key| is(gtin, key.gtin.as_str()) && is(lot, key.lot.as_str()))
    }

    fn is_in(&self, hold: &Hold, place: &str) -> bool {
        match &hold.scope {
            Scope::Unit(unit) => self
                .registry
                .place_of(unit, self.now)
                .is_some_and(|at| self.registry.places_around(&at).iter().any(|around| around.as_str() == place)),
            Scope::Lot(_) => false,
            Scope::Place(held) => held.as_str() == place,
        }
    }
}

/// Holds, in the order they were placed; ended ones too, unless `state` says otherwise.
#[utoipa::path(get, path = "/v1/holds", tag = "holds", params(HoldParams), security(("bearer" = [])), responses(
    (status = 200, body = Page<HoldView>),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    Parameters(params): Parameters<HoldParams>,
) -> Result<Json<Page<HoldView>>, Problem> {
    caller.must_have(Permission::Read)?;
    let page = PageParams { cursor: params.cursor.clone(), limit: params.limit };
    let limit = page.limit()?;
    let after = match page.after()? {
        Some(text) => Some(HoldId::parse(&text).ok_or_else(bad_cursor)?),
        None => None,
    };
    let snapshot = shared.given.ledger.snapshot();
    let sight = caller.sight(&shared);
    let wanted = Wanted::of(&params, (&snapshot.registry, &sight), &snapshot.holds, shared.now())?;
    let found: Vec<_> = match wanted.concerning.clone() {
        Some(concerning) => {
            let behind = concerning.into_iter().filter(|hold| after.is_none_or(|after| hold.id > after));
            behind.filter(|hold| wanted.includes(hold)).take(limit + 1).collect()
        }
        None if params.incident.is_some() => {
            let incident = params.incident.as_deref().and_then(|id| Name::parse(id).ok()).map(IncidentId::new);
            let of = incident.into_iter().flat_map(|incident| snapshot.holds.of_incident(&incident));
            let behind = of.filter(|hold| after.is_none_or(|after| hold.id > after));
            behind.filter(|hold| wanted.includes(hold)).take(limit + 1).collect()
        }
        None => snapshot.holds.after(after).filter(|hold| wanted.includes(hold)).take(limit + 1).collect(),
    };
    let more = found.len() > limit;
    let mut views = Vec::with_capacity(found.len());
    for hold in found.iter().take(limit) {
        views.push(HoldView::of(hold, &shared, &sight).await?);
    }
    let cursor = found.iter().take(limit).next_back().filter(|_| more).map(|hold| hold.id.to_string());
    Ok(Json(Page::of(views, cursor)))
}

/// One hold with every version of its evidence and every signature.
#[utoipa::path(get, path = "/v1/holds/{id}", tag = "holds", params(("id" = String, Path, description = "Its id")),
    security(("bearer" = [])), responses(
    (status = 200, body = HoldView),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn one(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    Place(id): Place<String>,
) -> Result<Json<HoldView>, Problem> {
    caller.must_have(Permission::Read)?;
    let (holds, sight) = (shared.given.ledger.holds(), caller.sight(&shared));
    let hold = HoldId::parse(&id).and_then(|id| holds.get(id)).filter(|hold| sight.hold(hold));
    let hold = hold.ok_or_else(|| unknown(&id))?;
    Ok(Json(HoldView::of(&hold, &shared, &sight).await?))
}

/// A hold to be placed: on one unit, one lot or one place.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManualHold {
    /// The unit to hold.
    unit: Option<String>,
    /// The lot to hold: every unit of it.
    lot: Option<LotName>,
    /// The place to hold: every unit in it, or in a place inside of it.
    place: Option<String>,
    /// Why.
    reason: String,
    /// Where the goods are to be kept apart.
    quarantine_place: Option<String>,
}

/// A lot.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LotName {
    /// The product.
    gtin: String,
    /// The lot number.
    lot: String,
}

impl ManualHold {
    fn read(self) -> Result<NewHold, Problem> {
        let scope = match (self.unit, self.lot, self.place) {
            (Some(unit), None, None) => Scope::Unit(name(&unit)?),
            (None, Some(LotName { gtin, lot }), None) => {
                let wrong = |error: &dyn std::fmt::Display| Problem::bad_request("name", error.to_string());
                let gtin = Gtin::parse(&gtin).map_err(|error| wrong(&error))?;
                let lot = LotText::parse(&lot).map_err(|error| wrong(&error))?;
                Scope::Lot(LotKey { gtin, lot })
            }
            (None, None, Some(place)) => Scope::Place(name(&place)?),
            _ => {
                let detail = "say what is held by exactly one of `unit`, `lot` and `place`";
                return Err(Problem::bad_request("shape", detail));
            }
        };
        let quarantine_place = self.quarantine_place.as_deref().map(name).transpose()?;
        Ok(NewHold { scope, reason: said(&self.reason)?, quarantine_place })
    }
}

/// Places a hold with cause `manual`, at once.
#[utoipa::path(post, path = "/v1/holds", tag = "holds", request_body = ManualHold, security(("bearer" = [])), responses(
    (status = 201, body = HoldView),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "What is to be held is not registered", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`already_held`", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn place(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    body::Json(wanted): body::Json<ManualHold>,
) -> Result<(StatusCode, Json<HoldView>), Problem> {
    caller.must_have(Permission::ManualHold)?;
    let (wanted, sight) = (wanted.read()?, caller.sight(&shared));
    within(&sight, &wanted)?;
    let hold = shared.given.ledger.place_hold(wanted, caller.name()).await??;
    Ok((StatusCode::CREATED, Json(HoldView::of(&hold, &shared, &sight).await?)))
}

/// Fails unless `wanted` holds what is seen and nothing beyond it: what is not seen is not there.
fn within(sight: &Sight, wanted: &NewHold) -> Result<(), Problem> {
    if let Scope::Lot(_) = &wanted.scope
        && sight.is_limited()
    {
        return Err(Problem::site_limited());
    }
    let what = match &wanted.scope {
        _ if sight.covers(&wanted.scope) => return apart_within(sight, wanted.quarantine_place.as_ref()),
        Scope::Unit(unit) => format!("unit `{unit}`"),
        Scope::Lot(key) => format!("lot `{key}`"),
        Scope::Place(place) => format!("place `{place}`"),
    };
    Err(HoldRefusal::NothingThere { what }.into())
}

/// Fails unless `place`, where goods are to be kept apart, is seen.
pub(crate) fn apart_within(sight: &Sight, place: Option<&Name>) -> Result<(), Problem> {
    match place.filter(|place| !sight.place(place)) {
        Some(place) => Err(HoldRefusal::NothingThere { what: format!("place `{place}`") }.into()),
        None => Ok(()),
    }
}

pub(crate) fn name(text: &str) -> Result<Name, Problem> {
    Name::parse(text).map_err(|error| Problem::bad_request("name", error.to_string()))
}

/// The answer to an id that is no hold's.
pub(crate) fn unknown(id: &str) -> Problem {
    let shown: String = id.chars().take(40).collect();
    Problem::not_found(format!("there is no hold `{shown}`"))
}
