//! Where a unit is, and what that place lies in.

use std::collections::BTreeSet;

use chrono::{FixedOffset, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;

use super::place::{Place, PlaceKind};
use super::state::{Origin, Recorded, Registry};
use crate::gs1::LotKey;
use crate::instant::{RecordedAt, ValidAt};
use crate::name::Name;

/// How deep places, splits and aggregations may be nested before we stop looking.
const DEEPEST: usize = 64;

/// The time zone in which a day ends first: where none is known, a date has passed when it has passed there.
const EARLIEST_ZONE_S: i32 = 14 * 3600;

impl Registry {
    /// The lot of the unit `id`, if it is known.
    #[must_use]
    pub fn lot_of(&self, id: &Name) -> Option<LotKey> {
        let mut id = id;
        for _ in 0..DEEPEST {
            match self.origin(id)? {
                Origin::Registered(unit) => return Some(unit.lot_key()),
                Origin::Split(split) => id = &split.record.unit,
            }
        }
        None
    }

    /// The units that `id` was split from, nearest first, each with when the split that left it was recorded.
    #[must_use]
    pub fn ancestors_of(&self, id: &Name) -> Vec<(Name, RecordedAt)> {
        let mut found = Vec::new();
        let mut id = id;
        while let Some(Origin::Split(split)) = self.origin(id)
            && found.len() < DEEPEST
        {
            found.push((split.unit.clone(), split.recorded_at));
            id = &split.record.unit;
        }
        found
    }

    /// Where the unit `id`, or what holds units, is at `at`; `None` when that is not known. A child of an aggregation
    /// is where its parent is; a move that is only planned changes nothing.
    #[must_use]
    pub fn place_of(&self, id: &Name, at: ValidAt) -> Option<Name> {
        self.place_within(id, at, DEEPEST).map(|(place, _)| place)
    }

    /// The place, and since when the unit is there.
    fn place_within(&self, id: &Name, at: ValidAt, depth: usize) -> Option<(Name, ValidAt)> {
        let depth = depth.checked_sub(1)?;
        let own = self.moves.of(id).rfind(|record| !record.planned && record.at <= at);
        let own = own.map(|record| (record.to.clone(), record.at));
        let begun = |record: &&Recorded<super::Aggregation>| record.from <= at;
        let held = self.aggregations_of(id).filter(begun).filter_map(|held| {
            // The last instant at which it followed its parent.
            let until = held.to.map_or(at, |to| at.min(ValidAt::from_millis(to.millis().saturating_sub(1))));
            let (place, since) = self.place_within(&held.parent, until, depth)?;
            Some((place, since.max(held.from), until == at))
        });
        let mut latest = own;
        for (place, since, still) in held {
            if still {
                return Some((place, since));
            }
            if latest.as_ref().is_none_or(|(_, before)| *before < since) {
                latest = Some((place, since));
            }
        }
        latest.or_else(|| match self.origin(id)? {
            Origin::Registered(unit) => unit.place.clone().map(|place| (place, unit.at)),
            Origin::Split(split) => self.place_within(&split.unit, split.at, depth),
        })
    }

    /// Every unit that the unit or holder `id` is or holds at `at`, itself first if it is a unit.
    #[must_use]
    pub fn units_in(&self, id: &Name, at: ValidAt) -> Vec<Name> {
        let (mut units, mut seen, mut open) = (Vec::new(), BTreeSet::new(), vec![id.clone()]);
        while let Some(next) = open.pop() {
            if !seen.insert(next.clone()) {
                continue;
            }
            for held in self.aggregations.of(&next) {
                if held.from <= at && held.to.is_none_or(|to| at < to) {
                    open.extend(held.children.iter().rev().cloned());
                }
            }
            if self.origin(&next).is_some() {
                units.push(next);
            }
        }
        units
    }

    /// `place` and the places it lies in, innermost first; the outermost may not be registered.
    #[must_use]
    pub fn places_around(&self, place: &Name) -> Vec<Name> {
        let mut chain = vec![place.clone()];
        while let Some(parent) =
            chain.last().and_then(|last| self.places.get(last)).and_then(|last| last.parent.clone())
            && !chain.contains(&parent)
            && chain.len() < DEEPEST
        {
            chain.push(parent);
        }
        chain
    }

    /// The site `place` belongs to: the nearest place of the kind `site` around it, else the outermost place it lies
    /// in; `None` for a place that lies in no other and is no site.
    #[must_use]
    pub fn site_of(&self, place: &Name) -> Option<Name> {
        let chain = self.places_around(place);
        let is_site = |id: &&Name| self.places.get(*id).is_some_and(|place| place.kind == PlaceKind::Site);
        let outermost = || chain.last().filter(|_| chain.len() > 1);
        chain.iter().find(is_site).or_else(outermost).cloned()
    }

    /// The site the unit `id` is at, or was at last, at `at`: on the road it still comes from somewhere.
    #[must_use]
    pub fn last_site_of(&self, id: &Name, at: ValidAt) -> Option<Name> {
        let mut at = at;
        for _ in 0..DEEPEST {
            let (place, since) = self.place_within(id, at, DEEPEST)?;
            if let Some(site) = self.site_of(&place) {
                return Some(site);
            }
            at = ValidAt::from_millis(since.millis().checked_sub(1)?);
        }
        None
    }

    /// The time zone in which days end in `place`: its own, or that of the nearest place around it that has one.
    #[must_use]
    pub fn time_zone_of(&self, place: &Name) -> Option<Tz> {
        let zone = |id: &Name| self.places.get(id).and_then(|place: &Recorded<Place>| place.timezone);
        self.places_around(place).iter().find_map(zone)
    }

    /// The date it is at `at` where the unit `id` is then; without a time zone at UTC+14, where a day ends first.
    #[must_use]
    pub fn date_at(&self, id: &Name, at: ValidAt) -> NaiveDate {
        let instant = Utc.timestamp_millis_opt(at.millis()).single().unwrap_or_default();
        match self.place_of(id, at).and_then(|place| self.time_zone_of(&place)) {
            Some(zone) => instant.with_timezone(&zone).date_naive(),
            None => match FixedOffset::east_opt(EARLIEST_ZONE_S) {
                Some(earliest) => instant.with_timezone(&earliest).date_naive(),
                None => instant.date_naive(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::instant::parse_millis;
    use crate::registry::RegistryDocument;

    fn registry() -> Registry {
        let unit = |id: &str| json!({"id":id,"gtin":"09506000134352","lot":"L","quantity":9,"place":"CR","at":"2026-01-01T00:00:00Z"});
        let document = json!({
            "products": [{"gtin":"09506000134352","storage":{"temperature_c":[2,8]},"kinetics":{"model":"none"}}],
            "lots": [{"gtin":"09506000134352","lot":"L","expires_on":"2028-04-30"}],
            "places": [
                {"id":"CR","kind":"cold_room","parent":"HUB"},
                {"id":"HUB","kind":"site","timezone":"Europe/Berlin"},
                {"id":"FAR","kind":"dock","parent":"OTHER"},
                {"id":"TRK","kind":"vehicle"},
            ],
            "units": [unit("U"), unit("V")],
            "splits": [{"unit":"U","into":[{"id":"C","quantity":1}],"at":"2026-01-02T00:00:00Z"}],
            "aggregations": [{"parent":"PAL","children":["U","V"],"from":"2026-01-03T00:00:00Z","to":"2026-01-06T00:00:00Z"}],
            "moves": [
                {"unit":"PAL","to":"TRK","at":"2026-01-04T00:00:00Z"},
                {"unit":"PAL","to":"FAR","at":"2026-01-05T00:00:00Z"},
                {"unit":"V","to":"CR","at":"2026-01-07T00:00:00Z"},
                {"unit":"U","to":"CR","at":"2026-01-08T00:00:00Z","planned":true},
            ],
        });
        let document = RegistryDocument::from_value(&document).expect("it reads");
        Registry::default().plan(&document, RecordedAt::from_millis(7)).expect("it fits").after
    }

    fn at(text: &str) -> ValidAt {
        ValidAt::from_millis(parse_millis(text).expect("an instant"))
    }

    fn name(text: &str) -> Name {
        Name::parse(text).expect("a name")
    }

    #[test]
    fn a_unit_is_where_it_was_taken_and_a_child_where_its_parent_is() {
        let registry = registry();
        for (unit, when, place) in [
            ("U", "2026-01-01T12:00:00Z", "CR"),
            ("C", "2026-01-09T00:00:00Z", "CR"),
            ("U", "2026-01-03T12:00:00Z", "CR"),
            ("U", "2026-01-04T12:00:00Z", "TRK"),
            ("U", "2026-01-05T00:00:00Z", "FAR"),
            ("U", "2026-01-06T12:00:00Z", "FAR"),
            ("U", "2026-01-09T00:00:00Z", "FAR"),
            ("V", "2026-01-09T00:00:00Z", "CR"),
            ("PAL", "2026-01-05T12:00:00Z", "FAR"),
        ] {
            assert_eq!(registry.place_of(&name(unit), at(when)), Some(name(place)), "{unit} {when}");
        }
        assert_eq!(registry.units_in(&name("PAL"), at("2026-01-05T12:00:00Z")), [name("U"), name("V")]);
        assert_eq!(registry.units_in(&name("PAL"), at("2026-01-06T12:00:00Z")), []);
        assert_eq!(registry.lot_of(&name("C")), registry.lot_of(&name("U")));
        assert_eq!(registry.ancestors_of(&name("C")), [(name("U"), RecordedAt::from_millis(7))]);
    }

    #[test]
    fn a_site_is_around_its_rooms_and_on_the_road_the_last_one_counts() {
        let registry = registry();
        assert_eq!(registry.site_of(&name("CR")), Some(name("HUB")));
        assert_eq!(registry.site_of(&name("FAR")), Some(name("OTHER")));
        assert_eq!(registry.site_of(&name("TRK")), None);
        assert_eq!(registry.last_site_of(&name("U"), at("2026-01-04T12:00:00Z")), Some(name("HUB")));
        assert_eq!(registry.last_site_of(&name("U"), at("2026-01-05T12:00:00Z")), Some(name("OTHER")));
    }

    #[test]
    fn a_day_ends_where_the_unit_is() {
        let registry = registry();
        let evening = at("2026-01-02T23:30:00Z");
        assert_eq!(registry.date_at(&name("U"), evening).to_string(), "2026-01-03");
        assert_eq!(registry.date_at(&name("U"), at("2026-01-05T09:59:00Z")).to_string(), "2026-01-05");
        assert_eq!(registry.date_at(&name("U"), at("2026-01-05T10:00:00Z")).to_string(), "2026-01-06");
    }
}
