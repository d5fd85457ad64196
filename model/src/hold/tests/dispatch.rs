//! What stands against issuing a unit, and what was accepted.

use super::*;

/// A lot of two units in a room of a site, one of them split.
fn registry() -> Registry {
    let unit = |id: &str| json!({"id":id,"gtin":"09506000134352","lot":"L","quantity":9,"place":"CR","at":"2026-01-01T00:00:00Z"});
    let document = json!({
        "products": [{"gtin":"09506000134352","storage":{"temperature_c":[2,8]},"kinetics":{"model":"none"},"max_unmonitored_s":600,
                      "min_remaining_days_at_dispatch":20}],
        "lots": [{"gtin":"09506000134352","lot":"L","expires_on":"2026-12-31"}],
        "places": [
            {"id":"HUB","kind":"site","timezone":"Europe/Berlin"}, {"id":"CR","kind":"cold_room","parent":"HUB"},
            {"id":"Q","kind":"store","parent":"HUB"}, {"id":"TRK","kind":"vehicle"}, {"id":"FAR","kind":"site"},
            {"id":"H","kind":"hospital"},
        ],
        "units": [unit("U"), unit("V")],
        "splits": [{"unit":"U","into":[{"id":"C","quantity":1}],"at":"2026-11-22T11:00:00Z"}],
    });
    let document = RegistryDocument::from_value(&document).expect("it reads");
    let recorded_at = RecordedAt::from_millis(TEN + 60 * MINUTE_MS);
    Registry::default().plan(&document, recorded_at).expect("it fits").after
}

fn codes(blocks: &[Block]) -> Vec<&'static str> {
    blocks.iter().map(Block::code).collect()
}

#[test]
fn all_blocks_are_told_together() {
    let registry = registry();
    let mut book = Book::default();
    let mut gone = assessment(70, vec![excursion("hot", 10, 65, false)]);
    gone.reasons.push(Reason { verdict: Verdict::Review, code: ReasonCode::Unmonitored, rule: None, at: minute(5) });
    gone.effective_expiry = "2026-11-30".parse().expect("a date");
    book.take(&gone);
    let ask = |at: &str| {
        let at = ValidAt::from_millis(crate::instant::parse_millis(at).expect("an instant"));
        blocks(&registry, &book.holds, &gone, minute(70), at)
    };
    assert_eq!(codes(&ask("2026-12-01T12:00:00Z")), ["hold", "review", "expired", "remaining_life"]);
    // The day ends in Berlin, where the unit is.
    assert_eq!(codes(&ask("2026-11-30T22:59:00Z")), ["hold", "review", "remaining_life"]);
    assert_eq!(codes(&ask("2026-11-30T23:00:00Z")), ["hold", "review", "expired", "remaining_life"]);
    assert_eq!(codes(&ask("2026-11-10T12:00:00Z")), ["hold", "review"]);
    let Some(Block::RemainingLife { remaining_days, required_days, .. }) = ask("2026-11-11T12:00:00Z").pop() else {
        panic!("19 days are too few");
    };
    assert_eq!((remaining_days, required_days), (19, 20));
}

#[test]
fn lots_and_places_block_what_they_hold_and_no_more() {
    let registry = registry();
    let (lot, here) = (registry.lot_of(&name("U")).expect("a lot"), minute(70));
    for (scope, blocked, free) in [
        (Scope::Lot(lot), vec!["U", "V", "C"], vec![]),
        (Scope::Place(name("HUB")), vec!["U", "V", "C"], vec![]),
        (Scope::Place(name("CR")), vec!["U", "V", "C"], vec![]),
        (Scope::Place(name("Q")), vec![], vec!["U", "V", "C"]),
        (Scope::Unit(name("U")), vec!["U"], vec!["V", "C"]),
    ] {
        let mut book = Book::default();
        book.put(1, RecordedAt::from_millis(TEN), Cause::Manual, Vec::new());
        let mut hold = Hold::clone(&book.holds.get(HoldId::new(1)).expect("it was put"));
        (hold.id, hold.scope) = (HoldId::new(2), scope);
        let mut holds = Holds::default();
        holds.put(hold);
        for unit in blocked {
            assert_eq!(holds_against(&registry, &holds, &name(unit), here).len(), 1, "{unit} {holds:?}");
        }
        for unit in free {
            assert_eq!(holds_against(&registry, &holds, &name(unit), here), [], "{unit}");
        }
    }
}

#[test]
fn a_child_keeps_what_was_decided_before_the_split() {
    let registry = registry();
    let mut seen = assessment(45, vec![excursion("hot", 10, 41, false)]);
    let mut book = Book::default();
    book.take(&seen);
    book.act(Meaning::Released, Some(&seen)).expect("it is open");
    let reason = Reason { verdict: Verdict::Review, code: ReasonCode::Mkt, rule: None, at: minute(5) };
    let accept = |at: i64| Acceptance {
        unit: name("U"),
        reasons: vec![reason.clone()],
        as_of: minute(45),
        readings_digest: "00".into(),
        by: name("m.lin"),
        at: RecordedAt::from_millis(TEN + at * MINUTE_MS),
        reason: "seen".into(),
        record: "00".into(),
    };
    seen.unit = name("C");
    seen.reasons.push(reason.clone());
    assert_eq!(decide(&book.holds.unit(&registry, &name("C")), &seen, |_| false), []);
    book.holds.put_acceptance(accept(61));
    assert_eq!(unaccepted(&registry, &book.holds, &seen), std::slice::from_ref(&reason));
    book.holds.put_acceptance(accept(59));
    assert_eq!(unaccepted(&registry, &book.holds, &seen), []);
}

#[test]
fn an_acceptance_covers_what_was_there_and_nothing_that_came_after() {
    let registry = registry();
    let mut book = Book::default();
    let reason =
        |code, rule: Option<&str>, at| Reason { verdict: Verdict::Review, code, rule: rule.map(name), at: minute(at) };
    let gap = |from, to| Interval { from: minute(from), to: minute(to) };
    let mut seen = assessment(100, vec![]);
    seen.reasons = vec![
        reason(ReasonCode::Unmonitored, None, 15),
        reason(ReasonCode::Mkt, None, 20),
        reason(ReasonCode::Excursion, Some("warm"), 30),
    ];
    seen.coverage.gaps = vec![gap(5, 40), gap(60, 90)];
    let alarm = |at| Alarm { rule: name("warm"), at: Some(minute(at)), worst_case_at: None };
    seen.alarms = vec![alarm(30)];
    let record = |seen: &Assessment| Acceptance {
        unit: name("U"),
        reasons: seen.reasons.clone(),
        as_of: seen.as_of,
        readings_digest: "00".into(),
        by: name("m.lin"),
        at: RecordedAt::from_millis(TEN),
        reason: "seen".into(),
        record: "00".into(),
    };
    assert_eq!(unaccepted(&registry, &book.holds, &seen).len(), 3);
    book.holds.put_acceptance(record(&seen));
    let left = |change: &dyn Fn(&mut Assessment)| {
        let mut later = Assessment { as_of: minute(200), ..seen.clone() };
        change(&mut later);
        unaccepted(&registry, &book.holds, &later).iter().map(|reason| reason.code).collect::<Vec<_>>()
    };
    assert_eq!(left(&|_| {}), []);
    // The mean rises; late data fills the first gap and the second, known then, is left; a short gap comes.
    assert_eq!(left(&|later| later.reasons[1].at = minute(150)), []);
    assert_eq!(left(&|later| (later.reasons[0].at, later.coverage.gaps) = (minute(70), vec![gap(60, 90)])), []);
    assert_eq!(left(&|later| later.coverage.gaps.push(gap(110, 119))), []);
    // Another gap that is too long, another firing, one that late data put before the first, a reason of its own.
    assert_eq!(left(&|later| later.coverage.gaps.push(gap(110, 121))), [ReasonCode::Unmonitored]);
    assert_eq!(left(&|later| later.alarms.push(alarm(130))), [ReasonCode::Excursion]);
    assert_eq!(left(&|later| later.reasons[2].at = minute(29)), [ReasonCode::Excursion]);
    let another = reason(ReasonCode::GuardBand, Some("warm"), 30);
    assert_eq!(left(&|later| later.reasons.push(another.clone())), [ReasonCode::GuardBand]);
}

#[test]
fn leaving_the_site_is_going_out() {
    let registry = registry();
    for (to, out) in [("Q", false), ("TRK", false), ("FAR", true), ("H", true), ("nowhere", true)] {
        let destination = Destination::of(&registry, &name("U"), &name(to), minute(0));
        assert_eq!(destination == Destination::Out, out, "{to}");
    }
}
