//! Letters as people read them.

use model::instant::RecordedAt;
use model::name::Name;
use model::registry::Language;
use serde_json::json;

use super::*;

fn person(language: Language) -> Recipient {
    Recipient {
        id: Name::parse("m.lin").unwrap(),
        name: Some("Lin Mei".into()),
        email: Some("m.lin@wh.example".into()),
        phone: None,
        language,
        level: 1,
        active: true,
    }
}

fn due(kind: &str, level: u32, body: &Value) -> Due {
    Due {
        delivery: 1,
        recipient: "m.lin".to_owned(),
        attempts: 0,
        level,
        id: "n7-0123456789ab".to_owned(),
        kind: kind.to_owned(),
        subject: "i0123".to_owned(),
        created_at: RecordedAt::from_millis(0),
        body: body.to_string(),
    }
}

fn held(units: usize) -> Value {
    let unit = |at| {
        json!({"unit": format!("U{at}"), "lot": "LOT42", "gtin": "09506000134352", "place": "CR2",
                           "product": "Insulin pen", "quantity": 480})
    };
    json!({
        "incident": "i0123", "count": units, "held": (1..=units.min(100)).map(unit).collect::<Vec<_>>(),
        "causes": [{"code": "excursion", "rule": "hot"}], "author": "system",
        "places": [{"id": "CR2", "name": "Cold room 2", "site": "WH1"}],
        "since": "2026-11-22T10:00:00.000Z", "placed_at": "2026-11-22T10:30:00.000Z",
        "worst": {"peak": 9.5, "peak_at": "2026-11-22T10:20:00.000Z"},
        "links": {"page": "https://coldtrail.example/"},
    })
}

#[test]
fn a_letter_says_what_is_held_where_why_and_since_when() {
    let (subject, text) = write(&due("hold.placed", 1, &held(1)), &person(Language::English));
    assert_eq!(
        subject,
        "[Coldtrail] Hold: Unit U1 – temperature or humidity out of limits (hot) – Cold room 2 (CR2), WH1"
    );
    for said in [
        "Incident: i0123",
        "Place: Cold room 2 (CR2), WH1",
        "Since: 2026-11-22T10:00:00.000Z",
        "Worst value: 9.5 (2026-11-22T10:20:00.000Z)",
        "  Unit U1, product Insulin pen (09506000134352), Lot LOT42, quantity 480, Place CR2",
        "See: https://coldtrail.example/",
        "Notification: n7-0123456789ab",
    ] {
        assert!(text.lines().any(|line| line == said), "`{said}` is not in {text}");
    }
}

#[test]
fn a_letter_about_many_lists_some_and_counts_all() {
    let (subject, text) = write(&due("hold.placed", 2, &held(250)), &person(Language::English));
    assert!(subject.starts_with("[Coldtrail] URGENT Hold: 250 units – "), "{subject}");
    assert_eq!(text.matches("  Unit U").count(), LISTED);
    assert!(text.contains("and more: 230"), "{text}");
    assert!(text.starts_with("Nobody has acknowledged"), "{text}");
}

#[test]
fn alarms_are_told_in_chinese_too() {
    let alarms = json!({"code": "sensor_silent", "rule": null, "count": 1, "since": "2026-11-22T10:00:00.000Z",
        "places": [], "alarms": [{"id": "a9", "sensor": "S1", "detail": "nothing was heard of it"}]});
    let (subject, text) = write(&due("alarm.raised", 1, &alarms), &person(Language::Chinese));
    assert_eq!(subject, "[Coldtrail] 报警: 传感器无数据: S1");
    assert!(text.contains("  a9  S1: nothing was heard of it"), "{text}");
}

#[test]
fn a_letter_is_written_whatever_the_notice_says() {
    for body in [json!(null), json!([]), json!({"count": "x", "held": {}, "alarms": [1]})] {
        for kind in ["hold.placed", "alarm.raised"] {
            let (subject, _) = write(&due(kind, 1, &body), &person(Language::English));
            assert!(!subject.contains(['\r', '\n']), "{subject}");
        }
    }
}
