//! Sites, rooms and vehicles at a glance.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use model::assessment::EndKind;
use model::hold::{HoldId, Subject};
use model::instant::ValidAt;
use model::name::Name;
use model::registry::{Place, Target};
use model::role::Permission;
use store::newest::Last;

use crate::access::Sighted;
use crate::body::Parameters;
use crate::page::{Page, PageParams, bad_cursor};
use crate::problem::Problem;
use crate::state::Shared;
use crate::stock::{Counts, Stock};
use crate::view::site::{GlanceView, SensorStateView, SiteView};

/// Places by id, each with its sensors and what they said last, and how the units in it stand.
#[utoipa::path(get, path = "/v1/sites", tag = "assessments", params(PageParams), security(("bearer" = [])), responses(
    (status = 200, body = Page<SiteView>),
    (status = 400, body = Problem, content_type = "application/problem+json"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 403, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    Sighted(caller): Sighted,
    State(shared): State<Shared>,
    Parameters(page): Parameters<PageParams>,
) -> Result<Json<Page<SiteView>>, Problem> {
    caller.must_have(Permission::Read)?;
    let (limit, after) = (page.limit()?, page.after()?);
    let look = move |stock: &Stock| {
        let places = &stock.registry().places;
        let mut records = places.iter().filter(|place| stock.sight.place(&place.id));
        if let Some(after) = &after {
            records.find(|place| place.id.as_str() == after).ok_or_else(bad_cursor)?;
        }
        let glances = Glances::of(stock);
        let page = Page::cut(records.take(limit + 1).collect(), limit, |place| place.id.to_string());
        Ok(Json(page.map(|place| glances.view(stock, &place.record))))
    };
    Stock::look(&shared, &caller, look).await
}

/// How things stand in each place, the places inside of it left out.
#[derive(Default)]
struct Glances {
    places: BTreeMap<Name, Glance>,
    sensors: BTreeMap<Name, Vec<(Name, ValidAt)>>,
    /// The places directly inside of each.
    inside: BTreeMap<Name, Vec<Name>>,
}

/// How things stand in a place.
#[derive(Clone, Default)]
struct Glance {
    units: Counts,
    /// Rule and beginning of each excursion under way.
    excursions: BTreeSet<(Name, ValidAt)>,
    units_out: usize,
    holds: BTreeSet<HoldId>,
    silent: usize,
}

impl Glances {
    fn of(stock: &Stock) -> Self {
        let (registry, holds) = (stock.registry(), &stock.snapshot.holds);
        let mut glances = Self::default();
        for unit in stock.units() {
            let Some(standing) = stock.standing(&unit) else { continue };
            let Some(place) = standing.place.clone().filter(|_| standing.is_open()) else { continue };
            let glance = glances.places.entry(place).or_default();
            glance.units.add(&standing);
            glance.holds.extend(standing.holds.iter().copied());
            let excursions = standing.assessment.iter().flat_map(|assessment| &assessment.excursions);
            let running = excursions.filter(|excursion| excursion.end_kind == EndKind::Open);
            glance.excursions.extend(running.map(|excursion| (excursion.rule.clone(), excursion.start)));
            glance.units_out += usize::from(standing.running_excursions() > 0);
        }
        let present = registry
            .associations
            .iter()
            .filter(|association| association.from <= stock.now && association.to.is_none_or(|to| stock.now < to));
        for association in present {
            let Target::Place(place) = &association.target else { continue };
            let silent = holds.lasting(&Subject::Sensor(association.sensor.clone())).is_some();
            glances.places.entry(place.clone()).or_default().silent += usize::from(silent);
            let sensors = glances.sensors.entry(place.clone()).or_default();
            sensors.push((association.sensor.clone(), association.from));
        }
        let undecided = holds.wide().filter(|hold| hold.state.is_undecided());
        for hold in undecided {
            if let model::hold::Scope::Place(place) = &hold.scope {
                glances.places.entry(place.clone()).or_default().holds.insert(hold.id);
            }
        }
        for place in registry.places.iter() {
            if let Some(parent) = &place.parent {
                glances.inside.entry(parent.clone()).or_default().push(place.id.clone());
            }
        }
        glances
    }

    fn view(&self, stock: &Stock, place: &Arc<Place>) -> SiteView {
        let here = self.places.get(&place.id).cloned().unwrap_or_default();
        let mut inside = here.clone();
        let (mut seen, mut open) = (BTreeSet::from([&place.id]), vec![&place.id]);
        while let Some(next) = open.pop() {
            for child in self.inside.get(next).into_iter().flatten() {
                if seen.insert(child) {
                    open.push(child);
                    if let Some(glance) = self.places.get(child) {
                        inside.merge(glance);
                    }
                }
            }
        }
        let sensors = self.sensors.get(&place.id).into_iter().flatten();
        SiteView {
            id: place.id.to_string(),
            name: place.name.as_deref().map(str::to_owned),
            kind: place.kind.as_str(),
            parent: place.parent.as_ref().map(ToString::to_string),
            site: stock.registry().site_of(&place.id).map(|site| site.to_string()),
            timezone: place.timezone.map(|zone| zone.name().to_owned()),
            sensors: sensors.map(|(sensor, since)| sensor_state(stock, sensor, *since)).collect(),
            here: here.view(),
            inside: inside.view(),
        }
    }
}

/// What `sensor` said last, which has been where it is since `since`.
pub(crate) fn sensor_state(stock: &Stock, sensor: &Name, since: ValidAt) -> SensorStateView {
    let last = stock.newest().of(sensor.as_str());
    // what it said before it came here was said of somewhere else
    let is_of_here = |last: &Last| !stock.sight.is_limited() || last.measured_at.millis() >= since.millis();
    let last = last.filter(is_of_here);
    let silent = stock.snapshot.holds.lasting(&Subject::Sensor(sensor.clone())).is_some();
    let heard = last.as_ref().map_or(since, |last| ValidAt::from_millis(last.measured_at.millis()).max(since));
    SensorStateView {
        id: sensor.to_string(),
        last: last.as_ref().map(Into::into),
        silent_since: silent.then(|| heard.to_string()),
    }
}

impl Glance {
    fn merge(&mut self, other: &Self) {
        self.units.merge(&other.units);
        self.excursions.extend(other.excursions.iter().cloned());
        self.units_out += other.units_out;
        self.holds.extend(other.holds.iter().copied());
        self.silent += other.silent;
    }

    fn view(&self) -> GlanceView {
        GlanceView {
            units: self.units.into(),
            running_excursions: self.excursions.len(),
            units_out: self.units_out,
            open_holds: self.holds.len(),
            silent_sensors: self.silent,
        }
    }
}
