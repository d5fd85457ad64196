//! What changed about excursions between two looks at the latest assessments.

use std::collections::BTreeMap;
use std::sync::Arc;

use analytics::assessment_json;
use model::assessment::{Assessment, EndKind, Excursion};
use model::gs1::Gtin;
use model::instant::ValidAt;
use model::name::Name;
use model::registry::Registry;
use model::sight::Sight;
use serde_json::{Value, json};

use crate::endpoint::excursions::fires_at;

/// Units named with one change at most; the others are counted.
const UNITS_NAMED: usize = 100;

/// The assessments of the look before, by unit.
pub(super) struct Excursions(Vec<Arc<Assessment>>);

/// What changed about one excursion of one unit.
#[derive(Clone, Debug)]
pub(super) struct Changed {
    change: Change,
    excursion: Excursion,
    assessment: Arc<Assessment>,
}

/// What became of an excursion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Opened,
    Fired,
    Closed,
    /// Late readings took it away.
    Withdrawn,
}

impl Change {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Fired => "fired",
            Self::Closed => "closed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What one change is told by: units of a product under the same sensors change together.
type Key = (Change, Gtin, Name, ValidAt);

impl Excursions {
    /// As of this look.
    pub(super) fn of(latest: Vec<Arc<Assessment>>) -> Self {
        Self(latest)
    }

    /// What changed since the look before, by unit.
    pub(super) fn changes(&mut self, latest: Vec<Arc<Assessment>>) -> Vec<Changed> {
        let mut found = Vec::new();
        let mut before = self.0.iter().peekable();
        for assessment in &latest {
            while before.next_if(|known| known.unit < assessment.unit).is_some() {}
            let known = before.next_if(|known| known.unit == assessment.unit);
            if known.is_some_and(|known| Arc::ptr_eq(known, assessment)) {
                continue;
            }
            let was: &[Excursion] = known.map_or(&[], |known| &known.excursions);
            for (change, excursion) in compared(was, assessment, known.map(Arc::as_ref)) {
                found.push(Changed { change, excursion: excursion.clone(), assessment: Arc::clone(assessment) });
            }
        }
        self.0 = latest;
        found
    }
}

/// `changes` as they are told, those together that units have in common; of units that are seen and of no others.
pub(super) fn told(registry: &Registry, changes: &[Changed], sight: &Sight) -> Vec<Value> {
    let mut found: BTreeMap<Key, (Value, Vec<&Name>)> = BTreeMap::new();
    for Changed { change, excursion, assessment } in changes.iter().filter(|one| sight.unit(&one.assessment.unit)) {
        let key = (*change, assessment.gtin, excursion.rule.clone(), excursion.start);
        let view = || (view(registry, *change, assessment, excursion), Vec::new());
        found.entry(key).or_insert_with(view).1.push(&assessment.unit);
    }
    let told = found.into_values().map(|(mut view, units)| {
        view["unit_count"] = json!(units.len());
        view["units"] = units.iter().take(UNITS_NAMED).map(|unit| json!(unit.as_str())).collect();
        view
    });
    told.collect()
}

/// What differs between the excursions before and those of `now`.
fn compared<'a>(was: &'a [Excursion], now: &'a Assessment, known: Option<&Assessment>) -> Vec<(Change, &'a Excursion)> {
    let same = |one: &Excursion, other: &Excursion| one.rule == other.rule && one.start == other.start;
    let is_open = |excursion: &Excursion| excursion.end_kind == EndKind::Open;
    let mut changes = Vec::new();
    for excursion in &now.excursions {
        match was.iter().find(|known| same(known, excursion)) {
            None if is_open(excursion) => changes.push((Change::Opened, excursion)),
            None if known.is_some() => changes.push((Change::Closed, excursion)),
            Some(known) if is_open(known) && !is_open(excursion) => changes.push((Change::Closed, excursion)),
            _ => {}
        }
        let fired = now.alarms.iter().filter(|alarm| alarm.rule == excursion.rule).filter_map(|alarm| alarm.at);
        let of_this = |at: &ValidAt| *at >= excursion.start && excursion.end.is_none_or(|end| *at <= end);
        let is_new = |at: &ValidAt| {
            let told = |before: &Assessment| {
                before.alarms.iter().any(|alarm| alarm.rule == excursion.rule && alarm.at == Some(*at))
            };
            !known.is_some_and(told)
        };
        if known.is_some() && fired.filter(of_this).any(|at| is_new(&at)) {
            changes.push((Change::Fired, excursion));
        }
    }
    let gone = was.iter().filter(|known| is_open(known) && !now.excursions.iter().any(|other| same(known, other)));
    changes.extend(gone.map(|excursion| (Change::Withdrawn, excursion)));
    changes
}

fn view(registry: &Registry, change: Change, assessment: &Assessment, excursion: &Excursion) -> Value {
    let mut view = json!({ "change": change.as_str(), "gtin": assessment.gtin.as_str() });
    if let (Value::Object(view), Value::Object(fields)) = (&mut view, assessment_json::excursion(excursion)) {
        view.extend(fields);
    }
    view["fires_at"] = json!(fires_at(registry, assessment, excursion).map(|at| at.to_string()));
    view["as_of"] = json!(assessment.as_of.to_string());
    view
}
