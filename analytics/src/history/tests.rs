use model::instant::ValidAt;
use model::name::Name;

use super::*;
use crate::custody::{Custody, Keeping};
use model::assessment::Interval;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn stretch(sensors: &[&str], from: i64, to: i64) -> Stretch {
    Stretch { sensors: sensors.iter().map(|sensor| name(sensor)).collect(), from: Some(from), to: Some(to) }
}

#[test]
fn a_unit_s_stretches_follow_its_sensors_and_not_its_places() {
    let at = ValidAt::from_millis;
    let keeping = |from: i64, to: i64, place: &str, sensors: &[&str]| Keeping {
        from: at(from),
        to: at(to),
        place: Some(name(place)),
        sensors: sensors.iter().map(|sensor| name(sensor)).collect(),
    };
    let custody = Custody {
        window: Interval { from: at(0), to: at(40) },
        pieces: vec![
            keeping(0, 10, "P", &["A"]),
            keeping(10, 20, "Q", &["A"]),
            keeping(20, 30, "R", &[]),
            keeping(30, 40, "S", &["A", "B"]),
        ],
        closed: false,
    };
    let stretches = of_custody(&custody);
    assert_eq!(stretches, [stretch(&["A"], 0, 20), stretch(&[], 20, 30), stretch(&["A", "B"], 30, 41)]);
    assert_eq!(
        stretch::condition(&stretches).unwrap(),
        "((sensor = 'A' AND measured_at >= to_timestamp_millis(0) AND measured_at < to_timestamp_millis(20)) OR \
         (sensor IN ('A', 'B') AND measured_at >= to_timestamp_millis(30) AND measured_at < to_timestamp_millis(41)))"
    );
    assert_eq!(stretch::condition(&stretches[1..2]), None);
    assert_eq!(stretch::most_at_once(&stretches), 2);
}

#[test]
fn a_stretch_is_cut_to_what_is_asked_for() {
    let whole = stretch(&["A"], 10, 20);
    assert_eq!(whole.within(None, None), Some(whole.clone()));
    assert_eq!(whole.within(Some(5), Some(15)), Some(stretch(&["A"], 10, 15)));
    assert_eq!(whole.within(Some(20), None), None);
    assert_eq!(whole.within(None, Some(10)), None);
    let open = Stretch { from: None, to: None, ..whole };
    assert_eq!(open.within(Some(1), None), Some(Stretch { from: Some(1), ..open.clone() }));
}
