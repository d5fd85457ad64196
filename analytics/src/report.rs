//! The record of a unit, a lot or a place for people: its facts, before anybody gives them a form.
//!
//! A report is a function of the question, one state of the ledger and one read of the store. What is computed here is
//! only which records belong together; what is known of units comes from the kernel through [`Assess`].

mod select;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::assessment::Interval;
use model::gs1::{Gtin, LotKey};
use model::hold::{Acceptance, Hold, HoldId, RaisedAlarm, Subject as Concerned};
use model::instant::ValidAt;
use model::name::Name;
use model::registry::{Association, Closure, Exclusion, Lot, Origin, Place, Product, Recorded, Registry, Sensor};
use model::sight::Sight;
use store::ledger::{Checkpoint, Snapshot};

use crate::assess::{Assess, AssessError, Sitting};
use crate::custody::around;
use crate::fleet::{PlacePortrait, Portrait};

pub use select::Chosen;

/// Units one report looks at.
pub const MAX_UNITS: usize = 200;

/// Readings one report looks at.
pub const MAX_READINGS: u64 = 10_000_000;

/// Columns a trace is drawn in: about two to a millimetre of paper.
pub const COLUMNS: usize = 480;

/// How far back a report about a place reaches unless it is told.
const PLACE_PERIOD_MS: i64 = 30 * 86_400_000;

/// What a report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One unit.
    Unit(Name),
    /// All units of a lot.
    Lot(LotKey),
    /// A place or a vehicle.
    Place(Name),
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Question {
    /// What it is about.
    pub subject: Subject,
    /// From when on it is told in detail.
    pub from: Option<ValidAt>,
    /// Until when it is told in detail.
    pub to: Option<ValidAt>,
    /// The instant asked about: readings measured later do not count.
    pub as_of: ValidAt,
    /// What whoever asks sees: of units that were elsewhere before, the places and sensors there are not told.
    pub sight: Sight,
}

/// Everything a report says.
#[derive(Clone, Debug)]
pub struct Report {
    /// What it is about.
    pub subject: Subject,
    /// The instant asked about.
    pub as_of: ValidAt,
    /// The time that is told in detail.
    pub period: Interval,
    /// The state of the ledger it was taken from.
    pub ledger: Checkpoint,
    /// The products concerned, by GTIN.
    pub products: Vec<Recorded<Product>>,
    /// The lots concerned.
    pub lots: Vec<Recorded<Lot>>,
    /// The units, gravest first.
    pub units: Vec<UnitFacts>,
    /// How many units there are, those left out too.
    pub units_there_are: usize,
    /// The place it is about.
    pub place: Option<PlacePortrait>,
    /// The places concerned, by id.
    pub places: Vec<Recorded<Place>>,
    /// The sensors whose readings count, by id.
    pub sensors: Vec<SensorFacts>,
    /// The holds concerned, by id.
    pub holds: Vec<Arc<Hold>>,
    /// Alarms about the place or its sensors.
    pub alarms: Vec<Arc<RaisedAlarm>>,
    /// What whoever asked sees.
    pub sight: Sight,
}

/// One unit.
#[derive(Clone, Debug)]
pub struct UnitFacts {
    /// What is known of it, and its picture.
    pub portrait: Portrait,
    /// How many it was at first.
    pub quantity: u64,
    /// The unit it was split from.
    pub split_from: Option<Name>,
    /// How it ended.
    pub closure: Option<Arc<Closure>>,
    /// Of a report about a place: when it was there.
    pub stays: Vec<Interval>,
    /// The holds that concern it.
    pub holds: Vec<HoldId>,
    /// What was accepted of it.
    pub accepted: Vec<Arc<Acceptance>>,
    /// The alarms that were raised about it.
    pub alarms: Vec<Arc<RaisedAlarm>>,
}

/// One sensor.
#[derive(Clone, Debug)]
pub struct SensorFacts {
    /// Its name.
    pub id: Name,
    /// What is registered of it.
    pub record: Option<Recorded<Sensor>>,
    /// What it watched within the period.
    pub associations: Vec<Arc<Association>>,
    /// What a person excluded of it within the period.
    pub exclusions: Vec<Arc<Exclusion>>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// What it would be about is not registered, or not yet there at as-of.
    #[error("there is no {what} known at {as_of}")]
    Unknown {
        /// What was named.
        what: String,
        /// The instant asked about.
        as_of: ValidAt,
    },
    /// The period ends before it begins, or begins after as-of.
    #[error("the period from {from} to {to} is empty: choose an earlier start or a later end")]
    EmptyPeriod {
        /// Its start.
        from: ValidAt,
        /// Its end.
        to: ValidAt,
    },
    /// What is known cannot be computed.
    #[error(transparent)]
    Assess(#[from] AssessError),
}

/// The facts that answer `question`, as of one state of the ledger.
///
/// # Errors
/// See [`ReportError`].
pub async fn gather(assess: &dyn Assess, snapshot: &Snapshot, question: &Question) -> Result<Report, ReportError> {
    let registry = &snapshot.registry;
    let chosen = select::units(registry, question)?;
    let place = match &question.subject {
        Subject::Place(place) => Some((place.clone(), chosen.period)),
        Subject::Unit(_) | Subject::Lot(_) => None,
    };
    let sitting = Sitting {
        registry: Arc::clone(registry),
        units: chosen.units.iter().map(|(unit, _)| unit.clone()).collect(),
        place,
        as_of: question.as_of,
        from: question.from,
        to: question.to,
        columns: COLUMNS,
        max_readings: MAX_READINGS,
    };
    let portraits = assess.portray(sitting).await?;
    let stays: BTreeMap<Name, Vec<Interval>> = chosen.units.into_iter().collect();
    let mut units: Vec<UnitFacts> =
        portraits.units.into_iter().map(|portrait| unit_facts(snapshot, portrait, &stays, question)).collect();
    if units.is_empty() && !matches!(question.subject, Subject::Place(_)) {
        return Err(select::unknown(question));
    }
    units.sort_by(|left, right| {
        let key = |unit: &UnitFacts| {
            (std::cmp::Reverse(unit.portrait.assessment.verdict), unit.portrait.assessment.unit.clone())
        };
        key(left).cmp(&key(right))
    });
    let period = match &question.subject {
        Subject::Place(_) => chosen.period,
        Subject::Unit(_) | Subject::Lot(_) => drawn(&units).unwrap_or(chosen.period),
    };
    Ok(assemble(snapshot, question, period, units, chosen.there_are, portraits.place))
}

/// From the earliest to the latest instant that is drawn.
fn drawn(units: &[UnitFacts]) -> Option<Interval> {
    let from = units.iter().map(|unit| unit.portrait.drawn.from).min()?;
    let to = units.iter().map(|unit| unit.portrait.drawn.to).max()?;
    Some(Interval { from, to })
}

fn unit_facts(
    snapshot: &Snapshot,
    mut portrait: Portrait,
    stays: &BTreeMap<Name, Vec<Interval>>,
    question: &Question,
) -> UnitFacts {
    let (registry, unit) = (&snapshot.registry, portrait.assessment.unit.clone());
    let Question { as_of, sight, .. } = question;
    let as_of = *as_of;
    if sight.is_limited() {
        portrait.custody = portrait.custody.seen_at(|place| sight.place(place));
    }
    let split_from = match registry.origin(&unit) {
        Some(Origin::Split(split)) => Some(split.unit.clone()).filter(|parent| sight.unit(parent)),
        Some(Origin::Registered(_)) | None => None,
    };
    let concerning = snapshot.holds.concerning(registry, &unit, as_of).into_iter().filter(|hold| sight.hold(hold));
    let accepted = snapshot.holds.acceptances_for(registry, &unit).filter(|one| sight.unit(&one.unit));
    let closure = registry.closures.of(&unit).next().filter(|closure| closure.at <= as_of);
    UnitFacts {
        quantity: registry.beginning(&unit).map_or(0, |(_, quantity)| quantity),
        split_from,
        closure: closure.map(|closure| Arc::clone(&closure.record)),
        stays: stays.get(&unit).cloned().unwrap_or_default(),
        holds: concerning.map(|hold| hold.id).collect(),
        accepted: accepted.cloned().collect(),
        alarms: snapshot.holds.alarms_about(&Concerned::Unit(unit)).filter(|alarm| sight.alarm(alarm)).collect(),
        portrait,
    }
}

fn assemble(
    snapshot: &Snapshot,
    question: &Question,
    period: Interval,
    units: Vec<UnitFacts>,
    units_there_are: usize,
    place: Option<PlacePortrait>,
) -> Report {
    let registry = &snapshot.registry;
    let gtins: BTreeSet<Gtin> = units.iter().map(|unit| unit.portrait.assessment.gtin).collect();
    let lots: BTreeSet<LotKey> = units
        .iter()
        .map(|unit| LotKey { gtin: unit.portrait.assessment.gtin, lot: unit.portrait.assessment.lot.clone() })
        .collect();
    let pieces = || {
        let of_units = units.iter().flat_map(|unit| &unit.portrait.custody.pieces);
        of_units.chain(place.iter().flat_map(|place| &place.custody.pieces))
    };
    let names: BTreeSet<&Name> = pieces().filter_map(|piece| piece.place.as_ref()).collect();
    let around = names.iter().flat_map(|name| around(registry, name)).map(|place| &place.id);
    let around: BTreeSet<&Name> = around.filter(|place| question.sight.place(place)).collect();
    let sensors: BTreeSet<&Name> = match &place {
        Some(place) => place.custody.pieces.iter().flat_map(|piece| &piece.sensors).collect(),
        None => pieces()
            .filter(|piece| touches(piece.from, Some(piece.to), period))
            .flat_map(|piece| &piece.sensors)
            .collect(),
    };
    let mut holds: BTreeSet<HoldId> = units.iter().flat_map(|unit| unit.holds.iter().copied()).collect();
    let mut alarms = Vec::new();
    if let Subject::Place(place) = &question.subject {
        let here = registry.places_around(place);
        let on_it = snapshot
            .holds
            .wide()
            .filter(|hold| matches!(&hold.scope, model::hold::Scope::Place(held) if here.contains(held)));
        holds.extend(on_it.map(|hold| hold.id));
        let subjects = std::iter::once(Concerned::Place(place.clone()))
            .chain(sensors.iter().map(|sensor| Concerned::Sensor((*sensor).clone())));
        for subject in subjects {
            let within =
                |alarm: &Arc<RaisedAlarm>| touches(alarm.at, alarm.cleared_at, period) && question.sight.alarm(alarm);
            alarms.extend(snapshot.holds.alarms_about(&subject).filter(within));
        }
        alarms.sort_by_key(|alarm| alarm.id);
    }
    Report {
        subject: question.subject.clone(),
        as_of: question.as_of,
        period,
        ledger: snapshot.head,
        products: gtins.iter().filter_map(|gtin| registry.products.get(gtin).cloned()).collect(),
        lots: lots.iter().filter_map(|lot| registry.lots.get(lot).cloned()).collect(),
        places: around.into_iter().filter_map(|place| registry.places.get(place).cloned()).collect(),
        sensors: sensors.into_iter().map(|sensor| sensor_facts(registry, sensor, period, &question.sight)).collect(),
        holds: holds.into_iter().filter_map(|hold| snapshot.holds.get(hold)).collect(),
        alarms,
        units,
        units_there_are,
        place,
        sight: question.sight.clone(),
    }
}

fn sensor_facts(registry: &Registry, sensor: &Name, period: Interval, sight: &Sight) -> SensorFacts {
    let seen = || registry.associations.of(sensor).filter(|one| sight.association(&one.record));
    let associations = seen().filter(|one| touches(one.from, one.to, period));
    let exclusions = registry.exclusions.of(sensor).filter(|one| {
        let while_seen = || seen().any(|with| touches(with.from, with.to, Interval { from: one.from, to: one.to }));
        touches(one.from, Some(one.to), period) && (!sight.is_limited() || while_seen())
    });
    SensorFacts {
        id: sensor.clone(),
        record: registry.sensors.get(sensor).cloned(),
        associations: associations.map(|one| Arc::clone(&one.record)).collect(),
        exclusions: exclusions.map(|one| Arc::clone(&one.record)).collect(),
    }
}

/// Whether [from, to] has an instant in common with `period`; without an end it goes on.
#[must_use]
pub fn touches(from: ValidAt, to: Option<ValidAt>, period: Interval) -> bool {
    from <= period.to && to.is_none_or(|to| period.from <= to)
}
