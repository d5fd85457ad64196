use serde_json::json;

use super::*;
use crate::hold::AlarmId;
use crate::instant::{RecordedAt, parse_millis};
use crate::registry::RegistryDocument;

const GTIN: &str = "09506000134352";

/// Two sites in a region; `U` came from the other site, `V` went there, `T` is on the road, `N` nobody knows where.
fn registry() -> Arc<Registry> {
    let unit = |id: &str, lot: &str, place: Option<&str>| json!({"id":id,"gtin":GTIN,"lot":lot,"quantity":9,"place":place,"at":"2026-01-01T00:00:00Z"});
    let document = json!({
        "products": [{"gtin":GTIN,"storage":{"temperature_c":[2,8]},"kinetics":{"model":"none"}}],
        "lots": [{"gtin":GTIN,"lot":"LA","expires_on":"2028-04-30"}, {"gtin":GTIN,"lot":"LB","expires_on":"2028-04-30"}],
        "places": [
            {"id":"EU","kind":"site"}, {"id":"A","kind":"site","parent":"EU"}, {"id":"A-CR","kind":"cold_room","parent":"A"},
            {"id":"B","kind":"site","parent":"EU"}, {"id":"B-CR","kind":"cold_room","parent":"B"}, {"id":"TRK","kind":"vehicle"},
        ],
        "units": [unit("U","LA",Some("B-CR")), unit("V","LB",Some("A-CR")), unit("T","LA",Some("A-CR")), {"id":"N","gtin":GTIN,"lot":"LB","quantity":1,"at":"2026-01-01T00:00:00Z"}],
        "associations": [
            {"sensor":"S","place":"B-CR","from":"2026-01-01T00:00:00Z","to":"2026-01-05T00:00:00Z"},
            {"sensor":"S","place":"A-CR","from":"2026-01-05T00:00:00Z"},
            {"sensor":"L","unit":"T","from":"2026-01-01T00:00:00Z"},
            {"sensor":"R","unit":"U","from":"2026-01-01T00:00:00Z"},
            {"sensor":"Q","unit":"U","from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z"},
        ],
        "moves": [
            {"unit":"U","to":"A-CR","at":"2026-01-02T00:00:00Z"}, {"unit":"V","to":"B-CR","at":"2026-01-02T00:00:00Z"},
            {"unit":"T","to":"TRK","at":"2026-01-02T00:00:00Z"}, {"unit":"V","to":"A-CR","at":"2026-01-03T00:00:00Z","planned":true},
        ],
    });
    let document = document.to_string().replace("\"place\":null,", "");
    let document = RegistryDocument::from_value(&serde_json::from_str(&document).unwrap()).expect("it reads");
    Arc::new(Registry::default().plan(&document, RecordedAt::from_millis(7)).expect("it fits").after)
}

fn at(text: &str) -> ValidAt {
    ValidAt::from_millis(parse_millis(text).unwrap())
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn sight(sites: &[&str]) -> Sight {
    let sites = Sites::new(sites.iter().map(|site| name(site))).unwrap();
    Sight::of(Some(&sites), &registry(), at("2026-01-09T00:00:00Z"))
}

#[test]
fn sees_what_is_inside_now_and_names_what_is_around() {
    let sight = sight(&["A"]);
    for (place, sees, names) in
        [("A", true, true), ("A-CR", true, true), ("EU", false, true), ("B", false, false), ("B-CR", false, false)]
    {
        assert_eq!((sight.place(&name(place)), sight.names(&name(place))), (sees, names), "{place}");
    }
    for (unit, sees) in [("U", true), ("V", false), ("T", false), ("N", false), ("none", false)] {
        assert_eq!(sight.unit(&name(unit)), sees, "{unit}");
    }
    let lot = |lot: &str| LotKey::parse(&format!("{GTIN}/{lot}")).unwrap();
    assert!(sight.lot(&lot("LA")) && !sight.lot(&lot("LB")) && !sight.lot(&lot("none")));
    assert!(sight.product(&Gtin::parse(GTIN).unwrap()));
    assert!(sight.sensor(&name("S")) && !sight.sensor(&name("L")));
    assert!(!sight.sensor_at(&name("S"), at("2026-01-04T00:00:00Z")));
}

#[test]
fn what_travelled_with_a_unit_is_seen_while_the_unit_was_where_it_is_seen() {
    let (sight, registry) = (sight(&["A"]), registry());
    let told = |sensor: &str| {
        let all = registry.associations.iter().filter(|one| one.sensor.as_str() == sensor);
        all.filter(|one| sight.association(&one.record)).count()
    };
    assert_eq!((told("R"), told("Q"), told("L")), (1, 0, 0), "it came along, it stayed there, its unit is gone");
    assert!(sight.sensor(&name("R")) && !sight.sensor(&name("Q")));
    let (before, after) = (at("2026-01-01T12:00:00Z"), at("2026-01-02T12:00:00Z"));
    assert!(sight.reading(&name("R"), None, after) && !sight.reading(&name("R"), None, before));
    // of what watches nothing, the unit it names itself counts
    let unit = name("U");
    assert!(sight.reading(&name("X"), Some(&unit), after) && !sight.reading(&name("X"), Some(&unit), before));
    assert!(
        !sight.reading(&name("X"), Some(&name("V")), at("2026-01-01T12:00:00Z"))
            && !sight.reading(&name("X"), None, after)
    );
}

#[test]
fn a_vehicle_is_a_site_when_it_is_named_as_one() {
    let sight = sight(&["A-CR", "TRK"]);
    assert!(sight.unit(&name("T")) && sight.sensor(&name("L")) && sight.unit(&name("U")));
    assert!(!sight.place(&name("A")) && sight.names(&name("A")));
}

#[test]
fn a_lot_is_never_covered_and_without_a_limit_everything_is() {
    let (limited, all) = (sight(&["A"]), Sight::everything());
    let lot = Scope::Lot(LotKey::parse(&format!("{GTIN}/LA")).unwrap());
    assert!(!limited.covers(&lot) && all.covers(&lot));
    assert!(limited.covers(&Scope::Place(name("A-CR"))) && !limited.covers(&Scope::Place(name("EU"))));
    assert!(all.unit(&name("V")) && all.sensor(&name("L")) && all.place(&name("nowhere")) && !all.is_limited());
}

#[test]
fn an_alarm_of_a_move_is_seen_where_it_led_inside() {
    let alarm = |unit: &str, when: &str, code| RaisedAlarm {
        id: AlarmId::new(1),
        code,
        subject: Subject::Unit(name(unit)),
        rule: None,
        at: at(when),
        raised_at: RecordedAt::from_millis(0),
        cleared_at: None,
        detail: "taken".into(),
        acknowledged: None,
    };
    let sight = sight(&["A"]);
    let moved = AlarmCode::MovedWhileBlocked;
    assert!(sight.alarm(&alarm("U", "2026-01-02T00:00:00Z", moved)));
    assert!(!sight.alarm(&alarm("U", "2026-01-01T12:00:00Z", moved)), "it was elsewhere then");
    assert!(sight.alarm(&alarm("U", "2026-01-01T12:00:00Z", AlarmCode::RuleFired)), "its own record");
    assert!(!sight.alarm(&alarm("V", "2026-01-02T00:00:00Z", AlarmCode::RuleFired)));
}

#[test]
fn an_alarm_of_a_sensor_is_seen_of_one_that_is_here_and_was_here_then() {
    let silent = |sensor: &str, when: &str| RaisedAlarm {
        id: AlarmId::new(1),
        code: AlarmCode::SensorSilent,
        subject: Subject::Sensor(name(sensor)),
        rule: None,
        at: at(when),
        raised_at: RecordedAt::from_millis(0),
        cleared_at: None,
        detail: "silent".into(),
        acknowledged: None,
    };
    let (here, there) = (sight(&["A"]), sight(&["B"]));
    let (earlier, later) = (silent("S", "2026-01-04T00:00:00Z"), silent("S", "2026-01-06T00:00:00Z"));
    assert!(here.alarm(&later) && !here.alarm(&earlier));
    assert!(!there.alarm(&later) && !there.alarm(&earlier), "it has gone, and is not theirs to acknowledge");
}

#[test]
fn what_could_be_tried_against_a_digest_is_not_told_with_one() {
    let hold = |inherited: bool, apart: Option<&str>, acted: bool| {
        let act = json!({"meaning":"under_review","disposition":null,"by":"m.lin","at":"2026-01-05T00:00:00Z","reason":"seen","record":"ab","accepted":null});
        let quarantine = apart.map(|place| json!({"place":place,"confirmed_by":null,"confirmed_at":null}));
        let record = json!({
            "id":"h7","scope":{"unit":"U"},"cause":{"code":"manual","rule":null},"incident":"i7","state":"open",
            "placed_at":"2026-01-05T00:00:00Z","author":"m.lin","reason":"odd","inherited_from":inherited.then_some("h3"),
            "evidence":[],"quarantine":quarantine,"acts":if acted { vec![act] } else { vec![] },
        });
        Hold::read(&record).unwrap()
    };
    let (limited, all) = (sight(&["A"]), Sight::everything());
    for (inherited, apart, acted, digests) in [
        (false, None, false, true),
        (false, None, true, true),
        (true, None, false, false),
        (false, Some("A-CR"), false, true),
        (false, Some("A-CR"), true, false),
        (false, Some("EU"), false, true),
        (false, Some("B-CR"), false, false),
        (false, Some("B-CR"), true, false),
    ] {
        let hold = hold(inherited, apart, acted);
        assert_eq!(all.told(&hold), hold.to_json());
        assert!(all.digests(&hold));
        assert_eq!(limited.digests(&hold), digests, "{hold:?}");
        let told = limited.told(&hold);
        assert_eq!(told["inherited_from"], json!(null));
        assert_eq!(told["quarantine"]["place"], json!(apart.filter(|place| *place != "B-CR")), "{told}");
        assert_eq!(told["acts"][0]["record"].is_string(), digests && acted, "{told}");
    }
}

#[test]
fn a_limit_has_places_and_reads_back() {
    assert_eq!(Sites::new([]), Err(SitesError::Empty));
    let many = (0..=MAX_SITES).map(|nth| name(&format!("P{nth}")));
    assert_eq!(Sites::new(many), Err(SitesError::Many { count: MAX_SITES + 1 }));
    let sites = Sites::new([name("B"), name("A"), name("B")]).unwrap();
    assert_eq!(sites.to_json(), json!(["A", "B"]));
    assert_eq!(Sites::read(&sites.to_json()), Some(sites));
    for wrong in [json!([]), json!(["a b"]), json!("A"), json!([1])] {
        assert_eq!(Sites::read(&wrong), None, "{wrong}");
    }
}
