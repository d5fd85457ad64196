//! Which units a report is about, and over which time.

use model::assessment::Interval;
use model::gs1::LotKey;
use model::instant::ValidAt;
use model::name::Name;
use model::registry::Registry;

use super::{MAX_UNITS, PLACE_PERIOD_MS, Question, ReportError, Subject, touches};
use crate::custody::{Custody, Index};
use crate::fleet::Fleet;

/// The units that were chosen.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The units by id, each with when it was in the place that is asked about; at most [`MAX_UNITS`].
    pub units: Vec<(Name, Vec<Interval>)>,
    /// How many there are, those left out too.
    pub there_are: usize,
    /// The period asked about.
    pub period: Interval,
}

/// The units that `question` is about.
pub(super) fn units(registry: &Registry, question: &Question) -> Result<Chosen, ReportError> {
    let (period, sight) = (period(question)?, &question.sight);
    let mut units = match &question.subject {
        Subject::Unit(unit) if registry.origin(unit).is_some() && sight.unit(unit) => vec![(unit.clone(), Vec::new())],
        Subject::Lot(lot) if registry.lots.contains(lot) && sight.lot(lot) => of_lot(registry, lot, question.as_of),
        Subject::Place(place) if registry.places.contains(place) && sight.place(place) => {
            of_place(registry, place, period, question.as_of)
        }
        _ => return Err(unknown(question)),
    };
    units.retain(|(unit, _)| sight.unit(unit));
    let there_are = units.len();
    units.truncate(MAX_UNITS);
    Ok(Chosen { units, there_are, period })
}

/// Says that nothing is known of what `question` names.
pub(super) fn unknown(question: &Question) -> ReportError {
    let what = match &question.subject {
        Subject::Unit(unit) => format!("unit `{unit}`"),
        Subject::Lot(lot) => format!("lot `{lot}` with units"),
        Subject::Place(place) => format!("place `{place}`"),
    };
    ReportError::Unknown { what, as_of: question.as_of }
}

/// The period asked about: up to as-of, and for a place 30 days unless the start is given.
fn period(question: &Question) -> Result<Interval, ReportError> {
    let to = question.to.map_or(question.as_of, |to| to.min(question.as_of));
    let back = ValidAt::from_millis(to.millis().saturating_sub(PLACE_PERIOD_MS));
    let from = question.from.unwrap_or(back);
    if question.from.is_some() && from >= to {
        return Err(ReportError::EmptyPeriod { from, to });
    }
    Ok(Interval { from, to })
}

fn of_lot(registry: &Registry, lot: &LotKey, as_of: ValidAt) -> Vec<(Name, Vec<Interval>)> {
    let there = |unit: &Name| registry.beginning(unit).is_some_and(|(at, _)| at <= as_of);
    let of_it = |unit: &Name| registry.lot_of(unit).as_ref() == Some(lot) && there(unit);
    Fleet::units(registry).into_iter().filter(of_it).map(|unit| (unit, Vec::new())).collect()
}

/// Units that were in `place`, or in a place inside of it, within `period`.
fn of_place(registry: &Registry, place: &Name, period: Interval, as_of: ValidAt) -> Vec<(Name, Vec<Interval>)> {
    // Without sensors a unit's pieces are its places.
    let index = Index::default();
    let stays = |unit: &Name| -> Vec<Interval> {
        let Some(custody) = Custody::of(registry, &index, unit, as_of) else { return Vec::new() };
        let here = custody.pieces.iter().filter(|piece| {
            let inside = piece.place.as_ref().is_some_and(|at| registry.places_around(at).contains(place));
            inside && touches(piece.from, Some(piece.to), period)
        });
        let mut stays: Vec<Interval> = Vec::new();
        for piece in here {
            match stays.last_mut() {
                Some(last) if last.to == piece.from => last.to = piece.to,
                _ => stays.push(Interval { from: piece.from, to: piece.to }),
            }
        }
        stays
    };
    let units = Fleet::units(registry).into_iter().map(|unit| (stays(&unit), unit));
    units.filter(|(stays, _)| !stays.is_empty()).map(|(stays, unit)| (unit, stays)).collect()
}
