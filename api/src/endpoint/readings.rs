//! Readings: in by the door, out as history.

use analytics::custody::{Custody, Index};
use analytics::history::{self, After, Stretch};
use axum::Json;
use axum::extract::State;
use model::instant::{ValidAt, parse_millis};
use model::name::Name;
use model::registry::{Registry, Target};
use model::role::{Permission, Role};
use model::sight::Sight;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::access::{Caller, Sighted};
use crate::body::{Parameters, Place, Raw};
use crate::page::{Page, PageParams, bad_cursor};
use crate::problem::Problem;
use crate::state::Shared;
use crate::view::history::PointView;
use crate::view::receipt::ReceiptView;

/// What of a message tells whose it is. A field that stands twice is refused, or two readers could disagree.
#[derive(Deserialize)]
struct Sender {
    gateway: Option<String>,
}

/// Takes readings in; answered when they are on disk.
///
/// A token of the role `gateway` may only send readings of the gateway it is bound to.
#[utoipa::path(post, path = "/v1/readings", tag = "readings", security(("bearer" = [])),
    request_body(content = Object, description = "The message of readings, with `site` and `gateway`",
                 content_type = "application/json"), responses(
    (status = 200, body = ReceiptView),
    (status = 400, description = "The code is the reason: `json`, `shape`, `name`", body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 413, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn take(
    caller: Caller,
    State(shared): State<Shared>,
    Raw(body): Raw,
) -> Result<Json<ReceiptView>, Problem> {
    caller.must_have(Permission::PublishReadings)?;
    let bound = match (&caller.0.gateway, caller.0.role) {
        (Some(gateway), _) => Some(gateway),
        (None, Role::Gateway) => Some(caller.name()),
        (None, _) => None,
    };
    if let Some(bound) = bound {
        let sender: Sender = serde_json::from_slice(&body)
            .map_err(|error| Problem::bad_request("json", format!("the body is not a message of readings: {error}")))?;
        if sender.gateway.as_deref() != Some(bound.as_str()) {
            return Err(Problem::forbidden(format!("this token may only send readings of the gateway `{bound}`")));
        }
    }
    let receipt = shared.given.door.take(caller.name().as_str(), &body).await?;
    Ok(Json(receipt.into()))
}

/// Which part of a history, and how fine.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryParams {
    /// From this instant on, RFC 3339 or milliseconds; the first reading when absent.
    from: Option<String>,
    /// Before this instant, RFC 3339 or milliseconds; after the last reading when absent.
    to: Option<String>,
    /// At most so many buckets, 1 to 10000; each reading on its own when absent.
    #[param(minimum = 1, maximum = 10000)]
    max_points: Option<u32>,
    /// `next_cursor` of the page before; not with `max_points`.
    cursor: Option<String>,
    /// Readings on the page, 1 to 1000; 100 when absent.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

/// The history of a sensor: each reading, or with `max_points` min, max and last of each bucket.
#[utoipa::path(get, path = "/v1/sensors/{id}/readings", tag = "readings", security(("bearer" = [])),
    params(("id" = String, Path, description = "The sensor"), HistoryParams), responses(
    (status = 200, body = Page<PointView>),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
    (status = 504, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn of_sensor(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    Place(id): Place<String>,
    Parameters(params): Parameters<HistoryParams>,
) -> Result<Json<Page<PointView>>, Problem> {
    caller.must_have(Permission::Read)?;
    let sensor = Name::parse(&id).map_err(|error| Problem::bad_request("name", error.to_string()))?;
    let (asked, sight) = (params.read()?, caller.sight(&shared));
    let stretches = if sight.is_limited() {
        while_seen(&shared.given.ledger.registry(), &sensor, &sight, shared.now())
    } else {
        vec![Stretch { sensors: vec![sensor], from: None, to: None }]
    };
    asked.answer(&shared, stretches, &sight).await.map(Json)
}

/// When `sensor` watched what is seen; never, unless it does now. Of a unit it travels with, the part at places that are
/// seen.
fn while_seen(registry: &Registry, sensor: &Name, sight: &Sight, now: ValidAt) -> Vec<Stretch> {
    if !sight.sensor(sensor) {
        return Vec::new();
    }
    let index = Index::new(registry);
    let mut stretches = Vec::new();
    for one in registry.associations.of(sensor).filter(|one| sight.association(&one.record)) {
        let (from, to) = (Some(one.from.millis()), one.to.map(ValidAt::millis));
        let whole = Stretch { sensors: vec![sensor.clone()], from, to };
        match &one.target {
            Target::Place(_) => stretches.push(whole),
            Target::Unit(unit) => {
                let custody = Custody::of(registry, &index, unit, now);
                let seen = custody.map(|custody| custody.seen_at(|place| sight.place(place)));
                let there = seen.iter().flat_map(history::of_custody);
                let with_it = there.filter(|stretch| stretch.sensors.contains(sensor));
                stretches.extend(with_it.filter_map(|stretch| whole.within(stretch.from, stretch.to)));
            }
        }
    }
    stretches
}

/// The history of a unit: what the sensors said that made its trace, each while it did. Bounds are those of the
/// unit's own time.
#[utoipa::path(get, path = "/v1/units/{id}/readings", tag = "readings", security(("bearer" = [])),
    params(("id" = String, Path, description = "The unit"), HistoryParams), responses(
    (status = 200, body = Page<PointView>),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json"),
    (status = 504, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn of_unit(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    Place(id): Place<String>,
    Parameters(params): Parameters<HistoryParams>,
) -> Result<Json<Page<PointView>>, Problem> {
    caller.must_have(Permission::Read)?;
    let sight = caller.sight(&shared);
    let unit = shared.known_unit(&sight, &id)?;
    let asked = params.read()?;
    let (registry, now) = (shared.given.ledger.registry(), shared.now());
    let custody = history::custody(&shared.given.history, &registry, &shared.given.newest, &unit, now).await?;
    let seen = |custody: Custody| {
        if sight.is_limited() { custody.seen_at(|place| sight.place(place)) } else { custody }
    };
    let stretches = custody.map(seen).map(|custody| history::of_custody(&custody)).unwrap_or_default();
    asked.answer(&shared, stretches, &sight).await.map(Json)
}

/// Which part of a history, read.
struct Asked {
    from: Option<i64>,
    to: Option<i64>,
    points: Option<u32>,
    limit: usize,
    after: Option<After>,
}

impl HistoryParams {
    fn read(self) -> Result<Asked, Problem> {
        let page = PageParams { cursor: self.cursor, limit: self.limit };
        let limit = page.limit()?;
        // the instant of the last reading given out, and how many of that instant were: conflicts share one
        let after = page.after()?.map(|text| after(&text).ok_or_else(bad_cursor)).transpose()?;
        let fits = |points: &u32| (1..=10_000).contains(points) && after.is_none();
        if self.max_points.is_some_and(|points| !fits(&points)) {
            let detail = "`max_points` must be 1 to 10000, and there is no next page with it";
            return Err(Problem::bad_request("parameter", detail));
        }
        let (from, to) = (instant("from", self.from)?, instant("to", self.to)?);
        Ok(Asked { from, to, points: self.max_points, limit, after })
    }
}

fn after(text: &str) -> Option<After> {
    let (at, skip) = text.split_once('/')?;
    Some(After { at: at.parse().ok()?, skip: skip.parse().ok()? })
}

impl Asked {
    /// What was asked for, of the readings of `stretches`. Units that are not seen are not named.
    async fn answer(
        &self,
        shared: &Shared,
        stretches: Vec<Stretch>,
        sight: &Sight,
    ) -> Result<Page<PointView>, Problem> {
        let within = stretches.iter().filter_map(|stretch| stretch.within(self.from, self.to));
        let stretches: Vec<Stretch> = within.collect();
        let engine = &shared.given.history;
        if let Some(points) = self.points {
            let buckets = history::buckets(engine, &stretches, points).await?;
            return Ok(Page::of(buckets.into_iter().map(PointView::from).collect(), None));
        }
        let mut readings = history::readings(engine, &stretches, self.after, self.limit + 1).await?;
        let more = readings.len() > self.limit;
        readings.truncate(self.limit);
        for reading in readings.iter_mut().filter(|_| sight.is_limited()) {
            let seen = |unit: &str| Name::parse(unit).is_ok_and(|unit| sight.unit(&unit));
            reading.unit = reading.unit.take().filter(|unit| seen(unit));
        }
        let cursor = readings.last().map(|last| {
            let at = last.measured_at.millis();
            let same = readings.iter().filter(|reading| reading.measured_at.millis() == at).count();
            let before = self.after.filter(|after| after.at == at).map_or(0, |after| after.skip as usize);
            format!("{at}/{}", same + before)
        });
        Ok(Page::of(readings.into_iter().map(PointView::from).collect(), cursor.filter(|_| more)))
    }
}

fn instant(name: &str, text: Option<String>) -> Result<Option<i64>, Problem> {
    let Some(text) = text else { return Ok(None) };
    // a `+` that was not escaped arrives as a space
    parse_millis(&text.replace(' ', "+")).map(Some).ok_or_else(|| {
        let shown: String = text.chars().take(40).collect();
        Problem::bad_request(
            "parameter",
            format!("`{name}` is `{shown}`: use RFC 3339 or milliseconds since the epoch"),
        )
    })
}
