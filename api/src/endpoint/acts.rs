//! What people decide: about a hold, about an incident, about a review. Each is one signed act.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use model::assessment::Assessment;
use model::hold::{Cause, Disposition, Evidence, Hold, HoldId, IncidentId, Meaning, Scope};
use model::instant::{ValidAt, to_rfc3339};
use model::name::Name;
use model::role::Permission;
use model::sight::Sight;
use serde::{Deserialize, Serialize};
use store::ledger::Decision;
use utoipa::ToSchema;

use super::holds::{apart_within, name, unknown};
use crate::access::{Caller, Sighted};
use crate::body::{self, Place};
use crate::endpoint::dispatch::instant;
use crate::person::said;
use crate::problem::Problem;
use crate::state::Shared;
use crate::view::hold::HoldView;

/// What a person says when they sign.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signed {
    /// Why.
    reason: String,
    /// The person's password, once more; none of somebody who comes in from the identity provider and has just signed in there again.
    password: Option<String>,
    /// To reject: `destroy`, `return` or `downgrade`.
    disposition: Option<String>,
    /// Where the goods are to be kept apart.
    quarantine_place: Option<String>,
    /// Whether they are there.
    #[serde(default)]
    quarantine_confirmed: bool,
    /// Of an incident: only these units; all of them when absent.
    units: Option<Vec<String>>,
    /// To release or accept: the instant of the assessment that was looked at; now, when absent.
    as_of: Option<String>,
}

/// What became of an incident.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentView {
    /// The incident.
    incident: String,
    /// What its holds are now.
    state: &'static str,
    /// The holds that were acted on.
    holds: Vec<String>,
}

/// An accepted review.
#[derive(Serialize, ToSchema)]
pub(crate) struct AcceptedView {
    /// The unit.
    unit: String,
    /// The codes of the reasons that were accepted.
    reasons: Vec<&'static str>,
    /// The instant of the assessment that was looked at.
    as_of: String,
    /// Who.
    by: String,
    /// When.
    at: String,
}

/// The three things a person can do about a hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Review,
    Release,
    Reject,
}

impl Signed {
    fn meaning(&self, verb: Verb) -> Result<Meaning, Problem> {
        let disposition = self.disposition.as_deref();
        match (verb, disposition.and_then(Disposition::parse)) {
            (Verb::Review, _) if disposition.is_none() => Ok(Meaning::UnderReview),
            (Verb::Release, _) if disposition.is_none() => Ok(Meaning::Released),
            (Verb::Reject, Some(disposition)) => Ok(Meaning::Rejected(disposition)),
            (Verb::Reject, None) => {
                let detail = "`disposition` must be `destroy`, `return` or `downgrade`";
                Err(Problem::bad_request("disposition", detail))
            }
            _ => Err(Problem::bad_request("disposition", "`disposition` goes with a rejection only")),
        }
    }

    /// Where the goods are to be kept apart: what is named, or what `before` says of it as far as that is seen.
    fn quarantine(&self, before: Option<&Hold>, sight: &Sight) -> Result<Option<(Name, bool)>, Problem> {
        let named = self.quarantine_place.as_deref().map(name).transpose()?;
        let known = || {
            let quarantine = before.and_then(|hold| hold.quarantine.as_ref());
            quarantine.map(|quarantine| quarantine.place.clone()).filter(|place| sight.place(place))
        };
        match named.or_else(|| if self.quarantine_confirmed { known() } else { None }) {
            Some(place) => Ok(Some((place, self.quarantine_confirmed))),
            None if self.quarantine_confirmed => {
                Err(Problem::bad_request("quarantine", "name the `quarantine_place` that is confirmed"))
            }
            None => Ok(None),
        }
    }

    fn as_of(&self) -> Result<Option<ValidAt>, Problem> {
        instant("as_of", self.as_of.as_deref())
    }
}

/// Does `verb` to `holds` as the person who signs.
async fn act(
    (caller, shared): (&Caller, &Shared),
    verb: Verb,
    holds: Vec<HoldId>,
    signed: &Signed,
    before: Option<&Hold>,
) -> Result<Vec<Arc<Hold>>, Problem> {
    let (meaning, sight) = (signed.meaning(verb)?, caller.sight(shared));
    let (reason, quarantine, as_of) = (said(&signed.reason)?, signed.quarantine(before, &sight)?, signed.as_of()?);
    apart_within(&sight, quarantine.as_ref().map(|(place, _)| place))?;
    let person = caller.signs(shared, signed.password.as_deref()).await?;
    let accepted = if meaning == Meaning::Released { accepted(shared, &holds, as_of).await? } else { HashMap::new() };
    let decision = Decision { holds, meaning, reason, accepted, quarantine };
    Ok(shared.given.ledger.decide_holds(decision, &person).await??)
}

/// What is accepted of each of `holds` when it is released: the evidence of the assessment that was looked at.
async fn accepted(
    shared: &Shared,
    holds: &[HoldId],
    as_of: Option<ValidAt>,
) -> Result<HashMap<HoldId, Evidence>, Problem> {
    let book = shared.given.ledger.holds();
    let found = |id: &HoldId| {
        let hold = book.get(*id)?;
        match (&hold.scope, &hold.cause) {
            (Scope::Unit(unit), Cause::Finding { .. }) => Some((*id, unit.clone(), hold.cause.clone())),
            _ => None,
        }
    };
    let found: Vec<(HoldId, Name, Cause)> = holds.iter().filter_map(found).collect();
    let units: BTreeSet<&Name> = found.iter().map(|(_, unit, _)| unit).collect();
    let units: Vec<Name> = units.into_iter().cloned().collect();
    let assessed = shared.assess_all(&units, as_of).await?;
    let assessed: HashMap<&Name, &Assessment> = assessed.iter().map(|of| (&of.unit, of)).collect();
    let evidence = |(id, unit, cause): &(HoldId, Name, Cause)| Some((*id, Evidence::of(assessed.get(unit)?, cause)));
    Ok(found.iter().filter_map(evidence).collect())
}

async fn act_on_hold(
    caller: Caller,
    shared: Shared,
    verb: Verb,
    id: String,
    signed: Signed,
) -> Result<Json<HoldView>, Problem> {
    caller.must_have(Permission::DecideHold)?;
    if signed.units.is_some() {
        return Err(Problem::bad_request("shape", "`units` goes with incidents only"));
    }
    let (holds, sight) = (shared.given.ledger.holds(), caller.sight(&shared));
    let hold = HoldId::parse(&id).and_then(|id| holds.get(id)).filter(|hold| sight.hold(hold));
    let hold = hold.ok_or_else(|| unknown(&id))?;
    if !sight.covers(&hold.scope) {
        return Err(Problem::site_limited());
    }
    let after = act((&caller, &shared), verb, vec![hold.id], &signed, Some(hold.as_ref())).await?;
    let hold = after.first().ok_or_else(|| unknown(&id))?;
    Ok(Json(HoldView::of(hold, &shared, &sight).await?))
}

async fn act_on_incident(
    caller: Caller,
    shared: Shared,
    verb: Verb,
    id: String,
    signed: Signed,
) -> Result<Json<IncidentView>, Problem> {
    caller.must_have(Permission::DecideHold)?;
    let nothing = || Problem::not_found("there is no such incident");
    let incident = Name::parse(&id).map(IncidentId::new).map_err(|_| nothing())?;
    let (book, sight) = (shared.given.ledger.holds(), caller.sight(&shared));
    let seen = || book.of_incident(&incident).filter(|hold| sight.hold(hold));
    if seen().next().is_none() {
        return Err(nothing());
    }
    if !seen().all(|hold| sight.covers(&hold.scope)) {
        return Err(Problem::site_limited());
    }
    let units = match &signed.units {
        Some(units) => Some(units.iter().map(|unit| name(unit)).collect::<Result<BTreeSet<_>, _>>()?),
        None => None,
    };
    let meant = |hold: &Hold| match (&units, &hold.scope) {
        (None, _) => true,
        (Some(units), Scope::Unit(unit)) => units.contains(unit),
        (Some(_), _) => false,
    };
    let open: Vec<_> = seen().filter(|hold| hold.state.is_undecided() && meant(hold)).collect();
    for unit in units.iter().flatten() {
        if !open.iter().any(|hold| hold.scope == Scope::Unit(unit.clone())) {
            return Err(Problem::nothing_to_decide(format!("unit `{unit}` has no undecided hold in this incident")));
        }
    }
    let ids = open.iter().map(|hold| hold.id).collect();
    let after = act((&caller, &shared), verb, ids, &signed, open.first().map(|hold| hold.as_ref())).await?;
    Ok(Json(IncidentView {
        incident: incident.to_string(),
        state: signed.meaning(verb)?.state().as_str(),
        holds: after.iter().map(|hold| hold.id.to_string()).collect(),
    }))
}

macro_rules! act_route {
    ($(#[$doc:meta])* $name:ident, $path:literal, $verb:expr, $on:ident, $view:ty) => {
        $(#[$doc])*
        #[utoipa::path(post, path = $path, tag = "holds", request_body = Signed, security(("bearer" = [])),
            params(("id" = String, Path, description = "Its id")), responses(
            (status = 200, body = $view),
            (status = 400, body = Problem, content_type = "application/problem+json"),
            (status = 401, body = Problem, content_type = "application/problem+json"),
            (status = 403, description = "`forbidden`, `no_account`, `no_password`, `wrong_password`, `sign_in_again`", body = Problem, content_type = "application/problem+json"),
            (status = 404, body = Problem, content_type = "application/problem+json"),
            (status = 409, description = "`hold_state`, `cannot_release`, `nothing_to_decide`", body = Problem, content_type = "application/problem+json"),
            (status = 429, description = "`locked_out`", body = Problem, content_type = "application/problem+json"),
            (status = 503, body = Problem, content_type = "application/problem+json"),
        ))]
        pub(crate) async fn $name(
            Sighted(caller): Sighted,
            State(shared): State<Shared>,
            Place(id): Place<String>,
            body::Json(signed): body::Json<Signed>,
        ) -> Result<Json<$view>, Problem> {
            $on(caller, shared, $verb, id, signed).await
        }
    };
}

act_route! {
    /// Takes a hold up; again, to say where the goods are.
    review_hold, "/v1/holds/{id}/review", Verb::Review, act_on_hold, HoldView
}
act_route! {
    /// Releases a hold: its evidence is accepted as it is.
    release_hold, "/v1/holds/{id}/release", Verb::Release, act_on_hold, HoldView
}
act_route! {
    /// Rejects what is held, for good.
    reject_hold, "/v1/holds/{id}/reject", Verb::Reject, act_on_hold, HoldView
}
act_route! {
    /// Takes up the undecided holds of an incident.
    review_incident, "/v1/incidents/{id}/review", Verb::Review, act_on_incident, IncidentView
}
act_route! {
    /// Releases the undecided holds of an incident, all or those of some units.
    release_incident, "/v1/incidents/{id}/release", Verb::Release, act_on_incident, IncidentView
}
act_route! {
    /// Rejects what the undecided holds of an incident hold, all or some units.
    reject_incident, "/v1/incidents/{id}/reject", Verb::Reject, act_on_incident, IncidentView
}

/// Accepts everything a unit is under review for, until a reason is added.
#[utoipa::path(post, path = "/v1/units/{id}/accept", tag = "holds", request_body = Signed, security(("bearer" = [])),
    params(("id" = String, Path, description = "The unit")), responses(
    (status = 200, body = AcceptedView),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, description = "`forbidden`, `no_account`, `no_password`, `wrong_password`, `sign_in_again`", body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`nothing_to_decide`", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "`locked_out`", body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn accept(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    Place(id): Place<String>,
    body::Json(signed): body::Json<Signed>,
) -> Result<Json<AcceptedView>, Problem> {
    caller.must_have(Permission::DecideHold)?;
    let unit = shared.known_unit(&caller.sight(&shared), &id)?;
    let (reason, as_of) = (said(&signed.reason)?, signed.as_of()?);
    if signed.disposition.is_some() || signed.quarantine_place.is_some() || signed.units.is_some() {
        return Err(Problem::bad_request("shape", "to accept takes `reason`, `password` and `as_of` only"));
    }
    let person = caller.signs(&shared, signed.password.as_deref()).await?;
    let assessment = shared.assess(&unit, as_of).await?;
    let assessment = assessment.ok_or_else(|| Problem::not_found(format!("nothing is known of unit `{unit}` then")))?;
    let accepted = shared.given.ledger.accept_review(&assessment, &reason, &person).await??;
    Ok(Json(AcceptedView {
        unit: accepted.unit.to_string(),
        reasons: accepted.reasons.iter().map(|reason| reason.code.as_str()).collect(),
        as_of: to_rfc3339(accepted.as_of.millis()),
        by: accepted.by.to_string(),
        at: to_rfc3339(accepted.at.millis()),
    }))
}
